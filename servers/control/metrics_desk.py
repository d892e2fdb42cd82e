"""The metrics, for Prometheus to fetch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from starwire.servers.metrics import Metrics

from .routing import Asked, Text, route

if TYPE_CHECKING:
    from .exposition import Exposition

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsDesk:
    """Shows the metrics of this process; `connections` as `exposition.OpenConnections`."""

    def __init__(
        self, metrics: Metrics, connections: Callable[[], Iterable[tuple[str, int]]]
    ) -> None:
        self._metrics = metrics
        self._connections = connections

    @cached_property
    def _exposition(self) -> Exposition:
        from .exposition import Exposition

        return Exposition(self._metrics, self._connections)

    @route("GET", "/metrics", result=CONTENT_TYPE)
    async def show_metrics(self, asked: Asked) -> Text:
        """Transactions, latencies, connections and octets by port, in the format of Prometheus."""
        return Text(self._exposition.text(), CONTENT_TYPE)
