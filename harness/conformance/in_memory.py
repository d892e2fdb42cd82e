"""The wire in memory: octets handed over, a clock that is moved, nothing that waits.

What stands behind it is anything that takes connections this way: the emulator
(`starwire.harness.emulator.in_memory`), or a user's own implementation without I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

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

    def read(self, on: bool) -> None:
        """Stop reading, or go on."""
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


class MemoryLine:
    """A connection in memory, as a script's line."""

    def __init__(self, target: MemoryTarget, connection: MemoryConnection) -> None:
        self._target = target
        self._connection = connection
        connection.read(False)

    def write(self, octets: bytes) -> None:
        if self._connection.reset:
            raise Reset
        self._connection.write(octets)

    def read(self, seconds: float) -> bytes:
        """Only now anything is read: until then the target's octets wait on their way."""
        connection = self._connection
        connection.read(True)
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
            self._target.run(seconds, has_news)
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
        self._accepted: dict[str, list[MemoryConnection]] = {}

    @property
    def places(self) -> tuple[str, ...]:
        return self.target.places

    def connect(self, place: str, source: str = "") -> MemoryLine:
        try:
            if source:
                return MemoryLine(self.target, self.target.connect(place, source=source))
            return MemoryLine(self.target, self.target.connect(place))
        except ConnectionRefusedError:
            raise Unreachable(f"nobody listens at {place}") from None

    def stand_at(self, place: str) -> None:
        """Take the connections that the target makes to a place, in place of what was there."""
        listen = getattr(self.target, "listen", None)
        if listen is None:
            raise Unreachable("the target in memory makes no connections")
        accepted = self._accepted.setdefault(place, [])
        listen(place, accepted.append)

    def stand_back(self, place: str) -> None:
        """No longer stand there."""
        self._accepted.pop(place, None)
        self.target.unlisten(place)  # type: ignore[attr-defined]

    def accept(self, place: str, seconds: float) -> MemoryLine:
        accepted = self._accepted.get(place)
        if accepted is None:
            raise Unreachable(f"the harness does not stand at {place}")
        if not accepted:
            self.target.run(seconds, lambda: bool(accepted))
        if not accepted:
            raise Silent
        return MemoryLine(self.target, accepted.pop(0))

    def pass_time(self, seconds: float) -> None:
        self.target.run(seconds)

    def now(self) -> float:
        return self.target.now
