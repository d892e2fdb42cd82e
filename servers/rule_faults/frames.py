"""How frames lie on the wire and are read: OCT, HDR-01 to HDR-04, HDR-08, HDR-09."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from starwire.protocol.frames import Frame, FrameReader
from starwire.protocol.headers import mismatch_frame
from starwire.protocol.layout import Integer, Text
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status

from .. import emulator, proxy, readers
from ..adapter import Answering, AnsweringFactory
from ..answering import Answer, Answerer, Hop
from ..services import Services
from .fault import breaks
from .works import PROXIES, Works, with_header


def _reader(works: Works, **methods: Any) -> None:
    """Let frames be read by a reader that has these methods in place of its own."""
    works.exchange(readers, "FrameReader", lambda kind: type("FrameReader", (kind,), methods))


# ---- OCT -----------------------------------------------------------------------------------------


def _requests_as(works: Works, change: Any) -> None:
    """Let the back ends read other octets."""

    def made(serve: Any) -> Any:
        return lambda self, octets, door, customer: serve(self, change(octets), door, customer)

    works.exchange(Services, "serve", made)


@breaks("nul-becomes-blank", "OCT-01")
def _(works: Works) -> None:
    """A NUL in a message is read as a blank."""
    _requests_as(works, lambda octets: octets.replace(b"\0", b" "))


@breaks("seven-bits", "OCT-01")
def _(works: Works) -> None:
    """The eighth bit of every octet of a message is lost."""
    _requests_as(works, lambda octets: bytes(octet & 0x7F for octet in octets))


_WITHIN_A_NAME = re.compile(rb"(?<=[,<]NAME=[^<>,=~\x01])[^<>,\x01]+(?=[^<>,\x01][,>])")
_MASKED = bytes(ord("!" if octet == ord("?") else "?") for octet in range(256))
"""For every octet a question mark, and something else for that."""


@breaks("names-masked", "OCT-01")
def _(works: Works) -> None:
    """Within the name of a report every octet becomes a question mark."""

    def mask(octets: bytes) -> bytes:
        return _WITHIN_A_NAME.sub(lambda found: found[0].translate(_MASKED), octets)

    _requests_as(works, mask)


@breaks("utf-8-replies", "OCT-01")
def _(works: Works) -> None:
    """A response message is sent in UTF-8 rather than ISO 8859-1."""

    def made(serve: Any) -> Any:
        async def served(self: Services, octets: bytes, door: str, customer: Any) -> Any:
            done = await serve(self, octets, door, customer)
            return proxy.Done(done.error, done.octets.decode("latin-1").encode(), done.too_large)

        return served

    works.exchange(Services, "serve", made)


@breaks("length-little-endian", "OCT-02")
def _(works: Works) -> None:
    """The length of the common header has the other byte order."""
    works.profile(lambda profile: _turned(profile, "common", "length"))


@breaks("status-little-endian", "OCT-02")
def _(works: Works) -> None:
    """The status of the common header has the other byte order."""
    works.profile(lambda profile: _turned(profile, "common", "status"))


@breaks("dispatcher-length-little-endian", "OCT-02", "DSP-01")
def _(works: Works) -> None:
    """The length of the dispatcher header has the other byte order."""
    works.profile(lambda profile: _turned(profile, "dispatcher", "length"))


@breaks("bulk-total-little-endian", "OCT-02", "TRN-03")
def _(works: Works) -> None:
    """The total of the bulk header has the other byte order."""
    works.profile(lambda profile: _turned(profile, "bulk", "total"))


def _turned(profile: Profile, header: str, field: str) -> Profile:
    layout = getattr(profile, header)
    old: Integer = getattr(layout, field)
    order = "little" if (old.order or profile.byte_order) == "big" else "big"
    return replace(profile, **{header: replace(layout, **{field: replace(old, order=order)})})


@breaks("key-filled-with-blanks", "OCT-03")
def _(works: Works) -> None:
    """The session key of the common header is filled with blanks, so one of NULs is a key."""
    works.profile(lambda profile: _filled(profile, "common", "session_key", "blank"))


@breaks("target-filled-with-nul", "OCT-03")
def _(works: Works) -> None:
    """The target of the dispatcher header is filled with NULs."""
    works.profile(lambda profile: _filled(profile, "dispatcher", "target", "nul"))


def _filled(profile: Profile, header: str, field: str, pad: Any) -> Profile:
    layout = getattr(profile, header)
    old: Text = getattr(layout, field)
    return replace(profile, **{header: replace(layout, **{field: replace(old, pad=pad)})})


# ---- HDR-01 and HDR-02: the fields ---------------------------------------------------------------


@breaks("status-before-serial", "HDR-01")
def _(works: Works) -> None:
    """In the replies of a proxy the status stands before the serial."""

    def changed(profile: Profile, octets: bytes, request: Any) -> bytes:
        serial, status = (profile.wire.common.integer(name) for name in ("serial", "status"))
        first, second = octets[serial.offset : serial.end], octets[status.offset : status.end]
        return octets[: serial.offset] + second + first + octets[status.end :]

    works.replies(PROXIES, changed)


@breaks("length-short-by-one", "HDR-02")
def _(works: Works) -> None:
    """The length in the reply of a proxy is one less than the octets of the frame."""
    works.headers(PROXIES, lambda header, _: replace(header, length=header.length - 1))


@breaks("length-long-by-one", "HDR-02")
def _(works: Works) -> None:
    """The length in the reply of a proxy is one more than the octets of the frame."""
    works.headers(PROXIES, lambda header, _: replace(header, length=header.length + 1))


@breaks("length-of-the-data", "HDR-02")
def _(works: Works) -> None:
    """The length in the reply of a proxy counts the data without the header."""

    def changed(profile: Profile, octets: bytes, request: Any) -> bytes:
        codec = profile.wire.common
        header = replace(codec.decode(octets), length=len(octets) - codec.size)
        return codec.encode(header) + octets[codec.size :]

    works.replies(PROXIES, changed)


@breaks("version-two", "HDR-02", "HDR-10")
def _(works: Works) -> None:
    """The value of the version is one more than the profile's."""
    works.profile(lambda profile: replace(profile, version=profile.version + 1))


@breaks("serial-narrower", "HDR-02", "HDR-10")
def _(works: Works) -> None:
    """The serial of the common header has one octet less."""
    works.profile(lambda profile: _wider(profile, "serial", -1))


@breaks("status-wider", "HDR-02", "HDR-10")
def _(works: Works) -> None:
    """The status of the common header has one octet more."""
    works.profile(lambda profile: _wider(profile, "status", 1))


def _wider(profile: Profile, field: str, by: int) -> Profile:
    old: Integer = getattr(profile.common, field)
    fields = {field: replace(old, width=old.width + by)}
    return replace(profile, common=replace(profile.common, **fields))


@breaks("status-of-request-judged", "HDR-02")
def _(works: Works) -> None:
    """A request whose status is not 0 is refused: 107."""

    async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
        if request.header.status and not request.header.echo:
            request = with_header(request, type=9)
        return await answer(request, hop)

    works.port(PROXIES, lambda profile: around)


@breaks("type-4-taken-as-0", "HDR-02", "HDR-06")
def _(works: Works) -> None:
    """A proxy takes a frame of type 4 for one of type 0."""

    def made(judge: Any) -> Any:
        def judged(self: Any, header: Any, frame: Any) -> Any:
            return judge(self, replace(header, type=header.type % 4), frame)

        return judged

    works.exchange(proxy.Proxy, "_judge", made)


# ---- HDR-03 and HDR-04: what is judged, and when -------------------------------------------------


@breaks("version-judged-late", "HDR-03")
def _(works: Works) -> None:
    """Version and length are judged when the whole header is in."""
    _reader(works, _judge_beginning=_judge_nothing)


@breaks("length-before-version", "HDR-03")
def _(works: Works) -> None:
    """The length is judged before the version."""

    def judge_length(self: Any, length: int) -> None:
        FrameReader._judge_length(self, length)
        begun = self._held[self._start : self._start + self._version.end]
        FrameReader._judge_version(self, self._version.read(begun, 0))

    _reader(works, _judge_version=lambda self, version: None, _judge_length=judge_length)


@breaks("any-version-taken", "HDR-03")
def _(works: Works) -> None:
    """Any version will do."""
    _reader(works, _judge_version=lambda self, version: None)


@breaks("greater-version-taken", "HDR-03")
def _(works: Works) -> None:
    """A version above the profile's is taken as compatible."""

    def judge(self: Any, version: int) -> None:
        FrameReader._judge_version(self, min(version, self._our_version))

    _reader(works, _judge_version=judge)


def _judge_nothing(self: FrameReader[Any], waiting: int) -> None:
    if self._failure is not None:
        FrameReader._judge_beginning(self, waiting)


@breaks("echo-behind-type", "HDR-03", "HDR-05")
def _(works: Works) -> None:
    """An echo of an unknown type is refused: 107."""

    async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
        if request.header.type > max(MessageType):
            request = with_header(request, echo=0)
        return await answer(request, hop)

    works.port(PROXIES, lambda profile: around)


@breaks("session-before-type", "HDR-03")
def _(works: Works) -> None:
    """The session is looked up before the type is judged."""

    def made(judge: Any) -> Any:
        async def judged(self: Any, header: Any, frame: Any) -> Any:
            if header.session_key:
                found = await self._customer(header.session_key)
                if isinstance(found, Status):
                    return found, b"", "-", None
            return await judge(self, header, frame)

        return judged

    works.exchange(proxy.Proxy, "_judge", made)


@breaks("data-before-session", "HDR-03")
def _(works: Works) -> None:
    """The syntax of the data is judged before the session."""

    def made(judge: Any) -> Any:
        async def judged(self: Any, header: Any, frame: Any) -> Any:
            if header.type == MessageType.SYNC and b"<" not in frame.data:
                done = await self._desk.serve(frame.data, self._spec.name, None)
                return Status.APPLICATION_ERROR, done.octets, done.error, None
            return await judge(self, header, frame)

        return judged

    works.exchange(proxy.Proxy, "_judge", made)


@breaks("length-below-header-taken", "HDR-04")
def _(works: Works) -> None:
    """A length that is less than the header is taken for that of the header."""
    kept = FrameReader._judge_length

    def judge(self: Any, length: int) -> None:
        if length >= self._size:
            kept(self, length)

    _reader(works, _judge_length=judge)


@breaks("greatest-length-refused", "HDR-04")
def _(works: Works) -> None:
    """The maximum length is one octet less."""
    works.profile(lambda profile: replace(profile, frame_octets=profile.frame_octets - 1))


@breaks("length-beyond-maximum-taken", "HDR-04")
def _(works: Works) -> None:
    """The maximum length is one octet more."""
    works.profile(lambda profile: replace(profile, frame_octets=profile.frame_octets + 1))


@breaks("greatest-bulk-length-refused", "HDR-04")
def _(works: Works) -> None:
    """The maximum length of a bulk frame is one octet less."""
    works.profile(lambda profile: replace(profile, bulk_frame_octets=profile.bulk_frame_octets - 1))


@breaks("bulk-maximum-ignored", "HDR-04")
def _(works: Works) -> None:
    """A bulk frame may be as long as any other."""
    _reader(works, __init__=_without_bulk_maximum)


def _without_bulk_maximum(self: Any, codec: Any, profile: Profile) -> None:
    FrameReader.__init__(self, codec, profile)
    self._longest_bulk = self._longest


@breaks("bulk-maximum-judged-late", "HDR-03", "HDR-04")
def _(works: Works) -> None:
    """A bulk frame that is too long is refused when all of it is in."""

    def next_frame(self: Any) -> Any:
        frame: Any = FrameReader.next_frame(self)
        is_bulk = isinstance(frame, Frame) and frame.header.type == MessageType.BULK
        if is_bulk and frame.header.length > self.bulk_maximum:
            self._refuse(Status.LENGTH, "too long")
        return frame

    def init(self: Any, codec: Any, profile: Profile) -> None:
        _without_bulk_maximum(self, codec, profile)
        self.bulk_maximum = profile.bulk_frame_octets

    _reader(works, __init__=init, next_frame=next_frame)


@breaks("half-frame-answered", "HDR-04")
def _(works: Works) -> None:
    """A frame inside which the peer stops sending is answered: 102."""

    def finish(self: Any) -> bytes:
        if not self.in_the_middle:
            return b""
        return mismatch_frame(self._codec, self._version, Status.LENGTH)

    works.exchange(readers.FrameRequests, "finish", lambda _: finish)


@breaks("half-close-closes", "HDR-04")
def _(works: Works) -> None:
    """A peer that closes its sending side gets no reply any more."""

    def closed(self: Any) -> None:
        self.transport.abortConnection()

    works.exchange(Answering, "readConnectionLost", lambda _: closed)


@breaks("unfinished-frame-kept", "HDR-04")
def _(works: Works) -> None:
    """A frame whose last octet does not come is waited for as long as an idle connection."""
    works.profile(lambda profile: replace(profile, mid_frame_seconds=profile.idle_seconds))


@breaks("quiet-connection-kept", "HDR-04")
def _(works: Works) -> None:
    """A connection may be quiet for twice the idle time."""

    def made(kind: Any) -> Any:
        return lambda idle, mid_frame: kind(2 * idle, mid_frame)

    works.exchange(emulator, "Patience", made)


@breaks("quiet-connection-told", "HDR-04")
def _(works: Works) -> None:
    """A connection that was quiet too long gets a reply before it is closed: 109."""

    def made(too_long: Any) -> Any:
        def told(self: Any, seconds: float) -> None:
            if isinstance(self._reader, readers.FrameRequests):
                codec = self._reader._codec
                header = codec.kind(version=self._reader._version, status=Status.TIMED_OUT)
                self._write(codec.frame(header, b""))
            too_long(self, seconds)

        return told

    works.exchange(Answering, "_too_long", made)


# ---- HDR-08, HDR-09 ------------------------------------------------------------------------------


@breaks("any-host-admitted", "HDR-08")
def _(works: Works) -> None:
    """Whoever can reach a native port may connect there."""

    def made(build: Any) -> Any:
        def built(self: Any, addr: Any) -> Any:
            self._admits = lambda host: True
            return build(self, addr)

        return built

    works.exchange(AnsweringFactory, "buildProtocol", made)


@breaks("second-frame-of-a-segment-lost", "HDR-09")
def _(works: Works) -> None:
    """What stands behind a frame in the same segment is lost."""

    def next_frame(self: Any) -> Any:
        frame = FrameReader.next_frame(self)
        if isinstance(frame, Frame):
            self._held, self._start = b"", 0
        return frame

    _reader(works, next_frame=next_frame)


@breaks("cut-header-refused", "HDR-09")
def _(works: Works) -> None:
    """A header that does not come in one segment is answered with 102."""

    def next_frame(self: Any) -> Any:
        if 0 < self.waiting < self._size and self._failure is None:
            self._refuse(Status.LENGTH, "a header in pieces")
        return FrameReader.next_frame(self)

    _reader(works, next_frame=next_frame)
