"""Wrong passwords in a row, by the name that was tried, whether a user has it or not (WEB-04)."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from . import schema
from .store import Store

_FAILURES = schema.logon_failures.c
_FOUND = select(_FAILURES.failures, _FAILURES.last).where(_FAILURES.userid == bindparam("name"))
_LOCKED = _FOUND.with_for_update()


class LogonFailures:
    """Counts failures and says when a name has to wait.

    Each question is a short transaction of its own. Guesses that run at the same time are judged
    one after the other when their hashes are done, so trying many at once gains nothing. At most
    `names` names are remembered; the one that failed longest ago is forgotten first.
    """

    def __init__(self, store: Store, *, allowed: int, wait_seconds: float, names: int) -> None:
        self._store = store
        self._allowed = allowed
        self._wait = wait_seconds
        self._names = names

    def admits(self, userid: str, right: bool, now: float) -> bool:
        """Whether a logon succeeds whose password is `right` or not; keeps the count."""
        with self._store.read() as connection:
            failures, last = _state(connection, userid)
        if self._waits(failures, last, now):
            return False
        if right and not failures:
            return True
        with self._store.write() as connection:
            if not right:
                self._make_row(connection, userid, now)
            failures, last = _state(connection, userid, lock=True)
            if self._waits(failures, last, now):
                return False
            row = _FAILURES.userid == userid
            if right:
                connection.execute(delete(schema.logon_failures).where(row))
            else:
                # After a wait the count begins anew.
                values = {"failures": failures % self._allowed + 1, "last": now}
                connection.execute(update(schema.logon_failures).where(row).values(values))
        return right

    def _waits(self, failures: int, last: float, now: float) -> bool:
        return failures >= self._allowed and now < last + self._wait

    def _make_row(self, connection: Connection, userid: str, now: float) -> None:
        """There must be a row to lock, or two first failures at once would count as one."""
        if connection.execute(select(_FAILURES.userid).where(_FAILURES.userid == userid)).first():
            return
        self._make_room(connection)
        row = insert(schema.logon_failures).values(userid=userid, failures=0, last=now)
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(row)

    def _make_room(self, connection: Connection) -> None:
        count = connection.execute(select(func.count()).select_from(schema.logon_failures))
        too_many = count.scalar_one() - self._names + 1
        if too_many > 0:
            oldest = select(_FAILURES.userid).order_by(_FAILURES.last).limit(too_many)
            gone = delete(schema.logon_failures).where(_FAILURES.userid.in_(oldest))
            connection.execute(gone)


def _state(connection: Connection, userid: str, *, lock: bool = False) -> tuple[int, float]:
    found = connection.execute(_LOCKED if lock else _FOUND, {"name": userid}).first()
    return (0, 0.0) if found is None else (found.failures, found.last)
