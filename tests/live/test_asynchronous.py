"""Asynchronous requests over real sockets: polls, restarts, repeats (TRN-02, DSP-06)."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.headers import CommonHeader

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
ARD = (
    b"ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=%b,PRODUCT=S,"
    b"CATEGORY=Analyze Traffic,SCHEDTYPE=R,TIMEZONE=45,"
    b"BILLING=INBOUND<<90000003,90000003><NA,NA><NA,NA>>,EMAIL=0,PAGE=0>"
)
REQUEST, POLL = 1, 2


def wait_for(client: Any, identifier: bytes, proxy: str = "RM") -> Any:
    """Poll until there is a result."""
    for _ in range(200):
        reply = client.send(identifier, proxy=proxy, type=POLL)
        if reply.status != 2:
            return reply
        assert reply.data == b""
        time.sleep(0.02)
    raise AssertionError("it is never done")


@pytest.mark.parametrize(
    ("message", "proxy", "status", "begins"),
    [
        (GRTL, "RM", 0, b"SRTL<ERROR=0,REPORTS=<Financial=<Longest Calls,"),
        (b"GRTL<>", "RM", 100, b"SRTL<ERROR=6827>"),
        (b"<<<", "RM", 100, b"<ERROR=6612>"),
        (b"", "INBOX", 100, b"Z<REQ=,ERROR=5101>"),
        (b"URS<USERRPTID=1,ACTIVE=1>", "RS", 100, b"URSA<ERROR=6109>"),
    ],
)
def test_the_outcome_comes_with_the_poll(
    chain: Any, message: bytes, proxy: str, status: int, begins: bytes
) -> None:
    with chain.customer() as client:
        accepted = client.send(message, proxy=proxy, type=REQUEST)
        assert accepted.status == 1
        assert len(accepted.data) == 20
        assert accepted.data.isdigit()
        reply = wait_for(client, accepted.data, proxy)
        assert reply.status == status
        assert reply.data.startswith(begins)
        assert wait_for(client, accepted.data, proxy).data == reply.data
    at_once = chain.customer()
    with at_once:
        assert at_once.send(message, proxy=proxy).data == reply.data


def test_only_its_user_finds_it_and_only_where_it_was_asked(chain: Any) -> None:
    with chain.customer() as client, chain.customer("dorod") as other, chain.customer() as again:
        identifier = client.send(GRTL, type=REQUEST).data
        wait_for(client, identifier)
        assert wait_for(again, identifier).status == 0
        assert other.send(identifier, type=POLL).status == 108
        assert client.send(identifier, proxy="INBOX", type=POLL).status == 108
        assert client.send(b"0" * 20, type=POLL).status == 108
        assert client.send(b"GRTL<>", type=POLL).status == 108


def test_star_oe_takes_none(chain: Any) -> None:
    with chain.customer() as client:
        for kind in (REQUEST, POLL):
            assert client.send(b"GUA<USERID=jeanvnet2>", proxy="STAROE", type=kind).status == 107


@pytest.mark.parametrize(
    ("kind", "key", "status"), [(1, True, 1), (2, True, 108), (1, False, 105), (2, False, 105)]
)
def test_the_proxy_closes_behind_each_and_drops_what_follows(
    chain: Any, kind: int, key: bool, status: int
) -> None:
    with chain.customer() as client:
        session = client.session.key if key else "nobody"
    codec = chain.profile.wire.common
    frames = [
        codec.frame(CommonHeader(1, session_key=session, type=kind, serial=900 + kind), b"x"),
        codec.frame(CommonHeader(1, session_key=session, type=0, serial=7), GRTL),
    ]
    host, _, port = chain.emulator.places["rm"].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"".join(frames))
        reader = FrameReader(codec, chain.profile)
        while data := connection.recv(65_536):
            reader.feed(data)
    frame = reader.next_frame()
    assert frame is not NEED_DATA
    assert (frame.header.status, frame.header.serial) == (status, 900 + kind)
    assert reader.next_frame() is NEED_DATA
    assert not reader.cut_off


def test_an_equal_frame_is_the_same_request(chain: Any) -> None:
    with chain.customer() as client, chain.client("rm") as proxy:
        key = client.session.key
        codec = chain.profile.wire.common
        name = f"once {time.time()}".encode()
        frame = codec.frame(CommonHeader(1, session_key=key, type=REQUEST, serial=4711), ARD % name)
        host, _, port = chain.emulator.places["rm"].rpartition(":")
        answers = set()
        for _ in range(5):
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(frame)
                said = b""
                while data := connection.recv(65_536):
                    said += data
                answers.add(said)
        assert len(answers) == 1
        proxy.session = client.session
        wait_for(proxy, answers.pop()[-20:])
        listed = client.send(
            b"GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>"
        )
        assert listed.data.count(name) == 1


Start = Callable[..., Any]


def test_what_was_accepted_is_done_once_through_kills(start_chain: Start) -> None:
    chain = start_chain()
    with chain.customer() as client:
        session = client.session
    names = [f"kept {number}".encode() for number in range(12)]
    identifiers = []
    for start in range(0, len(names), 3):
        with chain.client("web") as client:
            client.session = session
            for name in names[start : start + 3]:
                accepted = client.send(ARD % name, type=REQUEST)
                assert accepted.status == 1
                identifiers.append(accepted.data)
        chain.emulator.kill()
        chain = start_chain()
    with chain.client("web") as client:
        client.session = session
        replies = [wait_for(client, identifier) for identifier in identifiers]
        listed = client.send(
            b"GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>"
        )
    assert {reply.status for reply in replies} == {0}
    assert len({reply.data for reply in replies}) == len(names)
    for name, reply in zip(names, replies, strict=True):
        report = reply.message()["USERRPTID"].value.scalar.encode()
        assert listed.data.count(b"<" + name + b"," + report + b",") == 1
    assert listed.data.count(b"kept ") == len(names)


def test_send_polls_until_there_is_a_result(start_chain: Start) -> None:
    chain = start_chain()
    words = [sys.executable, "-m", "starwire.harness.cli", "send", "--type", "async", "--trace"]
    words += ["--to", chain.emulator.target("web"), "--user", "jeanvnet2"]
    for message, code, out in ((GRTL, 0, "SRTL<ERROR=0,"), (b"GRTL<>", 1, "SRTL<ERROR=6827>")):
        done = subprocess.run(
            [*words, "--password", "interact", message.decode()],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.returncode, done.stdout[: len(out)]) == (code, out)
        assert "type=1(request)" in done.stderr
        assert "type=2(poll)" in done.stderr
