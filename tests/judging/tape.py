"""Recordings made by hand, event by event, and what the judge says of them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from starwire.harness.judging.judge import Finding, Judge
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import Profile, shipped
from starwire.protocol.recording import (
    Closed,
    End,
    Ended,
    Event,
    Header,
    Octets,
    Opened,
    Request,
    Response,
    Segment,
)

KEY = "0123456789abcdef0123456789abcdef"
GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
SRTL = b"SRTL<ERROR=0,REPORTS=<Voice=<Call Detail,2,R>>>"
MILLISECOND = 1000
SECOND = 1_000_000


def header(profile: Profile, run: str = "aaaaaaaa", part: int = 1) -> Header:
    return Header(
        1,
        "0",
        "test",
        run,
        part,
        "2026-11-21T00:00:00.000000Z",
        0,
        {},
        msgspec.to_builtins(profile),
    )


class Tape:
    """A recording that is being made. Each event comes a millisecond after the one before."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile or shipped("default")
        self.wire = self.profile.wire
        self.events: list[Event] = [header(self.profile)]
        self.at = 0
        self._count = 0

    def note(self, kind: Any, *place: Any, **facts: Any) -> None:
        self.at += MILLISECOND
        self.events.append(kind(self.at, *place, **facts))

    def wait(self, seconds: float) -> None:
        self.at += int(seconds * SECOND)

    def open(self, hop: str, transaction: str = "", **facts: Any) -> "Line":
        self._count += 1
        line = Line(self, hop, f"aaaaaaaa-{self._count}", transaction)
        self.note(Opened, hop, line.connection, peer="p", own="o", **facts)
        return line

    # Octets, always made by the profile's codecs from what a test says.

    def common(self, data: bytes = b"", **fields: Any) -> bytes:
        given = {"version": 1, "session_key": KEY, "serial": 7, **fields}
        return self.wire.common.frame(CommonHeader(**given), data)

    def dispatcher(self, data: bytes = b"", **fields: Any) -> bytes:
        given = {"version": 1, "target": "RM", **fields}
        return self.wire.dispatcher.frame(DispatcherHeader(**given), data)

    def web(self, frame: bytes, transaction: int = 1, key: str = KEY) -> bytes:
        return self.wire.web.encode(WebHeader(transaction, key)) + frame

    def bulk(self, payload: bytes = b"", **fields: Any) -> bytes:
        return self.wire.bulk.encode(BulkHeader(**{"operation": 0, **fields})) + payload

    def native(self, question: bytes, answer: bytes, hop: str = "rm-native") -> None:
        """A message and its answer on a native port."""
        line = self.open(hop)
        line.asks(question)
        line.says(answer)
        line.done()


class Line:
    """A connection of a tape."""

    def __init__(self, tape: Tape, hop: str, connection: str, transaction: str) -> None:
        self.tape = tape
        self.hop = hop
        self.connection = connection
        self.transaction = transaction

    def _piece(self, sender: str, octets: bytes, **facts: Any) -> None:
        facts = {"transaction": self.transaction, **facts}
        place = (self.hop, self.connection, sender, Octets(octets))
        self.tape.note(Segment, *place, **facts)

    def asks(self, octets: bytes, **facts: Any) -> None:
        self._piece("client", octets, **facts)

    def says(self, octets: bytes, **facts: Any) -> None:
        self._piece("server", octets, **facts)

    def posts(self, octets: bytes, **facts: Any) -> None:
        given = {"method": "POST", "path": "/nmci", "headers": (), **facts}
        given = {"transaction": self.transaction, **given}
        self.tape.note(Request, self.hop, self.connection, octets=Octets(octets), **given)

    def responds(self, octets: bytes, **facts: Any) -> None:
        given = {"status": 200, "headers": (), **facts}
        given = {"transaction": self.transaction, **given}
        self.tape.note(Response, self.hop, self.connection, octets=Octets(octets), **given)

    def ends(self, sender: str) -> None:
        self.tape.note(Ended, self.hop, self.connection, sender=sender)

    def closes(self, by: str = "client", reason: str = "closed") -> None:
        self.tape.note(Closed, self.hop, self.connection, by=by, reason=reason)

    def done(self) -> None:
        """The client ends, and so does the server."""
        self.ends("client")
        self.ends("server")
        self.closes()

    def closed_by_server(self) -> None:
        self.ends("server")
        self.ends("client")
        self.closes("server")


def judged(events: list[Event], **options: Any) -> tuple[list[Finding], Judge]:
    judge = Judge(**options)
    found = [
        finding
        for number, event in enumerate(events, 1)
        for finding in judge.take(event, "tape", number)
    ]
    return found, judge


def ended(tape: Tape) -> Iterator[Event]:
    yield from tape.events
    yield End(tape.at + 1, "stopped")
