"""Logon, sessions and the cookie jar: WEB-03 to WEB-05, WEB-09."""

from __future__ import annotations

import secrets
from itertools import count
from typing import Any

import attrs
from msgspec.structs import replace
from sqlalchemy import select, update

from starwire.grammar import strip
from starwire.protocol.frames import Frame
from starwire.protocol.headers import WebHeader
from starwire.protocol.status import MessageType, Status, Transaction

from .. import emulator, jar, schema
from ..backend import Outcome, Refused
from ..customer import Customer
from ..front import Front, Page
from ..identity import is_customer
from ..jar import CookieJar
from ..logon_failures import LogonFailures, _state
from ..star_oe import NO_RECORDS, WRONG_IDS, StarOE
from .fault import breaks
from .works import Works

# ---- WEB-03: keys --------------------------------------------------------------------------------


def _keys(works: Works, make: Any) -> None:
    """Let `make(octets)` make the keys."""

    def made(init: Any) -> Any:
        def begun(self: Any, *arguments: Any, **options: Any) -> None:
            init(self, *arguments, **options)
            self._entropy = make

        return begun

    works.exchange(CookieJar, "__init__", made)


@breaks("key-in-capitals", "WEB-03")
def _(works: Works) -> None:
    """The digits of a session key are upper case."""
    _keys(works, lambda octets: (secrets.token_hex(octets - 1) + "ab").upper())


@breaks("key-half-as-long", "WEB-03")
def _(works: Works) -> None:
    """A session key fills half of its field."""
    _keys(works, lambda octets: secrets.token_hex(octets // 2))


@breaks("key-counts-up", "WEB-03")
def _(works: Works) -> None:
    """Session keys are the numbers from 1 on."""
    numbers = count(1)
    _keys(works, lambda octets: f"{next(numbers):0{2 * octets}x}")


@breaks("key-of-the-user", "WEB-03")
def _(works: Works) -> None:
    """A user who logs on again gets the key of the session that there is."""

    def made(make: Any) -> Any:
        async def again(self: Any, customer: Customer) -> str:
            held = [key for key, one in self._sessions.items() if one.customer == customer]
            for key in held:
                if await self.customer(key) is not None:
                    return str(key)
            return str(await make(self, customer))

        return again

    works.exchange(CookieJar, "make", made)


# ---- WEB-04: logon -------------------------------------------------------------------------------


@breaks("staroe-takes-every-type", "WEB-04")
def _(works: Works) -> None:
    """StarOE takes frames of type 1, 2 and 3 too."""

    def made(proxies: Any) -> Any:
        return tuple(attrs.evolve(spec, types=frozenset(MessageType)) for spec in proxies)

    works.exchange(emulator, "PROXIES", made)


@breaks("logon-under-the-key-sent", "WEB-04")
def _(works: Works) -> None:
    """A logon is forwarded under the key that the client sent."""

    def made(logon: Any) -> Any:
        async def kept(self: Any, web: WebHeader, frame: Frame[Any], *rest: Any) -> Page:
            enriched = self._enriched
            self._enriched = lambda one, key, customer: enriched(one, web.session_key, customer)
            try:
                page: Page = await logon(self, web, frame, *rest)
            finally:
                del self._enriched
            return page

        return kept

    works.exchange(Front, "_logon", made)


@breaks("vum-makes-a-session", "WEB-04")
def _(works: Works) -> None:
    """VUM in a transaction of type 1 makes a session."""

    def made(transaction: Any) -> Any:
        async def judged(self: Any, web: WebHeader, cookie: str, body: bytes, *rest: Any) -> Page:
            start = self._wire.web.size + self._wire.dispatcher.size
            if body[start : start + 4] == b"VUM<":
                web = WebHeader(Transaction.LOGON)
            return await transaction(self, web, cookie, body, *rest)  # type: ignore[no-any-return]

        return judged

    works.exchange(Front, "_transaction", made)


@breaks("gua-for-anybody", "WEB-04")
def _(works: Works) -> None:
    """GUA is answered whichever user it names, for the session's."""

    def made(listing: Any) -> Any:
        def told(self: Any, connection: Any, request: Any, customer: Customer | None) -> Outcome:
            named = customer and Customer(request.scalar("USERID"), customer.entpid)
            return listing(self, connection, request, named)  # type: ignore[no-any-return]

        return told

    works.exchange(StarOE, "_list_applications", made)


@breaks("no-targets-is-success", "WEB-04", "ERR-03")
def _(works: Works) -> None:
    """GUA of a user without any target succeeds."""

    def made(listing: Any) -> Any:
        def told(*arguments: Any) -> Outcome:
            try:
                return listing(*arguments)  # type: ignore[no-any-return]
            except Refused as refused:
                if refused.code != NO_RECORDS:
                    raise
                return Outcome({"APPS": ""})

        return told

    works.exchange(StarOE, "_list_applications", made)


def _validating(works: Works, around: Any) -> None:
    """Let `around(self, validate, connection, request)` validate a user."""

    def made(validate: Any) -> Any:
        def judged(self: Any, connection: Any, request: Any, customer: Any) -> Outcome:
            return around(  # type: ignore[no-any-return]
                self, lambda asked: validate(self, connection, asked, customer), connection, request
            )

        return judged

    works.exchange(StarOE, "_validate_user", made)


@breaks("wrong-user-told", "WEB-04")
def _(works: Works) -> None:
    """A user that there is not is told from a wrong password: 6109."""

    def around(self: Any, validate: Any, connection: Any, request: Any) -> Outcome:
        users = schema.users.c.userid
        query = select(users).where(users == request.scalar("USERID"))
        if connection.execute(query).first() is None:
            raise Refused(NO_RECORDS)
        return validate(request)  # type: ignore[no-any-return]

    _validating(works, around)


@breaks("waiting-account-told", "WEB-04")
def _(works: Works) -> None:
    """An account that waits is told from a wrong password: 6101."""

    def made(waits: Any) -> Any:
        def told(self: Any, *arguments: Any) -> bool:
            if waits(self, *arguments):
                raise Refused(6101)
            return False

        return told

    works.exchange(LogonFailures, "_waits", made)


@breaks("account-never-waits", "WEB-04")
def _(works: Works) -> None:
    """Any number of wrong passwords may be tried."""
    works.exchange(LogonFailures, "_waits", lambda _: lambda self, *arguments: False)


@breaks("account-waits-one-late", "WEB-04")
def _(works: Works) -> None:
    """An account waits after one failure more."""
    _failures(works, allowed=1)


@breaks("account-waits-one-early", "WEB-04")
def _(works: Works) -> None:
    """An account waits after one failure less."""
    _failures(works, allowed=-1)


@breaks("account-waits-half-as-long", "WEB-04")
def _(works: Works) -> None:
    """An account waits half of its time."""
    _failures(works, wait=0.5)


def _failures(works: Works, *, allowed: int = 0, wait: float = 1.0) -> None:
    def made(init: Any) -> Any:
        def begun(self: Any, *arguments: Any, **options: Any) -> None:
            init(self, *arguments, **options)
            self._allowed += allowed
            self._wait *= wait

        return begun

    works.exchange(LogonFailures, "__init__", made)


def _admitting(works: Works, around: Any) -> None:
    """Let `around(self, admits, userid, right, now)` keep the count."""
    works.exchange(
        LogonFailures,
        "admits",
        lambda admits: lambda self, *arguments: around(self, admits, *arguments),
    )


def _count(self: Any, userid: str, **values: Any) -> None:
    failures = schema.logon_failures
    with self._store.write() as connection:
        row = failures.c.userid == userid
        connection.execute(update(failures).where(row).values(**values))


@breaks("tries-during-wait-counted", "WEB-04")
def _(works: Works) -> None:
    """What is tried while an account waits lets it wait anew."""

    def around(self: Any, admits: Any, userid: str, right: bool, now: float) -> bool:
        with self._store.read() as connection:
            waits = self._waits(*_state(connection, userid), now)
        if waits:
            _count(self, userid, last=now)
        return bool(admits(self, userid, right, now))

    _admitting(works, around)


@breaks("count-goes-on-after-wait", "WEB-04")
def _(works: Works) -> None:
    """After a wait one failure more lets the account wait again."""

    def around(self: Any, admits: Any, userid: str, right: bool, now: float) -> bool:
        with self._store.read() as connection:
            failures, last = _state(connection, userid)
        admitted = bool(admits(self, userid, right, now))
        if failures >= self._allowed and not admitted and not self._waits(failures, last, now):
            _count(self, userid, failures=self._allowed, last=now)
        return admitted

    _admitting(works, around)


@breaks("success-keeps-the-count", "WEB-04")
def _(works: Works) -> None:
    """A right password does not end a row of failures."""

    def around(self: Any, admits: Any, userid: str, right: bool, now: float) -> bool:
        with self._store.read() as connection:
            failures, last = _state(connection, userid)
        if right and not self._waits(failures, last, now):
            return True
        return bool(admits(self, userid, right, now))

    _admitting(works, around)


@breaks("user-in-any-case", "WEB-04", "SYN-06")
def _(works: Works) -> None:
    """VUM finds a user whatever the case of the letters."""

    def around(self: Any, validate: Any, connection: Any, request: Any) -> Outcome:
        users = schema.users.c.userid
        wanted = request.scalar("USERID").lower()
        for userid in connection.execute(select(users)).scalars():
            if userid.lower() == wanted:
                request = _Named(request, userid)
        return validate(request)  # type: ignore[no-any-return]

    _validating(works, around)


class _Named:
    """A VUM as if it named another user."""

    def __init__(self, request: Any, userid: str) -> None:
        self._userid = userid
        self.get = request.get

    def scalar(self, name: str) -> str:
        return self._userid


@breaks("one-session-for-each-user", "WEB-04")
def _(works: Works) -> None:
    """A logon ends the other sessions of its user."""

    def made(make: Any) -> Any:
        async def alone(self: Any, customer: Customer) -> str:
            for key, session in list(self._sessions.items()):
                if session.customer == customer:
                    await self.drop(key)
            return str(await make(self, customer))

        return alone

    works.exchange(CookieJar, "make", made)


# ---- WEB-05: sessions ----------------------------------------------------------------------------


def _idle(works: Works, factor: float) -> None:
    def made(init: Any) -> Any:
        def begun(self: Any, profile: Any, *arguments: Any, **options: Any) -> None:
            seconds = factor * profile.idle_seconds
            init(self, replace(profile, idle_seconds=seconds), *arguments, **options)

        return begun

    works.exchange(CookieJar, "__init__", made)


@breaks("session-ends-early", "WEB-05")
def _(works: Works) -> None:
    """A session ends after half of its idle time."""
    _idle(works, 0.5)


@breaks("session-ends-late", "WEB-05")
def _(works: Works) -> None:
    """A session ends after twice its idle time."""
    _idle(works, 2.0)


@breaks("idle-time-not-begun-anew", "WEB-05", "WEB-09")
def _(works: Works) -> None:
    """A session ends its idle time after it was made, whether it is used or not."""

    def made(customer: Any) -> Any:
        async def found(self: Any, key: str) -> Customer | None:
            session = self._sessions.get(key)
            last_used = session and session.last_used
            told: Customer | None = await customer(self, key)
            if session is not None:
                session.last_used = last_used
            return told

        return found

    works.exchange(CookieJar, "customer", made)


@breaks("logoff-leaves-session", "WEB-05")
def _(works: Works) -> None:
    """A logoff is answered, and the session lives on."""

    async def drop(self: Any, key: str) -> bool:
        return key in self._sessions

    works.exchange(CookieJar, "drop", lambda _: drop)


@breaks("logoff-forwarded", "WEB-05")
def _(works: Works) -> None:
    """A logoff is forwarded to its target like any transaction, and ends the session then."""
    works.exchange(Front, "_transaction", lambda kept: _forwarding_logoff(kept, always=True))


@breaks("logoff-needs-target", "WEB-05")
def _(works: Works) -> None:
    """A logoff whose target there is not is refused: 103."""
    works.exchange(Front, "_transaction", lambda kept: _forwarding_logoff(kept, always=False))


def _forwarding_logoff(transaction: Any, *, always: bool) -> Any:
    async def judged(self: Any, web: WebHeader, cookie: str, body: bytes, *rest: Any) -> Page:
        if web.transaction == Transaction.LOGOFF:
            wire = self._wire
            target = wire.dispatcher.decode(body, wire.web.size).target
            asked = WebHeader(Transaction.TRANSACTION, web.session_key)
            page: Page = await transaction(self, asked, cookie, body, *rest)
            status = wire.dispatcher.integer("status").read(page.body, wire.web.size)
            if always or (status == Status.UNKNOWN_PROXY and target != "STAROE"):
                await self._jar.drop(web.session_key or cookie)
                return page
        return await transaction(self, web, cookie, body, *rest)  # type: ignore[no-any-return]

    return judged


# ---- WEB-09: the jar -----------------------------------------------------------------------------


@breaks("unknown-key-is-6115", "WEB-09")
def _(works: Works) -> None:
    """The jar answers 6115 for a key that it does not know."""
    works.exchange(jar, "NOT_THERE", lambda _: WRONG_IDS)


@breaks("ckd-of-nothing-succeeds", "WEB-09")
def _(works: Works) -> None:
    """CKD of a key that there is not succeeds."""

    def made(drop: Any) -> Any:
        async def dropped(self: Any, key: str) -> bool:
            await drop(self, key)
            return True

        return dropped

    works.exchange(CookieJar, "drop", made)


@breaks("jar-asks-for-customer", "WEB-09")
def _(works: Works) -> None:
    """CKM of nobody that StarOE knows is refused: 6115."""

    def made(make: Any) -> Any:
        async def known(self: Any, request: Any) -> bytes:
            userid, entpid = request.scalar("USERID"), request.scalar("ENTPID")
            asked = await self._database.read(
                lambda c: is_customer(c, userid=strip(userid), entpid=entpid)
            )
            return bytes(await make(self, request)) if asked else request.refuse(WRONG_IDS)

        return known

    works.exchange(CookieJar, "_make", made)


@breaks("sessions-lost-by-restart", "WEB-09")
def _(works: Works) -> None:
    """A jar that is started again knows no session of before."""

    def made(load: Any) -> Any:
        async def forgotten(self: Any) -> None:
            if self.__dict__.get("loaded"):
                await load(self)
            self.loaded = True

        return forgotten

    works.exchange(CookieJar, "load", made)
