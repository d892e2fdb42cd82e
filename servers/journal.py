"""What crossed the ports of this process lately: bounded in count and in octets.

A record holds octets as they went and what was known without looking into messages; whoever reads
the journal decodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal

import msgspec

Outcome = Literal["answered", "failed", "cancelled"]


class Record(msgspec.Struct, kw_only=True):
    """One transaction at one port: a request and what came of it."""

    number: int = 0
    """Rising, and never used again in this process."""
    hop: str
    """The port's name."""
    transaction: str
    """The same at every hop of this process."""
    peer: str
    user: str = ""
    target: str = ""
    type: int | None = None
    """The header's, None where there is none."""
    status: int | None = None
    code: str = ""
    """The value of ERROR in the reply; "" where it has none."""
    http: int | None = None
    """The HTTP status, at the web server."""
    outcome: Outcome
    began: float
    """Seconds since 1970."""
    seconds: float
    request: bytes
    """Its first octets, as many as are kept of a message."""
    request_octets: int
    reply: bytes = b""
    """The first octets; of a bulk reply those of its last frame, without its payload's."""
    reply_octets: int = 0
    """Of all its frames."""
    frames: int = 0
    """Of the reply."""


class Journal:
    """The newest records; the oldest go first."""

    def __init__(self, entries: int, octets: int) -> None:
        self._entries = entries
        self._most_octets = octets
        self._records: deque[Record] = deque()
        self._octets = 0
        self.last = 0
        """The number of the newest record that there ever was."""

    def add(self, record: Record) -> None:
        """Number it and keep it, and let go of as many as have to."""
        self.last += 1
        record.number = self.last
        self._records.append(record)
        self._octets += _size(record)
        while len(self._records) > self._entries or self._octets > self._most_octets:
            self._octets -= _size(self._records.popleft())

    def find(self, number: int) -> Record | None:
        """The record of that number, if it is still kept."""
        if not self._records:
            return None
        place = number - self._records[0].number
        return self._records[place] if 0 <= place < len(self._records) else None

    def newest_first(self) -> Iterator[Record]:
        return reversed(self._records)

    def oldest_first(self) -> Iterator[Record]:
        return iter(self._records)

    def clear(self) -> None:
        """Forget all; numbers go on."""
        self._records.clear()
        self._octets = 0

    @property
    def first(self) -> int:
        """The number of the oldest record that is kept; behind the last if none is."""
        return self._records[0].number if self._records else self.last + 1

    def __len__(self) -> int:
        return len(self._records)


def _size(record: Record) -> int:
    return len(record.request) + len(record.reply)
