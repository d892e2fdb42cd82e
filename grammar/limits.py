"""The limits of a message, all checked before a tree is built (SYN-11)."""

import msgspec

_STRETCH = 4096
"""Octets counted at once: `str.count` runs at memory speed, a loop over octets does not."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of one message. They come from the wire profile (HDR-10); these are its defaults."""

    nesting: int = 64
    """Groups open at once; the message's own group is 1."""
    octets: int = 1 << 20
    """Length of the whole message."""
    marks: int = 65_536
    """Separators and groups together: each costs a parser some 2 microseconds and 120 octets."""

    def is_too_long(self, text: str) -> bool:
        """Whether `text` has too many octets or marks; its nesting shows when groups are paired."""
        if len(text) > self.octets:
            return True
        return len(text) > self.marks and _marks_in(text, 0, len(text)) > self.marks

    def first_over(self, text: str) -> tuple[int, str] | None:
        """The offset of the first octet that passes a limit and a reason, or None."""
        end, reason = len(text), ""
        if end > self.octets:
            end, reason = self.octets, f"longer than {self.octets} octets"
        # From here on only an earlier octet counts.
        mark = _mark_over(text, end, self.marks)
        if mark >= 0:
            end, reason = mark, f"more than {self.marks} separators and groups"
        opening = _opening_over(text, end, self.nesting)
        if opening >= 0:
            end, reason = opening, f"nested deeper than {self.nesting} groups"
        return (end, reason) if reason else None


def _marks_in(text: str, start: int, end: int) -> int:
    return (
        text.count(",", start, end) + text.count("<", start, end) + text.count("\x01", start, end)
    )


def _mark_over(text: str, end: int, allowed: int) -> int:
    """The offset of the first mark before `end` that is one too many, or -1."""
    for start in range(0, end, _STRETCH):
        stop = min(start + _STRETCH, end)
        there = _marks_in(text, start, stop)
        if there > allowed:
            marks = [offset for offset in range(start, stop) if text[offset] in "<,\x01"]
            return marks[allowed]
        allowed -= there
    return -1


def _opening_over(text: str, end: int, allowed: int) -> int:
    """The offset of the first `<` before `end` with more than `allowed` groups open, or -1.

    A `>` that closes nothing leaves nothing open: it makes no room for what follows.
    """
    depth = last = 0
    opening = text.find("<", 0, end)
    while opening >= 0:
        depth -= text.count(">", last, opening)
        depth = 1 if depth < 0 else depth + 1
        if depth > allowed:
            return opening
        last = opening
        opening = text.find("<", last + 1, end)
    return -1
