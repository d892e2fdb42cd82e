"""The metrics, for Prometheus to fetch."""

from __future__ import annotations

from starwire.servers.metrics import CONTENT_TYPE, Metrics

from .routing import Asked, Text, route


class MetricsDesk:
    """Shows the metrics of this process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @route("GET", "/metrics", result=CONTENT_TYPE)
    async def show_metrics(self, asked: Asked) -> Text:
        """Transactions, latencies, connections and octets by port, in the format of Prometheus."""
        return Text(self._metrics.text(), CONTENT_TYPE)
