"""The journal: what crossed the ports, found and shown."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.servers.journal import Journal, Record

from .routing import Asked, Problem, route
from .shown import Showing, TransactionShown

WATCHED = tuple(name for name in DEFAULT_PORTS if name != "control")
HopName = Annotated[str, Meta(pattern=f"^({'|'.join(WATCHED)})$")]
Octets = Annotated[str, Meta(pattern="^[\\x00-\\xff]*$", max_length=1000)]
"""Text of the wire: one character for each octet."""


class TransactionQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which transactions; what is left out does not narrow."""

    hop: HopName | UnsetType = UNSET
    acronym: Octets | UnsetType = UNSET
    user: Octets | UnsetType = UNSET
    status: Annotated[int, Meta(ge=0, le=65_535)] | UnsetType = UNSET
    code: Annotated[str, Meta(pattern="^[0-9]{1,5}$")] | UnsetType = UNSET
    transaction: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    text: Octets | UnsetType = UNSET
    """What stands in the request or the reply, whatever the case of its letters."""
    since: Annotated[int, Meta(ge=0, le=2**63 - 1)] | UnsetType = UNSET
    """Those behind this id, the oldest first; without it the newest, these too the oldest first."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    detail: Literal["summary", "full"] = "summary"


class TransactionList(Struct, frozen=True):
    """Transactions by their id, the oldest first."""

    first: int
    """The oldest id that is still kept; a `since` below the one before it has missed some."""
    last: int
    """The newest id that there ever was."""
    transactions: list[TransactionShown]


class TransactionDesk:
    """Shows the journal of this process."""

    def __init__(self, journal: Journal, showing: Showing) -> None:
        self._journal = journal
        self._showing = showing

    @route("GET", "/transactions", query=TransactionQuery, result=TransactionList)
    async def list_transactions(self, asked: Asked) -> TransactionList:
        """Transactions of the ports of this process, the newest that match."""
        query: TransactionQuery = asked.query
        from_oldest = query.since is not UNSET
        records = self._journal.oldest_first() if from_oldest else self._journal.newest_first()
        found: list[Record] = []
        for record in records:
            if len(found) == query.limit:
                break
            if self._matches(query, record):
                found.append(record)
        if not from_oldest:
            found.reverse()
        show = self._showing.whole if query.detail == "full" else self._showing.summary
        shown = [show(record) for record in found]
        return TransactionList(self._journal.first, self._journal.last, shown)

    @route("GET", "/transactions/<int:id>", result=TransactionShown, others={404: None})
    async def show_transaction(self, asked: Asked) -> TransactionShown:
        """One transaction at one port, with its octets, headers and tree."""
        record = self._journal.find(asked.path["id"])
        if record is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not in the journal, or no longer", "id")
        return self._showing.whole(record)

    @route("DELETE", "/transactions", status=HTTPStatus.NO_CONTENT)
    async def forget_transactions(self, asked: Asked) -> None:
        """Empty the journal; ids go on."""
        self._journal.clear()

    def _matches(self, query: TransactionQuery, record: Record) -> bool:
        """What costs nothing is looked at first."""
        since = query.since
        if since is not UNSET and record.number <= since:
            return False
        for wanted, has in (
            (query.hop, record.hop),
            (query.status, record.status),
            (query.code, record.code),
            (query.transaction, record.transaction),
        ):
            if wanted is not UNSET and wanted != has:
                return False
        if query.acronym is not UNSET or query.user is not UNSET:
            told = self._showing.summary(record)
            if query.acronym not in (UNSET, told.acronym) or query.user not in (UNSET, told.user):
                return False
        if query.text is UNSET:
            return True
        wanted_text = query.text.lower()
        return any(wanted_text in text.lower() for text in self._showing.texts(record))
