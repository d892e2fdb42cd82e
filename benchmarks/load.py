"""A load client for frames and for POSTs, in a process of its own: `measure` gives a rate.

It keeps so many connections busy, one request under way on each, or opens a connection for each
frame, and looks at every reply: a rate of wrong answers is no rate. Sockets and epoll alone, so
that the server, not this, is what one measures.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any


class Load:
    """A load process against one port of frames."""

    def __init__(
        self,
        port: int,
        frames: Sequence[bytes],
        *,
        length: tuple[int, int],
        good: tuple[int, bytes],
        connections: int = 32,
        persistent: bool = True,
        path: str = "",
    ) -> None:
        """`length` is the place of the big-endian length, `good` the octets of a good reply.

        With a `path` the frames are bodies of POSTs over TLS, and these places are the body's.
        """
        order = {
            "port": port,
            "frames": [frame.hex() for frame in frames],
            "length": length,
            "good": [good[0], good[1].hex()],
            "connections": connections,
            "persistent": persistent,
            "path": path,
        }
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._ask(order)

    def measure(self, seconds: float) -> float:
        """Good replies a second over `seconds`. Raises RuntimeError at the first that is not."""
        return float(self._ask({"seconds": seconds})["rate"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=10)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the load client ended"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


_IN_FRAME = 1
"""Where a frame's length stands in it, behind the version."""


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def post(path: str, body: bytes) -> bytes:
    """A POST of `body` on a connection that is kept."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Client:
    """The process's side."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._place = ("127.0.0.1", order["port"])
        self._tls = _tls() if order["path"] else None
        frames = [bytes.fromhex(one) for one in order["frames"]]
        if self._tls:
            frames = [post(order["path"], frame) for frame in frames]
        self._frames = itertools.cycle(frames)
        self._from, self._to = order["length"]
        self._at, self._good = order["good"][0], bytes.fromhex(order["good"][1])
        self._count = order["connections"]
        self._persistent = order["persistent"]
        self._epoll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._held: dict[int, bytes] = {}
        if self._persistent:
            for _ in range(self._count):
                self._connect()

    def run(self, seconds: float) -> float:
        if not self._persistent:
            for _ in range(self._count):
                self._connect()
        for connection in self._open.values():
            connection.send(next(self._frames))
        started = time.perf_counter()
        end, done = started + seconds, 0
        while (now := time.perf_counter()) < end:
            for number, _ in self._epoll.poll(5):
                if self._whole(number):
                    done += 1
                    self._again(number).send(next(self._frames))
            if now - started > 1 and not done:
                raise RuntimeError("no reply in a second")
        rate = done / (time.perf_counter() - started)
        self._finish()
        return rate

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._place)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            connection = self._tls.wrap_socket(connection)
        self._open[connection.fileno()] = connection
        self._held[connection.fileno()] = b""
        self._epoll.register(connection, select.EPOLLIN)
        return connection

    def _again(self, number: int) -> socket.socket:
        if self._persistent:
            return self._open[number]
        self._drop(number)
        return self._connect()

    def _drop(self, number: int) -> None:
        self._epoll.unregister(number)
        self._open.pop(number).close()

    def _whole(self, number: int) -> bool:
        data = self._open[number].recv(1 << 18)
        if not data:
            raise RuntimeError("the server closed a connection")
        held = self._held[number] + data if self._held[number] else data
        body = held.find(b"\r\n\r\n") + 4 if self._tls else 0
        whole = body + self._length(held[body:]) if body != 3 and len(held) > body + self._to else 0
        if not whole or len(held) < whole:
            self._held[number] = held
            return False
        if len(held) != whole or not held.startswith(self._good, body + self._at):
            raise RuntimeError(f"not a good reply: {held[:256]!r}")
        self._held[number] = b""
        return True

    def _length(self, body: bytes) -> int:
        """The length of a whole body: that of its frame, and of what stands before the frame."""
        return self._from - _IN_FRAME + int.from_bytes(body[self._from : self._to], "big")

    def _finish(self) -> None:
        """Take the replies that are under way."""
        for number in list(self._open):
            while not self._whole(number):
                pass
            if not self._persistent:
                self._drop(number)


def main() -> None:
    client: _Client | None = None
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if client is None:
                client, answer = _Client(order), {}
            else:
                answer = {"rate": client.run(order["seconds"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
