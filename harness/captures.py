"""Captured traffic as connections, whatever it was captured with: recordings, packets, raw octets.

A capture is read piece by piece. `Sampler` keeps of each connection as much as is needed to learn
from it, and no more than a fixed number of octets in all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from starwire.protocol.endpoints import spoken_at
from starwire.protocol.recording import (
    Event,
    RecordingError,
    Request,
    Response,
    Segment,
    Sender,
    sender_of,
)

from .learning import Line, NothingLearned, Spoken
from .recordings import NoRecording, Recording

Hop: TypeAlias = Literal["auto", "proxy", "dispatcher", "web"]
SPOKEN: dict[Hop, Spoken] = {"proxy": "common", "dispatcher": "dispatcher", "web": "web"}
"""What is spoken on the hop that somebody names."""

_OF_STREAM = 256 * 1024
_IN_ALL = 16 * 1024 * 1024
"""Octets that are kept: of what one side of a connection said, and of all."""


class Piece(Struct, frozen=True):
    """Octets of one side of a connection, in their order."""

    line: str
    """The connection, as people may know it."""
    spoken: Spoken
    sender: Sender
    octets: bytes
    begins: bool = False
    """On the web: a body begins here."""


class Sampler:
    """Connections as far as they are kept."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self._kept = 0

    def take(self, piece: Piece) -> None:
        """Keep a piece, as long as there is room; what does not fit ends its stream."""
        line = self.lines.get(piece.line)
        if line is None:
            if self._kept >= _IN_ALL:
                return
            line = self.lines[piece.line] = Line(piece.line, piece.spoken, bodies=[])
        if piece.spoken == "web":
            self._take_body(line, piece)
            return
        held = line.client if piece.sender == "client" else line.server
        octets = self._room(line, len(held), piece.octets)
        if piece.sender == "client":
            line.client += octets
        else:
            line.server += octets

    def _take_body(self, line: Line, piece: Piece) -> None:
        if piece.begins:
            line.bodies.append((piece.sender, self._room(line, 0, piece.octets)))
        elif line.bodies and line.bodies[-1][0] == piece.sender:
            sender, body = line.bodies[-1]
            line.bodies[-1] = (sender, body + self._room(line, len(body), piece.octets))

    def _room(self, line: Line, held: int, octets: bytes) -> bytes:
        """As many of the octets as may be kept."""
        count = max(0, min(len(octets), _OF_STREAM - held, _IN_ALL - self._kept))
        line.is_cut = line.is_cut or count < len(octets)
        self._kept += count
        return octets[:count]


def captured(paths: Iterable[str], hop: Hop) -> Iterator[Piece]:
    """What the captures hold of that hop. Raises NothingLearned, which names the file."""
    for path in paths:
        try:
            yield from _recorded(Recording(Path(path)), hop)
        except (NoRecording, RecordingError) as error:
            raise NothingLearned(str(error)) from None


def _recorded(events: Iterable[Event], hop: Hop) -> Iterator[Piece]:
    """Of a recording: the port says what is spoken, and the octets are as they were received, so
    the profile of the recording does not matter.
    """
    wanted: Collection[str] = ("common", "dispatcher", "web") if hop == "auto" else (SPOKEN[hop],)
    refused: set[str] = set()
    for event in events:
        if not isinstance(event, Segment | Request | Response):
            continue
        spoken = spoken_at(event.hop)
        if spoken == "native" or spoken not in wanted:
            continue
        if isinstance(event, Segment) and event.unread:
            continue
        name = f"{event.hop} {event.connection}"
        if isinstance(event, Response):
            # What is not 200 is text for people (WEB-06).
            (refused.add if event.status != 200 else refused.discard)(name)
        if name in refused and sender_of(event) == "server":
            continue
        begins = isinstance(event, Request | Response)
        yield Piece(name, spoken, sender_of(event), bytes(event.octets), begins)
