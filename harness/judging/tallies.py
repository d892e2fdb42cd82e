"""The findings of a run, rule by rule, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from .judge import Finding, Judge

MOST = 10
"""Findings of one sentence that are kept; the others are counted."""


class Group(Struct):
    """The findings against one sentence."""

    rule: str
    level: str
    sentence: str
    count: int
    findings: list[Finding]


class Tallies:
    """Takes findings as they come."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._groups: dict[tuple[str, str], Group] = {}

    def note(self, finding: Finding) -> None:
        key = (finding.rule, finding.sentence)
        group = self._groups.get(key)
        if group is None:
            group = Group(finding.rule, finding.level, finding.sentence, 0, [])
            self._groups[key] = group
        group.count += 1
        if len(group.findings) < MOST:
            group.findings.append(finding)

    @property
    def groups(self) -> list[Group]:
        """In the order of the rules."""
        order = {one.rule: place for place, one in enumerate(self.judge.judges)}
        return sorted(self._groups.values(), key=lambda group: order[group.rule])

    @property
    def held(self) -> list[str]:
        """Rules that were looked at and never broken."""
        return [rule for rule, one in self._rules() if one.held and not one.broken]

    @property
    def broken(self) -> list[str]:
        return [rule for rule, one in self._rules() if one.broken]

    @property
    def unseen(self) -> list[str]:
        """Rules of which nothing was seen."""
        return [rule for rule, one in self._rules() if not (one.held or one.broken)]

    def _rules(self) -> Iterator[tuple[str, Any]]:
        return iter(sorted(self.judge.tallies.items()))

    def summary(self) -> str:
        """One line."""
        judge = self.judge
        blind = judge.connections.blind
        aside = f" ({blind} not judged: their beginning is missing)" if blind else ""
        return (
            f"judged {judge.connections.judged} connections{aside}, {judge.frames} frames;"
            f" {len(self.held)} rules held, {len(self.broken)} broken, {len(self.unseen)} not seen"
        )
