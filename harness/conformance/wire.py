"""What a case stands on: connections to the places of a target, and a clock.

A Wire is real (`sockets.SocketWire`) or in memory (`in_memory.MemoryWire`); a script cannot tell.
All calls block until they are done or their seconds, real or virtual, are over.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from starwire.protocol.profile import Profile

    from .far_ends import Ends

STRANGER = "127.0.0.2"
"""An address of this machine that no server is told of."""


class Unreachable(Exception):
    """Nobody can be connected to at a place; the text says why."""


class Unsupported(Exception):
    """The wire cannot do what the case needs; the text says why."""


class Silent(Exception):
    """Nothing came within the seconds that were allowed."""


class Reset(Exception):
    """The other side has reset the connection."""


class Line(Protocol):
    """One connection."""

    def write(self, octets: bytes) -> None:
        """Send octets. Raises Reset; Silent where the other side does not read them."""
        ...

    def read(self, seconds: float) -> bytes:
        """Some octets, at least one; b"" if the other side has ended. Raises Silent, Reset."""
        ...

    def half_close(self) -> None:
        """Send nothing more."""
        ...

    def close(self) -> None: ...
    def abort(self) -> None:
        """Close with a reset."""
        ...


class Wire(Protocol):
    """Connections to a target, and time."""

    is_virtual: bool
    """Whether time passes for nothing."""
    is_secret: bool
    """Whether the place `web` is reached by TLS."""

    @property
    def places(self) -> tuple[str, ...]:
        """The places that can be connected to, by the names of ports."""
        ...

    def connect(self, place: str, source: str = "") -> Line:
        """A connection from that address, or from any. Raises Unreachable; Unsupported for an
        address from which nobody can come."""
        ...

    def handshake(self, place: str, version: ssl.TLSVersion) -> bool:
        """Whether a handshake of exactly that version succeeds; `is_secret` must hold."""
        ...

    def plainly(self, place: str, octets: bytes) -> bytes:
        """The first that is answered to octets that go without encryption; b"" for nothing."""
        ...

    def behind(self, profile: Profile) -> Ends:
        """The servers behind the target, for which the harness stands. Raises Unreachable where it
        cannot."""
        ...

    def restart(self) -> None:
        """Kill the target, and start it again on what it has stored. Raises Unreachable where that
        cannot be done."""
        ...

    def close(self) -> None:
        """Nothing is asked of the target any more: one in memory ends."""
        ...

    def pass_time(self, seconds: float) -> None: ...
    def now(self) -> float:
        """Seconds of a clock that only rises."""
        ...


def read_until(line: Line, clock: Callable[[], float], until: float) -> bytes:
    """What comes before that time. Raises Silent behind it, though octets may still be coming."""
    left = until - clock()
    if left < 0:
        raise Silent
    return line.read(left)


class Incoming(io.RawIOBase):
    """What comes in on a line, as a socket for the HTTP parser of the standard library.

    What was read behind one response is there for the next.
    """

    def __init__(self, line: Line, clock: Callable[[], float]) -> None:
        self._line = line
        self._clock = clock
        self._held = b""
        self._file = _Kept(self)
        self.until = 0.0
        """When, by the clock, waiting is over."""

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held:
            self._held = read_until(self._line, self._clock, self.until)
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count


class _Kept(io.BufferedReader):
    """The parser closes its file behind each response; the next needs it."""

    def close(self) -> None:
        pass
