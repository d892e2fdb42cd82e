"""The numbers of the headers that have names (HDR-02, STS, WEB-02, TRN-03).

Header fields hold plain integers, since a peer may send any number; these compare equal to them.
"""

from enum import IntEnum


class Status(IntEnum):
    """The outcome in a reply (STS). A request carries 0, and nobody looks at it."""

    OK = 0
    ACCEPTED = 1
    IN_PROGRESS = 2
    BULK = 3
    BULK_END = 4
    CANCELLED = 5
    APPLICATION_ERROR = 100
    """The data is the response message, and its ERROR is not 0."""
    VERSION = 101
    LENGTH = 102
    UNKNOWN_PROXY = 103
    NOT_ENTITLED = 104
    NO_SESSION = 105
    UNAVAILABLE = 106
    UNKNOWN_TYPE = 107
    UNKNOWN_ID = 108
    TIMED_OUT = 109
    BAD_BULK = 110
    """A bad bulk operation, or a reply too large for the transport that it was asked through."""
    OVERLOADED = 111


class MessageType(IntEnum):
    """The transport of a frame (HDR-02)."""

    SYNC = 0
    REQUEST = 1
    POLL = 2
    BULK = 3


class Transaction(IntEnum):
    """What a client asks of the web server (WEB-02)."""

    LOGON = 0
    TRANSACTION = 1
    LOGOFF = 2


class Operation(IntEnum):
    """What a bulk header says (TRN-03): the client sends OPEN, CANCEL and RESUME, the server the
    others.
    """

    OPEN = 0
    DATA = 1
    END = 2
    CANCEL = 3
    CANCELLED = 4
    RESUME = 5
