"""Reports that users defined, and the requests made from them, as the store keeps them.

Whoever changes a report or one of its requests locks the report first. So two that change the same
one come after each other, and no two can wait for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select, update

from . import schema
from .store import next_id

SAVED = "S"
REQUESTED = "R"
COMPLETE = "C"
FAILED = "F"
"""The status of a report; the text names C alone."""

WAITING = "waiting"
PUBLISHED = "published"
ACKNOWLEDGED = "acknowledged"
REFUSED = "refused"
FULFILLED = "fulfilled"
"""The state of a request: due, sent, its ARDA 0 or not 0, its NRL there."""

_REPORTS = schema.user_reports
_PARAMETERS = schema.user_report_parameters
_DATES = schema.user_report_dates
_REQUESTS = schema.requests

# Made once: to make a statement costs more than SQLite needs for it.
_NUMBER: BindParameter[int] = bindparam("number")
_FOUND = select(_REPORTS).where(_REPORTS.c.id == _NUMBER)
_LOCKED = _FOUND.with_for_update()
_PARAMETERS_OF = select(_PARAMETERS.c.name, _PARAMETERS.c.value).where(
    _PARAMETERS.c.report == _NUMBER
)
_DATES_OF = (
    select(_DATES.c.start, _DATES.c.end)
    .where(_DATES.c.report == _NUMBER)
    .order_by(_DATES.c.position)
)
_ADDED = insert(_REPORTS)
_DELETED = delete(_REPORTS).where(_REPORTS.c.id == _NUMBER)


class UserReport(msgspec.Struct, frozen=True):
    """A report definition, with everything that its ARD said."""

    id: int
    userid: str
    entpid: str
    template: int
    product: str
    name: str
    category: str
    active: str
    schedule: str
    status: str
    status_time: float
    created: float
    parameters: Mapping[str, str]
    """All others of the ARD that had a value, by canonical name, as sent; TIMEZONE always."""
    dates: Sequence[tuple[str, str]] = ()
    """START and END, YYYYMMDDhhmm in the report's own time zone."""


class ReportRequest(msgspec.Struct, frozen=True):
    """A request for one run of a report."""

    id: int
    report: int
    state: str
    due: float
    created: float
    error: int | None


def find_report(connection: Connection, number: int, *, lock: bool = False) -> UserReport | None:
    """The report with that USERRPTID; `lock` keeps other writers from it."""
    one = {"number": number}
    found = connection.execute(_LOCKED if lock else _FOUND, one).mappings().one_or_none()
    if found is None:
        return None
    return UserReport(
        **found,
        parameters={row.name: row.value for row in connection.execute(_PARAMETERS_OF, one)},
        dates=[(row.start, row.end) for row in connection.execute(_DATES_OF, one)],
    )


def add_report(connection: Connection, report: UserReport) -> None:
    """Store a definition whose id was just taken."""
    row = msgspec.structs.asdict(report)
    parameters, dates = row.pop("parameters"), row.pop("dates")
    connection.execute(_ADDED, row)
    rows = [
        {"report": report.id, "name": name, "value": value} for name, value in parameters.items()
    ]
    connection.execute(insert(_PARAMETERS), rows)
    if dates:
        pairs = [
            {"report": report.id, "position": position, "start": start, "end": end}
            for position, (start, end) in enumerate(dates)
        ]
        connection.execute(insert(_DATES), pairs)


def delete_report(connection: Connection, number: int) -> None:
    """Delete a definition with its requests. What was delivered from it stays."""
    connection.execute(_DELETED, {"number": number})


def set_report(connection: Connection, number: int, **values: str | float) -> None:
    """Change columns of a definition."""
    connection.execute(update(_REPORTS).where(_REPORTS.c.id == number).values(values))


def add_request(connection: Connection, report: int, due: float, now: float) -> int:
    """Ask for a run of a report at `due`; gives its REQUESTID. Raises IdsExhausted."""
    number = next_id(connection, "REQUESTID")
    row = {"id": number, "report": report, "state": WAITING, "due": due, "created": now}
    connection.execute(insert(_REQUESTS).values(row))
    return number


def drop_waiting_requests(connection: Connection, report: int) -> None:
    """Forget the runs of a report that no fulfilling server has been told of."""
    waiting = (_REQUESTS.c.report == report) & (_REQUESTS.c.state == WAITING)
    connection.execute(delete(_REQUESTS).where(waiting))


def find_request(connection: Connection, number: int) -> ReportRequest | None:
    """The request with that REQUESTID."""
    query = select(_REQUESTS).where(_REQUESTS.c.id == number)
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else ReportRequest(**found)


def set_request(connection: Connection, number: int, **values: str | int) -> None:
    """Change columns of a request."""
    connection.execute(update(_REQUESTS).where(_REQUESTS.c.id == number).values(values))
