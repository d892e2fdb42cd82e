"""What was judged, as a conformance report: a result for each rule (JSON, JUnit XML, HTML)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from starwire.grammar import __version__
from starwire.harness.conformance.result import (
    FORMAT,
    Clause,
    Divergence,
    Event,
    Outcome,
    Report,
    Result,
    widths_of,
)

from .judge import Finding
from .tallies import Group, Tallies
from .unjudged import UNJUDGED

_SEAT = "recorded"


def report_of(
    tallies: Tallies,
    clauses: dict[str, Clause],
    *,
    target: str,
    started: str,
    seconds: float,
    missing: Iterable[str] = (),
) -> Report:
    """The report; `clauses` are all rules, `missing` is what the recordings lack."""
    profile = tallies.judge.connections.profile
    assert profile is not None, "something was read"
    results = [_result(tallies, rule) for rule in sorted(tallies.judge.tallies)]
    results += [_not_judged(rule, reason) for rule, reason in sorted(UNJUDGED.items())]
    named = {rule for result in results for rule in result.rules}
    stopped = "; ".join(missing)
    return Report(
        format=FORMAT,
        target=target,
        implementation=target,
        seats=(_SEAT,),
        profile=profile.name,
        widths=widths_of(profile),
        version=__version__,
        started=started,
        seconds=seconds,
        complete=not stopped,
        stopped=stopped,
        clauses={rule: clause for rule, clause in clauses.items() if rule in named},
        results=tuple(results),
    )


def _result(tallies: Tallies, rule: str) -> Result:
    groups = [group for group in tallies.groups if group.rule == rule]
    tally = tallies.judge.tallies[rule]
    judges = [one for one in tallies.judge.judges if one.rule == rule]
    level = "must" if any(one.level == "must" for one in judges) else "should"
    plain = Result(
        case=f"passive.{rule}",
        sentence="; ".join(dict.fromkeys(one.sentence for one in judges)),
        rules=(rule,),
        level=level,  # type: ignore[arg-type]
        place=_SEAT,
        seat=_SEAT,
        outcome=Outcome.PASSED if tally.held else Outcome.NOT_APPLICABLE,
        reason="" if tally.held else "nothing of it was recorded",
    )
    return _broken(plain, groups) if groups else plain


def _broken(plain: Result, groups: list[Group]) -> Result:
    worst = min(groups, key=lambda group: group.level != "must")
    first = worst.findings[0]
    count = sum(group.count for group in groups)
    strict = worst.level == "must"
    return msgspec.structs.replace(
        plain,
        outcome=Outcome.FAILED if strict else Outcome.NON_STRICT,
        sentence=worst.sentence,
        level=worst.level,
        place=first.where.hop,
        reason=f"{count} times, first at {first.where.file}:{first.where.line}",
        expected=first.expected,
        got=first.got,
        divergence=Divergence(
            event=1 if first.request else 0,
            offset=first.offset,
            field=first.field,
            expected=first.expected,
            got=first.got,
        ),
        events=_events(first),
    )


def _events(finding: Finding) -> tuple[Event, ...]:
    """The request, and what answered it."""
    where = finding.where
    told = []
    if finding.request:
        told.append(("sent", finding.request, ""))
    place = f"{where.file}:{where.line}, connection {where.connection}"
    told.append(("received" if finding.octets else "note", finding.octets, place))
    return tuple(
        Event(at=where.at / 1e6, line=1, place=where.hop, what=what, octets=octets, text=text)  # type: ignore[arg-type]
        for what, octets, text in told
    )


def _not_judged(rule: str, reason: str) -> Result:
    return Result(
        case=f"passive.{rule}",
        sentence="Recorded traffic says nothing of it",
        rules=(rule,),
        level="must",
        place=_SEAT,
        seat=_SEAT,
        outcome=Outcome.NOT_APPLICABLE,
        reason=reason,
    )
