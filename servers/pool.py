"""Connections to the dispatcher that are kept, one request at a time on each (DSP-04).

The dispatcher header has no serial, so nothing but its turn tells whose a reply is. A connection
whose reply is not waited for any more is closed: what comes on it later would be the next one's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from .kept import Beat, FrameSource, Kept
from .link import Reply, TimedOut, Unreachable
from .trail import Trail

_UNUSED = 64
"""Connections that are kept without a request; more are closed when their reply has come."""


class Pool:
    """Asks one dispatcher over connections that are kept."""

    def __init__(
        self,
        reactor: Any,
        host_and_port: str,
        make_reader: Callable[[], FrameSource],
        trail: Trail,
        *,
        seconds: float,
        idle_seconds: float,
    ) -> None:
        """A reply may take `seconds`; a connection unused for half of `idle_seconds` is closed,
        before the other side does it at a worse moment.
        """
        self._reactor = reactor
        self._address = host_and_port
        self._make_reader = make_reader
        self._seconds = seconds
        self._quiet = idle_seconds / 2
        self.trail = trail
        self.unused: list[_Turn] = []
        self.in_use: set[_Turn] = set()
        self._beat = Beat(reactor, seconds, self._look_at_clock)

    def exchange(self, frame: bytes, transaction: str) -> Deferred[Reply]:
        """Send a frame and wait for its reply. Fails with Unreachable, or with TimedOut."""
        self._beat.start()
        turn = self._free()
        self.in_use.add(turn)
        return turn.ask(frame, transaction, self._reactor.seconds() + self._seconds)

    def stop(self) -> None:
        """Close every connection."""
        self._beat.stop()
        for turn in [*self.unused, *self.in_use]:
            turn.close()

    def done(self, turn: _Turn) -> None:
        """Its reply has come: the next request may have it."""
        self.in_use.discard(turn)
        if len(self.unused) < _UNUSED:
            turn.due = self._reactor.seconds() + self._quiet
            self.unused.append(turn)
        else:
            turn.close()

    def ended(self, turn: _Turn) -> None:
        """A connection is gone."""
        self.in_use.discard(turn)
        if turn in self.unused:
            self.unused.remove(turn)

    def _free(self) -> _Turn:
        """The connection used last, so that those that are too many grow old."""
        while self.unused:
            turn = self.unused.pop()
            if not turn.is_found_dead():
                return turn
        turn = _Turn(self, self._make_reader())
        turn.open(self._reactor, self._address, self._seconds)
        return turn

    def _look_at_clock(self, now: float) -> None:
        for turn in [*self.unused, *self.in_use]:
            if turn.due <= now:
                turn.too_long()


class _Turn(Kept):
    """One connection, and the request that has it."""

    speaks_unasked = False

    def __init__(self, pool: Pool, reader: FrameSource) -> None:
        super().__init__(reader)
        self.due = math.inf
        self._pool = pool
        self._frame = b""
        self._transaction = ""
        self._asker: Deferred[Reply] | None = None
        self._replies: list[Any] = []
        self._sent = False
        self._began = False

    def ask(self, frame: bytes, transaction: str, due: float) -> Deferred[Reply]:
        self._frame, self._transaction, self.due = frame, transaction, due
        self._sent = self._began = False
        asker = self._asker = Deferred(lambda _: self._give_up())
        if self.is_open:
            self.ready()
        return asker

    def too_long(self) -> None:
        """No reply, or no request, within its time."""
        asker, self._asker = self._asker, None
        self.close()
        if asker is not None:
            asker.errback(TimedOut("no reply in time"))

    def _give_up(self) -> None:
        self._asker = None
        self.close()

    def ready(self) -> None:
        self._sent = True
        self._pool.trail.opened(self.own, self._transaction)
        self.send(self._frame)

    def dataReceived(self, data: bytes) -> None:
        self._began = self._sent
        super().dataReceived(data)
        replies, self._replies = self._replies, []
        if not replies:
            return
        asker, self._asker = self._asker, None
        if asker is None or len(replies) > 1 or self._reader.in_the_middle:
            self.close()  # it says more than it was asked: no reply after this can be trusted
        else:
            self._pool.done(self)
        if asker is not None:
            asker.callback(Reply(replies[0], self.own))

    def came(self, frame: Any) -> None:
        self._replies.append(frame)

    def ended(self, reason: str, begun: Any | None) -> None:
        self._pool.trail.closed(self.own)
        self._pool.ended(self)
        asker, self._asker = self._asker, None
        if asker is not None:
            asker.errback(Unreachable(reason, sent=self._sent, began=self._began))
