"""A network in memory: processes, and connections whose octets wait, all on one clock.

Nothing happens by itself. What may happen next are octets that arrive, a connection that is made or
ends, work of a thread, its result told, a timer that is due: only what a real network, kernel or
thread may do. `Network.settle` lets all of it happen, in the order in which it became possible;
tests choose among it (`events`), to find the orders that do harm.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer, ITransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from .host import Host

HERE = "127.0.0.1"
_CAPACITY = 65_536
"""Octets that may be on their way before their writer is paused, as much as Twisted holds."""
_RECEIVED = 65_536
"""Octets that arrive at a time, as many as Twisted takes from a socket."""
Event: TypeAlias = tuple[Callable[..., None], Any]
"""What happens, and to whom."""


@implementer(IPushProducer, ITransport)
class End:
    """One side of a connection: the transport of its protocol."""

    other: End

    def __init__(self, host: Host, own: IPv4Address, peer: IPv4Address, protocol: Any) -> None:
        self.host = host
        self.protocol = protocol
        self.network = host.network
        self.outgoing = bytearray()
        self.reading = True
        self.gone = False
        """Whether its protocol has been told that the connection is lost."""
        self.shut = False
        """Whether nothing more is written."""
        self.told_end = False
        self.disconnecting = False
        self.is_reset = False
        self.is_ready = False
        """See `Host.is_ready`."""
        self.aborting = False
        self._producer: Any = None
        self._blocked = False
        self._own = own
        self._peer = peer

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
        if self.gone or self.shut or self.aborting:
            return
        self.outgoing += octets
        self.network.touch(self)
        if (
            self._producer is not None
            and not self._blocked
            and len(self.outgoing) > self.network.capacity
        ):
            self._blocked = True
            self._producer.pauseProducing()

    def writeSequence(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True
        self.network.touch(self.other)

    def stopProducing(self) -> None:
        self.loseConnection()

    def loseConnection(self) -> None:
        self.shut = self.disconnecting = True
        self.network.touch(self)

    def loseWriteConnection(self) -> None:
        self.shut = True
        self.network.touch(self)

    def abortConnection(self) -> None:
        if not (self.gone or self.aborting):
            self.aborting = True
            self.host.callLater(0, self.lose, ConnectionAborted())
            self.cut(0)

    # What happens.

    def cut(self, count: int) -> None:
        """All but so many of the octets on their way are lost, and the connection with them."""
        del self.outgoing[count:]
        self.shut = True
        if not count:
            self.other.is_reset = True
        self.network.touch(self)
        self.network.touch(self.other)

    def lose(self, reason: Exception) -> None:
        if self.gone:
            return
        self.gone = self.shut = True
        self.other.outgoing.clear()
        self.network.forget(self)
        self.network.touch(self)
        self.network.touch(self.other)
        self.protocol.connectionLost(Failure(reason))

    def events(self) -> Iterator[Event]:
        """What may happen to the octets that were written here, and to this side.

        Whatever makes one of these possible has to `touch` this side.
        """
        other = self.other
        if not self.gone and self.is_reset:
            yield self._reset, self
            return
        if not self.gone and self.disconnecting and not self.outgoing:
            yield self._close, self
        if other.gone:
            if self.outgoing and not self.gone:
                yield self._refused, self
        elif self.outgoing:
            if other.reading and not other.aborting:
                yield self.deliver, self
        elif self.shut and not self.told_end and other.reading:
            yield self._end, self

    def deliver(self, count: int = _RECEIVED) -> None:
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
        self.network.forget(self)


class Port:
    """A process accepts connections there."""

    def __init__(
        self, host: Host, number: int, factory: Any, table: dict[int, Port] | None = None
    ) -> None:
        """`table` is that of the network's tables which it stands in: `listening`, by default."""
        self.host = host
        self.number = number
        self.factory = factory
        self._table = host.network.listening if table is None else table
        self.startListening()

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", HERE, self.number)

    def startListening(self) -> None:
        self._table[self.number] = self

    def want(self, wanted: bool) -> None:
        """See `listening.Refusable`."""
        if wanted:
            self.startListening()
        else:
            self.stopListening()

    def stopListening(self) -> None:
        if self._table.get(self.number) is self:
            del self._table[self.number]


class Network:
    """Hosts and the connections between them."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.now = 0.0
        self.capacity = capacity
        self.hosts: list[Host] = []
        self.ends: dict[End, None] = {}
        self.listening: dict[int, Port] = {}
        self.in_place: dict[int, Port] = {}
        """Ports that stand before those of `listening`."""
        self._ready: deque[End | Host] = deque()
        """To whom something may happen; what becomes possible is never missing here."""
        self._last_port = 40_000
        self._log = Logger(namespace="starwire.memory")

    def host(self, name: str) -> Host:
        made = Host(self, name)
        self.hosts.append(made)
        return made

    def touch(self, whom: End | Host) -> None:
        """Something may happen there now."""
        if not whom.is_ready:
            whom.is_ready = True
            self._ready.append(whom)

    def join(
        self, host: Host, number: int, make: Callable[[IPv4Address], Any], name: str = HERE
    ) -> End | None:
        """Connect to a port; None if nobody listens. `name` is the host's own address."""
        listening = self.in_place.get(number) or self.listening.get(number)
        if listening is None:
            return None
        self._last_port += 1
        own, peer = IPv4Address("TCP", name, self._last_port), IPv4Address("TCP", HERE, number)
        accepted = listening.factory.buildProtocol(own)
        asked = make(peer)
        near, far = End(host, own, peer, asked), End(listening.host, peer, own, accepted)
        near.other, far.other = far, near
        self.ends[near] = self.ends[far] = None
        if accepted is None:
            far.gone, near.is_reset = True, True
            self.forget(far)
            self.touch(near)
        else:
            accepted.makeConnection(far)
        asked.makeConnection(near)
        return near

    def forget(self, end: End) -> None:
        """Drop a connection whose both sides have ended and have nothing more to tell."""
        for one in (end, end.other):
            if one.gone and (one.told_end or one.other.gone or one.other.is_reset):
                self.ends.pop(one, None)

    def bury(self, host: Host, cut: int) -> None:
        """End what a process that is dead had open; of its octets so many still arrive."""
        for port in [port for port in self.listening.values() if port.host is host]:
            port.stopListening()
        for end in [end for end in self.ends if end.host is host]:
            end.cut(min(cut, len(end.outgoing)))
            end.gone = True
            end.other.outgoing.clear()
            self.forget(end)

    def events(self) -> Iterator[Event]:
        """All that may happen next."""
        for host in self.hosts:
            if host.alive:
                yield from host.events()
        for end in list(self.ends):
            yield from end.events()

    def settle(self, most: int = 1_000_000) -> None:
        """All that can happen without the clock does."""
        ready = self._ready
        for _ in range(most):
            if not ready:
                return
            whom = ready.popleft()
            whom.is_ready = False
            for act, argument in whom.events():
                self.touch(whom)
                try:
                    if isinstance(argument, str):
                        act(argument)
                    else:
                        act()
                except Exception as error:  # a bug: as Twisted's reactors do, log it and go on
                    self._log.failure("{act} failed", act=act.__qualname__)
                    if isinstance(argument, End):
                        argument.other.lose(error)
                break
        raise AssertionError(f"after {most} events there is no end")

    def due(self) -> float | None:
        """When the next timer of any process is due."""
        found = [due for host in self.hosts if (due := host.due()) is not None]
        return min(found, default=None)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        for host in self.hosts:
            self.touch(host)
