"""The store in memory is a store, and can be put back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from starwire.servers import schema
from starwire.servers.memory.store import MemoryStore, filled
from starwire.servers.store import next_id

SESSION = {"key": "k", "userid": "u", "entpid": "e", "created": 1.0, "last_used": 1.0}
CATEGORY = {"id": 1, "title": "One"}


@pytest.fixture(scope="module")
def octets() -> bytes:
    return filled(lambda c: c.execute(insert(schema.report_categories).values(CATEGORY)))


@pytest.fixture
def store(octets: bytes) -> Iterator[MemoryStore]:
    made = MemoryStore(octets)
    yield made
    made.close()


def keys(store: MemoryStore) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(schema.sessions.c.key)).scalars())


def add(store: MemoryStore, key: str) -> None:
    with store.write() as connection:
        connection.execute(insert(schema.sessions).values({**SESSION, "key": key}))


def test_what_is_written_is_read_and_what_fails_leaves_nothing(store):
    add(store, "a")
    written = store.write()
    written.__enter__().execute(insert(schema.sessions).values(SESSION))
    assert not written.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert keys(store) == ["a"]


def test_a_reader_cannot_write(store):
    with (
        store.read() as connection,
        pytest.raises(OperationalError, match="attempt to write a readonly database"),
    ):
        connection.execute(insert(schema.sessions).values(SESSION))
    add(store, "a")
    assert keys(store) == ["a"]


def test_a_reader_that_has_written_in_a_transaction_of_its_own_still_cannot(store):
    with store.read() as connection:
        add(store, "a")
        with pytest.raises(OperationalError, match="attempt to write a readonly database"):
            connection.execute(insert(schema.sessions).values(SESSION))
    assert keys(store) == ["a"]


def test_a_read_within_a_write_cannot_write_and_the_write_goes_on(store):
    with store.write() as connection:
        with (
            store.read() as reading,
            pytest.raises(OperationalError, match="attempt to write a readonly database"),
        ):
            reading.execute(insert(schema.sessions).values(SESSION))
        connection.execute(insert(schema.sessions).values(SESSION))
    assert keys(store) == ["k"]


def test_parts_of_a_transaction_are_kept_or_not(store):
    with store.write() as connection:
        with connection.begin_nested():
            connection.execute(insert(schema.sessions).values(SESSION))
            inner = connection.begin_nested()
            connection.execute(insert(schema.sessions).values({**SESSION, "key": "l"}))
            with pytest.raises(IntegrityError):
                connection.execute(insert(schema.sessions).values(SESSION))
            inner.rollback()
        refused = connection.begin_nested()
        connection.execute(insert(schema.sessions).values({**SESSION, "key": "m"}))
        refused.rollback()
    assert keys(store) == ["k"]


def test_put_back_it_is_as_it_was_and_counts_from_there(store):
    for _ in range(3):
        add(store, "a")
        with store.write() as connection:
            assert next_id(connection, "TRANSFER") == 1
        assert not store.put_back()
        assert keys(store) == []
    add(store, "a")
    assert keys(store) == ["a"]


def test_a_change_of_the_reference_tables_is_told(store):
    with store.read() as connection:
        before = connection
    version = store.reference_version()
    changed = update(schema.report_categories).values(title="Other")
    with store.write() as connection:
        connection.execute(changed)
    assert store.reference_version() == version + 1
    assert not store.is_of_beginning
    with store.read() as connection:
        assert connection is not before  # what is kept for a Connection is of one version
        assert connection.execute(select(schema.report_categories.c.title)).scalars().all() == [
            "Other"
        ]
    assert store.put_back()
    assert store.is_of_beginning
    with store.read() as connection:
        titles = connection.execute(select(schema.report_categories.c.title)).scalars().all()
    assert titles == ["One"]


def test_two_stores_have_nothing_in_common(octets, store):
    other = MemoryStore(octets)
    add(other, "a")
    assert keys(store) == []
    other.close()
