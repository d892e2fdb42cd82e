"""The cookie jar and the serials: made once, ended when idle, never twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Immediate, at_once

from starwire.protocol.catalogue import catalogue
from starwire.protocol.profile import Profile, shipped
from starwire.servers.answering import Hop
from starwire.servers.jar import CookieJar
from starwire.servers.serials import Serials, SerialsExhausted
from starwire.servers.store import Store, lease_serials, open_store

HOP = Hop("t-1", "192.0.2.7:4711")
CKM = b"CKM<USERID=jeanvnet2,ENTPID=00022924>"


class Jar:
    """A jar on a store, with a clock to turn and keys to foresee."""

    def __init__(self, store: Store, profile: Profile) -> None:
        self.now = 1000.0
        self.made = 0
        self.jar = CookieJar(profile, catalogue(), Immediate(store), lambda: self.now, self.entropy)
        at_once(self.jar.load())

    def entropy(self, octets: int) -> str:
        self.made += 1
        return f"{self.made:02x}" * octets

    def ask(self, octets: bytes) -> bytes:
        answer = at_once(self.jar.answer(octets, HOP))
        assert not answer.close
        return bytes(answer.octets)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    store.close()


@pytest.fixture
def jar(store: Store) -> Jar:
    return Jar(store, shipped("default"))


def test_a_session_from_its_making_to_its_end(jar: Jar) -> None:
    key = b"01" * 16
    assert jar.ask(CKM) == b"CKMA<ERROR=0,KEY=" + key + b">"
    told = b"CKGA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>"
    assert jar.ask(b"CKG<KEY=" + key + b">") == told
    assert jar.ask(b"CKD<KEY=" + key + b">") == b"CKDA<ERROR=0>"
    assert jar.ask(b"CKG<KEY=" + key + b">") == b"CKGA<ERROR=6109>"
    assert jar.ask(b"CKD<KEY=" + key + b">") == b"CKDA<ERROR=6109>"


@pytest.mark.parametrize(("profile", "width"), [("default", 32), ("little", 16)])
def test_a_key_fills_its_field_and_is_made_once(store: Store, profile: str, width: int) -> None:
    jar = Jar(store, shipped(profile))
    keys = {jar.ask(CKM)[len("CKMA<ERROR=0,KEY=") : -1] for _ in range(3)}
    assert {len(key) for key in keys} == {width}
    assert len(keys) == 3


def test_each_request_restarts_the_idle_time(jar: Jar) -> None:
    jar.ask(CKM)
    idle = shipped("default").idle_seconds
    for _ in range(5):
        jar.now += idle
        assert jar.ask(b"CKG<KEY=" + b"01" * 16 + b">").startswith(b"CKGA<ERROR=0,")
    jar.now += idle + 0.001
    assert jar.ask(b"CKG<KEY=" + b"01" * 16 + b">") == b"CKGA<ERROR=6109>"
    assert jar.ask(b"CKD<KEY=" + b"01" * 16 + b">") == b"CKDA<ERROR=6109>"


def test_the_longest_idle_ends_first_whatever_was_made_first(jar: Jar) -> None:
    jar.ask(CKM)
    jar.ask(CKM)
    jar.now += 1000
    jar.ask(b"CKG<KEY=" + b"01" * 16 + b">")
    jar.now += 1000
    assert jar.ask(b"CKG<KEY=" + b"02" * 16 + b">") == b"CKGA<ERROR=6109>"
    assert jar.ask(b"CKG<KEY=" + b"01" * 16 + b">").startswith(b"CKGA<ERROR=0,")


def test_sessions_outlive_a_restart_and_ended_ones_do_not_come_back(jar: Jar, store: Store) -> None:
    for _ in range(3):
        jar.ask(CKM)
    jar.ask(b"CKD<KEY=" + b"02" * 16 + b">")
    again = Jar(store, shipped("default"))
    told = [again.ask(b"CKG<KEY=" + key * 16 + b">")[:12] for key in (b"01", b"02", b"03")]
    assert told == [b"CKGA<ERROR=0", b"CKGA<ERROR=6", b"CKGA<ERROR=0"]
    again.now += shipped("default").idle_seconds + 1
    again.ask(b"CKG<KEY=x>")
    assert Jar(store, shipped("default")).ask(b"CKG<KEY=" + b"01" * 16 + b">") == (
        b"CKGA<ERROR=6109>"
    )


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b"CKG<>", b"CKGA<ERROR=6701>"),
        (b"CKG<KEY=>", b"CKGA<ERROR=6703>"),
        (b"CKM<USERID=a>", b"CKMA<ERROR=6815>"),
        (b"CKX<KEY=a>", b"CKX<ERROR=6104>"),
        (b"CKG<KEY=a>>", b"CKG<ERROR=6612>"),
    ],
)
def test_a_bad_question_gets_its_code(jar: Jar, octets: bytes, answer: bytes) -> None:
    assert jar.ask(octets) == answer


def test_serials_rise_and_never_repeat_over_restarts(store: Store) -> None:
    seen: list[int] = []
    for _ in range(3):
        serials = Serials(Immediate(store), 2**64 - 1)
        seen += [at_once(serials()) for _ in range(5)]
    assert seen == sorted(set(seen))
    assert seen[:5] == [1, 2, 3, 4, 5]


def test_when_the_serials_run_out_there_are_none(store: Store) -> None:
    with store.write() as connection:
        lease_serials(connection, 253, 255)
    serials = Serials(Immediate(store), 255)
    assert [at_once(serials()) for _ in range(2)] == [254, 255]
    for _ in range(2):
        with pytest.raises(SerialsExhausted):
            at_once(serials())
