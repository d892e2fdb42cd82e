"""Listening on a port, alone or together with other processes (DSP-05)."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.tcp import Port
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
