"""Asynchronous requests: accepted durably, worked off once, kept for whoever asked (TRN-02).

What is accepted is in the store before its identifier goes out. Working it off and keeping its
result is one transaction, so it is done once however often somebody tries: this process at once,
and any instance, this one after a restart included, that finds it waiting too long.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import attrs
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from . import schema
from .backend import BackEndAnswer
from .customer import Customer
from .database import Database
from .store import next_id

KEPT_SECONDS = 24 * 3600.0
"""How long a result may be polled after it was ready, and a frame be known that comes again."""
_DIGITS = 20
_TABLE = schema.deferred_requests
_WAITING = (
    select(_TABLE)
    .where(
        _TABLE.c.door == bindparam("at"),
        _TABLE.c.finished.is_(None),
        _TABLE.c.accepted <= bindparam("before"),
    )
    .order_by(_TABLE.c.id)
)
"""Made once: it is asked again and again, and mostly finds nothing."""


@attrs.frozen
class Waiting:
    """A request that is accepted and not yet worked off."""

    number: int
    door: str
    message: bytes
    customer: Customer


@attrs.frozen
class Finished:
    """A result as it is kept."""

    door: str
    message: bytes
    answer: BackEndAnswer


def identifier(number: int) -> bytes:
    """The 20 decimal digits that a client polls with."""
    return b"%0*d" % (_DIGITS, number)


class Deferral:
    """The store of asynchronous requests."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def accept(
        self, serial: int, key: str, message: bytes, door: str, customer: Customer
    ) -> tuple[int, bool]:
        """The number of a request, and whether it is new: an equal frame gets the one it has."""
        parts = (str(serial).encode(), key.encode("latin-1"), message)
        frame = hashlib.sha256(b"\0".join(parts)).hexdigest()
        now = self._clock()
        row: dict[str, Any] = {"door": door, "userid": customer.userid, "entpid": customer.entpid}
        row |= {"message": message, "accepted": now}
        return await self._database.write(lambda c: _accept(c, frame, row, now))

    async def poll(self, data: bytes, customer: Customer) -> Finished | Waiting | None:
        """What became of the request with that identifier; None for none of this user's."""
        if len(data) != _DIGITS or not data.isdigit() or int(data) >= 2**63:
            return None
        earliest = self._clock() - KEPT_SECONDS
        row = await self._database.read(lambda c: _find(c, int(data)))
        if row is None or (row.userid, row.entpid) != (customer.userid, customer.entpid):
            return None
        if row.finished is None:
            return _waiting(row)
        if row.finished < earliest:
            return None
        answer = BackEndAnswer(row.error, row.response, row.file, row.size or 0)
        return Finished(row.door, row.message, answer)

    async def waiting(self, door: str, *, older: float = 0.0) -> list[Waiting]:
        """The requests of a door that were accepted at least `older` seconds ago and still wait."""
        before = self._clock() - older
        return await self._database.read(lambda c: _list_waiting(c, door, before))

    async def finish(self, request: Waiting, work: Callable[[Connection], BackEndAnswer]) -> bool:
        """Do `work` and keep its result, unless that was done; whether it was done here."""
        now = self._clock()
        return await self._database.write(lambda c: _finish(c, request.number, work, now))


def _accept(
    connection: Connection, frame: str, row: dict[str, Any], now: float
) -> tuple[int, bool]:
    """Whoever takes the counter first is alone until the end of its transaction."""
    number = next_id(connection, "DEFERRED")
    old = now - KEPT_SECONDS
    connection.execute(delete(_TABLE).where(_TABLE.c.finished < old))
    known = connection.execute(select(_TABLE).where(_TABLE.c.frame == frame)).one_or_none()
    if known is not None:
        if known.accepted >= old:
            return int(known.id), False
        # Long ago, and still waiting: it keeps its identifier, the frame gets another.
        freed = update(_TABLE).where(_TABLE.c.id == known.id).values(frame=f"{known.id}")
        connection.execute(freed)
    connection.execute(insert(_TABLE).values(id=number, frame=frame, **row))
    return number, True


def _find(connection: Connection, number: int) -> Row[Any] | None:
    return connection.execute(select(_TABLE).where(_TABLE.c.id == number)).one_or_none()


def _list_waiting(connection: Connection, door: str, before: float) -> list[Waiting]:
    rows = connection.execute(_WAITING, {"at": door, "before": before})
    return [_waiting(row) for row in rows]


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(row.id, row.door, row.message, Customer(row.userid, row.entpid))


def _finish(
    connection: Connection,
    number: int,
    work: Callable[[Connection], BackEndAnswer],
    now: float,
) -> bool:
    query = select(_TABLE.c.finished).where(_TABLE.c.id == number).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None or row.finished is not None:
        return False
    answer = work(connection)
    result = {"error": answer.error, "response": answer.octets, "finished": now}
    result |= {"file": answer.file, "size": answer.size}
    connection.execute(update(_TABLE).where(_TABLE.c.id == number).values(**result))
    return True
