"""Findings in words, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starwire.grammar import __version__

from ..display import shown
from .judge import Finding
from .tallies import Tallies

_AROUND = 24
"""Octets that are shown on either side of a fault."""


def finding_lines(finding: Finding) -> Iterator[str]:
    """Where, and what of which octets."""
    where = finding.where
    place = f"{where.hop} {where.connection} at {where.at / 1e6:.6f}"
    yield f"  {where.file}:{where.line}  {place}"
    yield f"    expected: {shown(finding.expected)}"
    yield f"    got:      {shown(finding.got)}"
    if finding.octets:
        yield f"    octets:   {marked(finding)}"


def marked(finding: Finding) -> str:
    """The octets in hex, those at fault in brackets."""
    octets, start = finding.octets, finding.offset
    if not 0 <= start < len(octets):
        return octets[: 2 * _AROUND].hex(" ") + (" ..." if len(octets) > 2 * _AROUND else "")
    end = start + max(finding.width, 1)
    first, last = max(0, start - _AROUND), end + _AROUND
    before, at, behind = octets[first:start], octets[start:end], octets[end:last]
    words = ["..."] * (first > 0) + [before.hex(" ")] * bool(before)
    words += [f"[{at.hex(' ')}]"] + [behind.hex(" ")] * bool(behind)
    return " ".join(words + ["..."] * (last < len(octets)))


def text_lines(tallies: Tallies) -> Iterator[str]:
    """All findings, grouped by rule, and the summary."""
    for group in tallies.groups:
        yield f"{group.rule} {group.level}: {group.sentence}"
        for finding in group.findings:
            yield from finding_lines(finding)
        more = group.count - len(group.findings)
        if more:
            yield f"  and {more} more"
    yield tallies.summary()


def short_line(finding: Finding) -> str:
    """A finding in one line, as it comes."""
    where = finding.where
    return (
        f"{where.file}:{where.line}: {finding.rule} {where.hop} {where.connection}:"
        f" {finding.sentence}: expected {shown(finding.expected)}, got {shown(finding.got)}"
    )


def as_plain(tallies: Tallies, cuts: list[str]) -> dict[str, Any]:
    """All of it, for a program."""
    judge = tallies.judge
    return {
        "starwire": __version__,
        "connections": judge.connections.judged,
        "not_judged": judge.connections.blind,
        "frames": judge.frames,
        "missing": cuts,
        "held": tallies.held,
        "not_seen": tallies.unseen,
        "findings": [
            {
                "rule": group.rule,
                "level": group.level,
                "sentence": group.sentence,
                "count": group.count,
                "places": [_plain(finding) for finding in group.findings],
            }
            for group in tallies.groups
        ],
    }


def _plain(finding: Finding) -> dict[str, Any]:
    where = finding.where
    return {
        "file": where.file,
        "line": where.line,
        "hop": where.hop,
        "connection": where.connection,
        "at": where.at,
        "transaction": where.transaction,
        "expected": finding.expected,
        "got": finding.got,
        "field": finding.field,
        "offset": finding.offset,
        "width": finding.width,
        "octets": finding.octets.hex(),
        "request": finding.request.hex(),
    }
