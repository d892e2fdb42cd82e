"""A caller's connection to or from an emulator in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IHalfCloseableProtocol)
class MemoryConnection:
    """Octets in both directions. What is written arrives when the emulator is run."""

    def __init__(self, accept: Callable[[MemoryConnection], None] | None = None) -> None:
        self.ended = False
        """Whether the other side writes nothing more, though not all need have been taken."""
        self.reset = False
        """Whether it was torn down: by the other side, or because that was gone."""
        self._accept = accept
        self._received = bytearray()
        self._transport: Any = None
        self._closed = False
        self._once = False

    def write(self, octets: bytes) -> None:
        """Send; octets that nobody will read are lost without a word, as in a socket."""
        self._transport.write(octets)

    def take(self) -> bytes:
        """What has arrived since the last call; b"" for nothing."""
        taken = bytes(self._received)
        self._received.clear()
        return taken

    @property
    def has_arrived(self) -> bool:
        """Whether `take` would give something."""
        return bool(self._received)

    @property
    def unread(self) -> int:
        """How many octets the other side has not read of what was written here."""
        return len(self._transport.outgoing)

    def half_close(self) -> None:
        """Nothing more is written here; what the other side still says arrives."""
        self._transport.loseWriteConnection()

    def close(self) -> None:
        """What was written still goes out, then both directions end."""
        self._closed = True
        self._transport.loseConnection()

    def abort(self) -> None:
        """Tear it down: the other side sees a reset."""
        self._closed = True
        self._transport.abortConnection()

    def read(self, on: bool, *, once: bool = False) -> None:
        """Stop reading, or go on: what the other side writes meanwhile waits on its way.

        With `once` reading stops again as soon as anything has arrived.
        """
        self._once = once
        if on:
            self._transport.resumeProducing()
        else:
            self._transport.pauseProducing()

    # What the network calls.

    def makeConnection(self, transport: Any) -> None:
        self._transport = transport
        if self._accept is not None:
            self._accept(self)

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        if self._once:
            self._transport.pauseProducing()

    def readConnectionLost(self) -> None:
        self.ended = True

    def writeConnectionLost(self) -> None:
        pass

    def connectionLost(self, reason: Failure) -> None:
        if not self._closed and not reason.check(ConnectionDone):
            self.reset = True
