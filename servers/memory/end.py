"""One side of a connection in memory."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer, ITransport
from twisted.python.failure import Failure
from zope.interface import implementer

from .host import Event, Host

HERE = "127.0.0.1"
_RECEIVED = 65_536
"""Octets that arrive at a time, as many as Twisted takes from a socket."""


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
