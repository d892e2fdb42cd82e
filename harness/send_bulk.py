"""`starwire send --type bulk`: a transfer into a file, gone on with after whatever ended it.

Beside FILE stand FILE.part, the octets that came, and FILE.transfer, which says whose they are: the
same command goes on with them. Both are gone once the whole was verified.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import click
import msgspec

from starwire.protocol.bulk import Cancelled, Declined, Ended, Hash
from starwire.protocol.status import Status

from .bulk import Transfer, TransferLost
from .client import Client

_BLOCK = 1_048_576

Cannot = Callable[[str], NoReturn]


class _Note(msgspec.Struct, frozen=True):
    """What FILE.transfer says, as JSON."""

    transfer: int
    proxy: str
    message: str
    """SHA-256 of the message that asked for it."""


class _Kept:
    """FILE, and what is kept beside it until it is whole."""

    def __init__(self, out: str, message: bytes, proxy: str) -> None:
        self.file = Path(out)
        self.part = Path(f"{out}.part")
        self._note = Path(f"{out}.transfer")
        self._message = hashlib.sha256(message).hexdigest()
        self._proxy = proxy

    def transfer(self) -> int:
        """The transfer that the octets here are of; 0 if there is none, or of another message."""
        try:
            note = msgspec.json.decode(self._note.read_bytes(), type=_Note)
        except (OSError, msgspec.DecodeError):
            return 0
        mine = (note.proxy, note.message) == (self._proxy, self._message)
        return note.transfer if mine and self.part.exists() else 0

    def begin(self, transfer: int) -> None:
        """From now on the octets of that transfer are kept here."""
        note = _Note(transfer, self._proxy, self._message)
        self._note.write_bytes(msgspec.json.encode(note) + b"\n")

    def finish(self) -> None:
        self.part.replace(self.file)
        self._note.unlink(missing_ok=True)

    def forget(self) -> None:
        """What came is worth nothing."""
        self._note.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)


def fetch(
    to: Client,
    message: bytes,
    *,
    proxy: str,
    out: str | None,
    say: Callable[[Transfer], None],
    cannot: Cannot,
) -> Ended | Cancelled | Declined:
    """One transfer into a file, or to standard output; `say` is told of each request's answer."""
    if out is None:
        with to.open(message, proxy=proxy) as run:
            return _take(run, sys.stdout.buffer, say, lambda transfer: None)
    kept = _Kept(out, message, proxy)
    try:
        return _fetch_into(kept, to, message, proxy, say)
    except TransferLost as lost:
        if lost.worthless:
            kept.forget()
        raise
    except OSError as error:
        cannot(f"{error.filename or out}: {error.strerror}")


def _fetch_into(
    kept: _Kept, to: Client, message: bytes, proxy: str, say: Callable[[Transfer], None]
) -> Ended | Cancelled | Declined:
    transfer = kept.transfer()
    if transfer:
        with kept.part.open("r+b") as file:
            hashed, offset = _hashed(file)
            click.echo(f"goes on with transfer {transfer} at octet {offset}", err=True)
            with to.resume(transfer, offset, proxy=proxy, hashed=hashed) as run:
                end = _take(run, file, say, lambda transfer: None)
        if not _is_gone(end):
            return _judge(kept, end)
        click.echo("that transfer is known no more: begins anew", err=True)
    kept.forget()
    with kept.part.open("wb") as file, to.open(message, proxy=proxy) as run:
        end = _take(run, file, say, kept.begin)
    return _judge(kept, end)


def _hashed(file: BinaryIO) -> tuple[Hash, int]:
    """The SHA-256 of what a file holds, and how many octets that is; it stands at its end."""
    hashed = hashlib.sha256()
    while block := file.read(_BLOCK):
        hashed.update(block)
    return hashed, file.tell()


def _is_gone(end: Ended | Cancelled | Declined) -> bool:
    return isinstance(end, Declined) and end.status in (Status.UNKNOWN_ID, Status.BAD_BULK)


def _judge(kept: _Kept, end: Ended | Cancelled | Declined) -> Ended | Cancelled | Declined:
    if isinstance(end, Ended):
        kept.finish()
    elif isinstance(end, Declined) and end.status == Status.APPLICATION_ERROR:
        kept.forget()  # nothing is to be had, or not the same any more
    return end


def _take(
    run: Transfer,
    file: BinaryIO,
    say: Callable[[Transfer], None],
    begin: Callable[[int], None],
) -> Ended | Cancelled | Declined:
    begun = False
    try:
        with _progress(run) as show:
            for octets in run:
                if not begun:
                    begin(run.transfer)
                    begun = True
                file.write(octets)
                show()
    finally:
        file.flush()
        say(run)
    assert run.end is not None
    return run.end


@contextmanager
def _progress(run: Transfer) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns: tuple[Any, ...] = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("transfer", total=None)
        yield lambda: bar.update(task, completed=run.offset, total=run.total)
