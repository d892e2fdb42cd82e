"""What the commands share: how they fail, and what they read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from starwire.protocol.profile import Profile


class CannotBeDone(click.ClickException):
    """Exit status 2, one line."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        line = " ".join(self.format_message().split())
        click.echo(f"starwire: {line}", file=file or sys.stderr)


@contextmanager
def _one_line() -> Iterator[None]:
    """Wrong use in one line too; click would print the usage before it."""
    try:
        yield
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "starwire"
        said = error.format_message().rstrip(".")
        raise CannotBeDone(f"{said}; see `{command} --help`") from None


class Commands(click.Group):
    """The group of all commands."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with _one_line():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _one_line():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                raise CannotBeDone("interrupted") from None


def cannot(reason: str) -> NoReturn:
    """End with exit status 2 and that reason."""
    raise CannotBeDone(reason)


profile_option = click.option(
    "--profile",
    "profile_name",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="The wire profile: `default`, `little`, or a TOML file of your own.",
)


def read_profile(name: str) -> Profile:
    """The shipped profile of that name, or the one in the file of that name."""
    from starwire.protocol.profile import SHIPPED, ProfileError, load_profile, shipped

    if name in SHIPPED:
        return shipped(name)
    try:
        return _with_good_overlay(load_profile(Path(name).read_text("utf-8")))
    except OSError as error:
        choices = " or ".join(SHIPPED)
        raise CannotBeDone(f"profile {name}: {error.strerror}; give {choices}, or a file") from None
    except UnicodeDecodeError:
        raise CannotBeDone(f"profile {name}: is not UTF-8 text") from None
    except ProfileError as error:
        raise CannotBeDone(f"profile {name}: {error}") from None


def _with_good_overlay(profile: Profile) -> Profile:
    """The profile, if the catalogue takes what it adds."""
    if profile.overlay:
        from starwire.protocol.catalogue import CatalogueError, catalogue
        from starwire.protocol.profile import ProfileError

        try:
            catalogue().with_overlay(profile.overlay)
        except CatalogueError as error:
            raise ProfileError("", str(error)) from None
    return profile


def read_octets(source: str, most: int = -1) -> bytes:
    """The octets of a file, of standard input for `-`; no more of them than `most`."""
    try:
        if source == "-":
            return sys.stdin.buffer.read(most)
        with open(source, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise CannotBeDone(f"{source}: {error.strerror}") from None
