"""Every code of Appendix E, provoked over real sockets (ERR-06)."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client
from starwire.protocol.codes import Code, codes

from .conftest import CHEAP
from .every_code import CASES, CHAIN, STRICT, Case

EVERY = [pytest.param(code, id=f"{code.proxy}-{code.code}") for code in codes()]


class Walk:
    """The chain in both configurations, and a customer's clients for each."""

    def __init__(self, plain: Any, strict: Any) -> None:
        self._chains = {False: plain, True: strict}
        self._customers: dict[tuple[bool, str], Client] = {}

    def chain(self, case: Case) -> Any:
        return self._chains[case.strict]

    def send(self, case: Case, door: str, message: bytes) -> Any:
        """The reply to a message that comes in by a door."""
        if door in CHAIN:
            who = (case.strict, case.user)
            if who not in self._customers:
                self._customers[who] = self.chain(case).customer(case.user)
            return self._customers[who].send(message, proxy=CHAIN[door])
        with self.chain(case).client(door) as client:
            return client.send(message)

    def place(self, case: Case, loc: str) -> Path:
        return Path(self.chain(case).emulator.state / "files" / loc.lstrip("/"))

    def close(self) -> None:
        for client in self._customers.values():
            client.close()


@pytest.fixture(
    scope="module",
    params=["default", "little", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def walk(
    request: pytest.FixtureRequest,
    start_shared: Callable[..., Any],
    fresh_schema: Callable[[], AbstractContextManager[str]],
) -> Iterator[Walk]:
    profile = "default" if request.param == "postgresql" else request.param
    text = f'extends = "{profile}"\nname = "test"\n'
    with ExitStack() as held:
        chains = []
        for config in (CHEAP, CHEAP + STRICT):
            options = []
            if request.param == "postgresql":
                options = ["--database", held.enter_context(fresh_schema())]
            chains.append(start_shared(text, *options, config=config))
        walk = Walk(*chains)
        yield walk
        walk.close()
        for chain in chains:
            assert chain.emulator.stop() == 0


def provoke(walk: Walk, case: Case) -> tuple[Any, bytes]:
    """Bring about what a case needs, send its message; the reply and the id of its item."""
    for loc in case.files:
        place = walk.place(case, loc)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"1,2")
    number = b""
    for message in case.before:
        native = "inbox-native" if "inbox" in case.door else "rm-native"
        taken = walk.send(case, native, message).data
        found = re.search(rb"INBOXID=(\d+)", taken)
        number = found[1] if found else number
    for loc in case.gone:
        walk.place(case, loc).unlink()
    message = case.message.replace(b"{id}", number)
    if case.fault is None:
        return walk.send(case, case.door, message), number
    with walk.chain(case).fault(**case.fault):
        return walk.send(case, case.door, message), number


@pytest.mark.parametrize("code", EVERY)
def test_it_can_be_provoked(walk: Walk, code: Code) -> None:
    case = CASES[code.proxy][code.code]
    reply, number = provoke(walk, case)
    expected = case.answer.replace(b"{id}", number)
    assert reply.data[: len(expected)] == expected
    assert re.search(rb"ERROR=(\d+)", expected)[1] == b"%d" % code.code  # type: ignore[index]
    if case.door in CHAIN:
        assert reply.status == (100 if code.code else 0)


@pytest.mark.parametrize("code", [one for one in EVERY if one.values[0].reach == "fault"])
def test_what_a_fault_provoked_is_gone_when_it_is_switched_off(walk: Walk, code: Code) -> None:
    case = CASES[code.proxy][code.code]
    assert case.fault is not None, "its trigger is a fault, its case has none"
    reply = walk.send(case, case.door, case.message)
    assert b"ERROR=%d" % code.code not in reply.data


def test_there_is_no_case_of_what_is_no_code() -> None:
    known = {(code.proxy, code.code) for code in codes()}
    assert {(proxy, code) for proxy, cases in CASES.items() for code in cases} == known


@pytest.mark.parametrize("code", EVERY)
def test_a_case_needs_what_its_code_says_that_it_needs(code: Code) -> None:
    """What can be seen by one message, or by a state, needs no fault."""
    case = CASES[code.proxy][code.code]
    if code.reach in ("success", "message", "state"):
        assert case.fault is None
    if code.reach == "message":
        assert not case.before
