"""The state store from the reactor's side: every transaction runs in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from .store import Store
from .watching import ReferenceWatch

T = TypeVar("T")

_READERS = 8
_WRITERS = {"sqlite": 1, "postgresql": 8}
"""SQLite admits one writer at a time; a queue here is fairer and faster than its polling."""


class Database:
    """Runs transactions of a store without blocking the reactor."""

    def __init__(self, reactor: Any, store: Store) -> None:
        self._reactor = reactor
        self.store = store
        self._watch = ReferenceWatch(store)
        self._readers = ThreadPool(0, _READERS, "store-readers")
        self._writers = ThreadPool(0, _WRITERS[store.dialect], "store-writers")

    def start(self) -> None:
        self._readers.start()
        self._writers.start()

    def stop(self) -> None:
        """Wait for the transactions under way, then close the store."""
        self._readers.stop()
        self._writers.stop()
        self._watch.close()
        self.store.close()

    def reference_version(self) -> int | None:
        """See `watching.ReferenceWatch.version`; waits for nothing."""
        return self._watch.version()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` over one moment of the store."""

        def run() -> T:
            with self.store.read() as connection:
                return work(connection)

        return await deferToThreadPool(self._reactor, self._readers, run)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """The result of `work`, all of whose changes are durable by then, or none are."""

        def run() -> T:
            with self.store.write() as connection:
                return work(connection)

        return await deferToThreadPool(self._reactor, self._writers, run)
