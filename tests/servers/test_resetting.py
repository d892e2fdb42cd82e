"""The state put back: what begins anew, what must go on, and who notices; users for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError
from support import Immediate, at_once
from support_control import ControlClient
from twisted.internet.defer import Deferred

from starwire.protocol.catalogue import catalogue
from starwire.protocol.profile import shipped
from starwire.servers import schema
from starwire.servers.control import state_desk
from starwire.servers.control.state_desk import State, StateDesk
from starwire.servers.customer import Customer
from starwire.servers.fault import Fault
from starwire.servers.fault_plan import FaultPlan
from starwire.servers.files import FileRoot
from starwire.servers.first_data import FirstData
from starwire.servers.jar import CookieJar
from starwire.servers.journal import Journal, Record
from starwire.servers.passwords import PasswordCost, matches
from starwire.servers.resetting import RESTARTED
from starwire.servers.store import COUNTERS, Store, next_id
from starwire.servers.stub import Stub, StubReply
from starwire.servers.stubs import Stubs

CHEAP = PasswordCost(n=2, r=1, p=1)
COUNTED = [table for table in schema.metadata.sorted_tables if table.name != "changes"]


class System:
    """A store with first data, and the desk that puts it back."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.database: Any = Immediate(store)
        self.changed = 0
        self.journal, self.faults = Journal(10, 1000), FaultPlan()
        self.stubs = Stubs(shipped("default"), lambda _: Deferred(), lambda: None)  # type: ignore[arg-type, return-value]
        fill = FirstData(FileRoot(folder / "files"), CHEAP).fill
        state = State(self.database, fill, CHEAP, 20, 8, self.sessions_changed)
        self.state = state
        self.ask = ControlClient(StateDesk(state, self.journal, self.stubs, self.faults))

    async def sessions_changed(self) -> None:
        self.changed += 1

    def write(self, work: Any) -> Any:
        with self.store.write() as connection:
            return work(connection)

    def rows(self) -> dict[str, int]:
        with self.store.read() as connection:
            count = select(func.count())
            return {
                table.name: connection.execute(count.select_from(table)).scalar_one()
                for table in COUNTED
            }

    def last(self) -> dict[str, int]:
        with self.store.read() as connection:
            found = connection.execute(select(schema.counters.c.name, schema.counters.c.last))
            return {row.name: row.last for row in found}


@pytest.fixture
def system(store: Store, tmp_path: Path) -> System:
    return System(store, tmp_path)


def disturb(connection: Connection) -> None:
    """What customers and servers do."""
    for counter in COUNTERS:
        next_id(connection, counter)
    session = {"key": "k", "userid": "dorod", "entpid": "00022924"}
    connection.execute(insert(schema.sessions).values(**session, created=1.0, last_used=1.0))
    connection.execute(update(schema.templates).values(title="changed"))
    connection.execute(delete(schema.user_reports))
    failure = {"userid": "dorod", "failures": 5, "last": 9e9}
    connection.execute(insert(schema.logon_failures).values(**failure))


def test_the_store_is_as_a_new_one(system: System) -> None:
    rows, last = system.rows(), system.last()
    system.write(disturb)
    assert system.rows() != rows
    said = system.ask("POST", "/reset", {})
    assert (said.status, said.json["store"]) == (200, True)
    assert system.rows() == rows
    now = system.last()
    assert {name: now[name] for name in RESTARTED} == {name: last[name] for name in RESTARTED}
    with system.store.read() as connection:
        titles = connection.execute(select(schema.templates.c.title)).scalars().all()
    assert "changed" not in titles
    assert system.changed == 1


def test_what_was_told_to_others_never_comes_again(system: System) -> None:
    system.write(disturb)
    system.ask("POST", "/reset", {})
    last = system.last()
    lasting = set(COUNTERS) - set(RESTARTED)
    assert {"SERIAL", "DEFERRED"} <= lasting
    assert {name: last[name] for name in lasting} == dict.fromkeys(lasting, 1)


def test_sessions_may_be_kept(system: System) -> None:
    system.write(disturb)
    system.ask("POST", "/reset", {"sessions": False})
    assert (system.rows()["sessions"], system.rows()["logon_failures"]) == (1, 0)
    system.ask("POST", "/reset", {"store": False})
    assert system.rows()["sessions"] == 0


def test_only_what_is_wanted_begins_anew(system: System) -> None:
    nothing = dict.fromkeys(("store", "sessions", "journal", "stubs", "faults"), False)
    system.write(disturb)
    rows = system.rows()

    def fill_memory() -> None:
        told: dict[str, Any] = {"hop": "rm", "transaction": "t", "peer": "p", "request": b""}
        told |= {"outcome": "answered", "began": 0.0, "seconds": 0.0, "request_octets": 0}
        system.journal.add(Record(**told))
        system.stubs.add(Stub(StubReply(status=106)))
        system.faults.add(Fault(kind="hang"))

    def memory() -> tuple[int, int, int]:
        return (
            len(system.journal),
            len(system.stubs.listing()),
            len(system.faults.listing()),
        )

    fill_memory()
    assert system.ask("POST", "/reset", nothing).json == nothing
    assert (memory(), system.rows(), system.changed) == ((1, 1, 1), rows, 0)
    system.ask("POST", "/reset", {**nothing, "journal": True})
    assert memory() == (0, 1, 1)
    system.ask("POST", "/reset", {**nothing, "stubs": True})
    assert memory() == (0, 0, 1)
    system.ask("POST", "/reset", {**nothing, "faults": True})
    assert memory() == (0, 0, 0)
    assert system.rows() == rows


def test_a_sample_file_that_is_gone_comes_back(system: System, tmp_path: Path) -> None:
    files = FileRoot(tmp_path / "files")
    system.ask("POST", "/reset", {})
    sample = files.place("/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV")
    sample.unlink()
    system.ask("POST", "/reset", {})
    assert len(sample.read_bytes()) == 389


def test_a_jar_drops_the_sessions_of_a_store_that_was_reset(system: System) -> None:
    """Its own process says so at once; a jar of another one looks every second."""
    jar = CookieJar(shipped("default"), catalogue(), system.database, lambda: 100.0)
    at_once(jar.load())
    key = at_once(jar.make(Customer("dorod", "00022924")))
    at_once(jar.follow())
    assert at_once(jar.customer(key)) == Customer("dorod", "00022924")
    system.ask("POST", "/reset", {})
    at_once(jar.follow())
    assert at_once(jar.customer(key)) is None


def test_a_session_that_is_made_while_the_jar_reads_stays(system: System) -> None:
    jar = CookieJar(shipped("default"), catalogue(), system.database, lambda: 100.0)
    made: list[str] = []
    reading = system.database.read

    async def read(work: Any) -> Any:
        found = await reading(work)
        if not made:
            made.append(await jar.make(Customer("dorod", "00022924")))
        return found

    system.database.read = read
    at_once(jar.load())
    assert at_once(jar.customer(made[0])) == Customer("dorod", "00022924")


def test_a_store_that_does_not_answer_is_told(system: System) -> None:
    attempts: list[Any] = []

    async def write(work: Any) -> Any:
        attempts.append(work)
        raise OperationalError("LOCK TABLE", {}, Exception("deadlock detected"))

    system.database.write = write
    said = system.ask("POST", "/reset", {})
    assert (said.status, said.json["where"]) == (503, "store")
    assert "deadlock detected" in said.json["error"]
    assert len(attempts) == state_desk._ATTEMPTS


# Users.

NEW = {"entpid": "00000001", "applications": ["INBOX", "RM"], "password": "secret"}


def users(system: System) -> dict[str, Any]:
    return {user.pop("userid"): user for user in system.ask("GET", "/state/users").json}


def test_the_users_of_the_first_data(system: System) -> None:
    found = users(system)
    assert set(found) == {"jeanvnet2", "dorod", "LynneLevy2", "visitor", "lockout"}
    assert found["dorod"] == {
        "entpid": "00022924",
        "applications": ["RM", "RS", "INBOX"],
        "email": "dorod@customer.example",
        "pager": "",
        "pager_pin": "",
    }


def password_of(system: System, userid: str) -> str:
    with system.store.read() as connection:
        query = select(schema.users.c.password).where(schema.users.c.userid == userid)
        return str(connection.execute(query).scalar_one())


@pytest.fixture(autouse=True)
def hash_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def here(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(state_desk, "deferToThread", here)


def test_a_user_is_added(system: System) -> None:
    assert system.ask("PUT", "/state/users/new", NEW).status == 204
    assert users(system)["new"]["applications"] == ["INBOX", "RM"]
    assert matches("secret", password_of(system, "new"))
    assert system.changed == 1


def test_a_user_is_changed_and_keeps_the_password(system: System) -> None:
    before = password_of(system, "dorod")
    system.write(disturb)
    assert system.ask("PUT", "/state/users/dorod", {"entpid": "00000009"}).status == 204
    assert users(system)["dorod"]["entpid"] == "00000009"
    assert users(system)["dorod"]["applications"] == []
    assert password_of(system, "dorod") == before
    assert system.rows()["logon_failures"] == 1
    system.ask("PUT", "/state/users/dorod", NEW)
    assert matches("secret", password_of(system, "dorod"))
    assert system.rows()["logon_failures"] == 0


def test_a_user_is_removed(system: System) -> None:
    assert system.ask("DELETE", "/state/users/dorod").status == 204
    assert set(users(system)) == {"jeanvnet2", "LynneLevy2", "visitor", "lockout"}
    assert system.ask("DELETE", "/state/users/dorod").status == 404


@pytest.mark.parametrize(
    ("name", "body", "status", "where"),
    [
        ("new", {"entpid": "00000001"}, 422, "password"),
        ("new", {**NEW, "entpid": "1"}, 422, "entpid"),
        ("new", {**NEW, "applications": ["RM", "RM"]}, 422, "applications"),
        ("new", {**NEW, "applications": ["STAROE"]}, 400, "applications[0]"),
        ("new", {**NEW, "passwords": ""}, 400, "passwords"),
        ("a" * 21, NEW, 404, "userid"),
        ("a%2Cb", NEW, 404, "userid"),
        ("a%20b", NEW, 404, "userid"),
        ("%C3%A9", NEW, 404, "userid"),
    ],
)
def test_a_user_that_cannot_be_is_refused(
    system: System, name: str, body: Any, status: int, where: str
) -> None:
    said = system.ask("PUT", f"/state/users/{name}", body)
    assert (said.status, said.json["where"]) == (status, where)
    assert len(users(system)) == 5


def test_no_password_is_shown(system: System) -> None:
    system.ask("PUT", "/state/users/new", NEW)
    said = system.ask("GET", "/state/users").octets
    assert b"secret" not in said
    assert b"scrypt" not in said
