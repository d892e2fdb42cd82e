"""Reads that share a transaction, and those that must not suffer from each other."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select, update
from twisted.internet.defer import CancelledError, Deferred

from starwire.servers import schema
from starwire.servers.database import Database, ThreadedDatabase
from starwire.servers.store import Store


class Reactor:
    """The calls that threads ask for, made when the test looks."""

    def __init__(self) -> None:
        self._calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._called = threading.Condition()

    def callFromThread(self, call: Callable[..., Any], *arguments: Any) -> None:
        with self._called:
            self._calls.append((call, arguments))
            self._called.notify()

    def callLater(self, seconds: float, call: Callable[[], Any]) -> None:
        """The turn is over at once, unless the test makes it longer."""
        assert seconds == 0
        call()

    def until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            with self._called:
                assert self._called.wait_for(lambda: self._calls, 10), "nothing was called"
                calls, self._calls = self._calls, []
            for call, arguments in calls:
                call(*arguments)


@pytest.fixture
def reactor() -> Reactor:
    return Reactor()


@pytest.fixture
def database(store: Store, reactor: Reactor) -> Iterator[ThreadedDatabase]:
    database = ThreadedDatabase(reactor, store)
    database.start()
    yield database
    database.stop()


class Gate:
    """Keeps a reader busy until the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, connection: Connection) -> Connection:
        self.entered.set()
        assert self.open.wait(10)
        return connection


def busy(database: Database, reactor: Reactor) -> tuple[list[Gate], list[Any]]:
    """Every reader behind a gate, so that what is asked now waits."""
    gates, outcomes = [], []
    for _ in range(database._readers.max):
        gate = Gate()
        outcomes.append(outcome(database.read(gate)))
        assert gate.entered.wait(10)
        gates.append(gate)
    return gates, outcomes


def outcome(asked: Any) -> list[Any]:
    found: list[Any] = []
    Deferred.fromCoroutine(asked).addBoth(found.append)
    return found


def free(gates: list[Gate]) -> None:
    for gate in gates[1:] + gates[:1]:
        gate.open.set()


def test_reads_that_wait_together_share_a_transaction(
    database: ThreadedDatabase, reactor: Reactor
) -> None:
    gates, _ = busy(database, reactor)
    each = 4 * database._readers.max
    waiting = [outcome(database.read(lambda connection: connection)) for _ in range(each)]
    gates[0].open.set()
    reactor.until(lambda: all(waiting))
    free(gates)
    transactions = {id(connection) for (connection,) in waiting}
    assert len(transactions) < each
    if database.store.dialect == "sqlite":
        assert len(transactions) == 1


def test_a_read_that_fails_fails_alone(database: Database, reactor: Reactor) -> None:
    gates, _ = busy(database, reactor)

    def no_such_table(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT * FROM nowhere")

    before = outcome(database.read(lambda connection: 1))
    failing = outcome(database.read(no_such_table))
    behind = outcome(
        database.read(lambda connection: connection.execute(select(schema.store)).scalar_one())
    )
    gates[0].open.set()
    reactor.until(lambda: bool(before and failing and behind))
    free(gates)
    assert before == [1]
    assert "nowhere" in failing[0].getErrorMessage()
    assert behind == [schema.VERSION]


def test_a_write_in_a_read_is_refused(database: Database, reactor: Reactor) -> None:
    change = update(schema.report_categories).values(title="Changed")
    found = outcome(database.read(lambda connection: connection.execute(change)))
    reactor.until(lambda: bool(found))
    assert "read" in found[0].getErrorMessage()


def test_a_long_read_apart_keeps_no_other_waiting(
    database: ThreadedDatabase, reactor: Reactor
) -> None:
    gate = Gate()
    long = outcome(database.read_apart(gate))
    assert gate.entered.wait(10)
    short = outcome(database.read(lambda connection: 1))
    reactor.until(lambda: bool(short))
    assert (short, long) == ([1], [])
    gate.open.set()
    reactor.until(lambda: bool(long))


def test_who_no_longer_waits_disturbs_nobody(database: Database, reactor: Reactor) -> None:
    gates, _ = busy(database, reactor)
    given_up: Deferred[Any] = Deferred.fromCoroutine(database.read(lambda connection: 1))
    other = outcome(database.read(lambda connection: 2))
    found: list[Any] = []
    given_up.addErrback(lambda failure: found.append(failure.type))
    given_up.cancel()
    gates[0].open.set()
    reactor.until(lambda: bool(other))
    free(gates)
    assert (other, found) == ([2], [CancelledError])


def test_what_waits_when_the_database_stops_is_still_read(store: Store, reactor: Reactor) -> None:
    database = ThreadedDatabase(reactor, store)
    database.start()
    gates, _ = busy(database, reactor)
    waiting = outcome(database.read(lambda connection: 1))
    free(gates)
    database.stop()
    reactor.until(lambda: bool(waiting))
    assert waiting == [1]
