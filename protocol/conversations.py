"""Recorded events read again: units out of the octets, and requests with their replies.

Nothing that stands decoded in a recording is used. Both classes hold what is unfinished only, so
whatever the length of a recording, their memory is that of its open connections.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from .endpoints import spoken_at
from .frames import NEED_DATA
from .headers import CommonHeader
from .profile import Profile
from .recording import (
    Closed,
    Event,
    Header,
    Opened,
    Piece,
    Request,
    Response,
    Segment,
    Sender,
    profile_of,
    sender_of,
)
from .status import Status
from .units import Unit, UnitError, Units, units


class Said(Struct, frozen=True):
    """What became whole with the octets of one event."""

    units: tuple[Unit, ...] = ()
    problem: str = ""
    """Why the octets are no units from here on; told once."""
    waiting: int = 0
    """Octets of a unit that is not whole yet."""


NOTHING = Said()


class Conversations:
    """Reads the events of a recording in their order, its headers included."""

    def __init__(self) -> None:
        self.profile: Profile | None = None
        """That of the last header."""
        self._run = ""
        self._streams: dict[tuple[str, Sender], Units | None] = {}
        """None where the octets have ceased to be units."""

    def read(self, event: Event) -> Said:
        """What an event says. Raises RecordingError for a header whose profile cannot be used."""
        if isinstance(event, Header):
            self.profile = profile_of(event)
            if event.run != self._run:
                self._run = event.run
                self._streams.clear()
        elif isinstance(event, Closed):
            self._streams.pop((event.connection, "client"), None)
            self._streams.pop((event.connection, "server"), None)
        elif isinstance(event, Segment | Request | Response) and not _is_beside(event):
            return self._said(event)
        return NOTHING

    def _said(self, piece: Piece) -> Said:
        key = (piece.connection, sender_of(piece))
        if key not in self._streams or not isinstance(piece, Segment):
            assert self.profile is not None, "a recording begins with its header"
            self._streams[key] = units(spoken_at(piece.hop), key[1], self.profile)
        if isinstance(piece, Response) and piece.status != 200:
            self._streams[key] = None
        stream = self._streams[key]
        if stream is None:
            return NOTHING
        stream.feed(bytes(piece.octets))
        told = []
        try:
            while (unit := stream.pull()) is not NEED_DATA:
                told.append(unit)
        except UnitError as error:
            self._streams[key] = None
            return Said(tuple(told), str(error))
        return Said(tuple(told), waiting=stream.waiting)


class Exchange(Struct, frozen=True):
    """A request and a reply to it; of a transfer, one for each of its frames."""

    hop: str
    connection: str
    transaction: str
    request: Unit | None
    """None if the reply answers nothing that was read as a request."""
    reply: Unit | None
    """None if there was none, or none of the wire."""
    asked_at: int
    """When the request was whole; microseconds since the recording began."""
    answered_at: int
    last: bool = True
    """Whether no more replies to this request are due."""
    http: int = 0
    """On the hop `web`, the status of the response."""


class _Asked(Struct, frozen=True):
    request: Unit
    at: int
    transaction: str


class Exchanges:
    """Pairs requests with replies: by serial where frames have one, by their order elsewhere."""

    def __init__(self) -> None:
        self.conversations = Conversations()
        self._asked: dict[tuple[str, str], list[_Asked]] = {}
        """By hop and connection, in the order in which they came."""
        self._http: dict[str, int] = {}

    def read(self, event: Event) -> Iterator[Exchange]:
        """The exchanges that an event completes."""
        said = self.conversations.read(event)
        if isinstance(event, Opened):
            self._asked[event.hop, event.connection] = []
        elif isinstance(event, Closed):
            yield from self._unanswered((event.hop, event.connection), event.at)
            self._http.pop(event.connection, None)
        elif isinstance(event, Segment | Request | Response):
            yield from self._paired(event, said)

    def finish(self, at: int) -> Iterator[Exchange]:
        """What is unanswered at the end of a recording."""
        for place in list(self._asked):
            yield from self._unanswered(place, at)

    def _paired(self, piece: Piece, said: Said) -> Iterator[Exchange]:
        asked = self._asked.setdefault((piece.hop, piece.connection), [])
        if sender_of(piece) == "client":
            asked += (_Asked(unit, piece.at, piece.transaction) for unit in said.units)
            return
        if isinstance(piece, Response):
            self._http[piece.connection] = piece.status
        http = self._http.get(piece.connection, 0)
        for unit in said.units:
            yield self._exchange(piece, unit, http)
        if isinstance(piece, Response) and piece.status != 200 and asked:
            yield self._without_reply(piece, asked.pop(0), http)

    def _exchange(self, piece: Piece, reply: Unit, http: int) -> Exchange:
        asked = self._asked[piece.hop, piece.connection]
        place = _place(asked, reply)
        last = reply.frame is None or reply.frame.status != Status.BULK
        one = None if place is None else asked[place]
        if place is not None and last:
            del asked[place]
        return Exchange(
            piece.hop,
            piece.connection,
            one.transaction if one else piece.transaction,
            one.request if one else None,
            reply,
            one.at if one else piece.at,
            piece.at,
            last,
            http,
        )

    def _without_reply(self, piece: Piece, asked: _Asked, http: int) -> Exchange:
        return Exchange(
            piece.hop,
            piece.connection,
            asked.transaction,
            asked.request,
            None,
            asked.at,
            piece.at,
            http=http,
        )

    def _unanswered(self, place: tuple[str, str], at: int) -> Iterator[Exchange]:
        for one in self._asked.pop(place, []):
            yield Exchange(*place, one.transaction, one.request, None, one.at, at)


def _is_beside(piece: Piece) -> bool:
    """Octets that nobody read are in no conversation."""
    return isinstance(piece, Segment) and piece.unread


def _place(asked: list[_Asked], reply: Unit) -> int | None:
    """Where among the open requests the one stands that a reply answers."""
    if not isinstance(reply.frame, CommonHeader):
        return 0 if asked else None
    serial = reply.frame.serial
    for place, one in enumerate(asked):
        if isinstance(one.request.frame, CommonHeader) and one.request.frame.serial == serial:
            return place
    return None
