"""A network in memory: processes with a clock each, and connections whose octets wait.

Nothing happens by itself. `Network.events` are all that may happen next (octets that arrive, a
transaction that runs, one whose result is told, a timer that is due), and whoever drives says which
of them does. Only what a real network, kernel or thread may do is among them.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
)
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

CAPACITY = 1024
"""Octets that may be on their way before their writer is paused: few, so that it happens."""
QUEUES = ("threads", "writes", "reads")
HERE = "127.0.0.1"
Event = tuple[Callable[..., None], Any]
"""What happens, and to whom."""


class End:
    """One side of a connection: the transport of its protocol."""

    other: End

    def __init__(self, host: Host, own: int, peer: int, protocol: Any) -> None:
        self.host = host
        self.protocol = protocol
        self.outgoing = bytearray()
        self.reading = True
        self.gone = False
        """Whether its protocol has been told that the connection is lost."""
        self.shut = False
        """Whether nothing more is written."""
        self.told_end = False
        self.closing = False
        self.is_reset = False
        self._aborting = False
        self._producer: Any = None
        self._blocked = False
        self._own = IPv4Address("TCP", HERE, own)
        self._peer = IPv4Address("TCP", HERE, peer)

    # What protocols call.

    def getHost(self) -> IPv4Address:
        return self._own

    def getPeer(self) -> IPv4Address:
        return self._peer

    def getHandle(self) -> End:
        return self

    def recv(self, count: int, flags: int) -> bytes:
        """What `Kept.is_found_dead` asks of a socket."""
        assert flags & socket.MSG_PEEK
        if self.is_reset:
            raise ConnectionResetError
        if self.other.outgoing:
            return bytes(self.other.outgoing[:count])
        if self.other.shut or self.other.gone:
            return b""
        raise BlockingIOError

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def setTcpKeepAlive(self, enabled: bool) -> None:
        pass

    def write(self, octets: bytes) -> None:
        if self.gone or self.shut or self._aborting:
            return
        self.outgoing += octets
        if self._producer is not None and not self._blocked and len(self.outgoing) > CAPACITY:
            self._blocked = True
            self._producer.pauseProducing()

    def writeSequence(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def loseConnection(self) -> None:
        self.shut = self.closing = True

    def loseWriteConnection(self) -> None:
        self.shut = True

    def abortConnection(self) -> None:
        if not (self.gone or self._aborting):
            self._aborting = True
            self.host.callLater(0, self.lose, ConnectionAborted())
            self.cut(0)

    # What happens.

    def cut(self, count: int) -> None:
        """All but so many of the octets on their way are lost, and the connection with them."""
        del self.outgoing[count:]
        self.shut = True
        if not count:
            self.other.is_reset = True

    def lose(self, reason: Exception) -> None:
        if self.gone:
            return
        self.gone = self.shut = True
        self.other.outgoing.clear()
        self.host.network.forget(self)
        self.protocol.connectionLost(Failure(reason))

    def events(self) -> Iterator[Event]:
        """What may happen to the octets that were written here, and to this side."""
        other = self.other
        if not self.gone and self.is_reset:
            yield self._reset, self
            return
        if not self.gone and self.closing and not self.outgoing:
            yield self._close, self
        if other.gone:
            if self.outgoing and not self.gone:
                yield self._refused, self
        elif self.outgoing:
            if other.reading and not other._aborting:
                yield self.deliver, self
        elif self.shut and not self.told_end and other.reading:
            yield self._end, self

    def deliver(self, count: int = 1 << 30) -> None:
        """So many octets arrive."""
        octets = bytes(self.outgoing[:count])
        del self.outgoing[:count]
        if self._blocked and not self.outgoing and not self.gone:
            self._blocked = False
            if self._producer is not None:
                self._producer.resumeProducing()
        self.other.protocol.dataReceived(octets)

    def _reset(self) -> None:
        self.lose(ConnectionLost())

    def _close(self) -> None:
        self.lose(ConnectionDone())

    def _refused(self) -> None:
        """It was written to somebody who is gone."""
        self.outgoing.clear()
        self.is_reset = True

    def _end(self) -> None:
        """The other side learns that nothing more comes."""
        self.told_end = True
        if not self.gone and IHalfCloseableProtocol.providedBy(self.protocol):
            self.protocol.writeConnectionLost()
        other = self.other
        if IHalfCloseableProtocol.providedBy(other.protocol):
            other.protocol.readConnectionLost()
        else:
            other.lose(ConnectionDone())
        self.host.network.forget(self)


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
        network = self.host.network
        listening = network.listening.get(self.port)
        if listening is None:
            self.factory.clientConnectionFailed(self, Failure(ConnectionRefusedError()))
            return
        own = network.new_port()
        accepted = listening.factory.buildProtocol(IPv4Address("TCP", HERE, own))
        asked = self.factory.buildProtocol(IPv4Address("TCP", HERE, self.port))
        near = End(self.host, own, self.port, asked)
        far = End(listening.host, self.port, own, accepted)
        near.other, far.other = far, near
        network.ends[near] = network.ends[far] = None
        if accepted is None:
            far.gone, near.is_reset = True, True
            network.forget(far)
        else:
            accepted.makeConnection(far)
        asked.makeConnection(near)


class Port:
    """A process accepts connections there."""

    def __init__(self, host: Host, number: int, factory: Any) -> None:
        self.host = host
        self.number = number
        self.factory = factory
        host.network.listening[number] = self

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", HERE, self.number)

    def stopListening(self) -> None:
        if self.host.network.listening.get(self.number) is self:
            del self.host.network.listening[self.number]


class Host(Clock):
    """A process: its timers, its threads, its connections. To Twisted it is the reactor."""

    def __init__(self, network: Network, name: str) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.alive = True
        self.connecting: list[Connector] = []
        self._asked: dict[str, deque[Any]] = {name: deque() for name in QUEUES}
        self._done: dict[str, deque[Any]] = {name: deque() for name in QUEUES}
        self.rightNow = network.now

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float = 30) -> Connector:
        connector = Connector(self, port, factory)
        self.connecting.append(connector)
        return connector

    def ask(self, queue: str, work: Callable[[], Any]) -> Deferred[Any]:
        """The result of work that a thread does when its turn comes."""
        done: Deferred[Any] = Deferred()
        if self.alive:
            self._asked[queue].append((work, done))
        return done

    def events(self) -> Iterator[Event]:
        if self.calls and self.calls[0].getTime() <= self.rightNow:
            yield self._tick, self
        for queue in QUEUES:
            if self._done[queue]:
                yield self._tell, queue
            if self._asked[queue]:
                yield self._work, queue
        for connector in self.connecting:
            yield connector.connect, self

    def _tick(self) -> None:
        call = self.calls.pop(0)
        call.called = 1
        call.func(*call.args, **call.kw)

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
        for call in list(self.calls):
            call.cancel()
        self.connecting.clear()
        for queue in QUEUES:
            self._asked[queue].clear()
            self._done[queue].clear()
        network = self.network
        for port in [p for p in network.listening.values() if p.host is self]:
            port.stopListening()
        for end in [end for end in network.ends if end.host is self]:
            end.cut(min(cut, len(end.outgoing)))
            end.gone = True
            end.other.outgoing.clear()
            network.forget(end)


class Network:
    """Hosts and the connections between them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hosts: list[Host] = []
        self.ends: dict[End, None] = {}
        self.listening: dict[int, Port] = {}
        self.current: Host | None = None
        """The process in which something happens now."""
        self.happened = 0
        self._last_port = 40_000

    def host(self, name: str) -> Host:
        made = Host(self, name)
        self.hosts.append(made)
        return made

    def new_port(self) -> int:
        self._last_port += 1
        return self._last_port

    def forget(self, end: End) -> None:
        """Drop a connection whose both sides have ended and have nothing more to tell."""
        for one in (end, end.other):
            if one.gone and (one.told_end or one.other.gone or one.other.is_reset):
                self.ends.pop(one, None)

    def events(self) -> Iterator[Event]:
        """All that may happen next."""
        for host in self.hosts:
            if host.alive:
                yield from host.events()
        for end in list(self.ends):
            yield from end.events()

    def let(self, event: Event, count: int | None = None) -> None:
        """It happens; of octets only so many arrive."""
        act, whose = event
        self.happened += 1
        if isinstance(whose, str):
            self.current = act.__self__  # type: ignore[attr-defined]
            act(whose)
            return
        if isinstance(whose, End):
            # Octets and ends are told to the other side's process, all else to the own.
            self.current = whose.other.host if act.__name__ in ("deliver", "_end") else whose.host
            if count is not None and act.__name__ == "deliver":
                act(count)
                return
        else:
            self.current = whose
        act()

    def choose(self, choice: int) -> bool:
        """One of the events happens, as the number says; whether there was any."""
        events = list(self.events())
        if not events:
            return False
        which, cut = choice % len(events), choice // len(events)
        self.let(events[which], 1 + cut if cut else None)
        return True

    def settle(self, most: int = 200_000) -> None:
        """All that can happen without the clock does."""
        for _ in range(most):
            event = next(self.events(), None)
            if event is None:
                return
            self.let(event)
        raise AssertionError(f"after {most} events there is no end")

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        for host in self.hosts:
            host.rightNow += seconds

    def time(self) -> float:
        """The time of day."""
        return 904_034_960.0 + self.now
