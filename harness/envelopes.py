"""A message put into the layers of a seat, and taken out again: octets only, no I/O.

An envelope knows one kind of target. `wrap` makes what is sent; a `reader` takes what comes back,
in any fragmentation, and gives one Reply.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from starwire.grammar import Limits, Message, parse
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.native import NativeReader
from starwire.protocol.packing import HeaderError
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status, Transaction

from .target import Target


class Session(msgspec.Struct, frozen=True):
    """What a logon gave: the key, and whose it is."""

    key: str = ""
    user_id: str = ""
    enterprise_id: str = ""


NO_SESSION = Session()


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
    headers: tuple[WebHeader | DispatcherHeader | CommonHeader, ...] = ()

    @property
    def key(self) -> str:
        """The session key that the web header carries; "" without one."""
        first = self.headers[0] if self.headers else None
        return first.session_key if isinstance(first, WebHeader) else ""

    def split(self) -> tuple[bytes, bytes]:
        """The response message, and what stands behind it: the file that F asked for (CAT-06)."""
        if not self.data.startswith(b"Z<"):
            return self.data, b""
        reader = NativeReader(Limits(octets=len(self.data)))
        reader.feed(self.data)
        message = reader.next_message()
        if message is NEED_DATA:
            return self.data, b""
        return message, self.data[len(message) :]

    def message(self) -> Message:
        """The response message parsed. Raises MetadataError."""
        return parse(self.split()[0])


class NotAReply(Exception):
    """What came back is not what the wire allows there."""


class ReplyReader(Protocol):
    """Takes what comes back."""

    def feed(self, data: bytes) -> None: ...
    def reply(self) -> Reply | None: ...


class Envelope(Protocol):
    """The layers of one kind of target."""

    def wrap(self, letter: Letter) -> bytes:
        """What is sent for a letter. Raises HeaderError for what a field cannot carry."""

    def reader(self) -> ReplyReader:
        """For what comes back."""


class NativeEnvelope:
    """No layers: the bare message (TRN-05)."""

    def __init__(self, profile: Profile) -> None:
        self._limits = profile.limits

    def wrap(self, letter: Letter) -> bytes:
        return letter.message

    def reader(self) -> ReplyReader:
        return _NativeReplies(self._limits)


class _NativeReplies:
    def __init__(self, limits: Limits) -> None:
        self._reader = NativeReader(limits)
        self.feed = self._reader.feed

    def reply(self) -> Reply | None:
        octets = self._reader.next_message()
        return None if octets is NEED_DATA else Reply(octets, octets)


class ProxyEnvelope:
    """The common header, as a dispatcher writes it (DSP-04)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def wrap(self, letter: Letter) -> bytes:
        header = CommonHeader(
            self._profile.version,
            session_key=letter.session.key,
            type=letter.type,
            serial=letter.serial,
        )
        return self._profile.wire.common.frame(header, letter.message)

    def reader(self) -> ReplyReader:
        return _FrameReplies(FrameReader(self._profile.wire.common, self._profile))


class DispatcherEnvelope:
    """The dispatcher header, enriched as a web server does it (DSP-01)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

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
        return _FrameReplies(FrameReader(self._profile.wire.dispatcher, self._profile))


class _FrameReplies:
    def __init__(self, reader: FrameReader[Any]) -> None:
        self._reader = reader
        self.feed = reader.feed

    def reply(self) -> Reply | None:
        frame = self._reader.next_frame()
        return None if frame is NEED_DATA else _reply(frame)


def _reply(frame: Frame[Any]) -> Reply:
    return Reply(frame.octets, frame.data, frame.header.status, (frame.header,))


class WebEnvelope:
    """Web header and dispatcher header, the body of a POST (WEB-01)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._wire = profile.wire

    def wrap(self, letter: Letter) -> bytes:
        web = WebHeader(letter.transaction, letter.session.key)
        header = DispatcherHeader(self._profile.version, target=letter.proxy, type=letter.type)
        return self._wire.web.encode(web) + self._wire.dispatcher.frame(header, letter.message)

    def reader(self) -> ReplyReader:
        return _WebReplies(self)

    def unwrap(self, body: bytes) -> Reply:
        """The reply in a whole response body. Raises NotAReply."""
        try:
            web = self._wire.web.decode(body)
        except HeaderError as error:
            raise NotAReply(f"a body of {len(body)} octets: {error}") from None
        frames = _FrameReplies(FrameReader(self._wire.dispatcher, self._profile))
        frames.feed(body[self._wire.web.size :])
        inner = frames.reply()
        if inner is None:
            raise NotAReply(f"a body of {len(body)} octets holds no whole dispatcher frame")
        return Reply(body, inner.data, inner.status, (web, *inner.headers))


class _WebReplies:
    """Octets of a body that a caller has already delimited."""

    def __init__(self, envelope: WebEnvelope) -> None:
        self._envelope = envelope
        self._body = b""

    def feed(self, data: bytes) -> None:
        self._body += data

    def reply(self) -> Reply | None:
        return self._envelope.unwrap(self._body)


def envelope_for(target: Target, profile: Profile) -> Envelope:
    """The layers that the target's kind takes."""
    kinds: dict[str, Any] = {
        "https": WebEnvelope,
        "http": WebEnvelope,
        "dispatcher": DispatcherEnvelope,
        "proxy": ProxyEnvelope,
        "native": NativeEnvelope,
    }
    made: Envelope = kinds[target.kind](profile)
    return made


def logon_letter(user: str, password: str) -> Letter:
    """Validate User, the first half of a logon (WEB-04)."""
    from starwire.protocol.messages import build_message

    message = build_message("VUM", {"USERID": user, "PASSWORD": password})
    return Letter(message, proxy="STAROE", transaction=Transaction.LOGON)


def session_of(reply: Reply) -> Session | None:
    """The session that a logon's reply opens, None if it was refused."""
    if reply.status != Status.OK or not reply.key:
        return None
    message = reply.message()
    return Session(reply.key, message["USERID"].value.scalar, message["ENTPID"].value.scalar)
