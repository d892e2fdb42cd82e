"""The command line. Every command keeps to the exit statuses: 0 done and good, 1 done and something
failed, 2 could not be done, with one line on standard error that says why and what to do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from starwire.grammar import __version__
from starwire.protocol.endpoints import DEFAULT_PORTS

if TYPE_CHECKING:
    from starwire.protocol.profile import Profile

_NAMES = ", ".join(DEFAULT_PORTS)
_TYPES = {"sync": 0, "async": 1, "bulk": 3}


class CannotBeDone(click.ClickException):
    """Exit status 2, one line."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"starwire: {self.format_message()}", file=file or sys.stderr)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Emulate the networkMCI Interact reporting wire of 1998, octet for octet, and test any
    implementation of it.

    \b
    First steps:
      starwire demo                           the whole chain, a customer's day, decoded
      starwire parse message.msg              what a message says, or where it is broken
      starwire serve                          run the emulator
      starwire send 'GRTL<...>' --to TARGET   one transaction
      starwire codes 6612                     what an error code means
    """


_profile = click.option(
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
        return load_profile(Path(name).read_text("utf-8"))
    except OSError as error:
        choices = " or ".join(SHIPPED)
        raise CannotBeDone(f"profile {name}: {error.strerror}; give {choices}, or a file") from None
    except (ProfileError, UnicodeDecodeError) as error:
        raise CannotBeDone(f"profile {name}: {error}") from None


def read_octets(source: str) -> bytes:
    """The octets of a file, of standard input for `-`."""
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise CannotBeDone(f"{source}: {error.strerror}") from None


@main.command()
@click.argument("source", metavar="[FILE or -]", default="-")
@click.option("--json", "as_json", is_flag=True, help="The tree as JSON, with offsets.")
@_profile
def parse(source: str, as_json: bool, profile_name: str) -> None:
    """Show the tree of a message; say where and why octets are none.

    \b
    $ printf 'GRTL<PRODUCT=V,IO=O>' | starwire parse
    GRTL
      PRODUCT = V
      IO = O

    Exit status 1 for octets that are no message: `CODE at octet N: reason`.
    """
    from starwire.grammar import MetadataError
    from starwire.grammar import parse as parse_message
    from starwire.protocol.catalogue import catalogue

    from .display import as_plain, tree_lines

    try:
        message = parse_message(read_octets(source), read_profile(profile_name).limits)
    except MetadataError as error:
        code = getattr(catalogue().family("rm"), error.fault.value)
        click.echo(f"{code} at octet {error.offset}: {error.explain()}", err=True)
        sys.exit(1)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(as_plain(message)), indent=2))
    else:
        click.echo("\n".join(tree_lines(message)))


@main.command()
@click.argument("code", required=False, type=int)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def codes(code: int | None, as_json: bool) -> None:
    """List the error codes of Appendix E, or explain one.

    \b
    $ starwire codes 6612
    """
    from .show_codes import show

    text = show(code, as_json)
    if text is None:
        raise CannotBeDone(f"{code} is no code of Appendix E; `starwire codes` lists them")
    click.echo(text)


def _message_octets(message: str) -> bytes:
    if message == "-":
        return read_octets("-")
    try:
        return message.encode("latin-1")
    except UnicodeEncodeError as error:
        letter = message[error.start]
        raise CannotBeDone(f"{letter!r} is not ISO 8859-1, the wire's character set") from None


@main.command()
@click.argument("message", metavar="MESSAGE or -")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="https://HOST:PORT/nmci, dispatcher://HOST:PORT, proxy://HOST:PORT or native://HOST:PORT.",
)
@click.option("--proxy", default="RM", show_default=True, help="The proxy behind a dispatcher.")
@click.option("--user", help="Log on as this user first.")
@click.option("--password", help="Its password.", envvar="STARWIRE_PASSWORD", show_envvar=True)
@click.option("--logon", metavar="URL", help="Where to log on when TARGET is no web server.")
@click.option("--type", "kind", type=click.Choice(list(_TYPES)), default="sync", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False), help="Write the response's octets there.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust.")
@click.option("--insecure", is_flag=True, help="Do not verify the web server's certificate.")
@click.option("--seconds", default=60.0, show_default=True, help="How long to wait for the reply.")
@click.option("--trace", is_flag=True, help="Show every header of request and reply, decoded.")
@_profile
def send(message: str, **options: Any) -> None:
    """Send one message and print the response message.

    \b
    $ starwire send 'GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>' \\
        --to https://127.0.0.1:8443/nmci --user jeanvnet2 --password interact

    Exit status 0 if status and ERROR are 0, 1 if the answer is a refusal, 2 if there is none.
    """
    from .send import transact

    octets = _message_octets(message)
    options["type"] = _TYPES[options.pop("kind")]
    options["profile"] = read_profile(options.pop("profile_name"))
    sys.exit(transact(octets, cannot=_cannot, **options))


def _cannot(reason: str) -> NoReturn:
    raise CannotBeDone(reason)


def _ports(_: Any, __: Any, values: tuple[str, ...]) -> dict[str, int]:
    ports = {}
    for value in values:
        name, _, number = value.partition("=")
        if name not in DEFAULT_PORTS:
            raise click.BadParameter(f"{name!r} is none of {_NAMES}")
        if not number.isdecimal() or int(number) > 65_535:
            raise click.BadParameter(f"{value!r}: give NAME=PORT, 0 to 65535; 0 takes any free one")
        ports[name] = int(number)
    return ports


def _only(_: Any, __: Any, value: str | None) -> tuple[str, ...]:
    names = tuple(DEFAULT_PORTS) if value is None else tuple(value.split(","))
    for name in names:
        if name not in DEFAULT_PORTS:
            raise click.BadParameter(f"{name!r} is none of {_NAMES}")
    return names


_port_list = ", ".join(f"{name} {port}" for name, port in DEFAULT_PORTS.items())


@main.command(epilog=f"Default ports: {_port_list}.")
@click.option(
    "--state",
    default="starwire-state",
    show_default=True,
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Where state, files and certificate are kept.",
)
@_profile
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Costs, limits of trust and switches (docs/configuration.md).",
)
@click.option("--only", callback=_only, metavar="NAME,..", help=f"Run only these: {_NAMES}.")
@click.option(
    "--port",
    "ports",
    multiple=True,
    callback=_ports,
    metavar="NAME=N",
    help="Listen there (0: any free port), or, for an endpoint that runs elsewhere on "
    "the host, look for it there. May be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--database",
    default="",
    metavar="URL",
    help="sqlite:///PATH or postgresql+psycopg://...; default: SQLite in the state folder.",
)
@click.option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="The web server's certificate; default: self-signed, made on first start.",
)
@click.option(
    "--tls-key", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Its key."
)
@click.option("--quiet", is_flag=True, help="No line for each hop of each transaction.")
def serve(**options: Any) -> None:
    """Run the emulator: web server, dispatcher, cookie jar, proxies and their back ends.

    \b
    $ starwire serve --port web=0
    listening jar 127.0.0.1 8402
    ...
    ready

    Prints `listening NAME HOST PORT` for each endpoint, then `ready`; a line for each hop of each
    transaction goes to standard error. SIGTERM lets the answers under way go out, then exit 0.
    """
    if bool(options["tls_cert"]) != bool(options["tls_key"]):
        raise CannotBeDone("--tls-cert and --tls-key go together: give both or neither")
    options["profile"] = read_profile(options.pop("profile_name"))
    from .emulator import EmulatorError, serve_until_stopped

    try:
        serve_until_stopped(announce=click.echo, **options)
    except EmulatorError as error:
        raise CannotBeDone(str(error)) from None


@main.command()
@_profile
@click.option("--plain", is_flag=True, help="No colours, whatever the terminal can.")
def demo(profile_name: str, plain: bool) -> None:
    """Run the whole chain on loopback and take one customer through a day, the wire shown decoded.

    \b
    $ starwire demo
    """
    from .demo import run

    sys.exit(run(profile_name, read_profile(profile_name), plain=plain, cannot=_cannot))


if __name__ == "__main__":
    main()
