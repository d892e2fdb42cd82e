"""A process in memory, to Twisted its reactor: timers, threads, and what it connects to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionRefusedError
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from .network import Network

QUEUES = ("threads", "writes", "reads")
"""What threads do, in the order in which it is chosen where nobody chooses."""
Event: TypeAlias = tuple[Callable[..., None], Any]
"""What happens, and to whom."""
_SPOILT = 256
"""Cancelled timers that may lie about before they are swept out."""


class Connector:
    """A connection that is asked for."""

    def __init__(self, host: Host, port: int, factory: Any) -> None:
        self.host = host
        self.port = port
        self.factory = factory

    def disconnect(self) -> None:
        if self in self.host.connecting:
            self.host.connecting.remove(self)
            self.factory.clientConnectionFailed(self, Failure(ConnectionAborted()))

    def connect(self) -> None:
        self.host.connecting.remove(self)
        joined = self.host.network.join(self.host, self.port, self.factory.buildProtocol)
        if joined is None:
            self.factory.clientConnectionFailed(self, Failure(ConnectionRefusedError()))


class Host:
    """A process: its timers, its threads, its connections."""

    def __init__(self, network: Network, name: str) -> None:
        self.network = network
        self.name = name
        self.alive = True
        self.is_ready = False
        """Whether it stands in the network's queue of those to which something may happen."""
        self.connecting: list[Connector] = []
        self._asked: dict[str, deque[Any]] = {name: deque() for name in QUEUES}
        self._done: dict[str, deque[Any]] = {name: deque() for name in QUEUES}
        self._timers: list[tuple[float, int, DelayedCall]] = []
        self._numbers = count()
        self._spoilt = 0

    # What protocols call.

    def seconds(self) -> float:
        return self.network.now

    def callLater(
        self, delay: float, call: Callable[..., Any], *arguments: Any, **named: Any
    ) -> DelayedCall:
        due = self.network.now + delay
        timer = DelayedCall(due, call, arguments, named, self._cancelled, self._start, self.seconds)
        self._start(timer)
        if delay <= 0:
            self.network.touch(self)
        return timer

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float = 30) -> Connector:
        connector = Connector(self, port, factory)
        self.connecting.append(connector)
        self.network.touch(self)
        return connector

    # Timers.

    def _start(self, timer: DelayedCall) -> None:
        heappush(self._timers, (timer.time, next(self._numbers), timer))

    def _cancelled(self, timer: DelayedCall) -> None:
        self._spoilt += 1
        if self._spoilt > _SPOILT and self._spoilt > len(self._timers) // 2:
            self._spoilt = 0
            self._timers = [entry for entry in self._timers if entry[2].active()]
            heapify(self._timers)

    def due(self) -> float | None:
        """When its next timer is due; None while it has none."""
        while self._timers and self.alive:
            when, _, timer = self._timers[0]
            if timer.active() and timer.time == when and not timer.delayed_time:
                return when
            heappop(self._timers)
            if timer.active() and timer.time == when:  # it was put off
                timer.activate_delay()
                self._start(timer)
        return None

    # Threads.

    def ask(self, queue: str, work: Callable[[], Any]) -> Deferred[Any]:
        """The result of work that a thread does when its turn comes."""
        done: Deferred[Any] = Deferred()
        self._asked[queue].append((work, done))
        self.network.touch(self)
        return done

    # What happens.

    def events(self) -> Iterator[Event]:
        if not self.alive:
            return
        due = self.due()
        if due is not None and due <= self.network.now:
            yield self._tick, self
        for queue in QUEUES:
            if self._done[queue]:
                yield self._tell, queue
            if self._asked[queue]:
                yield self._work, queue
        for connector in self.connecting:
            yield connector.connect, self

    def _tick(self) -> None:
        _, _, timer = heappop(self._timers)
        timer.called = 1
        timer.func(*timer.args, **timer.kw)

    def _work(self, queue: str) -> None:
        work, done = self._asked[queue].popleft()
        try:
            outcome = work()
        except Exception:
            outcome = Failure()
        self._done[queue].append((done, outcome))

    def _tell(self, queue: str) -> None:
        done, outcome = self._done[queue].popleft()
        done.callback(outcome)

    def die(self, cut: int) -> None:
        """As with kill -9: of each connection's octets on their way only so many arrive."""
        self.alive = False
        self._timers.clear()
        self.connecting.clear()
        for queue in QUEUES:
            self._asked[queue].clear()
            self._done[queue].clear()
        self.network.bury(self, cut)
