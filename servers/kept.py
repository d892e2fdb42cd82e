"""A connection that this side opens and keeps (DSP-04): frames out, frames in, until it is lost."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import ClientFactory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from .reading import PlainReader, Reader, Refused
from .trail import address


class FrameSource(Reader, Protocol):
    """A reader of replies that tells how far it has come."""

    @property
    def begun(self) -> Any | None:
        """The header of a frame of which not all is in."""


@implementer(IPushProducer)
class Kept(TwistedProtocol, ABC):
    """What kept connections have in common; `ready`, `came` and `ended` are theirs to fill in."""

    transport: Any
    speaks_unasked = True
    """Whether what comes while nothing is under way may be a reply that is late."""

    def __init__(self, reader: FrameSource) -> None:
        self._reader = reader
        self.own = ""
        """The address of this side, `HOST:PORT`, once there is one."""
        self.send: Callable[[bytes], Any] = self._send_wrapped
        self.is_open = False
        """Whether frames can be sent."""
        self.is_blocked = False
        """Whether the other side has not read what was sent."""
        self._over = False
        self._connector: Any = None

    def open(self, reactor: Any, host_and_port: str, seconds: float) -> None:
        """Connect; what comes of it is told to `ready` or `ended`."""
        host, _, port = host_and_port.rpartition(":")
        self._connector = reactor.connectTCP(
            host.strip("[]"), int(port), _Factory(self), timeout=seconds
        )

    def _send_wrapped(self, frame: bytes) -> None:
        self.transport.write(self._reader.wrap(frame))

    def close(self) -> None:
        """Give it up; `ended` is called now."""
        self._end("the connection was given up", None)
        if self.transport is not None:
            self.transport.abortConnection()
        elif self._connector is not None:
            self._connector.disconnect()

    def is_found_dead(self) -> bool:
        """Whether no request can go here any more, since the other side has closed, though the
        reactor may not have told so yet. Then it is over.

        To be asked before a request goes on a connection on which nothing is under way: what is
        sent into a closed connection cannot be told from what was read there (DSP-06).
        """
        try:
            came = self.transport.getHandle().recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            if came and self.speaks_unasked:
                return False
        except BlockingIOError:
            return False
        except OSError:
            pass
        self._end("the other side has closed", None)
        self.transport.abortConnection()
        return True

    @abstractmethod
    def ready(self) -> None:
        """Frames can be sent from now on."""

    @abstractmethod
    def came(self, frame: Any) -> None:
        """A frame came."""

    @abstractmethod
    def ended(self, reason: str, begun: Any | None) -> None:
        """It is over, in the middle of the frame `begun` if its header had come. Called once."""

    def room(self) -> None:
        """The other side reads again."""

    # What Twisted calls.

    def connectionMade(self) -> None:
        if self._over:  # closed while it connected
            self.transport.abortConnection()
            return
        self.own = address(self.transport.getHost())
        if isinstance(self._reader, PlainReader):
            self.send = self.transport.write
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        if self._reader.greeting:
            self.transport.write(self._reader.greeting)
        self._look_whether_ready()

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (frame := self._reader.pull()) is not None:
                self.came(frame)
        except Refused as refused:
            self._end(f"not a reply: {refused.reason}", None)
            self.transport.abortConnection()
        else:
            if not self.is_open:
                self._look_whether_ready()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._end("the connection was lost before the reply", self._reader.begun)

    def pauseProducing(self) -> None:
        self.is_blocked = True

    def resumeProducing(self) -> None:
        self.is_blocked = False
        self.room()

    def stopProducing(self) -> None:
        self.is_blocked = True

    def _look_whether_ready(self) -> None:
        if self._reader.ready and not self._over:
            self.is_open = True
            self.ready()

    def _end(self, reason: str, begun: Any | None) -> None:
        if not self._over:
            self._over = True
            self.is_open = False
            self.ended(reason, begun)


class _Factory(ClientFactory):
    """One attempt to connect."""

    noisy = False

    def __init__(self, connection: Kept) -> None:
        self._connection = connection

    def buildProtocol(self, addr: Any) -> Kept:
        return self._connection

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self._connection._end(reason.getErrorMessage(), None)


class Beat:
    """One timer for the time limits of many requests: calls `beat` with the time, again and again.

    A time limit is kept to within a sixtieth; a delayed call for each request would cost a
    good part of what the request does.
    """

    def __init__(self, reactor: Any, seconds: float, beat: Callable[[float], None]) -> None:
        self._reactor = reactor
        self._every = seconds / 60
        self._beat = beat
        self._call: Any = None

    def start(self) -> None:
        """From now on; nothing if it beats already."""
        if self._call is None:
            self._call = self._reactor.callLater(self._every, self._strike)

    def stop(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _strike(self) -> None:
        self._call = self._reactor.callLater(self._every, self._strike)
        self._beat(self._reactor.seconds())
