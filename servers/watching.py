"""Whether rows that are kept in memory are still those of the store, told without a transaction.

SQLite's own readers find out whether anybody has committed anything by comparing the header of the
WAL-index, 48 octets of shared memory (sqlite.org/walformat.html, 2.2). So does this, and asks the
store for the count of changes only when they differ. Without such memory it always asks.
PostgreSQL has nothing as cheap that is as sure: a notification comes after the commit. There nobody
is told that rows are current, and each transaction looks for itself.
"""

from __future__ import annotations

import mmap
import sqlite3
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from .schema import REFERENCE
from .store import Store

_HEADER = 48
_COUNT = "SELECT count FROM changes WHERE name = ?"


class ReferenceWatch:
    """Tells the version of the reference tables, from any thread, in microseconds."""

    def __init__(self, store: Store) -> None:
        self._path = store.path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: BinaryIO | None = None
        """The WAL-index, open as long as it is mapped."""
        self._index: mmap.mmap | None = None
        self._seen = b""
        self._version = 0

    def version(self) -> int | None:
        """`store.reference_version` as of now; None where only a transaction can tell."""
        if self._index is not None and self._index[:_HEADER] == self._seen:
            return self._version
        if self._path is None:
            return None
        try:
            with self._lock:
                return self._look(self._path)
        except (sqlite3.Error, OSError, ValueError):
            # Whoever asks the store will learn what is wrong with it.
            return None

    def close(self) -> None:
        """Forget it, when no connection of this process to the store is open any more.

        A process that closes any descriptor of a file loses all its locks on it, SQLite's too; then
        another that opens the store takes itself for the first and cuts the WAL-index under us.
        """
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._index is not None:
                self._index.close()
                self._index = None
            if self._file is not None:
                self._file.close()
                self._file = None

    def _look(self, path: str) -> int:
        if self._connection is None:
            # Without a wait: this is asked where nothing may be waited for.
            self._connection = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
        if self._index is None:
            self._connection.execute(_COUNT, (REFERENCE,)).fetchone()  # which maps the WAL-index
            index = Path(f"{path}-shm")
            if index.exists():
                self._file = index.open("rb")
                self._index = _mapped(self._file)
        # In this order: a commit in between is looked at again next time.
        seen = self._index[:_HEADER] if self._index is not None else b""
        (version,) = self._connection.execute(_COUNT, (REFERENCE,)).fetchone()
        self._seen, self._version = seen, version
        return int(version)


def _mapped(file: BinaryIO) -> mmap.mmap:
    return mmap.mmap(file.fileno(), _HEADER, prot=mmap.PROT_READ)
