"""`starwire check` and `starwire rules`: the conformance cases against an implementation."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..commands import cannot, profile_option, read_profile

if TYPE_CHECKING:
    from .frozen import Frozen
    from .result import Report
    from .wiring import Asked

_PATH = click.Path(path_type=Path)


@click.command(short_help="Test an implementation, rule by rule.")
@click.argument("target", required=False)
@click.option("--as", "seats", multiple=True, metavar="SEAT", help="Only cases of these seats.")
@click.option(
    "--at",
    "--native",
    "places",
    multiple=True,
    metavar="PLACE=HOST:PORT",
    help="Where else the implementation serves: dispatcher, rm, inbox-native, jar, ...",
)
@click.option("--case", "names", multiple=True, metavar="GLOB", help="Only these cases.")
@click.option("--rule", "rules", multiple=True, metavar="GLOB", help="Only cases of these rules.")
@click.option("--level", type=click.Choice(["must", "should", "may"]), help="Only this level.")
@click.option("--start", metavar="CMD", help="Starts it: {port}, {rm}, .. are filled in.")
@click.option("--facts", type=_PATH, metavar="FILE", help="The target file: what it has (TOML).")
@click.option("--files", type=_PATH, metavar="DIR", help="Where the Inbox finds files: DIR/LOC.")
@click.option("--logon", metavar="URL", help="The web server that gives sessions.")
@click.option("--user", help="The user that cases are run as; the target file's by default.")
@click.option("--password", help="That user's password.")
@click.option("--link-keys", type=_PATH, metavar="FILE", help="The keys of encrypted inner hops.")
@click.option("--control", metavar="URL", help="The control API: faults for the cases of codes.")
@click.option("--baseline", type=_PATH, metavar="FILE", help="Failures that are known (TOML).")
@click.option("--write-baseline", type=_PATH, metavar="FILE", help="Write this run's failures.")
@click.option("--frozen", type=_PATH, metavar="FILE", help="Only the cases of a frozen set.")
@click.option("--freeze", type=_PATH, metavar="FILE", help="Freeze the wanted cases; run none.")
@click.option("--report", type=_PATH, metavar="DIR", help="Write JSON, JUnit XML and HTML.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON on standard output.")
@click.option("--list", "only_list", is_flag=True, help="List the cases, and run none.")
@click.option("--diff", nargs=2, type=_PATH, metavar="OLD NEW", help="Compare two reports.")
@click.option("--name", default="", help="What the implementation is called in reports.")
@click.option("--wait", default=2.0, show_default=True, help="Seconds a case may wait on purpose.")
@click.option("--patience", default=5.0, show_default=True, help="Seconds that a reply may take.")
@click.option("--retries", default=2, show_default=True, help="How often a failure is tried again.")
@click.option("--workers", default=16, show_default=True, help="Cases at a time.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each case.")
@profile_option
def check(target: str | None, profile_name: str, **options: Any) -> None:
    """Test the implementation at TARGET against the rules of the wire, case by case.

    \b
    $ starwire check https://127.0.0.1:8443/nmci
    $ starwire check proxy://127.0.0.1:8412 --at jar=127.0.0.1:8402 --case 'header.*'
    $ starwire check memory: --rule TRN-02
    $ starwire check --diff monday/report.json tuesday/report.json

    \b
    $ starwire check proxy://127.0.0.1:{port} --start 'mine --port {port} --jar {jar}'
    $ starwire check client: --start 'mine --server {url} --user {user} --ask {message}'

    TARGET is where it is, as for `send`; its kind says the seat. `memory:` is the emulator itself,
    without sockets; `client:` is a client, which connects to the harness; `stdio:PLACE` is a
    program that --start runs for each connection. Sessions come from TARGET's own logon, from
    --logon, or from a cookie jar that --at names. What else it has (users, good requests, files) is
    told by --facts; without it, what a new emulator has is taken to be there. What cannot be tried
    is not applicable, with a reason.

    Exit status 0 good, 1 something failed, 2 could not be done, 3 the harness failed or nothing
    ran, 4 the baseline names a failure that now passes.
    """
    if options["diff"]:
        _diff(*options["diff"], as_json=options["as_json"])
    runs_none = options["only_list"] or options["freeze"] is not None
    if target is None and not runs_none:
        cannot("give a TARGET, such as https://127.0.0.1:8443/nmci or memory:")
    from .wiring import Asked

    asked = Asked(
        target=target or "",
        profile=read_profile(profile_name),
        seats=options["seats"],
        places=options["places"],
        names=options["names"],
        rules=options["rules"],
        level=options["level"] or "",
        facts=options["facts"],
        files=options["files"],
        logon=options["logon"] or "",
        user=options["user"] or "",
        password=options["password"] or "",
        control=options["control"] or "",
        link_keys=options["link_keys"],
        longest_wait=options["wait"],
        patience=options["patience"],
        workers=options["workers"],
        retries=options["retries"],
        start=options["start"] or "",
        frozen=_frozen(options["frozen"]),
    )
    if runs_none:
        _list(asked, options["freeze"])
    if asked.start:
        # Who ends the run, as a CI does, must not leave what it started.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    report, status = _run(asked, options)
    if options["report"] is not None:
        from ..reports.commands import write

        for path in write(report, options["report"]):
            click.echo(f"written {path}", err=True)
    sys.exit(status)


def _run(asked: Asked, options: dict[str, Any]) -> tuple[Report, int]:
    """Run, tell, and give the report with the exit status."""
    import io

    from ..reports.files import encode
    from ..reports.summary import verdict
    from ..reports.terminal import Screen
    from .baseline import Baseline, BaselineError, baseline_of, read_baseline
    from .checking import checked
    from .wiring import CannotCheck

    path = options["baseline"]
    try:
        baseline = Baseline() if path is None else read_baseline(path)
        quiet = io.StringIO() if options["as_json"] else None
        screen = Screen(quiet, verbose=options["verbose"])
        words = sys.argv[2:]
        report = checked(asked, screen, baseline=baseline, words=words, name=options["name"])
    except (CannotCheck, BaselineError) as error:
        cannot(str(error))
    if options["as_json"]:
        click.echo(encode(report).decode("utf-8"))
    if options["write_baseline"] is not None:
        options["write_baseline"].write_text(baseline_of(report.results), "utf-8")
    return report, verdict(report).status


def _frozen(path: Path | None) -> Frozen | None:
    from .frozen import FrozenError, read_frozen

    try:
        return None if path is None else read_frozen(path)
    except FrozenError as error:
        cannot(f"--frozen: {error}")


def _list(asked: Asked, freeze_to: Path | None) -> NoReturn:
    """List the cases that are wanted, or write them to a file."""
    from .checking import listed
    from .frozen import FrozenError, freeze, write_frozen
    from .wiring import CannotCheck

    try:
        cases = listed(asked)
        if freeze_to is not None:
            write_frozen(freeze_to, freeze(cases))
            click.echo(f"{len(cases):,} cases frozen in {freeze_to}", err=True)
            sys.exit(0)
    except (CannotCheck, FrozenError) as error:
        cannot(str(error))
    for case in cases:
        click.echo(f"{case.id}  {case.level}  {' '.join(case.rules)}  {case.sentence}")
    sys.exit(0)


def _diff(old: Path, new: Path, *, as_json: bool) -> None:
    from ..reports.commands import compare_files, show_changes

    changes = compare_files(old, new)
    click.echo(show_changes(changes, as_json=as_json))
    sys.exit(changes.status)


@click.command(short_help="The rules of the wire, and the cases that prove them.")
@click.argument("id", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def rules(id: str | None, as_json: bool) -> None:
    """List the rules with how many cases prove each, or show one: its text and its cases.

    \b
    $ starwire rules
    $ starwire rules TRN-02

    A rule without a case has a reason instead. Exit status 0; 2 for no such rule.
    """
    from .traceability import rule_json, rule_lines, rules_json, rules_lines

    try:
        if as_json:
            click.echo((rules_json() if id is None else rule_json(id)).decode("utf-8"))
        else:
            for line in rules_lines() if id is None else rule_lines(id):
                click.echo(line)
    except KeyError:
        cannot(f"{id}: no such rule; `starwire rules` lists them")
