"""The replies on a connection, one by one, whatever is spoken there; never held without bound."""

from __future__ import annotations

import http.client

from starwire.grammar import MetadataError, parse
from starwire.protocol.endpoints import spoken_at
from starwire.protocol.sealing import SealError

from ..transcript import Received, unpacked
from .asker import Asker, Departure
from .bare import BareMessages
from .result import What
from .wire import Incoming, Line, read_until

_MOST_FRAMES = 4
"""A response of HTTP may have as many octets as this many of the longest frames."""
_PIECE = 1 << 16
_SHOWN = 80
"""Characters of what is no HTTP."""


class Replies:
    """Octets of a line in, replies out, each written into the transcript."""

    def __init__(self, peer: Asker, line: Line, place: str, number: int) -> None:
        self._profile = peer.profile
        self._clock = peer.wire.now
        self._transcript = peer.transcript
        self._line = line
        self._place = place
        self._number = number
        self._spoken = spoken_at(place)
        self._in = BareMessages()
        self._held = self._in.held
        self._incoming = Incoming(line, peer.wire.now)

    def next(self, until: float) -> Received:
        """The next reply. Raises Departure; Silent behind the time; Reset; EOFError."""
        try:
            if self._spoken == "web" and not self._held:
                return self._response(until)
            if self._spoken == "native":
                return self._bare(until)
            return self._frame("common" if self._spoken == "common" else "dispatcher", until)
        except SealError as error:
            octets = bytes(self._held)
            event = self._note("received", octets, str(error))
            raise Departure("a record of this link (ENC-01)", str(error), event=event) from None

    def take(self) -> bytes:
        """What is in of a reply that does not come to its end."""
        return self._in.take(len(self._held))

    def _fill(self, until: float) -> None:
        """Some more octets. EOFError at the end, Silent behind the time, come what may."""
        octets = read_until(self._line, self._clock, until)
        if not octets:
            raise EOFError
        self._held += octets

    def _frame(self, name: str, until: float) -> Received:
        codec = getattr(self._profile.wire, name)
        length = codec.integer("length")
        while len(self._held) < length.end:
            self._fill(until)
        total = length.read(self._held, 0)
        most = self._profile.frame_octets
        if not codec.size <= total <= most:
            event = self._note("received", bytes(self._held))
            raise Departure(
                f"a length of {codec.size} to {most}",
                f"length {total}",
                event=event,
                offset=length.offset,
                field="length",
            )
        while len(self._held) < total:
            self._fill(until)
        octets = self._in.take(total)
        event = self._note("received", octets)
        fields = unpacked(self._profile, name, octets)
        return Received(octets, octets[codec.size :], fields, codec.size, event=event)

    def _bare(self, until: float) -> Received:
        limits = self._profile.limits
        while not (end := self._in.end()):
            self._limit(len(self._held), limits.octets, "a message")
            self._fill(until)
        total = end + _file_size(bytes(self._held[:end]))
        self._limit(total, self._profile.frame_octets, "a file")
        while len(self._held) < total:
            self._fill(until)
        octets = self._in.take(total)
        return Received(octets, octets, event=self._note("received", octets))

    def _limit(self, count: int, most: int, what: str) -> None:
        if count > most:
            octets = bytes(self._held)
            event = self._note("received", octets)
            raise Departure(f"{what} of {most} octets at most", f"{count} octets", event=event)

    def _response(self, until: float) -> Received:
        """The response to a POST, its first frame if it has several; others follow from `held`."""
        self._incoming.until = until
        response = http.client.HTTPResponse(self._incoming, method="POST")  # type: ignore[arg-type]
        try:
            response.begin()
            body = self._read_body(response)
        except http.client.RemoteDisconnected:
            raise EOFError from None
        except http.client.IncompleteRead as error:
            self._held += error.partial
            raise EOFError from None
        except http.client.HTTPException as error:
            said = ascii(str(error))[:_SHOWN]
            event = self._note("received", text=f"no HTTP: {said}")
            raise Departure("a response of HTTP", said, event=event) from None
        headers = tuple(response.getheaders())
        cookies = [f"; Set-Cookie: {value}" for name, value in headers if name == "Set-Cookie"]
        event = self._note("received", body, f"HTTP {response.status}{''.join(cookies)}")
        return self._body(response.status, headers, body, event)

    def _read_body(self, response: http.client.HTTPResponse) -> bytes:
        most = self._profile.frame_octets * _MOST_FRAMES
        if response.length is not None:
            self._limit(response.length, most, "a body")
            return response.read()
        body = bytearray()
        while piece := response.read(_PIECE):
            body += piece
            self._limit(len(body), most, "a body")
        return bytes(body)

    def _body(
        self, number: int, headers: tuple[tuple[str, str], ...], body: bytes, event: int
    ) -> Received:
        wire = self._profile.wire
        size = wire.web.size + wire.dispatcher.size
        if number != 200:
            return Received(body, body, http=number, http_headers=headers, event=event)
        if len(body) < size:
            raise Departure(
                f"a body of both headers, {size} octets or more",
                f"{len(body)} octets",
                event=event,
                field="length",
            )
        fields = unpacked(self._profile, "web", body)
        fields["web_session_key"] = fields.pop("session_key")
        fields |= unpacked(self._profile, "dispatcher", body, wire.web.size)
        total = wire.web.size + fields["length"]
        if not size <= total <= len(body):
            raise Departure(
                f"a length of {len(body) - wire.web.size}",
                f"length {fields['length']}",
                event=event,
                offset=wire.web.size + wire.dispatcher.integer("length").offset,
                field="length",
            )
        self._held += body[total:]
        return Received(body[:total], body[size:total], fields, size, number, headers, event)

    def _note(self, what: What, octets: bytes = b"", text: str = "") -> int:
        return self._transcript.add(self._number, self._place, what, octets, text)


def _file_size(message: bytes) -> int:
    """The octets of the file that follow the reply to F (CAT-06)."""
    if not message.startswith(b"Z<"):
        return 0
    try:
        found = parse(message)
        if found["REQ"].value.scalar == "F" and found["ERROR"].value.scalar == "0":
            return int(found["FSIZE"].value.scalar)
    except (MetadataError, KeyError, ValueError):
        pass
    return 0
