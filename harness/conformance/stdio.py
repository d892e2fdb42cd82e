"""An implementation that is started for each connection, on its standard input and output.

    starwire check stdio:rm --start "legacy-proxy --inetd --jar {jar}"

So inetd runs its servers, and so a library is tested that has no server yet: a small program reads
frames from its input and writes replies to its output. It ends when its input does.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from .far_sockets import SocketEnds
from .sockets import SocketLine, SocketWire
from .starting import split
from .wire import Unreachable, Unsupported

SCHEME = "stdio:"
_END_SECONDS = 2.0
"""How long a process may take to end when its input has."""


class StdioWire(SocketWire):
    """A process for each connection to one place; other places have addresses.

    What the processes say on standard error goes to the file `log`.
    """

    def __init__(
        self,
        place: str,
        command: str,
        values: Mapping[str, str],
        log: Path,
        addresses: Mapping[str, tuple[str, int]],
        ends: SocketEnds | None,
    ) -> None:
        """Raises CannotStart for a command that cannot be one."""
        super().__init__(addresses, ends=ends)
        self._place = place
        self._words = split(command, values)
        self._log = log
        self._running: dict[subprocess.Popen[bytes], SocketLine] = {}
        self._lock = threading.Lock()
        self.restart_with(self._kill)

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self._place, *super().places]))

    def connect(self, place: str, source: str = "") -> SocketLine:
        if place != self._place:
            return super().connect(place, source)
        if source:
            raise Unsupported("a process on standard input is reached from nowhere else")
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._log.open("ab") as log:
                end = theirs.fileno()
                process = subprocess.Popen(self._words, stdin=end, stdout=end, stderr=log)
        except OSError as error:
            ours.close()
            reason = (error.strerror or str(error)).lower()
            raise Unreachable(f"{self._words[0]}: {reason}") from None
        line = SocketLine(ours)
        with self._lock:
            self._running = {one: its for one, its in self._running.items() if self._lives(one)}
            self._running[process] = line
        return line

    def _lives(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it runs; one whose connection was closed, and that does not end, is killed."""
        if process.poll() is not None:
            return False
        closed = self._running[process].closed_at
        if closed is not None and time.monotonic() - closed > _END_SECONDS:
            process.kill()
            process.wait()
            return False
        return True

    def close(self) -> None:
        """Give the processes time to see that their input has ended, and kill what is left."""
        until = time.monotonic() + _END_SECONDS
        for process in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(until - time.monotonic(), 0.0))
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            killed, self._running = self._running, {}
        for process in killed:
            process.kill()
            process.wait()
