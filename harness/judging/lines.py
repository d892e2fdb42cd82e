"""One recorded connection: what is asked, what answers it, and how it may end.

Pieces go in, moments come out. How octets were cut decides nothing (HDR-09): what is pulled is
whole units, and a moment depends on those alone. A line that was not seen from its beginning, or
of which something is missing, is *blind*: of it nothing is said, since where its next frame begins
is not known. (On the hop `web` each request begins anew, so there sight comes back.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from starwire.protocol.endpoints import spoken_at
from starwire.protocol.frames import NEED_DATA
from starwire.protocol.headers import CommonHeader, WebHeader
from starwire.protocol.native import NativeReader
from starwire.protocol.profile import Profile
from starwire.protocol.recording import Request, Response, Segment
from starwire.protocol.status import MessageType, Operation, Status
from starwire.protocol.units import Unit, UnitError, Units, units

from .moments import Answered, Asked, Garbled, Moment, Responded, Unasked, Where, bulk_of

_EVERYBODYS = (Status.VERSION, Status.LENGTH)
"""What answers octets that are no frame."""
_BEGINNING = 256
"""Octets that are kept of what is no unit."""


class Line:
    """A connection that is open."""

    def __init__(self, hop: str, profile: Profile, *, blind: bool = False) -> None:
        self.spoken = spoken_at(hop)
        self.profile = profile
        self.blind = blind
        self.tls = False
        self.is_proxy = self.spoken == "common"
        self.asked: deque[Asked] = deque()
        """Requests without their answer, oldest first."""
        self.deaf = False
        """Whether the client is read no further: behind octets that are no unit, and at a proxy
        behind types 1 and 2 (TRN-02)."""
        self.lost = False
        """Whether what the server says cannot be read any more."""
        self.answers = 0
        self.status = -1
        """Of the last reply."""
        self.must_close = ""
        """The rule by which the server has to close now."""
        self.client_ended = self.server_ended = False
        self.last = Where("", 0, hop, "", 0)
        """The last event with octets, or the first."""
        self.begun = 0
        """When the first octet of the unfinished request came."""
        self.said = b""
        """What the server said last."""
        self.armed: int | None = None
        """When it is looked at whether its duties are done, and whether one was found undone."""
        self.doubted = False
        self._client: Units = units(self.spoken, "client", profile)
        self._server: Units = units(self.spoken, "server", profile)
        self._frames = 0
        """Of the answer that is under way."""
        self._response: Response | None = None
        self._web_octets = b""
        self._request: tuple[Request, bytes] | None = None

    @property
    def waiting(self) -> int:
        """Octets of a request that is not whole."""
        return 0 if self.deaf else self._client.waiting

    @property
    def unfinished(self) -> int:
        """Octets of a reply that is not whole."""
        return 0 if self.lost else self._server.waiting

    # What the client says.

    def heard(self, piece: Segment | Request, where: Where) -> Iterator[Moment]:
        """Octets of the client, which the server reads."""
        self.last = where
        if isinstance(piece, Request) or self.spoken == "web":
            yield from self._posted(piece, where)
        elif not self.blind and not self.deaf:
            if not self.waiting:
                self.begun = where.at
            self._client.feed(bytes(piece.octets))
            yield from self._requests(where)

    def client_ends(self, where: Where) -> Iterator[Moment]:
        """The client sends nothing more; at a native port that is an error within a message."""
        self.client_ended = True
        if isinstance(self._client, NativeReader) and not (self.blind or self.deaf):
            self._client.close()
            yield from self._requests(where)

    def _requests(self, where: Where) -> Iterator[Asked]:
        while not self.deaf:
            try:
                unit = self._client.pull()
            except UnitError as error:
                self.deaf = True
                refused = getattr(self._client, "refused", b"")
                yield self._ask(where, None, refused, str(error), error.status)
                return
            if unit is NEED_DATA:
                return
            frame = unit.frame
            if (
                isinstance(frame, CommonHeader)
                and not frame.echo
                and frame.type in (MessageType.REQUEST, MessageType.POLL)
            ):
                self.deaf = True
            yield self._ask(where, unit, unit.octets)

    def _ask(
        self, where: Where, unit: Unit | None, octets: bytes, problem: str = "", status: int = 0
    ) -> Asked:
        asked = Asked(
            where=where,
            profile=self.profile,
            unit=unit,
            octets=octets,
            problem=problem,
            status=status,
            begun=self.begun,
        )
        self.begun = where.at
        self.asked.append(asked)
        return asked

    def _posted(self, piece: Segment | Request, where: Where) -> Iterator[Moment]:
        if isinstance(piece, Request):
            self.blind = False
            self.asked.clear()
            self._response = None
            self.begun = where.at
            self._request = (piece, bytes(piece.octets))
        elif self._request is None or self.blind:
            return
        else:
            request, before = self._request
            self._request = (request, before + bytes(piece.octets))
        request, body = self._request
        if piece.more and isinstance(piece, Segment):
            return
        asked = self._ask(where, web_unit(body, self.profile), body)
        asked.request, asked.cut = request, piece.more
        if not piece.more:
            self._request = None
        yield asked

    # What the server says.

    def answered(self, piece: Segment | Response, where: Where) -> Iterator[Moment]:
        """Octets of the server."""
        self.last = where
        if self.blind or self.lost:
            return
        if isinstance(piece, Response) or self.spoken == "web":
            yield from self._responded(piece, where)
            return
        self._server.feed(bytes(piece.octets))
        yield from self._replies(where)

    def _replies(self, where: Where) -> Iterator[Moment]:
        while True:
            try:
                unit = self._server.pull()
            except UnitError as error:
                self.lost = True
                yield self._garbled(where, error)
                return
            if unit is NEED_DATA:
                return
            self.said = unit.octets
            yield self._reply(unit, where)

    def _garbled(self, where: Where, error: UnitError) -> Garbled:
        return Garbled(
            where=where,
            profile=self.profile,
            problem=str(error),
            status=error.status,
            octets=b"",
            owed=bool(self.asked),
        )

    def _reply(self, unit: Unit, where: Where) -> Moment:
        place = self._place(unit)
        if place is None and self.waiting and unit.frame and unit.frame.status == 111:
            # ERR-08: a large frame is refused as soon as its header is in.
            place, self.deaf = 0, True
            self._ask(where, None, b"", "refused before it was whole")
        if place is None:
            return Unasked(where=where, profile=self.profile, octets=unit.octets)
        asked = self.asked[place]
        frame = unit.frame
        self._frames += 1
        last = frame is None or frame.status != Status.BULK or asked.is_echo
        moment = Answered(
            where=where,
            profile=self.profile,
            asked=asked,
            reply=unit,
            first=self._frames == 1,
            last=last,
            in_turn=place == 0,
            multiplexed=self.is_proxy and self.profile.multiplex,
            replies=self._frames,
        )
        if last:
            del self.asked[place]
            self._frames = 0
            self._settle(moment)
        return moment

    def _place(self, unit: Unit) -> int | None:
        """Where the request stands that a unit answers: the first, unless serials say otherwise."""
        while self.asked and self.asked[0].optional and not _answers_cancel(self.asked[0], unit):
            self.asked.popleft()
        if not self.asked:
            return None
        frame = unit.frame
        if isinstance(frame, CommonHeader) and frame.status not in _EVERYBODYS:
            for place, asked in enumerate(self.asked):
                common = asked.common
                if common is not None and common.serial == frame.serial:
                    return place
        return 0

    def _settle(self, answered: Answered) -> None:
        """What the last frame of an answer means for the rest of the connection."""
        self.answers += 1
        self.status = answered.status
        asked = answered.asked
        self._settle_cancels(answered)
        if asked.is_echo or self.spoken == "web":
            return
        if self.spoken == "native":
            self.must_close = "TRN-05" if asked.unit is None else ""
        elif answered.status in _EVERYBODYS:
            self.must_close = "HDR-06"
        elif self.is_proxy and asked.common is not None and asked.common.type in (1, 2):
            self.must_close = "TRN-02"

    def _settle_cancels(self, answered: Answered) -> None:
        """A cancel that came before the last frame of its run may have been answered by that."""
        run = answered.bulk
        for asked in self.asked:
            bulk = asked.bulk
            if bulk is None or bulk.operation != Operation.CANCEL:
                break
            if run is not None and bulk.transfer == run.transfer:
                asked.optional = True

    # HTTP.

    def _responded(self, piece: Segment | Response, where: Where) -> Iterator[Moment]:
        if isinstance(piece, Response):
            self._response = piece if self.asked else None
            self._server = units("web", "server", self.profile)
            self._web_octets = bytes(piece.octets[:_BEGINNING])
            self._frames = 0
            self.status = -1
        response = self._response
        if response is None:
            return
        asked = self.asked[0]
        problem = ""
        if response.status == 200:
            self._server.feed(bytes(piece.octets))
            try:
                while (unit := self._server.pull()) is not NEED_DATA:
                    yield self._frame_of(asked, unit, where)
            except UnitError as error:
                problem = str(error)
        if piece.more and not problem:
            return
        yield Responded(
            where=where,
            profile=self.profile,
            asked=asked,
            response=response,
            frames=self._frames,
            status=self.status,
            web=self._web_header(),
            rest=self._server.waiting if response.status == 200 else 0,
            octets=self._web_octets,
            problem=problem,
            tls=self.tls,
        )
        self._response = None
        self.asked.clear()

    def _web_header(self) -> WebHeader | None:
        codec = self.profile.wire.web
        is_there = len(self._web_octets) >= codec.size and self._response is not None
        return codec.decode(self._web_octets) if is_there else None

    def _frame_of(self, asked: Asked, unit: Unit, where: Where) -> Answered:
        self._frames += 1
        frame = unit.frame
        assert frame is not None
        behind_last = self._frames > 1 and self.status != Status.BULK
        self.status = frame.status
        return Answered(
            where=where,
            profile=self.profile,
            asked=asked,
            reply=unit,
            first=self._frames == 1,
            last=frame.status != Status.BULK,
            replies=self._frames,
            behind_last=behind_last,
        )


def web_unit(body: bytes, profile: Profile) -> Unit | None:
    """The body of a POST as its headers and the rest, whatever length they tell; None if it is
    shorter than the two.
    """
    wire = profile.wire
    size = wire.web.size + wire.dispatcher.size
    if len(body) < size:
        return None
    frame = wire.dispatcher.decode(body, wire.web.size)
    headers = (wire.web.decode(body), frame)
    data = body[size:]
    if frame.type != MessageType.BULK or len(data) < wire.bulk.size:
        return Unit(headers, body, data)
    return Unit((*headers, wire.bulk.decode(data)), body, data[wire.bulk.size :])


def _answers_cancel(asked: Asked, unit: Unit) -> bool:
    bulk, cancel = bulk_of(unit), asked.bulk
    frame = unit.frame
    if frame is None or cancel is None:
        return False
    if isinstance(frame, CommonHeader) and asked.common is not None:
        return frame.serial == asked.common.serial
    return bulk is not None and (bulk.operation, bulk.transfer) == (
        Operation.CANCELLED,
        cancel.transfer,
    )
