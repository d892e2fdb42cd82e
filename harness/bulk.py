"""Bulk transfers from a client's side: one run, its octets handed out as they come (TRN-03).

`Transfer` is the blocking one, `twisted_bulk` has the other. Neither holds more than a frame.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

import msgspec

from starwire.protocol.bulk import (
    Asked,
    BulkError,
    Cancel,
    Cancelled,
    Declined,
    Ended,
    Event,
    Hash,
    Payload,
    Receiving,
    Resume,
    request_data,
)
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType

from .envelopes import Envelope, Letter, Reply, Session, WebEnvelope
from .failures import NO_CONNECTION, NO_REPLY, ClientError, NotAReply, NotOk, why

_PIECE = 65_536


class TransferLost(ClientError):
    """The connection was lost, or what came is wrong, before the run had its last frame."""

    def __init__(self, reason: str, transfer: int, offset: int, *, worthless: bool = False) -> None:
        super().__init__(reason)
        self.worthless = worthless
        """Whether the octets that came are not those of the source."""
        self.transfer = transfer
        """0 if not even its id came. It may be resumed at `offset`, the octets that came."""
        self.offset = offset


class NotARun(NotAReply):
    """Frames that are no run of a transfer, or whose octets are not what their digest says."""


class Incoming:
    """What answers a bulk request, from any kind of target: octets in, events out. No I/O."""

    def __init__(
        self,
        profile: Profile,
        *,
        is_web: bool,
        is_proxy: bool,
        asked: Asked,
        hashed: Hash | None = None,
    ) -> None:
        wire = profile.wire
        self._reader: FrameReader[Any] = FrameReader(
            wire.common if is_proxy else wire.dispatcher, profile
        )
        self._bulk = wire.bulk
        self._limits = profile.limits
        self._header = wire.web.size if is_web else 0
        """Octets of the web header that are still to come (WEB-08)."""
        resumed = asked if isinstance(asked, Resume) else None
        self.run = Receiving(
            wire.bulk,
            chunk=profile.bulk_chunk,
            transfer=resumed.transfer if resumed else 0,
            offset=resumed.offset if resumed else 0,
            hashed=hashed,
        )
        self.last: Frame[Any] | None = None
        """The newest frame."""

    def feed(self, data: bytes) -> None:
        if self._header:
            skipped = min(self._header, len(data))
            self._header -= skipped
            data = data[skipped:]
        if data:
            self._reader.feed(data)

    def event(self) -> Event | None:
        """The next event; None if more octets are needed. Raises NotAReply, FrameError."""
        frame = self._reader.next_frame()
        if frame is NEED_DATA:
            return None
        self.last = frame
        try:
            return self.run.take(frame)
        except BulkError as error:
            raise NotARun(str(error)) from None

    def reply(self) -> Reply | None:
        """The newest frame as a reply, its bulk header among the headers."""
        frame = self.last
        if frame is None:
            return None
        status, data = frame.header.status, frame.data
        if len(data) < self._bulk.size:
            return Reply(frame.octets, data, status, (frame.header,), self._limits)
        headers = (frame.header, self._bulk.decode(data))
        return Reply(frame.octets, data[self._bulk.size :], status, headers, self._limits)


class Line(Protocol):
    """A connection to a target: the request goes out, the answer is read in pieces."""

    def send(self, octets: bytes) -> None: ...
    def receive(self) -> bytes: ...
    def close(self) -> None: ...


class StreamLine:
    """Frames on a connection of their own; `open_connection` gives it, `seconds` for each wait."""

    def __init__(self, open_connection: Callable[[], Any], seconds: float) -> None:
        self._connection = open_connection()
        self._seconds = seconds
        self.close = self._connection.close

    def send(self, octets: bytes) -> None:
        self._connection.allow(self._seconds)
        self._connection.sendall(octets)

    def receive(self) -> bytes:
        self._connection.allow(self._seconds)
        received: bytes = self._connection.recv(_PIECE)
        return received


class WebLine:
    """One POST and its response, which is as long as the transfer (WEB-08)."""

    def __init__(
        self, open_connection: Callable[[], Any], seconds: float, http_: Any, path: str
    ) -> None:
        self._connection = open_connection()
        self._seconds = seconds
        self._path = path
        self._http = http_
        self._http.sock = self._connection
        self._response: http.client.HTTPResponse | None = None

    def send(self, octets: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        self._http.request("POST", self._path, octets, headers)

    def receive(self) -> bytes:
        self._connection.allow(self._seconds)
        if self._response is None:
            self._response = self._http.getresponse()
            if self._response.status != http.HTTPStatus.OK:
                raise NotOk(self._response.status, self._response.read(_PIECE))
        return self._response.read1(_PIECE)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        self._http.close()
        self._connection.close()


class Transfer:
    """One run: iterate over its octets, then look at `end`.

    with client.open(b"F<INBOXID=1>") as run:
        for octets in run:
            file.write(octets)

    Iterating raises TransferLost if there is no end, or what came is no run.
    """

    def __init__(
        self,
        line: Callable[[], Line],
        envelope: Envelope | WebEnvelope,
        profile: Profile,
        target: Any,
        asked: Asked,
        letter: Callable[[Asked], Letter],
        hashed: Hash | None,
    ) -> None:
        self._envelope = envelope
        self._target = target
        self._letter = letter
        self._incoming = Incoming(
            profile,
            is_web=isinstance(envelope, WebEnvelope),
            is_proxy=target.kind == "proxy",
            asked=asked,
            hashed=hashed,
        )
        self.end: Ended | Cancelled | Declined | None = None
        """How the run ended; None until it has."""
        self.sent = envelope.wrap(letter(asked))
        self._line = line()
        self._closed = False
        try:
            self._line.send(self.sent)
        except BaseException:
            self.close()
            raise

    @property
    def transfer(self) -> int:
        """The id to resume it by; 0 until the first frame tells it."""
        return self._incoming.run.transfer

    @property
    def total(self) -> int | None:
        """The octets of the whole; None until the first frame tells it."""
        return self._incoming.run.total

    @property
    def offset(self) -> int:
        """Of the first octet that has not come."""
        return self._incoming.run.offset

    @property
    def received(self) -> Reply | None:
        """The newest frame."""
        return self._incoming.reply()

    def __iter__(self) -> Iterator[memoryview]:
        while self.end is None:
            event = self._next()
            if isinstance(event, Payload):
                yield event.octets
            else:
                self.end = event
                self.close()

    def _next(self) -> Event:
        try:
            while (event := self._incoming.event()) is None:
                data = self._line.receive()
                if not data:
                    raise NotAReply("the connection was closed before the last frame")
                self._incoming.feed(data)
        except (*NO_REPLY, *NO_CONNECTION) as error:
            self.close()
            raise self._lost(error) from error
        return event

    def _lost(self, error: Exception) -> TransferLost:
        reason, worthless = f"{self._target}: {why(error)}", isinstance(error, NotARun)
        return TransferLost(reason, self.transfer, self.offset, worthless=worthless)

    def cancel(self) -> None:
        """End the run. On a connection of frames its cancelled frame still comes: go on iterating.
        Over HTTP closing is what cancels (WEB-08): nothing more comes.
        """
        if self._closed:
            return
        if isinstance(self._envelope, WebEnvelope):
            self.end = Cancelled()
            self.close()
            return
        try:
            self._line.send(self._envelope.wrap(self._letter(Cancel(self.transfer))))
        except NO_CONNECTION as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Close the connection; a server takes that for a cancel."""
        if not self._closed:
            self._closed = True
            self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def bulk_letter(
    profile: Profile, asked: Asked, proxy: str, session: Session, serial: int
) -> Letter:
    """The type 3 letter that asks it."""
    data = request_data(profile.wire.bulk, asked)
    return Letter(data, proxy, MessageType.BULK, session=session, serial=serial)


class Fetched(msgspec.Struct, frozen=True):
    """What became of a run that was handed out elsewhere."""

    transfer: int
    total: int | None
    offset: int
    end: Ended | Cancelled | Declined
