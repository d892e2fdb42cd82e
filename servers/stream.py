"""One request to another server, answered by many frames, each taken when it is needed (TRN-03).

The other server is read no further than its frames are taken: what is read ahead is bounded, and
beyond that it is TCP that keeps it waiting.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure

from .link import TimedOut, Unreachable
from .reading import Reader, Refused
from .trail import Trail, address

_HELD = 262_144
"""Octets that may wait to be taken before the other server is read no further."""


class Stream(Protocol):
    """A connection of its own. Open it with `open_stream`, take frames, close it."""

    factory: _Opening
    transport: Any

    def __init__(self, reactor: Any, octets: bytes, reader: Reader, seconds: float) -> None:
        self.own_address = ""
        self._reactor = reactor
        self._reader = reader
        self._seconds = seconds
        self._until: float | None = reactor.seconds() + seconds
        """When the frame that is waited for must be there; None while nobody waits."""
        self._unsent = octets
        self._began = False
        self._lost = ""
        self._ahead = 0
        self._paused = False
        self._news: Deferred[None] | None = None

    async def next(self) -> Any:
        """The next frame, octets first. Raises TimedOut if it takes too long; Unreachable if there
        is none, or what came is none. After either nothing more comes.
        """
        if self._until is None:
            self._until = self._reactor.seconds() + self._seconds
        while True:
            try:
                frame = self._reader.pull()
                self._send_first()
            except Refused as refused:
                raise self._unreachable(f"not a reply: {refused.reason}") from None
            if frame is not None:
                self._until = None
                return frame
            if self._lost:
                raise self._unreachable(self._lost)
            await self._more(self._until)

    def send(self, octets: bytes) -> None:
        """Another frame behind the request: a cancel, which must overtake the answer."""
        if not self._lost:
            self.transport.write(self._reader.wrap(octets))

    def close(self) -> None:
        """Nothing more is taken."""
        if not self._lost:
            self.transport.abortConnection()

    async def _more(self, until: float) -> None:
        self._ahead = 0
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()
        news: Deferred[None] = Deferred()
        self._news = news
        left = max(0.0, until - self._reactor.seconds())
        timer = self._reactor.callLater(left, news.errback, TimedOut("no frame in time"))
        try:
            await news
        finally:
            self._news = None
            if timer.active():
                timer.cancel()

    def _unreachable(self, reason: str) -> Unreachable:
        return Unreachable(reason, sent=not self._unsent, began=self._began)

    def _send_first(self) -> None:
        if self._unsent and self._reader.ready:
            octets, self._unsent = self._unsent, b""
            self.transport.write(self._reader.wrap(octets))

    # What Twisted calls.

    def connectionMade(self) -> None:
        self.own_address = address(self.transport.getHost())
        self.transport.setTcpNoDelay(True)
        if self._reader.greeting:
            self.transport.write(self._reader.greeting)
        self._send_first()
        self.factory.opened(self)

    def dataReceived(self, data: bytes) -> None:
        self._began = not self._unsent
        self._reader.feed(data)
        self._ahead += len(data)
        if self._news is not None:
            self._news.callback(None)
        elif self._ahead > _HELD and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = "the connection was lost before the last frame"
        self.factory.trail.closed(self.own_address)
        if self._news is not None:
            self._news.callback(None)


class _Opening(ClientFactory):
    noisy = False

    def __init__(self, stream: Stream, trail: Trail, transaction: str) -> None:
        self.trail = trail
        self.done: Deferred[Stream] = Deferred(lambda _: self.give_up())
        self.connector: Any = None
        self._stream = stream
        self._transaction = transaction

    def buildProtocol(self, addr: Any) -> Any:
        self._stream.factory = self
        return self._stream

    def opened(self, stream: Stream) -> None:
        self.trail.opened(stream.own_address, self._transaction)
        self.done.callback(stream)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        if not self.done.called:
            said = reason.getErrorMessage()
            self.done.errback(Unreachable(said, sent=False, began=False))

    def give_up(self) -> None:
        self.connector.disconnect()


async def open_stream(
    reactor: Any,
    host_and_port: str,
    octets: bytes,
    reader: Reader,
    *,
    seconds: float,
    trail: Trail,
    transaction: str,
) -> Stream:
    """Connect and send `octets`, whose answer `reader` takes frame by frame.

    Each frame has so many seconds, the first from now on. Raises Unreachable if nobody accepts.
    """
    host, _, port = host_and_port.rpartition(":")
    factory = _Opening(Stream(reactor, octets, reader, seconds), trail, transaction)
    factory.connector = reactor.connectTCP(host.strip("[]"), int(port), factory, timeout=seconds)
    return await factory.done
