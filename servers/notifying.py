"""Whom an item's notification goes to (ERR-05). What is to be sent waits in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, insert, select

from . import schema
from .store import next_id

NO_ADDRESS = 5180
NO_PAGER = 5182

_BY_PAGE = ("1", "3")
_BY_EMAIL = ("2", "3")


class NotificationFault(Exception):
    """The default address could not be obtained; `code` is what the Z says of it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Contact(msgspec.Struct, frozen=True):
    """Where StarOE says a user is reached; "" where it knows nothing."""

    email: str = ""
    pager: str = ""
    pager_pin: str = ""


Contacts: TypeAlias = Callable[[Connection, str], Contact]
"""Asks StarOE for the contact of a user; may raise NotificationFault."""


class Notice(msgspec.Struct, frozen=True):
    """What an A says of the notification; "" where it leaves it to StarOE."""

    inboxid: int
    userid: str
    level: str
    """UNOTIFY: 0 none, 1 page, 2 e-mail, 3 both."""
    severity: str
    title: str
    """Of the item: the text, where the message brings none."""
    email: str = ""
    email_text: str = ""
    pager: str = ""
    pager_pin: str = ""
    pager_text: str = ""


def stored_contact(connection: Connection, userid: str) -> Contact:
    """The contact in the table of users."""
    users = schema.users.c
    query = select(users.email, users.pager, users.pager_pin).where(users.userid == userid)
    found = connection.execute(query).first()
    return Contact() if found is None else Contact(*found)


def put_out(connection: Connection, notice: Notice, contacts: Contacts, now: float) -> int:
    """Store what can be sent; gives 0, or the code of the first thing that cannot."""
    if notice.level not in _BY_PAGE + _BY_EMAIL:
        return 0
    try:
        contact = contacts(connection, notice.userid)
    except NotificationFault as fault:
        return fault.code
    failed = 0
    if notice.level in _BY_EMAIL:
        address = notice.email or contact.email
        if address:
            text = notice.email_text or notice.title
            _store(connection, notice, now, channel="email", address=address, text=text)
        else:
            failed = NO_ADDRESS
    if notice.level in _BY_PAGE:
        pager, pin = notice.pager or contact.pager, notice.pager_pin or contact.pager_pin
        if pager and pin:
            text = notice.pager_text or notice.title
            _store(connection, notice, now, channel="page", pager=pager, pin=pin, text=text)
        else:
            failed = failed or NO_PAGER
    return failed


def _store(connection: Connection, notice: Notice, now: float, **values: str) -> None:
    row = {
        "id": next_id(connection, "NOTIFICATION"),
        "inboxid": notice.inboxid,
        "userid": notice.userid,
        "severity": notice.severity,
        "created": now,
        **values,
    }
    connection.execute(insert(schema.user_notifications).values(row))
