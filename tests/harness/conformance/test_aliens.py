"""Targets that are no starwire at all get a clear verdict, soon, and cannot fill the memory."""

import os
import random
import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome, Result
from starwire.harness.conformance.wiring import Asked
from starwire.harness.emulator import certificate
from starwire.protocol.profile import shipped

Handler = Callable[[socket.socket], None]
PATIENCE = 0.5
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
NOISE = random.Random(1).randbytes(65_536)


@contextmanager
def served(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that gives each connection to a handler, in threads."""
    listening = socket.create_server(("127.0.0.1", 0))

    def handle(connection: socket.socket) -> None:
        with suppress(OSError):
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                handler(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(5)


def echo(connection: socket.socket) -> None:
    while octets := connection.recv(65_536):
        connection.sendall(octets)


def silence(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def flood_of(octets: bytes) -> Handler:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(octets)

    return flood


def endless_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    flood_of(b"A" * 65_536)(connection)


def drip(connection: socket.socket) -> None:
    for _ in range(10_000):
        connection.sendall(b"<")
        time.sleep(0.0001)


def checked(target: str) -> tuple[str, list[Result]]:
    """Why the run stopped, and its results."""
    asked = Asked(target=target, profile=shipped("default"), patience=PATIENCE)
    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = begin(asked)
    try:
        results = run.results()
    finally:
        run.close()
    assert time.perf_counter() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024
    return run.stopped, results


def assert_nothing_more_was_asked(place: str, results: list[Result]) -> None:
    """One sanity case failed, and all the others at the place wait for it."""
    (failed,) = (one for one in results if one.outcome is Outcome.FAILED)
    assert failed.case in (f"sanity.connect@{place}", f"sanity.wire@{place}")
    blocked = [one for one in results if one.outcome is Outcome.BLOCKED]
    assert len(blocked) > 50
    others = {one.reason for one in blocked} - {f"{failed.case} failed"}
    assert all(reason.endswith(f"@{place} is blocked") for reason in others)


ALIENS = {
    "echo": (echo, "expected a reply; got the octets of the request"),
    "silent": (silence, "expected a reply; got no reply in time"),
    "noise": (flood_of(NOISE), "expected a length of {size} to 16777216; got length"),
    "letters": (flood_of(b"A" * 65_536), "got length 1094795585"),
    "closing": (lambda connection: None, "expected a reply; got the connection is "),
}


@pytest.mark.parametrize(
    ("seat", "place", "size"), [("proxy", "rm", 49), ("dispatcher",) * 2 + (76,)]
)
@pytest.mark.parametrize("alien", ALIENS)
def test_behind_a_port_of_frames(alien: str, seat: str, place: str, size: int) -> None:
    handler, reason = ALIENS[alien]
    with served(handler) as port:
        stopped, results = checked(f"{seat}://127.0.0.1:{port}")
    assert stopped.startswith(f"{place} does not speak this wire: ")
    assert reason.format(size=size) in stopped
    assert ("starwire profile learn" in stopped) == (alien in ("noise", "letters"))
    assert_nothing_more_was_asked(place, results)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (echo, "expected a reply; got the octets of the request"),
        (silence, "expected a reply; got no reply in time"),
        (drip, "expected a reply; got no reply in time after "),
        (flood_of(b"<" * 65_536), "expected a message of 1048576 octets at most; got 1"),
    ],
    ids=["echo", "silent", "drip", "endless"],
)
def test_behind_a_port_of_bare_messages(handler: Handler, reason: str) -> None:
    with served(handler) as port:
        stopped, results = checked(f"native://127.0.0.1:{port}")
    assert stopped.startswith("rm-native does not speak this wire: ")
    assert reason in stopped
    assert_nothing_more_was_asked("rm-native", results)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (echo, "expected a response of HTTP; got 'POST /nmci HTTP/1.1"),
        (silence, "expected a reply; got no reply in time"),
        (flood_of(NOISE), "expected a response of HTTP; got '"),
        (endless_body, "expected a body of 67108864 octets at most; got 67"),
    ],
    ids=["echo", "silent", "noise", "endless"],
)
def test_behind_a_port_of_http(handler: Handler, reason: str) -> None:
    with served(handler) as port:
        stopped, results = checked(f"http://127.0.0.1:{port}")
    assert stopped.startswith("web does not speak this wire: ")
    assert reason in stopped
    assert stopped.isascii()
    assert stopped.isprintable()
    assert_nothing_more_was_asked("web", results)


def test_a_server_of_tls_that_is_none_of_http(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    with served(echo, context) as port:
        by_tls, results = checked(f"https://127.0.0.1:{port}")
        as_frames, others = checked(f"proxy://127.0.0.1:{port}")
    assert "web does not speak this wire: expected a response of HTTP; got 'POST /nmci" in by_tls
    assert_nothing_more_was_asked("web", results)
    # The server takes a frame for a bad hello, and answers with an alert or only closes.
    assert as_frames.startswith("rm does not speak this wire: expected a")
    assert_nothing_more_was_asked("rm", others)


def test_what_speaks_no_tls_where_that_is_asked() -> None:
    with served(flood_of(NOISE)) as port:
        stopped, results = checked(f"https://127.0.0.1:{port}")
    assert stopped.startswith(
        f"web does not speak this wire: expected a connection; got 127.0.0.1:{port}: TLS fails: "
    )
    assert_nothing_more_was_asked("web", results)


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[int]:
    """The port of an nginx that serves files by HTTP."""
    if NGINX is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    (tmp_path / "conf").write_text(f"""
        daemon off; master_process off; pid {tmp_path}/pid; error_log stderr crit;
        events {{ }}
        http {{
            access_log off; client_body_temp_path body; proxy_temp_path proxy;
            fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            server {{ listen 127.0.0.1:{port}; root {tmp_path}; }}
        }}
    """)
    server = subprocess.Popen([NGINX, "-c", str(tmp_path / "conf"), "-p", str(tmp_path)])
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def test_nginx(nginx: int) -> None:
    web, results = checked(f"http://127.0.0.1:{nginx}")
    assert web.startswith(
        "web does not speak this wire: expected HTTP 200 with a frame; got HTTP 40"
    )
    assert_nothing_more_was_asked("web", results)
    dispatcher, others = checked(f"dispatcher://127.0.0.1:{nginx}")
    assert "dispatcher does not speak this wire: expected a length of 76 to" in dispatcher
    assert_nothing_more_was_asked("dispatcher", others)
