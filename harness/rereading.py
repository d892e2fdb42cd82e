"""Captures read again with a profile that was learned from a part of them.

What a part does not show, the rest may: a frame that is not read, or that says what no frame
should, is a reason to learn again with its connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from starwire.protocol.frames import NEED_DATA
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import TARGETS, Profile
from starwire.protocol.recording import Sender
from starwire.protocol.status import MessageType, Status
from starwire.protocol.units import AnyHeader, UnitError, Units, units

from .captures import SPOKEN, Hop, Piece
from .learning import Line, Spoken
from .recognizing import kind_of

_TO_RECOGNIZE = 64
"""Octets of a client that tell what is spoken."""
_STATUSES = frozenset(int(status) for status in Status)


class Reread(Struct):
    """What reading came to."""

    frames: int = 0
    connections: int = 0
    unread: dict[str, str] = {}
    """By connection: why not all of it could be read."""
    odd: set[str] = set()
    """Connections with a frame that says what no frame should."""


class _Known(Struct):
    """One connection while it is read."""

    spoken: Spoken | None = None
    is_other: bool = False
    """It is none of this wire."""
    waiting: list[Piece] = []
    readers: dict[Sender, Units | None] = {}


def reread(pieces: Iterable[Piece], hop: Hop, profile: Profile) -> Reread:
    """Read everything. HTTP out of packets is not read again, nor what is of no wire."""
    found = Reread(unread={}, odd=set())
    lines: dict[str, _Known] = {}
    for piece in pieces:
        line = lines.get(piece.line)
        if line is None:
            line = lines[piece.line] = _Known(piece.spoken, waiting=[], readers={})
        if line.is_other:
            continue
        if line.spoken is None:
            line.waiting.append(piece)
            _recognize(line, hop, _TO_RECOGNIZE)
            ready, line.waiting = (line.waiting, []) if line.spoken else ([], line.waiting)
        else:
            ready = [piece]
        for one in ready:
            _read(line, one, profile, found)
    for line in lines.values():
        if line.spoken is None and not line.is_other:
            _recognize(line, hop, 0)
            for one in line.waiting:
                _read(line, one, profile, found)
    found.connections = sum(bool(line.readers) for line in lines.values())
    return found


def _recognize(line: _Known, hop: Hop, least: int) -> None:
    """Find out what is spoken, if the client has said as many octets."""
    client, server = (
        b"".join(one.octets for one in line.waiting if one.sender == side) for side in _SIDES
    )
    if len(client) >= least:
        kind = kind_of(Line("", "common", client, server))
        line.is_other = kind not in ("common", "dispatcher")
        if not line.is_other:
            line.spoken = SPOKEN.get(hop) or kind  # type: ignore[assignment]
        else:
            line.waiting = []


_SIDES: tuple[Sender, Sender] = ("client", "server")


def _read(line: _Known, piece: Piece, profile: Profile, found: Reread) -> None:
    assert line.spoken is not None
    if piece.begins or piece.sender not in line.readers:
        line.readers[piece.sender] = units(line.spoken, piece.sender, profile)
    reader = line.readers[piece.sender]
    if reader is None:
        return
    reader.feed(piece.octets)
    try:
        while (unit := reader.pull()) is not NEED_DATA:
            found.frames += 1
            if not all(_is_usual(header, piece.sender) for header in unit.headers):
                found.odd.add(piece.line)
    except UnitError as error:
        line.readers[piece.sender] = None
        found.unread.setdefault(piece.line, f"the {piece.sender}'s {error}")


def _is_usual(header: AnyHeader, sender: Sender) -> bool:
    if not isinstance(header, CommonHeader | DispatcherHeader):
        return True
    if not header.session_key.isprintable() or header.type > MessageType.BULK:
        return False
    if isinstance(header, DispatcherHeader):
        texts = header.user_id + header.enterprise_id
        if not texts.isprintable() or header.target not in ("", *TARGETS):
            return False
    elif header.echo:
        return True
    return header.status == 0 if sender == "client" else header.status in _STATUSES


def told(found: Reread) -> Iterator[str]:
    """What is to be known about it."""
    if not found.frames:
        return
    frames = f"{found.frames} frame{'' if found.frames == 1 else 's'}"
    yield f"{frames} of {found.connections} connections are read with this profile"
    for number, (line, reason) in enumerate(sorted(found.unread.items())):
        if number == _MOST_TOLD:
            yield f"{len(found.unread) - number} connections more are not read to their end"
            break
        yield f"{line} is not read to its end: {reason}"


_MOST_TOLD = 8
