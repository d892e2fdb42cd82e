"""Who a message may act for: step 7 (HDR-11)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from . import schema
from .customer import Customer

# Made once: to make a statement costs more than SQLite needs for it.
_USERS = schema.users.c
_USER = select(_USERS.userid).where(_USERS.userid == bindparam("user"))
_CUSTOMER = _USER.where(_USERS.entpid == bindparam("enterprise"))


def is_user(connection: Connection, userid: str) -> bool:
    """Whether StarOE knows the user."""
    return connection.execute(_USER, {"user": userid}).first() is not None


def is_customer(connection: Connection, userid: str, entpid: str) -> bool:
    """Whether StarOE knows the user, and of that enterprise."""
    named = {"user": userid, "enterprise": entpid}
    return connection.execute(_CUSTOMER, named).first() is not None


def may_act(connection: Connection, customer: Customer | None, *, userid: str, entpid: str) -> bool:
    """Whether a message may name that user: the session's, or on a native port any customer."""
    if customer is None:
        return is_customer(connection, userid, entpid)
    return customer == Customer(userid, entpid)
