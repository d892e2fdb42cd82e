"""Whether rows that are kept in memory are still those of the store, told without a transaction.

SQLite can tell by `PRAGMA data_version`, which looks at shared memory and not at the file, whether
anybody has committed anything since it was last asked; only then is the count of changes read.
PostgreSQL has nothing as cheap that is as sure: a notification comes after the commit. There nobody
is told that rows are current, and each transaction looks for itself.
"""

from __future__ import annotations

import sqlite3
from threading import Lock

from .schema import REFERENCE
from .store import Store

_COUNT = "SELECT count FROM changes WHERE name = ?"


class ReferenceWatch:
    """Tells the version of the reference tables, from any thread, in microseconds."""

    def __init__(self, store: Store) -> None:
        self._path = store.path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._seen = -1
        self._version = 0

    def version(self) -> int | None:
        """`store.reference_version` as of now; None where only a transaction can tell."""
        if self._path is None:
            return None
        try:
            with self._lock:
                return self._look(self._path)
        except sqlite3.Error:  # whoever asks the store will learn what is wrong with it
            return None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _look(self, path: str) -> int:
        if self._connection is None:
            # Without a wait: this is asked where nothing may be waited for.
            self._connection = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._seen = -1
        (seen,) = self._connection.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            (self._version,) = self._connection.execute(_COUNT, (REFERENCE,)).fetchone()
            self._seen = seen
        return self._version
