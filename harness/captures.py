"""Captured traffic as connections, whatever it was captured with: recordings, packets, raw octets.

A capture is read piece by piece. `Captured` keeps of each connection as much as is needed to learn
from it, and no more than a fixed number of octets in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias, cast

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

from .hex_dumps import octets_of_file
from .learning import Line, NothingLearned, Spoken
from .packets import MAGIC, Packets
from .recognizing import bodies_of, kind_of, sides
from .recordings import NoRecording, Recording

Hop: TypeAlias = Literal["auto", "proxy", "dispatcher", "web"]
SPOKEN: dict[Hop, Spoken] = {"proxy": "common", "dispatcher": "dispatcher", "web": "web"}
"""What is spoken on the hop that somebody names."""

_OF_STREAM = 256 * 1024
_IN_ALL = 1024 * 1024
"""Octets that are kept: of what one side of a connection said, and of all."""
_TO_TELL = 4096
"""Octets of a client among which is what tells what it speaks."""
_LEFT_OUT = {
    "tls": "are encrypted by TLS: capture behind the encryption, or with `starwire serve --record`",
    "sealed": "are sealed (ENC-01): capture without `[links] key_file`, or with --record",
    "native": "carry bare messages, which have no header",
    "silent": "carry nothing from the client",
}


class Piece(Struct, frozen=True):
    """Octets of one side of a connection, in their order."""

    line: str
    """The connection, as people may know it."""
    spoken: Spoken | None
    """None where only the octets can tell."""
    sender: Sender
    octets: bytes
    begins: bool = False
    """On the web: a body begins here."""


class Captured:
    """Captures, read as often as somebody asks. Raises NothingLearned, which names the file."""

    def __init__(
        self, paths: Iterable[str], hop: Hop, requests: str = "", replies: str = ""
    ) -> None:
        self.notes: list[str] = []
        """What was left out by the last reading."""
        self._paths = list(paths)
        self.hop = hop
        self._files = [(sender, path) for sender, path in sides(requests, replies) if path]

    def pieces(self) -> Iterator[Piece]:
        """Everything that the captures hold of the hop."""
        self.notes = []
        for path in self._paths:
            if _begins_with(path, MAGIC):
                packets = Packets(path)
                for said in packets:
                    yield Piece(said.connection, None, said.sender, said.octets)
                self.notes += packets.notes
            else:
                yield from self._recorded(path)
        name = " and ".join(path for _, path in self._files)
        for sender, path in self._files:
            yield Piece(name, None, sender, octets_of_file(path))

    def _recorded(self, path: str) -> Iterator[Piece]:
        try:
            recording = Recording(Path(path))
            yield from recorded_pieces(recording, self.hop)
        except NoRecording as error:
            if "is not the header of a starwire recording" in str(error):
                raise NothingLearned(
                    f"{path}: is neither a recording nor packets (pcap, pcapng); give raw octets or"
                    " hex dumps with --requests and --replies"
                ) from None
            raise NothingLearned(str(error)) from None
        except RecordingError as error:
            raise NothingLearned(str(error)) from None
        self.notes += recording.cuts

    def lines(self, wanted: Collection[str] = ()) -> list[Line]:
        """The connections of the hop, each as far as it is kept; the first ones that there is room
        for, and beside them those that are wanted by name.
        """
        kept: dict[str, Line] = {}
        told: dict[str, Spoken | None] = {}
        others: set[str] = set()
        room, more = _IN_ALL, _IN_ALL if wanted else 0
        for piece in self.pieces():
            is_wanted = piece.line in wanted
            if not room and not more:
                break
            if piece.line not in kept:
                if not (more if is_wanted else room):
                    continue
                kept[piece.line] = Line(piece.line, piece.spoken or "common", bodies=[])
                told[piece.line] = piece.spoken
            if is_wanted:
                more -= _keep(kept[piece.line], piece, more)
            elif piece.line not in others:
                room -= _keep(kept[piece.line], piece, room)
                if piece.spoken is None and _is_other(kept[piece.line]):
                    others.add(piece.line)
                    room += len(kept[piece.line].client) + len(kept[piece.line].server)
        unknown = [line for name, line in kept.items() if told[name] is None]
        known = [line for name, line in kept.items() if told[name] is not None]
        return known + list(self._recognized(unknown))

    def _recognized(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The connections of this wire, each with what is spoken on it."""
        left: Counter[str] = Counter()
        for line in lines:
            kind = kind_of(line)
            wanted = SPOKEN.get(self.hop)
            if kind in _LEFT_OUT:
                left[kind] += 1
                continue
            if kind == "web":
                line.bodies = bodies_of(line)
            elif wanted == "web":
                line.bodies = [
                    (sender, body) for sender, body in sides(line.client, line.server) if body
                ]
            if wanted in (None, "web") or kind != "web":
                line.spoken = wanted or cast(Spoken, kind)
                yield line
        for what, count in left.items():
            plural = "connection" if count == 1 else "connections"
            self.notes.append(f"{count} {plural} left out, which {_LEFT_OUT[what]}")


def _is_other(line: Line) -> bool:
    """Whether the first octets tell that the connection is none of this wire; it needs no room."""
    return len(line.client) < _TO_TELL and bool(line.client) and kind_of(line) in ("tls", "native")


def _keep(line: Line, piece: Piece, room: int) -> int:
    """Keep of a piece what there is room for; how much that is. What does not fit ends a stream."""
    if piece.spoken == "web":
        if piece.begins:
            line.bodies.append((piece.sender, b""))
        if not line.bodies or line.bodies[-1][0] != piece.sender:
            return 0
        held = line.bodies[-1][1]
    else:
        held = line.client if piece.sender == "client" else line.server
    octets = piece.octets[: max(0, min(_OF_STREAM - len(held), room))]
    line.is_cut = line.is_cut or len(octets) < len(piece.octets)
    if piece.spoken == "web":
        line.bodies[-1] = (piece.sender, held + octets)
    elif piece.sender == "client":
        line.client += octets
    else:
        line.server += octets
    return len(octets)


def recorded_pieces(events: Iterable[Event], hop: Hop) -> Iterator[Piece]:
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


def _begins_with(path: str, magic: tuple[bytes, ...]) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(4) in magic
    except OSError:
        return False  # a folder, or nothing: whoever reads it as a recording says so
