"""Counts and latencies of transactions: each adds to one row of plain numbers.

`control.exposition` makes Prometheus' metrics of them when somebody asks. What peers choose cannot
make rows without end.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from starwire.protocol.profile import TARGETS

from .journal import Record

BOUNDS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 60.0),
)
"""Seconds. A reply from memory takes less than the first; the last is `reply_seconds`."""
OTHER = "other"
MOST_ROWS = 5000
"""Beyond, what makes a new row counts as `other`."""
_TARGETS = frozenset(["", *TARGETS])


class Labels(NamedTuple):
    """What the transactions of a row have in common."""

    hop: str
    target: str
    type: int | None
    status: int | None
    code: str
    outcome: str


class Row:
    """The transactions of one set of labels."""

    __slots__ = ("buckets", "count", "octets_in", "octets_out", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.octets_in = 0
        self.octets_out = 0
        self.buckets = [0] * (len(BOUNDS) + 1)
        """How many took up to each bound and longer than the one before; the last: longer."""


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, int | None, int | None, str, str], Row] = {}
        """By what `Labels` names."""

    def note(self, record: Record) -> None:
        """Count one transaction."""
        target = record.target if record.target in _TARGETS else OTHER
        key = (record.hop, target, record.type, record.status, record.code, record.outcome)
        row = self.rows.get(key)
        if row is None:
            if len(self.rows) >= MOST_ROWS:
                key = (record.hop, OTHER, None, None, OTHER, record.outcome)
            row = self.rows.setdefault(key, Row())
        row.count += 1
        row.seconds += record.seconds
        row.octets_in += record.request_octets
        row.octets_out += record.reply_octets
        row.buckets[bisect_left(BOUNDS, record.seconds)] += 1
