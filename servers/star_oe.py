"""StarOE as logon needs it: who a user is, and what the user may reach (WEB-04)."""

from __future__ import annotations

import os
from collections.abc import Callable

from sqlalchemy import Connection, bindparam, select

from starwire.grammar import Limits
from starwire.protocol.catalogue import Catalogue
from starwire.protocol.validation import Request

from . import schema
from .backend import BackEndAnswer, Outcome, Reception, Refused
from .customer import Customer
from .logon_failures import LogonFailures
from .passwords import PasswordCost, decoy, matches
from .store import Store
from .values import text_of

NO_VALID_REQUEST = 6104
NO_RECORDS = 6109
WRONG_IDS = 6115

_USERS = schema.users.c
_FOUND = select(_USERS.entpid, _USERS.password).where(_USERS.userid == bindparam("user"))


class StarOE:
    """Answers VUM and GUA.

    A wrong user, a wrong password and an account that waits get the same answer after the same
    work. The count of failures is kept in transactions of its own behind the hash, so that nobody
    waits for a hash with a lock in hand.
    """

    doors = ("staroe",)
    of_reference: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset({"VUM"})

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        limits: Limits,
        entpid_length: int,
        clock: Callable[[], float],
        store: Store,
        failures: int = 5,
        wait_seconds: float = 60.0,
        cost: PasswordCost | None = None,
        names: int = 10_000,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._reception = Reception(catalogue, limits, entpid_length)
        self._clock = clock
        self._failures = LogonFailures(
            store, allowed=failures, wait_seconds=wait_seconds, names=names
        )
        self._cost = cost or PasswordCost()
        self._random = random
        self._decoy: str | None = None
        self._acts = {"VUM": self._validate_user, "GUA": self._list_applications}

    def answer(
        self, connection: Connection, octets: bytes, door: str, customer: Customer | None
    ) -> BackEndAnswer:
        """See `backend.BackEnd`; `connection` need only read, and must not be writing."""
        return self._reception.answer(connection, octets, door, customer, self._act)

    def _act(self, connection: Connection, request: Request, customer: Customer | None) -> Outcome:
        act = self._acts.get(request.spec.acronym)
        if act is None:  # a message that only a profile's overlay knows (HDR-10)
            raise Refused(NO_VALID_REQUEST)
        return act(connection, request, customer)

    def _validate_user(
        self, connection: Connection, request: Request, customer: Customer | None
    ) -> Outcome:
        userid = request.scalar("USERID")
        user = connection.execute(_FOUND, {"user": userid}).first()
        stored = self._stand_in(connection) if user is None else user.password
        right = matches(text_of(request, "PASSWORD"), stored) and user is not None
        if not self._failures.admits(userid, right, self._clock()) or user is None:
            raise Refused(WRONG_IDS)
        return Outcome({"USERID": userid, "ENTPID": user.entpid})

    def _stand_in(self, connection: Connection) -> str:
        """What to check the password of an unknown user against: as costly as a real one's."""
        if self._decoy is None:
            some_user = connection.execute(select(_USERS.password).limit(1)).scalar()
            self._decoy = decoy(some_user, self._cost, random=self._random)
        return self._decoy

    def _list_applications(
        self, connection: Connection, request: Request, customer: Customer | None
    ) -> Outcome:
        if customer is None or request.scalar("USERID") != customer.userid:
            raise Refused(WRONG_IDS)
        entitlements = schema.entitlements.c
        query = (
            select(entitlements.target)
            .where(entitlements.userid == customer.userid)
            .order_by(entitlements.position)
        )
        targets = list(connection.execute(query).scalars())
        if not targets:
            raise Refused(NO_RECORDS)
        return Outcome({"APPS": targets})
