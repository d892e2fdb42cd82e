"""`starwire judge`: recorded traffic held to the rules, with no case running."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .commands import CannotBeDone, read_profile

if TYPE_CHECKING:
    from .judging.tallies import Tallies
    from .recordings import Placed

_NOTHING_JUDGED = 3


@click.command(short_help="Judge recorded traffic by the rules.")
@click.argument("recordings", metavar="RECORDING..", nargs=-1, required=True)
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME|FILE",
    help="The wire profile to go by; default: the one that each recording names.",
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="GLOB",
    help="Judge by these rules only, such as HDR-04 or 'WEB-*'; may be repeated.",
)
@click.option("--clients", is_flag=True, help="Judge those who ask, too.")
@click.option(
    "--follow",
    is_flag=True,
    help="Read on while the recording is being written, until it is ended; Ctrl-C stops.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--report",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Also write report.json, junit.xml and report.html there, as `starwire check` does.",
)
def judge(
    recordings: tuple[str, ...],
    profile_name: str | None,
    rules: tuple[str, ...],
    clients: bool,
    follow: bool,
    as_json: bool,
    report: str | None,
) -> None:
    """Judge recorded traffic by the rules of the wire, with no case running: each frame and
    message, each connection, and what goes together across connections and hops.

    \b
    $ starwire judge traffic/
    judged 23 connections, 80 frames; 38 rules held, 0 broken, 17 not seen
    $ starwire serve --record traffic/ & starwire judge --follow traffic/

    What began before its recording, or has a gap, is not judged. Exit status: 0 no finding,
    1 findings, 2 a recording could not be read, 3 there was nothing to judge.
    """
    from starwire.protocol.recording import RecordingError

    from .judging.judge import Judge
    from .judging.tallies import Tallies
    from .recordings import NoRecording

    if follow and len(recordings) > 1:
        raise CannotBeDone("--follow takes one recording")
    judging = Judge(read_profile(profile_name) if profile_name else None, rules, clients=clients)
    if not judging.judges:
        raise CannotBeDone(f"no judge has a rule like {', '.join(rules)}")
    tallies, cuts = Tallies(judging), list[str]()
    started, began = datetime.datetime.now(datetime.UTC), time.monotonic()
    try:
        events = _followed(recordings[0]) if follow else _read(recordings, cuts)
        for place, number, event in events:
            for finding in judging.take(event, place, number):
                tallies.note(finding)
                if follow and not as_json:
                    _tell(finding)
    except (NoRecording, RecordingError) as error:
        raise CannotBeDone(str(error)) from None
    except KeyboardInterrupt:
        if not follow:
            raise
    for cut in cuts:
        click.echo(f"starwire: {cut}", err=True)
    if report and judging.connections.profile is not None:
        _report(Path(report), tallies, cuts, ", ".join(recordings), started, began)
    _show(tallies, cuts, as_json=as_json, brief=follow)
    sys.exit(1 if tallies.broken else 0 if judging.frames else _NOTHING_JUDGED)


def _read(paths: tuple[str, ...], cuts: list[str]) -> Iterator[Placed]:
    from .recordings import Recording

    for path in paths:
        recording = Recording(path)
        yield from recording.placed()
        cuts += recording.cuts


def _followed(path: str) -> Iterator[Placed]:
    from .following import followed

    return followed(Path(path))


def _tell(finding: Any) -> None:
    from .judging.showing import short_line

    click.echo(short_line(finding))


def _report(
    folder: Path,
    tallies: Tallies,
    cuts: list[str],
    target: str,
    started: datetime.datetime,
    began: float,
) -> None:
    from .conformance.clauses import clauses
    from .judging.reporting import report_of
    from .reports.commands import write

    made = report_of(
        tallies,
        clauses(),
        target=target,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
        missing=cuts,
    )
    for path in write(made, folder):
        click.echo(f"written: {path}", err=True)


def _show(tallies: Tallies, cuts: list[str], *, as_json: bool, brief: bool) -> None:
    from .judging.showing import as_plain, text_lines

    if as_json:
        import msgspec

        text = msgspec.json.encode(as_plain(tallies, cuts))
        click.echo(msgspec.json.format(text, indent=2).decode("utf-8"))
    elif brief:
        click.echo(tallies.summary())
    else:
        for line in text_lines(tallies):
            click.echo(line)
