"""A fresh store for each test, on SQLite and, where STARWIRE_POSTGRES names one, on PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from starwire.grammar import Limits
from starwire.protocol.catalogue import catalogue
from starwire.servers.backend import BackEnd, BackEndAnswer, reads_only
from starwire.servers.customer import Customer
from starwire.servers.files import FileRoot
from starwire.servers.first_data import FirstData
from starwire.servers.inbox import Inbox
from starwire.servers.passwords import PasswordCost
from starwire.servers.report_manager import ReportManager
from starwire.servers.star_oe import StarOE
from starwire.servers.store import Store, open_store

CHEAP = PasswordCost(n=2, r=1, p=1)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def store_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    fresh_schema: Callable[[], AbstractContextManager[str]],
) -> Iterator[str]:
    """The URL of a store that does not exist yet, and that no other test sees."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state.db'}"
    else:
        with fresh_schema() as url:
            yield url


@pytest.fixture
def empty_store(store_url: str) -> Iterator[Store]:
    """A store with tables and no rows of the first data."""
    store = open_store(store_url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a filled SQLite store and its files, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    open_store(
        f"sqlite:///{folder / 'state.db'}", fill=FirstData(FileRoot(folder / "files"), CHEAP).fill
    ).close()
    return folder


@pytest.fixture
def store(store_url: str, filled: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with the first data; its files are in `file_root`."""
    if store_url.startswith("sqlite"):
        shutil.copyfile(filled / "state.db", tmp_path / "state.db")
    store = open_store(store_url, fill=FirstData(FileRoot(tmp_path / "files"), CHEAP).fill)
    yield store
    store.close()


@pytest.fixture
def file_root(filled: Path, tmp_path: Path) -> FileRoot:
    """The Inbox's folder with the sample files."""
    shutil.copytree(filled / "files", tmp_path / "files", dirs_exist_ok=True)
    return FileRoot(tmp_path / "files")


class Clock:
    """A clock that stands until it is put forward."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """1998-08-25 08:49:20 GMT, a Tuesday."""
    return Clock(904_034_960.0)


class Asking:
    """A client of a back end: messages in, responses out, each in a transaction of its own."""

    def __init__(self, store: Store, back_end: BackEnd, door: str) -> None:
        self.store = store
        self.back_end = back_end
        self.door = door
        self.customer: Customer | None = None

    def answer(
        self, message: str | bytes, customer: Customer | None = None, door: str | None = None
    ) -> BackEndAnswer:
        octets = message.encode("latin-1") if isinstance(message, str) else message
        transaction = self.store.read if reads_only(octets, catalogue()) else self.store.write
        with transaction() as connection:
            return self.back_end.answer(connection, octets, door or self.door, customer)

    def __call__(self, message: str | bytes, customer: Customer | None = None) -> str:
        return self.answer(message, customer).octets.decode("latin-1")

    def native(self, message: str | bytes) -> str:
        """The answer on the native port, where nobody has a session."""
        return self.answer(message, None, f"{self.door}-native").octets.decode("latin-1")


def _parts() -> dict[str, object]:
    return {"catalogue": catalogue(), "limits": Limits(), "entpid_length": 8}


@pytest.fixture
def rm(store: Store, file_root: FileRoot, clock: Clock) -> Asking:
    """The Report Manager at door rm."""
    return Asking(store, ReportManager(**_parts(), clock=clock, files=file_root), "rm")


@pytest.fixture
def inbox(store: Store, file_root: FileRoot, clock: Clock) -> Asking:
    """The Inbox at door inbox."""
    return Asking(store, Inbox(**_parts(), clock=clock, files=file_root), "inbox")


@pytest.fixture
def make_star_oe(store: Store, clock: Clock) -> Callable[..., Asking]:
    """StarOE at its door; options go to its constructor."""

    def make(**options: object) -> Asking:
        parts = {**_parts(), "clock": clock, "store": store, "cost": CHEAP, **options}
        return Asking(store, StarOE(**parts), "staroe")

    return make


@pytest.fixture
def star_oe(make_star_oe: Callable[..., Asking]) -> Asking:
    return make_star_oe()


@pytest.fixture
def jeanvnet2() -> Customer:
    return Customer("jeanvnet2", "00022924")


@pytest.fixture
def dorod() -> Customer:
    """Of the same enterprise as jeanvnet2."""
    return Customer("dorod", "00022924")


@pytest.fixture
def lynne() -> Customer:
    return Customer("LynneLevy2", "10324488")
