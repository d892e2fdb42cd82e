"""Faults behind the ports: where the servers meet their store, their files and their peers.

Those of one message are found where the message is carried out, in a thread of the store's, and
what is meant by "this message" there is kept for the thread. Those of the whole store (aimed at
nothing) strike each transaction, whoever's it is: they hang in the store's own threads, as a store
that hangs does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError, OperationalError

from .backend import BackEnd, BackEndAnswer
from .customer import Customer
from .fault import OF_PORTS, GeneralFailure
from .fault_plan import FaultPlan, Strike, Subject, subject_of
from .faults import Waiting
from .notifying import Contact, Contacts, NotificationFault

T = TypeVar("T")
Work = Callable[[Connection], T]


class Injected(Exception):
    """What stands in for the driver's own error; `stage` is where it failed."""

    def __init__(self, stage: str) -> None:
        super().__init__(f"a fault is switched on: {stage}")
        self.stage = stage


class Borders:
    """What the servers of one process ask at their borders while faults are switched on."""

    def __init__(self, plan: FaultPlan, waiting: Waiting) -> None:
        self._plan = plan
        self._waiting = waiting
        self._thread = threading.local()
        self._changed = threading.Condition()
        self.is_on = False
        """Whether any fault behind the ports is switched on."""
        plan.on_change.append(self._look)
        self._look()

    def _look(self) -> None:
        self.is_on = any(fault.kind not in OF_PORTS for _, fault, _ in self._plan.listing())
        with self._changed:
            self._changed.notify_all()

    # Of the whole store.

    def troubled(self, work: Work[T]) -> Work[T]:
        """The work of a transaction, which fails or hangs while a fault of the store is on."""

        def run(connection: Connection) -> T:
            for number, fault in self._plan.standing("database-down", "database-hang"):
                if fault.kind == "database-down":
                    raise failure("database")
                self._hang(number, fault.seconds)
            return work(connection)

        return run

    def _hang(self, number: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            while self._plan.has(number):
                left = until - time.monotonic() if seconds else None
                if left is not None and left <= 0:
                    raise failure("database")
                self._changed.wait(left)

    # Of one message.

    async def before(self, octets: bytes, door: str, customer: Customer | None) -> None:
        """What happens to a message before its transaction: the store is not there, or hangs."""
        subject = _subject(octets, door, customer)
        for strike in self._plan.strikes(subject, "database-down", "database-hang"):
            seconds = strike.fault.seconds
            if strike.fault.kind == "database-hang":
                await self._waiting.wait(strike, seconds or None)
            if strike.fault.kind == "database-down" or (seconds and self._plan.has(strike.number)):
                raise failure("database")

    def back_end(self, inner: BackEnd) -> BackEnd:
        """A back end that meets the faults of its messages."""
        return _FaultyBackEnd(inner, self)

    def work_on(self, connection: Connection, subject: Subject) -> Connection:
        """The connection for a message, some of whose statements may fail."""
        kinds = ("general-failure", "statement-failure")
        for strike in self._plan.strikes(subject, *kinds):
            if strike.fault.kind == "general-failure":
                raise GeneralFailure("a fault is switched on")
            connection = _failing(connection, strike)
        return connection

    def enter(self, subject: Subject | None) -> None:
        """Which message this thread works on from now on."""
        self._thread.subject = subject

    def is_missing(self, loc: str) -> bool:
        """Whether a file is to be taken for missing."""
        return self._strike("file-missing") is not None

    def server_code(self) -> int:
        """The code of what a fulfilling server does wrong with this message; 0 if nothing."""
        strike = self._strike("fulfilling-server")
        return strike.fault.code if strike else 0

    def contacts(self, inner: Contacts) -> Contacts:
        """What asks for a user's contact, and may fail."""

        def ask(connection: Connection, userid: str) -> Contact:
            strike = self._strike("notification")
            if strike is not None:
                raise NotificationFault(strike.fault.code)
            return inner(connection, userid)

        return ask

    def _strike(self, kind: str) -> Strike | None:
        subject = getattr(self._thread, "subject", None)
        strikes = self._plan.strikes(subject, kind) if subject is not None else []
        return strikes[0] if strikes else None


class _FaultyBackEnd:
    """Stands before a back end."""

    def __init__(self, inner: BackEnd, borders: Borders) -> None:
        self._inner = inner
        self._borders = borders
        self.doors = inner.doors
        self.of_reference = inner.of_reference
        self.slow = inner.slow

    def answer(
        self, connection: Connection, octets: bytes, door: str, customer: Customer | None
    ) -> BackEndAnswer:
        """See `backend.BackEnd`."""
        borders = self._borders
        if not borders.is_on:
            return self._inner.answer(connection, octets, door, customer)
        subject = _subject(octets, door, customer)
        borders.enter(subject)
        try:
            faulty = borders.work_on(connection, subject)
            return self._inner.answer(faulty, octets, door, customer)
        finally:
            borders.enter(None)


def _subject(octets: bytes, door: str, customer: Customer | None) -> Subject:
    return subject_of(door, octets, user=customer.userid if customer else "")


def failure(stage: str) -> DBAPIError:
    """The error of a database that fails in that place."""
    lost = stage in ("database", "connection")
    return OperationalError(None, None, Injected(stage), connection_invalidated=lost)


def _failing(connection: Connection, strike: Strike) -> Any:
    if strike.fault.stage == "connection":
        raise failure("connection")
    return _FailingConnection(connection, strike.fault.stage, strike.fault.statement)


class _FailingConnection:
    """A connection one of whose statements fails; of a cursor's, those that have rows count."""

    def __init__(self, connection: Connection, stage: str, statement: int) -> None:
        self._connection = connection
        self._stage = stage
        self._left = statement

    def execute(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        if self._stage != "cursor" or isinstance(statement, Select):
            self._left -= 1
            if self._left == 0:
                raise failure(self._stage)
        return self._connection.execute(statement, *arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
