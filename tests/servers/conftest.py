"""A fresh store for each test, on SQLite and, where STARWIRE_POSTGRES names one, on PostgreSQL."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from starwire.servers.store import Store, open_store


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a store that does not exist yet, and that no other test sees."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state.db'}"
        return
    server = os.environ.get("STARWIRE_POSTGRES")
    if not server:
        pytest.skip("STARWIRE_POSTGRES names no PostgreSQL server")
    url = sqlalchemy.make_url(server).set(drivername="postgresql+psycopg")
    schema = f"starwire_{uuid.uuid4().hex}"
    administration = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with administration.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    try:
        yield url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(
            hide_password=False
        )
    finally:
        with administration.connect() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        administration.dispose()


@pytest.fixture
def empty_store(store_url: str) -> Iterator[Store]:
    """A store with tables and no rows of the first data."""
    store = open_store(store_url)
    yield store
    store.close()
