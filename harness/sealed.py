"""Sealed links from a client's side (ENC-01): frames go out and come in as records."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from starwire.protocol.frames import NEED_DATA
from starwire.protocol.profile import Profile
from starwire.protocol.sealing import GREETING_OCTETS, LinkKeys, SealedLink

from .deadline import TimedConnection
from .target import Target


def link_for(target: Target, keys: LinkKeys | None, profile: Profile) -> SealedLink | None:
    """A new link to the target, where it has one: the dispatcher's or a proxy's port."""
    if keys is None or target.kind not in ("dispatcher", "proxy"):
        return None
    key = keys.web if target.kind == "dispatcher" else keys.proxy
    greeting = secrets.token_bytes(GREETING_OCTETS)
    return SealedLink(key, greeting, opens=True, longest=profile.frame_octets)


class Outbound:
    """One request on a new connection that may be sealed: what to send, and what came out of its
    records. No I/O.
    """

    def __init__(self, link: SealedLink | None, request: bytes) -> None:
        self._link = link
        self._request = request

    def begin(self) -> bytes:
        """What is sent at once."""
        return self._request if self._link is None else self._link.greeting

    def opened(self, data: bytes, write: Callable[[bytes], Any]) -> Iterator[bytes]:
        """What came; the request goes out by `write` as soon as the link is ready for it.

        Raises SealError.
        """
        link = self._link
        if link is None:
            yield data
            return
        link.feed(data)
        if link.ready and self._request:
            request, self._request = self._request, b""
            write(link.seal(request))
        while (frame := link.pull()) is not NEED_DATA:
            yield frame


class SealedConnection:
    """A connection whose octets travel in records; each `sendall` is one frame."""

    def __init__(self, connection: TimedConnection, link: SealedLink) -> None:
        self._connection = connection
        self._link = link
        self.allow = connection.allow
        self.close = connection.close
        self.is_readable = connection.is_readable
        connection.sendall(link.greeting)
        while not link.ready:
            self._receive()

    def sendall(self, frame: bytes) -> None:
        self._connection.sendall(self._link.seal(frame))

    def recv(self, count: int) -> bytes:
        """The next frame, whatever its size; nothing at the end of the connection.

        Raises SealError for what is no record.
        """
        while (frame := self._link.pull()) is NEED_DATA:
            if not self._receive():
                return b""
        return frame

    def _receive(self) -> bool:
        data = self._connection.recv(65_536)
        self._link.feed(data)
        if not data and not self._link.ready:
            raise ConnectionResetError
        return bool(data)
