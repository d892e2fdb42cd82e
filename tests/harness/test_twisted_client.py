"""The Twisted client: the same answers, and the same words for what does not answer.

On a memory reactor where that will do; with a real one, in a process of its own, beside the
blocking client at the same servers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from starwire.harness.client import Client, ClientError
from starwire.harness.envelopes import Session
from starwire.harness.twisted_client import TwistedClient
from starwire.protocol.profile import load_profile

# On a memory reactor.


class Played:
    """A client, and the server's end of the connection that it has opened."""

    def __init__(self, target: str = "native://127.0.0.1:1") -> None:
        self.reactor = MemoryReactorClock()
        self.client = TwistedClient(self.reactor, target, seconds=5)

    def connect(self) -> tuple[Any, StringTransport]:
        host, port, factory, *_ = self.reactor.tcpClients[-1]
        assert (host, port) == ("127.0.0.1", 1)
        protocol = factory.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport


def result(deferred: Deferred[Any]) -> Any:
    """What it has given already."""
    found: list[Any] = []
    deferred.addBoth(found.append)
    assert found, "it has given nothing yet"
    return found[0]


def why(deferred: Deferred[Any]) -> str:
    failure = result(deferred)
    assert isinstance(failure.value, ClientError)
    return str(failure.value)


def test_one_connection_for_one_transaction_whatever_the_fragmentation() -> None:
    played = Played("proxy://127.0.0.1:1")
    played.client.session = Session("k" * 32, "u", "e")
    for serial in (b"\1", b"\2"):
        sent = played.client.send(b"A<>")
        protocol, transport = played.connect()
        head = b"\0" + b"k" * 32 + b"\0\0\0\0\0\0\0\0" + serial + b"\0\0"
        assert transport.value() == b"\x01\0\0\0\x34" + head + b"A<>"
        for octet in b"\x01\0\0\0\x34" + head + b"B<>":
            assert not sent.called
            protocol.dataReceived(bytes([octet]))
        assert result(sent).data == b"B<>"
        assert transport.disconnecting
        protocol.connectionLost(Failure(ConnectionDone()))
    assert played.reactor.getDelayedCalls() == []


def test_octets_behind_the_reply_are_nobody_s() -> None:
    played = Played()
    sent = played.client.send(b"A<>")
    protocol, _ = played.connect()
    protocol.dataReceived(b"B<>C<>")
    protocol.dataReceived(b"garbage>")
    assert result(sent).data == b"B<>"


def test_no_reply_in_time() -> None:
    played = Played()
    sent = played.client.send(b"A<>")
    protocol, transport = played.connect()
    protocol.dataReceived(b"B<")
    played.reactor.advance(4.9)
    assert not sent.called
    played.reactor.advance(0.1)
    assert why(sent) == "native://127.0.0.1:1: does not answer in time"
    assert transport.disconnected
    protocol.connectionLost(Failure(ConnectionDone()))


def test_no_connection_in_time() -> None:
    played = Played()
    sent = played.client.send(b"A<>")
    played.reactor.advance(5)
    assert why(sent) == "native://127.0.0.1:1: does not answer in time"
    assert played.reactor.connectors[0].stoppedConnecting


def test_no_connection() -> None:
    played = Played()
    sent = played.client.send(b"A<>")
    _, _, factory, *_ = played.reactor.tcpClients[0]
    factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    assert why(sent) == "native://127.0.0.1:1: nobody listens there; is the server started?"
    assert played.reactor.getDelayedCalls() == []


def test_garbage_ends_the_connection() -> None:
    played = Played()
    sent = played.client.send(b"A<>")
    protocol, transport = played.connect()
    protocol.dataReceived(b">")
    assert "sends no reply of this wire: octet 0" in why(sent)
    assert transport.disconnected
    protocol.connectionLost(Failure(ConnectionDone()))


def test_what_cannot_be_sent_opens_no_connection() -> None:
    played = Played("dispatcher://127.0.0.1:1")
    told = why(played.client.send(b"A<>", proxy="NINECHARS"))
    assert "cannot be sent: dispatcher.target: 9 octets do not fit 8" in told
    web = Played("http://127.0.0.1:1")
    told = why(web.client.logon("a<b", "interact"))
    assert "cannot be sent: USERID: '<' cannot be data" in told
    assert played.reactor.tcpClients == web.reactor.tcpClients == []


def test_a_mistake_of_our_own_is_no_mishap_of_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played()
    monkeypatch.setattr(played.client, "_envelope", None)
    failure = result(played.client.send(b"A<>"))
    assert isinstance(failure.value, AttributeError)


def test_a_file_that_holds_no_certificate(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    for path, reason in ((empty, "holds no certificate"), (tmp_path / "x", "No such file")):
        with pytest.raises(ClientError) as refused:
            TwistedClient(MemoryReactorClock(), "https://h:1", ca=str(path))
        assert str(refused.value).startswith(f"{path}: {reason}")


# With a real reactor.

DRIVER = """
import json, sys
from twisted.internet import reactor, task
from starwire.harness import target
from starwire.harness.client import ClientError
from starwire.harness.twisted_client import TwistedClient
from starwire.protocol.profile import load_profile

async def told(calling):
    try:
        done = await calling
    except ClientError as error:
        return str(error)
    return done.data.decode() if hasattr(done, "data") else done.user_id

async def main(reactor):
    if "--far" in sys.argv:
        target.Target.is_loopback = False
    for line in sys.stdin:
        asked = json.loads(line)
        options = asked["options"]
        if "profile" in options:
            options["profile"] = load_profile(options["profile"])
        client = TwistedClient(reactor, asked["target"], **options)
        answers = []
        for name, *arguments in asked["calls"]:
            if name == "send":
                arguments = [one.encode() for one in arguments]
            answers.append(await told(getattr(client, name)(*arguments)))
        await client.close()
        print(json.dumps(answers), flush=True)
    # What a closed connection still has to say.
    await task.deferLater(reactor, 0.05)
    left = reactor.getDelayedCalls() + reactor.removeAll()
    print(json.dumps([repr(one) for one in left]))

task.react(lambda reactor: task.ensureDeferred(main(reactor)))
"""

Calls = list[list[str]]


def with_twisted(asked: list[dict[str, Any]], *options: str) -> list[list[str]]:
    """What a Twisted client is told, in a process of its own that leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRIVER, *options],
        input="".join(json.dumps(one) + "\n" for one in asked),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    *answers, left = map(json.loads, done.stdout.splitlines())
    assert left == []
    return answers


def blocking(target: str, options: dict[str, Any], calls: Calls) -> list[str]:
    """What the blocking client is told."""
    answers = []
    if "profile" in options:
        options = {**options, "profile": load_profile(options["profile"])}
    with Client(target, **options) as client:
        for name, *arguments in calls:
            given: list[Any] = [one.encode() for one in arguments] if name == "send" else arguments
            try:
                done = getattr(client, name)(*given)
            except ClientError as error:
                answers.append(str(error))
            else:
                answers.append(done.data.decode() if hasattr(done, "data") else done.user_id)
    return answers


KEY = b"0123456789abcdef0123456789abcdef"
WEB = b"\x01" + KEY + b"\x01\x00\x00\x00"
REST = b"STAROE  \x00" + b" " * 28 + bytes(34)
LOGON = WEB + b"\x76" + REST + b"VUMA<ERROR=0,USERID=dorod,ENTPID=00022924>"
ANSWER = WEB + b"\x4f" + REST + b"B<>"
AWAY = b"\x01" + bytes(32) + b"\x01\x00\x00\x00\x4c" + REST[:-2] + b"\x00\x6a"
REFUSED = b"\x01" + bytes(32) + b"\x01\x00\x00\x00\x5c" + REST + b"VUMA<ERROR=6115>"


def posts(http_ok: Any, *bodies: bytes, **options: Any) -> Callable[[Any, Any], None]:
    """A web server that answers its connection's posts with these bodies."""

    def answer(connection: Any, server: Any) -> None:
        for body in bodies:
            if server.read_post(connection):
                connection.sendall(http_ok(body, **options))

    return answer


def says(kind: str, octets: bytes) -> Callable[[Any, Any], None]:
    """A server that answers anything with that, and closes."""

    def answer(connection: Any, server: Any) -> None:
        server.read_request(kind, connection)
        connection.sendall(octets)

    return answer


SMALL = """
extends = "default"
name = "small"
frame_octets = 200
bulk_frame_octets = 200
bulk_chunk = 50
limits.octets = 100
"""


def endless(connection: Any, server: Any) -> None:
    """A server whose body has no end, as long as somebody reads it."""
    server.read_post(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not server.done.is_set():
        connection.sendall(b"64\r\n" + bytes(100) + b"\r\n")


def test_both_clients_are_told_the_same(serve: Any, http_ok: Any, nobody: int) -> None:
    http = b"HTTP/1.1 200 OK\r\n"
    day: Calls = [["logon", "dorod", "interact"], ["send", "A<1>"], ["send", "A<2>"], ["logoff"]]
    send: Calls = [["send", "A<>"]]
    table: list[tuple[str, Callable[[Any, Any], None], Calls]] = [
        ("http", posts(http_ok, LOGON, ANSWER, ANSWER, ANSWER), day),
        ("http", posts(http_ok, ANSWER, headers=b"Connection: close\r\n"), [*send, *send]),
        ("http", posts(http_ok, REFUSED), [["logon", "dorod", "wrong"]]),
        ("http", posts(http_ok, AWAY), [["logon", "dorod", "interact"]]),
        ("native", says("native", b""), [["logon", "dorod", "interact"]]),
        ("http", posts(http_ok, LOGON.replace(b"USERID", b"SOMEID")), [["logon", "a", "b"]]),
        ("http", posts(http_ok, b"down\nx", status=b"503 Oh"), send),
        ("http", posts(http_ok, b"OK"), send),
        ("http", posts(http_ok, ANSWER[:-1]), send),
        ("http", says("http", http + b"\r\n" + ANSWER), send),
        ("http", says("http", http + b"Content-Length: 1\r\n\r\n"), send),
        ("http", says("http", b""), send),
        ("native", says("native", b"B<ERROR=0>"), send),
        ("native", says("native", b"B<ERROR"), send),
        ("native", says("native", b">"), send),
        ("proxy", says("proxy", b"\x02"), send),
        ("dispatcher", says("dispatcher", b"\x01\x00\x00\x00\x4b"), send),
        ("native", lambda connection, server: server.done.wait(5), send),
        ("http", lambda connection, server: server.done.wait(5), send),
        ("https", says("https", http + b"\r\n"), send),
        ("http", endless, send),
    ]
    cases: list[dict[str, Any]] = []
    for kind, script, calls in table:
        options: dict[str, Any] = {"seconds": 0.3 if "lambda" in script.__name__ else 5}
        if script is endless:
            options["profile"] = SMALL
        cases.append({"target": serve(script).target(kind), "options": options, "calls": calls})
    for kind in ("native", "http", "https"):
        target = f"{kind}://127.0.0.1:{nobody}"
        cases.append({"target": target, "options": {"seconds": 5}, "calls": send})
    for target in ("native://nobody.invalid:1", "http://nobody.invalid:1"):
        cases.append({"target": target, "options": {"seconds": 5}, "calls": send})
    expected = [blocking(**case) for case in cases]
    assert expected[0] == ["dorod", "B<>", "B<>", "B<>"]
    assert any("a body of more than 233 octets" in answers[0] for answers in expected)
    assert with_twisted(cases) == expected


def test_tls_as_the_blocking_client_has_it(
    serve: Any, http_ok: Any, tls: Any, certificate: Path
) -> None:
    calls: Calls = [["send", "A<1>"], ["send", "A<2>"]]
    server = serve(posts(http_ok, ANSWER, ANSWER), tls)
    here, elsewhere = server.target("https"), f"https://localhost:{server.port}"
    trusting = {"seconds": 5, "ca": str(certificate)}
    cases: list[dict[str, Any]] = [
        {"target": here, "options": {"seconds": 5}, "calls": calls},
        {"target": here, "options": trusting, "calls": calls},
        {"target": here, "options": {"seconds": 5, "insecure": True}, "calls": calls},
    ]
    assert with_twisted(cases) == [["B<>", "B<>"]] * 3
    [[told]] = with_twisted([{"target": elsewhere, "options": trusting, "calls": calls[:1]}])
    assert told.startswith(f"{elsewhere}/nmci: its certificate is not trusted (")
    [[told]] = with_twisted([{**cases[0], "calls": calls[:1]}], "--far")
    assert told == (
        f"{here}/nmci: its certificate is not trusted (certificate verify failed); "
        "name it with --ca, or use --insecure"
    )
