"""The transcript of a case: what crossed its connections, in order, with the time of each."""

from __future__ import annotations

from collections.abc import Callable

from .result import Event, What

_MOST_OCTETS = 65_536
"""Of one event: what is longer is kept in part, and said to be."""
_MOST_EVENTS = 500


class Transcript:
    """Events as they happen; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = clock()
        self.events: list[Event] = []

    def add(self, line: int, place: str, what: What, octets: bytes = b"", text: str = "") -> int:
        """The index of the new event."""
        if len(octets) > _MOST_OCTETS:
            more = f"{len(octets)} octets, the first {_MOST_OCTETS} kept"
            octets, text = octets[:_MOST_OCTETS], f"{text}; {more}" if text else more
        if len(self.events) < _MOST_EVENTS:
            at = round(self._clock() - self._begun, 6)
            self.events.append(
                Event(at=at, line=line, place=place, what=what, octets=bytes(octets), text=text)
            )
        return len(self.events) - 1

    def note(self, line: int, place: str, text: str) -> None:
        """Something that is no octets."""
        self.add(line, place, "note", text=text)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self._clock() - self._begun
