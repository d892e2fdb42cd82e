"""Counts and latencies of transactions, in the text format of Prometheus.

Each transaction adds to one row of plain numbers; label sets are made when somebody asks. What
peers choose cannot make labels: unknown types and targets are `other`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from starwire.protocol.profile import TARGETS
from starwire.protocol.status import MessageType

from .journal import Record

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

BOUNDS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    60.0,
)
"""Seconds. A reply from memory takes less than the first; the last is `reply_seconds`."""
_OTHER = "other"
_TARGETS = frozenset(["", *TARGETS])
_TYPES = {int(one): one.name.lower() for one in MessageType}
_ROWS = 5000
"""Label sets; beyond, codes count as `other`."""

OpenConnections = Callable[[], Iterable[tuple[str, int]]]
"""Each port's name, and how many connections are open there."""


class _Row:
    """Transactions of one label set."""

    __slots__ = ("buckets", "count", "octets_in", "octets_out", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.octets_in = 0
        self.octets_out = 0
        self.buckets = [0] * (len(BOUNDS) + 1)


class Metrics:
    """The numbers of one process."""

    def __init__(self, connections: OpenConnections, *, process: bool = True) -> None:
        self._connections = connections
        self._rows: dict[tuple[Any, ...], _Row] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        if process:
            ProcessCollector(registry=self._registry)

    def note(self, record: Record) -> None:
        """Count one transaction."""
        target = record.target if record.target in _TARGETS else _OTHER
        key = (record.hop, target, record.type, record.status, record.code, record.outcome)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= _ROWS:
                key = (record.hop, _OTHER, None, None, _OTHER, record.outcome)
            row = self._rows.setdefault(key, _Row())
        row.count += 1
        row.seconds += record.seconds
        row.octets_in += record.request_octets
        row.octets_out += record.reply_octets
        row.buckets[bisect_left(BOUNDS, record.seconds)] += 1

    def text(self) -> str:
        """All of it, as CONTENT_TYPE."""
        return generate_latest(self._registry).decode()

    # What the registry calls.

    def describe(self) -> list[Any]:
        """Nothing in advance: names are told with the numbers."""
        return []

    def collect(self) -> Iterator[Any]:
        yield self._transactions()
        yield self._latencies()
        yield from self._octets()
        opened = GaugeMetricFamily(
            "starwire_connections", "Connections that are open.", labels=["hop"]
        )
        for hop, count in self._connections():
            opened.add_metric([hop], count)
        yield opened

    def _transactions(self) -> CounterMetricFamily:
        labels = ["hop", "target", "type", "status", "code", "outcome"]
        family = CounterMetricFamily(
            "starwire_transactions", "Transactions that came to their end.", labels=labels
        )
        counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        for (hop, target, type_, status, code, outcome), row in self._rows.items():
            where = (hop, target or "-", _type(type_), _number(status), code or "-", outcome)
            counts[where] += row.count
        for labels_of, count in counts.items():
            family.add_metric(labels_of, count)
        return family

    def _latencies(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            "starwire_transaction_seconds",
            "From the whole request to the whole reply.",
            labels=["hop", "target", "type"],
        )
        sums: dict[tuple[str, ...], _Row] = {}
        for (hop, target, type_, *_), row in self._rows.items():
            total = sums.setdefault((hop, target or "-", _type(type_)), _Row())
            total.seconds += row.seconds
            total.buckets = [a + b for a, b in zip(total.buckets, row.buckets, strict=True)]
        for told, total in sums.items():
            family.add_metric(told, _cumulative(total.buckets), sum_value=total.seconds)
        return family

    def _octets(self) -> Iterator[CounterMetricFamily]:
        for name, direction, help_ in (
            ("starwire_octets_in", "octets_in", "Octets of requests, headers included."),
            ("starwire_octets_out", "octets_out", "Octets of replies, headers included."),
        ):
            family = CounterMetricFamily(name, help_, labels=["hop"])
            sums: defaultdict[str, int] = defaultdict(int)
            for (hop, *_), row in self._rows.items():
                sums[hop] += getattr(row, direction)
            for hop, total in sums.items():
                family.add_metric([hop], total)
            yield family


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total = 0
    told = []
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], buckets, strict=True):
        total += count
        told.append((bound, float(total)))
    return told


def _type(number: int | None) -> str:
    return "-" if number is None else _TYPES.get(number, _OTHER)


def _number(number: int | None) -> str:
    return "-" if number is None else str(number)
