"""The three headers and the bulk header, and the replies that repeat a header (HDR-06).

Values only; `packing` has what turns them into octets and back. Text is without pad. Fields hold
whatever number or text came, since a peer may send any: nothing is judged here.
"""

from __future__ import annotations

from typing import Self, TypeVar

from msgspec import Struct

from .packing import HeaderCodec
from .status import Status


class CommonHeader(Struct, frozen=True, gc=False):
    """Dispatcher to proxy and back (HDR-01). Text is without pad; `length` is that of the frame."""

    version: int
    length: int = 0
    echo: int = 0
    session_key: str = ""
    type: int = 0
    serial: int = 0
    status: int = 0

    def reply(self, status: int) -> Self:
        """The header that answers this one: version, key, type and serial come back (HDR-06)."""
        return type(self)(self.version, 0, 0, self.session_key, self.type, self.serial, status)


class DispatcherHeader(Struct, frozen=True, gc=False):
    """Web server to dispatcher and back (DSP-01)."""

    version: int
    length: int = 0
    target: str = ""
    type: int = 0
    user_id: str = ""
    enterprise_id: str = ""
    session_key: str = ""
    status: int = 0

    def reply(self, status: int) -> Self:
        """The header that answers this one: version, target and type come back (DSP-01)."""
        return type(self)(self.version, 0, self.target, self.type, "", "", "", status)


class WebHeader(Struct, frozen=True, gc=False):
    """Client to web server and back (WEB-02)."""

    transaction: int
    session_key: str = ""


class BulkHeader(Struct, frozen=True, gc=False):
    """What the data of a bulk frame begins with (TRN-03)."""

    operation: int
    transfer: int = 0
    offset: int = 0
    total: int = 0


F = TypeVar("F", CommonHeader, DispatcherHeader)
"""A header that begins a frame."""


class Wire(Struct, frozen=True):
    """The codecs of one wire profile."""

    common: HeaderCodec[CommonHeader]
    dispatcher: HeaderCodec[DispatcherHeader]
    web: HeaderCodec[WebHeader]
    bulk: HeaderCodec[BulkHeader]


def reply_frame(codec: HeaderCodec[F], request: F, status: int, data: bytes = b"") -> bytes:
    """The frame that answers `request`, whose four fields come back (HDR-06, DSP-01).

    103 to 111 are bare; 101 and 102 are `mismatch_frame`'s, since their request cannot be trusted.
    Raises ValueError for either mistake.
    """
    if status in (Status.VERSION, Status.LENGTH):
        raise ValueError(f"status {status} does not answer a header that was read")
    if data and Status.UNKNOWN_PROXY <= status <= Status.OVERLOADED:
        raise ValueError(f"status {status} is a bare header, without data")
    return codec.frame(request.reply(status), data)


def mismatch_frame(codec: HeaderCodec[F], version: int, status: int) -> bytes:
    """The bare frame that answers 101 or 102: our own version, all else empty (HDR-06, DSP-01)."""
    if status not in (Status.VERSION, Status.LENGTH):
        raise ValueError(f"status {status} repeats fields of its request")
    return codec.frame(codec.kind(version=version, status=status), b"")
