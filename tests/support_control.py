"""The control API in memory: a real HTTP stack on both sides of a transport that is a string."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransportWithDisconnection

from starwire.servers.control.routing import routes_of
from starwire.servers.control.site import ControlSite


@attrs.frozen
class Said:
    """A response: status, headers with names in lower case, and the body."""

    status: int
    headers: dict[str, str]
    octets: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.octets)


class ControlClient:
    """Asks the routes of some desks over HTTP, without a socket."""

    def __init__(self, *desks: object, longest: int = 10_000, names: Sequence[str] = ()) -> None:
        self.site = ControlSite(routes_of(desks), names=names, longest=longest)

    def raw(self, octets: bytes) -> bytes:
        """What comes back for `octets` on a connection of its own."""
        channel: Any = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5))
        transport = StringTransportWithDisconnection()
        transport.protocol = channel
        channel.makeConnection(transport)
        channel.dataReceived(octets)
        if transport.connected:
            transport.loseConnection()
        return transport.value()

    def __call__(
        self, method: str, path: str, body: Any = None, *, octets: bytes | None = None, **more: str
    ) -> Said:
        """One request; `body` is sent as JSON, `octets` as they are, `more` are headers."""
        headers = {"Host": "127.0.0.1:8400"}
        if body is not None:
            octets = json.dumps(body).encode()
        if octets is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": f"{len(octets)}"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        answer = self.raw("\r\n".join(lines).encode("latin-1") + (octets or b""))
        head, _, rest = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        found = {k.lower(): v for k, _, v in (field.partition(": ") for field in fields)}
        return Said(int(status.split()[1]), found, rest)
