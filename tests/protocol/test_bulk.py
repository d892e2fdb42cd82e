"""Bulk transfers: requests, the frames of a run, and a receiver that believes nothing (TRN-03)."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starwire.protocol.bulk import (
    BadBulk,
    BulkError,
    Cancel,
    Cancelled,
    Declined,
    Ended,
    Open,
    Payload,
    Receiving,
    Resume,
    Sending,
    cancelled_frame,
    declined_frame,
    is_last,
    read_request,
    request_data,
)
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader
from starwire.protocol.profile import Profile, shipped

KEY = "0123456789abcdef"
FIVE = b"44,30"
FIVE_SHA = bytes.fromhex("5fb59fdfbd1f483d5944ee08a6939c490ea4c6bd0a30169d29001c717e95ee96")
HEADERS: dict[str, Any] = {
    "common": CommonHeader(1, session_key=KEY, type=3, serial=7),
    "dispatcher": DispatcherHeader(1, target="INBOX", type=3, session_key=KEY),
}


@pytest.fixture(params=HEADERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Wire:
    """One run over one kind of header."""

    def __init__(self, profile: Profile, kind: str, chunk: int = 4) -> None:
        self.profile = profile
        self.codec = getattr(profile.wire, kind)
        self.bulk = profile.wire.bulk
        self.request = HEADERS[kind]
        self.chunk = chunk

    def sending(self, total: int, offset: int = 0, transfer: int = 9) -> Sending[Any]:
        return Sending(
            self.codec,
            self.bulk,
            self.request,
            chunk=self.chunk,
            transfer=transfer,
            total=total,
            offset=offset,
        )

    def receiving(self, **given: Any) -> Receiving:
        return Receiving(self.bulk, chunk=self.chunk, **given)

    def read(self, octets: bytes) -> Frame[Any]:
        reader: FrameReader[Any] = FrameReader(self.codec, self.profile)
        reader.feed(octets)
        frame = reader.next_frame()
        assert frame is not NEED_DATA
        assert frame.octets == octets
        return frame

    def frame(self, status: int, *header: int, payload: bytes = b"", type: int = 3) -> Frame[Any]:
        """A frame of a server that may say anything."""
        reply = msgspec.structs.replace(self.request.reply(status), type=type)
        data = self.bulk.encode(BulkHeader(*header)) if header else b""
        return self.read(self.codec.frame(reply, data + payload))


def frames_of(sending: Sending[Any], blocks: list[bytes], digest: bytes) -> list[bytes]:
    frames = []
    for block in blocks:
        sending.feed(block)
        while (frame := sending.next_frame()) is not NEED_DATA:
            frames.append(frame)
    return [*frames, sending.end(digest)]


@pytest.fixture
def wire(profile: Profile, kind: str) -> Wire:
    return Wire(profile, kind)


# ------------------------------------------------------------------------------ what a client asks

OPEN = b"\x00" + b"\0" * 24 + b"F<INBOXID=42>"
RESUME = {
    "default": b"\x05" + b"\0\0\0\0\0\0\0\x09" + b"\0\0\0\0\0\x01\0\0" + b"\0" * 8,
    "little": b"\x05" + b"\x09\0\0\0\0\0\0\0" + b"\0\0\x01\0\0\0\0\0" + b"\0" * 8,
}


def test_literal_requests(profile: Profile) -> None:
    bulk = profile.wire.bulk
    cancel = b"\x03" + RESUME[profile.name][1:9] + b"\0" * 16
    for octets, asked in (
        (OPEN, Open(b"F<INBOXID=42>")),
        (RESUME[profile.name], Resume(9, 65_536)),
        (cancel, Cancel(9)),
    ):
        assert read_request(bulk, octets) == asked
        assert request_data(bulk, asked) == octets


def test_what_an_operation_has_no_use_for_is_not_looked_at(profile: Profile) -> None:
    bulk = profile.wire.bulk
    assert read_request(bulk, b"\x00" + b"\xff" * 24 + b"L<>") == Open(b"L<>")
    assert read_request(bulk, RESUME[profile.name] + b"more") == Resume(9, 65_536)
    assert read_request(bulk, b"\x03" + b"\xff" * 24) == Cancel(2**64 - 1)


@pytest.mark.parametrize("operation", [1, 2, 4, 6, 255])
def test_another_operation_is_bad(profile: Profile, operation: int) -> None:
    with pytest.raises(BadBulk, match=f"operation {operation} is no client's"):
        read_request(profile.wire.bulk, bytes([operation]) + b"\0" * 24)


@pytest.mark.parametrize("length", [0, 1, 24])
def test_less_than_a_bulk_header_is_bad(profile: Profile, length: int) -> None:
    with pytest.raises(BadBulk, match=f"{length} octets, the bulk header has 25"):
        read_request(profile.wire.bulk, b"\0" * length)


# ------------------------------------------------------------------------------ the frames of a run


def test_the_worked_example() -> None:
    """docs/protocol.md, A bulk transfer."""
    profile = shipped("default")
    header = CommonHeader(1, session_key=KEY * 2, type=3, serial=4716)
    sending = Sending(
        profile.wire.common, profile.wire.bulk, header, chunk=65_536, transfer=9, total=5
    )
    data, end = frames_of(sending, [FIVE], FIVE_SHA)
    beginning = b"\x01\x00\x00\x00%c\x00" + KEY.encode() * 2 + b"\x03\0\0\0\0\0\0\x12\x6c\0"
    nine, five = b"\0\0\0\0\0\0\0\x09", b"\0\0\0\0\0\0\0\x05"
    assert data == beginning % 79 + b"\x03\x01" + nine + b"\0" * 8 + five + FIVE
    assert end == beginning % 106 + b"\x04\x02" + nine + five + five + FIVE_SHA


def test_an_empty_source_has_the_end_only(wire: Wire) -> None:
    sending = wire.sending(0)
    sending.feed(b"")
    assert sending.next_frame() is NEED_DATA
    assert wire.read(sending.end(bytes(32))).header.status == 4


def test_a_frame_that_breaks_the_sequence_is_not_made(wire: Wire) -> None:
    with pytest.raises(ValueError, match="offset 6 is not within 5 octets"):
        wire.sending(5, 6)
    sending = wire.sending(5)
    with pytest.raises(ValueError, match="6 octets at 0 of 5"):
        sending.feed(b"123456")
    sending.feed(b"1234")
    with pytest.raises(ValueError, match="the octets before are not all sent"):
        sending.feed(b"5")
    sending.next_frame()
    with pytest.raises(ValueError, match="an end at 4 of 5"):
        sending.end(bytes(32))
    sending.cancelled()
    assert sending.over
    with pytest.raises(ValueError, match="1 octets at 4 of 5"):
        sending.feed(b"5")
    for end in (sending.cancelled, lambda: sending.declined(b"Z<>")):
        with pytest.raises(ValueError, match="the run is over"):
            end()


def test_a_cancelled_frame_tells_how_far_the_run_came_and_drops_the_rest(wire: Wire) -> None:
    sending = wire.sending(20, 3)
    sending.feed(b"123456")
    sending.next_frame()
    frame = wire.read(sending.cancelled())
    assert frame.header.status == 5
    assert wire.bulk.decode(frame.data) == BulkHeader(4, 9, 7, 20)
    assert len(frame.data) == 25
    assert sending.next_frame() is NEED_DATA
    assert frame.octets == cancelled_frame(wire.codec, wire.bulk, wire.request, 9, 7, 20)


def test_a_message_in_error_has_one_frame_without_a_transfer(wire: Wire) -> None:
    frame = wire.read(declined_frame(wire.codec, wire.bulk, wire.request, b"Z<REQ=F,ERROR=5100>"))
    assert frame.header.status == 100
    assert wire.bulk.decode(frame.data) == BulkHeader(2, 0, 0, 0)
    assert wire.receiving().take(frame) == Declined(100, b"Z<REQ=F,ERROR=5100>")


# -------------------------------------------------------------------------- a run, at both its ends


@given(data=st.data())
def test_whatever_is_sent_is_received_however_it_is_cut(data: st.DataObject) -> None:
    profile = shipped(data.draw(st.sampled_from(["default", "little"])))
    wire = Wire(profile, data.draw(st.sampled_from(sorted(HEADERS))), data.draw(st.integers(1, 40)))
    source = data.draw(st.binary(max_size=200))
    offset = data.draw(st.integers(0, len(source)))
    cuts = sorted(data.draw(st.lists(st.integers(offset, len(source)), max_size=5)))
    blocks = [source[a:b] for a, b in zip([offset, *cuts], [*cuts, len(source)], strict=True)]
    digest = hashlib.sha256(source).digest()
    sent = frames_of(wire.sending(len(source), offset), blocks, digest)

    reader: FrameReader[Any] = FrameReader(wire.codec, profile)
    receiving = wire.receiving(
        transfer=9 if offset else 0, offset=offset, hashed=hashlib.sha256(source[:offset])
    )
    came, stream, width = [], b"".join(sent), data.draw(st.integers(1, 300))
    for start in range(0, len(stream), width):
        reader.feed(stream[start : start + width])
        while (frame := reader.next_frame()) is not NEED_DATA:
            assert frame.header.length == len(frame.octets)
            assert is_last(frame.header.status) == (frame.octets == sent[-1])
            came.append(receiving.take(frame))
    *payloads, end = came
    assert all(isinstance(one, Payload) for one in payloads)
    assert b"".join(one.octets for one in payloads) == source[offset:]
    assert end == Ended(digest, True)
    assert (receiving.transfer, receiving.total, receiving.over) == (9, len(source), True)


def test_without_the_octets_before_the_digest_is_told_and_not_verified(wire: Wire) -> None:
    (*_, end) = frames_of(wire.sending(8, 4), [b"5678"], FIVE_SHA)
    receiving = wire.receiving(transfer=9, offset=4)
    receiving.take(wire.frame(3, 1, 9, 4, 8, payload=b"5678"))
    assert receiving.take(wire.read(end)) == Ended(FIVE_SHA, False)


def test_a_run_that_is_cancelled(wire: Wire) -> None:
    receiving = wire.receiving()
    receiving.take(wire.frame(3, 1, 9, 0, 8, payload=b"1234"))
    assert receiving.take(wire.frame(5, 4, 9, 4, 8)) == Cancelled()
    assert (receiving.over, receiving.offset) == (True, 4)


@pytest.mark.parametrize("status", [101, 103, 105, 106, 107, 108, 109, 110, 111, 0, 1, 2, 6, 200])
def test_a_status_without_a_run_is_told_as_it_came(wire: Wire, status: int) -> None:
    receiving = wire.receiving()
    assert receiving.take(wire.frame(status)) == Declined(status, b"")
    assert receiving.over


def test_a_run_may_end_in_a_refusal(wire: Wire) -> None:
    receiving = wire.receiving()
    receiving.take(wire.frame(3, 1, 9, 0, 8, payload=b"1234"))
    assert receiving.take(wire.frame(106)) == Declined(106, b"")


@pytest.mark.parametrize(
    ("status", "header", "payload", "reason"),
    [
        (3, (1, 0, 4, 8), b"5678", "transfer 0"),
        (3, (1, 8, 4, 8), b"5678", "transfer 8 in place of 9"),
        (3, (1, 9, 4, 9), b"5678", "a total of 9 in place of 8"),
        (3, (1, 9, 5, 8), b"678", "offset 5 in place of 4"),
        (3, (1, 9, 0, 8), b"1234", "offset 0 in place of 4"),
        (3, (1, 9, 4, 8), b"", "0 octets in a data frame, 1 to 4 are allowed"),
        (3, (1, 9, 4, 8), b"56789", "5 octets in a data frame, 1 to 4 are allowed"),
        (3, (2, 9, 4, 8), b"5678", "operation 2 under status 3"),
        (4, (1, 9, 8, 8), FIVE_SHA, "operation 1 under status 4"),
        (4, (2, 9, 4, 8), FIVE_SHA, "an end at 4 of 8"),
        (4, (2, 9, 8, 8), FIVE_SHA, "offset 8 in place of 4"),
        (5, (4, 9, 8, 8), b"", "offset 8 in place of 4"),
        (5, (4, 9, 4, 8), b"!", "1 octets behind a cancelled frame's header"),
        (5, (3, 9, 4, 8), b"", "operation 3 under status 5"),
        (100, (2, 9, 0, 0), b"Z<>", "a message in error has no transfer, offset or total"),
        (100, (), b"Z<>", "status 100 without a bulk header"),
        (3, (), b"\1" * 24, "status 3 without a bulk header"),
    ],
)
def test_a_frame_that_breaks_the_run_is_an_error_for_ever(
    wire: Wire, status: int, header: tuple[int, ...], payload: bytes, reason: str
) -> None:
    receiving = wire.receiving()
    receiving.take(wire.frame(3, 1, 9, 0, 8, payload=b"1234"))
    for frame in (
        wire.frame(status, *header, payload=payload),
        wire.frame(3, 1, 9, 4, 8, payload=b"5678"),
    ):
        with pytest.raises(BulkError) as raised:
            receiving.take(frame)
        assert str(raised.value) == reason
    assert receiving.over


@pytest.mark.parametrize(
    ("status", "header", "payload", "reason"),
    [
        (3, (1, 9, 0, 2), b"123", "3 octets at 0 of 2"),
        (4, (2, 9, 0, 0), FIVE_SHA, "the SHA-256 of the whole is not that of what came"),
        (4, (2, 9, 0, 0), b"short", "a digest of 5 octets"),
        (4, (2, 9, 0, 5), FIVE_SHA, "an end at 0 of 5"),
    ],
)
def test_a_first_frame_that_is_wrong(
    wire: Wire, status: int, header: tuple[int, ...], payload: bytes, reason: str
) -> None:
    with pytest.raises(BulkError) as raised:
        wire.receiving().take(wire.frame(status, *header, payload=payload))
    assert str(raised.value) == reason


def test_a_total_below_the_offset_that_was_asked_for(wire: Wire) -> None:
    with pytest.raises(BulkError, match="offset 4 beyond the total of 3"):
        wire.receiving(transfer=9, offset=4).take(wire.frame(5, 4, 9, 4, 3))


def test_nothing_comes_behind_the_last_frame(wire: Wire) -> None:
    receiving = wire.receiving()
    receiving.take(wire.frame(5, 4, 9, 0, 8))
    with pytest.raises(BulkError, match="a frame behind the last"):
        receiving.take(wire.frame(5, 4, 9, 0, 8))


def test_an_answer_of_another_type(wire: Wire) -> None:
    with pytest.raises(BulkError, match="type 0 in answer to type 3"):
        wire.receiving().take(wire.frame(3, 1, 9, 0, 4, payload=b"1234", type=0))
    assert wire.receiving().take(wire.frame(101, type=0)) == Declined(101, b"")


def test_a_digest_of_other_octets(wire: Wire) -> None:
    receiving = wire.receiving()
    receiving.take(wire.frame(3, 1, 9, 0, 4, payload=b"1234"))
    with pytest.raises(BulkError, match="the SHA-256 of the whole is not that of what came"):
        receiving.take(wire.frame(4, 2, 9, 4, 4, payload=FIVE_SHA))
