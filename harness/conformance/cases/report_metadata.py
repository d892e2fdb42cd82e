"""What METADATA says of a report, octet for octet (CAT-08)."""

from __future__ import annotations

import re

from .. import mutating
from ..case import case
from ..expecting import Expectation, satisfies
from ..peer import Peer

_HERE = ("rm-native",)
_SOH = "\x01"
_DESCRIBED = ("IACCESS", "OACCESS", "IDISTRANGE", "ODISTRANGE", "IUSAGE", "OUSAGE")
"""Filters that are shown in the words of the target's own pick lists."""
_RESTS = "CAT-07 SYN-01 SYN-02 SYN-03 SYN-05 SYN-08 SYN-13"
"""What the report was made of was taken as it was sent."""
_COLUMN = (
    r"METACOLUMN=<META_COLUMN_ID={}\x01COLUMN_LABEL=[^<>,\x01]+\x01DATATYPE=[SCINDL]\x01"
    r"DECIMAL=\d*\x01HIDEABLE=[01]\x01GRAPHABLE=[01]\x01WIDTH=\d+\x01"
    r"CALCULATE=(?:0\x01CALCULATE_EXPRESSION=|1\x01CALCULATE_EXPRESSION=<[^<>]+>)>"
)
"""A column whose expression is empty unless the viewer calculates it."""


def _metadata(peer: Peer, request: str, *expected: Expectation, **values: str | None) -> str:
    """The metadata of a new report, made by a good ARD with these values; None leaves one out."""
    form = peer.grounds.form(request)
    for name, value in values.items():
        if value is None:
            form = mutating.without(form, (name,))
        else:
            form = mutating.with_value(form, (name,), value)
    text = peer.grounds.filled(form).decode("latin-1")
    report = peer.grounds.made(peer.place, text, "USERRPTID")
    draft = peer.request(f"METADATA<USERRPTID={report}>".encode())
    return peer.ask(draft, *expected).data.decode("latin-1")


def _holds(text: str) -> Expectation:
    """Data in which those octets stand."""
    return _like(re.escape(text))


def _like(pattern: str) -> Expectation:
    """Data in which something of that pattern stands."""
    wanted = re.compile(pattern.encode("latin-1"), re.DOTALL)
    words = f"metadata with {pattern!r}"
    return satisfies(words, lambda reply: wanted.search(reply.data) is not None, "data")


def _fields(*fields: str) -> str:
    return _SOH.join(fields)


@case("metadata.criteria", rules="CAT-08", places=_HERE, rests=_RESTS)
def criteria(peer: Peer) -> None:
    """CRITERIA have the names of Appendix F, spelled and ordered as there, 0x01 between them and in
    their lists, and nothing behind their group."""
    name = f"Report {peer.grounds.unique()}"
    start = _fields(
        f"<METADATA=<CRITERIA=<Name={name}",
        "Description=Made by a check",
        "Report_Level=<INBOUND<<90000003",
        "SMITH><NA",
        "NA>>>",
        "Options=",
        "Card_Number=<1234",
        "5678>",
        "ID/Accounting_Codes=<5678>",
        "Scheduling_Information=",
        "One_Time=",
        "Dates=<06/02/1998 00:00/~07/15/1998 12:00>",
        "Time_zone=",
    )
    end = _fields("", "Lang=ENG", "Curr=USD>DEFAULT_GRAPH_MODE=")
    values: dict[str, str | None] = dict.fromkeys(_DESCRIBED)
    values |= {"CARDNO": "<1234~5678>", "BILLING": "INBOUND<<90000003,SMITH><NA,NA>>"}
    got = _metadata(peer, "ARD/whole", NAME=name, **values)
    zone = got.removeprefix(start).partition(_SOH)[0]
    peer.must(got.startswith(start + zone + end), repr(start + "EST" + end), repr(got[:600]))
    peer.must(bool(re.fullmatch("[^<>,=]+", zone)), "the label of a time zone", repr(zone))


@case("metadata.dates", rules="CAT-08", places=_HERE, rests=_RESTS)
def dates(peer: Peer) -> None:
    """Dates have a member for each range of an ad hoc report, else they say how often it recurs, or
    that it is not scheduled."""
    ranges = "A<START=199806020000,END=199806030159,START=199807010000,END=199807151200>"
    told = _fields(
        *("One_Time=", "Dates=<06/02/1998 00:00/~06/03/1998 01:59"),
        "07/01/1998 00:00/~07/15/1998 12:00>",
        "",
    )
    _metadata(peer, "ARD/whole", _holds(told), SCHEDULE=ranges)
    recurring = {"D": "Daily", "W": "Weekly", "M": "Monthly"}
    for schedule, word in recurring.items():
        told = _fields("", "Recurring=", f"Dates={word}", "Time_zone=")
        _metadata(peer, "ARD", _holds(told), SCHEDULE=schedule)
    told = _fields("", "Recurring=", "Dates=Not scheduled", "Time_zone=")
    _metadata(peer, "ARD", _holds(told))


@case("metadata.columns", rules="CAT-08 SYN-13", places=_HERE, rests=_RESTS)
def columns(peer: Peer) -> None:
    """Columns are told in the order of display, and in that of the template; each is described in
    the order of display, with an empty expression where nothing is calculated."""
    wanted = _fields(
        *("", "COLUMN_DISPLAY_ORDER=<55", "54>", "COLUMN_STORED_ORDER=<54", "55>"),
        *("SORT_ALLOWED=[01]", "PRESORTED=[01]", "TOTALMODE=0", "SORT_COLUMNS=<54A>", ""),
    )
    values = {"COLUMNS": "<55~54>", "SORTBY": "<54A>"}
    got = _metadata(peer, "ARD", _like(wanted), **values)
    described = _COLUMN.format(55) + _SOH + _COLUMN.format(54)
    last = got.rpartition("SELECTED_SECTION=")[2]
    whole = re.fullmatch(rf"[01]\x01{described}>>", last)
    peer.must(whole is not None, "the columns 55 and 54, and nothing behind them", repr(last))


@case("metadata.subtotals", rules="CAT-08", places=_HERE, rests=_RESTS)
def subtotals(peer: Peer) -> None:
    """SUBTOTCOL and SELECTED_SECTION are written with TOTALMODE 1 and 3 only."""
    without = _fields(
        "TOTALMODE={}", "(SORT_COLUMNS=[^=]*)?(SUBTOTCOL=<>", ")?(SELECTED_SECTION=0", ")?META"
    )
    written = _fields(
        *("TOTALMODE={}", "(SORT_COLUMNS=[^=]*)?SUBTOTCOL=<54>", "SELECTED_SECTION=1", "META")
    )
    for mode, wanted in (("0", without), ("1", written), ("2", without), ("3", written)):
        _metadata(peer, "ARD", _like(wanted.format(mode)), TOTALMODE=mode, SUBTOTCOL="<54>")


@case("metadata.texts", rules="CAT-08", places=_HERE, rests=_RESTS)
def commas_in_texts(peer: Peer) -> None:
    """A comma in a text is written as a blank."""
    told = _fields("<METADATA=<CRITERIA=<Name=One  two", "Description=three  four", "")
    _metadata(peer, "ARD", _holds(told), NAME="One, two", DESCRIPTION="three, four")
