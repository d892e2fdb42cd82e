"""What passes between a port and what answers there: where a request came from, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from .manner import Manner
from .outflow import Body


class Answer(Struct, frozen=True):
    """Octets for the peer, and whether the connection ends behind them."""

    octets: bytes
    close: bool = False
    body: Body | None = None
    """What follows the octets frame by frame, where the answer is too long to be held."""
    user: str = ""
    """Whose session asked, where the server found one; for those who keep books."""
    manner: Manner | None = None
    """How they go out, if not as fast as the peer reads."""


class Hop(Struct, frozen=True, gc=False):
    """What an answering function may know of where a request came from."""

    transaction: str
    peer: str
    frame: int = 0
    """The number of the request on its connection, from 1."""
    excess: bool = False
    """Whether its connection is one more than its port takes."""


Answerer = Callable[[Any, Hop], Coroutine[Any, Any, Answer]]
Interposer = Callable[[str, Answerer], Answerer]
"""The name of a port and what answers there, to what answers there instead: it may look at request
and answer, or put others in their place."""
