"""One request to another server, and its reply: a new connection for each (DSP-04)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure

from .reading import Reader, Refused
from .trail import Trail, address


class Unreachable(Exception):
    """Nobody accepts connections there, or the connection was lost before the whole reply."""

    def __init__(self, reason: str, *, sent: bool, began: bool) -> None:
        super().__init__(reason)
        self.sent = sent
        """Whether the request may have arrived."""
        self.began = began
        """Whether an octet of a reply came."""


class Crowded(Unreachable):
    """Too many requests wait for a connection there."""


class TimedOut(Exception):
    """The reply did not come within its time."""


class Reply(Struct, frozen=True):
    """What came back, and the address that this side of the connection had."""

    answer: Any
    own_address: str


class _Exchange(Protocol):
    """Sends octets at once, gives the first whole reply to its factory, and closes."""

    factory: _Once
    transport: Any

    def __init__(self, octets: bytes, reader: Reader) -> None:
        self._octets = octets
        self._reader = reader
        self._own = ""
        self._began = False
        self._sent = False

    def connectionMade(self) -> None:
        self._own = address(self.transport.getHost())
        self.factory.connected(self, self._own)
        self.transport.setTcpNoDelay(True)
        if self._reader.greeting:
            self.transport.write(self._reader.greeting)
        self._send()

    def _send(self) -> None:
        """Send the request as soon as the link is ready for it, and once."""
        if self._reader.ready and not self._sent:
            self._sent = True
            self.transport.write(self._reader.wrap(self._octets))

    def dataReceived(self, data: bytes) -> None:
        self._began = self._sent
        self._reader.feed(data)
        try:
            answer = self._reader.pull()
            self._send()
        except Refused as refused:
            self._fail(f"not a reply: {refused.reason}")
            self.transport.abortConnection()
        else:
            if answer is not None:
                self.factory.finish(Reply(answer, self._own))
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.lost(self._own)
        self._fail("the connection was lost before the reply")

    def _fail(self, reason: str) -> None:
        self.factory.finish(Failure(Unreachable(reason, sent=self._sent, began=self._began)))


class _Once(ClientFactory):
    """One connection, one outcome."""

    noisy = False

    def __init__(self, protocol: _Exchange, trail: Trail, transaction: str) -> None:
        self.done: Deferred[Reply] | None = Deferred(lambda _: self.give_up())
        self._protocol = protocol
        self._trail = trail
        self._transaction = transaction
        self.connector: Any = None

    def buildProtocol(self, addr: Any) -> Any:
        self._protocol.factory = self
        return self._protocol

    def connected(self, protocol: _Exchange, own: str) -> None:
        self._trail.opened(own, self._transaction)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        refused = Unreachable(reason.getErrorMessage(), sent=False, began=False)
        self.finish(Failure(refused))

    def lost(self, own: str) -> None:
        self._trail.closed(own)

    def finish(self, outcome: Reply | Failure) -> None:
        done, self.done = self.done, None
        if done is not None:
            done.callback(outcome)

    def too_long(self) -> None:
        self.finish(Failure(TimedOut("no reply in time")))
        self.give_up()

    def give_up(self) -> None:
        self.done = None
        if self._protocol.transport is not None:
            self._protocol.transport.abortConnection()
        else:
            self.connector.disconnect()


async def exchange(
    reactor: Any,
    host_and_port: str,
    octets: bytes,
    reader: Reader,
    *,
    seconds: float,
    trail: Trail,
    transaction: str,
) -> Reply:
    """Connect, send `octets`, and wait for one reply as `reader` takes it.

    Raises Unreachable; TimedOut if the reply is not there `seconds` from now.
    """
    host, _, port = host_and_port.rpartition(":")
    factory = _Once(_Exchange(octets, reader), trail, transaction)
    done = factory.done
    assert done is not None
    # No time limit of its own for connecting: it would be the same.
    factory.connector = reactor.connectTCP(host.strip("[]"), int(port), factory, timeout=None)
    timer = reactor.callLater(seconds, factory.too_long)
    try:
        return await done
    finally:
        if timer.active():
            timer.cancel()
