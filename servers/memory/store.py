"""A state store that is nowhere but in memory, and can be put back to what it was.

It is one SQLite connection in one transaction that never ends. What the servers take for
transactions are savepoints within it, so `put_back` is a rollback: it costs what was changed, and
SQLite keeps the statements that it has compiled. Nothing of that is durable, and no second process
or thread may come near it: it serves an emulator that lives in memory itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.pool import StaticPool

from starwire.servers import schema
from starwire.servers.store import Store, create_tables

_VERSION = f"SELECT count FROM changes WHERE name = '{schema.REFERENCE}'"
_STATEMENTS = 1024
"""Compiled statements that are kept."""


class _Lasting(sqlite3.Connection):
    """A connection whose transaction SQLAlchemy does not end."""

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass


def filled(fill: Callable[[Connection], None]) -> bytes:
    """The octets of a store that is made and filled, as SQLite has them in a file."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        engine = _engine(raw)
        with engine.connect() as connection:
            create_tables(connection, fill)
        return raw.serialize()


def _engine(raw: sqlite3.Connection) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)


class _Savepoints:
    """Those that SQLAlchemy asks for, without compiling a statement for each.

    They nest, and SQLite means the last of a name.
    """

    def __init__(self, raw: sqlite3.Connection, dialect: Any) -> None:
        self._raw = raw
        dialect.do_savepoint = self._begin
        dialect.do_release_savepoint = self._release
        dialect.do_rollback_to_savepoint = self._roll_back

    def _begin(self, connection: Connection, name: str) -> None:
        self._raw.execute("SAVEPOINT part")

    def _release(self, connection: Connection, name: str) -> None:
        self._raw.execute("RELEASE part")

    def _roll_back(self, connection: Connection, name: str) -> None:
        self._raw.execute("ROLLBACK TO part")
        self._raw.execute("RELEASE part")


class MemoryStore(Store):
    """A store for one thread, as the octets of `filled` say."""

    def __init__(self, octets: bytes) -> None:
        self._raw = sqlite3.connect(
            ":memory:",
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
            factory=_Lasting,
        )
        with closing(sqlite3.connect(":memory:")) as first:
            first.deserialize(octets)
            first.backup(self._raw)
        engine = _engine(self._raw)
        _Savepoints(self._raw, engine.dialect)
        super().__init__(engine)
        self._raw.execute("PRAGMA foreign_keys = ON")
        self._connection = engine.connect()
        self._raw.execute("BEGIN")
        self._raw.execute("SAVEPOINT beginning")
        self._is_writing = True
        self._version = self._first_version = self._ask_version()
        self._allow(writing=False)

    @property
    def path(self) -> None:
        """There is no file."""

    @property
    def is_of_beginning(self) -> bool:
        """Whether the reference tables have never been changed."""
        return self._version == self._first_version

    def reference_version(self) -> int:
        """How often they have been changed."""
        return self._version

    def put_back(self) -> bool:
        """All is as it was when it was made; whether the reference tables had been changed."""
        self._raw.execute("ROLLBACK TO beginning")
        changed = not self.is_of_beginning
        self._version = self._first_version
        return changed

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See `Store`; may be within another transaction, of which it then is a part."""
        before = self._is_writing
        self._allow(writing=False)
        try:
            yield self._connection
        finally:
            self._allow(writing=before)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """See `Store`; may be within another transaction, of which it then is a part."""
        before = self._is_writing
        self._allow(writing=True)
        self._raw.execute("SAVEPOINT work")
        try:
            yield self._connection
        except BaseException:
            self._raw.execute("ROLLBACK TO work")
            raise
        finally:
            self._raw.execute("RELEASE work")
            self._look_at_version()
            self._allow(writing=before)

    def close(self) -> None:
        self._connection.close()
        super().close()
        self._raw.close()

    def _allow(self, *, writing: bool) -> None:
        if writing != self._is_writing:
            self._is_writing = writing
            self._raw.execute(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")

    def _ask_version(self) -> int:
        (version,) = self._raw.execute(_VERSION).fetchone()
        return int(version)

    def _look_at_version(self) -> None:
        """Whoever keeps something for a Connection keeps it for one version of the tables."""
        version = self._ask_version()
        if version != self._version:
            self._version = version
            self._connection.close()
            self._connection = self._engine.connect()
