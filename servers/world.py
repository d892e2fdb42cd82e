"""What an emulator stands on beside its reactor: the clock on the wall, threads, ports, a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from .database import Database, ThreadedDatabase
from .jar_client import Jar, JarClient
from .listening import Refusable, RefusingPort, listen
from .reference import Reference, load_reference
from .store import open_store

T = TypeVar("T")


class World(Protocol):
    """What another than the real one must do."""

    is_shared: bool
    """Whether other processes may use the same store meanwhile."""

    def time(self) -> float:
        """The time of day, in seconds since 1970."""

    def in_thread(self, work: Callable[[], T]) -> Deferred[T]:
        """The result of work that may wait for a disk."""

    def listen(
        self, reactor: Any, host: str, number: int, factory: Any, *, context: Any, shared: bool
    ) -> Any:
        """See `listening.listen`."""

    def refusable(self, port: Any) -> Refusable:
        """A port that `listen` gave, as faults close it."""

    def database(
        self, reactor: Any, url: str, fill: Callable[[Connection], None] | None
    ) -> Database:
        """The database of the store at `url`, which `fill` fills if it is new. Raises StoreError"""

    def reference(self, connection: Connection) -> Reference:
        """See `reference.load_reference`."""

    def jar(self, own: Jar, client: Callable[[], JarClient]) -> Jar:
        """Whom the servers of the process ask that has the jar: it, or a client of its port."""


class RealWorld:
    """That of a process."""

    is_shared = True

    def time(self) -> float:
        return time.time()

    def in_thread(self, work: Callable[[], T]) -> Deferred[T]:
        return deferToThread(work)

    def listen(
        self, reactor: Any, host: str, number: int, factory: Any, *, context: Any, shared: bool
    ) -> Any:
        return listen(reactor, host, number, factory, context=context, shared=shared)

    def refusable(self, port: Any) -> Refusable:
        return RefusingPort(port)

    def database(
        self, reactor: Any, url: str, fill: Callable[[Connection], None] | None
    ) -> Database:
        return ThreadedDatabase(reactor, open_store(url, fill=fill))

    def reference(self, connection: Connection) -> Reference:
        return load_reference(connection)

    def jar(self, own: Jar, client: Callable[[], JarClient]) -> Jar:
        return own
