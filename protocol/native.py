"""Bare messages out of a stream, delimited by their own brackets (TRN-05).

Strategy: only the octets that can open, close or divide are looked at, each once, wherever the
stream was cut: depth and marks are carried from one feed to the next. What the octets so far mean
is asked of the grammar alone, and only when they are refused.
"""

from __future__ import annotations

from re import compile as pattern
from typing import Literal, NoReturn

from starwire.grammar import Limits, parse

from .buffer import HeldOctets
from .frames import NEED_DATA, NeedData

_BETWEEN = pattern(b"[\r\n\0 |]*")
_FIRST = pattern(b"[<>,\x01=]")
_INSIDE = pattern(b"[<>,\x01]")
_LESS, _MORE = b"<>"


class NativeReader(HeldOctets):
    """Reads the messages of one native connection, in one direction.

    Feed octets, then pull until NEED_DATA. CR, LF, NUL, blank and `|` in front of a message are
    skipped. A message ends with the `>` of its own group.

    The rule for errors: a message is refused at the first octet with which no message can begin
    (a `>`, `,`, `=` or octet 0x01 before any `<`), at the first that passes a limit, or, once
    `close` was called, at its premature end. The error is the one that `grammar.parse` raises for
    the octets of that message up to and including the refused one, with its offset counted from the
    message's first octet; `refused` holds those octets, so that whoever answers can read their
    acronym. An error is for ever: from then on each pull raises it again, and octets fed are
    dropped.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits
        self.refused = b""
        """After an error, the octets of the message that was refused; before, none."""
        self._closed = False
        self._looked = 0
        self._depth = 0
        self._marks = 0

    def close(self) -> None:
        """The stream has ended. Pull once more: an unfinished message is an error now."""
        self._closed = True

    def next_message(self) -> bytes | Literal[NeedData.NEED_DATA]:
        """The octets of the next message, from its acronym to its last `>`, or NEED_DATA. Raises
        MetadataError as the class says.
        """
        if self.refused:
            self._complain()
        if not self._looked:
            self._skip()
        end = self._end()
        if end is not None:
            self._looked = self._depth = self._marks = 0
            return self._take(end)
        length = len(self._held) - self._start
        if length > self._limits.octets:
            self._refuse(self._limits.octets + 1)
        if self._closed and length:
            self._refuse(length)
        return NEED_DATA

    def _skip(self) -> None:
        end = _BETWEEN.match(self._held, self._start).end()  # type: ignore[union-attr]
        self._take(end - self._start)

    def _end(self) -> int | None:
        """How far from the start the message ends; None if it does not in what is held."""
        held, start = self._held, self._start
        stop = min(len(held), start + self._limits.octets)
        depth, marks = self._depth, self._marks
        at = start + self._looked
        if not depth:
            first = _FIRST.search(held, at, stop)
            at = first.start() if first else stop
            if first and held[at] != _LESS:
                self._refuse(at + 1 - start)
        for mark in _INSIDE.finditer(held, at, stop):
            at = mark.start()
            if held[at] == _MORE:
                depth -= 1
                if not depth:
                    return at + 1 - start
                continue
            marks += 1
            depth += held[at] == _LESS
            if marks > self._limits.marks or depth > self._limits.nesting:
                self._refuse(at + 1 - start)
        self._looked, self._depth, self._marks = stop - start, depth, marks
        return None

    def _refuse(self, count: int) -> NoReturn:
        """Refuse the message at the last of its first `count` octets, or at its end."""
        self.refused = self._take(count)
        self._stop()
        self._complain()

    def _complain(self) -> NoReturn:
        parse(self.refused, self._limits)
        raise AssertionError("the grammar takes what the reader refused")  # pragma: no cover
