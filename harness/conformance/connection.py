"""A connection of a script: sends what it is given, reads one reply at a time, and judges it."""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from math import inf
from typing import Any

from starwire.grammar import MetadataError, parse
from starwire.protocol.endpoints import spoken_at
from starwire.protocol.profile import Profile

from ..transcript import Draft, Received, unpacked
from .bare import BareMessages
from .expecting import Ending, Expectation, Outcome, ending
from .posting import post
from .result import What
from .sealed import LinkKeys, SealedLine, SealError, link_key
from .transcribing import Transcript
from .wire import Incoming, Line, Reset, Silent, Wire, read_until

_MOST_FRAMES = 4
"""A response of HTTP may have as many octets as this many of the longest frames."""
_PIECE = 1 << 16
_SHOWN = 80
"""Characters of what is no HTTP."""


class Departure(Exception):
    """The target does something else than the rule says."""

    def __init__(
        self, expected: str, got: str, *, event: int = -1, offset: int = -1, field: str = ""
    ) -> None:
        super().__init__(f"expected {expected}; got {got}")
        self.expected = expected
        self.got = got
        self.event = event
        self.offset = offset
        self.field = field


class Asker:
    """What a connection belongs to: the wire under it, and where its transcript goes."""

    def __init__(
        self, wire: Wire, profile: Profile, patience: float, keys: LinkKeys | None = None
    ) -> None:
        self.wire = wire
        self.profile = profile
        self.keys = keys
        """Of the links that are sealed (ENC-01)."""
        self.patience = patience
        """How many seconds a reply may take."""
        self.until = inf
        """When, by the wire's clock, everything must have ended."""
        self.transcript = Transcript(wire.now)

    def not_strict(self, why: str) -> None:
        """It is allowed, and not what the rule prefers."""


class Connection:
    """Octets out, replies in."""

    def __init__(self, peer: Asker, place: str, number: int, *, source: str = "") -> None:
        self._peer = peer
        self._place = place
        self._number = number
        self._spoken = spoken_at(place)
        self._in = BareMessages()
        self._held = self._in.held
        self._is_open = True
        self._note("connected", text=f"from {source}" if source else "")
        self._line: Line = self._sealed(peer.wire.connect(place, source))
        self._incoming = Incoming(self._line, peer.wire.now)

    def _sealed(self, line: Line) -> Line:
        key = link_key(self._peer.keys, self._place)
        if not key:
            return line
        try:
            return SealedLine(
                line, key, self._peer.profile, self._peer.wire.now, self._peer.patience
            )
        except (Silent, Reset):
            line.close()
            raise Departure("a greeting of 32 octets (ENC-01)", "none") from None

    # Out.

    def send(self, what: Draft | bytes, *, cuts: Iterable[int] = ()) -> None:
        """Send a request, in pieces if there are cuts (offsets within it)."""
        octets = what.octets if isinstance(what, Draft) else what
        self._note("sent", octets, f"cut at {', '.join(map(str, cuts))}" if cuts else "")
        if self._spoken == "web":
            octets = post(self._peer.profile, octets)
        places = [0, *cuts, len(octets)]
        for start, end in pairwise(places):
            self._write(octets[start:end])
            if end != len(octets):
                self._peer.wire.pass_time(0.0 if self._peer.wire.is_virtual else 0.002)

    def send_http(self, octets: bytes) -> None:
        """Send what stands for a whole request of HTTP."""
        self._note("sent", octets)
        self._write(octets)

    def _write(self, octets: bytes) -> None:
        with suppress(Reset, Silent):  # the reading of the reply will find them
            self._line.write(octets)

    def half_close(self) -> None:
        """Send nothing more, and go on reading."""
        self._note("note", text="the sending side is closed")
        self._line.half_close()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._line.close()

    def abort(self) -> None:
        """Close with a reset."""
        if self._is_open:
            self._is_open = False
            self._note("note", text="reset by the tester")
            self._line.abort()

    # In.

    def expect(self, *expected: Expectation, within: float = 0.0) -> Received:
        """The next reply, which must be all of this. Raises Departure; an ending that is expected
        gives an empty Received."""
        outcome = self.outcome(within)
        for expectation in expected:
            self.judge(expectation, outcome)
        if isinstance(outcome, Ending):
            if not expected:
                raise Departure("a reply", str(outcome), event=outcome.event)
            return Received(b"", b"")
        return outcome

    def expect_end(self, within: float = 0.0) -> None:
        """The other side closes the connection, and sends nothing before."""
        self.expect(ending("closed", "reset"), within=within)

    def expect_silence(self, seconds: float) -> None:
        """Nothing comes for so long, and the connection stays."""
        self.expect(ending("silent"), within=seconds)

    def judge(self, expectation: Expectation, outcome: Outcome) -> None:
        """Raises Departure unless the outcome is as expected."""
        mismatch = expectation.judge(outcome)
        if mismatch is None:
            return
        for other, why in expectation.tolerated:
            if other.judge(outcome) is None:
                self._peer.not_strict(why)
                return
        raise Departure(
            mismatch.expected,
            mismatch.got,
            event=outcome.event,
            offset=mismatch.offset,
            field=mismatch.field,
        )

    def outcome(self, within: float = 0.0) -> Outcome:
        """The next reply, or what came in its place within so many seconds."""
        until = self._peer.wire.now() + (within or self._peer.patience)
        until = min(until, self._peer.until)
        try:
            if self._spoken == "web" and not self._held:
                return self._response(until)
            return self._whole(until)
        except Silent:
            return self._ending("silent")
        except Reset:
            return self._ending("reset")
        except EOFError:
            return self._ending("closed")
        except SealError as error:
            octets = bytes(self._held)
            event = self._note("received", octets, str(error))
            raise Departure("a record of this link (ENC-01)", str(error), event=event) from None

    def _ending(self, kind: Any) -> Ending:
        octets = self._in.take(len(self._held))
        return Ending(kind, octets, self._note(kind, octets))

    def _fill(self, until: float) -> None:
        """Some more octets. EOFError at the end, Silent behind the time, come what may."""
        octets = read_until(self._line, self._peer.wire.now, until)
        if not octets:
            raise EOFError
        self._held += octets

    def _whole(self, until: float) -> Received:
        if self._spoken == "native":
            return self._bare(until)
        return self._frame("common" if self._spoken == "common" else "dispatcher", until)

    def _frame(self, name: str, until: float) -> Received:
        codec = getattr(self._peer.profile.wire, name)
        length = codec.integer("length")
        while len(self._held) < length.end:
            self._fill(until)
        total = length.read(self._held, 0)
        most = self._peer.profile.frame_octets
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
        fields = unpacked(self._peer.profile, name, octets)
        return Received(octets, octets[codec.size :], fields, codec.size, event=event)

    def _bare(self, until: float) -> Received:
        limits = self._peer.profile.limits
        while not (end := self._in.end()):
            self._limit(len(self._held), limits.octets, "a message")
            self._fill(until)
        total = end + _file_size(bytes(self._held[:end]))
        self._limit(total, self._peer.profile.frame_octets, "a file")
        while len(self._held) < total:
            self._fill(until)
        octets = self._in.take(total)
        return Received(octets, octets, event=self._note("received", octets))

    def _limit(self, count: int, most: int, what: str) -> None:
        if count > most:
            octets = bytes(self._held)
            event = self._note("received", octets)
            raise Departure(f"{what} of {most} octets at most", f"{count} octets", event=event)

    # HTTP.

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
        most = self._peer.profile.frame_octets * _MOST_FRAMES
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
        wire = self._peer.profile.wire
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
        fields = unpacked(self._peer.profile, "web", body)
        fields["web_session_key"] = fields.pop("session_key")
        fields |= unpacked(self._peer.profile, "dispatcher", body, wire.web.size)
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
        return self._peer.transcript.add(self._number, self._place, what, octets, text)


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
