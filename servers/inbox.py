"""The Inbox: finished reports, call detail and news, kept for their users (Appendices C and G)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, select, update

from starwire.grammar import Limits
from starwire.protocol.catalogue import Catalogue
from starwire.protocol.validation import Request

from . import schema
from .backend import COMMAND_FAILED, BackEndAnswer, Outcome, Reception, Refused
from .customer import Customer
from .files import FileRoot, metadata_location
from .identity import may_act
from .notifying import Contacts, Notice, put_out, stored_contact
from .store import COUNTERS, IdsExhausted, next_id
from .values import text_of

ALREADY_THERE = 5005
NO_RECORDS = 5100
UNKNOWN_REQUEST = 5103
NO_FILE = 5104
NO_METADATA = 5108
NOTHING_TO_DELETE = 5125
NO_FILE_TO_ADD = 5163
NO_METADATA_TO_ADD = 5166
WRONG_USER = {"A": 5153, "D": 5141, "L": 5131, "U": 5111}
"""HDR-11: what each message calls a USERID and ENTPID that it may not act for."""

DAYS_TO_LIVE = 45
"""Appendix G's default."""
_DAY = 86_400

_NEWS = "F"
_NOT_ACKNOWLEDGED, _ACKNOWLEDGED = "0", "1"
_STORED = {
    "category": "CATEGORY",
    "type": "TYPE",
    "requestid": "REQUESTID",
    "rptid": "RPTID",
    "priority": "PRIORITY",
    "compress": "COMPRESS",
    "rptcategory": "RPTCATEGORY",
    "loc": "LOC",
    "rqstdt": "RQSTDT",
    "fsize": "FSIZE",
    "rpttitle": "RPTTITLE",
    "msize": "MSIZE",
    "errflag": "ERRFLAG",
}
"""Columns of an item and the parameters of A that they hold."""

_ITEMS = schema.inbox_items.c
# Made once: to make a statement costs more than SQLite needs for it.
_SAME_FILE = select(_ITEMS.id).where(
    _ITEMS.userid == bindparam("user"), _ITEMS.loc == bindparam("at")
)
_OVER = select(_ITEMS.id).where(_ITEMS.expires <= bindparam("now")).order_by(_ITEMS.id)
_PURGED = delete(schema.inbox_items).where(_ITEMS.id.in_(_OVER.with_for_update()))
"""Locked in the order of their ids, so that two that purge at once cannot wait for one another."""
_LISTED = (
    _ITEMS.id,
    _ITEMS.category,
    _ITEMS.type,
    _ITEMS.rptid,
    _ITEMS.priority,
    _ITEMS.compress,
    _ITEMS.rptcategory,
    _ITEMS.rqstdt,
    _ITEMS.fsize,
    _ITEMS.rpttitle,
    _ITEMS.msize,
    _ITEMS.ack,
    _ITEMS.errflag,
    _ITEMS.ttl,
)
"""The members of a row of L, in their order (CAT-05)."""


class Inbox:
    """Keeps items until their users delete them or their time to live is over.

    Deleting an item leaves its files: they belong to the server that put them there.
    """

    doors = ("inbox", "inbox-native")
    of_reference: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        limits: Limits,
        entpid_length: int,
        clock: Callable[[], float],
        files: FileRoot,
        contacts: Contacts = stored_contact,
    ) -> None:
        self._reception = Reception(catalogue, limits, entpid_length)
        self._clock = clock
        self._files = files
        self._contacts = contacts
        self._acts = {
            "A": self._add,
            "D": self._delete,
            "F": self._fetch,
            "L": self._list,
            "U": self._update,
        }

    def answer(
        self, connection: Connection, octets: bytes, door: str, customer: Customer | None
    ) -> BackEndAnswer:
        """See `backend.BackEnd`."""
        return self._reception.answer(connection, octets, door, customer, self._act)

    def _act(self, connection: Connection, request: Request, customer: Customer | None) -> Outcome:
        now = self._clock()
        if not request.spec.read:
            _purge(connection, now)
        act = self._acts.get(request.spec.acronym)
        if act is None:  # a message that only a profile's overlay knows (HDR-10)
            raise Refused(UNKNOWN_REQUEST)
        return act(connection, request, customer, now)

    def _add(
        self, connection: Connection, request: Request, customer: Customer | None, now: float
    ) -> Outcome:
        user = _user(connection, request, customer)
        number = _take_id(connection)  # first, since it keeps other writers waiting
        loc = request.scalar("LOC")
        named = {"user": user.userid, "at": loc}
        older = connection.execute(_SAME_FILE, named).scalar_one_or_none()
        if older is not None:
            raise Refused(ALREADY_THERE, {"INBOXID": str(older)})
        self._check_files(request, loc)
        row: dict[str, Any] = {
            column: text_of(request, parameter) for column, parameter in _STORED.items()
        }
        row |= {"id": number, "userid": user.userid, "entpid": user.entpid}
        row |= {"errflag": row["errflag"] or "0", "ack": _NOT_ACKNOWLEDGED}
        row |= {"ttl": DAYS_TO_LIVE, "arrived": now, "expires": now + DAYS_TO_LIVE * _DAY}
        connection.execute(insert(schema.inbox_items), row)
        failed = put_out(connection, _notice(request, number, user), self._contacts, now)
        return Outcome({"INBOXID": str(number)}, error=failed)

    def _check_files(self, request: Request, loc: str) -> None:
        if self._files.find(loc) is None:
            raise Refused(NO_FILE_TO_ADD)
        metadata = metadata_location(loc, request.scalar("COMPRESS") == "1")
        announced = _announces_metadata(request.scalar("CATEGORY"), request.scalar("MSIZE"))
        if announced and self._files.find(metadata) is None:
            raise Refused(NO_METADATA_TO_ADD)

    def _list(
        self, connection: Connection, request: Request, customer: Customer | None, now: float
    ) -> Outcome:
        user = _user(connection, request, customer)
        sent = request.scalar("INBOXID")
        latest = min(int(sent or "0"), COUNTERS["INBOXID"])
        query = (
            select(*_LISTED)
            .where(
                _ITEMS.userid == user.userid,
                _ITEMS.entpid == user.entpid,
                _ITEMS.category == request.scalar("CATEGORY"),
                _ITEMS.id > latest,
                _ITEMS.expires > now,
            )
            .order_by(_ITEMS.id)
        )
        rows = [tuple(map(str, found)) for found in connection.execute(query)]
        if not rows:
            raise Refused(NO_RECORDS)
        asked = {"INBOXID": sent} if sent else {}
        return Outcome({**asked, "ITEMS": rows})

    def _fetch(
        self, connection: Connection, request: Request, customer: Customer | None, now: float
    ) -> Outcome:
        item = _item(connection, request, customer, now)
        loc = item.loc
        if request.scalar("WHAT") == "METADATA":
            if not _announces_metadata(item.category, item.msize):
                raise Refused(NO_METADATA)
            loc = metadata_location(loc, item.compress == "1")
        found = self._files.find(loc)
        if found is None:
            raise Refused(NO_FILE)
        values = {"INBOXID": str(item.id), "FSIZE": str(found.size)}
        return Outcome(values, file=found.path, size=found.size)

    def _update(
        self, connection: Connection, request: Request, customer: Customer | None, now: float
    ) -> Outcome:
        user = _user(connection, request, customer)
        item = _item(connection, request, user, now)
        if request.scalar("CATEGORY", item.category) != item.category:
            raise Refused(NO_RECORDS)
        ttl = int(request.scalar("TTL", str(item.ttl)))
        changed = {
            "ttl": ttl,
            "ack": request.scalar("ACK", _ACKNOWLEDGED),
            "expires": item.arrived + ttl * _DAY,
        }
        connection.execute(update(schema.inbox_items).where(_ITEMS.id == item.id).values(changed))
        return Outcome()

    def _delete(
        self, connection: Connection, request: Request, customer: Customer | None, now: float
    ) -> Outcome:
        if request.spec.variant == "one":
            which = (_ITEMS.id == int(request.scalar("INBOXID")), *_owned_by(customer))
        else:
            which = _owned_by(_user(connection, request, customer))
        gone = connection.execute(delete(schema.inbox_items).where(*which)).rowcount
        if not gone:
            raise Refused(NOTHING_TO_DELETE)
        return Outcome()


def _purge(connection: Connection, now: float) -> None:
    """Delete the items whose time to live is over. Readers pass them over until then."""
    connection.execute(_PURGED, {"now": now})


def _user(connection: Connection, request: Request, customer: Customer | None) -> Customer:
    """The user that the message names, if it may act for that one (HDR-11)."""
    userid, entpid = request.scalar("USERID"), request.scalar("ENTPID")
    if not may_act(connection, customer, userid=userid, entpid=entpid):
        raise Refused(WRONG_USER[request.spec.acronym])
    return Customer(userid, entpid)


def _owned_by(customer: Customer | None) -> tuple[ColumnElement[bool], ...]:
    if customer is None:
        return ()
    return _ITEMS.userid == customer.userid, _ITEMS.entpid == customer.entpid


def _item(
    connection: Connection, request: Request, customer: Customer | None, now: float
) -> Row[Any]:
    """The item whose INBOXID the message has; another customer's is as if it did not exist."""
    number = int(request.scalar("INBOXID"))
    query = select(schema.inbox_items).where(
        _ITEMS.id == number, _ITEMS.expires > now, *_owned_by(customer)
    )
    if not request.spec.read:
        query = query.with_for_update()
    found = connection.execute(query).first()
    if found is None:
        raise Refused(NO_RECORDS)
    return found


def _take_id(connection: Connection) -> int:
    try:
        return next_id(connection, "INBOXID")
    except IdsExhausted:
        raise Refused(COMMAND_FAILED["INBOX"]) from None


def _announces_metadata(category: str, msize: str) -> bool:
    """Whether an item comes with metadata: news has none, nor what says that it has 0 octets."""
    return category != _NEWS and int(msize or "0") > 0


def _notice(request: Request, number: int, user: Customer) -> Notice:
    texts: Mapping[str, str] = {
        name: text_of(request, parameter)
        for name, parameter in (
            ("level", "UNOTIFY"),
            ("severity", "SEV"),
            ("title", "RPTTITLE"),
            ("email", "MMADDR"),
            ("email_text", "MMTEXT"),
            ("pager", "PGT"),
            ("pager_pin", "PGPIN"),
            ("pager_text", "PGTXT"),
        )
    }
    return Notice(inboxid=number, userid=user.userid, **texts)
