"""Connections that are kept: requests that share them, and requests that take turns (DSP-04)."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import shipped
from starwire.protocol.sealing import SealedLink
from starwire.servers.driving import Pending
from starwire.servers.link import Crowded, TimedOut, Unreachable
from starwire.servers.multiplex import Multiplex
from starwire.servers.pool import Pool
from starwire.servers.readers import FrameRequests, SealedRequests
from starwire.servers.trail import Trail

PROFILE = shipped("default")
COMMON, DISPATCHER = PROFILE.wire.common, PROFILE.wire.dispatcher
KEY = bytes(range(32))


class Line:
    """One attempt to connect, the connection, and the other side of it, seen by the test."""

    def __init__(self, place: tuple[str, int], factory: Any) -> None:
        self.place = place
        self.factory = factory
        self.protocol: Any = None
        self.written = b""
        self.calls: list[str] = []
        self.peeked: bytes | Exception = BlockingIOError()
        self.producer: Any = None

    def accept(self) -> "Line":
        self.protocol = self.factory.buildProtocol(None)
        self.protocol.makeConnection(self)
        return self

    def refuse(self) -> None:
        self.factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))

    def say(self, octets: bytes) -> None:
        self.protocol.dataReceived(octets)

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionRefusedError()))

    def asked(self, codec: Any = COMMON) -> list[Frame[Any]]:
        """The frames that came, and from now on only new ones."""
        reader: FrameReader[Any] = FrameReader(codec, PROFILE)
        reader.feed(self.written)
        self.written = b""
        frames = []
        while (frame := reader.next_frame()) is not NEED_DATA:
            frames.append(frame)
        assert not reader.cut_off
        return frames

    # What is asked of a transport, of its socket, and of a connector.

    def write(self, data: bytes) -> None:
        self.written += data

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 5000)

    def getHandle(self) -> "Line":
        return self

    def recv(self, count: int, flags: int) -> bytes:
        assert (count, flags) == (1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        if isinstance(self.peeked, Exception):
            raise self.peeked
        return self.peeked

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def setTcpNoDelay(self, on: bool) -> None:
        assert on

    def abortConnection(self) -> None:
        self.calls.append("abort")

    def disconnect(self) -> None:
        self.calls.append("disconnect")


class Net(Clock):
    """A reactor whose connections are Lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float) -> Line:
        assert timeout == 60
        self.lines.append(Line((host, port), factory))
        return self.lines[-1]

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.advance(1)


class Asked:
    """A request, and what has become of it."""

    def __init__(self, asked: Deferred[Any] | Pending[Any]) -> None:
        self.found: list[Any] = []
        self.cancel = asked.cancel
        asked.addBoth(self.found.append)


def outcome(asked: Asked) -> Any:
    """A reply's data, an exception, or None as long as nothing has become of it."""
    if not asked.found:
        return None
    [found] = asked.found
    return found.value if isinstance(found, Failure) else found.answer.data


def fate(asked: Asked) -> tuple[bool, bool]:
    """Whether a lost request was sent and its reply had begun."""
    lost = outcome(asked)
    assert isinstance(lost, Unreachable), lost
    return lost.sent, lost.began


class Proxies:
    """A Multiplex under test."""

    def __init__(self, make_reader: Callable[[], Any] | None = None) -> None:
        self.net = Net()
        self.serial = 0
        self.links = Multiplex(
            self.net,
            make_reader or (lambda: FrameRequests(COMMON, PROFILE)),
            seconds=60,
            idle_seconds=1000,
        )

    def ask(self, place: str = "[2001:db8::1]:7000") -> Asked:
        self.serial += 1
        header = CommonHeader(1, session_key="k", serial=self.serial)
        frame = COMMON.frame(header, b"%d" % self.serial)
        return Asked(self.links.exchange(place, header, frame))


def replies(*serials: int, **fields: Any) -> bytes:
    return b"".join(
        COMMON.frame(CommonHeader(1, session_key="k", serial=serial, **fields), b"to %d" % serial)
        for serial in serials
    )


@pytest.fixture
def proxies() -> Proxies:
    return Proxies()


def test_a_kept_connection_is_the_producer_that_twisted_takes_it_for(proxies: Proxies) -> None:
    proxies.ask()
    assert verifyObject(IPushProducer, proxies.net.lines[0].accept().producer)


def test_requests_share_a_connection_and_each_gets_its_reply(proxies: Proxies) -> None:
    first, second = proxies.ask(), proxies.ask()
    [line] = proxies.net.lines
    assert line.place == ("2001:db8::1", 7000)
    line.accept()
    third = proxies.ask()
    assert [frame.header.serial for frame in line.asked()] == [1, 2, 3]
    octets = replies(3, 1)
    line.say(octets[:60])
    line.say(octets[60:] + replies(2))
    assert [outcome(one) for one in (first, second, third)] == [b"to 1", b"to 2", b"to 3"]
    assert len(proxies.net.lines) == 1


def test_each_instance_has_connections_of_its_own(proxies: Proxies) -> None:
    proxies.ask("a:1")
    proxies.ask("b:1")
    assert [line.place for line in proxies.net.lines] == [("a", 1), ("b", 1)]


def test_a_lost_connection_gives_each_request_its_own_outcome(proxies: Proxies) -> None:
    asked = [proxies.ask() for _ in range(4)]
    line = proxies.net.lines[0].accept()
    line.say(replies(2) + replies(3)[:-1])
    line.lose()
    assert outcome(asked[1]) == b"to 2"
    assert [fate(asked[n]) for n in (0, 2, 3)] == [(True, False), (True, True), (True, False)]
    again = proxies.ask()
    proxies.net.lines[1].accept().say(replies(5))
    assert outcome(again) == b"to 5"


def test_who_cannot_be_reached_has_got_nothing(proxies: Proxies) -> None:
    asked = [proxies.ask(), proxies.ask()]
    proxies.net.lines[0].refuse()
    assert [fate(one) for one in asked] == [(False, False)] * 2
    proxies.ask()
    assert len(proxies.net.lines) == 2


@pytest.mark.parametrize("peeked", [b"", OSError("reset")])
def test_a_connection_that_died_unnoticed_costs_nothing(
    proxies: Proxies, peeked: bytes | Exception
) -> None:
    first = proxies.ask()
    old = proxies.net.lines[0].accept()
    old.say(replies(1))
    assert outcome(first) == b"to 1"
    old.asked()
    old.peeked = peeked
    second = proxies.ask()
    assert old.written == b""
    assert old.calls == ["abort"]
    proxies.net.lines[1].accept().say(replies(2))
    assert outcome(second) == b"to 2"
    old.lose()


def test_a_late_reply_that_waits_to_be_read_is_no_death(proxies: Proxies) -> None:
    proxies.ask()
    line = proxies.net.lines[0].accept()
    line.say(replies(1))
    line.peeked = b"\x01"
    proxies.ask()
    assert len(proxies.net.lines) == 1


def test_a_reply_that_does_not_come_is_told_in_time_and_dropped_later(proxies: Proxies) -> None:
    late = proxies.ask()
    line = proxies.net.lines[0].accept()
    proxies.net.wait(30)
    second = proxies.ask()
    proxies.net.wait(29)
    assert outcome(late) is None
    proxies.net.wait(2)
    assert isinstance(outcome(late), TimedOut)
    line.say(replies(1, 2))
    assert outcome(second) == b"to 2"


def test_what_is_cancelled_is_forgotten_before_and_after_it_is_sent(proxies: Proxies) -> None:
    unsent, sent = proxies.ask(), proxies.ask()
    unsent.cancel()
    line = proxies.net.lines[0].accept()
    assert [frame.header.serial for frame in line.asked()] == [2]
    sent.cancel()
    line.say(replies(2))
    third = proxies.ask()
    line.say(replies(3))
    assert outcome(third) == b"to 3"


def fill(proxies: Proxies, connections: int) -> list[Asked]:
    asked = []
    for number in range(connections):
        asked += [proxies.ask() for _ in range(64)]
        assert len(proxies.net.lines) == number + 1
        proxies.net.lines[number].accept()
    return asked


def test_who_finds_no_room_waits_for_it(proxies: Proxies) -> None:
    fill(proxies, 8)
    waiting, behind = proxies.ask(), proxies.ask()
    assert len(proxies.net.lines) == 8
    line = proxies.net.lines[3]
    line.asked()
    line.say(replies(3 * 64 + 1))
    assert [frame.header.serial for frame in line.asked()] == [513]
    line.say(replies(513))
    assert outcome(waiting) == b"to 513"
    assert outcome(behind) is None


def test_who_waits_for_room_has_the_same_time(proxies: Proxies) -> None:
    fill(proxies, 8)
    proxies.net.wait(10)
    for line in proxies.net.lines:
        line.producer.pauseProducing()
    waiting, cancelled = proxies.ask(), proxies.ask()
    cancelled.cancel()
    proxies.net.wait(59)
    assert outcome(waiting) is None
    proxies.net.wait(2)
    assert isinstance(outcome(waiting), TimedOut)


def test_so_many_wait_and_no_more(proxies: Proxies) -> None:
    fill(proxies, 8)
    for _ in range(4096):
        proxies.ask()
    one_more = outcome(proxies.ask())
    assert isinstance(one_more, Crowded)
    assert not one_more.sent


def test_a_lost_connection_makes_room_on_a_new_one(proxies: Proxies) -> None:
    fill(proxies, 8)
    waiting = proxies.ask()
    proxies.net.lines[0].lose()
    proxies.net.lines[8].accept().say(replies(513))
    assert outcome(waiting) == b"to 513"


def test_nothing_goes_to_a_proxy_that_does_not_read(proxies: Proxies) -> None:
    proxies.ask()
    line = proxies.net.lines[0].accept()
    line.asked()
    line.producer.pauseProducing()
    proxies.ask()
    assert line.written == b""
    assert len(proxies.net.lines) == 2


def test_a_mismatch_is_everybody_s_reply_and_the_connection_ends(proxies: Proxies) -> None:
    asked = [proxies.ask(), proxies.ask()]
    line = proxies.net.lines[0].accept()
    line.say(COMMON.frame(CommonHeader(1, status=102), b""))
    assert [outcome(one) for one in asked] == [b"", b""]
    assert line.calls == ["abort"]


def test_octets_that_are_no_frames_end_the_connection_and_are_nobody_s(proxies: Proxies) -> None:
    asked = [proxies.ask(), proxies.ask()]
    line = proxies.net.lines[0].accept()
    line.say(b"\x07nonsense")
    assert [fate(one) for one in asked] == [(True, False)] * 2
    assert "not a reply: version 7 is not 1" in str(outcome(asked[0]))
    assert line.calls == ["abort"]


def test_a_connection_that_is_not_used_is_closed_after_half_the_idle_time(
    proxies: Proxies,
) -> None:
    proxies.ask()
    line = proxies.net.lines[0].accept()
    line.say(replies(1))
    proxies.net.wait(499)
    assert line.calls == []
    proxies.net.wait(3)
    assert line.calls == ["abort"]
    line.lose()


def test_a_stop_ends_all_and_opens_nothing(proxies: Proxies) -> None:
    open_, connecting = proxies.ask("a:1"), proxies.ask("b:1")
    proxies.net.lines[0].accept()
    proxies.links.stop()
    assert fate(open_) == (True, False)
    assert fate(connecting) == (False, False)
    assert fate(proxies.ask("a:1")) == (False, False)
    assert [line.calls for line in proxies.net.lines] == [["abort"], ["disconnect"]]
    assert proxies.net.getDelayedCalls() == []


def test_over_a_sealed_link_nothing_goes_out_before_both_have_greeted() -> None:
    def reader() -> SealedRequests:
        link = SealedLink(KEY, b"o" * 32, opens=True, longest=PROFILE.frame_octets)
        return SealedRequests(link, FrameRequests(COMMON, PROFILE))

    proxies = Proxies(reader)
    asked = [proxies.ask(), proxies.ask()]
    line = proxies.net.lines[0].accept()
    assert line.written == b"o" * 32
    other = SealedLink(KEY, b"a" * 32, opens=False, longest=PROFILE.frame_octets)
    other.feed(line.written)
    assert other.ready
    line.written = b""
    line.say(b"a" * 31)
    assert line.written == b""
    line.say(b"a")
    other.feed(line.written)
    frames = [other.pull(), other.pull()]
    assert [COMMON.decode(frame).serial for frame in frames] == [1, 2]
    line.say(other.seal(replies(2)) + other.seal(replies(1))[:-1])
    line.lose()
    assert outcome(asked[1]) == b"to 2"
    assert fate(asked[0]) == (True, False)


class Dispatchers:
    """A Pool under test."""

    def __init__(self) -> None:
        self.net = Net()
        self.trail = Trail(None)
        self.pool = Pool(
            self.net,
            "d:1",
            lambda: FrameRequests(DISPATCHER, PROFILE),
            self.trail,
            seconds=60,
            idle_seconds=1000,
        )

    def ask(self, transaction: str = "t") -> Asked:
        return Asked(self.pool.exchange(REQUEST, transaction))


REQUEST = DISPATCHER.frame(DispatcherHeader(1, target="RM"), b"GRTL<>")


def said(data: bytes) -> bytes:
    return DISPATCHER.frame(DispatcherHeader(1, target="RM"), data)


@pytest.fixture
def dispatchers() -> Dispatchers:
    return Dispatchers()


def test_a_connection_has_one_request_at_a_time_and_many_in_turn(dispatchers: Dispatchers) -> None:
    first, second = dispatchers.ask(), dispatchers.ask()
    one, other = (line.accept() for line in dispatchers.net.lines)
    other.say(said(b"2"))
    one.say(said(b"1"))
    assert [outcome(first), outcome(second)] == [b"1", b"2"]
    third = dispatchers.ask()
    assert len(dispatchers.net.lines) == 2
    assert one.written == REQUEST * 2
    one.say(said(b"3"))
    assert outcome(third) == b"3"


def test_the_log_finds_the_transaction_that_has_the_connection(dispatchers: Dispatchers) -> None:
    dispatchers.ask("t-1")
    line = dispatchers.net.lines[0].accept()
    assert dispatchers.trail.of("192.0.2.1:5000") == "t-1"
    line.say(said(b""))
    dispatchers.ask("t-2")
    assert dispatchers.trail.of("192.0.2.1:5000") == "t-2"
    line.lose()
    assert dispatchers.trail.of("192.0.2.1:5000") != "t-2"


@pytest.mark.parametrize("peeked", [b"", b"\x01", OSError("reset")])
def test_a_connection_that_says_anything_unasked_is_used_no_more(
    dispatchers: Dispatchers, peeked: bytes | Exception
) -> None:
    dispatchers.ask()
    line = dispatchers.net.lines[0].accept()
    line.say(said(b""))
    line.peeked = peeked
    dispatchers.ask()
    assert line.written == REQUEST
    assert line.calls == ["abort"]
    assert len(dispatchers.net.lines) == 2


@pytest.mark.parametrize("more", [said(b"again"), said(b"again")[:5]])
def test_a_reply_with_more_behind_it_counts_and_is_the_last_there(
    dispatchers: Dispatchers, more: bytes
) -> None:
    asked = dispatchers.ask()
    line = dispatchers.net.lines[0].accept()
    line.say(said(b"1") + more)
    assert outcome(asked) == b"1"
    assert line.calls == ["abort"]
    dispatchers.ask()
    assert len(dispatchers.net.lines) == 2


@pytest.mark.parametrize(("octets", "began"), [(b"", False), (b"\x01", True)])
def test_a_loss_tells_whether_the_reply_had_begun(
    dispatchers: Dispatchers, octets: bytes, began: bool
) -> None:
    asked = dispatchers.ask()
    line = dispatchers.net.lines[0].accept()
    if octets:
        line.say(octets)
    line.lose()
    assert fate(asked) == (True, began)


def test_a_dispatcher_that_is_not_there_has_got_nothing(dispatchers: Dispatchers) -> None:
    asked = dispatchers.ask()
    dispatchers.net.lines[0].refuse()
    assert fate(asked) == (False, False)


def test_a_connection_whose_reply_is_late_is_closed(dispatchers: Dispatchers) -> None:
    asked = dispatchers.ask()
    line = dispatchers.net.lines[0].accept()
    dispatchers.net.wait(61)
    assert isinstance(outcome(asked), TimedOut)
    assert line.calls == ["abort"]


def test_a_connection_whose_request_is_cancelled_is_closed(dispatchers: Dispatchers) -> None:
    asked = dispatchers.ask()
    line = dispatchers.net.lines[0].accept()
    asked.cancel()
    assert line.calls == ["abort"]
    dispatchers.ask()
    assert len(dispatchers.net.lines) == 2


def test_unused_connections_are_few_and_do_not_grow_old(dispatchers: Dispatchers) -> None:
    for _ in range(70):
        dispatchers.ask()
    for line in dispatchers.net.lines:
        line.accept()
    for line in dispatchers.net.lines:
        line.say(said(b""))
    assert sum(line.calls == ["abort"] for line in dispatchers.net.lines) == 6
    dispatchers.net.wait(502)
    assert all(line.calls == ["abort"] for line in dispatchers.net.lines)
    dispatchers.pool.stop()
    assert dispatchers.net.getDelayedCalls() == []


def test_a_stopped_pool_has_no_connection_left(dispatchers: Dispatchers) -> None:
    used, unused = dispatchers.ask(), dispatchers.ask()
    for line in dispatchers.net.lines:
        line.accept()
    dispatchers.net.lines[1].say(said(b""))
    dispatchers.pool.stop()
    assert outcome(unused) == b""
    assert fate(used) == (True, False)
    assert [line.calls for line in dispatchers.net.lines] == [["abort"]] * 2
