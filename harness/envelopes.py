"""A message put into the layers of a seat, and taken out again: octets only, no I/O.

An envelope knows one kind of target. `wrap` makes what is sent; a `reader` takes what comes back,
in any fragmentation, and gives one Reply.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from starwire.grammar import Limits, Message, MetadataError, parse
from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.messages import build_message
from starwire.protocol.native import NativeReader
from starwire.protocol.packing import HeaderCodec, HeaderError
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status, Transaction
from starwire.protocol.units import file_size

from .failures import NotAReply, NotDone, status_words
from .target import Target


class Session(msgspec.Struct, frozen=True):
    """What a logon gave: the key, and whose it is."""

    key: str = ""
    user_id: str = ""
    enterprise_id: str = ""


NO_SESSION = Session()

_BETWEEN = b"\r\n\0 |"
"""What may stand between two messages (TRN-05)."""


class Letter(msgspec.Struct, frozen=True):
    """A message and what the layers around it say."""

    message: bytes
    proxy: str = "RM"
    type: int = MessageType.SYNC
    transaction: int = Transaction.TRANSACTION
    session: Session = NO_SESSION
    serial: int = 1


class Reply(msgspec.Struct, frozen=True):
    """What came back: every layer's header that there was, and the octets behind them."""

    octets: bytes
    """All of it, as received."""
    data: bytes
    """The response message, and what follows it."""
    status: int | None = None
    """Of the innermost header; a native port has none."""
    headers: tuple[WebHeader | DispatcherHeader | CommonHeader | BulkHeader, ...] = ()
    limits: Limits = Limits()
    """How large a message may be: the profile's."""

    @property
    def key(self) -> str:
        """The session key that the web header carries; "" without one."""
        first = self.headers[0] if self.headers else None
        return first.session_key if isinstance(first, WebHeader) else ""

    def split(self) -> tuple[bytes, bytes]:
        """The response message, and what stands behind it: the file that F asked for (CAT-06)."""
        if self.data.startswith(b"Z<"):
            reader = NativeReader(self.limits)
            reader.feed(self.data)
            try:
                message = reader.next_message()
            except MetadataError:
                message = NEED_DATA
            if message is not NEED_DATA:
                return message, self.data[len(message) :]
        return self.data, b""

    def message(self) -> Message:
        """The response message parsed. Raises MetadataError."""
        return parse(self.split()[0], self.limits)


class ReplyReader(Protocol):
    """Takes what comes back."""

    def feed(self, data: bytes) -> None: ...
    def reply(self) -> Reply | None: ...


class Envelope(Protocol):
    """The layers of one kind of target."""

    layers: tuple[HeaderCodec[Any], ...]
    """Of the headers before a message, outermost first."""

    def wrap(self, letter: Letter) -> bytes:
        """What is sent for a letter. Raises HeaderError for what a field cannot carry."""
        ...

    def reader(self) -> ReplyReader:
        """For what comes back."""
        ...


class NativeEnvelope:
    """No layers: the bare message (TRN-05)."""

    layers = ()

    def __init__(self, profile: Profile) -> None:
        self._limits = profile.limits

    def wrap(self, letter: Letter) -> bytes:
        return letter.message

    def reader(self) -> ReplyReader:
        return _NativeReplies(self._limits)


class _NativeReplies:
    """A message, and behind it the file that it announces, which is no message (CAT-06)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._reader = NativeReader(limits)
        self._received = bytearray()
        self._places: tuple[int, int] | None = None
        """Where in what was received the reply begins and ends, once its message is in."""

    def feed(self, data: bytes) -> None:
        self._received += data
        self._reader.feed(data)

    def reply(self) -> Reply | None:
        if self._places is None:
            message = self._reader.next_message()
            if message is NEED_DATA:
                return None
            start = len(self._received) - len(self._received.lstrip(_BETWEEN))
            self._places = start, start + len(message) + file_size(message, self._limits)
        start, end = self._places
        if len(self._received) < end:
            return None
        octets = bytes(self._received[start:end])
        return Reply(octets, octets, limits=self._limits)


class ProxyEnvelope:
    """The common header, as a dispatcher writes it (DSP-04)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.layers = (profile.wire.common,)

    def wrap(self, letter: Letter) -> bytes:
        header = CommonHeader(
            self._profile.version,
            session_key=letter.session.key,
            type=letter.type,
            serial=letter.serial,
        )
        return self._profile.wire.common.frame(header, letter.message)

    def reader(self) -> ReplyReader:
        return _FrameReplies(self._profile.wire.common, self._profile)


class DispatcherEnvelope:
    """The dispatcher header, enriched as a web server does it (DSP-01)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.layers = (profile.wire.dispatcher,)

    def wrap(self, letter: Letter) -> bytes:
        session = letter.session
        header = DispatcherHeader(
            self._profile.version,
            target=letter.proxy,
            type=letter.type,
            user_id=session.user_id,
            enterprise_id=session.enterprise_id,
            session_key=session.key,
        )
        return self._profile.wire.dispatcher.frame(header, letter.message)

    def reader(self) -> ReplyReader:
        return _FrameReplies(self._profile.wire.dispatcher, self._profile)


class _FrameReplies:
    def __init__(self, codec: HeaderCodec[Any], profile: Profile) -> None:
        self._reader = FrameReader(codec, profile)
        self._limits = profile.limits
        self.feed = self._reader.feed

    def reply(self) -> Reply | None:
        frame = self._reader.next_frame()
        if frame is NEED_DATA:
            return None
        header = frame.header
        return Reply(frame.octets, frame.data, header.status, (header,), self._limits)


class WebEnvelope:
    """Web header and dispatcher header, the body of a POST (WEB-01)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._wire = profile.wire
        self.layers = (profile.wire.web, profile.wire.dispatcher)
        self.longest = profile.wire.web.size + profile.frame_octets
        """The octets of the longest body that can hold a reply."""

    def wrap(self, letter: Letter) -> bytes:
        web = WebHeader(letter.transaction, letter.session.key)
        header = DispatcherHeader(self._profile.version, target=letter.proxy, type=letter.type)
        return self._wire.web.encode(web) + self._wire.dispatcher.frame(header, letter.message)

    def unwrap(self, body: bytes) -> Reply:
        """The reply in a whole response body. Raises NotAReply, FrameError."""
        if len(body) > self.longest:
            raise NotAReply(f"a body of more than {self.longest} octets")
        try:
            web = self._wire.web.decode(body)
        except HeaderError as error:
            raise NotAReply(f"a body of {len(body)} octets: {error}") from None
        frames = _FrameReplies(self._wire.dispatcher, self._profile)
        frames.feed(body[self._wire.web.size :])
        inner = frames.reply()
        if inner is None:
            raise NotAReply(f"a body of {len(body)} octets holds no whole dispatcher frame")
        return Reply(body, inner.data, inner.status, (web, *inner.headers), inner.limits)


def envelope_for(target: Target, profile: Profile) -> Envelope | WebEnvelope:
    """The layers that the target's kind takes."""
    if target.is_web:
        return WebEnvelope(profile)
    kinds: dict[str, Any] = {
        "dispatcher": DispatcherEnvelope,
        "proxy": ProxyEnvelope,
        "native": NativeEnvelope,
    }
    made: Envelope = kinds[target.kind](profile)
    return made


def logon_letter(user: str, password: str) -> Letter:
    """Validate User, the first half of a logon (WEB-04). Raises BuildError."""
    message = build_message("VUM", {"USERID": user, "PASSWORD": password})
    return Letter(message, proxy="STAROE", transaction=Transaction.LOGON)


def session_of(reply: Reply) -> Session | None:
    """The session that a logon's reply opens, None if the user was refused. Raises NotAReply."""
    if reply.status not in (Status.OK, Status.APPLICATION_ERROR):
        raise NotDone(f"logs nobody on: {status_words(reply.status)}")
    if reply.status != Status.OK or not reply.key:
        return None
    try:
        fields = reply.message().body.fields
        return Session(reply.key, fields["USERID"].value.scalar, fields["ENTPID"].value.scalar)
    except MetadataError as error:
        raise NotAReply(f"a session with no message: {error}") from None
    except KeyError as error:
        raise NotAReply(f"a session without {error.args[0]}") from None
