"""Where in a transcript the headers lie, and what its messages say.

Unlike the reader of frames this one is lenient: a header is marked although a peer filled it with
nonsense, since that is what somebody wants to look at. Behind a length that cannot be followed
nothing more is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from starwire.grammar import MetadataError, parse
from starwire.harness.conformance.result import Event, HeaderField
from starwire.harness.display import folded, tree_lines
from starwire.protocol.endpoints import DEFAULT_PORTS, spoken_at
from starwire.protocol.frames import NEED_DATA
from starwire.protocol.profile import shipped
from starwire.protocol.status import MessageType, Operation
from starwire.protocol.units import UnitError, units

Widths = Mapping[str, Sequence[HeaderField]]

_HTTP = re.compile(rb"(?:[A-Z]{3,10} [^ \r\n]* HTTP/1\.[01]|HTTP/1\.[01] [0-9]{3}[^\r\n]*)\r\n")
_ANSWERED = re.compile(r"HTTP ([0-9]{3})")
_LONGEST_TREE = 16_384
"""Octets of a message that is shown as a tree."""
_MOST_LINES = 400
_CUT = re.compile(r"\d+ octets, the first \d+ kept")
"""What a transcript says of an event of which it kept the beginning only."""
_RECEIVED = ("received", "closed", "reset", "silent")
"""What has octets of the other side; of what ends a connection, those that were no whole reply."""


class Mark(Struct, frozen=True, array_like=True):
    """A header."""

    at: int
    """The offset of its first octet within the event; below 0 if it began in an earlier one."""
    layer: str
    """common, dispatcher, web or bulk; `http` for the head of an HTTP message, up to its end."""
    size: int


class Tree(Struct, frozen=True, array_like=True):
    """A message."""

    at: int
    """The offset of its first octet within the event in which it ends."""
    text: str
    """The lines of its tree; "" where the octets are no message."""
    problem: str = ""
    """Why they are none."""


class Anatomy(Struct, frozen=True):
    """Of one event."""

    marks: tuple[Mark, ...] = ()
    trees: tuple[Tree, ...] = ()


class Anatomist:
    """Takes transcripts apart; remembers the trees of messages, most of which come often."""

    def __init__(self, widths: Widths) -> None:
        self._widths = widths
        self._trees: dict[bytes, tuple[str, str]] = {}

    def anatomies(self, events: Sequence[Event]) -> list[Anatomy]:
        """Of each event, in their order."""
        marks: dict[int, list[Mark]] = {}
        trees: dict[int, list[Tree]] = {}
        for stream in _streams(events):
            octets = b"".join(events[number].octets for number in stream)
            starts = _starts(events, stream)
            for mark in self._marks(events[stream[0]], octets, trees, starts):
                for number, start in starts:
                    # A header that was cut is marked in each event that has some of it.
                    if start < mark.at + mark.size and mark.at < start + len(events[number].octets):
                        here = Mark(mark.at - start, mark.layer, mark.size)
                        marks.setdefault(number, []).append(here)
        return [
            Anatomy(tuple(marks.get(number, ())), tuple(trees.get(number, ())))
            for number in range(len(events))
        ]

    def _marks(
        self,
        first: Event,
        octets: bytes,
        trees: dict[int, list[Tree]],
        starts: list[tuple[int, int]],
    ) -> Iterator[Mark]:
        """The headers of a stream; what its messages say is put into `trees`."""
        for found in self._parts(first, octets):
            if isinstance(found, Mark):
                yield found
                continue
            start, end = found
            number, begun = next(one for one in reversed(starts) if one[1] < end)
            text, problem = self._tree(octets[start:end])
            if text or problem:
                trees.setdefault(number, []).append(Tree(start - begun, text, problem))

    def _parts(self, first: Event, octets: bytes) -> Iterator[Mark | tuple[int, int]]:
        """Headers, and from where to where there are data."""
        spoken = spoken_at(first.place) if first.place in DEFAULT_PORTS else "native"
        if spoken == "native":
            yield from _messages(octets)
            return
        at = 0
        answered = _ANSWERED.match(first.text)
        if answered and answered[1] != "200":
            return
        if spoken == "web":
            posted = first.text.startswith("POST ")
            if head := _HTTP.match(octets):
                end = octets.find(b"\r\n\r\n", head.end() - 2)
                at = len(octets) if end < 0 else end + 4
                yield Mark(0, "http", at)
            if at < len(octets) and (first.what == "sent" or answered or posted):
                yield Mark(at, "web", self._size("web"))
                at += self._size("web")
        yield from self._frames(octets, at, "common" if spoken == "common" else "dispatcher")

    def _frames(self, octets: bytes, at: int, layer: str) -> Iterator[Mark | tuple[int, int]]:
        size = self._size(layer)
        while size and at < len(octets):
            yield Mark(at, layer, size)
            length = self._number(octets, at, layer, "length")
            if length is None or len(octets) < at + size:
                return
            data, end = at + size, at + length if length >= size else len(octets)
            end = min(end, len(octets))
            is_bulk = self._number(octets, at, layer, "type") == MessageType.BULK
            if is_bulk and end - data >= self._size("bulk") > 0:
                operation = self._number(octets, data, "bulk", "operation")
                yield Mark(data, "bulk", self._size("bulk"))
                data += self._size("bulk")
                if operation not in (Operation.OPEN, Operation.END):
                    end = data  # a piece of a file may look like a message, and is none
            if data < end:
                yield data, end
            if length < size:
                return
            at += length

    def _size(self, layer: str) -> int:
        return sum(field.width for field in self._widths.get(layer, ()))

    def _number(self, octets: bytes, at: int, layer: str, name: str) -> int | None:
        for field in self._widths.get(layer, ()):
            if field.name == name and field.kind != "text":
                found = octets[at : at + field.width]
                return int.from_bytes(found, field.kind) if len(found) == field.width else None
            at += field.width
        return None

    def _tree(self, data: bytes) -> tuple[str, str]:
        """The tree of a message, or why there is none; nothing of what does not look like one."""
        if data not in self._trees:
            self._trees[data] = _tree_of(data)
        return self._trees[data]


def _tree_of(data: bytes) -> tuple[str, str]:
    if b"<" not in data[:_LONGEST_TREE]:
        return "", ""
    if len(data) > _LONGEST_TREE:
        return "", f"{len(data):,} octets, too long to be shown as a tree"
    try:
        return "\n".join(folded(tree_lines(parse(data)), _MOST_LINES)), ""
    except MetadataError as error:
        return "", f"no message: {error}"


def _streams(events: Sequence[Event]) -> list[list[int]]:
    """The events that have octets: those of one side of a connection together; of the web, where
    each request and each response is one of its own, each alone.
    """
    streams: list[list[int]] = []
    open_ones: dict[tuple[int, str, bool], list[int]] = {}
    for number, event in enumerate(events):
        if event.what in ("connected", "note") or not event.octets:
            continue
        key = (event.line, event.place, event.what in _RECEIVED)
        stream = open_ones.get(key)
        if stream is None or event.place == "web":
            stream = open_ones[key] = []
            streams.append(stream)
        stream.append(number)
        if _CUT.search(event.text):
            del open_ones[key]
    return streams


def _starts(events: Sequence[Event], stream: list[int]) -> list[tuple[int, int]]:
    """The events of a stream, and where in it each begins."""
    starts, at = [], 0
    for number in stream:
        starts.append((number, at))
        at += len(events[number].octets)
    return starts


def _messages(octets: bytes) -> Iterator[tuple[int, int]]:
    """From where to where there are bare messages, the last one perhaps none."""
    reader = units("native", "server", shipped("default"))
    reader.feed(octets)
    end = 0
    try:
        while (unit := reader.pull()) is not NEED_DATA:
            start = octets.find(unit.data, end)
            yield start, start + len(unit.data)
            end = start + len(unit.octets)
    except UnitError:
        pass
    if end < len(octets):
        yield end, len(octets)
