"""Bulk transfers (TRN-03): what a client asks, the frames of a run, and what a receiver checks.

A *transfer* is a source of octets that has an id. A *run* answers one open or resume of it: data
frames in rising order without gaps, then one end or cancelled frame, all under one serial.

    asked = read_request(wire.bulk, frame.data)           Open, Resume, Cancel; BadBulk: 110
    sending = Sending(codec, wire.bulk, frame.header, ..)
    sending.feed(octets); sending.next_frame()            as FrameReader: pull until NEED_DATA
    sending.end(digest)     or     sending.cancelled()

    receiving = Receiving(wire.bulk)
    receiving.take(frame)                                 Payload, Ended, Cancelled, Declined
"""

from __future__ import annotations

import hashlib
from typing import Any, Generic, Literal, NoReturn, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from .frames import NEED_DATA, Frame, NeedData
from .headers import BulkHeader, F
from .packing import HeaderCodec
from .status import MessageType, Operation, Status

DIGEST_OCTETS = 32
"""Of the SHA-256 behind an end frame's bulk header."""

BulkCodec: TypeAlias = HeaderCodec[BulkHeader]


class Hash(Protocol):
    """A SHA-256 under way, as `hashlib` makes it."""

    def update(self, octets: Any, /) -> None: ...
    def digest(self) -> bytes: ...


# ------------------------------------------------------------------------------ what a client asks


class Open(Struct, frozen=True):
    """Begin a transfer of what the message asks for."""

    message: bytes


class Resume(Struct, frozen=True):
    """Go on with a transfer from an octet of its source."""

    transfer: int
    offset: int


class Cancel(Struct, frozen=True):
    """End the run of a transfer."""

    transfer: int


Asked: TypeAlias = Open | Resume | Cancel


class BadBulk(ValueError):
    """The data of a type 3 frame is no bulk request: status 110."""


def read_request(bulk: BulkCodec, data: bytes) -> Asked:
    """What the data of a client's type 3 frame asks. Raises BadBulk.

    Fields that the operation has no use for are not looked at.
    """
    if len(data) < bulk.size:
        raise BadBulk(f"{len(data)} octets, the bulk header has {bulk.size}")
    header = bulk.decode(data)
    match header.operation:
        case Operation.OPEN:
            return Open(data[bulk.size :])
        case Operation.RESUME:
            return Resume(header.transfer, header.offset)
        case Operation.CANCEL:
            return Cancel(header.transfer)
    raise BadBulk(f"operation {header.operation} is no client's")


def request_data(bulk: BulkCodec, asked: Asked) -> bytes:
    """The data of the type 3 frame that asks it. Raises HeaderError for a number too large."""
    match asked:
        case Open(message):
            return bulk.encode(BulkHeader(Operation.OPEN)) + message
        case Resume(transfer, offset):
            return bulk.encode(BulkHeader(Operation.RESUME, transfer, offset))
        case Cancel(transfer):
            return bulk.encode(BulkHeader(Operation.CANCEL, transfer))


# ------------------------------------------------------------------------------- what a server says


def is_last(status: int) -> bool:
    """Whether a frame with this status ends the answer to a type 3 frame (WEB-08)."""
    return status != Status.BULK


def cancelled_frame(
    codec: HeaderCodec[F], bulk: BulkCodec, request: F, transfer: int, sent: int, total: int
) -> bytes:
    """The frame that says so; `sent` is the offset of the first octet that did not go out."""
    header = BulkHeader(Operation.CANCELLED, transfer, sent, total)
    return codec.frame(request.reply(Status.CANCELLED), bulk.encode(header))


def declined_frame(codec: HeaderCodec[F], bulk: BulkCodec, request: F, response: bytes) -> bytes:
    """The end frame that answers a message in error: status 100, no transfer, no digest."""
    data = bulk.encode(BulkHeader(Operation.END)) + response
    return codec.frame(request.reply(Status.APPLICATION_ERROR), data)


class Sending(Generic[F]):
    """The frames of one run: feed octets of the source in order, pull frames until NEED_DATA.

    Raises ValueError for what would break the sequence: octets beyond the total, an end before it,
    anything behind the end.
    """

    def __init__(
        self,
        codec: HeaderCodec[F],
        bulk: BulkCodec,
        request: F,
        *,
        chunk: int,
        transfer: int,
        total: int,
        offset: int = 0,
    ) -> None:
        """`request` is the header that is answered, `chunk` the payload octets of a full frame."""
        if not 0 <= offset <= total:
            raise ValueError(f"offset {offset} is not within {total} octets")
        self.transfer = transfer
        self.total = total
        self.offset = offset
        """Of the first octet that is not in a frame yet."""
        self.over = False
        """Whether the last frame was made."""
        self._codec: HeaderCodec[F] = codec
        self._bulk = bulk
        self._request: F = request
        self._chunk = chunk
        self._held = memoryview(b"")
        self._beginnings: dict[int, bytes] = {}
        """Headers of data frames by their payload's length: nearly all have the same."""

    def feed(self, octets: bytes) -> None:
        """The next octets of the source; only when those before are all in frames."""
        if self._held:
            raise ValueError("the octets before are not all sent")
        if self.over or len(octets) > self.total - self.offset:
            raise ValueError(f"{len(octets)} octets at {self.offset} of {self.total}")
        self._held = memoryview(octets)

    def next_frame(self) -> bytes | Literal[NeedData.NEED_DATA]:
        """A data frame of what was fed."""
        payload = self._held[: self._chunk]
        length = len(payload)
        if not length:
            return NEED_DATA
        beginning = self._beginnings.get(length) or self._begin(length)
        header = BulkHeader(Operation.DATA, self.transfer, self.offset, self.total)
        self._held = self._held[length:]
        self.offset += length
        return b"".join((beginning, self._bulk.encode(header), payload))

    def _begin(self, payload: int) -> bytes:
        length = self._codec.size + self._bulk.size + payload
        header = msgspec.structs.replace(self._request.reply(Status.BULK), length=length)
        self._beginnings[payload] = beginning = self._codec.encode(header)
        return beginning

    def end(self, digest: bytes) -> bytes:
        """The end frame; `digest` is the SHA-256 of the whole, not of this run."""
        if self.offset != self.total:
            raise ValueError(f"an end at {self.offset} of {self.total}")
        self._finish()
        header = BulkHeader(Operation.END, self.transfer, self.total, self.total)
        return self._codec.frame(
            self._request.reply(Status.BULK_END), self._bulk.encode(header) + digest
        )

    def cancelled(self) -> bytes:
        """The frame that ends the run early. What was fed and is not sent is dropped."""
        self._finish()
        return cancelled_frame(
            self._codec, self._bulk, self._request, self.transfer, self.offset, self.total
        )

    def declined(self, response: bytes) -> bytes:
        """The frame that ends the run because its source fails; `response` says how."""
        self._finish()
        return declined_frame(self._codec, self._bulk, self._request, response)

    def _finish(self) -> None:
        if self.over:
            raise ValueError("the run is over")
        self.over = True
        self._held = memoryview(b"")


# ------------------------------------------------------------------------------ what a client takes


class Payload(Struct, frozen=True):
    """The next octets of the source; a view of the frame that held them."""

    octets: memoryview


class Ended(Struct, frozen=True):
    """The source is whole. `verified` tells whether its SHA-256 was compared with what came: it
    could not be if a part of the source is not known here.
    """

    digest: bytes
    verified: bool


class Cancelled(Struct, frozen=True):
    """The run was ended early, by whoever; the transfer may be resumed."""


class Declined(Struct, frozen=True):
    """Nothing, or nothing more, is sent: `data` is the response message when the status is 100."""

    status: int
    data: bytes


Event: TypeAlias = Payload | Ended | Cancelled | Declined


class BulkError(ValueError):
    """The frames are no run of a transfer."""


_OPERATIONS = {
    Status.BULK: Operation.DATA,
    Status.BULK_END: Operation.END,
    Status.CANCELLED: Operation.CANCELLED,
    Status.APPLICATION_ERROR: Operation.END,
}
"""What the bulk header of a server's frame says, by the status of its frame (TRN-03)."""


class Receiving:
    """Takes the frames of one run, in order, and checks all that they say.

    An error is for ever. Octets are handed out before the digest of the whole is known, since they
    cannot be kept: what they are worth is told by `Ended`.
    """

    def __init__(
        self,
        bulk: BulkCodec,
        *,
        chunk: int,
        transfer: int = 0,
        offset: int = 0,
        hashed: Hash | None = None,
    ) -> None:
        """For a resume: the transfer's id, the offset asked for, and a SHA-256 that has seen the
        octets before it. Without that the digest of the whole cannot be compared.
        """
        self.transfer = transfer
        """0 until the first frame tells it."""
        self.total: int | None = None
        self.offset = offset
        """Of the first octet that has not come."""
        self.over = False
        self._bulk = bulk
        self._chunk = chunk
        self._hashed = hashed if hashed is not None or offset else hashlib.sha256()
        self._failure = ""

    def take(self, frame: Frame[Any]) -> Event:
        """What the next frame says. Raises BulkError."""
        if self._failure:
            raise BulkError(self._failure)
        if self.over:
            self._fail("a frame behind the last")
        status = frame.header.status
        if frame.header.type != MessageType.BULK and status not in (Status.VERSION, Status.LENGTH):
            self._fail(f"type {frame.header.type} in answer to type 3")
        if status not in _OPERATIONS:
            self.over = True
            return Declined(status, frame.data)
        place = frame.header_size
        if len(frame.octets) - place < self._bulk.size:
            self._fail(f"status {status} without a bulk header")
        header = self._bulk.decode(frame.octets, place)
        if header.operation != _OPERATIONS[Status(status)]:
            self._fail(f"operation {header.operation} under status {status}")
        payload = memoryview(frame.octets)[place + self._bulk.size :]
        if status == Status.APPLICATION_ERROR:
            return self._decline(header, payload)
        self._check(header)
        if status == Status.BULK:
            return self._take_payload(payload)
        self.over = True
        if status == Status.BULK_END:
            return self._end(payload)
        if payload:
            self._fail(f"{len(payload)} octets behind a cancelled frame's header")
        return Cancelled()

    def _decline(self, header: BulkHeader, payload: memoryview) -> Event:
        if header.transfer or header.offset or header.total:
            self._fail("a message in error has no transfer, offset or total")
        self.over = True
        return Declined(Status.APPLICATION_ERROR, bytes(payload))

    def _check(self, header: BulkHeader) -> None:
        """Id and total are the same in every frame of a run, and offsets have no gap."""
        if not header.transfer:
            self._fail("transfer 0")
        if self.transfer and header.transfer != self.transfer:
            self._fail(f"transfer {header.transfer} in place of {self.transfer}")
        if self.total is not None and header.total != self.total:
            self._fail(f"a total of {header.total} in place of {self.total}")
        if header.offset != self.offset:
            self._fail(f"offset {header.offset} in place of {self.offset}")
        if header.offset > header.total:
            self._fail(f"offset {header.offset} beyond the total of {header.total}")
        self.transfer, self.total = header.transfer, header.total

    def _take_payload(self, payload: memoryview) -> Event:
        assert self.total is not None
        if not 0 < len(payload) <= self._chunk:
            self._fail(f"{len(payload)} octets in a data frame, 1 to {self._chunk} are allowed")
        if len(payload) > self.total - self.offset:
            self._fail(f"{len(payload)} octets at {self.offset} of {self.total}")
        self.offset += len(payload)
        if self._hashed is not None:
            self._hashed.update(payload)
        return Payload(payload)

    def _end(self, payload: memoryview) -> Event:
        if self.offset != self.total:
            self._fail(f"an end at {self.offset} of {self.total}")
        digest = bytes(payload)
        if len(digest) != DIGEST_OCTETS:
            self._fail(f"a digest of {len(digest)} octets")
        if self._hashed is not None and self._hashed.digest() != digest:
            self._fail("the SHA-256 of the whole is not that of what came")
        return Ended(digest, self._hashed is not None)

    def _fail(self, reason: str) -> NoReturn:
        self._failure = reason
        self.over = True
        raise BulkError(reason)
