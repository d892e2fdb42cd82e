"""`starwire profile`: wire profiles learned from captures, and shown as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .commands import cannot, read_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starwire.protocol.profile import Profile

    from .captures import Hop


@click.group(short_help="Learn a wire profile from captures; show one.")
def profile() -> None:
    """Wire profiles: the widths, byte orders and fills of the headers (HDR-10).

    \b
    $ starwire profile learn traffic/ --out ours.toml
    $ starwire profile show ours.toml
    """


@profile.command()
@click.argument("captures", nargs=-1, metavar="CAPTURE...")
@click.option(
    "--hop",
    type=click.Choice(["proxy", "dispatcher", "web", "auto"]),
    default="auto",
    show_default=True,
    help="Which hop was captured; `auto` finds out.",
)
@click.option(
    "--requests", default="", metavar="FILE", help="What a client sent: raw octets, or a hex dump."
)
@click.option("--replies", default="", metavar="FILE", help="What it was answered.")
@click.option("--name", default="learned", show_default=True, help="The name of the profile.")
@click.option(
    "--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write the TOML there."
)
@click.option("--json", "as_json", is_flag=True, help="Fields and evidence as JSON.")
def learn(
    captures: tuple[str, ...],
    hop: Hop,
    requests: str,
    replies: str,
    name: str,
    out: str | None,
    as_json: bool,
) -> None:
    """Propose the wire profile of a system from captures of its traffic.

    \b
    $ starwire profile learn traffic/ --name ours --out ours.toml
    $ starwire profile learn old.pcap --hop proxy
    $ starwire profile learn --requests sent.xxd --replies received.xxd
    $ starwire check https://old.example:8443/nmci --profile ours.toml

    A CAPTURE is a recording, or packets (pcap, pcapng). --requests and --replies are the two sides
    of one connection. The evidence of each field is printed; without --out the profile follows it.
    Exit status 2, and one line, if no profile explains the octets.
    """
    from .captures import Captured
    from .learning import NothingLearned
    from .profile_learning import learned

    if not captures and not requests:
        cannot("nothing to learn from: give captures, or --requests FILE and --replies FILE")
    if not name:
        cannot("--name must not be empty")
    try:
        captured = Captured(captures, hop, requests, replies)
        text, lines = learned(captured, name, as_json=as_json, with_text=out is None)
    except NothingLearned as error:
        cannot(str(error))
    for line in lines:
        click.echo(line)
    if out is not None:
        try:
            Path(out).write_text(text, "utf-8")
        except OSError as error:
            cannot(f"{out}: {error.strerror}")
        click.echo(f"{out}: written", err=True)


@profile.command()
@click.argument("name", metavar="NAME|FILE")
def show(name: str) -> None:
    """Show the headers of a profile: offset, octets, byte order or fill of every field.

    \b
    $ starwire profile show little
    """
    for line in _layout_lines(read_profile(name)):
        click.echo(line)


def _layout_lines(profile: Profile) -> Iterator[str]:
    from starwire.protocol.layout import IntegerSlot

    yield f"profile {profile.name}, version {profile.version}"
    wire = profile.wire
    for codec in (wire.common, wire.dispatcher, wire.web, wire.bulk):
        yield f"{codec.name} header: {codec.size} octets"
        for slot in codec.slots:
            if isinstance(slot, IntegerSlot):
                words = f"{slot.order}-endian" if slot.width > 1 else ""
            else:
                words = "NUL filled" if slot.pad == b"\0" else "blank filled"
            yield f"  {slot.offset:>3} {slot.name:<14}{slot.width:>4} {words}".rstrip()
