"""The metrics: what is counted under which labels, and that peers cannot make labels."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support_control import ControlClient

from starwire.servers.control.metrics_desk import MetricsDesk
from starwire.servers.journal import Record
from starwire.servers.metrics import MOST_ROWS, Metrics


def record(**fields: Any) -> Record:
    """A GRTL at rm that took 3 ms."""
    told: dict[str, Any] = {
        "hop": "rm",
        "transaction": "t",
        "peer": "p",
        "target": "RM",
        "type": 0,
        "status": 0,
        "code": "0",
        "outcome": "answered",
        "began": 0.0,
        "seconds": 0.003,
        "request": b"",
        "request_octets": 60,
        "reply_octets": 400,
    }
    return Record(**{**told, **fields})


class Scraped:
    """Metrics as Prometheus would read them."""

    def __init__(self) -> None:
        self.open = [("rm", 2), ("web", 5)]
        self.metrics = Metrics()
        self.desk = MetricsDesk(self.metrics, lambda: self.open)

    def note(self, **fields: Any) -> None:
        self.metrics.note(record(**fields))

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Label values in the order of the labels' names, and the number."""
        said = ControlClient(self.desk)("GET", "/metrics")
        assert said.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(said.octets.decode())
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture
def scraped() -> Scraped:
    return Scraped()


def test_transactions_are_counted_by_what_they_were(scraped: Scraped) -> None:
    scraped.note()
    scraped.note()
    scraped.note(status=100, code="6109")
    scraped.note(hop="jar", target="", type=None, status=None, code="")
    scraped.note(type=3, status=None, code="", outcome="cancelled")
    # code, hop, outcome, status, target, type
    assert scraped.samples("starwire_transactions_total") == {
        ("0", "rm", "answered", "0", "RM", "sync"): 2,
        ("6109", "rm", "answered", "100", "RM", "sync"): 1,
        ("-", "jar", "answered", "-", "-", "-"): 1,
        ("-", "rm", "cancelled", "-", "RM", "bulk"): 1,
    }


def test_latencies_fall_into_buckets(scraped: Scraped) -> None:
    for seconds in (0.0005, 0.0006, 0.003, 99.0):
        scraped.note(seconds=seconds)
    buckets = scraped.samples("starwire_transaction_seconds_bucket")
    cumulative = {bound: count for (_, bound, _, _), count in buckets.items()}
    assert (cumulative["0.0005"], cumulative["0.001"], cumulative["0.0025"]) == (1, 2, 2)
    assert (cumulative["0.005"], cumulative["60.0"], cumulative["+Inf"]) == (3, 3, 4)
    assert scraped.samples("starwire_transaction_seconds_count") == {("rm", "RM", "sync"): 4}
    [total] = scraped.samples("starwire_transaction_seconds_sum").values()
    assert total == pytest.approx(99.0041)


def test_statuses_share_a_histogram(scraped: Scraped) -> None:
    scraped.note()
    scraped.note(status=100, code="6109", seconds=10.0)
    assert scraped.samples("starwire_transaction_seconds_count") == {("rm", "RM", "sync"): 2}


def test_octets_go_in_and_out(scraped: Scraped) -> None:
    scraped.note()
    scraped.note(status=105, reply_octets=49)
    scraped.note(hop="web", request_octets=1, reply_octets=2)
    assert scraped.samples("starwire_octets_in_total") == {("rm",): 120, ("web",): 1}
    assert scraped.samples("starwire_octets_out_total") == {("rm",): 449, ("web",): 2}


def test_connections_are_those_of_now(scraped: Scraped) -> None:
    assert scraped.samples("starwire_connections") == {("rm",): 2, ("web",): 5}
    scraped.open = [("rm", 0)]
    assert scraped.samples("starwire_connections") == {("rm",): 0}


def test_no_peer_makes_a_label(scraped: Scraped) -> None:
    for number in range(10):
        scraped.note(target=f"T{number}", type=number + 4)
    [(labels, count)] = scraped.samples("starwire_transactions_total").items()
    assert (labels[-2:], count) == (("other", "other"), 10)


def test_rows_are_bounded(scraped: Scraped) -> None:
    for code in range(MOST_ROWS + 5):
        scraped.note(code=str(code))
    counts = scraped.samples("starwire_transactions_total")
    assert len(counts) == MOST_ROWS + 1
    assert counts["other", "rm", "answered", "-", "other", "-"] == 5


def test_the_process_is_told_of_too(scraped: Scraped) -> None:
    [octets] = scraped.samples("process_resident_memory_bytes").values()
    assert octets > 1_000_000
