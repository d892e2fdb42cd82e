"""The servers behind a target in memory: see `far_ends`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .far_ends import Book, FarConnection
from .wire import Unreachable


class MemoryEnds:
    """Stands in place of the target's own servers while a case wants it."""

    several = True

    def __init__(self, target: Any, book: Book) -> None:
        self.book = book
        self._target = target
        self._open: list[tuple[FarConnection, Any]] = []
        self.places: tuple[str, ...] = ()

    def begin(self, places: tuple[str, ...]) -> None:
        """Stand at these places. Raises Unreachable."""
        if not hasattr(self._target, "listen"):
            raise Unreachable("the target in memory makes no connections")
        if self.places:
            return
        self.places = places
        for place in places:
            self._target.listen(place, partial(self._accept, place, 0))
        if "rm" in places:
            self._target.listen("rm", partial(self._accept, "rm", 1), instance=1)

    def end(self) -> None:
        for place in self.places:
            self._target.unlisten(place)
        self.places = ()
        self._open.clear()

    def _accept(self, place: str, instance: int, made: Any) -> None:
        self._open.append((FarConnection(self.book.profile, place, instance, made), made))

    @property
    def has_news(self) -> bool:
        """Whether `pump` has something to do."""
        return any(made.has_arrived or _is_over(made) for _, made in self._open)

    def pump(self) -> None:
        """Take in what has come, and answer what needs no case."""
        for pair in list(self._open):
            connection, made = pair
            octets = made.take()
            if octets:
                self.book.fed(connection, octets)
            if _is_over(made):
                self._open.remove(pair)
                self.book.ended(connection)

    def run(self, seconds: float, ready: Callable[[], bool]) -> bool:
        """Let the target go on until it is ready; what comes meanwhile is answered at once."""
        until = self._target.now + seconds
        while True:
            self.pump()
            if ready():
                return True
            left = until - self._target.now
            if not self._target.run(left, lambda: ready() or self.has_news):
                return ready()

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """See `far_ends.Ends`."""
        return self.run(seconds, ready)


def _is_over(made: Any) -> bool:
    return bool(made.ended or made.reset)
