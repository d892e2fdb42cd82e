"""Whether the reference tables have changed, as the database counts and the watch sees it."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Table, delete, insert, select, update

from starwire.servers.schema import KEPT_IN_MEMORY, users
from starwire.servers.store import Store, open_store, reference_version
from starwire.servers.watching import ReferenceWatch


def version(store: Store) -> int:
    with store.read() as connection:
        return reference_version(connection)


@pytest.mark.parametrize("table", KEPT_IN_MEMORY, ids=lambda table: table.name)
def test_every_change_of_a_reference_table_is_counted(store: Store, table: Table) -> None:
    before = version(store)
    with store.read() as connection:
        row = dict(connection.execute(select(table).limit(1)).mappings().one())
    key = [column == row[column.name] for column in table.primary_key.columns]
    column = next(iter(table.columns))
    with store.write() as connection:
        changed = update(table).where(*key).values({column.name: row[column.name]})
        assert connection.execute(changed).rowcount == 1
    updated = version(store)
    assert updated > before
    if _is_named_by_others(table):
        return
    with store.write() as connection:
        connection.execute(delete(table).where(*key))
        deleted = reference_version(connection)
        assert deleted > updated
        connection.execute(insert(table).values(row))
        assert reference_version(connection) > deleted


def _is_named_by_others(table: Table) -> bool:
    """Whether rows of other tables keep its rows from being deleted."""
    return any(
        key.column.table is table
        for other in table.metadata.tables.values()
        for key in other.foreign_keys
    )


def test_changes_of_other_tables_are_not(store: Store) -> None:
    before = version(store)
    with store.write() as connection:
        connection.execute(update(users).values(entpid=users.c.entpid))
    assert version(store) == before


def test_the_watch_sees_what_anybody_has_committed(store: Store) -> None:
    watch = ReferenceWatch(store)
    if store.dialect == "postgresql":
        assert watch.version() is None
        return
    before = watch.version()
    assert before == version(store)
    other = sqlite3.connect(store.path or "")
    other.execute("UPDATE templates SET title = 'Changed'")
    assert watch.version() == before
    other.commit()
    assert watch.version() > before
    assert watch.version() == version(store)
    other.close()
    watch.close()


def test_a_store_that_cannot_be_looked_at_has_no_version(store: Store) -> None:
    watch = ReferenceWatch(store)
    if store.path is not None:
        with sqlite3.connect(store.path) as other:
            other.execute("DROP TABLE changes")
        other.close()
    assert watch.version() is None
    watch.close()


_HOLDS = """
import fcntl, os, struct, sys
lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 128, 1, 0)
found = fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_GETLK, lock)
print(struct.unpack("hhqqi4x", found)[4])
"""
"""Which process another finds to hold SQLite's lock on the WAL-index, 0 for none."""


def test_who_looks_on_keeps_the_locks_of_its_process(tmp_path: Path) -> None:
    """Without them whoever opens the store next cuts the WAL-index under everybody else."""
    store = open_store(f"sqlite:///{tmp_path / 'starwire.db'}")
    watch = ReferenceWatch(store)
    assert watch.version() is not None
    index = str(tmp_path / "starwire.db-shm")
    done = subprocess.run([sys.executable, "-c", _HOLDS, index], capture_output=True, text=True)
    assert int(done.stdout) == os.getpid()
    store.close()
    watch.close()
