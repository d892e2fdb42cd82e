"""A connection of a script: sends what it is given, reads one reply at a time, and judges it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any

from starwire.protocol.endpoints import spoken_at

from ..transcript import Draft, Received
from .asker import Asker, Departure
from .expecting import Ending, Expectation, Outcome, ending
from .posting import post
from .replies import Replies
from .result import What
from .sealed import SealedLine, link_key
from .wire import Line, Reset, Silent


class Connection:
    """Octets out, replies in."""

    def __init__(self, peer: Asker, place: str, number: int, *, source: str = "") -> None:
        self._peer = peer
        self._place = place
        self._number = number
        self._spoken = spoken_at(place)
        self._is_open = True
        self._note("connected", text=f"from {source}" if source else "")
        self._line: Line = self._sealed(peer.wire.connect(place, source))
        self._replies = Replies(peer, self._line, place, number)

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
            return self._replies.next(until)
        except Silent:
            return self._ending("silent")
        except Reset:
            return self._ending("reset")
        except EOFError:
            return self._ending("closed")

    def _ending(self, kind: Any) -> Ending:
        octets = self._replies.take()
        return Ending(kind, octets, self._note(kind, octets))

    def _note(self, what: What, octets: bytes = b"", text: str = "") -> int:
        return self._peer.transcript.add(self._number, self._place, what, octets, text)
