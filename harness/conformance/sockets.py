"""The wire of sockets: each place is an address, each line a TCP connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starwire.protocol.profile import Profile

from .wire import Reset, Silent, Unreachable, Unsupported

if TYPE_CHECKING:
    from .far_ends import Ends

_LOST = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)
_WRITE_SECONDS = 10.0
_RECEIVED = 262_144


class SocketLine:
    """A connection of TCP, of TLS where it was made so."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.closed_at: float | None = None
        """When this side closed it, by the monotonic clock."""

    def write(self, octets: bytes) -> None:
        self._connection.settimeout(_WRITE_SECONDS)
        try:
            self._connection.sendall(octets)
        except _LOST:
            raise Reset from None
        except TimeoutError:
            raise Silent from None
        except ssl.SSLError:
            raise Reset from None

    def read(self, seconds: float) -> bytes:
        self._connection.settimeout(max(seconds, 0.001))
        try:
            return self._connection.recv(_RECEIVED)
        except _LOST:
            raise Reset from None
        except TimeoutError:
            raise Silent from None
        except ssl.SSLError:
            return b""  # an end without the alert that TLS asks for

    def half_close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.closed_at = time.monotonic()
        self._connection.close()

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close()


class SocketWire:
    """Connections to addresses, `(host, port)` by place.

    `tls` is for the place `web`, None where that speaks plain HTTP. `ends` are the servers behind
    the target, where the harness stands for them. `seconds` bounds a connect.
    """

    is_virtual = False

    def __init__(
        self,
        addresses: Mapping[str, tuple[str, int]],
        *,
        tls: ssl.SSLContext | None = None,
        ends: Ends | None = None,
        seconds: float = 5.0,
    ) -> None:
        self._addresses = dict(addresses)
        self._tls = tls
        self.is_secret = tls is not None
        self._ends = ends
        self._restart: Callable[[], None] | None = None
        self._seconds = seconds

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(self._addresses)

    def connect(self, place: str, source: str = "") -> SocketLine:
        host, port = self._addresses[place]
        if source and not host.startswith("127."):
            raise Unsupported(f"{host} cannot be reached from {source}")
        own = (source, 0) if source else None
        try:
            connection: socket.socket = socket.create_connection((host, port), self._seconds, own)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if place == "web" and self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=host)
        except TimeoutError:
            raise Unreachable(f"{host}:{port} takes no connection in time") from None
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            raise Unreachable(f"{host}:{port}: TLS fails: {reason}") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unreachable(f"{host}:{port}: {reason.lower()}") from None
        return SocketLine(connection)

    def handshake(self, place: str, version: ssl.TLSVersion) -> bool:
        host, port = self._addresses[place]
        context = trusting(old=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        try:
            with socket.create_connection((host, port), self._seconds) as connection:
                context.wrap_socket(connection, server_hostname=host).close()
        except OSError:
            return False
        return True

    def plainly(self, place: str, octets: bytes) -> bytes:
        host, port = self._addresses[place]
        try:
            with socket.create_connection((host, port), self._seconds) as connection:
                connection.sendall(octets)
                return connection.recv(_RECEIVED)
        except OSError:
            return b""

    def behind(self, profile: Profile) -> Ends:
        if self._ends is None:
            raise Unreachable("the harness stands nowhere behind the target: see --start")
        return self._ends

    def restart_with(self, restart: Callable[[], None]) -> None:
        """How the target is killed and started again."""
        self._restart = restart

    def restart(self) -> None:
        if self._restart is None:
            raise Unreachable("the target was not started by the harness: see --start")
        self._restart()

    def close(self) -> None:
        """Every connection is its case's to close."""

    def pass_time(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()


def trusting(*, old: bool) -> Any:
    """A TLS context that takes any certificate: whose it is, is not what is tested."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if old:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context
