"""From the results of a run to its report."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from starwire.grammar import __version__
from starwire.protocol.profile import Profile

from .baseline import Baseline
from .case import Case
from .clauses import changed, clauses
from .result import Report, Result, widths_of


def rerun_command(words: Sequence[str], case: str) -> str:
    """The command that runs that one case again, from the words of the command that ran it."""
    return shlex.join(["starwire", "check", *_without_choice(words), "--case", case])


_CHOICES = ("--case", "--rule", "--report", "--baseline", "--frozen")


def _without_choice(words: Sequence[str]) -> list[str]:
    """The words without the options that choose cases or say what to write."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in _CHOICES:
            skip = True
        elif not word.startswith(tuple(f"{choice}=" for choice in _CHOICES)):
            kept.append(word)
    return kept


def told(result: Result, words: Sequence[str], baseline: Baseline, today: datetime.date) -> Result:
    """A result as the report has it: with its command, its flags, and what the baseline says."""
    judged = baseline.judged(result, today)
    case = result.case.replace("sanity.last@", "sanity.probe@")
    return replace(judged, rerun=rerun_command(words, case), flags=changed(result.rules))


def report_of(
    results: Iterable[Result],
    cases: Sequence[Case],
    *,
    target: str,
    implementation: str,
    profile: Profile,
    started: datetime.datetime,
    seconds: float,
    stopped: str,
) -> Report:
    """The report of a run, results in the order of the cases."""
    places = {case.id: number for number, case in enumerate(cases)}
    ordered = sorted(results, key=lambda result: places.get(result.case, len(places)))
    named = {rule for result in ordered for rule in result.rules}
    return Report(
        format=1,
        target=target,
        implementation=implementation,
        seats=tuple(dict.fromkeys(result.seat for result in ordered)),
        profile=profile.name,
        widths=widths_of(profile),
        version=__version__,
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
        complete=not stopped,
        stopped=stopped,
        clauses={id: clause for id, clause in clauses().items() if id in named},
        results=tuple(ordered),
    )
