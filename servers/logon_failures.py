"""Wrong passwords in a row, by the name that was tried, whether a user has it or not (WEB-04)."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from . import schema
from .store import Store

_FAILURES = schema.logon_failures.c


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
            failures, last = _state(connection, userid, lock=True)
            if self._waits(failures, last, now):
                return False
            if right:
                gone = delete(schema.logon_failures).where(_FAILURES.userid == userid)
                connection.execute(gone)
            else:
                # After a wait the count begins anew.
                self._note(connection, userid, failures % self._allowed + 1, now)
        return right

    def _waits(self, failures: int, last: float, now: float) -> bool:
        return failures >= self._allowed and now < last + self._wait

    def _note(self, connection: Connection, userid: str, failures: int, now: float) -> None:
        values = {"failures": failures, "last": now}
        changed = update(schema.logon_failures).where(_FAILURES.userid == userid).values(values)
        if connection.execute(changed).rowcount:
            return
        self._make_room(connection)
        try:
            with connection.begin_nested():
                connection.execute(insert(schema.logon_failures).values(userid=userid, **values))
        except IntegrityError:  # the same name failed for the first time twice at once
            again = {"failures": _FAILURES.failures + 1, "last": now}
            connection.execute(changed.values(again))

    def _make_room(self, connection: Connection) -> None:
        count = connection.execute(select(func.count()).select_from(schema.logon_failures))
        too_many = count.scalar_one() - self._names + 1
        if too_many > 0:
            oldest = select(_FAILURES.userid).order_by(_FAILURES.last).limit(too_many)
            gone = delete(schema.logon_failures).where(_FAILURES.userid.in_(oldest))
            connection.execute(gone)


def _state(connection: Connection, userid: str, *, lock: bool = False) -> tuple[int, float]:
    query = select(_FAILURES.failures, _FAILURES.last).where(_FAILURES.userid == userid)
    found = connection.execute(query.with_for_update() if lock else query).first()
    return (0, 0.0) if found is None else (found.failures, found.last)
