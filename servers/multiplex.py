"""Connections to proxies that many requests share, with `multiplex = true` (DSP-04).

A few connections to each instance, opened when they are needed and kept. A request goes on the
first that has room; where none has, it waits for one, within its own time. Which reply is whose is
`protocol.multiplexing`'s affair.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader
from starwire.protocol.multiplexing import Lost, Multiplexer

from .adapter import SHARED
from .driving import Pending
from .kept import Beat, FrameSource, Kept
from .link import Crowded, Reply, TimedOut, Unreachable

_CONNECTIONS = 8
"""To one instance at most; another is opened when all have as many requests as they may."""
_WAITING = 4096
"""Requests that may wait for one instance."""


class Multiplex:
    """Asks proxies over connections that are shared."""

    def __init__(
        self,
        reactor: Any,
        make_reader: Callable[[], FrameSource],
        *,
        seconds: float,
        idle_seconds: float,
    ) -> None:
        """A reply may take `seconds`; a connection on which nothing was asked for half of
        `idle_seconds` is closed, before the other side does it at a worse moment.
        """
        self.reactor = reactor
        self.make_reader = make_reader
        self.seconds = seconds
        self._quiet = idle_seconds / 2
        self._instances: dict[str, _Instance] = {}
        self._stopped = False
        self._beat = Beat(reactor, seconds, self._look_at_clock)

    def exchange(self, host_and_port: str, header: CommonHeader, frame: bytes) -> Pending[Reply]:
        """Send the frame, whose header that is, and wait for its reply. Fails with Unreachable, or
        with TimedOut. To cancel is to wait no more: a reply that comes is dropped.
        """
        instance = self._instances.get(host_and_port)
        if instance is None:
            if self._stopped:
                stopped: Pending[Reply] = Pending(lambda: None)
                stopped.errback(Unreachable("the dispatcher stops", sent=False, began=False))
                return stopped
            instance = self._instances[host_and_port] = _Instance(self, host_and_port)
            self._beat.start()
        return instance.ask(header, frame)

    def stop(self) -> None:
        """Close every connection, and open none again."""
        self._stopped = True
        self._beat.stop()
        instances, self._instances = self._instances, {}
        for instance in instances.values():
            instance.stop()

    def _look_at_clock(self, now: float) -> None:
        for instance in list(self._instances.values()):  # who is told may ask another at once
            instance.look_at_clock(now, now - self._quiet)


class _Request(NamedTuple):
    """A request, who waits for its reply, and until when."""

    header: CommonHeader
    frame: bytes
    asker: Pending[Reply]
    due: float


class _Instance:
    """One proxy instance: its connections, and who waits for room on one."""

    def __init__(self, owner: Multiplex, host_and_port: str) -> None:
        self._owner = owner
        self._address = host_and_port
        self._connections: list[_Shared] = []
        self._waiting: deque[_Request] = deque()

    def ask(self, header: CommonHeader, frame: bytes) -> Pending[Reply]:
        asker: Pending[Reply] = Pending(lambda: self._forget(header.serial))
        due = self._owner.reactor.seconds() + self._owner.seconds
        connection = None if self._waiting else self._with_room()
        if connection is not None:
            connection.ask(header, frame, asker, due)
        elif len(self._waiting) < _WAITING:
            self._waiting.append(_Request(header, frame, asker, due))
        else:
            asker.errback(Crowded(f"{_WAITING} requests wait", sent=False, began=False))
        return asker

    def ended(self, connection: _Shared) -> None:
        """A connection is gone."""
        self._connections.remove(connection)
        self.move_up()

    def move_up(self) -> None:
        """Let those who wait go on as far as there is room."""
        while self._waiting:
            if self._waiting[0].asker.called:  # nobody waits there any more
                self._waiting.popleft()
                continue
            connection = self._with_room()
            if connection is None:
                return
            # A connection that was found dead has perhaps let others move up meanwhile.
            if self._waiting and not self._waiting[0].asker.called:
                connection.ask(*self._waiting.popleft())

    def look_at_clock(self, now: float, quiet_since: float) -> None:
        """End what is overdue, and the connections that nobody has used since then."""
        for connection in list(self._connections):
            connection.look_at_clock(now, quiet_since)
        while self._waiting and self._waiting[0].due <= now:
            late = self._waiting.popleft().asker
            if not late.called:
                late.errback(TimedOut("no connection had room in time"))
        self.move_up()

    def stop(self) -> None:
        while self._waiting:
            asker = self._waiting.popleft().asker
            if not asker.called:
                asker.errback(Unreachable("the dispatcher stops", sent=False, began=False))
        for connection in list(self._connections):
            connection.close()

    def _with_room(self) -> _Shared | None:
        # One that is found dead takes itself off the list, and looks whether others can move up.
        for connection in tuple(self._connections):
            if connection.has_room():
                return connection
        if len(self._connections) >= _CONNECTIONS:
            return None
        connection = _Shared(self, self._owner.make_reader(), self._owner.seconds)
        self._connections.append(connection)
        connection.open(self._owner.reactor, self._address, self._owner.seconds)
        return connection

    def _forget(self, serial: int) -> None:
        for connection in self._connections:
            connection.forget(serial)


class _Shared(Kept):
    """One connection, and the requests in flight on it."""

    def __init__(self, instance: _Instance, reader: FrameSource, seconds: float) -> None:
        super().__init__(reader)
        self._instance = instance
        self._requests: Multiplexer[Pending[Reply]] = Multiplexer(SHARED)
        self._seconds = seconds
        self._last_asked = math.inf
        self.forget = self._requests.forget

    def has_room(self) -> bool:
        """Whether a request may go here now. One that is found dead is gone then."""
        requests = self._requests
        if self.is_blocked or not requests.has_room:
            return False
        return bool(requests) or not self.is_open or not self.is_found_dead()

    def ask(self, header: CommonHeader, frame: bytes, asker: Pending[Reply], due: float) -> None:
        is_open = self.is_open
        self._requests.ask(header, frame, asker, due, sent=is_open)
        self._last_asked = due - self._seconds
        if is_open:
            self.send(frame)

    def look_at_clock(self, now: float, quiet_since: float) -> None:
        for asker in self._requests.overdue(now):
            asker.errback(TimedOut("no reply in time"))
        if not self._requests and self._last_asked < quiet_since:
            self.close()

    def ready(self) -> None:
        for frame in self._requests.take():
            self.send(frame)

    def came(self, frame: Frame[CommonHeader]) -> None:
        for asker, outcome in self._requests.answered(frame):
            if isinstance(outcome, Lost):
                asker.errback(_unreachable(outcome))
            else:
                asker.callback(Reply(outcome, self.own))
        if self._requests.is_over:
            self.close()
        else:
            self._instance.move_up()

    def ended(self, reason: str, begun: CommonHeader | None) -> None:
        lost = self._requests.lose(reason, begun)
        self._instance.ended(self)
        for asker, outcome in lost:
            asker.errback(_unreachable(outcome))

    def room(self) -> None:
        self._instance.move_up()


def _unreachable(lost: Lost) -> Unreachable:
    return Unreachable(lost.reason, sent=lost.sent, began=lost.began)
