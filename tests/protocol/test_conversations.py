"""Recorded events read again: units, and requests with their replies."""

import msgspec
import pytest

from starwire.protocol.conversations import Conversations, Exchange, Exchanges
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader
from starwire.protocol.profile import shipped
from starwire.protocol.recording import (
    Closed,
    Event,
    Header,
    Octets,
    Opened,
    RecordingError,
    Request,
    Response,
    Segment,
    Sender,
)

PROFILE = shipped("little")
WIRE = PROFILE.wire


def header(run: str = "r") -> Header:
    return Header(
        format=1,
        starwire="0.1.0",
        source="a test",
        run=run,
        part=1,
        started="2026-11-20T00:00:00Z",
        origin=0,
        host={},
        profile=msgspec.to_builtins(PROFILE),
    )


def common(serial: int, data: bytes, *, type: int = 0, status: int = 0) -> bytes:
    return WIRE.common.frame(CommonHeader(1, type=type, serial=serial, status=status), data)


def segment(sender: Sender, octets: bytes, at: int, *, hop: str = "rm", c: str = "c-1") -> Segment:
    return Segment(at, hop, c, sender, Octets(octets), transaction="t")


def read(*events: Event) -> list[Exchange]:
    exchanges = Exchanges()
    told = [one for event in (header(), *events) for one in exchanges.read(event)]
    return [*told, *exchanges.finish(99)]


def brief(exchange: Exchange) -> tuple[bytes | None, bytes | None, int, int]:
    request, reply = exchange.request, exchange.reply
    return (
        request.data if request else None,
        reply.data if reply else None,
        exchange.asked_at,
        exchange.answered_at,
    )


def test_replies_are_matched_by_serial_where_there_is_one() -> None:
    told = read(
        Opened(0, "rm", "c-1", "p", "o"),
        segment("client", common(1, b"A<>") + common(2, b"B<>"), 1),
        segment("server", common(2, b"b<>"), 2),
        segment("server", common(1, b"a<>"), 3),
    )
    assert [brief(one) for one in told] == [(b"B<>", b"b<>", 1, 2), (b"A<>", b"a<>", 1, 3)]
    assert {(one.hop, one.connection, one.transaction, one.last) for one in told} == {
        ("rm", "c-1", "t", True)
    }


def test_replies_are_matched_by_order_where_there_is_none() -> None:
    dispatcher = [
        WIRE.dispatcher.frame(DispatcherHeader(1, target="RM"), data) for data in (b"A<>", b"a<>")
    ]
    told = read(
        segment("client", dispatcher[0][:20], 1, hop="dispatcher"),
        segment("client", dispatcher[0][20:], 2, hop="dispatcher"),
        segment("server", dispatcher[1], 3, hop="dispatcher"),
        segment("client", b"X<>Y<>", 4, hop="rm-native", c="c-2"),
        segment("server", b"x<>\r\ny<>", 5, hop="rm-native", c="c-2"),
    )
    assert [brief(one) for one in told] == [
        (b"A<>", b"a<>", 2, 3),
        (b"X<>", b"x<>", 4, 5),
        (b"Y<>", b"y<>", 4, 5),
    ]


def test_a_transfer_has_an_exchange_for_each_of_its_frames() -> None:
    def bulk(operation: int, status: int) -> bytes:
        data = WIRE.bulk.encode(BulkHeader(operation, 9, 0, 5)) + b"12345"
        return common(4, data, type=3, status=status)

    told = read(
        segment("client", bulk(0, 0), 1),
        segment("server", bulk(1, 3) + bulk(1, 3)[:30], 2),
        segment("server", bulk(1, 3)[30:], 3),
        segment("server", bulk(2, 4), 4),
        segment("server", bulk(2, 4), 5),
    )
    assert [one.last for one in told] == [False, False, True, True]
    assert [one.answered_at for one in told] == [2, 3, 4, 5]
    assert [one.request is not None for one in told] == [True, True, True, False]


def test_what_is_unanswered_is_told_when_the_connection_closes_or_the_recording_ends() -> None:
    told = read(
        segment("client", common(1, b"A<>"), 1),
        segment("client", common(1, b"B<>"), 2, c="c-2"),
        Closed(3, "rm", "c-1", "client", "closed"),
    )
    assert [brief(one) for one in told] == [(b"A<>", None, 1, 3), (b"B<>", None, 2, 99)]


def test_a_reply_to_nothing_is_told_too() -> None:
    told = read(
        segment("client", b"\x07", 1),
        segment("server", common(0, b"", status=101), 2),
    )
    assert [brief(one) for one in told] == [(None, b"", 2, 2)]


def test_octets_that_nobody_read_are_no_request() -> None:
    unread = msgspec.structs.replace(segment("client", common(1, b"A<>"), 1), unread=True)
    assert read(unread) == []


def web(octets: bytes, at: int) -> Request:
    return Request(at, "web", "c-1", "POST", "/nmci", (), Octets(octets), transaction="t")


BODY = (
    b"\x01"
    + b"\x00" * 16
    + WIRE.dispatcher.frame(DispatcherHeader(1, target="RM"), b"GPL<PL_LANG>")
)


def test_bodies_are_read_each_for_itself() -> None:
    refused = Response(2, "web", "c-1", 400, (), Octets(b"the body is shorter\n"))
    told = read(
        web(BODY[:-1], 1),
        refused,
        web(BODY, 3),
        Response(4, "web", "c-1", 200, (), Octets(BODY[:30]), more=True),
        Segment(5, "web", "c-1", "server", Octets(BODY[30:])),
        web(BODY, 6),
        Response(7, "web", "c-1", 503, (), Octets(b"no dispatcher can be reached\n")),
    )
    assert [(*brief(one), one.http) for one in told] == [
        (b"GPL<PL_LANG>", b"GPL<PL_LANG>", 3, 5, 200),
        (b"GPL<PL_LANG>", None, 6, 7, 503),
    ]


def test_why_octets_are_no_units_is_told_once() -> None:
    conversations = Conversations()
    conversations.read(header())
    said = conversations.read(segment("client", common(1, b"A<>") + b"\x02", 1))
    assert [unit.data for unit in said.units] == [b"A<>"]
    assert said.problem == "101: version 2 is not 1, in the frame at octet 31"
    assert conversations.read(segment("client", b"\x02", 2)).problem == ""
    assert conversations.read(segment("client", b"GP", 3, c="c-2", hop="jar")).waiting == 2


def test_another_run_begins_anew_and_another_part_does_not() -> None:
    octets = common(1, b"A<>")
    for run, units in (("r", 1), ("s", 0)):
        conversations = Conversations()
        conversations.read(header("r"))
        conversations.read(segment("client", octets[:9], 1))
        conversations.read(header(run))
        assert len(conversations.read(segment("client", octets[9:], 2)).units) == units


def test_a_profile_that_cannot_be_is_named() -> None:
    wrong = msgspec.structs.replace(header(), profile={**header().profile, "version": "one"})
    with pytest.raises(RecordingError, match=r"^line 1: profile\.version: must be an integer$"):
        Conversations().read(wrong)
