"""Coroutines driven by what they wait for."""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from starwire.servers.driving import Driven


class Driving:
    """A coroutine under way and what came of it."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.outcomes: list[Any] = []
        waited = coroutine.send(None)
        self.work = Driven(coroutine, waited, lambda work, outcome: self.outcomes.append(outcome))


async def doubled(*waited: Deferred[int]) -> list[int]:
    return [2 * await one for one in waited]


def test_it_goes_on_when_what_it_waits_for_is_there() -> None:
    first: Deferred[int] = Deferred()
    second: Deferred[int] = Deferred()
    driving = Driving(doubled(first, second))
    second.callback(2)
    assert driving.outcomes == []
    first.callback(1)
    assert driving.outcomes == [[2, 4]]


def test_a_failure_is_raised_where_it_was_waited_for() -> None:
    failing: Deferred[int] = Deferred()

    async def catching() -> str:
        try:
            await failing
        except KeyError as error:
            return f"caught {error}"
        return "nothing to catch"

    driving = Driving(catching())
    failing.errback(KeyError("it"))
    assert driving.outcomes == ["caught 'it'"]


def test_what_it_raises_is_its_outcome() -> None:
    waited: Deferred[int] = Deferred()

    async def raising() -> None:
        await waited
        raise ValueError("so it ends")

    driving = Driving(raising())
    waited.callback(0)
    [failure] = driving.outcomes
    assert isinstance(failure, Failure)
    assert failure.check(ValueError)


def test_a_cancelled_one_cancels_what_it_waits_for() -> None:
    cancelled: list[Deferred[int]] = []
    driving = Driving(doubled(Deferred(cancelled.append)))
    driving.work.cancel()
    assert len(cancelled) == 1
    assert driving.outcomes[0].check(CancelledError)
    driving.work.cancel()
    assert len(driving.outcomes) == 1
