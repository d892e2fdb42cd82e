"""The cookie jar: keys to sessions (WEB-03, WEB-09).

Sessions live in memory, where each request restarts their idle time; making and ending one is
also written to the store, so a session survives the jar's restart and its end does too.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

import attrs
from sqlalchemy import Connection, delete, insert
from sqlalchemy.exc import SQLAlchemyError

from starwire.protocol.catalogue import Catalogue
from starwire.protocol.profile import Profile
from starwire.protocol.validation import Refusal, Request, validate

from . import schema
from .answering import Answer, Hop
from .customer import Customer
from .database import Database
from .jar_client import NOT_THERE, JarUnreachable
from .resetting import all_sessions, sessions_version

NO_STORE = 6105


@attrs.define
class _Session:
    customer: Customer
    last_used: float


class CookieJar:
    """Answers CKM, CKG and CKD. Servers of its own process ask it without them, as a `Jar`."""

    def __init__(
        self,
        profile: Profile,
        catalogue: Catalogue,
        database: Database,
        clock: Callable[[], float],
        entropy: Callable[[int], str] = secrets.token_hex,  # so many random octets, in hex
    ) -> None:
        self._profile = profile
        self._catalogue = catalogue
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._next_end = 0.0
        """No session has been idle too long before that."""
        self._version = 0
        self._work = {"CKM": self._make, "CKG": self._get, "CKD": self._drop}

    async def load(self) -> None:
        """Take up the sessions of the store. Their idle time starts anew: a restart costs none."""
        before = set(self._sessions)
        self._version, rows = await self._database.read(all_sessions)
        now = self._clock()
        made = [(key, one) for key, one in self._sessions.items() if key not in before]
        self._sessions.clear()
        for row in rows:
            self._sessions[row.key] = _Session(Customer(row.userid, row.entpid), now)
        self._sessions.update(made)  # while the store was read

    async def follow(self) -> None:
        """Take them up anew if they were changed in the store, and not through this jar."""
        with suppress(SQLAlchemyError):  # next time, perhaps
            if await self._database.read(sessions_version) != self._version:
                await self.load()

    async def answer(self, octets: bytes, hop: Hop) -> Answer:
        """One message in, its reply out."""
        try:
            request = validate(
                octets,
                "jar",
                catalogue=self._catalogue,
                limits=self._profile.limits,
                entpid_length=self._profile.entpid_length,
            )
        except Refusal as refusal:
            return Answer(refusal.reply)
        try:
            return Answer(await self._work[request.spec.acronym](request))
        except JarUnreachable:
            return Answer(request.refuse(NO_STORE))

    async def make(self, customer: Customer) -> str:
        """The key of a new session."""
        width = self._profile.common.session_key.width
        key = self._entropy((width + 1) // 2)[:width]
        now = self._clock()
        await self._write(lambda c: _insert(c, key, customer, now))
        self._sessions[key] = _Session(customer, now)
        return key

    async def customer(self, key: str) -> Customer | None:
        """Whose live session `key` is, its idle time restarted; None for nobody's."""
        now = self._clock()
        if now > self._next_end:
            await self._end_idle()
        session = self._sessions.get(key)
        if session is None:
            return None
        session.last_used = now
        self._sessions.move_to_end(key)
        return session.customer

    async def drop(self, key: str) -> bool:
        """End a session; whether there was one."""
        await self._end_idle()
        if self._sessions.pop(key, None) is None:
            return False
        await self._write(lambda c: _delete(c, [key]))
        return True

    async def _make(self, request: Request) -> bytes:
        customer = Customer(request.scalar("USERID"), request.scalar("ENTPID"))
        return request.reply({"KEY": await self.make(customer)})

    async def _get(self, request: Request) -> bytes:
        customer = await self.customer(request.scalar("KEY"))
        if customer is None:
            return request.refuse(NOT_THERE)
        return request.reply({"USERID": customer.userid, "ENTPID": customer.entpid})

    async def _drop(self, request: Request) -> bytes:
        ended = await self.drop(request.scalar("KEY"))
        return request.reply() if ended else request.refuse(NOT_THERE)

    async def _write(self, work: Callable[[Connection], None]) -> None:
        try:
            await self._database.write(work)
        except SQLAlchemyError as error:
            raise JarUnreachable("the jar's store does not answer") from error

    async def _end_idle(self) -> None:
        """End the sessions that were idle too long; the longest idle stands first."""
        now = self._clock()
        before = now - self._profile.idle_seconds
        self._next_end = now + self._profile.idle_seconds
        ended = []
        for key, session in self._sessions.items():
            if session.last_used >= before:
                self._next_end = session.last_used + self._profile.idle_seconds
                break
            ended.append(key)
        for key in ended:
            del self._sessions[key]
        if ended:
            await self._write(lambda c: _delete(c, ended))


def _insert(connection: Connection, key: str, customer: Customer, now: float) -> None:
    row = {"key": key, "userid": customer.userid, "entpid": customer.entpid}
    connection.execute(insert(schema.sessions), {**row, "created": now, "last_used": now})


def _delete(connection: Connection, keys: list[str]) -> None:
    connection.execute(delete(schema.sessions).where(schema.sessions.c.key.in_(keys)))
