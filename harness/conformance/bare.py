"""Bare messages as they come in, in whatever pieces (TRN-05)."""

from __future__ import annotations

import re

_BETWEEN = b"\r\n\0 |"
_BRACKETS = re.compile(b"[<>]")


class BareMessages:
    """Octets in, messages out; each octet is looked at once."""

    def __init__(self) -> None:
        self.held = bytearray()
        """What is in and not yet taken; blanks and bars between messages are left out."""
        self._scanned = 0
        self._depth = 0

    def end(self) -> int:
        """Where the message at the front ends, behind the `>` that closes its first `<`; 0 while
        it is not all in."""
        if not self._scanned:
            del self.held[: len(self.held) - len(self.held.lstrip(_BETWEEN))]
        for bracket in _BRACKETS.finditer(self.held, self._scanned):
            self._depth += 1 if bracket[0] == b"<" else -1
            if self._depth <= 0:
                return bracket.end()
        self._scanned = len(self.held)
        return 0

    def take(self, count: int) -> bytes:
        """So many octets from the front, which are a message, or what follows one."""
        octets = bytes(self.held[:count])
        del self.held[:count]
        self._scanned = self._depth = 0
        return octets
