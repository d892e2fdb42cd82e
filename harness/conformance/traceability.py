"""Which cases prove which rule: `starwire rules`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from .case import Case, all_cases
from .clauses import clauses, reviewed, unproved


def by_rule() -> dict[str, list[Case]]:
    """The cases of every rule, none for one that has none."""
    found: dict[str, list[Case]] = {id: [] for id in clauses()}
    for case in all_cases():
        for rule in case.rules:
            found[rule].append(case)
    return found


def rules_lines() -> Iterator[str]:
    """A line for each rule."""
    for id, cases in by_rule().items():
        told = (
            f"{len(cases):5} cases" if cases else f"   no case: {unproved().get(id, 'no reason')}"
        )
        changed = "" if clauses()[id].hash == reviewed().get(id) else "  (changed since)"
        yield f"{id}  {told}  {clauses()[id].title}{changed}"


def rule_lines(id: str) -> Iterator[str]:
    """One rule whole. Raises KeyError."""
    clause = clauses()[id]
    yield f"{id}: {clause.title}"
    yield ""
    yield clause.text
    yield ""
    cases = by_rule()[id]
    if not cases:
        yield f"no case: {unproved().get(id, 'no reason')}"
    for case in cases:
        yield f"{case.id}  {case.level}  {case.sentence}"


def rules_json() -> bytes:
    """Every rule as JSON."""
    return msgspec.json.format(msgspec.json.encode([_told(id) for id in clauses()]))


def rule_json(id: str) -> bytes:
    """One rule as JSON. Raises KeyError."""
    return msgspec.json.format(msgspec.json.encode(_told(id)))


def _told(id: str) -> dict[str, Any]:
    clause = clauses()[id]
    return {
        "id": id,
        "title": clause.title,
        "hash": clause.hash,
        "reviewed": reviewed().get(id, ""),
        "text": clause.text,
        "cases": [case.id for case in by_rule()[id]],
        "no_case": unproved().get(id, ""),
    }
