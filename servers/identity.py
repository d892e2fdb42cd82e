"""Who a message may act for: step 7 (HDR-11)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from . import schema
from .customer import Customer


def is_user(connection: Connection, userid: str) -> bool:
    """Whether StarOE knows the user."""
    query = select(schema.users.c.userid).where(schema.users.c.userid == userid)
    return connection.execute(query).first() is not None


def is_customer(connection: Connection, userid: str, entpid: str) -> bool:
    """Whether StarOE knows the user, and of that enterprise."""
    users = schema.users.c
    query = select(users.userid).where(users.userid == userid, users.entpid == entpid)
    return connection.execute(query).first() is not None


def may_act(connection: Connection, customer: Customer | None, *, userid: str, entpid: str) -> bool:
    """Whether a message may name that user: the session's, or on a native port any customer."""
    if customer is None:
        return is_customer(connection, userid, entpid)
    return customer == Customer(userid, entpid)
