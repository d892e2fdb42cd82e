"""The receiving end of a bulk run on Twisted: octets go out no faster than they are taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from starwire.protocol.bulk import Payload

from .bulk import Fetched, Incoming
from .failures import NO_REPLY, NotAReply
from .sealed import Outbound

Deliver = Callable[[memoryview], Any]
"""Takes the next octets of a source; may give a Deferred that fires when it has room for more."""


class BulkReceiver(Protocol):
    """Of one run; on a connection of its own, or the body of an HTTP response.

    `done` fires with what became of the run. It fails with what was wrong, TimeoutError if nothing
    comes for so many seconds, and what `deliver` raises.
    """

    transport: Any
    outbound: Outbound | None = None
    """On a connection of its own: what is sent first."""
    connector: Any = None

    def __init__(self, reactor: Any, incoming: Incoming, deliver: Deliver, seconds: float) -> None:
        self.done: Deferred[Fetched] = Deferred(lambda _: self._hang_up())
        self._reactor = reactor
        self._incoming = incoming
        self._deliver = deliver
        self._seconds = seconds
        self._waits = False
        """For whoever takes the octets."""
        self._lost = False
        self._timer: Any = None

    def connectionMade(self) -> None:
        self._wind()
        if self.outbound is not None:
            self.transport.write(self.outbound.begin())

    def dataReceived(self, data: bytes) -> None:
        if self.done.called:
            return
        try:
            if self.outbound is None:
                self._incoming.feed(data)
            else:
                for octets in self.outbound.opened(data, self.transport.write):
                    self._incoming.feed(octets)
        except NO_REPLY:
            self.fail(Failure())
            return
        self._advance()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = True
        self._advance()

    def _advance(self) -> None:
        """Hand out what is held, until whoever takes it has no room."""
        while not (self._waits or self.done.called):
            try:
                event = self._incoming.event()
                if event is None:
                    break
                if not isinstance(event, Payload):
                    self._end(event)
                    return
                room = self._deliver(event.octets)
            except Exception:
                self.fail(Failure())
                return
            if isinstance(room, Deferred):
                if room.called and not room.paused:
                    room.addErrback(self.fail)
                else:
                    self._wait_for(room)
        if self._lost and not (self._waits or self.done.called):
            self.fail(Failure(NotAReply("the connection was closed before the last frame")))
        elif not self._waits:
            self._wind()

    def _wait_for(self, room: Deferred[Any]) -> None:
        self._waits = True
        self._unwind()
        if not self._lost:
            self.transport.pauseProducing()
        room.addCallbacks(self._go_on, self.fail)

    def _go_on(self, _: Any) -> None:
        self._waits = False
        if not self._lost:
            self.transport.resumeProducing()
        self._advance()

    def _end(self, end: Any) -> None:
        run = self._incoming.run
        self._unwind()
        # What is left of an HTTP response is its end, and the connection may be used again.
        if self.outbound is not None:
            self._hang_up()
        self.done.callback(Fetched(run.transfer, run.total, run.offset, end))

    def fail(self, reason: Failure) -> None:
        if not self.done.called:
            self._hang_up()
            self.done.errback(reason)

    def _hang_up(self) -> None:
        self._unwind()
        if self.transport is not None:
            self.transport.loseConnection()
        elif self.connector is not None:
            self.connector.stopConnecting()

    # Time: each wait for octets has its own limit.

    def _wind(self) -> None:
        if self.done.called:
            return
        if self._timer is None:
            self._timer = self._reactor.callLater(self._seconds, self._too_long)
        else:
            self._timer.reset(self._seconds)

    def _unwind(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _too_long(self) -> None:
        self._timer = None
        self.fail(Failure(TimeoutError()))
