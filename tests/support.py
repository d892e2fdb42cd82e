"""What tests of several rooms share that is no fixture."""

from collections.abc import Callable, Coroutine
from typing import Any

from starwire.servers.store import Store
from starwire.servers.watching import ReferenceWatch


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of what has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


class Immediate:
    """A `servers.database.Database` whose transactions run where they are asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._watch = ReferenceWatch(store)

    def reference_version(self) -> int | None:
        return self._watch.version()

    async def read(self, work: Callable[[Any], Any]) -> Any:
        with self.store.read() as connection:
            return work(connection)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        with self.store.write() as connection:
            return work(connection)
