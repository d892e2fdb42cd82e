"""Frames of another server, taken as they are needed: time, loss, and what is read ahead."""

from collections.abc import Callable
from typing import Any

import pytest
from support import at_once
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped
from starwire.protocol.sealing import SealedLink
from starwire.servers.link import TimedOut, Unreachable
from starwire.servers.readers import FrameRequests, SealedRequests
from starwire.servers.stream import Stream, open_stream
from starwire.servers.trail import Trail

PROFILE = shipped("default")
CODEC = PROFILE.wire.common
OWN = IPv4Address("TCP", "127.0.0.1", 5000)


def frame(data: bytes, serial: int = 7) -> bytes:
    return CODEC.frame(CommonHeader(1, type=3, serial=serial, status=3), data)


class Transport:
    """What a stream asks of a TCP transport."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.calls: list[str] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def getHost(self) -> IPv4Address:
        return OWN

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append(name)


class Server(Clock):
    """A reactor on which one connection is made, when the test says so."""

    def __init__(self, reader: Any = None) -> None:
        super().__init__()
        self.trail = Trail(None)
        self.transport = Transport()
        self.opening = Deferred.fromCoroutine(
            open_stream(
                self,
                "[::1]:4711",
                b"request",
                reader or FrameRequests(CODEC, PROFILE),
                seconds=10.0,
                trail=self.trail,
                transaction="t-1",
            )
        )

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float) -> Any:
        assert (host, port, timeout) == ("::1", 4711, 10.0)
        self.factory = factory
        return self

    def disconnect(self) -> None:
        self.transport.calls.append("disconnect")

    def connect(self) -> Stream:
        self.protocol = self.factory.buildProtocol(OWN)
        self.protocol.makeConnection(self.transport)
        opened: Any = self.opening.result
        assert isinstance(opened, Stream)
        return opened


def waiting(stream: Stream) -> Deferred[Any]:
    return Deferred.fromCoroutine(stream.next())


def failure_of(deferred: Deferred[Any]) -> Any:
    caught: list[Any] = []
    deferred.addErrback(caught.append)
    assert caught, "it has not failed"
    return caught[0].value


def test_the_request_goes_out_and_frames_are_taken_one_by_one() -> None:
    server = Server()
    stream = server.connect()
    assert server.transport.written == [b"request"]
    assert server.trail.of("127.0.0.1:5000") == "t-1"
    octets = frame(b"one") + frame(b"two")
    first = waiting(stream)
    for place in range(len(octets)):
        server.protocol.dataReceived(octets[place : place + 1])
    assert first.result.data == b"one"
    assert at_once(stream.next()).data == b"two"
    stream.send(b"cancel")
    assert server.transport.written == [b"request", b"cancel"]
    stream.close()
    assert server.transport.calls[-1] == "abortConnection"
    server.protocol.connectionLost()
    assert server.trail.of("127.0.0.1:5000") != "t-1"
    assert server.getDelayedCalls() == []


def test_nobody_there_is_unreachable_and_nothing_was_sent() -> None:
    from twisted.internet.error import ConnectionRefusedError
    from twisted.python.failure import Failure

    server = Server()
    server.factory.clientConnectionFailed(server, Failure(ConnectionRefusedError()))
    error = failure_of(server.opening)
    assert isinstance(error, Unreachable)
    assert (error.sent, error.began) == (False, False)


def test_whoever_gives_up_before_it_is_open_connects_no_more() -> None:
    server = Server()
    server.opening.addErrback(lambda failure: None)
    server.opening.cancel()
    assert server.transport.calls == ["disconnect"]


@pytest.mark.parametrize("came", [b"", frame(b"one")[:-1]])
def test_a_connection_that_is_lost_ends_it_for_ever(came: bytes) -> None:
    server = Server()
    stream = server.connect()
    next_one = waiting(stream)
    if came:
        server.protocol.dataReceived(came)
    server.protocol.connectionLost()
    for failed in (next_one, waiting(stream)):
        error = failure_of(failed)
        assert isinstance(error, Unreachable)
        assert (error.sent, error.began) == (True, bool(came))
    stream.send(b"cancel")
    stream.close()
    assert server.transport.written == [b"request"]
    assert "abortConnection" not in server.transport.calls


def test_what_came_before_the_loss_is_still_given() -> None:
    server = Server()
    stream = server.connect()
    server.protocol.dataReceived(frame(b"one"))
    server.protocol.connectionLost()
    assert at_once(stream.next()).data == b"one"
    assert isinstance(failure_of(waiting(stream)), Unreachable)


def test_octets_that_are_no_frame_are_no_reply() -> None:
    server = Server()
    stream = server.connect()
    server.protocol.dataReceived(b"\x07")
    error = failure_of(waiting(stream))
    assert isinstance(error, Unreachable)
    assert "not a reply: version 7 is not 1" in str(error)


def test_each_frame_has_its_time_however_it_drips() -> None:
    server = Server()
    stream = server.connect()
    octets = frame(b"one")
    for _ in range(3):
        next_one = waiting(stream)
        for place in range(9):
            server.advance(1)
            server.protocol.dataReceived(octets[place : place + 1])
        server.protocol.dataReceived(octets[9:])
        assert next_one.result.data == b"one"
    late = waiting(stream)
    for place in range(9):
        server.advance(1)
        server.protocol.dataReceived(octets[place : place + 1])
    assert not late.called
    server.advance(1)
    assert isinstance(failure_of(late), TimedOut)


def test_time_does_not_run_while_the_reader_is_waited_for() -> None:
    server = Server()
    stream = server.connect()
    server.protocol.dataReceived(frame(b"one") + frame(b"two"))
    at_once(stream.next())
    server.advance(1000)
    assert at_once(stream.next()).data == b"two"
    server.advance(1000)
    more = waiting(stream)
    server.advance(9)
    assert not more.called
    server.protocol.dataReceived(frame(b"three"))
    assert more.result.data == b"three"


def test_no_more_is_read_ahead_than_a_bound() -> None:
    server = Server()
    stream = server.connect()
    big = frame(bytes(100_000))
    for _ in range(2):
        server.protocol.dataReceived(big)
    assert "pauseProducing" not in server.transport.calls
    server.protocol.dataReceived(big)
    assert server.transport.calls.count("pauseProducing") == 1
    for _ in range(3):
        at_once(stream.next())
    assert "resumeProducing" not in server.transport.calls
    more = waiting(stream)
    assert server.transport.calls.count("resumeProducing") == 1
    server.protocol.dataReceived(big)
    assert more.called


def test_a_sealed_link_is_greeted_before_the_request() -> None:
    def link(opens: bool) -> SealedLink:
        greeting = bytes([opens]) * 32
        return SealedLink(b"k" * 32, greeting, opens=opens, longest=PROFILE.frame_octets)

    server = Server(SealedRequests(link(opens=True), FrameRequests(CODEC, PROFILE)))
    stream = server.connect()
    other = link(opens=False)
    assert server.transport.written == [b"\1" * 32]
    next_one = waiting(stream)
    server.protocol.dataReceived(other.greeting)
    assert len(server.transport.written) == 2
    other.feed(b"".join(server.transport.written))
    assert other.pull() == b"request"
    server.protocol.dataReceived(other.seal(frame(b"one")))
    assert next_one.result.data == b"one"
    stream.send(b"cancel")
    other.feed(server.transport.written[-1])
    assert other.pull() == b"cancel"
