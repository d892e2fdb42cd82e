"""A store's transactions in memory: one at a time, when it is their turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred

from starwire.servers.database import Work
from starwire.servers.store import Store

from .host import Host

T = TypeVar("T")


class QueuedDatabase:
    """See `servers.database.Database`. The store is its maker's, who closes it."""

    def __init__(self, host: Host, store: Store, version: Callable[[], int | None]) -> None:
        """`version` tells that of the reference tables."""
        self._host = host
        self._version = version
        self.store = store
        self.troubled: Callable[[Work], Work] | None = None

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def reference_version(self) -> int | None:
        return self._version() if self.troubled is None else None

    async def read(self, work: Callable[[Connection], T]) -> T:
        result: T = await self._ask("reads", self.store.read, work)
        return result

    read_apart = read

    async def write(self, work: Callable[[Connection], T]) -> T:
        result: T = await self._ask("writes", self.store.write, work)
        return result

    def _ask(
        self, queue: str, transaction: Any, work: Callable[[Connection], Any]
    ) -> Deferred[Any]:
        work = work if self.troubled is None else self.troubled(work)

        def run() -> Any:
            with transaction() as connection:
                return work(connection)

        return self._host.ask(queue, run)
