"""Entitlements are fetched once for a crowd, and by the next in line if need be (DSP-03)."""

from twisted.internet.defer import CancelledError, Deferred

from starwire.servers.answering import Hop
from starwire.servers.customer import Customer
from starwire.servers.entitlements import Entitlements

JEAN = Customer("jeanvnet2", "00022924")
HOP = Hop("t-1", "192.0.2.7:4711")
TARGETS = frozenset({"RM"})


class StarOE:
    def __init__(self) -> None:
        self.asked: list[Deferred[frozenset[str]]] = []
        self.entitlements = Entitlements(self.ask)

    async def ask(self, key: str, customer: Customer, hop: Hop) -> frozenset[str]:
        self.asked.append(Deferred())
        return await self.asked[-1]

    def of(self, key: str = "k") -> Deferred[frozenset[str]]:
        return Deferred.fromCoroutine(self.entitlements.of(key, JEAN, HOP))


def result(work: Deferred[frozenset[str]]) -> object:
    found: list[object] = []
    work.addBoth(found.append)
    return found[0] if found else None


def test_a_crowd_asks_once() -> None:
    star_oe = StarOE()
    crowd = [star_oe.of() for _ in range(5)]
    assert len(star_oe.asked) == 1
    star_oe.asked[0].callback(TARGETS)
    assert [result(one) for one in crowd] == [TARGETS] * 5
    assert result(star_oe.of()) == TARGETS
    assert len(star_oe.asked) == 1


def test_who_waited_for_one_that_gave_up_asks_itself() -> None:
    star_oe = StarOE()
    first, second, third = (star_oe.of() for _ in range(3))
    first.addErrback(lambda failure: failure.trap(CancelledError))
    first.cancel()
    assert len(star_oe.asked) == 2
    star_oe.asked[1].callback(TARGETS)
    assert (result(second), result(third)) == (TARGETS, TARGETS)


def test_sessions_are_apart_and_forgotten_one_by_one() -> None:
    star_oe = StarOE()
    one, other = star_oe.of("a"), star_oe.of("b")
    star_oe.asked[0].callback(TARGETS)
    star_oe.asked[1].callback(frozenset())
    assert (result(one), result(other)) == (TARGETS, frozenset())
    star_oe.entitlements.forget("a")
    star_oe.entitlements.forget("nobody's")
    star_oe.of("b")
    assert len(star_oe.asked) == 2
    star_oe.of("a")
    assert len(star_oe.asked) == 3
