import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from starwire.servers import schema
from starwire.servers import store as module
from starwire.servers.store import (
    COUNTERS,
    IdsExhausted,
    Store,
    StoreError,
    lease_serials,
    next_id,
    open_store,
)

EVERY_OCTET = bytes(range(256)).decode("latin-1")


def add_user(connection: Connection, userid: str, entpid: str = "00022924") -> None:
    row = {"userid": userid, "entpid": entpid, "password": "-"}
    connection.execute(insert(schema.users).values(row))


def users(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(schema.users.c.userid)).scalars())


# ----------------------------------------------------------------------------------- transactions


def test_a_written_row_is_there_for_the_next_reader_and_after_reopening(store_url: str) -> None:
    store = open_store(store_url)
    with store.write() as connection:
        add_user(connection, "dorod")
    assert users(store) == ["dorod"]
    store.close()
    again = open_store(store_url)
    assert users(again) == ["dorod"]
    again.close()


def test_an_exception_in_a_multi_step_change_leaves_nothing(empty_store: Store) -> None:
    def change() -> None:
        with empty_store.write() as connection:
            add_user(connection, "dorod")
            next_id(connection, "USERRPTID")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        change()
    assert users(empty_store) == []
    with empty_store.write() as connection:
        assert next_id(connection, "USERRPTID") == 1


def test_a_reader_is_refused_any_change(empty_store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"), empty_store.read() as connection:
        add_user(connection, "dorod")
    with empty_store.write() as connection:  # the same pooled connection may write again
        add_user(connection, "dorod")
    assert users(empty_store) == ["dorod"]


def test_a_reader_sees_one_moment_while_another_connection_writes(empty_store: Store) -> None:
    with empty_store.read() as reader:
        before = reader.execute(select(func.count()).select_from(schema.users)).scalar_one()
        with empty_store.write() as writer:
            add_user(writer, "dorod")
        after = reader.execute(select(func.count()).select_from(schema.users)).scalar_one()
    assert (before, after) == (0, 0)
    assert users(empty_store) == ["dorod"]


def test_two_writers_at_once_both_have_their_way(empty_store: Store) -> None:
    def count_up() -> None:
        for _ in range(25):
            with empty_store.write() as connection:
                ids.append(next_id(connection, "REQUESTID"))

    ids: list[int] = []
    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids) == list(range(1, 101))


def test_sqlite_keeps_what_it_answered_for_through_a_power_cut(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    with store.write() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    full = 2
    assert settings == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


# ----------------------------------------------------------------------------------------- octets


def test_every_octet_survives_and_compares(empty_store: Store) -> None:
    with empty_store.write() as connection:
        add_user(connection, EVERY_OCTET)
        add_user(connection, "\0")
        add_user(connection, "")
    with empty_store.read() as connection:
        query = select(schema.users.c.userid).where(schema.users.c.userid == EVERY_OCTET)
        assert connection.execute(query).scalar_one() == EVERY_OCTET
        query = select(schema.users.c.userid).where(schema.users.c.userid == "\0")
        assert connection.execute(query).scalar_one() == "\0"


def test_a_character_that_is_no_octet_is_refused(empty_store: Store) -> None:
    # U+0100 is how a NUL is stored; taken from outside it would come back as one.
    with pytest.raises(StatementError, match="latin-1"), empty_store.write() as connection:
        add_user(connection, "\u0100")


# -------------------------------------------------------------------------------------------- ids


def test_ids_rise_and_are_not_used_again_after_the_newest_is_deleted(empty_store: Store) -> None:
    def add_item() -> int:
        with empty_store.write() as connection:
            number = next_id(connection, "INBOXID")
            row = {"id": number, "userid": "u", "entpid": "e", "category": "R", "loc": str(number)}
            times = {"ttl": 45, "ack": "0", "arrived": 0.0, "expires": 0.0}
            connection.execute(insert(schema.inbox_items).values(row | times))
        return number

    first, second = add_item(), add_item()
    with empty_store.write() as connection:
        connection.execute(delete(schema.inbox_items).where(schema.inbox_items.c.id == second))
    assert [first, second, add_item()] == [1, 2, 3]


def test_an_id_waits_for_the_transaction_that_took_the_one_before(empty_store: Store) -> None:
    # Otherwise a reader could see item 2 before item 1 and never ask for item 1 again.
    taken = threading.Event()
    order: list[str] = []

    def later() -> None:
        taken.wait()
        with empty_store.write() as connection:
            next_id(connection, "INBOXID")
            order.append("second took its id")

    thread = threading.Thread(target=later)
    thread.start()
    with empty_store.write() as connection:
        next_id(connection, "INBOXID")
        taken.set()
        time.sleep(0.2)
        order.append("first ends")
    thread.join()
    assert order == ["first ends", "second took its id"]


@pytest.mark.parametrize("counter", ["USERRPTID", "REQUESTID", "INBOXID"])
def test_the_last_id_is_given_and_then_none(empty_store: Store, counter: str) -> None:
    last = {"USERRPTID": 2147483647, "REQUESTID": 2147483647, "INBOXID": 9999999999}[counter]
    with empty_store.write() as connection:
        connection.execute(
            update(schema.counters).where(schema.counters.c.name == counter).values(last=last - 1)
        )
    with empty_store.write() as connection:
        assert next_id(connection, counter) == last
    reason = f"{counter} has reached {last}"
    with pytest.raises(IdsExhausted, match=reason), empty_store.write() as connection:
        next_id(connection, counter)


def test_serial_blocks_never_overlap_and_end_at_the_ceiling(empty_store: Store) -> None:
    blocks = []
    for _ in range(4):
        with empty_store.write() as connection:
            blocks.append(lease_serials(connection, 4, ceiling=10))
    assert blocks == [range(1, 5), range(5, 9), range(9, 11), range(0)]


def test_serial_blocks_go_on_after_a_restart(store_url: str) -> None:
    starts = []
    for _ in range(2):
        store = open_store(store_url)
        with store.write() as connection:
            starts.append(lease_serials(connection, 1000, ceiling=2**64 - 1).start)
        store.close()
    assert starts == [1, 1001]


# ----------------------------------------------------------------------------- opening and making


def test_a_new_store_has_all_tables_and_counters(empty_store: Store) -> None:
    with empty_store.read() as connection:
        found = set(inspect(connection).get_table_names())
        names = set(connection.execute(select(schema.counters.c.name)).scalars())
    assert found >= set(schema.metadata.tables)
    assert names == set(COUNTERS)


def test_a_new_store_is_filled_once(store_url: str) -> None:
    for _ in range(2):
        store = open_store(store_url, fill=lambda connection: add_user(connection, "dorod"))
        assert users(store) == ["dorod"]
        store.close()


def test_a_store_whose_filling_fails_is_as_if_it_had_never_been(store_url: str) -> None:
    def fail(connection: Connection) -> None:
        add_user(connection, "jeanvnet2")
        raise RuntimeError("no first data")

    with pytest.raises(RuntimeError, match="no first data"):
        open_store(store_url, fill=fail)
    store = open_store(store_url, fill=lambda connection: add_user(connection, "dorod"))
    assert users(store) == ["dorod"]
    store.close()


def test_two_that_make_the_store_at_once_make_one(store_url: str) -> None:
    def make() -> None:
        opened.append(open_store(store_url, fill=slow))

    def slow(connection: Connection) -> None:
        filled.append(1)
        time.sleep(0.2)
        add_user(connection, "dorod")

    opened: list[Store] = []
    filled: list[int] = []
    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), len(filled)) == (2, 1)
    assert [users(store) for store in opened] == [["dorod"], ["dorod"]]
    for store in opened:
        store.close()


def test_a_store_of_a_newer_starwire_is_refused(store_url: str) -> None:
    store = open_store(store_url)
    with store.write() as connection:
        connection.execute(update(schema.store).values(version=schema.VERSION + 1))
    store.close()
    with pytest.raises(StoreError, match=f"tables of version {schema.VERSION + 1}.*use the starw"):
        open_store(store_url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://host/state", "a store is sqlite:///path or postgresql://"),
        ("nonsense", "is no URL of a store"),
        ("nodialect://host/state", "is no URL of a store|a store is sqlite"),
        ("sqlite:////nowhere/at/all/state.db", "cannot be opened: unable to open database file"),
        ("postgresql://user:secret@127.0.0.1:1/state", r"user:\*\*\*@127.* cannot be opened"),
    ],
)
def test_what_is_no_store_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("this is a letter to my aunt, long enough to be taken for a header of SQLite\n")
    with pytest.raises(StoreError, match="file is not a database"):
        open_store(f"sqlite:///{path}")


def test_opening_an_existing_store_is_fast(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    open_store(url).close()

    def opening() -> float:
        begun = time.perf_counter()
        open_store(url).close()
        return time.perf_counter() - begun

    assert min(opening() for _ in range(5)) < 0.060


KILLED = """
import os, sys
from sqlalchemy import insert
from starwire.servers import schema
from starwire.servers import store as module
from starwire.servers.store import open_store
store = open_store(sys.argv[1])
row = {"entpid": "e", "password": "-"}
with store.write() as connection:
    connection.execute(insert(schema.users).values(userid="committed", **row))
with store.write() as connection:
    connection.execute(insert(schema.users).values(userid="unfinished", **row))
    os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_a_process_killed_in_a_transaction_leaves_what_it_had_committed(store_url: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, store_url], check=False)
    assert killed.returncode == -9
    store = open_store(store_url)
    assert users(store) == ["committed"]
    store.close()


def test_a_table_refuses_what_points_nowhere(empty_store: Store) -> None:
    row = insert(schema.entitlements).values(userid="nobody", target="RM", position=0)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), empty_store.write() as connection:
        connection.execute(row)


def test_a_writer_that_waits_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starwire.servers.store.WAIT_SECONDS", 0.1)
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DBAPIError, match="database is locked"), store.write():
            pass
    store.close()


def test_a_new_file_that_others_hold_is_tried_again_in_time() -> None:
    class Busy:
        def __init__(self, *failures: str) -> None:
            self.failures = list(failures)

        def execute(self, statement: str) -> None:
            assert statement == "PRAGMA journal_mode = WAL"
            if self.failures:
                raise sqlite3.OperationalError(self.failures.pop(0))

    busy = Busy("database is locked", "database table is locked")
    module._use_wal(busy)
    assert busy.failures == []
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        module._use_wal(Busy("disk I/O error"))


def test_a_new_file_that_others_hold_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        def execute(self, statement: str) -> None:
            raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        module._use_wal(Busy())


def test_without_psycopg_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: object, **options: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr("sqlalchemy.create_engine", missing)
    with pytest.raises(StoreError, match=r"install starwire\[postgres\]"):
        open_store("postgresql://host/state")


def test_a_database_that_cannot_hold_every_octet_is_refused() -> None:
    class Latin:
        def execute(self, statement: object) -> None:
            pass

        def exec_driver_sql(self, statement: str) -> "Latin":
            assert statement == "SHOW server_encoding"
            return self

        def scalar_one(self) -> str:
            return "LATIN1"

    with pytest.raises(StoreError, match="encoding is LATIN1; create it with ENCODING 'UTF8'"):
        module._prepare_postgresql(Latin())
