"""The wire in memory: octets handed over, a clock that is moved, nothing that waits.

What stands behind it is anything that takes connections this way: the emulator
(`starwire.harness.emulator.in_memory`), or a user's own implementation without I/O.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from starwire.protocol.profile import Profile

from .far_ends import Book
from .far_memory import MemoryEnds
from .wire import Reset, Silent, Unreachable


class MemoryConnection(Protocol):
    """One connection, from the side of the tester."""

    @property
    def ended(self) -> bool:
        """Whether the target sends nothing more."""
        ...

    @property
    def reset(self) -> bool: ...
    def write(self, octets: bytes) -> None: ...
    def take(self) -> bytes:
        """What has come since the last time."""
        ...

    def read(self, on: bool, *, once: bool = False) -> None:
        """Stop reading, or go on, with `once` until anything has come."""
        ...

    def half_close(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class MemoryTarget(Protocol):
    """An implementation without sockets, threads or a clock of its own."""

    @property
    def places(self) -> tuple[str, ...]: ...
    @property
    def now(self) -> float:
        """Seconds of its clock."""
        ...

    def connect(self, place: str, *, source: str = "127.0.0.1") -> Any:
        """A MemoryConnection from that address. Raises ConnectionRefusedError."""
        ...

    def run(self, seconds: float = 0.0, until: Callable[[], bool] | None = None) -> bool:
        """All that can happen does, then time passes, at most so much, until `until` holds."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A target that leaves something behind if it is only forgotten."""

    def close(self) -> None: ...


class MemoryLine:
    """A connection in memory, as a script's line."""

    def __init__(self, wire: MemoryWire, connection: MemoryConnection) -> None:
        self._wire = wire
        self._connection = connection
        connection.read(False)

    def write(self, octets: bytes) -> None:
        if self._connection.reset:
            raise Reset
        self._connection.write(octets)

    def read(self, seconds: float) -> bytes:
        """Only now anything is read: until then the target's octets wait on their way."""
        connection = self._connection
        connection.read(True, once=True)
        try:
            return self._taken(connection, seconds)
        finally:
            connection.read(False)

    def _taken(self, connection: MemoryConnection, seconds: float) -> bytes:
        held: list[bytes] = []

        def has_news() -> bool:
            got = connection.take()
            if got:
                held.append(got)
            return bool(held) or connection.ended or connection.reset

        if not has_news():
            self._wire.run(seconds, has_news)
        if held:
            return b"".join(held)
        if connection.reset:
            raise Reset
        if connection.ended:
            return b""
        raise Silent

    def half_close(self) -> None:
        self._connection.half_close()

    def close(self) -> None:
        self._connection.close()

    def abort(self) -> None:
        self._connection.abort()


class MemoryWire:
    """Connections to a target in memory."""

    is_virtual = True
    is_secret = False

    def __init__(self, target: MemoryTarget) -> None:
        self.target = target
        self.ends: MemoryEnds | None = None

    @property
    def places(self) -> tuple[str, ...]:
        return self.target.places

    def connect(self, place: str, source: str = "") -> MemoryLine:
        try:
            if source:
                return MemoryLine(self, self.target.connect(place, source=source))
            return MemoryLine(self, self.target.connect(place))
        except ConnectionRefusedError:
            raise Unreachable(f"nobody listens at {place}") from None

    def handshake(self, place: str, version: ssl.TLSVersion) -> bool:
        raise Unreachable("nothing is encrypted in memory")

    def plainly(self, place: str, octets: bytes) -> bytes:
        raise Unreachable("nothing is encrypted in memory")

    def behind(self, profile: Profile) -> MemoryEnds:
        if self.ends is None:
            self.ends = MemoryEnds(self.target, Book(profile))
        return self.ends

    def run(self, seconds: float, ready: Callable[[], bool]) -> bool:
        """Let the target go on until it is ready, and its servers behind answer meanwhile."""
        if self.ends is not None and self.ends.places:
            return self.ends.run(seconds, ready)
        return self.target.run(seconds, ready)

    def restart(self) -> None:
        restart = getattr(self.target, "restart", None)
        if restart is None:
            raise Unreachable("the target in memory cannot be started again")
        restart()

    def close(self) -> None:
        if isinstance(self.target, Closable):
            self.target.close()

    def pass_time(self, seconds: float) -> None:
        if self.ends is not None and self.ends.places:
            self.ends.run(seconds, lambda: False)
        else:
            self.target.run(seconds)

    def now(self) -> float:
        return self.target.now
