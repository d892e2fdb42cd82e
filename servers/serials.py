"""Serial numbers that no dispatcher process ever uses twice (DSP-05)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import DeferredLock

from .database import Database
from .store import lease_serials

_BLOCK = 10_000
"""Numbers leased at a time: a restart loses at most so many of the 2**64 (`little`: 2**32)."""


class SerialsExhausted(Exception):
    """The state store has no number left, or cannot be asked."""


class Serials:
    """Hands out one number for each transaction."""

    def __init__(self, database: Database, ceiling: int) -> None:
        self._database = database
        self._ceiling = ceiling
        self._block: Iterator[int] = iter(())
        self._lease_lock = DeferredLock()

    async def __call__(self) -> int:
        """The next number; raises SerialsExhausted."""
        number = next(self._block, None)
        return number if number is not None else await self._lease()

    def forget(self) -> None:
        """Lease another block for the next."""
        self._block = iter(())

    async def _lease(self) -> int:
        await self._lease_lock.acquire()
        try:
            number = next(self._block, None)
            if number is None:
                self._block = iter(await self._database.write(self._take_block))
                number = next(self._block, None)
        except SQLAlchemyError as error:
            raise SerialsExhausted from error
        finally:
            self._lease_lock.release()
        if number is None:
            raise SerialsExhausted
        return number

    def _take_block(self, connection: Any) -> range:
        return lease_serials(connection, _BLOCK, self._ceiling)
