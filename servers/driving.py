"""Coroutines driven without a Deferred around each: every request of every port is one.

`Deferred.fromCoroutine` does the same and takes twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Pending(Generic[T]):
    """A result that one waits for: a Deferred without the chain of callbacks.

    What drives the coroutine that awaits it may be Driven, which waits for it as it is, or Twisted,
    which knows Deferreds alone and comes back at once with anything else; then it gets one.
    """

    __slots__ = ("_forget", "_outcome", "_then", "called")

    def __init__(self, forget: Callable[[], None]) -> None:
        """`forget` is called when it is cancelled before it has fired."""
        self._forget = forget
        self._then: Callable[[Any], Any] | None = None
        self._outcome: Any = None
        self.called = False

    def callback(self, result: T) -> None:
        """It is there. Once, and not after `errback`; nothing if it was cancelled."""
        self._fire(result)

    def errback(self, error: Exception) -> None:
        """It will not come."""
        self._fire(Failure(error))

    def cancel(self) -> None:
        """Nobody wants it any more."""
        if not self.called:
            self._forget()
            self._fire(Failure(CancelledError()))

    def addBoth(self, then: Callable[[Any], Any]) -> None:
        """Call `then`, the only one, with the result or the Failure."""
        if self.called:
            then(self._outcome)
        else:
            self._then = then

    def _fire(self, outcome: Any) -> None:
        if self.called:
            return
        self.called, self._outcome = True, outcome
        then, self._then = self._then, None
        if then is not None:
            then(outcome)

    def __await__(self) -> Generator[Any, Any, T]:
        if not self.called:
            yield self
        if not self.called:
            deferred: Deferred[T] = Deferred(lambda _: self.cancel())
            self.addBoth(deferred.callback)
            return (yield from deferred.__await__())
        outcome = self._outcome
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome  # type: ignore[no-any-return]


class Driven:
    """A coroutine that has begun and awaits a Deferred or a Pending, and goes on by itself.

    `done` gets this object and the result, or the Failure that ended it: when what was awaited is
    there, so never before the constructor returns.
    """

    __slots__ = ("_awaited", "_coroutine", "_done")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        awaited: Deferred[Any] | Pending[Any],
        done: Callable[[Driven, Any], None],
    ) -> None:
        """`awaited` is what `coroutine.send(None)` gave."""
        self._coroutine = coroutine
        self._done = done
        self._awaited: Deferred[Any] | Pending[Any] | None = awaited
        awaited.addBoth(self._go_on)

    def _go_on(self, arrived: Any) -> None:
        try:
            if isinstance(arrived, Failure):
                awaited = arrived.throwExceptionIntoGenerator(self._coroutine)
            else:
                awaited = self._coroutine.send(arrived)
        except StopIteration as end:
            outcome = end.value
        except BaseException:  # whatever it is, it is the outcome
            outcome = Failure()
        else:
            self._awaited = awaited
            awaited.addBoth(self._go_on)
            return
        self._awaited = None
        self._done(self, outcome)

    def cancel(self) -> None:
        """Nobody wants the result any more: cancel what is awaited."""
        if self._awaited is not None:
            self._awaited.cancel()
