"""Faults over real sockets: each kind is seen by a client, and gone when it is switched off."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from starwire.harness.client import Client, ClientError
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import BulkHeader, CommonHeader

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"

PROFILE = """
extends = "default"
name = "test"
reply_seconds = 2.0
mid_frame_seconds = 1.5
"""


@pytest.fixture(scope="module")
def chain(start_shared: Callable[..., Any]) -> Any:
    return start_shared(PROFILE)


@pytest.fixture(autouse=True)
def none_left(chain: Any) -> Iterator[None]:
    """Each test begins without faults, and the chain answers when it is over."""
    chain.control("DELETE", "/faults?seed=1")
    yield
    chain.control("DELETE", "/faults")
    with chain.customer() as client:
        assert client.send(GRTL).status == 0


class Line:
    """A connection to the Report Manager's proxy, with a session."""

    def __init__(self, chain: Any) -> None:
        with chain.customer() as client:
            key = client.session.key
        host, _, port = chain.emulator.places["rm"].rpartition(":")
        self.codec = chain.profile.wire.common
        self.reader: FrameReader[Any] = FrameReader(self.codec, chain.profile)
        self.header = CommonHeader(1, session_key=key)
        self.socket = socket.create_connection((host, int(port)), timeout=10)

    def ask(self, serial: int, message: bytes = GRTL, **fields: Any) -> None:
        given = {"session_key": self.header.session_key, "serial": serial, **fields}
        self.socket.sendall(self.codec.frame(CommonHeader(1, **given), message))

    def next(self) -> Frame[Any]:
        while (frame := self.reader.next_frame()) is NEED_DATA:
            data = self.socket.recv(65_536)
            assert data, "closed before a whole frame"
            self.reader.feed(data)
        return frame

    def rest(self) -> bytes:
        """What comes until the other side closes."""
        octets = b""
        while data := self.socket.recv(65_536):
            octets += data
        return octets


@contextmanager
def line_to_rm(chain: Any) -> Iterator[Line]:
    line = Line(chain)
    with line.socket:
        yield line


@pytest.fixture
def whole(chain: Any) -> bytes:
    """The reply to GRTL as it ought to be, serial 1."""
    with line_to_rm(chain) as line:
        line.ask(1)
        frame = line.next()
    assert frame.header.status == 0
    return bytes(frame.octets)


# What a client of the port sees.


def test_a_delay_and_its_jitter_hold_a_reply(chain: Any) -> None:
    with chain.fault(kind="delay", hop="rm", seconds=0.4, jitter=0.1), line_to_rm(chain) as line:
        begun = time.monotonic()
        line.ask(1)
        assert line.next().header.status == 0
        assert 0.3 <= time.monotonic() - begun < 1.5
        [told] = chain.control("GET", "/faults/log")
    assert 0.3 <= float(told.rpartition("seconds=")[2]) <= 0.5


def test_a_drip_sends_every_octet_slowly(chain: Any, whole: bytes) -> None:
    rate, chunk = 2 * len(whole), len(whole) // 4 + 1
    with chain.fault(kind="drip", hop="rm", rate=rate, chunk=chunk), line_to_rm(chain) as line:
        line.ask(1)
        pieces = []
        begun = time.monotonic()
        while sum(map(len, pieces)) < len(whole):
            pieces.append(line.socket.recv(65_536))
        assert 0.3 < time.monotonic() - begun < 2
        key = line.header.session_key.encode()
    header = chain.profile.wire.common.size
    assert b"".join(pieces)[header:] == whole[header:]
    assert key in pieces[0]
    assert [len(piece) for piece in pieces[:3]] == [chunk] * 3


def test_a_reply_is_truncated_where_it_is_told(chain: Any, whole: bytes) -> None:
    with chain.fault(kind="truncate", hop="rm", octets=60), line_to_rm(chain) as line:
        line.ask(1)
        octets = line.rest()
    assert len(octets) == 60
    assert octets[49:] == whole[49:60]


def test_a_header_field_is_set(chain: Any) -> None:
    with chain.fault(kind="corrupt", hop="rm", header="status", to=5), line_to_rm(chain) as line:
        line.ask(1)
        assert line.next().header.status == 5


def test_a_header_field_has_one_bit_turned_over(chain: Any) -> None:
    fault = {"kind": "corrupt", "hop": "rm", "header": "session_key"}
    with chain.fault(**fault), line_to_rm(chain) as line:
        line.ask(1)
        got = line.next().octets[6:38]
        sent = line.header.session_key.encode()
    differing = [one ^ other for one, other in zip(got, sent, strict=True) if one != other]
    assert len(differing) == 1
    assert differing[0].bit_count() == 1


def test_a_reply_has_a_wrong_serial(chain: Any) -> None:
    with chain.fault(kind="wrong-serial", hop="rm", nth=2), line_to_rm(chain) as line:
        for serial in (7, 8, 9):
            line.ask(serial)
        serials = [line.next().header.serial for _ in range(3)]
    assert (serials[0], serials[2]) == (7, 9)
    assert serials[1] != 8


def test_a_request_arrives_with_a_wrong_header(chain: Any) -> None:
    fault = {"kind": "corrupt", "hop": "rm", "direction": "request", "header": "version", "to": 9}
    with chain.fault(**fault), line_to_rm(chain) as line:
        line.ask(1)
        assert line.next().header.status == 101
        assert line.rest() == b""


def test_a_request_that_says_it_is_longer_is_dropped(chain: Any) -> None:
    fault = {"kind": "corrupt", "hop": "rm", "direction": "request", "header": "length"}
    with chain.fault(**fault, to=5000), line_to_rm(chain) as line:
        line.ask(1)
        assert line.rest() == b""


def test_a_reply_comes_twice(chain: Any) -> None:
    with chain.fault(kind="duplicate", hop="rm"), line_to_rm(chain) as line:
        line.ask(7)
        line.ask(8)
        assert [line.next().header.serial for _ in range(4)] == [7, 7, 8, 8]


def test_a_request_is_carried_out_twice(chain: Any) -> None:
    crd = b"CRD<USERRPTID=245,NAME=a copy>"
    fault = {"kind": "duplicate", "hop": "rm", "direction": "request"}
    with chain.fault(**fault), line_to_rm(chain) as line:
        line.ask(7, crd)
        made = [line.next().data for _ in range(2)]
    assert len(set(made)) == 2
    assert all(octets.startswith(b"CRDA<ERROR=0,USERRPTID=") for octets in made)


def test_a_reply_is_held_behind_the_next(chain: Any) -> None:
    with chain.fault(kind="reorder", hop="rm", frame=1), line_to_rm(chain) as line:
        for serial in (7, 8, 9):
            line.ask(serial)
        assert [line.next().header.serial for _ in range(3)] == [8, 7, 9]


@pytest.mark.parametrize("direction", ["request", "reply"])
def test_a_connection_is_closed_without_a_reply(chain: Any, direction: str) -> None:
    fault = {"kind": "close", "hop": "rm", "direction": direction}
    with chain.fault(**fault), line_to_rm(chain) as line:
        line.ask(1)
        assert line.rest() == b""


@pytest.mark.parametrize("direction", ["request", "reply"])
def test_a_connection_is_reset(chain: Any, direction: str) -> None:
    fault = {"kind": "reset", "hop": "rm", "direction": direction}
    with chain.fault(**fault), line_to_rm(chain) as line:
        line.ask(1)
        with pytest.raises(ConnectionResetError):
            line.rest()


def test_a_hang_ends_when_it_is_switched_off(chain: Any) -> None:
    with line_to_rm(chain) as line:
        with chain.fault(kind="hang", hop="rm", message="GRTL"):
            line.ask(1)
            line.socket.settimeout(0.5)
            with pytest.raises(TimeoutError):
                line.socket.recv(1)
        line.socket.settimeout(10)
        assert line.rest() == b""


def test_a_delay_ends_when_it_is_switched_off(chain: Any) -> None:
    with line_to_rm(chain) as line:
        with chain.fault(kind="delay", seconds=3600, hop="rm"):
            line.ask(1)
            line.socket.settimeout(0.5)
            with pytest.raises(TimeoutError):
                line.socket.recv(1)
        line.socket.settimeout(10)
        assert line.next().header.status == 0


def test_a_port_refuses_connections_and_listens_again_at_the_same_number(chain: Any) -> None:
    host, _, port = chain.emulator.places["rm"].rpartition(":")
    for _ in range(3):
        with chain.fault(kind="refuse", hop="rm"):
            time.sleep(0.1)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)), timeout=5)
        socket.create_connection((host, int(port)), timeout=5).close()


def test_what_is_connected_stays_while_a_port_refuses(chain: Any) -> None:
    with line_to_rm(chain) as line, chain.fault(kind="refuse", hop="rm"):
        time.sleep(0.1)
        line.ask(1)
        assert line.next().header.status == 0


def test_a_message_of_a_native_port_can_be_struck(chain: Any) -> None:
    fault = {"kind": "truncate", "hop": "rm-native", "octets": 4}
    with (
        chain.fault(**fault),
        chain.client("rm-native") as client,
        pytest.raises(ClientError, match="without a whole reply"),
    ):
        client.send(GRTL)


def test_an_echo_is_struck_only_by_name(chain: Any) -> None:
    with line_to_rm(chain) as line:
        with chain.fault(kind="close", hop="rm"):
            line.ask(1, b"", echo=1)
            assert line.next().header.echo == 1
        with chain.fault(kind="close", hop="rm", message="echo"):
            line.ask(1, b"", echo=1)
            assert line.rest() == b""


def bulk(chain: Any, line: Line) -> None:
    """Ask for a run of GRTL's answer: a data frame and the end."""
    line.ask(7, chain.profile.wire.bulk.encode(BulkHeader(0)) + GRTL, type=3)


def test_the_frames_of_a_run_are_struck_one_by_one(chain: Any) -> None:
    with chain.fault(kind="duplicate", hop="rm", message="GRTL"), line_to_rm(chain) as line:
        bulk(chain, line)
        assert [line.next().header.status for _ in range(4)] == [3, 3, 4, 4]
    with chain.fault(kind="wrong-serial", hop="rm", type=3), line_to_rm(chain) as line:
        bulk(chain, line)
        frames = [line.next().header for _ in range(2)]
    assert [frame.status for frame in frames] == [3, 4]
    assert len({frame.serial for frame in frames}) == 1
    assert frames[0].serial != 7


def test_a_run_is_truncated_and_dripped(chain: Any) -> None:
    with line_to_rm(chain) as line:
        bulk(chain, line)
        whole = b"".join(line.next().octets for _ in range(2))
    end = len(whole) - 20
    with chain.fault(kind="truncate", hop="rm", octets=end), line_to_rm(chain) as line:
        bulk(chain, line)
        assert len(line.rest()) == end
    drip = {"kind": "drip", "hop": "rm", "rate": 4 * len(whole), "chunk": len(whole) // 10}
    with chain.fault(**drip), line_to_rm(chain) as line:
        begun = time.monotonic()
        bulk(chain, line)
        assert sum(len(line.next().octets) for _ in range(2)) == len(whole)
        assert 0.2 < time.monotonic() - begun < 2


def test_a_run_over_https_is_cut_off(chain: Any) -> None:
    fault = {"kind": "reset", "hop": "rm", "type": 3}
    with chain.customer() as client, chain.fault(**fault):
        header = chain.profile.wire.bulk.encode(BulkHeader(0))
        assert client.send(header + GRTL, type=3).status == 106


# What the chain makes of it.


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "truncate", "octets": 60}, 106),
        ({"kind": "close"}, 106),
        ({"kind": "reset"}, 106),
        ({"kind": "refuse"}, 106),
        ({"kind": "wrong-serial"}, 106),
        ({"kind": "hang"}, 109),
        ({"kind": "delay", "seconds": 60}, 109),
        ({"kind": "corrupt", "header": "type", "to": 9, "direction": "request"}, 106),
        ({"kind": "duplicate"}, 0),
        ({"kind": "delay", "seconds": 0.1, "direction": "request"}, 0),
        ({"kind": "hang", "user": "dorod"}, 0),
    ],
)
def test_a_customer_gets_the_status_of_the_proxys_fault(
    chain: Any, fault: dict[str, Any], status: int
) -> None:
    with chain.customer() as client, chain.fault(hop="rm", **fault):
        time.sleep(0.05)  # a port that refuses needs a turn of the reactor
        assert client.send(GRTL).status == status


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "reset"}, "closes the connection|reset"),
        ({"kind": "close"}, "closes the connection"),
        ({"kind": "truncate", "octets": 60}, "inside its reply"),
        ({"kind": "close", "direction": "request"}, "closes the connection"),
        ({"kind": "refuse"}, "nobody listens there"),
    ],
)
def test_a_customer_gets_no_reply_from_a_web_server_with_a_fault(
    chain: Any, fault: dict[str, Any], reason: str
) -> None:
    with chain.customer() as client:
        client.close()
        with chain.fault(hop="web", **fault):
            time.sleep(0.1)
            with pytest.raises(ClientError, match=reason):
                client.send(GRTL)


def test_the_web_server_drips(chain: Any) -> None:
    with chain.customer() as client:
        fast = client.send(GRTL)
        rate = 4 * len(fast.data)
        begun = time.monotonic()
        with chain.fault(kind="drip", hop="web", rate=rate, chunk=len(fast.data) // 10):
            slow = client.send(GRTL)
    assert 0.2 < time.monotonic() - begun < 2
    assert slow.data == fast.data


def test_a_field_is_wrong_in_the_web_servers_response(chain: Any) -> None:
    fault = {"kind": "corrupt", "hop": "web", "header": "status", "to": 111}
    with chain.customer() as client, chain.fault(**fault):
        assert client.send(GRTL).status == 111


def test_a_wrong_target_is_the_dispatchers_to_refuse(chain: Any) -> None:
    fault = {"kind": "corrupt", "hop": "dispatcher", "direction": "request", "header": "target"}
    with chain.customer() as client, chain.fault(**fault, to="ODS"):
        assert client.send(GRTL).status == 104


# One seed.


def traffic(chain: Any, connections: int) -> None:
    """Three customers ask at the same time, each on several connections."""
    users = [("jeanvnet2", b"00022924"), ("dorod", b"00022924"), ("LynneLevy2", b"10324488")]

    def ask(client: Client, user: bytes, entpid: bytes, which: int) -> None:
        for number in range(8):
            product = b"VTSC"[number % 4 : number % 4 + 1]
            message = b"GURL<USERID=%b,ENTPID=%b,PRODUCT=%b,DATACAT=P,RPTTMPID=%d>"
            with suppress(ClientError):
                client.send(message % (user, entpid, product, which + 1))
        client.close()

    with ThreadPoolExecutor(3 * connections) as pool:
        done = []
        for user, entpid in users:
            for which in range(connections):
                client = chain.client("web")
                client.logon(user, "interact")
                done.append(pool.submit(ask, client, user.encode(), entpid, which))
        for one in done:
            one.result()


def log_of(chain: Any, seed: int) -> list[str]:
    chain.control("DELETE", f"/faults?seed={seed}")
    for fault in (
        {"kind": "delay", "hop": "rm", "seconds": 0.02, "jitter": 0.02, "probability": 0.4},
        {"kind": "reset", "hop": "rm", "message": "GURL", "probability": 0.2},
        {
            "kind": "corrupt",
            "hop": "web",
            "message": "GURL",
            "header": "length",
            "probability": 0.1,
        },
        {"kind": "statement-failure", "message": "GURL", "probability": 0.2},
        {
            "kind": "close",
            "hop": "dispatcher",
            "parameter": "PRODUCT",
            "value": "S",
            "probability": 0.3,
        },
    ):
        chain.control("POST", "/faults", fault)
    traffic(chain, 4)
    log: list[str] = chain.control("GET", "/faults/log")
    return log


def test_two_runs_of_one_seed_have_the_same_log_and_another_seed_has_not(chain: Any) -> None:
    first = log_of(chain, 5)
    assert len(first) > 60
    assert {line.split()[1] for line in first} == {
        *("kind=delay", "kind=reset", "kind=corrupt", "kind=statement-failure", "kind=close")
    }
    assert log_of(chain, 5) == first
    assert log_of(chain, 6) != first
