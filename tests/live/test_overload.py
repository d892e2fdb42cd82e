"""Floods, slow readers and peers that stop in the middle: 111, bounded memory, and recovery."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped
from starwire.protocol.status import MessageType

DEFAULT = shipped("default")
COMMON = DEFAULT.wire.common
GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
GRTD = b"GRTD<REPORTID=11>"
CONFIG = """
[logon.cost]
n = 16
[capacity]
connections = 20
transactions = 2
octets = 400_000
[[faults]]
kind = "delay"
hop = "rm"
message = "SRTD"
seconds = 0.7
"""
"""Small enough to be reached; the answers to GRTD take their time."""
Start = Callable[..., Any]


class Peer:
    """A connection to the proxy rm under a session of its own user."""

    def __init__(self, chain: Any, key: str) -> None:
        host, _, port = chain.emulator.places["rm"].rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.key = key
        self.close = self.socket.close

    def send(self, message: bytes, *, type: int = 0) -> None:
        header = CommonHeader(1, session_key=self.key, type=type, serial=1)
        self.socket.sendall(COMMON.frame(header, message))

    def begin(self, octets: int) -> None:
        """The header of a frame of so many octets of data, and none of them."""
        whole = COMMON.frame(CommonHeader(1, session_key=self.key, serial=1), bytes(octets))
        self.socket.sendall(whole[: COMMON.size])

    def status(self) -> int:
        """Of the next reply."""
        head = self._exactly(COMMON.size)
        header = COMMON.decode(head)
        self._exactly(header.length - COMMON.size)
        return header.status

    def ask(self, message: bytes) -> int:
        self.send(message)
        return self.status()

    def ended(self) -> bool:
        """Whether the server has closed its side."""
        return self.socket.recv(1) == b""

    def _exactly(self, count: int) -> bytes:
        held = b""
        while len(held) < count:
            more = self.socket.recv(count - len(held))
            assert more, "the server has closed"
            held += more
        return held


@pytest.fixture
def chain(start_chain: Start, tmp_path: Path) -> Any:
    (tmp_path / "small.toml").write_text(CONFIG)
    config = str(tmp_path / "small.toml")
    only = "web,dispatcher,jar,staroe,rm"  # no control API, whose journal takes memory too
    return start_chain('extends = "default"\nname = "test"\n', "--config", config, "--only", only)


@pytest.fixture
def key(chain: Any) -> str:
    with chain.customer() as client:
        return str(client.session.key)


@pytest.fixture
def peers(chain: Any, key: str) -> Iterator[Callable[[], Peer]]:
    with ExitStack() as held:
        yield lambda: held.enter_context(closing(Peer(chain, key)))


def recovers(peer: Callable[[], Peer]) -> bool:
    """Whether soon, without a restart, somebody is answered as ever."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with closing(peer()) as one, suppress(ConnectionError):
            if one.ask(GRTL) == 0:
                return True
        time.sleep(0.05)
    return False


def test_a_transaction_too_many_gets_111_and_the_next_is_answered(peers) -> None:
    several = [peers() for _ in range(5)]
    for peer in several:
        peer.send(GRTD)
    assert sorted(peer.status() for peer in several) == [0, 0, 111, 111, 111]
    assert [several[0].ask(GRTD), several[-1].ask(GRTD)] == [0, 0]


def test_what_is_refused_keeps_the_rules_of_its_transport(peers) -> None:
    busy = [peers() for _ in range(2)]
    for peer in busy:
        peer.send(GRTD)
    refused = peers()
    refused.send(GRTL, type=MessageType.REQUEST)
    assert refused.status() == 111
    assert refused.ended()  # TRN-02
    echo = peers()
    frame = COMMON.frame(CommonHeader(1, echo=1, serial=7), b"")
    echo.socket.sendall(frame)
    assert echo._exactly(len(frame)) == frame


def test_a_connection_too_many_gets_111_and_is_closed(peers) -> None:
    idle = [peers() for _ in range(20)]
    assert idle[-1].ask(GRTL) == 0
    excess = peers()
    assert excess.ask(GRTL) == 111
    assert excess.ended()
    assert idle[0].ask(GRTL) == 0
    idle.pop().close()
    assert recovers(peers)


def test_at_twice_as_many_connections_no_more_are_accepted(chain, peers) -> None:
    many = [peers() for _ in range(40)]
    assert many[0].ask(GRTL) == 0
    too_many = peers()
    with suppress(ConnectionError):
        too_many.send(GRTL)
        assert too_many.ended()
    assert chain.emulator.await_log(lambda log: any("event=too-many" in line for line in log))
    for one in many:
        one.close()
    assert recovers(peers)


def test_web_customers_get_111_too(chain) -> None:
    with ThreadPoolExecutor(5) as pool, ExitStack() as held:
        clients = [held.enter_context(chain.customer()) for _ in range(5)]
        statuses = sorted(reply.status for reply in pool.map(lambda c: c.send(GRTD), clients))
        assert set(statuses) == {0, 111}
        assert clients[0].send(GRTD).status == 0


def test_unfinished_frames_are_held_up_to_a_limit(chain, peers) -> None:
    waiting = []
    refused = None
    while refused is None:
        peer = peers()
        peer.begin(1_000_000)
        peer.socket.sendall(bytes(130_000))
        peer.socket.settimeout(0.3)
        try:
            refused = peer.status()
        except TimeoutError:
            waiting.append(peer)
        assert len(waiting) < 10, "nothing was refused"
    assert refused == 111
    assert peer.ended()
    assert len(waiting) == 3  # of 130,000 octets each, within 400,000
    for one in waiting:
        one.close()
    assert recovers(peers)


def memory(chain: Any) -> int:
    """Octets that the emulator has in use."""
    status = Path(f"/proc/{chain.emulator.process_id}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_a_flood_of_unfinished_frames_takes_no_memory(chain, peers) -> None:
    before = memory(chain)
    for _ in range(150):
        with closing(peers()) as peer:
            peer.begin(1_000_000)
            try:
                peer.socket.sendall(bytes(900_000))
            except ConnectionError:
                continue
    assert memory(chain) - before < 20_000_000
    assert recovers(peers)


def test_replies_that_nobody_reads_are_held_up_to_a_limit(chain, peers) -> None:
    """A reader that stops is not answered on; those who read are, and it is when it reads again."""
    before = memory(chain)
    slow = []
    for _ in range(2):
        peer = peers()
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.socket.settimeout(0.5)
        header = CommonHeader(1, session_key=peer.key, serial=1)
        with suppress(TimeoutError):
            for _ in range(50):  # some 40 megabytes: more than the system holds for two sockets
                peer.socket.sendall(COMMON.frame(header, GRTL) * 10_000)
            pytest.fail("the server read everything ahead")
        slow.append(peer)
    assert memory(chain) - before < 5_000_000
    assert peers().ask(GRTL) == 0
    slow[0].socket.settimeout(10)
    assert [slow[0].status() for _ in range(500)] == [0] * 500
