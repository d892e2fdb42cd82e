"""What all tests share: databases of their own, and nothing skipped where all was installed."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import sqlalchemy


@pytest.fixture(scope="session")
def fresh_schema() -> Callable[[], AbstractContextManager[str]]:
    """Gives the URL of a PostgreSQL schema that is empty, nobody else's, and gone afterwards."""

    @contextmanager
    def schema() -> Iterator[str]:
        server = os.environ.get("STARWIRE_POSTGRES")
        if not server:
            pytest.skip("STARWIRE_POSTGRES names no PostgreSQL server")
        url = sqlalchemy.make_url(server).set(drivername="postgresql+psycopg")
        name = f"starwire_{uuid.uuid4().hex}"
        administration = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        with administration.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        try:
            own = url.update_query_dict({"options": f"-csearch_path={name}"})
            yield own.render_as_string(hide_password=False)
        finally:
            with administration.connect() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
            administration.dispose()

    return schema


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("CI") == "true" and skipped:
        terminalreporter.write_line(f"CI: {len(skipped)} skipped, none may be", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
