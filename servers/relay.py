"""The frames of a bulk run, passed on from hop to hop as they come (TRN-03, WEB-08).

Whatever happens behind, the run gets a last frame: 106 if the other server is lost, 109 if it
takes too long over a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starwire.protocol.bulk import BadBulk, Cancel, Resume, is_last, read_request, request_data
from starwire.protocol.frames import Frame
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status

from .link import TimedOut, Unreachable


class Frames(Protocol):
    """What `stream.Stream` is to a relay."""

    own_address: str

    async def next(self) -> Any: ...
    def send(self, octets: bytes) -> None: ...
    def close(self) -> None: ...


class Relay:
    """A run that comes from another server, as the `outflow.Body` that goes to the one before."""

    def __init__(
        self,
        profile: Profile,
        stream: Frames,
        request: DispatcherHeader,
        tell: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """`request` is what is answered; `tell` takes the facts of the log line, at the end."""
        self._codec = profile.wire.dispatcher
        self._longest = profile.bulk_frame_octets
        self._stream = stream
        self._request = request
        self._tell = tell
        self.facts: dict[str, Any] = {"out": stream.own_address, "status": int(Status.BULK)}
        self.over = False
        """Whether the last frame was given."""

    async def next(self) -> bytes:
        try:
            return await self.frame()
        except Unreachable as error:
            self.facts["lost"] = str(error)
            return self._last(Status.UNAVAILABLE)

    async def frame(self) -> bytes:
        """As `next`, for whom a server that is lost is no run at all: raises Unreachable."""
        if self.over:
            return b""
        try:
            return self.passed(await self._stream.next())
        except TimedOut:
            return self._last(Status.TIMED_OUT)

    def passed(self, frame: Frame[Any]) -> bytes:
        """A frame of the other server as it goes on; its status and data are not changed."""
        status = int(frame.header.status)
        octets = self._codec.frame(self._request.reply(status), frame.data)
        if len(octets) > self._longest:
            return self._last(Status.BAD_BULK)
        if is_last(status):
            self.facts["status"] = status
            self.over = self._is_over(status)
        return octets

    def _is_over(self, status: int) -> bool:
        """Whether nothing is owed behind a last frame with this status."""
        return True

    def _last(self, status: Status) -> bytes:
        self.over = True
        self.facts["status"] = int(status)
        return self._codec.frame(self._request.reply(status), b"")

    def take(self, request: Any) -> bool:
        return False

    def close(self) -> None:
        self._stream.close()
        self._tell(self.facts)


class ProxyRelay(Relay):
    """From a proxy: cancels that overtake go the other way, under the serial of the run."""

    def __init__(
        self,
        profile: Profile,
        stream: Frames,
        request: DispatcherHeader,
        sent: CommonHeader,
        tell: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """`sent` is the header that went to the proxy."""
        super().__init__(profile, stream, request, tell)
        self._common = profile.wire.common
        self._bulk = profile.wire.bulk
        self._sent = sent
        self._run: BulkHeader | None = None
        """Of the first frame that had one: id and total are those of all."""
        self._ended = False
        self._owed = False
        """Whether a cancel of the client's went on, which has an answer of its own if the run ends
        otherwise first.
        """

    def passed(self, frame: Frame[Any]) -> bytes:
        if not answers(frame.header, self._sent):
            self.facts["lost"] = "the reply is another request's"
            return self._last(Status.UNAVAILABLE)
        if self._run is None and frame.header.status == Status.BULK:
            data = frame.data
            if len(data) >= self._bulk.size:
                self._run = self._bulk.decode(data)
                self.facts["transfer"] = self._run.transfer
        return super().passed(frame)

    def _is_over(self, status: int) -> bool:
        if self._ended or not self._owed or status == Status.CANCELLED:
            return True
        self._ended = True
        return False

    def take(self, request: Frame[DispatcherHeader]) -> bool:
        """See `bulk.Run.take`: the dispatcher reads so much of a bulk header, and no message."""
        header, run = request.header, self._run
        if run is None or self.over or self._ended or header.type != MessageType.BULK:
            return False
        mine = self._request
        if (header.target, header.session_key) != (mine.target, mine.session_key):
            return False
        try:
            asked = read_request(self._bulk, request.data)
        except BadBulk:
            return False
        if asked == Cancel(run.transfer):
            self._owed = True
            self._cancel(run.transfer)
            return True
        match asked:
            case Resume(transfer, offset) if transfer == run.transfer and offset <= run.total:
                self._cancel(transfer)
        return False

    def _cancel(self, transfer: int) -> None:
        data = request_data(self._bulk, Cancel(transfer))
        self._stream.send(self._common.frame(self._sent, data))


def answers(reply: CommonHeader, request: CommonHeader) -> bool:
    """Whether the header is that of a reply to the request (HDR-06)."""
    if reply.status in (Status.VERSION, Status.LENGTH):
        return True
    return (reply.serial, reply.type, reply.session_key) == (
        request.serial,
        request.type,
        request.session_key,
    )
