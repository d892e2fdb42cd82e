"""The scanner: the same tree as the Lark parser's, for well-formed input, many times faster.

Strategy: one pass over the brackets pairs them, which is all that can fail behind the first `<`
(inside a balanced group the grammar takes everything). Levels are cut into pieces only when
somebody looks: between two groups of a level one `findall` does it, in C.

A piece is `(key, text, group, separator)`: a key with its `=` or "", a text or "", the group right
behind or "", the separator or "". A level is a list of pieces; a piece without group and without
separator is the last. The Lark parser's tree is turned into the same pieces, so equal means equal.
"""

from __future__ import annotations

from re import compile as pattern
from typing import TYPE_CHECKING

from .faults import Fault, MetadataError, refused
from .limits import Limits

if TYPE_CHECKING:
    from .tree import Group

Piece = tuple[str, str, "Group | str", str]

TOKEN = pattern("([^<>,\x01=]+=)?([^<>,\x01]*)([<>,\x01])")
"""Every token of a message, delimiters included: what the speed of the scanner is measured by."""
_PIECE = pattern("([^<>,\x01=]+=)?([^<>,\x01]*)()([,\x01]?)")
_NAME = pattern("[^<>,\x01=]*")
_TAIL = pattern("[\r\n\0 ]*(\\|[\r\n\0 ]*)?")


class Scan:
    """A message that was found well formed: where its name ends, where each group closes."""

    __slots__ = ("close", "end", "start")

    def __init__(self, start: int, end: int, close: dict[int, int]) -> None:
        self.start = start
        self.end = end
        self.close = close


def scan(text: str, limits: Limits) -> Scan:
    """Judge `text` as a whole message.

    Raises MetadataError: the limits first, then the first octet that the grammar cannot take.
    """
    if limits.is_too_long(text):
        raise _error(text, limits)
    start = _NAME.match(text).end()  # type: ignore[union-attr]
    if not text.startswith("<", start):
        raise _error(text, limits, start, _no_message(text[start : start + 1]))
    close: dict[int, int] = {}
    opened: list[int] = []
    find, opens, pop = text.find, opened.append, opened.pop
    opening, closing = start, find(">", start)
    while closing >= 0:
        while 0 <= opening < closing:
            opens(opening)
            opening = find("<", opening + 1)
        if len(opened) > limits.nesting:
            raise _error(text, limits)
        close[pop()] = closing
        if not opened:
            break
        closing = find(">", closing + 1)
    else:
        raise _error(text, limits, len(text), _ended(text.count("<") - len(close)))
    tail_end = _TAIL.match(text, closing + 1).end()  # type: ignore[union-attr]
    if tail_end < len(text):
        raise _error(text, limits, tail_end, f"{text[tail_end]!r} stands behind the message")
    return Scan(start, closing, close)


def _error(text: str, limits: Limits, offset: int = 0, reason: str = "") -> MetadataError:
    """The error for `text`: the limit that it passes, else what the grammar cannot take."""
    over = limits.first_over(text)
    return MetadataError(Fault.LIMIT, *over) if over else refused(text, offset, reason)


def _no_message(found: str) -> str:
    if not found:
        return "the input ends before the '<' of a message"
    return f"{found!r} stands where the '<' of a message is due"


def _ended(depth: int) -> str:
    return f"the input ends with {depth} group{'s' if depth > 1 else ''} open"


def cut(text: str, start: int, end: int) -> list[Piece]:
    """The pieces of `text[start:end]`, which holds no bracket."""
    pieces: list[Piece] = _PIECE.findall(text, start, end)
    # At the end `findall` adds an empty match; it is a piece only behind a separator.
    if len(pieces) > 1 and not pieces[-2][3]:
        pieces.pop()
    return pieces
