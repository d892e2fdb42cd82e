"""A run passed on by a dispatcher: cancels go the other way, and each gets its answer (TRN-03)."""

import hashlib
from typing import Any

import pytest
from support import at_once

from starwire.protocol.bulk import Cancel, Open, Resume, Sending, request_data
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import Profile, shipped
from starwire.servers.relay import ProxyRelay

KEY = "0123456789abcdef"
REQUEST = DispatcherHeader(1, target="INBOX", type=3, session_key=KEY)
SENT = CommonHeader(1, session_key=KEY, type=3, serial=7)


class Run:
    """A proxy that sends a source of 8 octets, 4 in a frame, and the relay of that."""

    own_address = "own:1"

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.wire = profile.wire
        self.sending = Sending(self.wire.common, self.wire.bulk, SENT, chunk=4, transfer=9, total=8)
        self.sending.feed(b"12345678")
        self.came: list[bytes] = []
        self.upward: list[bytes] = []
        self.closed = 0
        self.told: list[Any] = []
        self.relay = ProxyRelay(profile, self, REQUEST, SENT, self.told.append)

    async def next(self) -> Frame[CommonHeader]:
        return self.read(self.wire.common, self.came.pop(0))

    def send(self, octets: bytes) -> None:
        self.upward.append(octets)

    def close(self) -> None:
        self.closed += 1

    def read(self, codec: Any, octets: bytes) -> Frame[Any]:
        reader: FrameReader[Any] = FrameReader(codec, self.profile)
        reader.feed(octets)
        frame = reader.next_frame()
        assert frame is not NEED_DATA
        return frame

    def data(self) -> None:
        """The proxy sends a data frame."""
        frame = self.sending.next_frame()
        assert frame is not NEED_DATA
        self.came.append(frame)

    def status(self) -> int | None:
        """Of the frame that goes on; None when there is none."""
        octets = at_once(self.relay.next())
        if not octets:
            return None
        return int(self.read(self.wire.dispatcher, octets).header.status)

    def take(self, asked: Any, **fields: Any) -> bool:
        """A frame that comes while the run goes out."""
        given = {"target": "INBOX", "type": 3, "session_key": KEY, **fields}
        data = asked if isinstance(asked, bytes) else request_data(self.wire.bulk, asked)
        frame = self.wire.dispatcher.frame(DispatcherHeader(1, **given), data)
        return self.relay.take(self.read(self.wire.dispatcher, frame))

    def cancels(self) -> list[bytes]:
        """What a cancel looks like at the proxy: the serial is that of the run."""
        return [self.wire.common.frame(SENT, request_data(self.wire.bulk, Cancel(9)))]


@pytest.fixture(params=["default", "little"])
def run(request: pytest.FixtureRequest) -> Run:
    made = Run(shipped(request.param))
    made.data()
    assert made.status() == 3
    return made


def test_a_cancel_goes_to_the_proxy_and_one_cancelled_frame_comes_back(run: Run) -> None:
    assert run.take(Cancel(9))
    assert run.upward == run.cancels()
    run.data()
    run.came.append(run.sending.cancelled())
    assert [run.status() for _ in range(3)] == [3, 5, None]
    run.relay.close()
    assert run.closed == 1
    assert run.told == [{"out": "own:1", "status": 5, "transfer": 9}]


def test_a_cancel_that_crosses_the_end_has_an_answer_of_its_own(run: Run) -> None:
    run.take(Cancel(9))
    run.data()
    run.came.append(run.sending.end(hashlib.sha256(b"12345678").digest()))
    run.came.append(Run(run.profile).sending.cancelled())
    assert [run.status() for _ in range(2)] == [3, 4]
    assert not run.take(Cancel(9))
    assert [run.status() for _ in range(2)] == [5, None]
    assert not run.take(Cancel(9))


def test_without_a_cancel_the_end_is_the_last(run: Run) -> None:
    run.data()
    run.came.append(run.sending.end(hashlib.sha256(b"12345678").digest()))
    assert [run.status() for _ in range(3)] == [3, 4, None]


def test_a_resume_ends_the_run_and_waits_itself(run: Run) -> None:
    assert not run.take(Resume(9, 8))
    assert run.upward == run.cancels()
    run.data()
    run.came.append(run.sending.end(hashlib.sha256(b"12345678").digest()))
    assert [run.status() for _ in range(3)] == [3, 4, None]


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (Cancel(8), {}),
        (Cancel(9), {"target": "RM"}),
        (Cancel(9), {"session_key": "fedcba9876543210"}),
        (Cancel(9), {"type": 0}),
        (Resume(9, 9), {}),
        (Resume(8, 0), {}),
        (Open(b"F<INBOXID=1>"), {}),
        (b"", {}),
        (b"\x07" * 25, {}),
    ],
)
def test_anything_else_waits_and_is_not_passed_on(
    run: Run, asked: Any, fields: dict[str, Any]
) -> None:
    assert not run.take(asked, **fields)
    assert run.upward == []


def test_before_the_first_frame_no_transfer_is_known() -> None:
    run = Run(shipped("default"))
    assert not run.take(Cancel(9))


@pytest.mark.parametrize("change", [{"serial": 8}, {"session_key": "x"}, {"type": 0}])
def test_a_frame_of_another_request_is_none(run: Run, change: dict[str, Any]) -> None:
    given = {"session_key": KEY, "type": 3, "serial": 7, "status": 3, **change}
    run.came.append(run.wire.common.frame(CommonHeader(1, **given), b""))
    assert [run.status(), run.status()] == [106, None]
