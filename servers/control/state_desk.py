"""The state of the emulated system: put back to its beginning, and users for a test."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Literal

import attrs
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.threads import deferToThread

from starwire.servers.fault_plan import FaultPlan
from starwire.servers.journal import Journal
from starwire.servers.passwords import PasswordCost, hash_password
from starwire.servers.resetting import end_sessions, reset
from starwire.servers.stubs import Stubs
from starwire.servers.users import User, delete_user, list_users, put_user

from .routing import Asked, Problem, route

_ATTEMPTS = 3
"""Where other hosts write to the same database, two may stand in each other's way for good; the
database then ends one of them, which may be us."""

_USERID = re.compile("[!-+.-;?-}-]+")
_Text = Annotated[str, Meta(pattern="^[\\x21-\\x7e\\xa0-\\xff]*$", max_length=100)]
Application = Literal["RM", "RS", "INBOX", "ODS", "TVS"]


class ResetBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What begins anew; all of it unless told otherwise."""

    store: bool = True
    """Tables and counters of the state store, as in a new one; sample files that are gone."""
    sessions: bool = True
    journal: bool = True
    stubs: bool = True
    faults: bool = True


class UserBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A user as he is to be."""

    entpid: _Text
    applications: Annotated[list[Application], Meta(max_length=5)] = []
    password: Annotated[str, Meta(pattern="^[\\x00-\\xff]*$", max_length=64)] | UnsetType = UNSET
    """Needed for a new user; without one the old one stays."""
    email: _Text = ""
    pager: _Text = ""
    pager_pin: _Text = ""

    def __post_init__(self) -> None:
        if len(set(self.applications)) < len(self.applications):
            raise ValueError("applications: one stands there twice")


@attrs.frozen
class State:
    """What of an emulator can be put back."""

    database: Any
    fill: Callable[[Any], None]
    """Writes the first data into an empty store."""
    cost: PasswordCost
    userid_octets: int
    """The longest name that a header can carry."""
    entpid_octets: int
    """What every ENTPID has."""
    sessions_changed: Callable[[], Awaitable[None]]
    """Called when sessions or entitlements have changed in the store."""


class StateDesk:
    """Resets and seeds."""

    def __init__(self, state: State, journal: Journal, stubs: Stubs, faults: FaultPlan) -> None:
        self._state = state
        self._journal = journal
        self._stubs = stubs
        self._faults = faults

    @route("POST", "/reset", body=ResetBody, result=ResetBody, others={503: None})
    async def reset(self, asked: Asked) -> ResetBody:
        """Begin anew. Serial numbers and identifiers of asynchronous requests go on.

        Jars of other processes drop their sessions within a second.
        """
        body: ResetBody = asked.body
        if body.store:
            fill, sessions = self._state.fill, body.sessions
            await self._write(lambda c: reset(c, fill, sessions=sessions))
        elif body.sessions:
            await self._write(end_sessions)
        if body.store or body.sessions:
            await self._state.sessions_changed()
        if body.journal:
            self._journal.clear()
        if body.stubs:
            self._stubs.clear()
        if body.faults:
            self._faults.clear()
        return body

    @route("GET", "/state/users", result=list[User], others={503: None})
    async def list_users(self, asked: Asked) -> list[User]:
        """The users that StarOE knows."""
        return await self._done(lambda: self._state.database.read(list_users))  # type: ignore[no-any-return]

    @route(
        "PUT",
        "/state/users/<userid>",
        body=UserBody,
        status=HTTPStatus.NO_CONTENT,
        example={"entpid": "00022924", "applications": ["RM"], "password": "interact"},
        others={404: None, 503: None},
    )
    async def put_user(self, asked: Asked) -> None:
        """Add a user, or change all of one; sessions that are open stay.

        With a password, wrong ones tried before are forgotten.
        """
        body: UserBody = asked.body
        userid = self._userid(asked)
        if len(body.entpid) != self._state.entpid_octets:
            said = f"must be {self._state.entpid_octets} octets"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, said, "entpid")
        hashed = None
        if body.password is not UNSET:
            hashed = await deferToThread(hash_password, body.password, self._state.cost)
        contact = (body.email, body.pager, body.pager_pin)
        user = User(userid, body.entpid, list(body.applications), *contact)
        if not await self._write(lambda c: put_user(c, user, hashed)):
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "missing, and the user is new", "password"
            )
        await self._state.sessions_changed()

    @route(
        "DELETE",
        "/state/users/<userid>",
        status=HTTPStatus.NO_CONTENT,
        others={404: None, 503: None},
    )
    async def delete_user(self, asked: Asked) -> None:
        """Remove a user; what belongs to him stays."""
        userid = self._userid(asked)
        if not await self._write(lambda c: delete_user(c, userid)):
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such user", "userid")

    async def _write(self, work: Callable[[Any], Any]) -> Any:
        return await self._done(lambda: self._state.database.write(work))

    async def _done(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Problem 503 if the store does not carry it out."""
        for attempt in itertools.count(1):
            try:
                return await work()
            except SQLAlchemyError as error:
                if attempt == _ATTEMPTS:
                    reason = next(iter(str(error).splitlines()), "")
                    raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, reason, "store") from None
        raise AssertionError("there is always another attempt")

    def _userid(self, asked: Asked) -> str:
        """The user of the path; Problem 404 for what cannot be one's name."""
        userid: str = asked.path["userid"]
        if len(userid) > self._state.userid_octets or not _USERID.fullmatch(userid):
            raise Problem(HTTPStatus.NOT_FOUND, "no user can have that name", "userid")
        return userid
