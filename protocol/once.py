"""What is loaded once, whoever asks first: one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from threading import RLock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def once(load: Callable[P, T]) -> Callable[P, T]:
    """`load`, called once for each set of arguments, however many threads ask at the same time.

    msgspec looks at a class when it first converts to it, and must not be asked to by two threads
    at once: the interpreter crashes (0.22).
    """
    loaded = cache(load)
    lock = RLock()

    @wraps(load)
    def ask(*args: P.args, **kwargs: P.kwargs) -> T:
        with lock:
            return loaded(*args, **kwargs)  # type: ignore[arg-type]

    return ask
