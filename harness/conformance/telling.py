"""A result as lines of text, for where no report is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .clauses import clauses
from .reporting import rerun_command
from .result import Event, Result

_ROW = 16
_MOST_ROWS = 16


def failure_lines(result: Result, words: Sequence[str]) -> Iterator[str]:
    """What a person wants to see of a case that did not pass."""
    yield f"{result.case}: {result.outcome.value}"
    yield f"  {result.sentence}"
    for rule in result.rules:
        yield f"  {rule}: {clauses()[rule].title}"
    if result.expected:
        yield f"  expected  {result.expected}"
        yield f"  got       {result.got}"
    else:
        yield f"  {result.reason}"
    yield f"  again     {rerun_command(words, result.case)}"
    yield ""
    for event in result.events:
        yield from _event_lines(event)


def _event_lines(event: Event) -> Iterator[str]:
    size = f", {len(event.octets)} octets" if event.octets else ""
    text = f": {event.text}" if event.text else ""
    yield f"  {event.at:9.4f} s  line {event.line} {event.place}  {event.what}{size}{text}"
    rows = range(0, len(event.octets), _ROW)
    for start in rows[:_MOST_ROWS]:
        row = event.octets[start : start + _ROW]
        shown = "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in row)
        yield f"      {start:04x}  {row.hex(' '):<47}  {shown}"
    if len(rows) > _MOST_ROWS:
        yield f"      ... {len(event.octets) - _MOST_ROWS * _ROW} octets more"
