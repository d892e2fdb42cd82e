"""The receiving end of a run on Twisted: octets go out no faster than they are taken (TRN-04)."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from starwire.harness.bulk import Fetched, Incoming, NotARun
from starwire.harness.failures import NotAReply
from starwire.harness.sealed import Outbound
from starwire.harness.twisted_bulk import BulkReceiver
from starwire.protocol.bulk import Ended, Open, Sending
from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped

PROFILE = shipped("default")
WIRE = PROFILE.wire
REQUEST = CommonHeader(1, type=3, serial=7)


def frames_of(octets: bytes) -> list[bytes]:
    """A run of four octets in each frame, the end behind them."""
    total = len(octets)
    sending = Sending(WIRE.common, WIRE.bulk, REQUEST, chunk=4, transfer=9, total=total)
    sending.feed(octets)
    frames: list[Any] = [sending.next_frame() for _ in range((total + 3) // 4)]
    return [*frames, sending.end(hashlib.sha256(octets).digest())]


class Connection:
    """A receiver, its transport, and who takes its octets."""

    def __init__(self, deliver: Callable[[memoryview], Any] | None = None) -> None:
        self.clock = Clock()
        self.calls: list[str] = []
        self.taken = b""
        self.room: Any = None
        incoming = Incoming(PROFILE, is_web=False, is_proxy=True, asked=Open(b""))
        self.receiver = BulkReceiver(self.clock, incoming, deliver or self.deliver, 10.0)
        self.receiver.outbound = Outbound(None, b"request")
        self.outcome: list[Any] = []
        self.receiver.done.addBoth(self.outcome.append)
        self.receiver.makeConnection(self)  # type: ignore[arg-type]

    def deliver(self, octets: memoryview) -> Any:
        self.taken += octets
        return self.room

    def write(self, octets: bytes) -> None:
        self.calls.append(octets.decode())

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append(name)


def test_a_run_is_handed_out_and_told() -> None:
    connection = Connection()
    stream = b"".join(frames_of(b"0123456789"))
    for place in range(len(stream)):
        connection.receiver.dataReceived(stream[place : place + 1])
    digest = hashlib.sha256(b"0123456789").digest()
    assert connection.outcome == [Fetched(9, 10, 10, Ended(digest, True))]
    assert connection.taken == b"0123456789"
    assert connection.calls == ["request", "loseConnection"]
    assert connection.clock.getDelayedCalls() == []


def test_while_there_is_no_room_nothing_is_read_and_no_time_runs() -> None:
    connection = Connection()
    room = connection.room = Deferred()
    connection.receiver.dataReceived(b"".join(frames_of(b"0123456789")))
    assert connection.taken == b"0123"
    assert connection.calls[-1] == "pauseProducing"
    connection.clock.advance(1000)
    assert connection.outcome == []
    connection.room = None
    room.callback(None)
    assert connection.taken == b"0123456789"
    assert connection.calls[-2:] == ["resumeProducing", "loseConnection"]
    assert isinstance(connection.outcome[0], Fetched)


def test_a_connection_that_is_lost_meanwhile_still_gives_what_it_brought() -> None:
    connection = Connection()
    room = connection.room = Deferred()
    *frames, _ = frames_of(b"0123456789")
    connection.receiver.dataReceived(b"".join(frames))
    connection.receiver.connectionLost()
    assert connection.outcome == []
    connection.room = None
    room.callback(None)
    assert connection.taken == b"0123456789"
    assert connection.outcome[0].check(NotAReply)


@pytest.mark.parametrize("later", [False, True])
def test_what_whoever_takes_them_raises_ends_the_run(later: bool) -> None:
    connection = Connection()
    connection.room = Deferred()
    if not later:
        connection.room.errback(ZeroDivisionError())
    connection.receiver.dataReceived(frames_of(b"0123456789")[0])
    if later:
        connection.room.errback(ZeroDivisionError())
    assert connection.outcome[0].check(ZeroDivisionError)
    assert connection.calls[-1] == "loseConnection"
    connection.receiver.dataReceived(b"more")
    connection.receiver.connectionLost()
    assert connection.taken == b"0123"
    assert connection.clock.getDelayedCalls() == []


def test_each_wait_has_its_time() -> None:
    connection = Connection()
    for frame in frames_of(b"0123456789")[:2]:
        connection.clock.advance(9)
        connection.receiver.dataReceived(frame)
    connection.clock.advance(9)
    assert connection.outcome == []
    connection.clock.advance(1)
    assert connection.outcome[0].check(TimeoutError)
    assert connection.calls[-1] == "loseConnection"


def test_frames_that_are_no_run_are_refused() -> None:
    connection = Connection()
    first, _, third, _ = frames_of(b"0123456789")
    connection.receiver.dataReceived(first + third)
    assert connection.outcome[0].check(NotARun)


def test_to_cancel_is_to_hang_up() -> None:
    connection = Connection()
    connection.receiver.done.cancel()
    assert connection.calls[-1] == "loseConnection"
    assert connection.clock.getDelayedCalls() == []
