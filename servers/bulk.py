"""Bulk transfers at a proxy: opened, resumed, cancelled, and sent block by block (TRN-03, TRN-04).

What is asked for is carried out once, in the transaction that keeps the transfer. From then on a
run is only reading: a file, or the response message that was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import structs
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from starwire.protocol.bulk import (
    Asked,
    BadBulk,
    Cancel,
    Open,
    Resume,
    Sending,
    cancelled_frame,
    declined_frame,
    read_request,
)
from starwire.protocol.frames import NEED_DATA, Frame
from starwire.protocol.headers import CommonHeader, reply_frame
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status

from .backend import BackEndAnswer
from .customer import Customer
from .proxy import Done
from .sources import Blocks, Files, InThread, OctetsSource, Source, SourceFailed, Sources
from .store import IdsExhausted
from .transfers import Transfer, Transfers

T = TypeVar("T")

MOST_RUNS = 256
"""At once in one process; each holds two blocks and what its connection has not sent."""
_SEEN_SECONDS = 3600.0
"""How often the store is told that a long run goes on."""

Tell = Callable[[Mapping[str, Any]], None]
"""Takes what a log line says of a transaction, once it is over."""


class Work(Protocol):
    """What carries messages out: `services.Services`."""

    async def answer_and_keep(
        self,
        octets: bytes,
        door: str,
        customer: Customer,
        keep: Callable[[Connection, BackEndAnswer], T],
    ) -> T | Done: ...

    def without_file(self, octets: bytes, door: str) -> Done: ...


class Run:
    """One run, as the `outflow.Body` that goes out."""

    def __init__(
        self,
        bulk: Bulk,
        transfer: Transfer,
        request: CommonHeader,
        sending: Sending[CommonHeader],
        blocks: Blocks,
        tell: Tell,
    ) -> None:
        self.transfer = transfer
        self._bulk = bulk
        self._request = request
        self._sending = sending
        self._blocks = blocks
        self._tell = tell
        self._stopped = False
        self._whole = False
        self._status = Status.BULK
        self._error = 0

    @property
    def offset(self) -> int:
        """Of the first octet that did not go out."""
        return self._sending.offset

    @property
    def digest(self) -> bytes | None:
        """Of the whole, if this run came to know it."""
        return self._blocks.digest

    def cancel(self) -> None:
        """The next frame is the last."""
        self._stopped = True

    async def next(self) -> bytes:
        sending = self._sending
        if sending.over:
            return b""
        while not self._stopped:
            if self._whole:
                assert self.digest is not None
                self._status = Status.BULK_END
                return sending.end(self.digest)
            frame = sending.next_frame()
            if frame is not NEED_DATA:
                return frame
            try:
                block = await self._blocks.next()
            except SourceFailed:
                return self._decline()
            if block:
                sending.feed(block)
            else:
                self._whole = True
        self._status = Status.CANCELLED
        return sending.cancelled()

    def _decline(self) -> bytes:
        """The source does not hold what it was said to hold, and the client is told so (CAT-06)."""
        self._status = Status.APPLICATION_ERROR
        transfer = self.transfer
        done = self._bulk.work.without_file(transfer.message, transfer.door)
        self._error = done.error
        return self._sending.declined(done.octets)

    def take(self, request: Frame[CommonHeader]) -> bool:
        """A cancel is the run's own affair. So is half of a resume: this run ends, and the resume
        is answered when its turn comes.
        """
        header = request.header
        if (header.type, header.echo) != (MessageType.BULK, 0) or self._sending.over:
            return False
        if header.session_key != self._request.session_key:
            return False
        match self._bulk.asked(request.data):
            case Cancel(transfer) if transfer == self.transfer.number:
                self.cancel()
                return True
            case Resume(transfer, offset) if transfer == self.transfer.number:
                if offset <= self.transfer.total:
                    self.cancel()
        return False

    def close(self) -> None:
        self._blocks.close()
        self._bulk.run_ended(self)
        self._tell(
            {
                "status": int(self._status),
                "error": self._error,
                "transfer": self.transfer.number,
                "sent": f"{self.offset}/{self.transfer.total}",
            }
        )


class Bulk:
    """Answers the type 3 frames of a process's proxies."""

    def __init__(
        self,
        profile: Profile,
        work: Work,
        transfers: Transfers,
        seconds: Callable[[], float],
        *,
        sources: Sources | None = None,
        in_thread: InThread = deferToThread,
    ) -> None:
        """`sources` stand in for files; `seconds` is a clock that never goes back."""
        self.work = work
        self.working = 0
        """Ends of runs that are being stored."""
        self._codec = profile.wire.common
        self._header = profile.wire.bulk
        self._chunk = profile.bulk_chunk
        self._greatest = profile.bulk.total.greatest
        self._transfers = transfers
        self._sources = sources or Files()
        self._in_thread = in_thread
        self._seconds = seconds
        self._seen = seconds()
        self._running: dict[int, Run] = {}
        self._log = Logger(namespace="starwire.bulk")

    def asked(self, data: bytes) -> Asked | None:
        """What a frame's data asks; None for nothing that can be answered."""
        try:
            return read_request(self._header, data)
        except BadBulk:
            return None

    async def answer(
        self, request: CommonHeader, data: bytes, door: str, customer: Customer, tell: Tell
    ) -> bytes | Run:
        """The one frame that answers, or the run whose frames do; `tell` hears of either's end."""
        try:
            outcome = await self._outcome(self.asked(data), request, door, customer, tell)
        except (SQLAlchemyError, IdsExhausted):
            outcome = Status.OVERLOADED
        match outcome:
            case Run():
                return outcome
            case Done():
                tell({"status": int(Status.APPLICATION_ERROR), "error": outcome.error})
                return declined_frame(self._codec, self._header, request, outcome.octets)
            case Transfer(number=number, sent=sent, total=total):
                tell({"status": int(Status.CANCELLED), "transfer": number})
                return cancelled_frame(self._codec, self._header, request, number, sent, total)
        tell({"status": int(outcome)})
        return reply_frame(self._codec, request, outcome)

    async def _outcome(
        self, asked: Asked | None, request: CommonHeader, door: str, customer: Customer, tell: Tell
    ) -> Run | Done | Transfer | Status:
        """A run, a refusal, or the transfer that was cancelled."""
        match asked:
            case Open(message):
                return await self._open(message, request, door, customer, tell)
            case Resume():
                return await self._resume(asked, request, door, customer, tell)
            case Cancel(number):
                return await self._cancel(number, door, customer)
        return Status.BAD_BULK

    async def _open(
        self, message: bytes, request: CommonHeader, door: str, customer: Customer, tell: Tell
    ) -> Run | Done | Status:
        if len(self._running) >= MOST_RUNS:
            return Status.OVERLOADED

        def keep(connection: Connection, answer: BackEndAnswer) -> Transfer | Done | Status:
            if answer.error:
                return Done(answer.error, answer.octets)
            return self._keep(connection, answer, message, door, customer)

        kept = await self.work.answer_and_keep(message, door, customer, keep)
        return self._run(kept, request, 0, tell) if isinstance(kept, Transfer) else kept

    def _keep(
        self,
        connection: Connection,
        answer: BackEndAnswer,
        message: bytes,
        door: str,
        customer: Customer,
    ) -> Transfer | Status:
        """In a thread: note what is to be sent."""
        add = partial(self._transfers.add, connection, message, door, customer)
        if answer.file is None:
            return add(response=answer.octets, total=len(answer.octets))
        total = self._sources.size_of(answer.file, answer.size)
        if total > self._greatest:
            return Status.BAD_BULK
        return add(file=answer.file, total=total)

    async def _resume(
        self, asked: Resume, request: CommonHeader, door: str, customer: Customer, tell: Tell
    ) -> Run | Status:
        if len(self._running) >= MOST_RUNS and asked.transfer not in self._running:
            return Status.OVERLOADED
        found = await self._transfers.end_run(asked.transfer, door, customer, asked.offset)
        if isinstance(found, Status):
            return found
        return self._run(found, request, asked.offset, tell)

    async def _cancel(self, number: int, door: str, customer: Customer) -> Transfer | Status:
        found = await self._transfers.end_run(number, door, customer)
        run = self._running.get(number)
        if isinstance(found, Status) or run is None:
            return found
        run.cancel()
        return structs.replace(found, sent=run.offset)

    def _run(self, transfer: Transfer, request: CommonHeader, offset: int, tell: Tell) -> Run:
        """A run of that number. Of two runs of a transfer the older ends."""
        sending = Sending(
            self._codec,
            self._header,
            request,
            chunk=self._chunk,
            transfer=transfer.number,
            total=transfer.total,
            offset=offset,
        )
        blocks = Blocks(
            partial(self._open_source, transfer),
            transfer.total,
            offset,
            chunk=self._chunk,
            digest=transfer.digest,
            in_thread=self._in_thread,
        )
        run = Run(self, transfer, request, sending, blocks, tell)
        other = self._running.get(transfer.number)
        if other is not None and other.transfer.run > transfer.run:
            run.cancel()  # another resume was faster to get here, though it was asked for later
            return run
        if other is not None:
            other.cancel()
        self._running[transfer.number] = run
        return run

    def _open_source(self, transfer: Transfer) -> Source:
        """In a thread. Raises OSError for a file that is not as it was."""
        if transfer.file is None:
            return OctetsSource(transfer.response or b"")
        return self._sources.open(transfer.file, transfer.total)

    def run_ended(self, run: Run) -> None:
        """Note how far it came."""
        number = run.transfer.number
        if self._running.get(number) is not run:
            return
        del self._running[number]
        self.working += 1
        digest = run.digest if run.transfer.digest is None else None
        noted = Deferred.fromCoroutine(self._transfers.ended(number, run.offset, digest))
        noted.addErrback(lambda failure: self._log.failure("the end of a run is lost", failure))
        noted.addBoth(self._noted)

    def _noted(self, outcome: Any) -> None:
        self.working -= 1

    async def watch(self) -> None:
        """End the runs that were ended or replaced at other instances."""
        if not self._running:
            return
        watched = dict(self._running)
        try:
            newest = await self._transfers.runs(watched)
        except SQLAlchemyError:  # whoever asks something of the store is told; the runs need none
            return
        for number, run in watched.items():
            if newest.get(number, run.transfer.run) > run.transfer.run:
                run.cancel()
        if self._seconds() - self._seen >= _SEEN_SECONDS:
            self._seen = self._seconds()
            await self._transfers.seen(list(self._running))
