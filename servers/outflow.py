"""Answers that come frame by frame, sent as fast as the peer reads and no faster (TRN-04)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


class Body(Protocol):
    """The frames of one answer, made as they are asked for.

    Whoever stands between (an `answering.Interposer`) wraps a body in another; the last frame that
    `next` gives is what the answer comes to, a bulk run's with the digest of the whole (TRN-03).
    """

    async def next(self) -> bytes:
        """The next frame, whole and alone; b"" behind the last."""

    def take(self, request: Any) -> bool:
        """Whether a request that came on the same connection meanwhile was the body's own affair:
        a cancel. Anything else waits until the body has gone out.
        """

    def close(self) -> None:
        """Nothing more is asked for. Called once for every body, also for one never begun."""


@implementer(IPushProducer)
class Outflow:
    """Moves one body to its peer; while it is paused nothing more is asked of the body."""

    def __init__(
        self,
        body: Body,
        write: Callable[[bytes], Any],
        *,
        paused: bool = False,
        patience: Callable[[Deferred[None]], Any] = lambda room: None,
    ) -> None:
        """`patience` may set a time limit to each wait for a peer that does not read."""
        self._body = body
        self._write = write
        self._paused = paused
        self._patience = patience
        self._room: Deferred[None] | None = None
        self._flowing: Deferred[None] | None = None
        self.take = body.take

    def start(self) -> Deferred[None]:
        """Fires when the whole body has been written. To cancel it is to close the body."""
        self._flowing = Deferred.fromCoroutine(self._flow())
        return self._flowing

    async def _flow(self) -> None:
        body, write = self._body, self._write
        try:
            while True:
                if self._paused:
                    self._room = Deferred()
                    self._patience(self._room)
                    await self._room
                octets = await body.next()
                if not octets:
                    return
                write(octets)
        finally:
            self._room = None
            body.close()

    def pauseProducing(self) -> None:
        """The peer does not read."""
        self._paused = True

    def resumeProducing(self) -> None:
        """It does."""
        self._paused = False
        room, self._room = self._room, None
        if room is not None:
            room.callback(None)

    def stopProducing(self) -> None:
        """It has gone."""
        if self._flowing is not None:
            self._flowing.cancel()
