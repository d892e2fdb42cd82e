"""The description of a report that travels with its data (Appendix F, CAT-08)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from starwire.grammar import Block, Content
from starwire.protocol.forms import hierarchy_of
from starwire.protocol.messages import build_message, member

from . import schema
from .backend import Outcome, Values
from .reference import Reference, ReportColumn, Template
from .report_work import Work
from .scheduling import AD_HOC
from .user_reports import UserReport, find_report
from .values import members_of, value_of

SEPARATOR = "\x01"
"""CAT-08: the only one, in lists too."""

_DESCRIPTION_OCTETS = 100
_TVS_TOTAL = "Totals are located at the bottom of the report."
_RECURRING = {"H": "Hourly", "D": "Daily", "W": "Weekly", "M": "Monthly"}
_DIRECTIONS = {"I": "Inbound_", "O": "Outbound_", "B": ""}
_LISTS = {
    "Access_Type": ("PL_ACCESS", ("IACCESS", "OACCESS")),
    "Card_Number": (None, ("CARDNO",)),
    "ID/Accounting_Codes": (None, ("IDAC",)),
    "Number_Dialed": (None, ("NDIALED",)),
    "Range": ("PL_RANGE", ("IDISTRANGE", "ODISTRANGE")),
    "Usage": ("PL_USAGE", ("IUSAGE", "OUSAGE")),
}
"""Criteria that are lists: the pick list whose words they show, the filters that fill them."""


class Run(msgspec.Struct, frozen=True):
    """What a fulfilling server's NRL says of the data."""

    presorted: str = "0"
    total: str = ""


def get_metadata(work: Work) -> Outcome:
    """METADATA: the description of a user's report and of its latest run."""
    report = work.own_report("USERRPTID")
    return Outcome(describe(report, work.reference, latest_run(work.connection, report.id)))


def report_metadata(connection: Connection, reference: Reference, number: int) -> bytes:
    """The .mtd file of a user's report."""
    report = find_report(connection, number)
    if report is None:
        raise KeyError(number)
    values = describe(report, reference, latest_run(connection, number))
    return build_message("METADATA", values, direction="response")


def latest_run(connection: Connection, number: int) -> Run:
    """What the latest NRL for a report said."""
    notified = schema.notified_reports.c
    query = (
        select(notified.presorted, notified.total)
        .where(notified.userrptid == number)
        .order_by(notified.id.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return Run() if found is None else Run(found.presorted, found.total)


def describe(report: UserReport, reference: Reference, run: Run) -> Values:
    """The metadata of a report, for the builder of messages."""
    template = reference.templates[report.template]
    shown = _ids(report, template, "COLUMNS")
    x_axis = str(template.x_axis) if template.x_axis and str(template.x_axis) in shown else ""
    total_mode = report.parameters.get("TOTALMODE") or template.default("TOTALMODE")
    subtotals = _ids(report, template, "SUBTOTCOL") if total_mode in ("1", "3") else []
    return {
        "METADATA": {
            "CRITERIA": _criteria(report, reference, template, run),
            "DEFAULT_GRAPH_MODE": str(template.graph_mode),
            "DEFAULT_GRAPH_TYPE": str(template.graph_type),
            "DEFINE_X_AXIS": "1" if x_axis else "0",
            "X_AXIS_COLUMN": x_axis,
            "DEFAULT_Y_COLUMN": _list(one for one in template.y_columns.split("~") if one in shown),
            "COLUMN_DISPLAY_ORDER": _list(shown),
            # The order of the data: the template's, of what the report has.
            "COLUMN_STORED_ORDER": _list(one for one in map(str, template.columns) if one in shown),
            "SORT_ALLOWED": "1",
            "PRESORTED": run.presorted,
            "TOTALMODE": total_mode,
            "SORT_COLUMNS": _list(_ids(report, template, "SORTBY")),
            "SUBTOTCOL": _list(subtotals),
            "SELECTED_SECTION": "1" if subtotals else "0",
            "METACOLUMN": [_column(reference.columns[int(one)]) for one in shown],
        }
    }


def _ids(report: UserReport, template: Template, name: str) -> list[str]:
    return members_of(report.parameters.get(name) or template.default(name))


def _list(members: Iterable[str]) -> Block:
    return Block(*members, separator=SEPARATOR)


def _column(column: ReportColumn) -> Values:
    calculated = Block(column.expression, separator=SEPARATOR) if column.expression else ""
    return {
        "META_COLUMN_ID": str(column.id),
        "COLUMN_LABEL": column.label,
        "DATATYPE": column.datatype,
        "DECIMAL": str(column.decimals),
        "HIDEABLE": str(int(column.hideable)),
        "GRAPHABLE": str(int(column.graphable)),
        "WIDTH": str(column.width),
        "CALCULATE": "1" if column.expression else "0",
        "CALCULATE_EXPRESSION": calculated,
    }


# ---------------------------------------------------------------------------------------- criteria


def _criteria(
    report: UserReport, reference: Reference, template: Template, run: Run
) -> dict[str, Any]:
    parameters = report.parameters
    values: dict[str, Any] = {"Name": report.name}
    values |= _totals(report, reference, template, run)
    if template.server == "TVS":
        values["Total"] = _TVS_TOTAL
    description = parameters.get("DESCRIPTION") or template.default("DESCRIPTION")
    values["Description"] = description[:_DESCRIPTION_OCTETS]
    values["Report_Level"] = _level(parameters.get("BILLING", ""))
    values["Options"] = ""
    for name, (pick_list, filters) in _LISTS.items():
        codes = [code for one in filters for code in members_of(parameters.get(one, ""))]
        if codes:
            names = _names(reference, pick_list, report.product) if pick_list else {}
            values[name] = _list(member(names.get(code, code)) for code in codes)
    values["Scheduling_Information"] = ""
    values |= _dates(report)
    values["Time_zone"] = reference.time_zones[parameters["TIMEZONE"]].label
    for name, parameter in (("Lang", "LANG"), ("Curr", "CURR")):
        if parameter in parameters:
            values[name] = parameters[parameter]
    return values


def _totals(
    report: UserReport, reference: Reference, template: Template, run: Run
) -> dict[str, Content]:
    """Column id and total of each measure, as the NRL's TOTAL gave them."""
    direction = _DIRECTIONS[template.products[report.product]]
    totals: dict[str, Content] = {}
    for group in value_of(run.total).groups if run.total else ():
        for place in group.positional:
            for pair in place.groups:
                number, amount = (one.scalar for one in pair.positional)
                column = reference.columns.get(int(number))
                if column is not None and column.total:
                    totals[f"Total_{direction}{column.total}"] = _list((number, amount))
    return totals


def _level(billing: str) -> Content:
    """The billing hierarchy that was chosen, in one group."""
    parts: list[str | Block] = []
    for word, levels in hierarchy_of(value_of(billing)) or () if billing else ():
        row = Block([_list((member(code), member(name))) for code, name in levels])
        parts += [word, row] if word else [row]
    return Block(parts) if parts else "All Levels"


def _names(reference: Reference, pick_list: str, product: str) -> Mapping[str, str]:
    return {
        choice.code: choice.description
        for choice in reference.choices
        if choice.list == pick_list and choice.product == product
    }


def _dates(report: UserReport) -> dict[str, Content]:
    """Ranges of an ad hoc report, or how often the report recurs."""
    if report.schedule == AD_HOC:
        ranges = [f"{_date(start)}/~{_date(end)}" for start, end in report.dates]
        return {"One_Time": "", "Dates": _list(ranges)}
    once = report.parameters.get("SCHEDTYPE") == AD_HOC
    return {
        "One_Time" if once else "Recurring": "",
        "Dates": _RECURRING.get(report.schedule, "Not scheduled"),
    }


def _date(text: str) -> str:
    """YYYYMMDDhhmm as the metadata example writes it: MM/DD/YYYY hh:mm."""
    return f"{text[4:6]}/{text[6:8]}/{text[:4]} {text[8:10]}:{text[10:]}"
