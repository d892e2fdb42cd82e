"""Frames over real sockets: what is refused, with which status, and how the connection ends."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"


class Line:
    """A connection that speaks frames of one header, and reads whatever comes."""

    def __init__(self, chain: Any, name: str) -> None:
        host, _, port = chain.emulator.places[name].rpartition(":")
        wire = chain.profile.wire
        self.codec = wire.dispatcher if name == "dispatcher" else wire.common
        self.reader: FrameReader[Any] = FrameReader(self.codec, chain.profile)
        self.socket = socket.create_connection((host, int(port)), timeout=10)

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def next(self) -> Frame[Any]:
        while (frame := self.reader.next_frame()) is NEED_DATA:
            data = self.socket.recv(65_536)
            assert data, "closed before a whole frame"
            self.reader.feed(data)
        return frame

    def ended(self) -> bool:
        """Whether the other side says nothing more and closes."""
        return self.socket.recv(65_536) == b"" and not self.reader.cut_off


@contextmanager
def line_to(chain: Any, name: str) -> Iterator[Line]:
    line = Line(chain, name)
    with line.socket:
        yield line


@pytest.fixture
def key(chain: Any) -> str:
    """The key of a live session of jeanvnet2."""
    with chain.customer() as client:
        return str(client.session.key)


Make = Callable[..., bytes]


@pytest.fixture
def common(chain: Any, key: str) -> Make:
    """Makes common frames of the session."""

    def make(data: bytes = GRTL, **fields: Any) -> bytes:
        given = {"session_key": key, "serial": 7, **fields}
        return bytes(chain.profile.wire.common.frame(CommonHeader(1, **given), data))

    return make


@pytest.fixture
def wrapped(chain: Any, key: str) -> Make:
    """Makes dispatcher frames of the session."""

    def make(data: bytes = GRTL, **fields: Any) -> bytes:
        given = {
            "target": "RM",
            "user_id": "jeanvnet2",
            "enterprise_id": "00022924",
            "session_key": key,
            **fields,
        }
        return bytes(chain.profile.wire.dispatcher.frame(DispatcherHeader(1, **given), data))

    return make


def cuts(octets: bytes) -> Iterator[list[bytes]]:
    """The same octets whole, octet by octet, and in two at every boundary."""
    yield [octets]
    yield [octets[place : place + 1] for place in range(len(octets))]
    for place in range(1, len(octets), 7):
        yield [octets[:place], octets[place:]]


def test_how_a_request_is_cut_cannot_be_seen(chain: Any, common: Make) -> None:
    request = common()
    with line_to(chain, "rm") as line:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = set()
        for pieces in cuts(request):
            for piece in pieces:
                line.send(piece)
            replies.add(line.next().octets)
    assert len(replies) == 1


def test_a_hundred_frames_in_one_segment_are_answered_in_order(chain: Any, common: Make) -> None:
    with line_to(chain, "rm") as line:
        line.send(*(common(serial=number) for number in range(1, 101)))
        answered = [line.next().header for _ in range(100)]
    assert [header.serial for header in answered] == list(range(1, 101))
    assert {header.status for header in answered} == {0}


def test_an_echo_comes_back_octet_for_octet(chain: Any, common: Make) -> None:
    for request in (common(b"", echo=1), common(b"x" * 5000, echo=255, session_key="")):
        with line_to(chain, "rm") as line:
            line.send(request)
            assert line.next().octets == request


@pytest.mark.parametrize("name", ["rm", "rs", "inbox", "staroe", "dispatcher"])
@pytest.mark.parametrize(
    ("version", "length", "status"),
    [(0, 0, 101), (2, 0, 101), (255, 5, 101), (1, -1, 102), (1, 0, 102), (1, 2**31, 102)],
)
def test_a_bad_beginning_gets_its_bare_header_then_the_end(
    chain: Any, name: str, version: int, length: int, status: int
) -> None:
    with line_to(chain, name) as line:
        order = chain.profile.byte_order
        size = line.codec.size + length if length < 0 else length
        line.send(bytes([version]) + size.to_bytes(4, order))
        frame = line.next()
        bare = line.codec.kind(version=1, length=line.codec.size, status=status)
        assert frame.header == bare
        assert frame.data == b""
        assert line.ended()


def test_a_length_over_the_maximum_is_refused_before_the_octets_come(chain: Any) -> None:
    with line_to(chain, "rm") as line:
        size = chain.profile.frame_octets + 1
        line.send(b"\x01" + size.to_bytes(4, chain.profile.byte_order))
        assert line.next().header.status == 102
        assert line.ended()


def test_the_octets_behind_a_refusal_do_not_destroy_it(chain: Any) -> None:
    for _ in range(20):
        with line_to(chain, "rm") as line:
            line.send(b"\x09" * 200_000)
            assert line.next().header.status == 101


@pytest.mark.parametrize("kind", [4, 255])
def test_an_unknown_type_is_107_and_the_connection_stays(
    chain: Any, common: Make, wrapped: Make, kind: int
) -> None:
    with line_to(chain, "rm") as line:
        line.send(common(type=kind), common(serial=8))
        refused = line.next()
        assert (refused.header.status, refused.header.type, refused.data) == (107, kind, b"")
        assert (refused.header.serial, refused.header.session_key != "") == (7, True)
        assert line.next().header.status == 0
    with line_to(chain, "dispatcher") as line:
        line.send(wrapped(type=kind), wrapped())
        assert [line.next().header.status for _ in range(2)] == [107, 0]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"target": "NOBODY"}, 103),
        ({"target": "rm"}, 103),
        ({"target": "ODS"}, 104),
        ({"target": "TVS"}, 104),
        ({"session_key": ""}, 105),
        ({"session_key": "0" * 16}, 105),
        ({"user_id": "dorod"}, 105),
        ({"enterprise_id": "10324488"}, 105),
        ({"user_id": "LynneLevy2", "enterprise_id": "10324488"}, 105),
    ],
)
def test_the_dispatcher_refuses(
    chain: Any, wrapped: Make, fields: dict[str, Any], status: int
) -> None:
    with line_to(chain, "dispatcher") as line:
        line.send(wrapped(**fields))
        reply = line.next()
        assert (reply.header.status, reply.data) == (status, b"")
        assert reply.header.target == fields.get("target", "RM")
        line.send(wrapped())
        assert line.next().header.status == 0


def test_a_proxy_asked_without_a_session_refuses(chain: Any, common: Make) -> None:
    with line_to(chain, "rm") as line:
        line.send(common(session_key=""), common(session_key="0" * 16), common())
        assert [line.next().header.status for _ in range(3)] == [105, 105, 0]


def test_a_frame_cut_off_is_dropped(chain: Any, common: Make) -> None:
    ard = b"ARD<USERID=jeanvnet2>"
    with line_to(chain, "rm") as line:
        line.send(common(), common(ard)[:-1])
        assert line.next().header.status == 0
        line.socket.shutdown(socket.SHUT_WR)
        assert line.ended()


def test_a_half_closed_request_still_gets_its_reply(chain: Any, common: Make) -> None:
    with line_to(chain, "rm") as line:
        line.send(common(), common(serial=8))
        line.socket.shutdown(socket.SHUT_WR)
        assert [line.next().header.serial for _ in range(2)] == [7, 8]
        assert line.ended()


def test_a_frame_that_stops_in_the_middle_is_given_up(chain: Any, common: Make) -> None:
    with line_to(chain, "rm") as line:
        line.send(common()[:-1])
        assert line.ended()
    silent = chain.emulator.await_log(lambda log: any("event=silent" in text for text in log))
    assert silent


def test_one_transaction_id_joins_every_hop(chain: Any) -> None:
    with chain.customer() as client:
        since = len(chain.emulator.log)
        client.send(GRTL)
    hops: dict[str, str] = {}
    for _ in range(100):
        for text in chain.emulator.log[since:]:
            facts = dict(word.split("=", 1) for word in text.split() if "=" in word)
            # Lines of the logon may still come in.
            if facts.get("target") == "RM" or facts.get("hop") == "rm":
                # The last of each hop: what is told late of the logon stands before it.
                hops[facts["hop"]] = facts["txn"]
        if len(hops) == 3 and len(set(hops.values())) == 1:
            break
        time.sleep(0.02)
    assert set(hops) == {"web", "dispatcher", "rm"}
    assert len(set(hops.values())) == 1
