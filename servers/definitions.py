"""What users change: ARD, DRD, CRD and URS (Appendix A, CAT-07)."""

from __future__ import annotations

import msgspec

from starwire.grammar import strip

from .backend import Outcome, Refused
from .identity import is_user
from .reference import Template
from .report_work import NO_RECORDS, WRONG_IDS, Work
from .scheduling import AD_HOC, next_due
from .store import IdsExhausted, next_id
from .user_reports import (
    REQUESTED,
    SAVED,
    UserReport,
    add_report,
    add_request,
    delete_report,
    drop_waiting_requests,
    set_report,
)
from .values import members_of, text_of

WRONG_PARAMETER = 6103
NO_ID = 6107
NO_SERVER = 6116

_ACTIVE = "1"
_OWN_PLACE = {
    "USERID",
    "ENTPID",
    "STDRPTID",
    "NAME",
    "PRODUCT",
    "CATEGORY",
    "SCHEDULE",
    "ACTIVE",
    "THRESHOLD",
}
"""Parameters of an ARD that the store keeps elsewhere than among the report's parameters."""


def add_definition(work: Work) -> Outcome:
    """ARD: store the definition; if it is scheduled and active, ask for its first run too."""
    customer = work.check_customer()
    request = work.request
    template = work.reference.templates.get(work.number("STDRPTID"))
    if template is None or request.scalar("PRODUCT") not in template.products:
        raise Refused(WRONG_IDS)
    if template.server not in work.servers:
        raise Refused(NO_SERVER)
    parameters = _parameters(work)
    _check_columns(parameters, template)
    schedule = request.scalar("SCHEDULE")
    active = request.scalar("ACTIVE", "0")
    report = UserReport(
        id=_take_report_id(work),
        userid=customer.userid,
        entpid=customer.entpid,
        template=template.id,
        product=request.scalar("PRODUCT"),
        name=text_of(work.request, "NAME"),
        category=text_of(work.request, "CATEGORY"),
        active=active,
        schedule=schedule,
        status=REQUESTED if schedule and active == _ACTIVE else SAVED,
        status_time=work.now,
        created=work.now,
        parameters=parameters,
        dates=_dates(work) if schedule == AD_HOC else (),
    )
    add_report(work.connection, report)
    if report.status == REQUESTED:
        _ask_for_run(work, report)
    return Outcome({"USERRPTID": str(report.id)})


def delete_definition(work: Work) -> Outcome:
    """DRD: delete a user's report."""
    userid = work.request.scalar("USERID")
    if work.customer is None:
        if not is_user(work.connection, userid):
            raise Refused(WRONG_IDS)
    elif work.customer.userid != userid:
        raise Refused(WRONG_IDS)
    report = work.own_report("USERRPTID", lock=True)
    if report.userid != userid:
        raise Refused(NO_RECORDS)
    delete_report(work.connection, report.id)
    return Outcome({"USERRPTID": str(report.id)})


def copy_definition(work: Work) -> Outcome:
    """CRD: a definition like another under a new id and name, stored only."""
    copied = work.own_report("USERRPTID", lock=True)
    report = msgspec.structs.replace(
        copied,
        id=_take_report_id(work),
        name=text_of(work.request, "NAME"),
        active="0",
        status=SAVED,
        status_time=work.now,
        created=work.now,
    )
    add_report(work.connection, report)
    return Outcome({"USERRPTID": str(report.id)})


def set_active(work: Work) -> Outcome:
    """URS: schedule a report, or take it off the schedule. A run under way goes on."""
    report = work.own_report("USERRPTID", lock=True)
    active = work.request.scalar("ACTIVE")
    if active != report.active:
        set_report(work.connection, report.id, active=active)
        if active != _ACTIVE:
            drop_waiting_requests(work.connection, report.id)
        elif report.schedule:
            _ask_for_run(work, report)
            set_report(work.connection, report.id, status=REQUESTED, status_time=work.now)
    return Outcome({"USERRPTID": str(report.id)})


def _take_report_id(work: Work) -> int:
    try:
        return next_id(work.connection, "USERRPTID")
    except IdsExhausted:
        raise Refused(NO_ID) from None


def _ask_for_run(work: Work, report: UserReport) -> None:
    zone = work.reference.time_zones[report.parameters["TIMEZONE"]]
    due = next_due(report.schedule, work.now, zone.offset)
    try:
        add_request(work.connection, report.id, due, work.now)
    except IdsExhausted:
        raise Refused(NO_ID) from None


def _parameters(work: Work) -> dict[str, str]:
    """Everything that the ARD says and that has no place of its own, as sent."""
    readings = [work.request.reading, *work.request.groups("THRESHOLD")]
    parameters = {}
    for reading in readings:
        for name, values in reading.values.items():
            if name not in _OWN_PLACE and not values[0].is_empty:
                parameters[name] = strip(values[0].text)
    return parameters


def _check_columns(parameters: dict[str, str], template: Template) -> None:
    """COLUMNS, SORTBY and SUBTOTCOL name columns of the template."""
    known = set(map(str, template.columns))
    for name in ("COLUMNS", "SORTBY", "SUBTOTCOL"):
        for column in members_of(parameters.get(name, "")):
            if column.rstrip("AD") not in known:
                raise Refused(WRONG_PARAMETER)


def _dates(work: Work) -> list[tuple[str, str]]:
    return [
        (strip(start.text), strip(end.text))
        for schedule in work.request.groups("SCHEDULE")
        for start, end in zip(schedule.getall("START"), schedule.getall("END"), strict=True)
    ]
