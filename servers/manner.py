"""How an answer goes out where it is not simply written: what faults need of a connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from .outflow import Body


class Manner(Struct, frozen=True):
    """The octets of the answer are what they are; this is what becomes of them."""

    reset: bool = False
    """Nothing goes out, and the connection is reset."""
    drop: bool = False
    """Nothing goes out, and the connection is closed."""
    behind_next: bool = False
    """They go out behind the next answer of the connection."""
    cut: int | None = None
    """So many octets go out, then the connection is closed."""
    chunk: int = 0
    """So many octets go out at a time; 0: all."""
    wait: Callable[[], Awaitable[Any]] | None = None
    """What happens between two chunks."""


class Piecemeal:
    """A `Body` out of octets and the body behind them, in pieces, perhaps not to the end."""

    def __init__(self, octets: bytes, body: Body | None, manner: Manner) -> None:
        self._held = octets
        self._body = body
        self._manner = manner
        self._left = manner.cut
        self._begun = False

    async def next(self) -> bytes:
        """The next piece; b"" behind the last."""
        if not self._held and self._body is not None and self._left != 0:
            self._held = await self._body.next()
        size = min(self._manner.chunk or len(self._held), len(self._held))
        if self._left is not None:
            size = min(size, self._left)
            self._left -= size
        if size and self._begun and self._manner.wait is not None:
            await self._manner.wait()
        self._begun = True
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    def take(self, request: Any) -> bool:
        """Whether a request is the affair of the body behind."""
        return self._body is not None and self._body.take(request)

    def close(self) -> None:
        """Nothing more is asked for."""
        if self._body is not None:
            self._body.close()
