"""A connection on which everything ends by one moment.

A socket's own time limit begins anew with each octet that comes, so that a peer who sends one now
and then would be waited for without end.
"""

from __future__ import annotations

import io
import select
import socket
import time
from collections.abc import Callable
from typing import Any


class TimedConnection:
    """A connected socket whose calls raise TimeoutError once the seconds allowed are over.

    It has what `http.client` asks of a socket.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """From now on there are so many seconds for everything."""
        self._until = time.monotonic() + seconds

    def sendall(self, data: Any) -> None:
        self.arm()
        self._connection.sendall(data)

    def recv(self, count: int) -> bytes:
        self.arm()
        return self._connection.recv(count)

    def makefile(self, mode: str) -> io.BufferedReader:
        """For reading. As with any socket, what is open here outlives `close`."""
        return io.BufferedReader(_Incoming(self.arm, self._connection.makefile("rb", buffering=0)))

    def is_readable(self) -> bool:
        """Whether octets, or the end, have come in already."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        self._connection.close()

    def arm(self) -> None:
        """Give the socket what is left of the time. Raises TimeoutError if nothing is."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left)


class _Incoming(io.RawIOBase):
    def __init__(self, arm: Callable[[], None], raw: io.RawIOBase) -> None:
        self._arm = arm
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._arm()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
