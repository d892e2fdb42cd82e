"""The items of the Inbox: CAT-06, HDR-11."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import delete, select, update

from starwire.protocol.catalogue import MessageSpec

from .. import inbox, schema
from ..backend import Outcome, Refused
from ..customer import Customer
from ..inbox import NO_FILE, NO_RECORDS, Inbox
from .fault import breaks
from .messages import requests_changed
from .works import Works

_ITEMS = schema.inbox_items


def _act(works: Works, name: str, around: Callable[..., Outcome]) -> None:
    """Let `around(act, self, connection, request, customer, now)` carry a message out."""

    def made(act: Any) -> Any:
        def acted(self: Any, *arguments: Any) -> Outcome:
            return around(act, self, *arguments)

        return acted

    works.exchange(Inbox, name, made)


# ---- HDR-11 at the Inbox -------------------------------------------------------------------------


@breaks("item-list-of-another-user", "HDR-11")
def _(works: Works) -> None:
    """The Inbox does not compare the ids of a message with the session's."""

    def user(connection: Any, request: Any, customer: Customer | None) -> Customer:
        return Customer(request.scalar("USERID"), request.scalar("ENTPID"))

    works.exchange(inbox, "_user", lambda _: user)


@breaks("item-of-another-fetched", "HDR-11")
def _(works: Works) -> None:
    """Another user's item can be fetched, and deleted by its INBOXID."""
    works.exchange(inbox, "_owned_by", lambda owned: lambda customer: ())


@breaks("item-of-another-told", "HDR-11")
def _(works: Works) -> None:
    """F of another user's item is 5121, of one that there is not 5100."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        try:
            return act(self, connection, request, *rest)  # type: ignore[no-any-return]
        except Refused as refused:
            there = select(_ITEMS.c.id).where(_ITEMS.c.id == int(request.scalar("INBOXID")))
            if refused.code == NO_RECORDS and connection.execute(there).first():
                raise Refused(5121) from None
            raise

    _act(works, "_fetch", around)


@breaks("item-for-nobody", "HDR-11")
def _(works: Works) -> None:
    """A takes an item for a user whom StarOE does not know."""

    def made(user: Any) -> Any:
        def found(connection: Any, request: Any, customer: Customer | None) -> Customer:
            if request.spec.acronym == "A":
                return Customer(request.scalar("USERID"), request.scalar("ENTPID"))
            return user(connection, request, customer)  # type: ignore[no-any-return]

        return found

    works.exchange(inbox, "_user", made)


# ---- CAT-06 --------------------------------------------------------------------------------------


def _listing(works: Works, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the rows of a list."""

    def around(act: Any, *arguments: Any) -> Outcome:
        outcome: Outcome = act(*arguments)
        return Outcome({**outcome.values, "ITEMS": change(outcome.values["ITEMS"])})

    _act(works, "_list", around)


@breaks("newest-item-first", "CAT-05")
def _(works: Works) -> None:
    """L lists the newest item first."""
    _listing(works, lambda rows: rows[::-1])


@breaks("item-without-ttl", "CAT-05")
def _(works: Works) -> None:
    """A row of L lacks its last member."""
    _listing(works, lambda rows: [row[:-1] for row in rows])


@breaks("items-with-commas", "CAT-05")
def _(works: Works) -> None:
    """The members of a row of L are divided by commas."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return answer.replace(b"~", b",") if answer.startswith(b"Z<REQ=L,") else answer

    works.responses(change)


@breaks("ttl-in-z-to-l", "CAT-05")
def _(works: Works) -> None:
    """The Z to L has a TTL beside its rows."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return answer.replace(b",ITEMS=", b",TTL=45,ITEMS=")

    works.responses(change)


@breaks("inboxid-always-in-z-to-l", "CAT-04")
def _(works: Works) -> None:
    """The Z to L has an INBOXID although the request has none."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return answer.replace(b"Z<REQ=L,ERROR=0,ITEMS=", b"Z<REQ=L,ERROR=0,INBOXID=0,ITEMS=")

    works.responses(change)


@breaks("item-of-given-id-listed", "CAT-06")
def _(works: Works) -> None:
    """L lists the item of the given INBOXID too."""
    _asking(works, lambda number: number - 1)


@breaks("given-id-ignored", "CAT-06")
def _(works: Works) -> None:
    """L lists every item whatever INBOXID is given."""
    _asking(works, lambda number: 0)


class _Changed:
    """A request as if it had other values; None for what it has not."""

    def __init__(self, request: Any, **values: str | None) -> None:
        self._request = request
        self._values = values

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)

    def scalar(self, name: str, default: str = "") -> str:
        if name in self._values:
            value = self._values[name]
            return default if value is None else value
        return str(self._request.scalar(name, default))


def _asking(works: Works, change: Callable[[int], int]) -> None:
    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        sent = request.scalar("INBOXID")
        if not sent:
            return act(self, connection, request, *rest)  # type: ignore[no-any-return]
        asked = _Changed(request, INBOXID=str(change(int(sent))))
        outcome: Outcome = act(self, connection, asked, *rest)
        return Outcome({**outcome.values, "INBOXID": sent})

    _act(works, "_list", around)


@breaks("ids-compared-as-text", "CAT-06")
def _(works: Works) -> None:
    """L compares INBOXIDs as text."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        sent = request.scalar("INBOXID")
        outcome: Outcome = act(self, connection, _Changed(request, INBOXID="0"), *rest)
        rows = [row for row in outcome.values["ITEMS"] if row[0] > sent]
        if not rows:
            raise Refused(NO_RECORDS)
        return Outcome({"INBOXID": sent, "ITEMS": rows} if sent else {"ITEMS": rows})

    _act(works, "_list", around)


@breaks("items-of-every-category", "CAT-06")
def _(works: Works) -> None:
    """L lists the items of every category."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        values: dict[str, Any] = {}
        rows = []
        for category in "RDF":
            with suppress(Refused):
                asked = _Changed(request, CATEGORY=category)
                values = dict(act(self, connection, asked, *rest).values)
                rows += values["ITEMS"]
        if not rows:
            return act(self, connection, request, *rest)  # type: ignore[no-any-return]
        return Outcome({**values, "ITEMS": sorted(rows, key=lambda row: int(row[0]))})

    _act(works, "_list", around)


@breaks("no-items-is-success", "CAT-06")
def _(works: Works) -> None:
    """L without items succeeds."""
    _forgiving(works, "_list", NO_RECORDS)


@breaks("nothing-deleted-is-success", "CAT-06")
def _(works: Works) -> None:
    """D of nothing succeeds."""
    _forgiving(works, "_delete", inbox.NOTHING_TO_DELETE)


def _forgiving(works: Works, name: str, code: int) -> None:
    def around(act: Any, *arguments: Any) -> Outcome:
        try:
            return act(*arguments)  # type: ignore[no-any-return]
        except Refused as refused:
            if refused.code != code:
                raise
            return Outcome()

    _act(works, name, around)


@breaks("d-without-effect", "CAT-06")
def _(works: Works) -> None:
    """D is answered, and the item stays."""

    def around(act: Any, self: Any, connection: Any, *rest: Any) -> Outcome:
        inner = connection.begin_nested()
        try:
            return act(self, connection, *rest)  # type: ignore[no-any-return]
        finally:
            inner.rollback()

    _act(works, "_delete", around)


@breaks("d-of-all-deletes-one", "CAT-06")
def _(works: Works) -> None:
    """D without INBOXID deletes the oldest item."""

    def around(
        act: Any, self: Any, connection: Any, request: Any, customer: Any, now: float
    ) -> Outcome:
        if request.spec.variant == "one":
            return act(self, connection, request, customer, now)  # type: ignore[no-any-return]
        user = inbox._user(connection, request, customer)
        first = select(_ITEMS.c.id).where(_ITEMS.c.userid == user.userid).order_by(_ITEMS.c.id)
        connection.execute(delete(_ITEMS).where(_ITEMS.c.id.in_(first.limit(1))))
        return Outcome()

    _act(works, "_delete", around)


@breaks("d-deletes-of-everybody", "CAT-06", "HDR-11")
def _(works: Works) -> None:
    """D without INBOXID deletes the items of every user."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        outcome: Outcome = act(self, connection, request, *rest)
        if request.spec.variant != "one":
            connection.execute(delete(_ITEMS))
        return outcome

    _act(works, "_delete", around)


@breaks("d-with-user-and-id-taken", "CAT-06")
def _(works: Works) -> None:
    """USERID and ENTPID may stand beside INBOXID in D."""

    def change(spec: MessageSpec) -> MessageSpec:
        if spec.variant != "one":
            return spec
        line = spec.parameters[0]
        more = [
            replace(line, name=name, form="any", required="no", missing=None, empty=None)
            for name in ("USERID", "ENTPID")
        ]
        return replace(spec, parameters=(*spec.parameters, *more))

    requests_changed(works, ("D",), change)


@breaks("d-deletes-the-file", "CAT-06")
def _(works: Works) -> None:
    """D deletes the file of the item too."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        number = request.scalar("INBOXID")
        loc = (
            number
            and connection.execute(select(_ITEMS.c.loc).where(_ITEMS.c.id == int(number))).scalar()
        )
        outcome: Outcome = act(self, connection, request, *rest)
        found = self._files.find(loc) if loc else None
        if found is not None:
            Path(found.path).unlink()
        return outcome

    _act(works, "_delete", around)


def _updating(works: Works, **values: Any) -> None:
    """Let U set these columns beside what it does."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        outcome: Outcome = act(self, connection, request, *rest)
        row = _ITEMS.c.id == int(request.scalar("INBOXID"))
        connection.execute(update(_ITEMS).where(row).values(**values))
        return outcome

    _act(works, "_update", around)


@breaks("u-without-effect", "CAT-06")
def _(works: Works) -> None:
    """U is answered, and nothing changes."""

    def around(
        act: Any, self: Any, connection: Any, request: Any, customer: Any, now: float
    ) -> Outcome:
        user = inbox._user(connection, request, customer)
        inbox._item(connection, request, user, now)
        return Outcome()

    _act(works, "_update", around)


@breaks("u-does-not-acknowledge", "CAT-06")
def _(works: Works) -> None:
    """A U without ACK leaves ACK 0."""
    _updating(works, ack="0")


@breaks("ttl-counts-from-update", "CAT-06")
def _(works: Works) -> None:
    """A new TTL counts from the U rather than from the arrival."""

    def around(
        act: Any, self: Any, connection: Any, request: Any, customer: Any, now: float
    ) -> Outcome:
        outcome: Outcome = act(self, connection, request, customer, now)
        row = _ITEMS.c.id == int(request.scalar("INBOXID"))
        expires = now + int(request.scalar("TTL", "45")) * 86_400
        connection.execute(update(_ITEMS).where(row).values(expires=expires))
        return outcome

    _act(works, "_update", around)


@breaks("category-of-u-ignored", "CAT-06")
def _(works: Works) -> None:
    """U does not compare CATEGORY with the item's."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        asked = _Changed(request, CATEGORY=None)
        return act(self, connection, asked, *rest)  # type: ignore[no-any-return]

    _act(works, "_update", around)


@breaks("new-item-acknowledged", "CAT-06")
def _(works: Works) -> None:
    """A new item has ACK 1."""
    works.exchange(inbox, "_NOT_ACKNOWLEDGED", lambda _: "1")


@breaks("item-lives-30-days", "CAT-06")
def _(works: Works) -> None:
    """A new item has a TTL of 30 days."""
    works.exchange(inbox, "DAYS_TO_LIVE", lambda _: 30)


@breaks("ttl-ignored", "CAT-06")
def _(works: Works) -> None:
    """An item lives for ever."""
    works.exchange(inbox, "_purge", lambda _: lambda connection, now: None)
    for name in ("_list", "_fetch", "_update"):
        _act(works, name, lambda act, *arguments: act(*arguments[:-1], 0.0))


@breaks("repeated-item-stored", "CAT-06")
def _(works: Works) -> None:
    """An A with the LOC of an item that is still there is stored."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        older = (_ITEMS.c.loc == request.scalar("LOC"),)
        number = _ITEMS.c.id
        rows = {"loc": _ITEMS.c.loc.concat("#")}
        kept = [found.id for found in connection.execute(select(number).where(*older))]
        connection.execute(update(_ITEMS).where(*older).values(rows))
        try:
            return act(self, connection, request, *rest)  # type: ignore[no-any-return]
        finally:
            connection.execute(update(_ITEMS).where(number.in_(kept)).values(rows))

    _act(works, "_add", around)


@breaks("file-before-repetition", "CAT-06")
def _(works: Works) -> None:
    """The file of an A is looked for before it is found to be a repetition."""

    def around(
        act: Any, self: Any, connection: Any, request: Any, customer: Any, now: float
    ) -> Outcome:
        inbox._user(connection, request, customer)
        self._check_files(request, request.scalar("LOC"))
        return act(self, connection, request, customer, now)  # type: ignore[no-any-return]

    _act(works, "_add", around)


@breaks("what-ignored", "CAT-06")
def _(works: Works) -> None:
    """F sends the file of the item also where metadata are asked for."""

    def around(act: Any, self: Any, connection: Any, request: Any, *rest: Any) -> Outcome:
        return act(self, connection, _Changed(request, WHAT=None), *rest)  # type: ignore[no-any-return]

    _act(works, "_fetch", around)


@breaks("metadata-of-news-is-5104", "CAT-06")
def _(works: Works) -> None:
    """Metadata of an item that has none are 5104 rather than 5108."""
    works.exchange(inbox, "NO_METADATA", lambda _: NO_FILE)


@breaks("lost-file-is-5100", "CAT-06")
def _(works: Works) -> None:
    """F of an item whose file is gone is 5100 rather than 5104."""
    works.exchange(inbox, "NO_FILE", lambda _: NO_RECORDS)


@breaks("fsize-as-announced", "CAT-06")
def _(works: Works) -> None:
    """FSIZE in the answer to F is that of the A."""

    def around(
        act: Any, self: Any, connection: Any, request: Any, customer: Any, now: float
    ) -> Outcome:
        outcome: Outcome = act(self, connection, request, customer, now)
        item = inbox._item(connection, request, customer, now)
        return replace(outcome, values={**outcome.values, "FSIZE": str(item.fsize)})

    _act(works, "_fetch", around)


@breaks("inbox-ids-begin-anew", "CAT-06")
def _(works: Works) -> None:
    """A new item has the greatest INBOXID that there is and one more."""

    def take(connection: Any) -> int:
        found = connection.execute(select(_ITEMS.c.id).order_by(_ITEMS.c.id.desc())).first()
        return found.id + 1 if found else 1

    works.exchange(inbox, "_take_id", lambda _: take)
