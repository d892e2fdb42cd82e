"""Echoes to the proxies: who does not answer is out of the turn until it does (HDR-07)."""

import io

import pytest
from support import at_once

from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import Profile, shipped
from starwire.servers.link import Reply, TimedOut, Unreachable
from starwire.servers.pinging import Pinger
from starwire.servers.registry import Registry
from starwire.servers.serials import SerialsExhausted
from starwire.servers.trail import Trail


class Chain:
    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.registry = Registry({"RM": ["a:1", "b:1"], "INBOX": ["c:1", "a:1"]})
        self.log = io.StringIO()
        self.sent: list[tuple[str, bytes]] = []
        self.failure: Exception | None = None
        self.change: bytes = b""
        self.serials = iter(range(5, 99))
        self.pinger = Pinger(profile, self.registry, self.serial, self.exchange, Trail(self.log))

    async def serial(self) -> int:
        number = next(self.serials, None)
        if number is None:
            raise SerialsExhausted
        return number

    async def exchange(self, address: str, octets: bytes, transaction: str) -> Reply:
        self.sent.append((address, octets))
        if self.failure:
            raise self.failure
        reply = self.change or octets
        codec = self.profile.wire.common
        return Reply(Frame(codec.decode(reply), reply, codec.size), "own:1")

    def ping(self, address: str) -> bool:
        return bool(at_once(self.pinger.ping(address)))


@pytest.fixture(params=["default", "little"])
def chain(request: pytest.FixtureRequest) -> Chain:
    return Chain(shipped(request.param))


def test_an_echo_has_no_key_and_a_serial_of_its_own(chain: Chain) -> None:
    assert chain.ping("a:1")
    assert chain.ping("b:1")
    headers = [chain.profile.wire.common.decode(octets) for _, octets in chain.sent]
    size = chain.profile.wire.common.size
    assert headers == [CommonHeader(1, size, 1, "", 0, 5, 0), CommonHeader(1, size, 1, "", 0, 6, 0)]
    assert chain.log.getvalue() == ""


@pytest.mark.parametrize(
    "failure", [TimedOut("late"), Unreachable("gone", sent=False, began=False)]
)
def test_who_does_not_answer_is_out_until_it_does(chain: Chain, failure: Exception) -> None:
    chain.failure = failure
    assert not chain.ping("a:1")
    assert not chain.ping("a:1")
    for _ in range(3):
        assert chain.registry.in_turn("RM") == ["b:1"]
    assert chain.registry.in_turn("INBOX") == ["c:1"]
    assert chain.log.getvalue().count("event=does-not-answer proxy=a:1") == 1
    chain.failure = None
    assert chain.ping("a:1")
    assert set(chain.registry.in_turn("RM")) == {"a:1", "b:1"}
    assert chain.log.getvalue().count("event=answers-again proxy=a:1") == 1


def test_what_comes_back_changed_is_no_echo(chain: Chain) -> None:
    chain.change = chain.profile.wire.common.frame(CommonHeader(1, echo=1, serial=6), b"")
    assert not chain.ping("a:1")
    assert chain.registry.in_turn("RM") == ["b:1"]


def test_all_out_of_the_turn_is_nobody(chain: Chain) -> None:
    chain.failure = TimedOut("late")
    for address in chain.registry.all_addresses():
        chain.ping(address)
    assert chain.registry.in_turn("RM") == []
    assert chain.registry.all_addresses() == ["a:1", "b:1", "c:1"]


def test_without_serials_nobody_is_judged(chain: Chain) -> None:
    chain.serials = iter(())
    assert chain.ping("a:1")
    assert chain.sent == []
    assert set(chain.registry.in_turn("RM")) == {"a:1", "b:1"}
