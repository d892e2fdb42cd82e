"""The state store: one SQLite file, or a PostgreSQL database that several hosts share.

`Store.read()` and `Store.write()` are the only ways in. A reader sees one moment of the store and
can change nothing; a writer has all of its changes kept, durably, or none. SQLite's writers come
one at a time (BEGIN IMMEDIATE); on PostgreSQL they run side by side, so code that looks before it
changes asks for the row `with_for_update()`, which SQLite leaves out.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, bindparam, event, insert, select, update
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from . import schema

WAIT_SECONDS = 30.0
"""How long a writer waits for another before it gives up."""

COUNTERS = {
    "USERRPTID": 2147483647,  # the limit that Appendix A prints
    "REQUESTID": 2147483647,  # and Appendix B
    "INBOXID": 9999999999,  # ten digits, Appendix G
    "NOTIFICATION": 2**63 - 1,
    "DEFERRED": 2**63 - 1,
    "TRANSFER": 2**63 - 1,
    "SERIAL": 2**63 - 1,
}
"""The identifiers that the store hands out, and the last one that each may reach."""

_REFERENCE_VERSION = select(schema.changes.c.count).where(schema.changes.c.name == schema.REFERENCE)
_COUNT_ON = (
    update(schema.counters)
    .where(schema.counters.c.name == bindparam("counter"))
    .values(last=schema.counters.c.last + 1)
    .returning(schema.counters.c.last)
)
_CREATION_LOCK = 0x5354415257495245  # "STARWIRE": PostgreSQL's advisory locks have numbers


class StoreError(Exception):
    """The store cannot be used; the text says why and what to do."""


class IdsExhausted(Exception):
    """No identifier of this kind is left."""

    def __init__(self, counter: str) -> None:
        super().__init__(f"{counter} has reached {COUNTERS[counter]}")
        self.counter = counter


class Store:
    """An open store. Safe to use from several threads; each transaction has its own connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader: Engine = engine
        if engine.dialect.name == "postgresql":
            self._reader = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        self._writer = engine.execution_options(starwire_writes=True)

    def __str__(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def path(self) -> str | None:
        """The file of a SQLite store."""
        return self._engine.url.database if self.dialect == "sqlite" else None

    @property
    def may_exist(self) -> bool:
        """Whether it is no SQLite file, or one that is there: to look into it would make it."""
        path = self._engine.url.database
        return self.dialect != "sqlite" or path is None or Path(path).exists()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the store and is refused any change."""
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction whose changes are durable when the block ends, and gone if it raises."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the connections that no transaction uses."""
        self._engine.dispose()


def url_of(state: Path, database: str) -> str:
    """The URL of the store of a state folder, unless another is given."""
    return database or f"sqlite:///{state / 'starwire.db'}"


def open_store(
    url: str,
    *,
    fill: Callable[[Connection], None] | None = None,
    connections: int = 20,
    make: bool = True,
) -> Store:
    """Open the store at `url` (`sqlite:///path`, `postgresql://...`).

    If there is none it is made, unless told not to `make` it. A new store is filled by `fill` in
    the transaction that makes its tables, so it is either whole or not there. At most
    `connections` are open at a time. Raises StoreError.
    """
    opened = Store(_engine(url, connections))
    try:
        _make_or_check(opened, fill, make)
    except BaseException:
        opened.close()
        raise
    return opened


def reference_version(connection: Connection) -> int:
    """How often the reference tables have been changed, as of this transaction."""
    return int(connection.execute(_REFERENCE_VERSION).scalar_one())


def next_id(connection: Connection, counter: str) -> int:
    """The next identifier of `counter`, never handed out before; raises IdsExhausted.

    Whoever asks next waits until this transaction ends. So identifiers rise in the order in which
    their rows become visible, and "later than N" (App. G, L) misses none. A sequence of the
    database promises neither that nor, in SQLite, that a deleted last one is not used again.
    """
    number = int(connection.execute(_COUNT_ON, {"counter": counter}).scalar_one())
    if number > COUNTERS[counter]:
        raise IdsExhausted(counter)
    return number


def lease_serials(connection: Connection, count: int, ceiling: int) -> range:
    """A block of at most `count` serial numbers, leased to one dispatcher (DSP-05).

    They start at 1 and are never leased again. Near `ceiling` the block is shorter, then empty.
    """
    ceiling = min(ceiling, COUNTERS["SERIAL"])
    last = schema.counters.c.last
    where = schema.counters.c.name == "SERIAL"
    before = int(connection.execute(select(last).where(where).with_for_update()).scalar_one())
    after = min(before + count, ceiling)
    if after <= before:
        return range(0)
    connection.execute(update(schema.counters).where(where).values(last=after))
    return range(before + 1, after + 1)


# ------------------------------------------------------------------------------------ creation


def _make_or_check(opened: Store, fill: Callable[[Connection], None] | None, make: bool) -> None:
    if not make and not opened.may_exist:
        raise StoreError(f"{opened}: there is no store")
    try:
        with opened.read() as connection:
            version = _version(connection)
        if version is None and not make:
            raise StoreError(f"{opened}: there is no store")
        if version is None:
            version = _create(opened, fill)
    except DBAPIError as error:
        raise StoreError(f"{opened} cannot be opened: {error.orig}") from error
    if version != schema.VERSION:
        raise StoreError(
            f"{opened} has tables of version {version}, this starwire knows version "
            f"{schema.VERSION}: use the starwire that made it, or another state folder"
        )


def _version(connection: Connection) -> int | None:
    """The version of the tables; None if there are none."""
    if not sqlalchemy.inspect(connection).has_table(schema.store.name):
        return None
    return connection.execute(select(schema.store.c.version)).scalar_one_or_none()


def _create(opened: Store, fill: Callable[[Connection], None] | None) -> int:
    with opened.write() as connection:
        if opened.dialect == "postgresql":
            _prepare_postgresql(connection)
        version = _version(connection)
        if version is not None:  # another process was faster
            return version
        create_tables(connection, fill)
    return schema.VERSION


def create_tables(connection: Connection, fill: Callable[[Connection], None] | None) -> None:
    """Make the tables of a new store, and fill them."""
    schema.metadata.create_all(connection)
    connection.execute(insert(schema.counters), [{"name": name, "last": 0} for name in COUNTERS])
    kept_in_memory = (schema.REFERENCE, schema.SESSIONS)
    rows = [{"name": name, "count": 0} for name in kept_in_memory]
    connection.execute(insert(schema.changes), rows)
    if fill is not None:
        fill(connection)
    connection.execute(insert(schema.store).values(version=schema.VERSION))


def _prepare_postgresql(connection: Connection) -> None:
    connection.execute(select(sqlalchemy.func.pg_advisory_xact_lock(_CREATION_LOCK)))
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreError(f"the database's encoding is {encoding}; create it with ENCODING 'UTF8'")


# ------------------------------------------------------------------------------------- engines


def _engine(text: str, connections: int) -> Engine:
    try:
        url = sqlalchemy.make_url(text)
        if url.get_backend_name() == "sqlite":
            return _sqlite(url, connections)
        if url.get_backend_name() == "postgresql":
            return _postgresql(url, connections)
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"{text!r} is no URL of a store: {error}") from error
    shown = url.render_as_string(hide_password=True)
    raise StoreError(f"{shown}: a store is sqlite:///path or postgresql://...")


def _sqlite(url: URL, connections: int) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise StoreError("a store in memory would lose what it answered for; name a file")
    engine = sqlalchemy.create_engine(
        url,
        connect_args={"timeout": WAIT_SECONDS, "check_same_thread": False},
        pool_size=connections,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        # The driver must not begin transactions by itself; `begin` below does.
        connection.isolation_level = None
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("starwire_writes", False)
        # Not the driver's job either: a reader that writes would fail only when somebody else
        # wrote in between, and at once on PostgreSQL.
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Write ahead: readers and the writer do not wait for each other. The file keeps the mode.

    While several open a new file, SQLite says "locked" here without waiting for its timeout.
    """
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _postgresql(url: URL, connections: int) -> Engine:
    try:
        return sqlalchemy.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
        )
    except ModuleNotFoundError as error:
        raise StoreError("PostgreSQL needs psycopg: install starwire[postgres]") from error
