import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import OperationalError

from starwire.grammar import Limits
from starwire.protocol.catalogue import catalogue
from starwire.protocol.validation import Request
from starwire.servers import schema
from starwire.servers.backend import (
    BackEndAnswer,
    BackEndFailure,
    Outcome,
    Reception,
    Refused,
    reads_only,
)
from starwire.servers.customer import Customer
from starwire.servers.inbox import Inbox
from starwire.servers.report_manager import ReportManager
from starwire.servers.star_oe import StarOE
from starwire.servers.store import Store

URS = b"URS<USERRPTID=245,ACTIVE=1>"
CUSTOMER = Customer("jeanvnet2", "00022924")


def answer(store: Store, octets: bytes, door: str, act) -> BackEndAnswer:
    reception = Reception(catalogue(), Limits(), 8)
    with store.write() as connection:
        return reception.answer(connection, octets, door, CUSTOMER, act)


def test_an_outcome_becomes_the_response(empty_store: Store) -> None:
    def act(connection: Connection, request: Request, customer: Customer | None) -> Outcome:
        assert customer == CUSTOMER
        return Outcome({"USERRPTID": request.scalar("USERRPTID")})

    assert answer(empty_store, URS, "rm", act) == BackEndAnswer(0, b"URSA<ERROR=0,USERRPTID=245>")


def test_a_message_that_is_no_request_reaches_nobody(empty_store: Store) -> None:
    def act(*arguments: object) -> Outcome:
        raise AssertionError("must not be asked")

    found = answer(empty_store, b"URS<USERRPTID=245>", "rm", act)
    assert found == BackEndAnswer(6801, b"URSA<ERROR=6801>")


def test_a_refused_message_leaves_nothing_in_a_transaction_that_is_committed(
    empty_store: Store,
) -> None:
    def act(connection: Connection, request: Request, customer: Customer | None) -> Outcome:
        row = {"userid": "u", "entpid": "e", "password": "-"}
        connection.execute(insert(schema.users).values(row))
        raise Refused(6109)

    assert answer(empty_store, URS, "rm", act) == BackEndAnswer(6109, b"URSA<ERROR=6109>")
    with empty_store.read() as connection:
        assert connection.execute(select(schema.users)).all() == []


@pytest.mark.parametrize(
    ("door", "octets", "code", "response"),
    [
        ("rm", URS, 6106, b"URSA<ERROR=6106>"),
        ("rm", b"GRTD<REPORTID=1>", 6106, b"SRTD<ERROR=6106>"),
        ("inbox", b"D<INBOXID=1>", 5106, b"Z<REQ=D,ERROR=5106>"),
    ],
)
def test_a_command_that_the_database_refuses_is_a_failure_with_its_response(
    empty_store: Store, door: str, octets: bytes, code: int, response: bytes
) -> None:
    def act(connection: Connection, request: Request, customer: Customer | None) -> Outcome:
        connection.execute(text("SELECT * FROM no_such_table"))
        return Outcome()

    with pytest.raises(BackEndFailure, match="no_such_table") as caught:
        answer(empty_store, octets, door, act)
    assert (caught.value.code, caught.value.octets) == (code, response)


@pytest.mark.parametrize(
    ("door", "octets", "code", "response"),
    [
        ("rm", URS, 6105, b"URSA<ERROR=6105>"),
        ("inbox", b"D<INBOXID=1>", 5105, b"Z<REQ=D,ERROR=5105>"),
    ],
)
def test_a_lost_database_is_a_failure_of_another_kind(
    empty_store: Store, door: str, octets: bytes, code: int, response: bytes
) -> None:
    def act(connection: Connection, request: Request, customer: Customer | None) -> Outcome:
        lost = Exception("server closed the connection")
        raise OperationalError("SELECT 1", {}, lost, connection_invalidated=True)

    with pytest.raises(BackEndFailure, match="server closed") as caught:
        answer(empty_store, octets, door, act)
    assert (caught.value.code, caught.value.octets) == (code, response)


def test_a_bug_is_not_taken_for_an_answer(empty_store: Store) -> None:
    def act(*arguments: object) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer(empty_store, URS, "rm", act)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"GRTL<PRODUCT=V>", True),
        (b" \r\nGPL \t<PL_LANG>", True),
        (b"VUM<USERID=u,PASSWORD=p>", True),
        (b"ARD<USERID=u>", False),
        (b"grtl<PRODUCT=V>", False),
        (b"<METADATA=<>>", False),
        (b"GRTL", True),
        (b"", True),
        (b"<", False),
    ],
)
def test_the_acronym_tells_whether_a_message_only_reads(octets: bytes, expected: bool) -> None:
    assert reads_only(octets, catalogue()) is expected


def test_each_door_has_one_back_end() -> None:
    doors = [*ReportManager.doors, *Inbox.doors, *StarOE.doors]
    assert sorted(doors) == ["inbox", "inbox-native", "rm", "rm-native", "rs", "staroe"]
