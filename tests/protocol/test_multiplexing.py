"""Many requests on one connection: each has one outcome, and it is its own (DSP-04). No socket."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import CommonHeader, mismatch_frame
from starwire.protocol.multiplexing import Lost, Multiplexer
from starwire.protocol.profile import shipped

PROFILE = shipped("little")
CODEC = PROFILE.wire.common
KEY = "0123456789abcdef"


def header(serial: int, **fields: Any) -> CommonHeader:
    return CommonHeader(1, **{"session_key": KEY, "serial": serial, **fields})


def reply(serial: int, data: bytes = b"", **fields: Any) -> Frame[CommonHeader]:
    """What a proxy sends, as its reader gives it."""
    return read(CODEC.frame(header(serial, **fields), data))


def read(octets: bytes) -> Frame[CommonHeader]:
    reader: FrameReader[CommonHeader] = FrameReader(CODEC, PROFILE)
    reader.feed(octets)
    frame = reader.next_frame()
    assert frame is not NEED_DATA
    return frame


@pytest.fixture
def three() -> Multiplexer[str]:
    """The requests 1, 2 and 3 of a, b and c, sent; due at 10, 11 and 12."""
    requests: Multiplexer[str] = Multiplexer(4)
    for serial, asker in enumerate("abc", 1):
        requests.ask(header(serial), b"frame %d" % serial, asker, 9.0 + serial)
    assert requests.take() == [b"frame 1", b"frame 2", b"frame 3"]
    return requests


def test_a_frame_is_taken_once(three: Multiplexer[str]) -> None:
    assert three.take() == []
    three.ask(header(4), b"frame 4", "d", 13)
    assert three.take() == [b"frame 4"]


def test_what_the_caller_sends_itself_is_sent(three: Multiplexer[str]) -> None:
    three.ask(header(4), b"frame 4", "d", 13, sent=True)
    assert three.take() == []
    assert three.lose("gone")[-1] == ("d", Lost("gone", sent=True, began=False))


def test_replies_in_any_order_go_to_whom_they_answer(three: Multiplexer[str]) -> None:
    for serial, asker in ((3, "c"), (1, "a"), (2, "b")):
        frame = reply(serial, b"said")
        assert three.answered(frame) == [(asker, frame)]
    assert len(three) == 0


def test_a_second_reply_is_nobody_s(three: Multiplexer[str]) -> None:
    three.answered(reply(2))
    assert three.answered(reply(2)) == []


@pytest.mark.parametrize("serial", [0, 4, 99])
def test_a_reply_that_nobody_asked_for_is_dropped(three: Multiplexer[str], serial: int) -> None:
    assert three.answered(reply(serial)) == []
    assert len(three) == 3


def test_a_reply_to_what_was_not_sent_is_dropped(three: Multiplexer[str]) -> None:
    three.ask(header(4), b"frame 4", "d", 13)
    assert three.answered(reply(4)) == []
    assert three.take() == [b"frame 4"]


@pytest.mark.parametrize("fields", [{"type": 1}, {"session_key": "other"}])
def test_a_reply_under_another_type_or_key_is_none(
    three: Multiplexer[str], fields: dict[str, Any]
) -> None:
    lost = Lost("the reply is another request's", sent=True, began=True)
    assert three.answered(reply(2, **fields)) == [("b", lost)]
    assert len(three) == 2


@pytest.mark.parametrize("status", [101, 102])
def test_a_mismatch_is_the_reply_to_all_that_were_sent_and_the_end(
    three: Multiplexer[str], status: int
) -> None:
    three.ask(header(4), b"frame 4", "d", 13)
    frame = read(mismatch_frame(CODEC, 1, status))
    assert three.answered(frame) == [("a", frame), ("b", frame), ("c", frame)]
    assert three.is_over
    assert not three.has_room
    assert three.lose("lost") == [("d", Lost("lost", sent=False, began=False))]


def test_there_is_room_for_so_many(three: Multiplexer[str]) -> None:
    assert three.has_room
    three.ask(header(4), b"", "d", 13)
    assert not three.has_room
    with pytest.raises(ValueError, match="4 requests are in flight"):
        three.ask(header(5), b"", "e", 14)
    three.answered(reply(1))
    assert three.has_room


def test_a_serial_is_in_flight_once(three: Multiplexer[str]) -> None:
    with pytest.raises(ValueError, match="serial 2 is in flight"):
        three.ask(header(2), b"", "e", 14)


def test_what_is_overdue_is_told_once_and_its_late_reply_dropped(three: Multiplexer[str]) -> None:
    assert three.overdue(9.9) == []
    assert three.overdue(11) == ["a", "b"]
    assert three.overdue(11) == []
    assert three.answered(reply(1)) == []
    assert three.lose("lost") == [("c", Lost("lost", sent=True, began=False))]


def test_whom_nobody_waits_for_is_forgotten(three: Multiplexer[str]) -> None:
    three.ask(header(4), b"frame 4", "d", 13)
    for serial in (2, 4, 7):
        three.forget(serial)
    assert three.take() == []
    assert three.answered(reply(2)) == []
    assert len(three) == 2


def test_a_lost_connection_tells_each_what_became_of_its_request(three: Multiplexer[str]) -> None:
    three.ask(header(4), b"frame 4", "d", 13)
    assert three.lose("gone", begun=header(2)) == [
        ("a", Lost("gone", sent=True, began=False)),
        ("b", Lost("gone", sent=True, began=True)),
        ("c", Lost("gone", sent=True, began=False)),
        ("d", Lost("gone", sent=False, began=False)),
    ]
    assert three.lose("gone") == []


@pytest.mark.parametrize("cut", [0, 1, CODEC.size - 1, CODEC.size, CODEC.size + 3])
def test_a_reader_tells_whose_reply_has_begun_once_its_header_is_in(cut: int) -> None:
    reader: FrameReader[CommonHeader] = FrameReader(CODEC, PROFILE)
    reader.feed(CODEC.frame(header(7), b"whole") + CODEC.frame(header(8), b"half")[:cut])
    while reader.next_frame() is not NEED_DATA:
        pass
    begun = reader.begun
    assert (begun.serial if begun else None) == (8 if cut >= CODEC.size else None)


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "take", "reply", "wait", "forget"]), st.integers(0, 11)),
    max_size=60,
)


@given(steps=STEPS)
def test_every_request_has_one_outcome(steps: list[tuple[str, int]]) -> None:
    requests: Multiplexer[int] = Multiplexer(5)
    outcomes: dict[int, list[str]] = {}
    sent: set[int] = set()
    asked, now = 0, 0.0
    for step, number in steps:
        if step == "ask" and requests.has_room:
            asked += 1
            outcomes[asked] = []
            requests.ask(header(asked), b"%d" % asked, asked, now + 3)
        elif step == "take":
            sent |= {int(frame) for frame in requests.take()}
        elif step == "reply":
            for asker, _ in requests.answered(reply(number)):
                outcomes[asker].append("replied")
                assert asker == number
                assert asker in sent
        elif step == "wait":
            now += number / 4
            for asker in requests.overdue(now):
                outcomes[asker].append("overdue")
        elif step == "forget" and number in outcomes and not outcomes[number]:
            requests.forget(number)
            outcomes[number].append("forgotten")
        assert len(requests) <= 5
    for asker, lost in requests.lose("end"):
        outcomes[asker].append("lost")
        assert lost.sent == (asker in sent)
    assert {len(told) for told in outcomes.values()} <= {1}
