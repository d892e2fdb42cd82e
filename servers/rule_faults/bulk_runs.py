"""Bulk transfers: TRN-03, TRN-04."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from starwire.protocol.bulk import Cancel, Open, Resume
from starwire.protocol.headers import BulkHeader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Operation, Status

from .. import bulk, transfers
from ..adapter import Answering
from ..backend import BackEndAnswer
from ..bulk import Bulk, Run
from ..outflow import Outflow
from ..sources import Blocks
from ..transfers import Transfers
from .fault import breaks
from .works import PROXIES, Works

OfRun = Callable[[BulkHeader, bytes], tuple[BulkHeader, bytes]]
"""Bulk header and payload of a frame to what is sent."""


def _frames(works: Works, operations: tuple[Operation, ...], change: OfRun) -> None:
    """Change the frames of runs that have these operations."""

    def changed(profile: Profile, octets: bytes, request: Any) -> bytes:
        codec, inner = profile.wire.common, profile.wire.bulk
        header = codec.decode(octets)
        if header.type != MessageType.BULK or len(octets) < codec.size + inner.size:
            return octets
        told = inner.decode(octets, codec.size)
        if told.operation not in operations:
            return octets
        told, payload = change(told, octets[codec.size + inner.size :])
        return codec.frame(header, inner.encode(told) + payload)

    works.replies(PROXIES, changed)


_DATA, _END = (Operation.DATA,), (Operation.END,)
_ALL = (Operation.DATA, Operation.END, Operation.CANCELLED)


@breaks("data-offset-beyond", "TRN-03")
def _(works: Works) -> None:
    """The offset of a data frame is that of the octet behind its first."""
    _frames(works, _DATA, lambda head, data: (replace(head, offset=head.offset + 1), data))


@breaks("data-offset-from-0", "TRN-03")
def _(works: Works) -> None:
    """The offset of every data frame is 0."""
    _frames(works, _DATA, lambda head, data: (replace(head, offset=0), data))


@breaks("total-of-the-frame", "TRN-03")
def _(works: Works) -> None:
    """The total of a data frame is the size of its payload."""
    _frames(works, _DATA, lambda head, data: (replace(head, total=len(data)), data))


@breaks("transfer-id-0", "TRN-03")
def _(works: Works) -> None:
    """The transfer id is 0 in every frame of a run."""
    _frames(works, _ALL, lambda head, data: (replace(head, transfer=0), data))


@breaks("end-offset-0", "TRN-03")
def _(works: Works) -> None:
    """The offset of the end frame is 0."""
    _frames(works, _END, lambda head, data: (replace(head, offset=0), data))


@breaks("end-without-digest", "TRN-03")
def _(works: Works) -> None:
    """The end frame has no digest."""
    _frames(works, _END, lambda head, data: (head, b"" if head.transfer else data))


@breaks("digest-of-16-octets", "TRN-03")
def _(works: Works) -> None:
    """The digest has 16 octets."""
    _frames(works, _END, lambda head, data: (head, data[:16] if head.transfer else data))


@breaks("digest-of-nothing", "TRN-03")
def _(works: Works) -> None:
    """The digest is that of no octets."""
    nothing = hashlib.sha256().digest()
    _frames(works, _END, lambda head, data: (head, nothing if head.transfer else data))


@breaks("data-changed", "TRN-03")
def _(works: Works) -> None:
    """The first octet of each data frame is another one."""
    _frames(works, _DATA, lambda head, data: (head, bytes([data[0] ^ 1]) + data[1:]))


@breaks("error-in-transfer-1", "TRN-03")
def _(works: Works) -> None:
    """The end frame for a message in error has a transfer id."""
    _frames(
        works, _END, lambda head, data: (head if head.transfer else replace(head, transfer=1), data)
    )


@breaks("cancelled-at-total", "TRN-03")
def _(works: Works) -> None:
    """The offset of a cancelled frame is the total."""
    cancelled = (Operation.CANCELLED,)
    _frames(works, cancelled, lambda head, data: (replace(head, offset=head.total), data))


@breaks("end-status-0", "TRN-03", "STS-01")
def _(works: Works) -> None:
    """The end frame has status 0."""
    _status(works, {Status.BULK_END: Status.OK})


@breaks("data-status-0", "TRN-03", "STS-01")
def _(works: Works) -> None:
    """Data frames have status 0."""
    _status(works, {Status.BULK: Status.OK})


@breaks("unknown-transfer-is-110", "TRN-03")
def _(works: Works) -> None:
    """An unknown transfer is answered with 110 rather than 108."""
    _status(works, {Status.UNKNOWN_ID: Status.BAD_BULK})


@breaks("bad-operation-is-107", "TRN-03")
def _(works: Works) -> None:
    """An unknown operation is answered with 107 rather than 110."""
    _status(works, {Status.BAD_BULK: Status.UNKNOWN_TYPE})


def _status(works: Works, instead: dict[Status, Status]) -> None:
    works.headers(
        PROXIES,
        lambda header, request: (
            replace(header, status=instead.get(header.status, header.status))
            if request.type == MessageType.BULK
            else header
        ),
    )


@breaks("chunk-too-large", "TRN-03")
def _(works: Works) -> None:
    """A data frame has one octet more than the chunk of the profile."""
    works.profile(lambda profile: replace(profile, bulk_chunk=profile.bulk_chunk + 1))


@breaks("digest-of-the-run", "TRN-03")
def _(works: Works) -> None:
    """The digest after a resume is that of what the run sent."""

    def init(self: Any, opened: Any, total: int, offset: int, **options: Any) -> None:
        Blocks.__init__(self, opened, total, offset, **{**options, "digest": None})
        self._hashed = offset

    works.exchange(bulk, "Blocks", lambda kind: type("Blocks", (kind,), {"__init__": init}))


def _resuming(works: Works, change: Callable[[Resume], Resume]) -> None:
    def made(resume: Any) -> Any:
        return lambda self, asked, *rest: resume(self, change(asked), *rest)

    works.exchange(Bulk, "_resume", made)


@breaks("resume-from-0", "TRN-03")
def _(works: Works) -> None:
    """A resume begins at offset 0, whatever it asks."""
    _resuming(works, lambda asked: Resume(asked.transfer, 0))


@breaks("resume-one-late", "TRN-03")
def _(works: Works) -> None:
    """A resume begins one octet behind the offset that it asks."""
    _resuming(works, lambda asked: Resume(asked.transfer, asked.offset + 1))


@breaks("offset-beyond-total-taken", "TRN-03")
def _(works: Works) -> None:
    """A resume beyond the total is answered with the end."""

    def made(resume: Any) -> Any:
        async def resumed(self: Any, asked: Resume, request: Any, door: str, *rest: Any) -> Any:
            found = await resume(self, asked, request, door, *rest)
            if found != Status.BAD_BULK:
                return found
            there = await self._transfers.end_run(asked.transfer, door, rest[0])
            return await resume(self, Resume(asked.transfer, there.total), request, door, *rest)

        return resumed

    works.exchange(Bulk, "_resume", made)


@breaks("resume-carries-out-again", "TRN-03")
def _(works: Works) -> None:
    """A resume carries the message out once more, as another transfer."""

    def made(resume: Any) -> Any:
        async def resumed(
            self: Any, asked: Resume, request: Any, door: str, customer: Any, tell: Any
        ) -> Any:
            found = await self._transfers.end_run(asked.transfer, door, customer, asked.offset)
            if isinstance(found, Status):
                return found
            return await self._open(found.message, request, door, customer, tell)

        return resumed

    works.exchange(Bulk, "_resume", made)


@breaks("cancel-ignored", "TRN-03")
def _(works: Works) -> None:
    """A cancel on the connection of its run is read and forgotten."""
    works.exchange(Run, "cancel", lambda _: lambda self: None)


@breaks("cancel-under-its-own-serial", "TRN-03")
def _(works: Works) -> None:
    """The cancelled frame of a run has the serial of the cancel."""

    def made(take: Any) -> Any:
        def taken(self: Any, request: Any) -> bool:
            is_own: bool = take(self, request)
            if is_own:
                header = replace(self._sending._request, serial=request.header.serial)
                self._sending._request = header
            return is_own

        return taken

    works.exchange(Run, "take", made)


@breaks("cancel-answered-twice", "TRN-03")
def _(works: Works) -> None:
    """A cancel on the connection of its run has an answer of its own too."""

    def made(take: Any) -> Any:
        def taken(self: Any, request: Any) -> bool:
            take(self, request)
            return False

        return taken

    works.exchange(Run, "take", made)


@breaks("cancel-elsewhere-ignored", "TRN-03")
def _(works: Works) -> None:
    """A cancel on another connection is answered, and the run goes on."""

    async def cancelled(self: Any, number: int, door: str, customer: Any) -> Any:
        return await self._transfers.end_run(number, door, customer)

    works.exchange(Bulk, "_cancel", lambda _: cancelled)


@breaks("resume-leaves-the-older-run", "TRN-03")
def _(works: Works) -> None:
    """A resume does not end the run that there is."""

    def made(run: Any) -> Any:
        def another(self: Any, transfer: Any, *rest: Any) -> Any:
            self._running.pop(transfer.number, None)
            return run(self, transfer, *rest)

        return another

    works.exchange(Bulk, "_run", made)


@breaks("transfer-of-anybody", "TRN-03")
def _(works: Works) -> None:
    """Another user's transfer can be resumed."""
    works.exchange(transfers, "_is_for", lambda _: lambda row, door, customer: row.door == door)


@breaks("transfer-at-any-target", "TRN-03")
def _(works: Works) -> None:
    """A transfer can be resumed at every target."""

    def is_for(row: Any, door: str, customer: Any) -> bool:
        return (row.userid, row.entpid) == (customer.userid, customer.entpid)

    works.exchange(transfers, "_is_for", lambda _: is_for)


@breaks("transfers-lost-by-restart", "TRN-03")
def _(works: Works) -> None:
    """A proxy that is started again knows no transfer of before."""

    def added(add: Any) -> Any:
        def remembered(self: Any, *arguments: Any, **options: Any) -> Any:
            made = add(self, *arguments, **options)
            self.__dict__.setdefault("added", set()).add(made.number)
            return made

        return remembered

    def ended(end_run: Any) -> Any:
        async def known(self: Any, number: int, *rest: Any) -> Any:
            if number not in self.__dict__.get("added", ()):
                return Status.UNKNOWN_ID
            return await end_run(self, number, *rest)

        return known

    works.exchange(Transfers, "add", added)
    works.exchange(Transfers, "end_run", ended)


@breaks("transfers-kept-an-hour", "TRN-03")
def _(works: Works) -> None:
    """A transfer can be resumed for an hour."""
    works.exchange(transfers, "KEPT_SECONDS", lambda _: 3600.0)


@breaks("transfers-kept-two-days", "TRN-03")
def _(works: Works) -> None:
    """A transfer can be resumed for two days."""
    works.exchange(transfers, "KEPT_SECONDS", lambda seconds: 2 * seconds)


@breaks("short-bulk-data-opened", "TRN-03")
def _(works: Works) -> None:
    """Data that are shorter than the bulk header are taken for the message of an open."""

    def made(asked: Any) -> Any:
        def taken(self: Bulk, data: bytes) -> Any:
            return Open(data) if len(data) < self._header.size else asked(self, data)

        return taken

    works.exchange(Bulk, "asked", made)


@breaks("fields-of-open-judged", "TRN-03")
def _(works: Works) -> None:
    """An open with another transfer id than 0 is refused: 110."""
    _judging_fields(works, Open)


@breaks("total-of-cancel-judged", "TRN-03")
def _(works: Works) -> None:
    """A cancel with another total than 0 is refused: 110."""
    _judging_fields(works, Cancel)


def _judging_fields(works: Works, kind: type) -> None:
    def made(asked: Any) -> Any:
        def taken(self: Bulk, data: bytes) -> Any:
            found = asked(self, data)
            if isinstance(found, kind):
                header = self._header.decode(data)
                if header.total or (kind is Open and header.transfer):
                    return None
            return found

        return taken

    works.exchange(Bulk, "asked", made)


@breaks("fetch-in-bulk-with-z", "TRN-03", "CAT-06")
def _(works: Works) -> None:
    """A file that is fetched in bulk comes with its Z."""

    def made(keep: Any) -> Any:
        def kept(self: Any, connection: Any, answer: BackEndAnswer, *rest: Any) -> Any:
            if answer.file is not None:
                octets = answer.octets + Path(answer.file).read_bytes()
                answer = BackEndAnswer(answer.error, octets)
            return keep(self, connection, answer, *rest)

        return kept

    works.exchange(Bulk, "_keep", made)


@breaks("empty-file-has-data", "TRN-03")
def _(works: Works) -> None:
    """A source of 0 octets has a data frame."""

    def made(following: Any) -> Any:
        async def next_frame(self: Any) -> bytes:
            sending = self._sending
            if self.transfer.total or sending.over or "begun" in self.__dict__:
                return bytes(await following(self))
            self.begun = True
            header = BulkHeader(Operation.DATA, sending.transfer, 0, 0)
            return bytes(sending._begin(0) + sending._bulk.encode(header))

        return next_frame

    works.exchange(Run, "next", made)


@breaks("one-run-at-a-time", "TRN-03")
def _(works: Works) -> None:
    """A proxy serves one run at a time, and answers 111 to others."""
    works.exchange(bulk, "MOST_RUNS", lambda _: 1)


@breaks("reader-not-waited-for", "TRN-04")
def _(works: Works) -> None:
    """A run is sent as fast as its source can be read, whether anybody reads or not."""
    works.exchange(Outflow, "pauseProducing", lambda _: lambda self: None)


@breaks("silent-reader-kept", "TRN-04")
def _(works: Works) -> None:
    """A reader that takes nothing is waited for without end."""

    def made(pause: Any) -> Any:
        def paused(self: Any) -> None:
            pause(self)
            self._silence.rest()

        return paused

    works.exchange(Answering, "pauseProducing", made)
