"""What a port reads with: octets in, requests out, and octets as they travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .recorder import Tap


class Refused(Exception):
    """The octets are no request: what is owed to the peer, then the connection is closed."""

    def __init__(self, octets: bytes, reason: str) -> None:
        super().__init__(reason)
        self.octets = octets
        self.reason = reason


class Reader(Protocol):
    """Octets in, requests out."""

    def feed(self, data: bytes) -> None:
        """Take octets as they came."""

    def pull(self) -> Any | None:
        """The next request, None if more octets are needed; raises Refused."""

    def finish(self) -> bytes:
        """The peer sends no more: what is owed to it for what it left unfinished."""

    @property
    def in_the_middle(self) -> bool:
        """Whether octets of an unfinished request are held."""

    @property
    def held(self) -> int:
        """The octets that are held of it."""

    def overloaded(self) -> bytes:
        """What is owed for it if no more can be held of it (111); "" if nobody could read that."""

    @property
    def greeting(self) -> bytes:
        """What is sent before anything else; a sealed link has one (ENC-01)."""

    @property
    def ready(self) -> bool:
        """Whether octets may be wrapped."""

    def wrap(self, octets: bytes) -> bytes:
        """Octets as they travel."""

    @property
    def tap(self) -> Tap | None:
        """Who is told what happens on the connection, beside what the reader tells."""


class PlainReader:
    """What readers of links that are not sealed have in common: octets travel as they are."""

    greeting = b""
    ready = True
    tap: Tap | None = None

    def overloaded(self) -> bytes:
        """Without a header nobody could read a status."""
        return b""

    def wrap(self, octets: bytes) -> bytes:
        return octets
