"""What a report comes to: counts, failures by rule, reasons in groups, the verdict.

The renderings say the same since they all ask here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from starwire.harness.conformance.result import Outcome, Report, Result

GOOD = frozenset({Outcome.PASSED, Outcome.NON_STRICT, Outcome.INFORMATIONAL})
"""The implementation did what it must."""
BAD = frozenset({Outcome.FAILED, Outcome.FLAKY, Outcome.SET_UP_FAILED})
"""It did not, or could not be brought to where that would have shown."""
NOT_JUDGED = frozenset(
    {Outcome.NOT_APPLICABLE, Outcome.BLOCKED, Outcome.SET_UP_FAILED, Outcome.HARNESS_ERROR}
)
"""The case said nothing about the implementation."""

NO_RULE = "no rule"
"""Under which a case stands that names none: behind the rules, whose ids are capitals."""


class Verdict(Struct, frozen=True):
    """How a run ended."""

    status: int
    """The exit status of `starwire check`: 0 good, 1 failed, 3 harness error or nothing ran, 4
    stale baseline."""
    word: str
    """good, failed, harness error, nothing ran, not complete, stale baseline."""
    line: str
    """The whole of it."""


class Alike(Struct, frozen=True):
    """Results of one case that failed in one way at several places."""

    results: tuple[Result, ...]

    @property
    def first(self) -> Result:
        return self.results[0]

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(result.place for result in self.results)


def counts(results: Iterable[Result]) -> dict[Outcome, int]:
    """How many of each outcome, in the order of the outcomes, none that did not occur."""
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in Outcome if found[outcome]}


def counted(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def name_of(result: Result) -> str:
    """The case without its place."""
    return result.case.removesuffix(f"@{result.place}")


def rule_of(result: Result) -> str:
    """The rule under which a result stands: the first that its case proves."""
    return result.rules[0] if result.rules else NO_RULE


def by_rule(results: Iterable[Result]) -> dict[str, list[Alike]]:
    """Results under their rules, rules in their order, those that failed alike together."""
    ways: dict[str, dict[tuple[str, ...], list[Result]]] = {}
    for result in results:
        way = (name_of(result), result.outcome, result.reason, result.expected, result.got)
        ways.setdefault(rule_of(result), {}).setdefault(way, []).append(result)
    return {rule: [Alike(tuple(alike)) for alike in ways[rule].values()] for rule in sorted(ways)}


class Reason(Struct, frozen=True):
    """Why results are as they are."""

    text: str
    count: int
    example: str
    """The first case of which it is told."""


def reasons(results: Iterable[Result]) -> list[Reason]:
    """Each reason once, the most frequent first."""
    found: dict[str, list[str]] = {}
    for result in results:
        found.setdefault(result.reason or "no reason is told", []).append(result.case)
    told = [Reason(text, len(cases), cases[0]) for text, cases in found.items()]
    return sorted(told, key=lambda reason: -reason.count)


def verdict(report: Report) -> Verdict:
    """What the run says. A failure weighs more than whatever else went wrong; that nothing ran more
    than why.
    """
    found = counts(report.results)
    judged = len(report.results) - sum(found.get(outcome, 0) for outcome in NOT_JUDGED)
    broken = found.get(Outcome.HARNESS_ERROR, 0)
    unfinished = "" if report.complete else f"; not complete: {_stopped(report)}"
    failed = Verdict(1, "failed", f"FAILED: {_failures(report, found)}{unfinished}")
    if found.keys() & {Outcome.FAILED, Outcome.FLAKY}:
        return failed
    if broken:
        line = f"HARNESS ERROR in {counted(broken, 'case')}: of these nothing is known{unfinished}"
        return Verdict(3, "harness error", line)
    if not judged:
        line = f"NOTHING RAN: no case judged the implementation{unfinished}"
        return Verdict(3, "nothing ran", line)
    if Outcome.SET_UP_FAILED in found:
        return failed
    if not report.complete:
        line = f"NOT COMPLETE: {_stopped(report)}; {counted(judged, 'case')} judged, none failed"
        return Verdict(3, "not complete", line)
    if stale := found.get(Outcome.STALE, 0):
        line = f"STALE BASELINE: {counted(stale, 'case')} of it passed; take them out of it"
        return Verdict(4, "stale baseline", line)
    known = found.get(Outcome.KNOWN_FAILURE, 0)
    but = f", {known:,} of them failed as the baseline says" if known else ", none failed"
    return Verdict(0, "good", f"GOOD: {counted(judged, 'case')} judged{but}")


def _stopped(report: Report) -> str:
    return report.stopped or "the run was stopped"


def _failures(report: Report, found: dict[Outcome, int]) -> str:
    rules = {rule_of(result) for result in report.results if result.outcome in BAD}
    words = {
        Outcome.FAILED: "failed",
        Outcome.FLAKY: "failed at times",
        Outcome.SET_UP_FAILED: "could not be set up",
    }
    told = [f"{found[one]:,} {said}" for one, said in words.items() if found.get(one)]
    return f"{', '.join(told)} of {counted(len(report.results), 'case')}, {_of(rules)}"


def _of(rules: set[str]) -> str:
    named = sorted(rules)
    return f"of {', '.join(named)}" if len(named) <= 4 else f"of {counted(len(named), 'rule')}"
