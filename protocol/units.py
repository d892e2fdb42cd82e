"""What one side of a connection said, unit by unit, whatever the hop: octets in, units out.

A unit is what somebody answers or what answers: a frame on the inner hops, a bare message on the
native ones (with the file that follows a reply to F), and on the hop `web` the body of a request or
each frame of a response. So whoever reads traffic, to show it, pair it, judge it or learn from it,
need not know the hops apart. Pulled one at a time with three results, as all reading here.
"""

from __future__ import annotations

from re import compile as pattern
from typing import Any, Literal, NoReturn, Protocol, TypeAlias

from msgspec import Struct

from starwire.grammar import Limits, MetadataError, parse

from .buffer import HeldOctets
from .endpoints import Spoken
from .frames import NEED_DATA, Frame, FrameError, FrameReader, NeedData
from .headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from .native import NativeReader
from .packing import HeaderCodec
from .profile import Profile
from .recording import Sender
from .status import MessageType

_SIZE = pattern("[0-9]{1,10}")
AnyHeader: TypeAlias = WebHeader | DispatcherHeader | CommonHeader | BulkHeader


class Unit(Struct, frozen=True):
    """What was said in one go."""

    headers: tuple[AnyHeader, ...]
    """Outermost first; none of a bare message."""
    octets: bytes
    """All of it."""
    data: bytes
    """What stands behind the headers."""
    file: bytes = b""
    """The file behind a native reply to F (CAT-06)."""

    @property
    def frame(self) -> CommonHeader | DispatcherHeader | None:
        """The header of the frame, if there is one."""
        for header in self.headers:
            if isinstance(header, CommonHeader | DispatcherHeader):
                return header
        return None


class UnitError(Exception):
    """The octets are no units from here on."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        """101 or 102, where that is the answer."""


class Units(Protocol):
    """Feed octets, then pull until NEED_DATA. An error is for ever."""

    def feed(self, data: bytes) -> None: ...

    def pull(self) -> Unit | Literal[NeedData.NEED_DATA]:
        """The next unit. Raises UnitError."""

    @property
    def waiting(self) -> int:
        """Octets held of a unit that is not whole; 0 after an error."""


def units(spoken: Spoken, sender: Sender, profile: Profile) -> Units:
    """For what `sender` says where that is spoken; of the web, for one body."""
    if spoken == "native":
        return NativeUnits(profile, files=sender == "server")
    if spoken == "web":
        return WebUnits(profile)
    wire = profile.wire
    return FrameUnits(wire.dispatcher if spoken == "dispatcher" else wire.common, profile)


class FrameUnits:
    """Frames of one header, with the bulk header of those of type 3."""

    def __init__(self, codec: HeaderCodec[Any], profile: Profile) -> None:
        self._reader: FrameReader[Any] = FrameReader(codec, profile)
        self._bulk = profile.wire.bulk
        self.feed = self._reader.feed

    def pull(self) -> Unit | Literal[NeedData.NEED_DATA]:
        try:
            frame: Frame[Any] | NeedData = self._reader.next_frame()
        except FrameError as error:
            raise UnitError(f"{error.status.value}: {error}", error.status) from None
        if isinstance(frame, NeedData):
            return NEED_DATA
        data = frame.data
        if frame.header.type != MessageType.BULK or len(data) < self._bulk.size:
            return Unit((frame.header,), frame.octets, data)
        bulk = self._bulk.decode(data)
        return Unit((frame.header, bulk), frame.octets, data[self._bulk.size :])

    @property
    def waiting(self) -> int:
        return self._reader.waiting


class WebUnits(HeldOctets):
    """A body: the web header once, which goes with the first frame; then frames (WEB-08)."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self._codec = profile.wire.web
        self._frames = FrameUnits(profile.wire.dispatcher, profile)
        self._header: bytes | None = None
        self._first = True

    def feed(self, data: bytes) -> None:
        if self._header is not None:
            self._frames.feed(data)
            return
        super().feed(data)
        if super().waiting >= self._codec.size:
            self._header = self._take(self._codec.size)
            self._frames.feed(self._take(super().waiting))

    def pull(self) -> Unit | Literal[NeedData.NEED_DATA]:
        try:
            unit = self._frames.pull()
        except UnitError:
            self._first = False
            raise
        if unit is NEED_DATA or not self._first:
            return unit
        assert self._header is not None
        self._first = False
        headers = (self._codec.decode(self._header), *unit.headers)
        return Unit(headers, self._header + unit.octets, unit.data)

    @property
    def waiting(self) -> int:
        if self._header is None:
            return super().waiting
        return self._frames.waiting + (len(self._header) if self._first else 0)


class NativeUnits(NativeReader):
    """Bare messages; behind a server's Z the file that it announces, which is no message."""

    def __init__(self, profile: Profile, *, files: bool) -> None:
        super().__init__(profile.limits)
        self._files = files
        self._most = profile.frame_octets
        self._message = b""
        self._file = 0
        self._error = ""

    def pull(self) -> Unit | Literal[NeedData.NEED_DATA]:
        if self._error:
            raise UnitError(self._error)
        if not self._message:
            try:
                message = self.next_message()
            except MetadataError as error:
                self._fail(str(error))
            if message is NEED_DATA:
                return NEED_DATA
            self._message = message
            self._file = file_size(message, self._limits) if self._files else 0
            if self._file > self._most:
                self._fail(f"a file of {self._file} octets, more than any frame may hold")
        if super().waiting < self._file:
            return NEED_DATA
        message, self._message = self._message, b""
        file = self._take(self._file) if self._file else b""
        return Unit((), message + file, message, file)

    @property
    def waiting(self) -> int:
        return len(self._message) + super().waiting

    def _fail(self, reason: str) -> NoReturn:
        self._error = reason
        self._message = b""
        self._stop()
        raise UnitError(reason)


def file_size(message: bytes, limits: Limits) -> int:
    """How many octets of a file a native message says will follow it (CAT-06)."""
    if not message.startswith(b"Z<"):
        return 0
    try:
        fields = parse(message, limits).body.fields
    except MetadataError:
        return 0
    told = {field.name: field.value.scalar for field in fields}
    size = told.get("FSIZE", "")
    fetched = (told.get("REQ"), told.get("ERROR")) == ("F", "0")
    return int(size) if fetched and _SIZE.fullmatch(size) else 0
