"""The limits of a message, all checked before a tree is built (SYN-11)."""

import msgspec

_LEAF = 64
_PARTS = 16


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of one message. They come from the wire profile (HDR-10); these are its defaults."""

    nesting: int = 64
    """Groups within groups; the message's own group is 1."""
    octets: int = 1 << 20
    """Length of the whole message."""
    marks: int = 65_536
    """Separators and groups together: each costs a parser some 2 microseconds and 120 octets."""

    def first_over(self, text: str) -> tuple[int, str] | None:
        """The offset of the first octet that passes a limit and a reason, or None.

        Cheap for what is within the limits: a few counts, which run at memory speed.
        """
        bounded = text if len(text) <= self.octets else text[: self.octets]
        found = [over for over in (self._marks(bounded), self._nesting(bounded)) if over]
        if found:
            return min(found)
        if len(text) > self.octets:
            return self.octets, f"longer than {self.octets} octets"
        return None

    def _marks(self, text: str) -> tuple[int, str] | None:
        if len(text) <= self.marks or _marks_in(text, 0, len(text)) <= self.marks:
            return None
        left = self.marks
        start, width = 0, 4096
        while (there := _marks_in(text, start, start + width)) <= left:
            left -= there
            start += width
        for offset in range(start, len(text)):
            if text[offset] in "<,\x01":
                if left == 0:
                    return offset, f"more than {self.marks} separators and groups"
                left -= 1
        raise AssertionError("the marks were counted and are not there")  # pragma: no cover

    def _nesting(self, text: str) -> tuple[int, str] | None:
        if text.count("<") <= self.nesting:
            return None
        offset = _first_deeper(text, 0, len(text), self.nesting)
        return None if offset is None else (offset, f"nested deeper than {self.nesting} groups")


def _marks_in(text: str, start: int, end: int) -> int:
    return (
        text.count(",", start, end) + text.count("<", start, end) + text.count("\x01", start, end)
    )


def _first_deeper(text: str, start: int, end: int, room: int) -> int | None:
    """The first octet in `start:end` at which the `<` outnumber the `>` by more than `room`.

    Strategy: a stretch with no more `<` than there is room for cannot hold it, so stretches are
    counted, not walked, and only one that may hold it is cut into smaller ones.
    """
    if end - start <= _LEAF:
        for offset in range(start, end):
            room += (text[offset] == ">") - (text[offset] == "<")
            if room < 0:
                return offset
        return None
    width = -(-(end - start) // _PARTS)
    for part in range(start, end, width):
        stop = min(part + width, end)
        opened = text.count("<", part, stop)
        if opened > room:
            found = _first_deeper(text, part, stop, room)
            if found is not None:
                return found
        room += text.count(">", part, stop) - opened
    return None
