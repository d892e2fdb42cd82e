"""How long a peer may be silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Patience:
    """Seconds that a connection may be silent, between requests and in the middle of one.

    0 is for ever.
    """

    idle: float
    mid_frame: float


class Silence:
    """The clock of one connection. It is wound once: a new deadline need not move its timer."""

    __slots__ = ("_deadline", "_reactor", "_seconds", "_timer", "_too_long")

    def __init__(self, reactor: Any, too_long: Callable[[float], None]) -> None:
        """`too_long` is told the seconds that were waited for."""
        self._reactor = reactor
        self._too_long = too_long
        self._deadline: float | None = None
        self._seconds = 0.0
        self._timer: Any = None
        """Calls at the deadline or before it."""

    def wait(self, seconds: float) -> None:
        """From now on, the peer may be silent for so long; 0 is for ever."""
        if not seconds:
            self._deadline = None
            return
        self._seconds = seconds
        self._deadline = deadline = self._reactor.seconds() + seconds
        if self._timer is None or self._timer.getTime() > deadline:
            self.end(seconds, self._look_at_clock)

    def rest(self) -> None:
        """Nothing is awaited."""
        self._deadline = None

    def end(self, seconds: float, act: Callable[[], None]) -> None:
        """Do that then, whatever is awaited."""
        self.stop()
        self._timer = self._reactor.callLater(seconds, act)

    def stop(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        left = self._deadline - self._reactor.seconds()
        if left > 0:
            self.end(left, self._look_at_clock)
        else:
            self._too_long(self._seconds)
