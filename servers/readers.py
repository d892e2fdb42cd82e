"""The readers of `protocol` as `adapter.Answering` pulls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starwire.grammar import MetadataError
from starwire.protocol.frames import NEED_DATA, Frame, FrameError, FrameReader
from starwire.protocol.headers import CommonHeader, mismatch_frame, reply_frame
from starwire.protocol.native import NativeReader
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile
from starwire.protocol.sealing import SealedLink, SealError
from starwire.protocol.status import MessageType, Status

from .reading import PlainReader, Reader, Refused


def shares_its_connection(frame: Frame[CommonHeader]) -> bool:
    """DSP-04: whether a frame may be answered before one that came earlier."""
    return frame.header.type == MessageType.SYNC or frame.header.echo != 0


class FrameRequests(PlainReader):
    """Frames of the common or the dispatcher header; 101 and 102 end the connection (HDR-06)."""

    def __init__(self, codec: HeaderCodec[Any], profile: Profile) -> None:
        self._codec = codec
        self._version = profile.version
        self._reader: FrameReader[Any] = FrameReader(codec, profile)
        self.feed = self._reader.feed

    def pull(self) -> Frame[Any] | None:
        try:
            frame = self._reader.next_frame()
        except FrameError as error:
            owed = mismatch_frame(self._codec, self._version, error.status)
            raise Refused(owed, str(error)) from None
        return None if frame is NEED_DATA else frame

    def finish(self) -> bytes:
        """A frame that was cut off is dropped: nothing is owed for it (HDR-04)."""
        return b""

    @property
    def in_the_middle(self) -> bool:
        return self._reader.cut_off

    @property
    def held(self) -> int:
        return self._reader.held

    def overloaded(self) -> bytes:
        header = self._reader.begun
        return reply_frame(self._codec, header, Status.OVERLOADED) if header else b""

    @property
    def begun(self) -> Any | None:
        return self._reader.begun


class NativeRequests(PlainReader):
    """Bare messages; a syntax error is answered and ends the connection (TRN-05)."""

    def __init__(
        self, reader: NativeReader, answer_refused: Callable[[bytes, MetadataError], bytes]
    ) -> None:
        self._reader = reader
        self._answer_refused = answer_refused
        self.feed = reader.feed

    def pull(self) -> bytes | None:
        try:
            message = self._reader.next_message()
        except MetadataError as error:
            raise Refused(self._answer_refused(self._reader.refused, error), str(error)) from None
        return None if message is NEED_DATA else message

    def finish(self) -> bytes:
        """What is owed for a message whose group is open at the end of the stream: 6612."""
        self._reader.close()
        try:
            self.pull()
        except Refused as refused:
            return refused.octets
        return b""

    @property
    def in_the_middle(self) -> bool:
        return self._reader.cut_off

    @property
    def held(self) -> int:
        return self._reader.held


class SealedRequests:
    """The frames out of the records of a sealed link (ENC-01)."""

    begun = None
    """No frame is seen before all of its record is in."""

    def __init__(self, link: SealedLink, inner: Reader) -> None:
        self._link = link
        self._inner = inner
        self.feed = link.feed
        self.greeting = link.greeting
        self.tap = inner.tap

    def wrap(self, octets: bytes) -> bytes:
        return self._link.seal(self._inner.wrap(octets))

    def pull(self) -> Any | None:
        while (request := self._inner.pull()) is None:
            try:
                frame = self._link.pull()
            except SealError as error:
                raise Refused(b"", str(error)) from None
            if frame is NEED_DATA:
                return None
            self._inner.feed(frame)
        return request

    def finish(self) -> bytes:
        """Nothing is owed for a record or a frame that was cut off (HDR-04)."""
        return b""

    @property
    def ready(self) -> bool:
        return self._link.ready

    @property
    def in_the_middle(self) -> bool:
        return self._link.cut_off or self._inner.in_the_middle

    @property
    def held(self) -> int:
        return self._link.held + self._inner.held

    def overloaded(self) -> bytes:
        """Of a record that is not all in, no header can be read."""
        return b""
