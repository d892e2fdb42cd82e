"""GPL: the ten pick lists (Appendix A)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from . import schema
from .backend import Outcome, Refused
from .report_work import NO_RECORDS, Work

NO_LEVEL = ("NA", "NA")
LEVELS = {"PL_HIER": 3, "PL_GEO": 5}
"""Levels of a row of BILLING and of GEO, as the ARD example prints them."""

HierarchyRow = tuple[str, list[tuple[str, str]]]


def list_choices(work: Work) -> Outcome:
    """GPL, whichever list it asks for."""
    name = work.request.spec.variant
    rows = _LISTS[name](work, name)
    if not rows:
        raise Refused(NO_RECORDS)
    return Outcome({name: rows})


def hierarchy_rows(work: Work, name: str, entpid: str) -> list[HierarchyRow]:
    """The rows of an enterprise's hierarchy, every row with all levels."""
    levels = schema.hierarchy_levels.c
    query = (
        select(levels.position, levels.word, levels.code, levels.name)
        .where(levels.entpid == entpid, levels.list == name)
        .order_by(levels.position, levels.level)
    )
    rows: dict[int, HierarchyRow] = {}
    for found in work.connection.execute(query):
        _, pairs = rows.setdefault(found.position, (found.word, []))
        pairs.append((found.code, found.name))
    for _, pairs in rows.values():
        pairs += [NO_LEVEL] * (LEVELS[name] - len(pairs))
    return list(rows.values())


def _by_product(work: Work, name: str) -> list[tuple[str, str]]:
    """Lists that ask for IO, PRODUCT and DATACAT; rows for both go to either."""
    request = work.request
    io, datacat = request.scalar("IO"), request.scalar("DATACAT")
    return [
        (choice.code, choice.description)
        for choice in work.reference.choices
        if choice.list == name
        and choice.product == request.scalar("PRODUCT")
        and choice.io in (io, "B")
        and (datacat == "B" or choice.datacat in (datacat, "B"))
    ]


def _whole(work: Work, name: str) -> list[tuple[str, str]]:
    return [
        (choice.code, choice.description)
        for choice in work.reference.choices
        if choice.list == name
    ]


def _durations(work: Work, name: str) -> list[tuple[str]]:
    return [(code,) for code, _ in _whole(work, name)]


def _time_zones(work: Work, name: str) -> list[tuple[str, str]]:
    zones = sorted(work.reference.time_zones.values(), key=lambda one: (len(one.code), one.code))
    return [(zone.code, zone.description) for zone in zones]


def _fields(work: Work, name: str) -> list[tuple[str, str, str, str]]:
    columns = [work.reference.columns[one] for one in work.template("RPTTMPID").columns]
    return [
        (str(column.id), column.label, str(int(column.hideable)), str(int(column.sortable)))
        for column in columns
    ]


def _hierarchy(work: Work, name: str) -> list[HierarchyRow]:
    return hierarchy_rows(work, name, work.own_report("USERRPTID").entpid)


_LISTS: dict[str, Callable[[Work, str], list[Any]]] = {
    "PL_ACCESS": _by_product,
    "PL_RANGE": _by_product,
    "PL_USAGE": _by_product,
    "PL_FIELDS": _fields,
    "PL_DURATION": _durations,
    "PL_TIMEZONE": _time_zones,
    "PL_HIER": _hierarchy,
    "PL_GEO": _hierarchy,
    "PL_LANG": _whole,
    "PL_CURR": _whole,
}
