"""One transaction id in the log lines of every hop.

No header has room for such an id, so it does not travel on the wire: whoever opens a connection
for a transaction notes the id under its own address, and whoever accepts it looks the address up.
That joins all hops of one process. Hops of other processes make an id of their own; the addresses
`in=` and `out=` and the serial in their lines join them.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Mapping
from typing import Any, TextIO


class Trail:
    """The ids of the transactions under way, and the log that their hops write."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._boot = secrets.token_hex(3)
        self._count = itertools.count(1)
        self._by_address: dict[str, str] = {}

    @property
    def is_written(self) -> bool:
        """Whether anybody reads the lines, so that it is worth making them."""
        return self._stream is not None

    def new(self) -> str:
        """An id that no other transaction of this process has."""
        return f"{self._boot}-{next(self._count)}"

    def opened(self, own_address: str, transaction: str) -> None:
        """A connection for `transaction` was opened from `own_address` (`HOST:PORT`)."""
        self._by_address[own_address] = transaction

    def closed(self, own_address: str) -> None:
        self._by_address.pop(own_address, None)

    def of(self, peer_address: str) -> str:
        """The id of the transaction for which `peer_address` connected, or a new one."""
        return self._by_address.get(peer_address) or self.new()

    def noted(self, peer_address: str) -> str:
        """The id of the transaction for which `peer_address` connected, "" if none is known."""
        return self._by_address.get(peer_address, "")

    def line(self, hop: str, transaction: str, facts: Mapping[str, Any]) -> None:
        """Write `hop=.. txn=.. key=value ..` as one line; values are quoted where they need it."""
        if self._stream is None:
            return
        told = " ".join(f"{key}={_told(value)}" for key, value in facts.items())
        self._stream.write(f"hop={hop} txn={transaction} {told}\n")
        self._stream.flush()


def address(peer: Any) -> str:
    """`HOST:PORT` of a Twisted address."""
    return f"{peer.host}:{peer.port}"


def digest(octets: bytes) -> str:
    """What a log line calls a message by: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(octets).hexdigest()[:16]


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return (
        text if text.isascii() and text.isprintable() and " " not in text and text else repr(text)
    )
