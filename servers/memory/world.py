"""What the servers of one emulator in memory stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred

from starwire.servers.customer import Customer
from starwire.servers.jar_client import Jar, JarClient
from starwire.servers.reference import Reference, load_reference

from .database import QueuedDatabase
from .host import Host
from .network import Network, Port
from .store import MemoryStore

T = TypeVar("T")


class MemoryWorld:
    """See `servers.world.World`."""

    is_shared = False

    def __init__(self, network: Network, store: MemoryStore, began: float) -> None:
        """`began` is the time of day when the network's clock stood at 0."""
        self._network = network
        self._store = store
        self._reference: Reference | None = None
        self.host: Host
        self.began = began
        self.taken: set[str] = set()
        """The places where somebody else stands."""

    def begin(self) -> Host:
        """The process that there is from now on."""
        self.host = self._network.host("emulator")
        return self.host

    def time(self) -> float:
        return self.began + self._network.now

    def in_thread(self, work: Callable[[], T]) -> Deferred[T]:
        return self.host.ask("threads", work)

    def listen(
        self, reactor: Any, host: str, number: int, factory: Any, *, context: Any, shared: bool
    ) -> Port:
        return Port(reactor, number, factory)

    def refusable(self, port: Port) -> Port:
        return port

    def database(self, reactor: Any, url: str, fill: Any) -> QueuedDatabase:
        return QueuedDatabase(reactor, self._store, self._store.reference_version)

    def reference(self, connection: Connection) -> Reference:
        """Those that the store began with are read once: it costs more than a start."""
        if not self._store.is_of_beginning:
            return load_reference(connection)
        if self._reference is None:
            self._reference = load_reference(connection)
        return self._reference

    def jar(self, own: Jar, client: Callable[[], JarClient]) -> Jar:
        return _EitherJar(self, own, client)


class _EitherJar:
    """The process's own jar while that stands at its place; otherwise who stands there."""

    def __init__(self, world: MemoryWorld, own: Jar, client: Callable[[], JarClient]) -> None:
        self._world = world
        self._own = own
        self._make = client
        self._client: JarClient | None = None

    @property
    def _now(self) -> Jar:
        if "jar" not in self._world.taken:
            return self._own
        if self._client is None:
            self._client = self._make()
        return self._client

    async def customer(self, key: str) -> Customer | None:
        return await self._now.customer(key)

    async def make(self, customer: Customer) -> str:
        return await self._now.make(customer)

    async def drop(self, key: str) -> bool:
        return await self._now.drop(key)
