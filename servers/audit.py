"""The audit trail of one process: a record of each transaction, in a file of its own (ENC-02).

Records are made as answers are, and written once for each turn of the reactor, before Twisted sends
what was answered in that turn. Heads are signed and kept in the state store beside all this: a
store that hangs or fails keeps no answer waiting.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from starwire.protocol.audit import Chain

from .answering import Answer, Answerer, Hop
from .audit_heads import add_head, keep_head
from .database import Database
from .outflow import Body
from .store import StoreError

FOLDER = "audit"
"""Of the files, within the state folder."""
_NATIVE = ("rm-native", "inbox-native")
AUDITED = frozenset({"dispatcher", "rm", "rs", "inbox", "staroe", *_NATIVE})
"""The ports whose answers are transactions. What servers ask the jar follows from those."""
_SIGN_SECONDS = 0.1
_AGAIN_SECONDS = 1.0
"""After which it is tried again what the file or the store did not take."""
_SLOW_SECONDS = 5.0
"""After which the log says that the store does not answer."""
_NOT_NOW = Answer(b"", close=True)


class Audit:
    """Keeps the trail. `open` it before the first port listens, `close` it behind the last."""

    def __init__(
        self,
        reactor: Any,
        database: Database,
        folder: Path,
        key: Ed25519PrivateKey,
        *,
        clock: Callable[[], int] = time.time_ns,
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]] | None = None,
    ) -> None:
        """`folder` is the state folder; `clock` gives nanoseconds since 1970."""
        self._reactor = reactor
        self._database = database
        self._folder = folder / FOLDER
        self._key = key
        self._public_key = key.public_key().public_bytes_raw()
        self._clock = clock
        self._in_thread = in_thread or self._in_the_reactors_threads
        self._chain = Chain(_new_name(clock() // 1_000_000_000), self._public_key)
        self._file = -1
        self._lines: list[bytes] = []
        self._unwritten = b""
        self._writing = False
        """Whether a write is due."""
        self._refusing = False
        """Whether the file cannot be written."""
        self._kept = 0
        """The record of the head that is kept."""
        self._keeping: Deferred[None] | None = None
        self._unkept = False
        """Whether the log says that the store takes no heads."""
        self._log = Logger(namespace="starwire.audit")

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._folder / f"{self._chain.name}.log"

    async def open(self) -> None:
        """Make the file, and have its first head kept. Raises OSError, StoreError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(self.path, flags, 0o640)
        os.write(self._file, self._chain.header)
        os.fsync(self._file)
        _sync_folder(self._folder)
        signed = self._chain.head().signed(self._key)
        try:
            await self._database.write(lambda c: add_head(c, signed, self._public_key))
        except SQLAlchemyError as error:
            raise StoreError(f"the store takes no head of the audit trail: {error}") from error

    async def close(self) -> None:
        """Write and sign what is left; the chain ends there."""
        if self._file < 0:
            return
        await deferLater(self._reactor, 0)  # what was cut off just now is still recorded
        if self._keeping is not None:
            self._keeping.cancel()
        ending = Deferred.fromCoroutine(self._keep_head(final=True))
        ending.addTimeout(_SLOW_SECONDS, self._reactor, lambda late, seconds: False)
        if not await ending:
            self._log.error(
                "{path} ends without its last head, and without {count} octets of records",
                path=self.path,
                count=len(self._unwritten),
            )
        self.abandon()

    def abandon(self) -> None:
        """Write nothing more: the chain ends as that of a process that was killed."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def interpose(self, name: str, answer: Answerer) -> Answerer:
        """See `answering.Interposer`; to stand where answers are made, inside all others."""
        if name not in AUDITED:
            return answer
        bare, note = name in _NATIVE, partial(self._note, name)

        async def audited(request: Any, hop: Hop) -> Answer:
            if self._refusing:
                return _NOT_NOW
            serial = None
            octets = request
            if not bare:
                header = request.header
                if getattr(header, "echo", 0):
                    return await answer(request, hop)
                octets, serial = request.octets, getattr(header, "serial", None)
            transaction = hop.transaction
            try:
                given = await answer(request, hop)
            except BaseException:
                note(transaction, serial, "", octets, None)
                raise
            if given.body is None:
                note(transaction, serial, given.user, octets, given.octets)
                return given
            noted = partial(note, transaction, serial, given.user, octets)
            return msgspec.structs.replace(given, body=_Noted(given.body, noted))

        return audited

    # The file.

    def _note(
        self,
        name: str,
        transaction: str,
        serial: int | None,
        user: str,
        request: bytes,
        reply: bytes | None,
    ) -> None:
        if self._file < 0:
            return
        now = self._clock() // 1000
        self._lines.append(self._chain.record(now, name, transaction, serial, user, request, reply))
        if not self._writing:
            self._writing = True
            self._reactor.callLater(0, self._write)

    def _write(self) -> None:
        """What is due: write, and see to it that it is signed."""
        self._writing = False
        if self._file < 0 or not self._flushed():
            return
        if self._keeping is None and self._kept < self._chain.sequence:
            self._keeping = Deferred.fromCoroutine(self._keep_heads())
            self._keeping.addErrback(self._stopped_keeping)

    def _flushed(self) -> bool:
        """Give the operating system all that is held; whether it took it."""
        octets = self._unwritten + b"".join(self._lines)
        self._lines.clear()
        try:
            while octets:
                octets = octets[os.write(self._file, octets) :]
        except OSError as error:
            self._cannot_write(error)
            return False
        finally:
            self._unwritten = octets
        if self._refusing:
            self._refusing = False
            self._log.warn("{path} can be written again: requests are answered", path=self.path)
        return True

    def _cannot_write(self, error: OSError) -> None:
        if not self._refusing:
            self._refusing = True
            self._log.error(
                "{path}: {reason}. No request is answered until it can be written; "
                "or set [audit] enabled = false",
                path=self.path,
                reason=error.strerror,
            )
        if not self._writing:
            self._writing = True
            self._reactor.callLater(_AGAIN_SECONDS, self._write)

    # The heads.

    async def _keep_heads(self) -> None:
        """Sign and keep where the file stands until that is its end."""
        kept = False
        while not kept or self._kept < self._chain.sequence:
            await deferLater(self._reactor, _SIGN_SECONDS)
            kept = await self._keep_head()
            if not kept:
                await deferLater(self._reactor, _AGAIN_SECONDS)
        self._keeping = None

    async def _keep_head(self, *, final: bool = False) -> bool:
        """Sign where the file stands and have it kept; whether it is."""
        if not self._flushed():
            return False
        head = self._chain.head(final=final)
        signed = head.signed(self._key)
        slow = self._reactor.callLater(_SLOW_SECONDS, self._cannot_keep, "it does not answer")
        try:
            # First the records: of those that a loss of power takes, no head must be kept.
            await self._in_thread(partial(os.fdatasync, self._file))
            await self._database.write(lambda c: keep_head(c, signed))
        except (OSError, SQLAlchemyError) as error:
            self._cannot_keep(str(error).partition("\n")[0])
            return False
        finally:
            if slow.active():
                slow.cancel()
        self._kept = head.sequence
        if self._unkept:
            self._unkept = False
            self._log.warn("the state store takes heads of the audit trail again")
        return True

    def _cannot_keep(self, reason: str) -> None:
        if not self._unkept:
            self._unkept = True
            self._log.error(
                "the state store takes no head of the audit trail: {reason}. Requests are answered "
                "and recorded in {path}, not signed until it does",
                path=self.path,
                reason=reason,
            )

    def _stopped_keeping(self, failure: Failure) -> None:
        self._keeping = None
        if failure.check(CancelledError) is None:
            self._log.failure("no head was signed", failure)

    async def _in_the_reactors_threads(self, work: Callable[[], Any]) -> Any:
        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)


class _Noted:
    """A body whose last frame is recorded as the reply, once all frames have gone out."""

    def __init__(self, body: Body, note: Callable[[bytes | None], None]) -> None:
        self._body = body
        self._note = note
        self._last = b""
        self._whole = False
        self.take = body.take

    async def next(self) -> bytes:
        frame = await self._body.next()
        if frame:
            self._last = frame
        else:
            self._whole = True
        return frame

    def close(self) -> None:
        self._note(self._last if self._whole else None)
        self._body.close()


def _new_name(seconds: int) -> str:
    """Of a chain that no other has; in the order of time."""
    when = time.strftime("%Y%m%dt%H%M%Sz", time.gmtime(seconds))
    return f"{when}-{secrets.token_hex(4)}"


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
