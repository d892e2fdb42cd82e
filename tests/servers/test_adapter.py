"""The Twisted side of a port: order, patience, half-closed and slow peers, the last words."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starwire.servers.adapter import Answering, AnsweringFactory
from starwire.servers.answering import Answer, Hop
from starwire.servers.reading import PlainReader, Refused
from starwire.servers.silence import Patience
from starwire.servers.trail import Trail

PEER = IPv4Address("TCP", "192.0.2.7", 4711)


class Lines(PlainReader):
    """A reader of lines; `!` is refused."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> None:
        self._held += data

    def pull(self) -> bytes | None:
        if self._held.startswith(b"!"):
            raise Refused(b"refused\n", "a line that begins with !")
        line, end, rest = self._held.partition(b"\n")
        if not end:
            return None
        self._held = rest
        return line

    def finish(self) -> bytes:
        return b"unfinished\n" if self._held else b""

    @property
    def in_the_middle(self) -> bool:
        return bool(self._held)

    @property
    def held(self) -> int:
        return len(self._held)


class Transport:
    """What Answering asks of a TCP transport, each call noted."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.written = b""
        self.calls: list[str] = []
        self.producer: Any = None

    def write(self, data: bytes) -> None:
        self.written += data

    def getPeer(self) -> IPv4Address:
        return PEER

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name not in (
            "setTcpNoDelay",
            "loseConnection",
            "loseWriteConnection",
            "abortConnection",
            "pauseProducing",
            "resumeProducing",
        ):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append(name)


class Pieces:
    """A body of pieces that come when the test says so; `x` is its own affair."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.asked = 0
        self.taken: list[bytes] = []
        self.closed = 0
        self.waits: Deferred[bytes] | None = None

    async def next(self) -> bytes:
        self.asked += 1
        if self.pieces:
            return self.pieces.pop(0)
        self.waits = Deferred()
        return await self.waits

    def take(self, request: bytes) -> bool:
        self.taken.append(request)
        return request == b"x"

    def close(self) -> None:
        self.closed += 1


class Port:
    """A connection under test, its clock, and the answers that it waits for.

    Where requests share it, those that begin with `s` do.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self.clock = Clock()
        self.log = io.StringIO()
        self.asked: list[bytes] = []
        self.slow: dict[bytes, Deferred[Answer]] = {}
        self.cancelled: list[bytes] = []
        self.answered_at_most = 0
        self.body = Pieces()
        self.factory = AnsweringFactory(
            "test",
            self.clock,
            Lines,
            self.answer,
            patience=Patience(idle=100, mid_frame=10),
            trail=Trail(self.log),
            shares=(lambda request: request.startswith(b"s")) if shared else None,
        )
        self.protocol: Answering = self.factory.buildProtocol(PEER)
        self.transport = Transport(self.protocol)
        self.protocol.makeConnection(self.transport)

    async def answer(self, request: bytes, hop: Hop) -> Answer:
        self.asked.append(request)
        if len(self.asked) == self.answered_at_most:
            self.protocol.pauseProducing()  # as a transport does when its buffer is full
        if request.startswith(b"slow"):
            self.slow[request] = Deferred(lambda _: self.cancelled.append(request))
            return await self.slow[request]
        if request.startswith(b"body"):
            return Answer(b"", body=self.body, close=request == b"body, bye")
        return Answer(request.upper() + b"\n", close=request == b"bye")


@pytest.fixture
def port() -> Port:
    return Port()


def test_the_connection_is_what_twisted_takes_it_for(port: Port) -> None:
    assert verifyObject(IHalfCloseableProtocol, port.protocol)
    assert verifyObject(IPushProducer, port.protocol)


@pytest.mark.parametrize("width", [1, 2, 3, 100])
def test_requests_are_answered_in_order_however_they_are_cut(port: Port, width: int) -> None:
    octets = b"one\ntwo\nthree\n"
    for start in range(0, len(octets), width):
        port.protocol.dataReceived(octets[start : start + width])
    assert port.transport.written == b"ONE\nTWO\nTHREE\n"


def test_a_thousand_requests_in_one_segment_need_no_depth(port: Port) -> None:
    port.protocol.dataReceived(b"x\n" * 1000)
    assert port.transport.written == b"X\n" * 1000


def test_the_next_request_waits_for_the_answer_before_it(port: Port) -> None:
    port.protocol.dataReceived(b"slow\nnext\n")
    assert port.asked == [b"slow"]
    assert port.transport.written == b""
    port.slow[b"slow"].callback(Answer(b"at last\n"))
    assert port.transport.written == b"at last\nNEXT\n"


def test_a_peer_that_sends_far_ahead_is_paused_until_it_is_answered(port: Port) -> None:
    port.protocol.dataReceived(b"slow\n")
    port.protocol.dataReceived(b"x" * 65_536)
    assert "pauseProducing" not in port.transport.calls
    port.protocol.dataReceived(b"x\n")
    assert port.transport.calls[-1] == "pauseProducing"
    port.slow[b"slow"].callback(Answer(b"done\n"))
    assert port.transport.calls[-1] == "resumeProducing"
    assert port.transport.written == b"done\n" + b"X" * 65_537 + b"\n"


def test_a_peer_that_does_not_read_is_answered_no_further(port: Port) -> None:
    port.transport.producer.pauseProducing()
    port.protocol.dataReceived(b"one\n")
    assert port.transport.written == b""
    port.transport.producer.resumeProducing()
    assert port.transport.written == b"ONE\n"


def test_a_refusal_is_said_and_the_writing_side_closed(port: Port) -> None:
    port.protocol.dataReceived(b"one\n!two\nthree\n")
    assert port.transport.written == b"ONE\nrefused\n"
    assert port.transport.calls[-1] == "loseWriteConnection"
    port.protocol.dataReceived(b"more\n")
    assert port.asked == [b"one"]
    assert "reason='a line that begins with !'" in port.log.getvalue()


def test_after_the_last_words_a_peer_that_stays_is_cut_off(port: Port) -> None:
    port.protocol.dataReceived(b"!\n")
    port.protocol.writeConnectionLost()
    port.clock.advance(1.9)
    assert "abortConnection" not in port.transport.calls
    port.clock.advance(0.2)
    assert port.transport.calls[-1] == "abortConnection"


def test_after_the_last_words_a_peer_that_hangs_up_ends_it(port: Port) -> None:
    port.protocol.dataReceived(b"bye\n")
    assert port.transport.written == b"BYE\n"
    port.protocol.readConnectionLost()
    assert port.transport.calls[-1] == "loseConnection"
    port.protocol.connectionLost()
    assert port.clock.getDelayedCalls() == []


def test_a_half_closed_peer_still_gets_its_answers(port: Port) -> None:
    port.protocol.dataReceived(b"slow\nlast\n")
    port.protocol.readConnectionLost()
    assert port.transport.written == b""
    port.slow[b"slow"].callback(Answer(b"at last\n"))
    assert port.transport.written == b"at last\nLAST\n"
    assert port.transport.calls[-1] == "loseConnection"


def test_the_end_of_the_stream_in_a_request_is_told_and_logged(port: Port) -> None:
    port.protocol.dataReceived(b"half")
    port.protocol.readConnectionLost()
    assert port.transport.written == b"unfinished\n"
    assert "event=cut-off peer=192.0.2.7:4711" in port.log.getvalue()


def test_a_connection_lost_in_a_request_is_logged(port: Port) -> None:
    port.protocol.dataReceived(b"half")
    port.protocol.connectionLost()
    assert "event=cut-off" in port.log.getvalue()
    assert port.asked == []


def test_a_connection_lost_before_its_answer_cancels_the_work(port: Port) -> None:
    port.protocol.dataReceived(b"slow\n")
    port.protocol.connectionLost()
    assert port.cancelled == [b"slow"]
    assert port.transport.written == b""


@pytest.mark.parametrize(("octets", "seconds"), [(b"", 100), (b"half", 10), (b"one\n", 100)])
def test_silence_ends_the_connection_after_its_time(
    port: Port, octets: bytes, seconds: float
) -> None:
    port.protocol.dataReceived(octets)
    port.clock.advance(seconds - 0.1)
    assert "loseWriteConnection" not in port.transport.calls
    port.clock.advance(0.2)
    assert "loseWriteConnection" in port.transport.calls
    assert "event=silent" in port.log.getvalue()


def test_a_request_that_comes_in_drips_has_its_time_from_the_first_octet(port: Port) -> None:
    for _ in range(9):
        port.protocol.dataReceived(b"x")
        port.clock.advance(1.0)
    assert "loseWriteConnection" not in port.transport.calls
    port.protocol.dataReceived(b"x")
    port.clock.advance(1.0)
    assert "loseWriteConnection" in port.transport.calls


def test_an_answer_under_way_has_no_time_limit_here(port: Port) -> None:
    port.protocol.dataReceived(b"slow\n")
    port.clock.advance(10_000)
    assert "loseWriteConnection" not in port.transport.calls


def test_requests_that_share_a_connection_are_answered_as_they_get_ready() -> None:
    port = Port(shared=True)
    port.protocol.dataReceived(b"slow 1\nslow 2\ns\n")
    assert port.transport.written == b"S\n"
    port.slow[b"slow 2"].callback(Answer(b"2\n"))
    port.slow[b"slow 1"].callback(Answer(b"1\n"))
    assert port.transport.written == b"S\n2\n1\n"


def test_a_request_that_shares_nothing_waits_for_those_before_it_and_stops_those_behind() -> None:
    port = Port(shared=True)
    port.protocol.dataReceived(b"slow 1\nslow 2\nalone\ns\n")
    port.slow[b"slow 1"].callback(Answer(b"1\n"))
    assert port.asked == [b"slow 1", b"slow 2"]
    port.slow[b"slow 2"].callback(Answer(b"2\n"))
    assert port.asked == [b"slow 1", b"slow 2", b"alone", b"s"]
    assert port.transport.written == b"1\n2\nALONE\nS\n"


def test_no_more_than_64_share_a_connection_and_the_peer_is_paused() -> None:
    port = Port(shared=True)
    port.protocol.dataReceived(b"".join(b"slow %d\n" % n for n in range(70)))
    assert len(port.asked) == 64
    port.protocol.dataReceived(b"s" * 65_536 + b"\n")
    assert port.transport.calls[-1] == "pauseProducing"
    port.slow[b"slow 7"].callback(Answer(b"7\n"))
    assert len(port.asked) == 65
    assert port.transport.calls[-1] == "pauseProducing"  # as much as before is held
    for number in range(8, 15):
        port.slow[b"slow %d" % number].callback(Answer(b"\n"))
    assert port.transport.calls[-1] == "resumeProducing"


def test_what_is_owed_to_others_goes_out_before_the_last_words() -> None:
    port = Port(shared=True)
    port.protocol.dataReceived(b"slow 1\nslow 2\n!\ns\n")
    port.slow[b"slow 2"].callback(Answer(b"2\n"))
    assert "loseWriteConnection" not in port.transport.calls
    port.slow[b"slow 1"].callback(Answer(b"1\n"))
    assert port.transport.written == b"2\n1\nrefused\n"
    assert port.transport.calls[-1] == "loseWriteConnection"


def test_a_half_closed_peer_gets_all_that_it_asked_for_together() -> None:
    port = Port(shared=True)
    port.protocol.dataReceived(b"slow 1\nslow 2\n")
    port.protocol.readConnectionLost()
    port.slow[b"slow 2"].callback(Answer(b"2\n"))
    assert "loseConnection" not in port.transport.calls
    port.slow[b"slow 1"].callback(Answer(b"1\n"))
    assert port.transport.written == b"2\n1\n"
    assert port.transport.calls[-1] == "loseConnection"


def test_a_shared_connection_that_is_lost_cancels_all_its_work() -> None:
    port = Port(shared=True)
    port.protocol.dataReceived(b"slow 1\nslow 2\n")
    port.protocol.connectionLost()
    assert sorted(port.cancelled) == [b"slow 1", b"slow 2"]
    assert port.clock.getDelayedCalls() == []


def test_a_shared_connection_is_not_idle_while_answers_are_under_way() -> None:
    port = Port(shared=True)
    port.protocol.dataReceived(b"slow 1\n")
    port.clock.advance(1000)
    assert "loseWriteConnection" not in port.transport.calls
    port.slow[b"slow 1"].callback(Answer(b"1\n"))
    port.clock.advance(101)
    assert "loseWriteConnection" in port.transport.calls


def test_a_bug_closes_the_connection_and_tells_the_peer_nothing(port: Port) -> None:
    from twisted.logger import globalLogPublisher

    seen: list[Any] = []
    globalLogPublisher.addObserver(seen.append)
    try:
        port.protocol.dataReceived(b"slow\n")
        port.slow[b"slow"].errback(ZeroDivisionError("a bug"))
    finally:
        globalLogPublisher.removeObserver(seen.append)
    assert port.transport.written == b""
    assert port.transport.calls[-1] == "loseWriteConnection"
    assert [event["log_failure"].type for event in seen if "log_failure" in event] == [
        ZeroDivisionError
    ]


def test_a_body_goes_out_as_it_comes_and_the_next_request_waits_for_its_end(port: Port) -> None:
    port.body = Pieces(b"1", b"2")
    port.protocol.dataReceived(b"body\nnext\nlast\n")
    assert port.transport.written == b"12"
    assert port.body.waits is not None
    port.body.waits.callback(b"3")
    assert port.transport.written == b"123"
    assert port.asked == [b"body"]
    port.body.waits.callback(b"")
    assert port.transport.written == b"123NEXT\nLAST\n"
    assert port.body.closed == 1
    assert not port.factory.busy


def test_a_body_asks_for_no_more_than_the_peer_reads(port: Port) -> None:
    port.body = Pieces(b"1")
    port.protocol.dataReceived(b"body\n")
    port.transport.producer.pauseProducing()
    assert port.body.waits is not None
    port.body.pieces = [b"3", b"4", b""]
    port.body.waits.callback(b"2")
    assert (port.transport.written, port.body.asked) == (b"12", 2)
    port.transport.producer.resumeProducing()
    assert (port.transport.written, port.body.asked) == (b"1234", 5)


def test_a_body_for_a_peer_that_does_not_read_is_not_begun(port: Port) -> None:
    port.protocol.dataReceived(b"slow body\n")
    port.transport.producer.pauseProducing()
    port.body = Pieces(b"1", b"")
    port.slow[b"slow body"].callback(Answer(b"", body=port.body))
    assert port.body.asked == 0
    port.transport.producer.resumeProducing()
    assert port.transport.written == b"1"


def test_what_is_the_body_s_own_overtakes_it_up_to_the_first_that_is_not(port: Port) -> None:
    port.protocol.dataReceived(b"body\nx\n")
    port.transport.producer.pauseProducing()
    port.protocol.dataReceived(b"x\nother\nx\n")
    assert port.body.taken == [b"x", b"x", b"other"]
    assert port.body.waits is not None
    port.transport.producer.resumeProducing()
    port.body.waits.callback(b"")
    assert port.transport.written == b"OTHER\nX\n"
    assert port.asked == [b"body", b"other", b"x"]


def test_a_refusal_behind_a_body_waits_for_its_end(port: Port) -> None:
    port.protocol.dataReceived(b"body\n!\n")
    assert port.body.waits is not None
    assert port.transport.written == b""
    port.body.waits.callback(b"")
    assert port.transport.written == b"refused\n"


def test_a_peer_that_sends_far_ahead_of_a_body_is_paused(port: Port) -> None:
    port.protocol.dataReceived(b"body\n")
    port.protocol.dataReceived(b"y\n" * 32_770)
    assert port.transport.calls[-1] == "pauseProducing"
    assert port.body.waits is not None
    port.body.waits.callback(b"")
    assert port.transport.calls[-1] == "resumeProducing"


def test_the_connection_ends_behind_a_body_that_says_so(port: Port) -> None:
    port.body = Pieces(b"1", b"")
    port.protocol.dataReceived(b"body, bye\nnext\n")
    assert port.transport.written == b"1"
    assert port.transport.calls[-1] == "loseWriteConnection"
    assert port.asked == [b"body, bye"]


def test_a_connection_lost_in_a_body_closes_it(port: Port) -> None:
    port.protocol.dataReceived(b"body\n")
    port.protocol.connectionLost()
    assert port.body.closed == 1
    assert port.clock.getDelayedCalls() == []


def test_a_body_that_nobody_reads_is_given_up(port: Port) -> None:
    port.body = Pieces(b"1")
    port.protocol.dataReceived(b"body\n")
    port.transport.producer.pauseProducing()
    port.clock.advance(99)
    port.transport.producer.resumeProducing()
    port.clock.advance(1000)
    port.transport.producer.pauseProducing()
    port.clock.advance(99)
    assert port.body.closed == 0
    port.clock.advance(1)
    assert port.body.closed == 1
    assert "event=silent" in port.log.getvalue()
    assert port.transport.calls[-1] == "loseWriteConnection"


def test_a_body_that_comes_too_late_is_closed_unasked(port: Port) -> None:
    async def answer(request: bytes, hop: Hop) -> Answer:
        port.protocol.connectionLost()
        return Answer(b"", body=port.body)

    port.factory.answer = answer
    port.protocol.dataReceived(b"late\n")
    assert (port.body.asked, port.body.closed) == (0, 1)


def test_a_body_that_fails_ends_the_connection(port: Port) -> None:
    from twisted.logger import globalLogPublisher

    seen: list[Any] = []
    globalLogPublisher.addObserver(seen.append)
    try:
        port.protocol.dataReceived(b"body\n")
        assert port.body.waits is not None
        port.body.waits.errback(ZeroDivisionError("a bug"))
    finally:
        globalLogPublisher.removeObserver(seen.append)
    assert port.body.closed == 1
    assert port.transport.calls[-1] == "loseWriteConnection"
    assert [event["log_failure"].type for event in seen if "log_failure" in event] == [
        ZeroDivisionError
    ]


def test_hosts_that_are_not_admitted_get_no_connection() -> None:
    log = io.StringIO()
    factory = AnsweringFactory(
        "test",
        Clock(),
        Lines,
        Port().answer,
        patience=Patience(0, 0),
        trail=Trail(log),
        admits=lambda host: host == "127.0.0.1",
    )
    assert factory.buildProtocol(PEER) is None
    assert "event=not-admitted peer=192.0.2.7:4711" in log.getvalue()
    assert factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)) is not None


def test_one_id_joins_the_hops_of_a_process() -> None:
    trail = Trail(None)
    one = trail.new()
    trail.opened("127.0.0.1:5000", one)
    assert trail.of("127.0.0.1:5000") == one
    trail.closed("127.0.0.1:5000")
    assert trail.of("127.0.0.1:5000") != one


def test_a_log_line_quotes_what_would_tear_it() -> None:
    log = io.StringIO()
    Trail(log).line("web", "a-1", {"user": "two words", "key": "", "status": 0, "odd": "\n\xff"})
    assert log.getvalue() == "hop=web txn=a-1 user='two words' key='' status=0 odd='\\nÿ'\n"


def test_a_peer_that_reads_slowly_cannot_fill_the_memory_with_what_it_asks(port: Port) -> None:
    """Every answer lets it go on for a moment; what it has sent ahead is worked off first."""
    port.protocol.pauseProducing()
    port.protocol.dataReceived(b"x\n" * 40_000)
    assert port.transport.calls[-1] == "pauseProducing"
    port.answered_at_most = 10
    port.protocol.resumeProducing()
    assert port.transport.calls[-1] == "pauseProducing"
    port.answered_at_most = 0
    port.protocol.resumeProducing()
    assert port.transport.calls[-1] == "resumeProducing"
