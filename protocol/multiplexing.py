"""The requests that share one connection, and which reply is whose (DSP-04). No I/O.

Ask, `take` what is to be sent, and give each frame that comes to `answered`. Every request has one
outcome, and none has two:

    its reply    the frame with its serial, type and session key; 101 and 102 are everybody's
    Lost         the connection is gone, or what came with its serial is another request's
    overdue      no reply in time; one that comes later is dropped, as is one that nobody asked for

Time comes in as a number, and requests that are asked in turn are due in turn, so those that are
overdue stand first.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from .frames import Frame
from .headers import CommonHeader
from .status import Status

T = TypeVar("T")
"""What the caller knows a request by."""

_EVERYBODYS = (Status.VERSION, Status.LENGTH)
"""A frame of these carries no serial, and is the last of its connection (HDR-06)."""


class Lost(Struct, frozen=True):
    """No reply will come, and the request may go elsewhere as far as DSP-06 allows."""

    reason: str
    sent: bool
    """Whether the request may have arrived."""
    began: bool
    """Whether an octet of its reply came."""


_ANOTHERS = Lost("the reply is another request's", sent=True, began=True)


class Multiplexer(Generic[T]):
    """One connection's requests in flight, `most` at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_flight: dict[int, tuple[CommonHeader, T, float]] = {}
        self._unsent: dict[int, bytes] = {}
        self.is_over = False
        """Whether the other side has said 101 or 102: it reads nothing more."""

    def __len__(self) -> int:
        """How many are in flight."""
        return len(self._in_flight)

    @property
    def has_room(self) -> bool:
        return len(self._in_flight) < self._most and not self.is_over

    def ask(
        self, header: CommonHeader, frame: bytes, asker: T, due: float, *, sent: bool = False
    ) -> None:
        """`frame`, which has that header, is to be sent, or is `sent` by the caller now; its reply
        is due at that time.

        Raises ValueError where there is no room, and for a serial that is in flight.
        """
        serial = header.serial
        if serial in self._in_flight:
            raise ValueError(f"serial {serial} is in flight")
        if not self.has_room:
            raise ValueError(f"no room: {len(self._in_flight)} requests are in flight")
        self._in_flight[serial] = (header, asker, due)
        if not sent:
            self._unsent[serial] = frame

    def take(self) -> list[bytes]:
        """The frames to send now. From now on they may have arrived."""
        frames = list(self._unsent.values())
        self._unsent.clear()
        return frames

    def answered(self, frame: Frame[CommonHeader]) -> list[tuple[T, Frame[CommonHeader] | Lost]]:
        """Who gets what of a frame that came: one, as a rule; nobody, if nobody waits for it."""
        header = frame.header
        if header.status in _EVERYBODYS:
            self.is_over = True
            sent = [serial for serial in self._in_flight if serial not in self._unsent]
            return [(self._end(serial), frame) for serial in sent]
        serial = header.serial
        if serial not in self._in_flight or serial in self._unsent:
            return []
        request, asker, _ = self._in_flight.pop(serial)
        if (header.type, header.session_key) == (request.type, request.session_key):
            return [(asker, frame)]
        return [(asker, _ANOTHERS)]

    def forget(self, serial: int) -> None:
        """Nobody waits for that reply any more; if it is not sent, it stays so."""
        self._in_flight.pop(serial, None)
        self._unsent.pop(serial, None)

    def overdue(self, now: float) -> list[T]:
        """Those whose time is up; they are in flight no longer."""
        late = []
        for serial, (_, _, due) in self._in_flight.items():
            if due > now:
                break
            late.append(serial)
        return [self._end(serial) for serial in late]

    def lose(self, reason: str, begun: CommonHeader | None = None) -> list[tuple[T, Lost]]:
        """The connection is gone, in the middle of the reply `begun` if its header had come."""
        lost = []
        for serial, (_, asker, _) in self._in_flight.items():
            sent = serial not in self._unsent
            began = sent and begun is not None and begun.serial == serial
            lost.append((asker, Lost(reason, sent, began)))
        self._in_flight.clear()
        self._unsent.clear()
        return lost

    def _end(self, serial: int) -> T:
        self._unsent.pop(serial, None)
        return self._in_flight.pop(serial)[1]
