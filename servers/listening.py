"""Listening on a port, alone or together with other processes (DSP-05)."""

from __future__ import annotations

import socket
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.tcp import Port
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

_BACKLOG = 1024
"""Connections that may wait to be accepted; Twisted's 50 are too few for a crowd of clients."""


def listen(
    reactor: Any, host: str, number: int, factory: Any, *, context: Any = None, shared: bool = False
) -> Any:
    """Accept connections there, in TLS if there is a `context`; gives Twisted's port.

    Where every process that listens says `shared`, the kernel gives each new connection to one of
    them. Raises CannotListenError.
    """
    inner: Any = factory if context is None else TLSMemoryBIOFactory(context, False, factory)
    kind: Any = _SharedPort if shared else Port
    port = kind(number, inner, _BACKLOG, host, reactor)
    port.startListening()
    return port


class _SharedPort(Port):
    """A port that others may listen on too."""

    def createInternetSocket(self) -> socket.socket:
        made: socket.socket = super().createInternetSocket()  # type: ignore[no-untyped-call]
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return made


class Refusable(Protocol):
    """A listening port that can be closed for a while without another taking its number."""

    def want(self, wanted: bool) -> None:
        """Whether connections are accepted; what comes of it takes a turn of the reactor."""


class RefusingPort:
    """A port of Twisted's that can be closed for a while without another taking its number."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self._number = port.getHost().port
        self._wanted = True
        self._listens = True
        self._place: socket.socket | None = None
        self._log = Logger(namespace="starwire.faults")

    def want(self, wanted: bool) -> None:
        """See `Refusable`."""
        self._wanted = wanted
        if not wanted and self._listens:
            self._listens = False
            closed: Deferred[Any] = maybeDeferred(self._port.stopListening)
            closed.addCallback(self._closed)
            closed.addErrback(lambda failure: self._log.failure("a port does not close", failure))
        elif wanted and self._place is not None:
            self._open(self._place)

    def _closed(self, _: Any) -> None:
        """Keep the number, by a socket that does not listen: connections to it are refused."""
        place = socket.socket(self._port.addressFamily, socket.SOCK_STREAM)
        for reuse in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            place.setsockopt(socket.SOL_SOCKET, reuse, 1)
        place.bind((self._port.interface, self._number))
        self._place = place
        if self._wanted:
            self._open(place)

    def _open(self, place: socket.socket) -> None:
        self._place = None
        place.close()
        self._port.port = self._number
        self._port.startListening()
        self._listens = True
