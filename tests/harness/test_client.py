"""The blocking client against small servers: what answers, and what is said of what does not."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client, ClientError, LogonRefused
from starwire.harness.envelopes import NO_SESSION, Session
from starwire.harness.target import Target, TargetError
from starwire.protocol.profile import load_profile

KEY = b"0123456789abcdef0123456789abcdef"
QUICK = 0.3
"""Seconds after which a client gives up where that is what is tested."""


def dispatcher(data: bytes, status: bytes = b"\0\0") -> bytes:
    length = (76 + len(data)).to_bytes(4, "big")
    return b"\x01" + length + b"RM      \x00" + b" " * 28 + bytes(32) + status + data


def common(data: bytes, serial: int) -> bytes:
    length = (49 + len(data)).to_bytes(4, "big")
    return b"\x01" + length + b"\0" + bytes(32) + b"\0" + serial.to_bytes(8, "big") + b"\0\0" + data


def web(data: bytes, key: bytes = bytes(32), status: bytes = b"\0\0") -> bytes:
    return b"\x01" + key + dispatcher(data, status)


def failed(action: Callable[[], Any]) -> str:
    """Why the client could not do it, in one line."""
    with pytest.raises(ClientError) as refused:
        action()
    assert "\n" not in str(refused.value)
    return str(refused.value)


# Answers.


def test_a_message_and_its_reply_on_a_native_port(serve: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        for _ in range(2):
            server.read(connection, 4)
            connection.sendall(b"B<ERR")
            connection.sendall(b"OR=0>")

    server = serve(answer)
    with Client(server.target("native"), seconds=5) as client:
        for message in (b"A<1>", b"A<2>"):
            reply = client.send(message)
            assert reply.data == b"B<ERROR=0>"
            assert client.sent == message
            assert client.received is reply
    assert server.requests == [b"A<1>", b"A<2>"]
    assert server.connections == 1


def test_the_session_and_a_serial_go_into_the_frames_of_a_proxy(serve: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        for serial in (1, 2):
            server.read(connection, 53)
            connection.sendall(common(b"B<>", serial))

    server = serve(answer)
    with Client(server.target("proxy"), seconds=5) as client:
        client.session = Session(KEY.decode(), "u", "e")
        replies = [client.send(b"A<1>"), client.send(b"A<2>")]
    assert [reply.data for reply in replies] == [b"B<>", b"B<>"]
    head = b"\x01\x00\x00\x00\x35\x00" + KEY + b"\x00"
    assert server.requests == [
        head + b"\0\0\0\0\0\0\0\1\0\0A<1>",
        head + b"\0\0\0\0\0\0\0\2\0\0A<2>",
    ]


def test_logon_and_logoff_at_a_web_server(serve: Any, http_ok: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        logon = b"VUMA<ERROR=0,USERID=dorod,ENTPID=00022924>"
        for reply in (web(logon, KEY), web(b"B<>", KEY), web(b"")):
            server.read_post(connection)
            connection.sendall(http_ok(reply))

    server = serve(answer)
    with Client(server.target("http"), seconds=5) as client:
        session = client.logon("dorod", "interact")
        assert session == client.session == Session(KEY.decode(), "dorod", "00022924")
        assert client.send(b"A<>", proxy="RM").data == b"B<>"
        assert client.logoff().status == 0
        assert client.session == NO_SESSION
    bodies = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert bodies[0].startswith(b"\x00" + bytes(32) + b"\x01")
    assert bodies[0].endswith(b"VUM<USERID=dorod,PASSWORD=interact>")
    assert bodies[1] == b"\x01" + KEY + dispatcher(b"A<>")
    assert bodies[2][:33] == b"\x02" + KEY
    assert server.connections == 1
    head = server.requests[1].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"POST /nmci HTTP/1.1"
    assert b"Host: 127.0.0.1:%d" % server.port in head
    assert b"Content-Type: application/octet-stream" in head


def test_a_refused_logon(serve: Any, http_ok: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        connection.sendall(http_ok(web(b"VUMA<ERROR=6115>", status=b"\0\x64")))

    server = serve(answer)
    client = Client(server.target("http"), seconds=5)
    with client, pytest.raises(LogonRefused) as refused:
        client.logon("dorod", "wrong")
    assert str(refused.value) == f"{client.target} refuses user 'dorod' with that password"
    assert client.session == NO_SESSION


def test_a_logon_that_nobody_has_judged_is_no_refusal(serve: Any, http_ok: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        connection.sendall(http_ok(web(b"", status=b"\0\x6a")))

    with Client(serve(answer).target("http"), seconds=5) as client:
        told = failed(lambda: client.logon("dorod", "interact"))
    assert told == f"{client.target}: logs nobody on: status 106, unavailable"


def test_only_web_servers_take_a_logon(nobody: int) -> None:
    for kind in ("native", "proxy", "dispatcher"):
        client = Client(f"{kind}://127.0.0.1:{nobody}")
        told = failed(lambda client=client: client.logon("dorod", "interact"))
        assert told == f"{client.target} takes no logon: only https and http targets do"


@pytest.mark.parametrize(
    "headers", [b"Transfer-Encoding: chunked\r\n", b"", b"Connection: close\r\n"]
)
def test_bodies_without_a_length(serve: Any, headers: bytes) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        body = web(b"B<>")
        if b"chunked" in headers:
            # 33 octets of the web header and 79 of the dispatcher's frame
            body = b"21\r\n" + body[:33] + b"\r\n4f\r\n" + body[33:] + b"\r\n0\r\n\r\n"
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + body)

    with Client(serve(answer).target("http"), seconds=5) as client:
        assert client.send(b"A<>").data == b"B<>"


# Connections that end.


def test_an_idle_connection_that_was_closed_is_opened_anew_without_repeating_a_request(
    serve: Any, http_ok: Any
) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        connection.sendall(http_ok(web(b"B<>")))

    server = serve(answer)
    with Client(server.target("http"), seconds=5) as client:
        for message in (b"A<1>", b"A<2>", b"A<3>"):
            assert client.send(message).data == b"B<>"
            time.sleep(0.05)  # the end of the connection is on its way
    assert [request[-4:] for request in server.requests] == [b"A<1>", b"A<2>", b"A<3>"]
    assert server.connections == 3


def test_an_idle_native_connection_too(serve: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read(connection, 4)
        connection.sendall(b"B<>")

    server = serve(answer)
    with Client(server.target("native"), seconds=5) as client:
        for message in (b"A<1>", b"A<2>"):
            assert client.send(message).data == b"B<>"
            time.sleep(0.05)
    assert server.requests == [b"A<1>", b"A<2>"]
    assert server.connections == 2


def test_a_request_that_was_lost_with_its_connection_is_not_repeated(
    serve: Any, http_ok: Any
) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        if server.connections == 1:
            connection.sendall(http_ok(web(b"B<>")))
            server.read_post(connection)

    server = serve(answer)
    with Client(server.target("http"), seconds=5) as client:
        client.send(b"A<1>")
        assert "closes the connection without a reply" in failed(lambda: client.send(b"A<2>"))
        assert (client.sent[-4:], client.received) == (b"A<2>", None)
    assert [request[-4:] for request in server.requests] == [b"A<1>", b"A<2>"]
    assert server.connections == 1


def test_octets_that_nobody_asked_for_are_not_the_next_reply(serve: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read(connection, 4)
        connection.sendall(b"B<%d>" % server.connections)
        time.sleep(0.05)
        connection.sendall(b"STALE<>")
        server.done.wait(5)

    server = serve(answer)
    with Client(server.target("native"), seconds=5) as client:
        assert client.send(b"A<1>").data == b"B<1>"
        time.sleep(0.1)
        server.done.set()
        assert client.send(b"A<2>").data == b"B<2>"


# No answer.


@pytest.mark.parametrize("kind", ["native", "proxy", "dispatcher", "http", "https"])
def test_nobody_there(nobody: int, kind: str) -> None:
    target = f"{kind}://127.0.0.1:{nobody}"
    with Client(target, seconds=5) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert told == f"{client.target}: nobody listens there; is the server started?"


def test_no_such_host() -> None:
    with Client("native://nobody.invalid:1", seconds=5) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert told == "native://nobody.invalid:1: there is no such host"


@pytest.mark.parametrize("kind", ["native", "proxy", "dispatcher", "http", "https"])
def test_no_reply_in_time(serve: Any, kind: str) -> None:
    server = serve(lambda connection, server: server.done.wait(5))
    began = time.monotonic()
    with Client(server.target(kind), seconds=QUICK) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert told == f"{client.target}: does not answer in time"
    assert QUICK <= time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("native", b"B<" + b" " * 500),
        ("proxy", common(b"B<>", 1)),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + bytes(500)),
        ("http", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500),
    ],
)
def test_a_reply_that_drips_ends_with_the_time_of_the_transaction(
    serve: Any, kind: str, sent: bytes
) -> None:
    def drip(connection: Any, server: Any) -> None:
        for octet in sent:
            connection.sendall(bytes([octet]))
            if server.done.wait(0.02):
                return

    began = time.monotonic()
    with Client(serve(drip).target(kind), seconds=QUICK) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert told == f"{client.target}: does not answer in time"
    assert time.monotonic() - began < 3


def test_each_transaction_has_the_whole_time(serve: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        for _ in range(3):
            server.read(connection, 3)
            time.sleep(0.2)
            connection.sendall(b"B<>")

    with Client(serve(answer).target("native"), seconds=0.5) as client:
        assert [client.send(b"A<>").data for _ in range(3)] == [b"B<>"] * 3


@pytest.mark.parametrize(
    ("kind", "sent", "reason"),
    [
        ("native", b"", "sends no reply of this wire: the connection was closed without a whole"),
        ("native", b"B<ERROR=0", "closed without a whole reply"),
        ("native", b"no message>", "sends no reply of this wire: octet 10: '>' stands where"),
        ("proxy", common(b"B<>", 1)[:-1], "closed without a whole reply"),
        ("proxy", b"HTTP/1.1 400 Bad Request\r\n\r\n", "version 72 is not 1"),
        ("dispatcher", dispatcher(b"B<>")[:75], "closed without a whole reply"),
        ("dispatcher", b"\x01\x00\x00\x00\x4b", "length 75 is below the 76 octets of the header"),
        ("dispatcher", b"\x01\xff\xff\xff\xff", "length 4294967295 is over 16777216"),
        ("http", b"", "closes the connection without a reply"),
        ("http", b"\x15\x03\x01\x00\x02\x02\x50", r"sends no HTTP: '\x15\x03\x01\x00\x02\x02P'"),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "inside its reply"),
        (
            "http",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "inside its reply",
        ),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", "a body of 2 octets: web: "),
        (
            "http",
            b"HTTP/1.1 200 OK\r\nContent-Length: 16777250\r\n\r\n",
            "a body of 16777250 octets, at most 16777249 are allowed",
        ),
    ],
)
def test_what_is_no_reply(serve: Any, kind: str, sent: bytes, reason: str) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_request(kind, connection)
        connection.sendall(sent)

    with Client(serve(answer).target(kind), seconds=5) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert told.startswith(f"{client.target}: ")
    assert reason in told
    assert client.received is None
    assert client.sent.endswith(b"A<>")


def test_a_body_without_end_is_read_no_further_than_a_reply_can_reach(serve: Any) -> None:
    profile = load_profile(
        'extends = "default"\nname = "small"\nframe_octets = 200\nbulk_frame_octets = 200\n'
        "bulk_chunk = 50\nlimits.octets = 100\n"
    )

    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.done.is_set():
            connection.sendall(b"64\r\n" + bytes(100) + b"\r\n")

    with Client(serve(answer).target("http"), profile=profile, seconds=5) as client:
        for _ in range(2):
            told = failed(lambda: client.send(b"A<>"))
            assert "a body of more than 233 octets" in told


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (b"503 Unavailable", b"the dispatcher is away\n", "HTTP 503 the dispatcher is away"),
        (b"404 Not Found", b"", "HTTP 404"),
        (b"400 Bad", b" two\nlines ", "HTTP 400 two"),
        (b"500 Oh", b"\x1b[2J" + b"x" * 2000, rf"HTTP 500 \x1b[2J{'x' * 196}"),
    ],
)
def test_an_http_status_with_what_the_server_says(
    serve: Any, http_ok: Any, status: bytes, body: bytes, told: str
) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        connection.sendall(http_ok(body, status=status))

    with Client(serve(answer).target("http"), seconds=5) as client:
        said = failed(lambda: client.send(b"A<>"))
    assert said == f"{client.target}: {told}"


def test_half_a_session_is_no_reply(serve: Any, http_ok: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        server.read_post(connection)
        connection.sendall(http_ok(web(b"VUMA<ERROR=0>", KEY)))

    with Client(serve(answer).target("http"), seconds=5) as client:
        told = failed(lambda: client.logon("dorod", "interact"))
    assert told.endswith("sends no reply of this wire: a session without USERID")


# What cannot be sent, and to nobody.


def test_what_cannot_be_sent(nobody: int) -> None:
    with Client(f"dispatcher://127.0.0.1:{nobody}", seconds=5) as client:
        told = failed(lambda: client.send(b"A<>", proxy="NINECHARS"))
    assert told.endswith(": cannot be sent: dispatcher.target: 9 octets do not fit 8")
    with Client(f"http://127.0.0.1:{nobody}", seconds=5) as client:
        told = failed(lambda: client.logon("a<b", "interact"))
    assert told.endswith("cannot be sent: USERID: '<' cannot be data")


def test_a_target_that_names_no_place() -> None:
    with pytest.raises(TargetError, match="is no target"):
        Client("nowhere")


# TLS.


@pytest.fixture
def tls_server(serve: Any, http_ok: Any, tls: ssl.SSLContext) -> Any:
    """A web server that answers with TLS."""

    def answer(connection: Any, server: Any) -> None:
        while server.read_post(connection):
            connection.sendall(http_ok(web(b"B<>")))

    return serve(answer, tls)


def test_a_loopback_host_is_not_verified_and_another_with_its_certificate(
    tls_server: Any, certificate: Path
) -> None:
    for options in ({}, {"ca": str(certificate)}, {"insecure": True}):
        with Client(tls_server.target("https"), seconds=5, **options) as client:
            assert [client.send(b"A<>").data for _ in range(2)] == [b"B<>", b"B<>"]
    assert tls_server.connections == 3


def test_a_certificate_that_is_not_trusted(
    tls_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it were a host elsewhere: what is not on this machine is verified.
    monkeypatch.setattr(Target, "is_loopback", False)
    with Client(tls_server.target("https"), seconds=5, insecure=True) as client:
        assert client.send(b"A<>").data == b"B<>"
    with Client(tls_server.target("https"), seconds=5) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert told == (
        f"{client.target}: its certificate is not trusted (self-signed certificate); "
        "name it with --ca, or use --insecure"
    )


def test_a_certificate_for_another_host(tls_server: Any, certificate: Path) -> None:
    target = f"https://localhost:{tls_server.port}"
    with Client(target, ca=str(certificate), seconds=5) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in told
    assert "its certificate is not trusted" in told


def test_tls_where_there_is_none(serve: Any) -> None:
    def answer(connection: Any, server: Any) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Client(serve(answer).target("https"), seconds=5) as client:
        told = failed(lambda: client.send(b"A<>"))
    assert told == f"{client.target}: TLS fails: wrong version number"


def test_a_file_that_holds_no_certificate(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    for path, reason in ((empty, "holds no certificate"), (tmp_path / "x", "No such file")):
        told = failed(lambda path=path: Client("https://h:1", ca=str(path)))
        assert told.startswith(f"{path}: {reason}")
        assert told.endswith("; give a file of PEM certificates")
