"""Small servers on loopback, each a script that a thread plays, for clients to meet."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Script: TypeAlias = "Callable[[Any, FakeServer], None]"

PATIENCE = 10.0
"""Seconds after which a server gives up on a client that does not go on."""


class FakeServer:
    """Plays `script(connection, self)` for each connection, one after the other."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None) -> None:
        self.requests: list[bytes] = []
        """What clients have sent, as far as the script has kept it."""
        self.connections = 0
        self.failures: list[BaseException] = []
        self.done = threading.Event()
        """Set when the test is over, for scripts that only wait."""
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        number: int = self._listener.getsockname()[1]
        return number

    def target(self, kind: str) -> str:
        """Where it is, as a client of that kind takes it."""
        return f"{kind}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.done.set()
        # Closing alone does not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(PATIENCE)
            try:
                with connection if self._tls is None else self._wrapped(connection) as played:
                    self._script(played, self)
            except OSError:
                pass  # the client went away, as some tests want it to
            except BaseException as error:
                self.failures.append(error)

    def _wrapped(self, connection: socket.socket) -> ssl.SSLSocket:
        assert self._tls is not None
        return self._tls.wrap_socket(connection, server_side=True)

    # What scripts do.

    def read(self, connection: socket.socket, count: int) -> bytes:
        """Exactly so many octets, kept as a request; fewer if the client closes."""
        octets = b""
        while len(octets) < count and (data := connection.recv(count - len(octets))):
            octets += data
        if octets:
            self.requests.append(octets)
        return octets

    def read_request(self, kind: str, connection: socket.socket) -> None:
        """All that a client of that kind sends: who closes before resets the connection."""
        if kind == "http":
            self.read_post(connection)
        else:
            connection.recv(65_536)

    def read_post(self, connection: socket.socket) -> bytes:
        """One HTTP request, kept whole; gives its body, nothing at the end of the stream."""
        octets = b""
        while b"\r\n\r\n" not in octets:
            data = connection.recv(65_536)
            if not data:
                return b""
            octets += data
        head, _, body = octets.partition(b"\r\n\r\n")
        [length] = [
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        while len(body) < length:
            body += connection.recv(65_536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return body


def ok(body: bytes, *, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    """An HTTP response with a length."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status + b"\r\n" + length + headers + b"\r\n" + body


@pytest.fixture
def http_ok() -> Callable[..., bytes]:
    return ok


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeServer]]:
    """Starts servers that end with the test; a script that failed fails it."""
    started: list[FakeServer] = []

    def start(script: Script, tls: ssl.SSLContext | None = None) -> FakeServer:
        started.append(FakeServer(script, tls))
        return started[-1]

    yield start
    for server in started:
        server.close()
    assert [failure for server in started for failure in server.failures] == []


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and nobody else can meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        number: int = held.getsockname()[1]
        yield number


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """For a server that has that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
