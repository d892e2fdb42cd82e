"""Who a request acts for."""

import msgspec


class Customer(msgspec.Struct, frozen=True):
    """The user and enterprise of a session (WEB-09)."""

    userid: str
    entpid: str
