import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, delete, func, select, update

from starwire.servers import schema
from starwire.servers import star_oe as module
from starwire.servers.customer import Customer
from starwire.servers.logon_failures import LogonFailures
from starwire.servers.store import Store

RIGHT = "VUM<USERID=jeanvnet2,PASSWORD=interact>"
WRONG = "VUM<USERID=jeanvnet2,PASSWORD=Interact>"
NOBODY = "VUM<USERID=nobody,PASSWORD=interact>"
ADMITTED = "VUMA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>"
REFUSED = "VUMA<ERROR=6115>"


def failures(store: Store) -> dict[str, int]:
    table = schema.logon_failures.c
    with store.read() as connection:
        return dict(map(tuple, connection.execute(select(table.userid, table.failures))))


# -------------------------------------------------------------------------------------------- VUM


@pytest.mark.parametrize(
    ("userid", "entpid"),
    [("jeanvnet2", "00022924"), ("dorod", "00022924"), ("LynneLevy2", "10324488")],
)
def test_the_first_users_log_on(star_oe, userid: str, entpid: str) -> None:
    assert star_oe(f"VUM<USERID={userid},PASSWORD=interact>") == (
        f"VUMA<ERROR=0,USERID={userid},ENTPID={entpid}>"
    )


@pytest.mark.parametrize(
    ("message", "response"),
    [
        (WRONG, REFUSED),
        (NOBODY, REFUSED),
        ("VUM<USERID=JEANVNET2,PASSWORD=interact>", REFUSED),
        ("VUM<USERID=jeanvnet2,PASSWORD=interac>", REFUSED),
        ("VUM<USERID=jeanvnet2,PASSWORD=interact,interact>", REFUSED),
        ("VUM<USERID=jeanvnet2,PASSWORD=  interact\t>", ADMITTED),
        ("VUM<PASSWORD=interact>", "VUMA<ERROR=6839>"),
        ("VUM<USERID=,PASSWORD=interact>", "VUMA<ERROR=6840>"),
        ("VUM<USERID=jeanvnet2>", "VUMA<ERROR=6701>"),
        ("VUM<USERID=jeanvnet2,PASSWORD=>", "VUMA<ERROR=6703>"),
        ("VUM<USERID=jeanvnet2,PASSWORD=interact,KEY=1>", "VUMA<ERROR=6610>"),
        ("VUM<USERID=" + "x" * 21 + ",PASSWORD=interact>", "VUMA<ERROR=6103>"),
    ],
)
def test_a_logon(star_oe, message: str, response: str) -> None:
    assert star_oe(message) == response


@pytest.mark.parametrize("userid", ["jeanvnet2", "nobody"])
def test_an_account_waits_after_five_failures_in_a_row(star_oe, clock, userid: str) -> None:
    wrong = f"VUM<USERID={userid},PASSWORD=x>"
    right = f"VUM<USERID={userid},PASSWORD=interact>"
    admitted = ADMITTED if userid == "jeanvnet2" else REFUSED
    assert [star_oe(wrong) for _ in range(4)] == [REFUSED] * 4
    assert failures(star_oe.store) == {userid: 4}
    assert star_oe(wrong) == REFUSED
    clock.now += 59.9
    assert star_oe(right) == REFUSED
    assert failures(star_oe.store) == {userid: 5}
    clock.now += 0.1
    assert star_oe(right) == admitted


def test_what_is_tried_while_an_account_waits_does_not_lengthen_the_wait(star_oe, clock) -> None:
    for _ in range(5):
        star_oe(WRONG)
    clock.now += 30
    assert [star_oe(WRONG) for _ in range(10)] == [REFUSED] * 10
    clock.now += 30
    assert star_oe(RIGHT) == ADMITTED


def test_behind_a_wait_the_count_begins_anew(star_oe, clock) -> None:
    for _ in range(5):
        star_oe(WRONG)
    clock.now += 60
    for _ in range(4):
        assert star_oe(WRONG) == REFUSED
    assert star_oe(RIGHT) == ADMITTED


def test_a_success_ends_the_row(star_oe) -> None:
    for _ in range(2):
        for _ in range(4):
            assert star_oe(WRONG) == REFUSED
        assert star_oe(RIGHT) == ADMITTED
    assert failures(star_oe.store) == {}


def test_one_account_that_waits_keeps_no_other_waiting(star_oe) -> None:
    for _ in range(5):
        star_oe(WRONG)
    assert star_oe(RIGHT) == REFUSED
    assert star_oe("VUM<USERID=dorod,PASSWORD=interact>") == (
        "VUMA<ERROR=0,USERID=dorod,ENTPID=00022924>"
    )


def test_count_and_wait_are_configured(make_star_oe: Callable, clock) -> None:
    star_oe = make_star_oe(failures=2, wait_seconds=5.0)
    star_oe(WRONG)
    star_oe(WRONG)
    clock.now += 4.9
    assert star_oe(RIGHT) == REFUSED
    clock.now += 0.1
    assert star_oe(RIGHT) == ADMITTED


def test_the_count_survives_a_restart(make_star_oe: Callable) -> None:
    for _ in range(5):
        make_star_oe()(WRONG)
    assert make_star_oe()(RIGHT) == REFUSED


def test_names_that_failed_are_remembered_up_to_a_bound(make_star_oe: Callable, clock) -> None:
    star_oe = make_star_oe(names=3)
    for name in ("a", "b", "a", "c", "d", "e"):
        clock.now += 1
        star_oe(f"VUM<USERID={name},PASSWORD=x>")
    # "a" failed again behind "b", so "b" went first.
    assert failures(star_oe.store) == {"c": 1, "d": 1, "e": 1}


@pytest.mark.parametrize(
    ("message", "state"), [(WRONG, "known"), (NOBODY, "unknown"), (RIGHT, "waiting")]
)
def test_one_hash_of_the_same_cost_whoever_asks(
    star_oe, monkeypatch: pytest.MonkeyPatch, message: str, state: str
) -> None:
    def count(password: str, stored: str) -> bool:
        hashes.append(stored.split("$")[:4])
        return matches(password, stored)

    if state == "waiting":
        for _ in range(5):
            star_oe(WRONG)
    hashes: list[list[str]] = []
    matches = module.matches
    monkeypatch.setattr(module, "matches", count)
    assert star_oe(message) == REFUSED
    assert hashes == [["scrypt", "2", "1", "1"]]


def test_an_unknown_user_costs_what_the_users_of_the_store_cost(
    make_star_oe: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    star_oe = make_star_oe()
    dear = "scrypt$4$2$1$00$00"
    with star_oe.store.write() as connection:
        connection.execute(update(schema.users).values(password=dear))
    checked: list[str] = []
    monkeypatch.setattr(module, "matches", lambda password, stored: checked.append(stored))
    star_oe(NOBODY)
    assert checked[0].startswith("scrypt$4$2$1$")
    assert checked[0] != dear


def test_without_any_user_nobody_logs_on(star_oe) -> None:
    with star_oe.store.write() as connection:
        connection.execute(delete(schema.users))
    assert star_oe(RIGHT) == REFUSED


def test_guesses_at_the_same_time_are_counted_one_by_one(
    star_oe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All hash before the first is judged: the right one among the last must not get through.
    def wait_for_all(password: str, stored: str) -> bool:
        found = matches(password, stored)
        barrier.wait()
        if password == "interact":
            give_up = time.monotonic() + 30
            while failures(star_oe.store).get("jeanvnet2", 0) < 5:
                assert time.monotonic() < give_up
        return found

    matches = module.matches
    barrier = threading.Barrier(6, timeout=30)
    monkeypatch.setattr(module, "matches", wait_for_all)
    answers: dict[str, list[str]] = {WRONG: [], RIGHT: []}
    threads = [
        threading.Thread(target=lambda message=message: answers[message].append(star_oe(message)))
        for message in [WRONG] * 5 + [RIGHT]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {WRONG: [REFUSED] * 5, RIGHT: [REFUSED]}


def test_a_wait_that_begins_between_two_looks_holds(store: Store) -> None:
    class Interfered(Store):
        """Others fail four more times just before anything is written."""

        def __init__(self) -> None:
            self.read = store.read

        @contextmanager
        def write(self) -> Iterator[Connection]:
            with store.write() as connection:
                connection.execute(update(schema.logon_failures).values(failures=5))
            with store.write() as connection:
                yield connection

    calm = LogonFailures(store, allowed=5, wait_seconds=60.0, names=10)
    assert not calm.admits("jeanvnet2", False, 1000.0)
    interfered = LogonFailures(Interfered(), allowed=5, wait_seconds=60.0, names=10)
    assert not interfered.admits("jeanvnet2", True, 1000.0)
    assert failures(store) == {"jeanvnet2": 5}
    assert calm.admits("jeanvnet2", True, 1060.0)


def test_many_right_logons_at_once_all_succeed(star_oe) -> None:
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(star_oe(RIGHT))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [ADMITTED] * 8
    assert failures(star_oe.store) == {}


def test_first_failures_of_one_name_at_once_are_all_counted(star_oe) -> None:
    threads = [threading.Thread(target=lambda: star_oe(NOBODY)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures(star_oe.store) == {"nobody": 4}


# -------------------------------------------------------------------------------------------- GUA


def test_the_applications_of_a_user(star_oe, jeanvnet2: Customer) -> None:
    assert star_oe("GUA<USERID=jeanvnet2>", jeanvnet2) == "GUAA<ERROR=0,APPS=<RM~RS~INBOX>>"


@pytest.mark.parametrize(
    ("message", "response"),
    [
        ("GUA<USERID=dorod>", "GUAA<ERROR=6115>"),
        ("GUA<USERID=nobody>", "GUAA<ERROR=6115>"),
        ("GUA<USERID=>", "GUAA<ERROR=6840>"),
        ("GUA<>", "GUAA<ERROR=6839>"),
        ("GUB<USERID=jeanvnet2>", "GUB<ERROR=6104>"),
        ("GRTL<PRODUCT=V>", "GRTL<ERROR=6104>"),
    ],
)
def test_nobody_asks_for_another(star_oe, jeanvnet2: Customer, message: str, response: str) -> None:
    assert star_oe(message, jeanvnet2) == response


def test_without_a_session_nobody_has_applications(star_oe) -> None:
    assert star_oe("GUA<USERID=jeanvnet2>") == "GUAA<ERROR=6115>"


def test_a_user_without_applications_has_no_records(star_oe, jeanvnet2: Customer) -> None:
    with star_oe.store.write() as connection:
        connection.execute(delete(schema.entitlements))
    assert star_oe("GUA<USERID=jeanvnet2>", jeanvnet2) == "GUAA<ERROR=6109>"


def test_nothing_is_counted_for_what_is_no_logon(star_oe, jeanvnet2: Customer) -> None:
    star_oe("GUA<USERID=dorod>", jeanvnet2)
    star_oe("VUM<USERID=jeanvnet2>")
    with star_oe.store.read() as connection:
        query = select(func.count()).select_from(schema.logon_failures)
        assert connection.execute(query).scalar_one() == 0
