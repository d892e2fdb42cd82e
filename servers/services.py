"""The back ends from the reactor's side: a message in, a response out, whatever happens between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from starwire.protocol.catalogue import Catalogue
from starwire.protocol.profile import Profile
from starwire.protocol.status import Status
from starwire.protocol.validation import Refusal, validate

from .backend import (
    CONNECTION_FAILED,
    BackEnd,
    BackEndAnswer,
    BackEndFailure,
    acronym_of,
    failed_at,
    reads_only,
)
from .customer import Customer
from .database import Database
from .deferral import Deferral, Finished, Waiting, identifier
from .fault import GeneralFailure
from .proxy import DeskClosed, Done
from .remembering import RememberedAnswers
from .store import IdsExhausted

T = TypeVar("T")

_FAILED = {"RM": 6101, "INBOX": 5106}
"""General failure, by family of codes; the Inbox has no code of its own for it."""
_NO_FILE = 5104
_NATIVE = ("rm-native", "inbox-native")
"""Doors without a header, so without a status that could say "too large" (CAT-06)."""

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
Before = Callable[[bytes, str, Customer | None], Awaitable[None]]
"""A message, its door, and whose it is; may raise what a database that fails would."""


class Services:
    """Answers the messages of every door from the back end behind it."""

    def __init__(
        self,
        profile: Profile,
        catalogue: Catalogue,
        database: Database,
        deferral: Deferral,
        back_ends: Mapping[str, BackEnd],
        in_thread: InThread = deferToThread,
    ) -> None:
        self._longest = profile.frame_octets - profile.wire.common.size
        self._limits = profile.limits
        self._catalogue = catalogue
        self._database = database
        self._deferral = deferral
        self._back_ends = back_ends
        self._in_thread = in_thread
        self._remembered = RememberedAnswers(database.reference_version)
        self.before: Before | None = None
        """What happens to a message first while faults of the store are on."""
        self.working = 0
        """Accepted requests that are being worked off."""
        self._log = Logger(namespace="starwire.services")

    async def serve(self, octets: bytes, door: str, customer: Customer | None) -> Done:
        """The response to one message. A failure of ours is one too; the log has its traceback."""
        back_end = self._back_ends[door]
        is_of_reference = acronym_of(octets) in back_end.of_reference
        if is_of_reference:
            remembered = self._remembered.recall(door, octets)
            if remembered is not None:
                return remembered
        version = self._remembered.version

        def work(connection: Any) -> BackEndAnswer:
            return back_end.answer(connection, octets, door, customer)

        try:
            if self.before is not None:
                await self.before(octets, door, customer)
            answer = await self._run(octets, back_end)(work)
            if is_of_reference:
                self._remembered.keep(door, octets, version, Done(answer.error, answer.octets))
            return await self._whole(answer, octets, door)
        except Exception as error:
            return self._told(error, octets, door)

    async def answer_and_keep(
        self,
        octets: bytes,
        door: str,
        customer: Customer,
        keep: Callable[[Connection, BackEndAnswer], T],
    ) -> T | Done:
        """What `keep` makes of the answer to a message, within the transaction that answers it.

        Done for a failure, of which nothing is kept. Raises IdsExhausted if `keep` does.
        """
        back_end = self._back_ends[door]

        def work(connection: Connection) -> T:
            return keep(connection, back_end.answer(connection, octets, door, customer))

        try:
            if self.before is not None:
                await self.before(octets, door, customer)
            return await self._database.write(work)
        except IdsExhausted:
            raise
        except Exception as error:
            return self._told(error, octets, door)

    def without_file(self, octets: bytes, door: str) -> Done:
        """The response to a message whose file is not as it was announced (CAT-06)."""
        return Done(_NO_FILE, self._error(octets, door, _NO_FILE))

    def _run(self, octets: bytes, back_end: BackEnd) -> Any:
        """The kind of transaction that a message needs."""
        if acronym_of(octets) in back_end.slow:
            return self._database.read_apart
        reads = reads_only(octets, self._catalogue)
        return self._database.read if reads else self._database.write

    async def accept(
        self, serial: int, key: str, octets: bytes, door: str, customer: Customer
    ) -> bytes:
        """See `proxy.Desk`: durable before its identifier is told, worked off from now on."""
        try:
            number, is_new = await self._deferral.accept(serial, key, octets, door, customer)
        except SQLAlchemyError as error:
            raise DeskClosed from error
        if is_new:
            self._start(Waiting(number, door, octets, customer))
        return identifier(number)

    async def poll(self, identifier: bytes, door: str, customer: Customer) -> Done | Status:
        """See `proxy.Desk`."""
        try:
            found = await self._deferral.poll(identifier, customer)
        except SQLAlchemyError as error:
            raise DeskClosed from error
        if found is None or found.door != door:
            return Status.UNKNOWN_ID
        if isinstance(found, Finished):
            return await self._whole(found.answer, found.message, door)
        return Status.IN_PROGRESS

    async def resume(self, door: str, *, older: float = 0.0) -> None:
        """Work off what was accepted and is not done: by a process that is gone, perhaps."""
        for waiting in await self._deferral.waiting(door, older=older):
            self._start(waiting)

    def _start(self, request: Waiting) -> None:
        self.working += 1
        working = Deferred.fromCoroutine(self._work_off(request))
        working.addErrback(lambda failure: self._log.failure("not worked off", failure))
        working.addBoth(self._stopped)

    def _stopped(self, outcome: Any) -> None:
        self.working -= 1

    async def _work_off(self, request: Waiting) -> None:
        """Do it once and keep the result. If the store fails it waits on, and is found again."""
        back_end, door, octets = self._back_ends[request.door], request.door, request.message
        try:
            if self.before is not None:
                await self.before(octets, door, request.customer)
            await self._deferral.finish(
                request, lambda c: back_end.answer(c, octets, door, request.customer)
            )
            return
        except BackEndFailure as failure:
            answer = BackEndAnswer(failure.code, failure.octets)
        except SQLAlchemyError:
            raise
        except Exception as error:
            done = self._failed(error, octets, door)
            answer = BackEndAnswer(done.error, done.octets)
        await self._deferral.finish(request, lambda c: answer)

    def _told(self, error: Exception, octets: bytes, door: str) -> Done:
        """The response to a message that failed: within an `except`, whose traceback is logged."""
        if isinstance(error, CancelledError):  # the peer is gone
            raise error
        if isinstance(error, BackEndFailure):
            self._log.error("{door}: {reason}", door=door, reason=str(error))
            return Done(error.code, error.octets)
        if isinstance(error, SQLAlchemyError):
            reason = str(getattr(error, "orig", error))
            self._log.error("{door}: {reason}", door=door, reason=reason)
            code = failed_at(error, CONNECTION_FAILED)[self._catalogue.doors[door].family]
            return Done(code, self._error(octets, door, code))
        # A bug of ours: the peer gets the code, the log the traceback (ERR-07).
        return self._failed(error, octets, door)

    def _failed(self, error: Exception, octets: bytes, door: str) -> Done:
        if isinstance(error, GeneralFailure):
            self._log.error("{door}: {reason}", door=door, reason=str(error))
        else:
            self._log.failure("{door} failed to answer", door=door)
        code = _FAILED[self._catalogue.doors[door].family]
        return Done(code, self._error(octets, door, code))

    def _error(self, octets: bytes, door: str, code: int) -> bytes:
        """The error response to a message; a message that is wrong itself is told that first."""
        try:
            request = validate(octets, door, catalogue=self._catalogue, limits=self._limits)
        except Refusal as refusal:
            return refusal.reply
        return request.refuse(code)

    async def _whole(self, answer: BackEndAnswer, octets: bytes, door: str) -> Done:
        """The response, with the file behind it where there is one (CAT-06)."""
        if answer.file is None:
            return Done(answer.error, answer.octets)
        if len(answer.octets) + answer.size > self._longest:
            if door in _NATIVE:
                return self.without_file(octets, door)
            return Done(answer.error, b"", too_large=True)
        held = await self._in_thread(partial(_read, answer.file, answer.size))
        if held is None:
            return self.without_file(octets, door)
        return Done(answer.error, answer.octets + held)


def _read(path: str, size: int) -> bytes | None:
    """Exactly `size` octets of a file, or None if it does not hold so many, or any more."""
    try:
        with Path(path).open("rb") as file:
            held = file.read(size + 1)
    except OSError:
        return None
    return held if len(held) == size else None
