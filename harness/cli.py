"""The command line. Every command keeps to the exit statuses: 0 done and good, 1 done and something
failed, 2 could not be done, with one line on standard error that says why and what to do.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from starwire.grammar import __version__
from starwire.protocol.endpoints import DEFAULT_PORTS, SHAREABLE

from .commands import CannotBeDone, Commands, cannot, profile_option, read_octets, read_profile
from .conformance.commands import check, rules
from .judge import judge
from .profile_commands import profile
from .reports.commands import report_command

if TYPE_CHECKING:
    from starwire.protocol.sealing import LinkKeys

_NAMES = ", ".join(DEFAULT_PORTS)
_DAY = 86_400
_TYPES = {"sync": 0, "async": 1, "bulk": 3}


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Emulate the networkMCI Interact reporting wire of 1998, octet for octet, and test any
    implementation of it.

    \b
    First steps:
      starwire demo                           the whole chain, a customer's day, decoded
      starwire parse message.msg              what a message says, or where it is broken
      starwire serve                          run the emulator
      starwire send 'GRTL<...>' --to TARGET   one transaction
      starwire check memory:                  test an implementation, rule by rule
      starwire codes 6612                     what an error code means
      starwire rules TRN-02                   a rule of the wire, and its cases
      starwire faults                         the rules that serve --break NAME breaks
      starwire recording show traffic.jsonl   what was recorded, decoded
      starwire judge traffic/                 recorded traffic, held to the rules
      starwire bundle show failure.zip        seed, faults and traffic of a run
      starwire profile learn traffic/         the wire profile of a system, from captures
      starwire report old.json new.json --html both.html   reports side by side
      starwire audit verify                   that nobody changed what was recorded

    Exit status: 0 done and good, 1 done and something failed, 2 could not be done.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal cannot show is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@main.command()
@click.argument("source", metavar="[FILE or -]", default="-")
@click.option("--json", "as_json", is_flag=True, help="The tree as JSON, with offsets.")
@profile_option
def parse(source: str, as_json: bool, profile_name: str) -> None:
    """Show the tree of a message; say where and why octets are none.

    \b
    $ printf 'GRTL<PRODUCT=V,IO=O>' | starwire parse
    GRTL
      PRODUCT = V
      IO = O

    For octets that are no message standard error has `CODE at octet N: what was expected`, and the
    exit status is 1. Octets count from 0. Whether a message is known, and its values good, is not
    asked here: `starwire send` asks a server.
    """
    from starwire.grammar import MetadataError
    from starwire.grammar import parse as parse_message
    from starwire.grammar.plain import as_plain
    from starwire.protocol.catalogue import catalogue

    from .display import tree_lines

    limits = read_profile(profile_name).limits
    try:
        message = parse_message(read_octets(source, limits.octets + 1), limits)
    except MetadataError as error:
        code = getattr(catalogue().family("rm"), error.fault.value)
        click.echo(f"{code} at octet {error.offset}: {error.explain()}", err=True)
        sys.exit(1)
    if not as_json:
        for line in tree_lines(message):
            click.echo(line)
        return
    import msgspec

    try:
        click.echo(msgspec.json.format(msgspec.json.encode(as_plain(message)), indent=2))
    except RecursionError:
        raise CannotBeDone("groups too deep for JSON; show the tree without --json") from None


@main.command()
@click.argument("code", required=False, type=int)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def codes(code: int | None, as_json: bool) -> None:
    """List the error codes of Appendix E, or explain one.

    \b
    $ starwire codes 6612
    6612, Report Manager: the brackets are unbalanced
      given when: A closing bracket that closes nothing, or an end of the input with a group open.

    0 stands in both lists. docs/error-codes.md has all of it on one page.
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
        # An octet that the shell's own character set does not know comes as a surrogate.
        return message.encode("latin-1", "surrogateescape")
    except UnicodeEncodeError as error:
        letter = message[error.start]
        raise CannotBeDone(
            f"{letter!r} is not ISO 8859-1, the wire's character set; give the octets by `-`"
        ) from None


def _seconds(_: Any, __: Any, value: float) -> float:
    if not 0 < value <= _DAY:
        raise click.BadParameter(f"{value}: give 0.001 to {_DAY}")
    return value


@main.command()
@click.argument("message", metavar="MESSAGE or -")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="https://HOST:PORT/nmci, dispatcher://HOST:PORT, proxy://HOST:PORT or native://HOST:PORT"
    " (docs/client.md).",
)
@click.option(
    "--proxy",
    default="RM",
    show_default=True,
    metavar="NAME",
    help="The proxy that a dispatcher asks: RM, RS, INBOX or STAROE.",
)
@click.option("--user", metavar="NAME", help="Log on as this user first.")
@click.option(
    "--password",
    metavar="TEXT",
    help="The user's password.",
    envvar="STARWIRE_PASSWORD",
    show_envvar=True,
)
@click.option("--logon", metavar="URL", help="Where to log on when TARGET is no web server.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(list(_TYPES)),
    default="sync",
    show_default=True,
    help="The transport; async asks, then polls until there is a result; bulk with --out goes on"
    " with what an earlier try left beside the file.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    help="Write the response's octets there; of a fetch (F), the file's are behind the message, and"
    " alone with --type bulk.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False),
    help="Certificates to trust, PEM; of the emulator, web.crt in its state folder.",
)
@click.option("--insecure", is_flag=True, help="Do not verify the web server's certificate.")
@click.option(
    "--link-keys",
    type=click.Path(exists=True, dir_okay=False),
    help="The key file of a system whose inner hops are encrypted.",
)
@click.option(
    "--seconds",
    default=60.0,
    callback=_seconds,
    show_default=True,
    help="How long one transaction may take.",
)
@click.option("--trace", is_flag=True, help="Show every header of request and reply, decoded.")
@profile_option
def send(message: str, **options: Any) -> None:
    """Send one message and print the response message. MESSAGE `-` reads it from standard input.

    \b
    $ starwire send 'GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>' \\
        --to https://127.0.0.1:8443/nmci --user jeanvnet2 --password interact
    $ starwire send - --to native://127.0.0.1:8422 --trace < message.msg
    $ starwire send 'GPL<PL_LANG>' --type bulk --out languages.msg \\
        --to https://127.0.0.1:8443/nmci --user jeanvnet2 --password interact

    Exit status 0 if status and ERROR are 0, 1 if the answer is a refusal, which standard error
    explains, 2 if there is no answer.
    """
    from .send import transact

    octets = _message_octets(message)
    options["type"] = _TYPES[options.pop("kind")]
    options["profile"] = read_profile(options.pop("profile_name"))
    options["link_keys"] = _link_keys(options["link_keys"])
    sys.exit(transact(octets, cannot=cannot, **options))


def _link_keys(path: str | None) -> LinkKeys | None:
    from starwire.protocol.sealing import load_link_keys

    if path is None:
        return None
    try:
        return load_link_keys(read_octets(path).decode("utf-8"))
    except UnicodeDecodeError:
        raise CannotBeDone(f"link keys {path}: is not UTF-8 text") from None
    except ValueError as error:
        raise CannotBeDone(f"link keys {path}: {error}") from None


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


state_option = click.option(
    "--state",
    default="starwire-state",
    show_default=True,
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Where state, files, certificate and audit trail are kept.",
)
database_option = click.option(
    "--database",
    default="",
    metavar="URL",
    help="sqlite:///PATH or postgresql+psycopg://...; default: SQLite in the state folder.",
)


@main.command(
    short_help="Run the emulator: web server, proxies, back ends.",
    epilog=f"Default ports: {_port_list}.",
)
@state_option
@profile_option
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
@click.option(
    "--shared-port",
    "shared_ports",
    multiple=True,
    type=click.Choice(SHAREABLE),
    metavar="NAME",
    help="Listen there together with other processes that say so too; new connections are spread"
    " over them. May be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@database_option
@click.option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="The web server's certificate; default: self-signed, made on first start.",
)
@click.option(
    "--tls-key", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Its key."
)
@click.option(
    "--record",
    metavar="DIR|FILE",
    help="Record what crosses the ports, octet for octet, passwords and keys included: to FILE if"
    " the name ends in .jsonl, else to rotated parts in DIR (docs/recording.md).",
)
@click.option(
    "--break",
    "broken",
    multiple=True,
    metavar="NAME",
    help="Break a rule on purpose; may be repeated: `starwire faults` lists the names.",
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
    transaction goes to standard error. SIGTERM or Ctrl-C: the answers under way go out, then exit
    status 0. The first users are jeanvnet2, dorod and LynneLevy2, each with the password
    `interact`.
    """
    if bool(options["tls_cert"]) != bool(options["tls_key"]):
        raise CannotBeDone("--tls-cert and --tls-key go together: give both or neither")
    options["profile"] = read_profile(options.pop("profile_name"))
    from .emulator import EmulatorError, serve_until_stopped

    try:
        serve_until_stopped(announce=click.echo, **options)
    except EmulatorError as error:
        raise CannotBeDone(str(error)) from None


@main.command(short_help="List the rules that serve --break NAME breaks.")
@click.argument("name", metavar="[NAME or GLOB]", default="")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def faults(name: str, as_json: bool) -> None:
    """List the rules that `serve --break NAME` breaks on purpose: name, rules, what happens.

    \b
    $ starwire faults 'echo-*'
    echo-2-is-none         HDR-05   Only 1 is an echo: a frame with echo 2 is a request.
    ...
    $ starwire faults 'skip.GRTL.*'

    Without NAME those that are written by hand are listed; the others are made for each row of the
    catalogue and each code, and GLOB finds them too. docs/faults.md says more.
    """
    from .show_faults import show

    text = show(name, as_json)
    if text is None:
        raise CannotBeDone(f"{name} is no rule fault; `starwire faults` lists them")
    click.echo(text)


@main.group(short_help="Look into recorded traffic.")
def recording() -> None:
    """Look into recordings of traffic, which `starwire serve --record` makes.

    \b
    $ starwire recording show traffic/

    What stands in a recording: docs/recording.md.
    """


@recording.command("show")
@click.argument("path", metavar="FILE")
@click.option(
    "--hop",
    "hops",
    multiple=True,
    type=click.Choice(list(DEFAULT_PORTS)),
    metavar="NAME",
    help=f"Only what crossed this port; may be repeated: {_NAMES}.",
)
@click.option(
    "--connection",
    "connections",
    multiple=True,
    metavar="ID",
    help="Only this connection; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="The chosen events as a recording.")
def show_recording(
    path: str, hops: tuple[str, ...], connections: tuple[str, ...], as_json: bool
) -> None:
    """Show a recording, a line for each event, the octets decoded anew. FILE may be compressed, or
    a folder of parts.

    \b
    $ starwire recording show traffic/ --hop rm
    $ starwire recording show traffic.jsonl --json --hop web > web.jsonl

    Exit status 1 if something is missing, such as the end of a file that was cut off: what is there
    is shown, and standard error says what is not. 2 if it is no recording.
    """
    from starwire.protocol.recording import RecordingError

    from .recordings import NoRecording, Recording
    from .show_recording import shown_lines

    try:
        found = Recording(path)
        for line in shown_lines(found, hops=hops, connections=connections, as_json=as_json):
            click.echo(line)
    except (NoRecording, RecordingError) as error:
        raise CannotBeDone(str(error)) from None
    for cut in found.cuts:
        click.echo(f"starwire: {cut}", err=True)
    sys.exit(1 if found.cuts else 0)


@main.group(short_help="Look into bundles: seed, faults and traffic of a run.")
def bundle() -> None:
    """Look into bundles. A bundle is one file with all that a run needs to be run again: seed,
    faults, traffic, versions, profile.

    \b
    $ starwire bundle show failure.zip

    What stands in a bundle: docs/recording.md.
    """


@bundle.command("show")
@click.argument("path", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Its manifest, as JSON.")
def show_bundle(path: str, as_json: bool) -> None:
    """Show what a bundle holds, and check that it is whole.

    \b
    $ starwire bundle show failure.zip
    $ unzip failure.zip -d failure && starwire recording show failure/traffic/1

    Exit status 2, and one line, if it is no bundle or is damaged.
    """
    import msgspec

    from .bundles import Bundle, BundleError
    from .recordings import NoRecording
    from .show_bundle import bundle_lines

    try:
        with Bundle(path) as found:
            found.check()
            if as_json:
                text = msgspec.json.encode(found.manifest)
                click.echo(msgspec.json.format(text, indent=2).decode("utf-8"))
                return
            for line in bundle_lines(found):
                click.echo(line)
    except (BundleError, NoRecording) as error:
        raise CannotBeDone(str(error)) from None


@main.command(short_help="Take one customer through a day, the wire decoded.")
@profile_option
@click.option("--plain", is_flag=True, help="No colours, whatever the terminal can.")
def demo(profile_name: str, plain: bool) -> None:
    """Run the whole chain on loopback and take one customer through a day, the wire shown decoded.

    \b
    $ starwire demo
    $ starwire demo --profile little

    Needs nothing: every server listens on a free port, and what it keeps is gone with the demo.
    Exit status 1 if a step is not answered as it must be.
    """
    from .demo import run

    sys.exit(run(profile_name, read_profile(profile_name), plain=plain, cannot=cannot))


@main.group(invoke_without_command=True, short_help="Verify the signed trail of an emulator.")
@click.pass_context
def audit(ctx: click.Context) -> None:
    """The signed trail of what an emulator has answered (ENC-02).

    \b
    $ starwire audit verify --state starwire-state
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@audit.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@state_option
@database_option
@click.option(
    "--public-key",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The keys to trust, PEM; default: audit.pub in the state folder.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def verify(state: str, as_json: bool, **options: Any) -> None:
    """Verify the audit trail: all files of a state folder, or one FILE.

    \b
    $ starwire audit verify
    starwire-state/audit/19980825t084920z-0123abcd.log: good, 12 records, all signed, ended

    Exit status 0 if all is good; 1 if something was changed, removed, moved, put in or cut off: a
    line `FILE:LINE: what, expected what` for each; 2 if it could not be verified. An emulator may
    be running meanwhile. Records behind the newest head, and an unfinished line behind them, are
    what a process that was killed leaves.
    """
    from .audit import run

    sys.exit(run(Path(state), as_json=as_json, **options))


main.add_command(check)
main.add_command(rules)
main.add_command(judge)
main.add_command(report_command)
main.add_command(profile)


if __name__ == "__main__":
    main()
