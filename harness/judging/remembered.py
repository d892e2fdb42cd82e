"""Dictionaries that forget their oldest entries, so that memory is bounded."""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

_WHOLE = 1024
"""Octets up to which data are kept as they are; of longer ones a hash stands for them."""


class Remembered(dict[K, V]):
    """At most so many entries; the one that was entered first is forgotten first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        super().pop(key, None)
        super().__setitem__(key, value)
        if len(self) > self._most:
            del self[next(iter(self))]


def stamp(data: bytes) -> bytes:
    """What stands for data when they are to be compared later: themselves, or a hash of 32 octets
    (equal hashes of unequal data do not occur).
    """
    return data if len(data) <= _WHOLE else blake2b(data, digest_size=32).digest()
