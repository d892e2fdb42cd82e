"""The store of bulk transfers: for a day any instance can go on with what any other began (TRN-03).

A transfer's `run` rises with every resume and cancel, wherever it came in. A run that finds another
number than its own has been ended, and that is how the instances tell each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, delete, insert, select, update

from starwire.protocol.status import Status

from . import schema
from .customer import Customer
from .database import Database
from .store import IdsExhausted, next_id

KEPT_SECONDS = 24 * 3600.0
"""How long a transfer may be resumed after its last run ended or was last seen."""
_TABLE = schema.bulk_transfers


class Transfer(Struct, frozen=True):
    """What is sent, to whom, and what is known of it."""

    number: int
    run: int
    door: str
    customer: Customer
    message: bytes
    response: bytes | None
    file: str | None
    total: int
    sent: int
    """How far the newest run came, or where it began."""
    digest: bytes | None


class Transfers:
    """Transfers of one state store."""

    def __init__(self, database: Database, clock: Callable[[], float], greatest: int) -> None:
        """`greatest` is the largest id that the profile's bulk header can carry."""
        self._database = database
        self._clock = clock
        self._greatest = greatest

    def add(
        self,
        connection: Connection,
        message: bytes,
        door: str,
        customer: Customer,
        *,
        total: int,
        response: bytes | None = None,
        file: str | None = None,
    ) -> Transfer:
        """A new one, whose first run begins. Raises IdsExhausted."""
        now = self._clock()
        connection.execute(delete(_TABLE).where(_TABLE.c.used < now - KEPT_SECONDS))
        number = next_id(connection, "TRANSFER")
        if number > self._greatest:
            raise IdsExhausted("TRANSFER")
        made = Transfer(number, 1, door, customer, message, response, file, total, 0, None)
        row: dict[str, Any] = {"id": number, "run": 1, "door": door, "message": message}
        row |= {"userid": customer.userid, "entpid": customer.entpid, "response": response}
        row |= {"file": file, "total": total, "sent": 0, "created": now, "used": now}
        connection.execute(insert(_TABLE).values(row))
        return made

    async def end_run(
        self, number: int, door: str, customer: Customer, offset: int | None = None
    ) -> Transfer | Status:
        """End whatever run there is and, with an offset, let another begin there.

        UNKNOWN_ID for a transfer that is not this customer's, at this door, or is too old;
        BAD_BULK for an offset beyond its total.
        """
        now = self._clock()

        def work(connection: Connection) -> Transfer | Status:
            query = select(_TABLE).where(_TABLE.c.id == number).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None or row.used < now - KEPT_SECONDS or not _is_for(row, door, customer):
                return Status.UNKNOWN_ID
            if offset is not None and offset > row.total:
                return Status.BAD_BULK
            changed: dict[str, Any] = {"run": row.run + 1, "used": now}
            if offset is not None:
                changed["sent"] = offset
            connection.execute(update(_TABLE).where(_TABLE.c.id == number).values(changed))
            return _transfer(row, row.run + 1)

        if number >= 2**63:
            return Status.UNKNOWN_ID
        return await self._database.write(work)

    async def ended(self, number: int, sent: int, digest: bytes | None) -> None:
        """Note how far a run came, and the digest of the whole if it was made."""
        changed: dict[str, Any] = {"sent": sent, "used": self._clock()}
        if digest is not None:
            changed["digest"] = digest
        query = update(_TABLE).where(_TABLE.c.id == number).values(changed)
        await self._database.write(lambda c: c.execute(query))

    async def runs(self, numbers: Collection[int]) -> dict[int, int]:
        """The newest run of each of those transfers."""
        query = select(_TABLE.c.id, _TABLE.c.run).where(_TABLE.c.id.in_(numbers))
        return await self._database.read(lambda c: {row.id: row.run for row in c.execute(query)})

    async def seen(self, numbers: Collection[int]) -> None:
        """Those still run, so their day begins now."""
        query = update(_TABLE).where(_TABLE.c.id.in_(numbers)).values(used=self._clock())
        await self._database.write(lambda c: c.execute(query))


def _is_for(row: Row[Any], door: str, customer: Customer) -> bool:
    return (row.door, row.userid, row.entpid) == (door, customer.userid, customer.entpid)


def _transfer(row: Row[Any], run: int) -> Transfer:
    customer = Customer(row.userid, row.entpid)
    return Transfer(
        row.id,
        run,
        row.door,
        customer,
        row.message,
        row.response,
        row.file,
        row.total,
        row.sent,
        row.digest,
    )
