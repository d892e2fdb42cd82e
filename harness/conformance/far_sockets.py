"""The servers behind a target over sockets: one thread serves all that the target connects to."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from .far_ends import Book, FarConnection, FarFrame
from .far_memory import MemoryEnds
from .sockets import SocketLine
from .wire import Reset, Silent, Unreachable

_RECEIVED = 262_144
_OFTEN = 0.01
"""Seconds between two looks at what the emulator in memory has made ready."""


class SocketEnds:
    """Listens where the target expects its servers."""

    def __init__(
        self, book: Book, standing: Mapping[tuple[str, int], socket.socket], emulator: Any = None
    ) -> None:
        """`standing` are sockets that listen, by place and number of the instance. `emulator`, in
        memory, answers what is no case's: see `harness.emulator.in_memory`."""
        self.book = book
        self.places = tuple(dict.fromkeys(place for place, _ in standing))
        self.several = any(instance for _, instance in standing)
        self._behind = _Behind(book, emulator) if emulator is not None else None
        self._selector = selectors.DefaultSelector()
        self._standing = dict(standing)
        for key, listening in standing.items():
            listening.setblocking(False)
            self._selector.register(listening, selectors.EVENT_READ, key)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def begin(self, places: tuple[str, ...]) -> None:
        """Raises Unreachable where the harness stands at other places only."""
        missing = [place for place in places if place not in self.places]
        if missing or not places:
            raise Unreachable(f"the harness does not stand at {', '.join(missing) or 'any place'}")

    def end(self) -> None:
        """It goes on standing there."""

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """See `far_ends.Ends`."""
        with self.book.news:
            return self.book.news.wait_for(ready, seconds)

    def close(self) -> None:
        """Stand nowhere any more."""
        self._wake.close()
        self._thread.join()

    # The thread.

    def _serve(self) -> None:
        with self._selector, self._woken:
            while self._turn():
                pass
            for key in list(self._selector.get_map().values()):
                with contextlib.suppress(OSError):
                    key.fileobj.close()  # type: ignore[union-attr]

    def _turn(self) -> bool:
        busy = self._behind is not None and self._behind.is_busy
        for key, _ in self._selector.select(_OFTEN if busy else None):
            if key.data is None:
                return False
            if isinstance(key.data, FarConnection):
                self._read(key.fileobj, key.data)
            else:
                self._accept(key.fileobj, *key.data)
        if self._behind is not None:
            with self.book.news:
                self._behind.pump()
        return True

    def _accept(self, listening: Any, place: str, instance: int) -> None:
        try:
            made, _ = listening.accept()
        except OSError:
            return
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        out = _Out(made, lambda: self._forget(made))
        connection = FarConnection(self.book.profile, place, instance, out)
        self._selector.register(made, selectors.EVENT_READ, connection)

    def _forget(self, made: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(made)

    def _read(self, made: Any, connection: FarConnection) -> None:
        try:
            octets = made.recv(_RECEIVED, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if octets:
            self.book.fed(connection, octets)
            return
        self._forget(made)
        connection.out.close()
        self.book.ended(connection)


class _Out:
    """See `far_ends.Outgoing`; may be used from any thread."""

    def __init__(self, made: socket.socket, forget: Callable[[], None]) -> None:
        self._line = SocketLine(made)
        self._forget = forget
        self._lock = threading.Lock()

    def write(self, octets: bytes) -> None:
        with self._lock, contextlib.suppress(Reset, Silent, OSError):
            self._line.write(octets)

    def close(self) -> None:
        self._forget()
        self._line.close()

    def abort(self) -> None:
        self._forget()
        self._line.abort()


class _Behind:
    """An emulator in memory that takes what is no case's, and asks the book's jar."""

    def __init__(self, book: Book, emulator: Any) -> None:
        self._emulator = emulator
        self._jar = MemoryEnds(emulator, book)
        self._jar.begin(("jar",))
        self._made: dict[FarConnection, Any] = {}
        self._began = time.monotonic()
        book.last_resort = self._take

    @property
    def is_busy(self) -> bool:
        """Whether somebody may be waiting for it."""
        return bool(self._made)

    def _take(self, frame: FarFrame) -> None:
        connection = frame.connection
        if connection not in self._made:
            self._made[connection] = self._emulator.connect(frame.place)
        self._made[connection].write(frame.octets)

    def pump(self) -> None:
        """Let it work, and carry its answers back."""
        if not self._made:
            return
        self._jar.run(max(0.0, time.monotonic() - self._began - self._emulator.now), _never)
        for connection, made in list(self._made.items()):
            octets = made.take()
            if octets:
                connection.out.write(octets)
            if made.ended or made.reset:
                connection.out.close()
            if made.ended or made.reset or connection.has_ended:
                made.close()
                del self._made[connection]


def _never() -> bool:
    return False
