"""Coroutines driven without a Deferred around each: every request of every port is one.

`Deferred.fromCoroutine` does the same and takes twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class Driven:
    """A coroutine that has begun and awaits a Deferred, and goes on by itself.

    `done` gets this object and the result, or the Failure that ended it: when what was awaited is
    there, so never before the constructor returns.
    """

    __slots__ = ("_awaited", "_coroutine", "_done")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        awaited: Deferred[Any],
        done: Callable[[Driven, Any], None],
    ) -> None:
        """`awaited` is what `coroutine.send(None)` gave."""
        self._coroutine = coroutine
        self._done = done
        self._awaited: Deferred[Any] | None = awaited
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
