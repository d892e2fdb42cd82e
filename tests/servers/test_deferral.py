"""Asynchronous requests in the store: accepted once, done once, kept for their user (TRN-02)."""

from collections.abc import Callable
from typing import Any

import pytest
from support import Immediate, at_once

from starwire.servers.backend import BackEndAnswer
from starwire.servers.customer import Customer
from starwire.servers.deferral import KEPT_SECONDS, Deferral, Finished, Waiting, identifier
from starwire.servers.store import Store

JEAN = Customer("jeanvnet2", "00022924")
LYNNE = Customer("LynneLevy2", "10324488")
DONE = BackEndAnswer(0, b"SRTL<ERROR=0>\x00\xff")


class Desk:
    """A deferral on a store, with a clock to turn."""

    def __init__(self, store: Store) -> None:
        self.now = 1000.0
        self.deferral = Deferral(Immediate(store), lambda: self.now)

    def accept(self, serial: int = 7, key: str = "k", message: bytes = b"GRTL<>") -> Any:
        return at_once(self.deferral.accept(serial, key, message, "rm", JEAN))

    def poll(self, data: bytes | int, customer: Customer = JEAN) -> Any:
        asked = identifier(data) if isinstance(data, int) else data
        return at_once(self.deferral.poll(asked, customer))

    def finish(self, number: int, work: Callable[[Any], BackEndAnswer] = lambda c: DONE) -> bool:
        request = Waiting(number, "rm", b"GRTL<>", JEAN)
        return bool(at_once(self.deferral.finish(request, work)))


@pytest.fixture
def desk(empty_store: Store) -> Desk:
    return Desk(empty_store)


def test_the_identifier_has_twenty_digits() -> None:
    assert identifier(1) == b"00000000000000000001"
    assert identifier(2**63 - 1) == b"09223372036854775807"


def test_a_request_from_its_acceptance_to_its_result(desk: Desk) -> None:
    message = bytes(range(256))
    number, is_new = desk.accept(message=message)
    assert is_new
    assert desk.poll(number) == Waiting(number, "rm", message, JEAN)
    assert desk.finish(number)
    for _ in range(3):
        assert desk.poll(number) == Finished("rm", message, DONE)


@pytest.mark.parametrize(
    ("change", "is_new"),
    [({}, False), ({"serial": 8}, True), ({"key": "l"}, True), ({"message": b"x"}, True)],
)
def test_only_an_equal_frame_has_the_same_identifier(
    desk: Desk, change: dict[str, Any], is_new: bool
) -> None:
    first, _ = desk.accept()
    again, was_new = desk.accept(**change)
    assert (was_new, again != first) == (is_new, is_new)


def test_serials_of_sixty_four_bits_are_told_apart(desk: Desk) -> None:
    numbers = {desk.accept(serial=serial)[0] for serial in (2**64 - 1, 2**64 - 2, 0)}
    assert len(numbers) == 3


def test_a_frame_that_comes_again_is_known_for_a_day(desk: Desk) -> None:
    number, _ = desk.accept()
    desk.now += KEPT_SECONDS
    assert desk.accept() == (number, False)
    desk.now += 1
    again, is_new = desk.accept()
    assert is_new
    assert again != number
    assert isinstance(desk.poll(number), Waiting)
    assert isinstance(desk.poll(again), Waiting)


def test_a_result_is_kept_for_a_day_after_it_was_ready(desk: Desk) -> None:
    number, _ = desk.accept()
    desk.now += 5 * KEPT_SECONDS
    desk.finish(number)
    desk.now += KEPT_SECONDS
    assert isinstance(desk.poll(number), Finished)
    desk.now += 1
    assert desk.poll(number) is None
    desk.accept(serial=99)
    assert not desk.finish(number)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1",
        b"0" * 20,
        b"0000000000000000000x",
        b"00000000000000000001 ",
        b"000000000000000000001",
        b"99999999999999999999",
        b"09223372036854775808",
        b"-0000000000000000001",
    ],
)
def test_what_is_no_identifier_finds_nothing(desk: Desk, data: bytes) -> None:
    desk.accept()
    assert desk.poll(data) is None


@pytest.mark.parametrize(
    "customer", [LYNNE, Customer("jeanvnet2", "10324488"), Customer("dorod", "00022924")]
)
def test_another_user_finds_nothing(desk: Desk, customer: Customer) -> None:
    number, _ = desk.accept()
    assert desk.poll(number, customer) is None
    desk.finish(number)
    assert desk.poll(number, customer) is None


def test_it_is_done_once_however_often_somebody_tries(desk: Desk) -> None:
    number, _ = desk.accept()
    done = []

    def work(connection: Any) -> BackEndAnswer:
        done.append(number)
        return DONE

    assert [desk.finish(number, work) for _ in range(3)] == [True, False, False]
    assert done == [number]


def test_work_that_fails_leaves_it_waiting(desk: Desk) -> None:
    number, _ = desk.accept()

    def work(connection: Any) -> BackEndAnswer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.finish(number, work)
    assert isinstance(desk.poll(number), Waiting)


def test_what_waits_is_found_again_by_its_door_and_age(desk: Desk) -> None:
    first, _ = desk.accept(serial=1)
    desk.now += 10
    second, _ = desk.accept(serial=2)
    desk.finish(desk.accept(serial=3)[0])

    def waiting(door: str, older: float = 0.0) -> list[int]:
        return [one.number for one in at_once(desk.deferral.waiting(door, older=older))]

    assert waiting("rm") == [first, second]
    assert waiting("rm", older=5) == [first]
    assert waiting("inbox") == []


def test_a_file_behind_the_response_is_kept_by_its_name(desk: Desk) -> None:
    number, _ = desk.accept()
    answer = BackEndAnswer(0, b"Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=5>", "/a/b", 5)
    desk.finish(number, lambda c: answer)
    assert desk.poll(number).answer == answer
