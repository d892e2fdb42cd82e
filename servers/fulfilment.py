"""What fulfilling servers tell the Report Manager: ARDA and NRL (Appendices B and D)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from . import schema
from .backend import Outcome, Refused
from .report_work import WRONG_IDS, Work
from .store import next_id
from .user_reports import (
    ACKNOWLEDGED,
    COMPLETE,
    FAILED,
    FULFILLED,
    REFUSED,
    ReportRequest,
    UserReport,
    find_report,
    find_request,
    set_report,
    set_request,
)
from .values import text_of

NO_FILE = 6108
REPEATED = 6050
NOT_CREDIBLE = 6707


def take_acknowledgment(work: Work) -> Outcome:
    """ARDA: whether the server could make something of a request."""
    request, report = _request(work)
    if int(work.request.scalar("USERRPTID", str(report.id))) != report.id:
        raise Refused(NOT_CREDIBLE)
    error = work.number("ERROR")
    if request.state != FULFILLED:
        state = REFUSED if error else ACKNOWLEDGED
        set_request(work.connection, request.id, state=state, error=error)
        if error:
            set_report(work.connection, report.id, status=FAILED, status_time=work.now)
    return Outcome({"USERRPTID": str(report.id)})


def take_notification(work: Work) -> Outcome:
    """NRL: a report, or a file that says why there is none, lies in the Inbox's folder."""
    report = _asked_for(work) if work.request.scalar("REQUESTID") else None
    if report is None:
        work.check_customer()
    found = work.files.find(work.request.scalar("LOC"))
    if found is None:
        raise Refused(NO_FILE)
    if found.size != work.number("FSIZE"):
        raise Refused(NOT_CREDIBLE)
    connection = work.connection
    connection.execute(insert(schema.notified_reports).values(_row(work, report)))
    if report is None:
        return Outcome()
    set_request(connection, work.number("REQUESTID"), state=FULFILLED)
    set_report(connection, report.id, status=COMPLETE, status_time=work.now)
    return Outcome({"USERRPTID": str(report.id)})


def _request(work: Work) -> tuple[ReportRequest, UserReport]:
    """The request that the message names, and its report, kept from other writers."""
    number = work.number("REQUESTID")
    request = find_request(work.connection, number)
    report = find_report(work.connection, request.report, lock=True) if request else None
    # What was read before the lock may have changed, or be gone.
    request = find_request(work.connection, number) if report else None
    if request is None or report is None:
        raise Refused(NOT_CREDIBLE)
    return request, report


def _asked_for(work: Work) -> UserReport:
    """The report of an NRL's REQUESTID, if nothing speaks against it."""
    request, report = _request(work)
    notified = schema.notified_reports.c
    query = select(notified.id).where(notified.requestid == request.id)
    if work.connection.execute(query).first() is not None:
        raise Refused(REPEATED)
    own = {
        "USERID": report.userid,
        "ENTPID": report.entpid,
        "STDRPTID": str(report.template),
        "USERRPTID": str(report.id),
    }
    for name, value in own.items():
        sent = work.request.scalar(name, value)
        if (sent if name in ("USERID", "ENTPID") else str(int(sent))) != value:
            raise Refused(WRONG_IDS)
    return report


def _row(work: Work, report: UserReport | None) -> dict[str, Any]:
    """The notification, from which the report is brought into its user's Inbox."""
    request = work.request
    category = work.request.scalar("CATEGORY")
    if not category:
        template = work.reference.templates.get(work.number("STDRPTID"))
        category = template.datatype if template else "R"
    return {
        "id": next_id(work.connection, "NOTIFICATION"),
        "requestid": work.number("REQUESTID") if report else None,
        "userrptid": report.id if report else None,
        "stdrptid": work.number("STDRPTID"),
        "userid": request.scalar("USERID"),
        "entpid": request.scalar("ENTPID"),
        "type": text_of(work.request, "TYPE"),
        "category": category,
        "title": report.name if report else text_of(work.request, "REPORTTITLE"),
        "priority": request.scalar("PRIORITY"),
        "compress": request.scalar("COMPRESS"),
        "loc": request.scalar("LOC"),
        "fsize": work.number("FSIZE"),
        "presorted": request.scalar("PRESORTED"),
        "err": request.scalar("ERR", "0"),
        "total": text_of(work.request, "TOTAL"),
        "fulserver": request.scalar("FULSERVER"),
        "received": work.now,
    }
