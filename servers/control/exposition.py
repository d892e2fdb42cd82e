"""The numbers of `metrics` as Prometheus reads them; loaded by the first who asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest

from starwire.protocol.status import MessageType
from starwire.servers.metrics import BOUNDS, OTHER, Labels, Metrics, Row

_TYPES = {int(one): one.name.lower() for one in MessageType}

OpenConnections = Callable[[], Iterable[tuple[str, int]]]
"""Each port's name, and how many connections are open there."""


class Exposition:
    """Tells the metrics of a process, and of the process itself."""

    def __init__(
        self, metrics: Metrics, connections: OpenConnections, *, process: bool = True
    ) -> None:
        self._metrics = metrics
        self._connections = connections
        self._registry = CollectorRegistry()
        self._registry.register(self)
        if process:
            ProcessCollector(registry=self._registry)

    def text(self) -> str:
        """All of it, in the text format, version 0.0.4."""
        return generate_latest(self._registry).decode()

    # What the registry calls.

    def describe(self) -> list[Any]:
        """Nothing in advance: names are told with the numbers."""
        return []

    def collect(self) -> Iterator[Any]:
        rows = [(Labels(*key), row) for key, row in self._metrics.rows.items()]
        yield _transactions(rows)
        yield _latencies(rows)
        yield _octets("in", "Octets of requests", {one: row.octets_in for one, row in rows})
        yield _octets("out", "Octets of replies", {one: row.octets_out for one, row in rows})
        opened = GaugeMetricFamily(
            "starwire_connections", "Connections that are open.", labels=["hop"]
        )
        for hop, count in self._connections():
            opened.add_metric([hop], count)
        yield opened


_Rows = Iterable[tuple[Labels, Row]]


def _transactions(rows: _Rows) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "starwire_transactions",
        "Transactions that came to their end.",
        labels=["hop", "target", "type", "status", "code", "outcome"],
    )
    counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for one, row in rows:
        status = "-" if one.status is None else str(one.status)
        counts[*_where(one), status, one.code or "-", one.outcome] += row.count
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family


def _latencies(rows: _Rows) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "starwire_transaction_seconds",
        "From the whole request to the whole reply.",
        labels=["hop", "target", "type"],
    )
    sums: defaultdict[tuple[str, ...], Row] = defaultdict(Row)
    for one, row in rows:
        total = sums[_where(one)]
        total.seconds += row.seconds
        total.buckets = [a + b for a, b in zip(total.buckets, row.buckets, strict=True)]
    for labels, total in sums.items():
        family.add_metric(labels, _cumulative(total.buckets), sum_value=total.seconds)
    return family


def _octets(way: str, help_: str, counted: Mapping[Labels, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(
        f"starwire_octets_{way}", f"{help_}, headers included.", labels=["hop"]
    )
    sums: defaultdict[str, int] = defaultdict(int)
    for one, octets in counted.items():
        sums[one.hop] += octets
    for hop, total in sums.items():
        family.add_metric([hop], total)
    return family


def _where(one: Labels) -> tuple[str, str, str]:
    """Hop, target and type; `-` for what there is none of."""
    type_ = "-" if one.type is None else _TYPES.get(one.type, OTHER)
    return one.hop, one.target or "-", type_


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total = 0
    told = []
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], buckets, strict=True):
        total += count
        told.append((bound, float(total)))
    return told
