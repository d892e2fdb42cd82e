"""HTTP requests whose bodies are refused before they are kept when they are too long (WEB-06)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from twisted.web.http import RESPONSES, Request


class BoundedRequest(Request, ABC):
    """A request whose length is judged as soon as it is known, and again as the octets come."""

    channel: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.refused = False
        """Whether the body was too long: its 413 is out, and the connection closes."""
        self._kept = 0

    @abstractmethod
    def longest(self) -> int:
        """The octets that a body may have."""

    @abstractmethod
    def said_too_long(self) -> tuple[str, bytes]:
        """Content type and body of the refusal."""

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > self.longest():
            self._refuse_body()
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        if self.refused:
            return
        self._kept += len(data)
        if self._kept > self.longest():
            self._refuse_body()
        else:
            super().handleContentChunk(data)

    def _refuse_body(self) -> None:
        """413 at once: what the client still sends is not read, and HTTP can only hang up."""
        self.refused = True
        kind, said = self.said_too_long()
        head = (
            f"HTTP/1.1 413 {RESPONSES[413].decode()}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(said)}\r\nConnection: close\r\n\r\n"
        )
        self.channel.transport.write(head.encode() + said)
        self.channel.loseConnection()
