"""What changed between two runs of the cases: `starwire check --diff OLD.json NEW.json`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from starwire.harness.conformance.result import Outcome, Report, Result

from .summary import GOOD, NOT_JUDGED, counted
from .words import one_line

_FAILED = frozenset({Outcome.FAILED, Outcome.FLAKY})
_FAILS = _FAILED | {Outcome.KNOWN_FAILURE}
_PASSES = GOOD | {Outcome.STALE}
_VOLATILE = re.compile(r"\b[0-9a-f]{8,}\b|\b\d+\.\d+\b", re.IGNORECASE)
"""Keys, serials and times in a text: they differ between two runs that failed in one way."""
_MOST = 20
"""Cases of one kind that are listed."""


class Change(Struct, frozen=True, kw_only=True):
    """A case that is not what it was."""

    case: str
    seat: str
    before: Outcome | None
    """None if the old run does not have it."""
    after: Outcome | None
    """None if the new run does not have it."""
    told_before: str = ""
    """Why it was so, in one line."""
    told_after: str = ""


class RuleChange(Struct, frozen=True, kw_only=True):
    """A rule whose text is not what it was."""

    id: str
    before: str
    """The hash; "" if the old run does not know the rule."""
    after: str


class Changes(Struct, frozen=True, kw_only=True):
    """All that changed. A case stands in one of the lists of cases only."""

    new_failures: tuple[Change, ...] = ()
    """Fails, and did not."""
    weaker: tuple[Change, ...] = ()
    """Passed, and is now good in a way that the rule does not prefer."""
    newly_blocked: tuple[Change, ...] = ()
    """Was judged, and no longer is, for whatever reason."""
    changed_reason: tuple[Change, ...] = ()
    """Failed and fails: the way it fails changed."""
    fixed: tuple[Change, ...] = ()
    """Failed, and passes."""
    otherwise: tuple[Change, ...] = ()
    """Another outcome that is no worse: judged at last, a known failure, strict."""
    added: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    rules_changed: tuple[RuleChange, ...] = ()
    no_longer_complete: str = ""
    """Why the new run is not complete, where the old one was."""

    @property
    def is_worse(self) -> bool:
        """Whether anything got worse. A case that the old run does not have says nothing about it,
        whatever its outcome.
        """
        worse = (self.new_failures, self.weaker, self.newly_blocked, self.no_longer_complete)
        return any(worse)

    @property
    def status(self) -> int:
        """The exit status: 1 if anything got worse, else 0."""
        return int(self.is_worse)


def compare(old: Report, new: Report) -> Changes:
    """What changed from the old run to the new one."""
    before, after = _by_case(old.results), _by_case(new.results)
    lists: dict[str, list[Change]] = {}
    for key in [*after, *(key for key in before if key not in after)]:
        kind = _kind(before.get(key), after.get(key))
        if kind:
            lists.setdefault(kind, []).append(_change(key, before.get(key), after.get(key)))
    stopped = new.stopped or "the run was stopped"
    return Changes(
        **{kind: tuple(changes) for kind, changes in lists.items()},
        rules_changed=tuple(_rules_changed(old, new)),
        no_longer_complete=stopped if old.complete and not new.complete else "",
    )


def _by_case(results: Iterable[Result]) -> dict[tuple[str, str], Result]:
    return {(result.case, result.seat): result for result in results}


def _kind(old: Result | None, new: Result | None) -> str:
    """The list that a case stands in; "" if nothing changed."""
    if old is None or new is None:
        return "added" if old is None else "removed"
    before, after = old.outcome, new.outcome
    if after in _FAILED and before not in _FAILED:
        return "new_failures"
    if after in _FAILS and before in _FAILS and _way(old) != _way(new):
        return "changed_reason"
    if before == after:
        return ""
    if after in _PASSES and before in _FAILS:
        return "fixed"
    if after in NOT_JUDGED and before not in NOT_JUDGED:
        return "newly_blocked"
    if before is Outcome.PASSED and after in GOOD:
        return "weaker"
    return "otherwise"


def _way(result: Result) -> tuple[str, ...]:
    """How a case fails, without what differs each time."""
    found = result.divergence
    texts = (result.reason, result.expected, result.got, found.field if found else "")
    return tuple(_VOLATILE.sub("*", text) for text in texts)


def _change(key: tuple[str, str], old: Result | None, new: Result | None) -> Change:
    return Change(
        case=key[0],
        seat=key[1],
        before=old.outcome if old else None,
        after=new.outcome if new else None,
        told_before=_told(old),
        told_after=_told(new),
    )


def _told(result: Result | None) -> str:
    if result is None:
        return ""
    if result.reason or not (result.expected or result.got):
        return one_line(result.reason)
    return f"expected {one_line(result.expected)}, got {one_line(result.got)}"


def _rules_changed(old: Report, new: Report) -> Iterator[RuleChange]:
    for rule in sorted(old.clauses.keys() | new.clauses.keys()):
        before, after = old.clauses.get(rule), new.clauses.get(rule)
        hashes = (before.hash if before else "", after.hash if after else "")
        # A run of a few cases knows fewer rules, which says nothing about the others.
        if before and after and hashes[0] != hashes[1]:
            yield RuleChange(id=rule, before=hashes[0], after=hashes[1])


_TITLES = (
    ("new_failures", "new failures"),
    ("weaker", "good, and no longer strictly so"),
    ("newly_blocked", "no longer judged"),
    ("changed_reason", "the way it fails changed"),
    ("fixed", "fixed"),
    ("otherwise", "otherwise changed"),
    ("added", "cases added"),
    ("removed", "cases removed"),
)


def change_lines(changes: Changes) -> Iterator[str]:
    """The changes for people; the last line says whether anything got worse."""
    for name, title in _TITLES:
        listed: tuple[Change, ...] = getattr(changes, name)
        if listed:
            yield f"{title}: {len(listed):,}"
            for change in listed[:_MOST]:
                yield from _lines_of(change)
            if len(listed) > _MOST:
                yield f"  ... and {counted(len(listed) - _MOST, 'case')} more"
            yield ""
    if changes.rules_changed:
        yield f"rules whose text changed: {len(changes.rules_changed):,}"
        for rule in changes.rules_changed:
            yield f"  {one_line(rule.id)}"
        yield ""
    if changes.no_longer_complete:
        yield f"the new run is not complete: {one_line(changes.no_longer_complete)}"
    if changes.is_worse:
        yield "WORSE than before"
    else:
        yield "NO WORSE than before" if changes != Changes() else "NOTHING CHANGED"


def _lines_of(change: Change) -> Iterator[str]:
    way = " -> ".join(str(outcome) for outcome in (change.before, change.after) if outcome)
    yield f"  {one_line(change.case)} as {one_line(change.seat)}: {way}"
    if change.told_before and change.before in _FAILS:
        yield f"    was: {one_line(change.told_before)}"
    if change.told_after and change.after is not Outcome.PASSED:
        yield f"    now: {one_line(change.told_after)}"


def encode_changes(changes: Changes) -> bytes:
    """The changes as JSON, indented, with a line end, and `worse` in front."""
    plain = {"worse": changes.is_worse, **msgspec.to_builtins(changes)}
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"
