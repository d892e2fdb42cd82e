"""Frames out of a stream: the same ones, and the same error, however the stream was cut.

Strategy: events are pulled one at a time, so a frame in front of a bad one is never lost to it
(HDR-09). Each field that decides about a frame is judged as soon as its octets are in, and always
in the same order (HDR-03); until then no more is held than the header, and from then on no more
than the length allows, as long as the caller pulls until NEED_DATA between two feeds.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, Literal, NoReturn

from msgspec import Struct

from .buffer import HeldOctets
from .headers import F
from .packing import HeaderCodec
from .profile import Profile
from .status import MessageType, Status

_BULK = int(MessageType.BULK)


class NeedData(Enum):
    """The result of reading that is neither an event nor an error."""

    NEED_DATA = "need data"


NEED_DATA: Final = NeedData.NEED_DATA
"""Nothing whole is held: feed more, or end."""


class Frame(Struct, Generic[F], frozen=True, gc=False):
    """A frame of the common or of the dispatcher header, as it was received."""

    header: F
    octets: bytes
    """The whole frame. It is the reply to itself when its echo flag is set (HDR-05)."""
    header_size: int

    @property
    def data(self) -> bytes:
        """What stands behind the header; a copy."""
        return self.octets[self.header_size :]


class FrameError(Exception):
    """The stream is no sequence of frames from here on. `mismatch_frame` makes the answer."""

    def __init__(self, status: Status, reason: str, offset: int) -> None:
        super().__init__(f"{reason}, in the frame at octet {offset}")
        self.status = status
        """VERSION (101) or LENGTH (102)."""
        self.reason = reason
        self.offset = offset
        """Where in the stream the refused frame begins."""


class FrameReader(HeldOctets, Generic[F]):
    """Reads the frames of one connection, in one direction.

    Feed octets, then pull until NEED_DATA. An error is for ever: from then on each pull raises it
    again, and octets fed are dropped. When the peer has closed, `cut_off` tells whether it did so
    inside a frame, which is then to be dropped and logged (HDR-04).
    """

    def __init__(self, codec: HeaderCodec[F], profile: Profile) -> None:
        super().__init__()
        self._size = codec.size
        self._decode: Callable[..., F] = codec.decode
        self._version = codec.integer("version")
        self._length = codec.integer("length")
        self._our_version = profile.version
        self._longest = profile.frame_octets
        self._longest_bulk = profile.bulk_frame_octets
        self._header: F | None = None
        """Of the frame that is not all in; judged."""
        self._passed = 0
        self._failure: tuple[Status, str, int] | None = None

    @property
    def begun(self) -> F | None:
        """The header of a frame of which not all is in; None until the header is."""
        return self._header

    def next_frame(self) -> Frame[F] | Literal[NeedData.NEED_DATA]:
        """The next frame, or NEED_DATA. Raises FrameError for a version that is not the profile's,
        a length below the header's or above the profile's maximum (HDR-03, HDR-04).
        """
        waiting = len(self._held) - self._start
        header = self._header
        if not waiting and self._failure is None:
            return NEED_DATA
        if header is None:
            if not waiting and self._failure is None:
                return NEED_DATA
            if waiting < self._size:
                self._judge_beginning(waiting)
                return NEED_DATA
            header = self._decode(self._held, self._start)
            self._judge_version(header.version)
            self._judge_length(header.length)
            if header.type == _BULK and header.length > self._longest_bulk:
                reason = f"length {header.length} of a bulk frame is over {self._longest_bulk}"
                self._refuse(Status.LENGTH, reason)
        if waiting < header.length:
            self._header = header
            return NEED_DATA
        self._header = None
        self._passed += header.length
        return Frame(header, self._take(header.length), self._size)

    def _judge_beginning(self, waiting: int) -> None:
        """Judge what is in of a header that is not all in; after an error nothing is."""
        if self._failure is not None:
            raise FrameError(*self._failure)
        if waiting >= self._version.end:
            self._judge_version(self._version.read(self._held, self._start))
        if waiting >= self._length.end:
            self._judge_length(self._length.read(self._held, self._start))

    def _judge_version(self, version: int) -> None:
        if version != self._our_version:
            self._refuse(Status.VERSION, f"version {version} is not {self._our_version}")

    def _judge_length(self, length: int) -> None:
        if length < self._size:
            reason = f"length {length} is below the {self._size} octets of the header"
            self._refuse(Status.LENGTH, reason)
        if length > self._longest:
            self._refuse(Status.LENGTH, f"length {length} is over {self._longest}")

    def _refuse(self, status: Status, reason: str) -> NoReturn:
        self._failure = (status, reason, self._passed)
        self._stop()
        raise FrameError(*self._failure)
