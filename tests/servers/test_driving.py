"""Coroutines driven by what they wait for."""

from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from starwire.servers.driving import Driven, Pending


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


class Asked:
    """A Pending, and whether it was forgotten."""

    def __init__(self) -> None:
        self.forgotten = 0
        self.pending: Pending[int] = Pending(self.forget)

    def forget(self) -> None:
        self.forgotten += 1


async def one_more(pending: Pending[int]) -> int:
    return 1 + await pending


def under_twisted(coroutine: Coroutine[Any, Any, Any]) -> tuple[Deferred[Any], list[Any]]:
    outcomes: list[Any] = []
    deferred = Deferred.fromCoroutine(coroutine)
    deferred.addBoth(outcomes.append)
    return deferred, outcomes


@pytest.mark.parametrize("twisted", [False, True])
def test_a_pending_result_is_waited_for_whatever_drives(twisted: bool) -> None:
    asked = Asked()
    work = one_more(asked.pending)
    outcomes = under_twisted(work)[1] if twisted else Driving(work).outcomes
    assert outcomes == []
    asked.pending.callback(2)
    assert outcomes == [3]
    asked.pending.callback(3)
    assert outcomes == [3]


@pytest.mark.parametrize("twisted", [False, True])
def test_a_pending_failure_is_raised_where_it_is_awaited(twisted: bool) -> None:
    asked = Asked()
    work = one_more(asked.pending)
    outcomes = under_twisted(work)[1] if twisted else Driving(work).outcomes
    asked.pending.errback(KeyError("it"))
    assert outcomes[0].check(KeyError)


@pytest.mark.parametrize("twisted", [False, True])
def test_who_gives_up_is_forgotten_and_a_late_result_is_nobody_s(twisted: bool) -> None:
    asked = Asked()
    work = one_more(asked.pending)
    if twisted:
        deferred, outcomes = under_twisted(work)
        deferred.cancel()
    else:
        driving = Driving(work)
        outcomes = driving.outcomes
        driving.work.cancel()
    assert asked.forgotten == 1
    assert outcomes[0].check(CancelledError)
    asked.pending.callback(2)
    asked.pending.cancel()
    assert (len(outcomes), asked.forgotten) == (1, 1)


def test_a_result_that_is_there_is_not_waited_for() -> None:
    asked = Asked()
    asked.pending.callback(2)
    with pytest.raises(StopIteration) as done:
        one_more(asked.pending).send(None)
    assert done.value.value == 3
