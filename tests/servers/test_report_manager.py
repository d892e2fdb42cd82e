"""What concerns the Report Manager as a whole; its messages have files of their own."""

import random
import threading

import pytest
from sqlalchemy import event, update

from starwire.grammar import parse
from starwire.servers.customer import Customer
from starwire.servers.schema import templates

ARD = (
    "ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=n,PRODUCT=S,CATEGORY=c,SCHEDTYPE=R,"
    "TIMEZONE=45,BILLING=<<90000003,a>>,EMAIL=0,PAGE=0>"
)
MESSAGES = [
    ARD,
    "GRTL<PRODUCT=S,DATATYPE=A,DATACAT=P,IO=B>",
    "GRTD<REPORTID=90>",
    "GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>",
    "GURD<REPORTID=245>",
    "CRD<USERRPTID=245,NAME=n>",
    "URS<USERRPTID=245,ACTIVE=1>",
    "GPL<PL_HIER,USERRPTID=245>",
    "DRD<USERID=jeanvnet2,USERRPTID=245>",
]


@pytest.mark.parametrize(
    ("message", "response"),
    [
        (b"", b"<ERROR=6611>"),
        (b"GRTL<", b"GRTL<ERROR=6612>"),
        (b"GRTL<>>", b"GRTL<ERROR=6612>"),
        (b"DUR<USERRPTID=245>", b"DUR<ERROR=6104>"),
        (b"GRD<REPORTID=1>", b"GRD<ERROR=6104>"),
        (b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O,X=1>", b"SRTL<ERROR=6610>"),
    ],
)
def test_what_is_no_request_is_answered_and_touches_nothing(
    rm, jeanvnet2: Customer, message: bytes, response: bytes
) -> None:
    statements: list[str] = []
    engine = rm.store._engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert rm.answer(message, jeanvnet2).octets == response
    assert [one for one in statements if one.split()[0] not in ("BEGIN", "PRAGMA")] == []


def test_two_customers_at_once_do_not_get_in_each_others_way(
    rm, jeanvnet2: Customer, lynne: Customer
) -> None:
    def add(customer: Customer) -> None:
        message = ARD.replace("jeanvnet2", customer.userid).replace("00022924", customer.entpid)
        for _ in range(10):
            answers.append(rm(message, customer))

    answers: list[str] = []
    threads = [threading.Thread(target=add, args=[one]) for one in (jeanvnet2, lynne)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [f"ARDA<ERROR=0,USERRPTID={number}>" for number in range(3416, 3436)]


def test_no_mutilated_message_makes_it_fail(rm, jeanvnet2: Customer) -> None:
    """Whatever comes in, a message comes out whose first field is ERROR (ERR-07)."""
    chance = random.Random(1998)
    alphabet = [bytes([octet]) for octet in range(256)] + [b"<", b">", b",", b"=", b"~", b"NA"] * 20
    for _ in range(400):
        octets = bytearray(chance.choice(MESSAGES).encode())
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(octets) + 1)
            octets[place : place + chance.randint(0, 6)] = chance.choice(alphabet)
        answer = rm.answer(bytes(octets), jeanvnet2)
        assert next(iter(parse(answer.octets))).value.scalar == str(answer.error)


def test_a_row_that_somebody_changed_is_in_the_next_answer(rm):
    asked = "GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
    before = rm(asked)
    assert "<Longest Calls,11,R>" in before
    with rm.store.write() as connection:
        changed = update(templates).where(templates.c.id == 11).values(title="Longest of All")
        connection.execute(changed)
    assert rm(asked) == before.replace("<Longest Calls,11,R>", "<Longest of All,11,R>")
