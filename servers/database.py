"""The state store from the reactor's side: every transaction runs in a thread.

The reads of one turn of the reactor share a transaction: all of them were asked before it began, so
each sees a moment that it may see, and beginning, ending and changing threads cost once for all.
They leave together when the turn is over, since a thread that began with the first would fight the
reactor for the interpreter over each of the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from .store import Store
from .watching import ReferenceWatch

T = TypeVar("T")
Work = Callable[[Connection], Any]
Read = tuple[Callable[[Connection], Any], "Deferred[Any]"]

_READERS = {"sqlite": 1, "postgresql": 8}
"""SQLite answers in microseconds and in this process: more threads would fight for one lock."""
_WRITERS = {"sqlite": 1, "postgresql": 8}
"""SQLite admits one writer at a time; a queue here is fairer and faster than its polling."""
_APART = 8
_TOGETHER = 32
"""Reads that share a transaction, at most."""


class Database(Protocol):
    """Runs transactions of a store without blocking the reactor."""

    store: Store
    troubled: Callable[[Work], Work] | None
    """Gives the work of a transaction the faults of the whole store; None while none is on."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Wait for the transactions under way, then close the store."""

    def reference_version(self) -> int | None:
        """See `watching.ReferenceWatch.version`; waits for nothing."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` over one moment of the store, which others may share."""

    async def read_apart(self, work: Callable[[Connection], T]) -> T:
        """The same for work that takes long: it keeps no other read waiting."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """The result of `work`, all of whose changes are durable by then, or none are."""


class ThreadedDatabase:
    """Every transaction in a thread; see `Database`."""

    def __init__(self, reactor: Any, store: Store) -> None:
        self._reactor = reactor
        self.store = store
        self.troubled: Callable[[Work], Work] | None = None
        self._watch = ReferenceWatch(store)
        self._asked: list[Read] = []
        """In this turn of the reactor."""
        self._reads: SimpleQueue[Read | None] = SimpleQueue()
        readers = _READERS[store.dialect]
        self._readers = ThreadPool(readers, readers, "store-readers")
        self._apart = ThreadPool(0, _APART, "store-readers-apart")
        self._writers = ThreadPool(0, _WRITERS[store.dialect], "store-writers")

    def start(self) -> None:
        for pool in (self._readers, self._apart, self._writers):
            pool.start()
        for _ in range(self._readers.max):
            self._readers.callInThread(self._serve_reads)

    def stop(self) -> None:
        self._hand_over()
        for _ in range(self._readers.max):
            self._reads.put(None)
        for pool in (self._readers, self._apart, self._writers):
            pool.stop()
        self.store.close()
        self._watch.close()

    def reference_version(self) -> int | None:
        # While the store has faults nothing that is remembered may hide them.
        return self._watch.version() if self.troubled is None else None

    async def read(self, work: Callable[[Connection], T]) -> T:
        if self.troubled is not None:
            work = self.troubled(work)
        done: Deferred[T] = Deferred()
        self._asked.append((work, done))
        if len(self._asked) == 1:
            self._reactor.callLater(0, self._hand_over)
        return await done

    async def read_apart(self, work: Callable[[Connection], T]) -> T:
        work = work if self.troubled is None else self.troubled(work)

        def run() -> T:
            with self.store.read() as connection:
                return work(connection)

        return await deferToThreadPool(self._reactor, self._apart, run)

    async def write(self, work: Callable[[Connection], T]) -> T:
        work = work if self.troubled is None else self.troubled(work)

        def run() -> T:
            with self.store.write() as connection:
                return work(connection)

        return await deferToThreadPool(self._reactor, self._writers, run)

    def _hand_over(self) -> None:
        asked, self._asked = self._asked, []
        for one in asked:
            self._reads.put(one)

    # In the readers' threads.

    def _serve_reads(self) -> None:
        while (first := self._reads.get()) is not None:
            self._reactor.callFromThread(_deliver, self._carry_out(self._waiting(first)))

    def _waiting(self, first: Read) -> deque[Read]:
        """That read and whatever waits behind it, a fair share where there are several readers."""
        most = min(_TOGETHER, 1 + self._reads.qsize() // self._readers.max)
        waiting = deque([first])
        try:
            while len(waiting) < most:
                another = self._reads.get_nowait()
                if another is None:
                    self._reads.put(None)  # behind what is carried out now
                    break
                waiting.append(another)
        except Empty:  # another reader was faster
            pass
        return waiting

    def _carry_out(self, waiting: deque[Read]) -> list[tuple[Deferred[Any], Any]]:
        """The outcome of each; one that fails ends its transaction, and the others get another."""
        outcomes: list[tuple[Deferred[Any], Any]] = []
        while waiting:
            try:
                with self.store.read() as connection:
                    while waiting:
                        work, done = waiting[0]
                        outcomes.append((done, work(connection)))
                        waiting.popleft()
            except Exception:
                if waiting:
                    outcomes.append((waiting.popleft()[1], Failure()))
        return outcomes


def _deliver(outcomes: list[tuple[Deferred[Any], Any]]) -> None:
    for done, outcome in outcomes:
        done.callback(outcome)
