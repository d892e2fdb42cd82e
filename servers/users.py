"""The users that StarOE knows, as whoever tests seeds them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from . import schema

_USERS = schema.users
_ENTITLEMENTS = schema.entitlements


class User(msgspec.Struct, frozen=True):
    """A user, without the password."""

    userid: str
    entpid: str
    applications: list[str]
    """The targets that the user may reach."""
    email: str
    pager: str
    pager_pin: str


def list_users(connection: Connection) -> list[User]:
    """Every user, by name."""
    query = select(_ENTITLEMENTS).order_by(_ENTITLEMENTS.c.position)
    applications: dict[str, list[str]] = {}
    for row in connection.execute(query):
        applications.setdefault(row.userid, []).append(row.target)
    names = [name for name in User.__struct_fields__ if name != "applications"]
    rows = connection.execute(select(_USERS).order_by(_USERS.c.userid)).mappings()
    return [
        User(
            **{name: row[name] for name in names}, applications=applications.get(row["userid"], [])
        )
        for row in rows
    ]


def put_user(connection: Connection, user: User, password: str | None) -> bool:
    """Add or change a user; `password` is hashed, None leaves the one that there is.

    Whether it could be done: a new user needs one.
    """
    told: dict[str, Any] = {
        name: getattr(user, name) for name in ("entpid", "email", "pager", "pager_pin")
    }
    if password is not None:
        told["password"] = password
    one = _USERS.c.userid == user.userid
    if connection.execute(update(_USERS).where(one).values(**told)).rowcount == 0:
        if password is None:
            return False
        connection.execute(insert(_USERS).values(userid=user.userid, **told))
    if password is not None:
        _forget_failures(connection, user.userid)
    connection.execute(delete(_ENTITLEMENTS).where(_ENTITLEMENTS.c.userid == user.userid))
    rows = [
        {"userid": user.userid, "target": target, "position": position}
        for position, target in enumerate(user.applications)
    ]
    if rows:
        connection.execute(insert(_ENTITLEMENTS), rows)
    return True


def delete_user(connection: Connection, userid: str) -> bool:
    """Whether there was one. Reports and inbox items stay, as those of nobody."""
    _forget_failures(connection, userid)
    return connection.execute(delete(_USERS).where(_USERS.c.userid == userid)).rowcount > 0


def _forget_failures(connection: Connection, userid: str) -> None:
    failures = schema.logon_failures
    connection.execute(delete(failures).where(failures.c.userid == userid))
