"""What there is: GRTL, GRTD, GURL and GURD (Appendix A)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import bindparam, select

from starwire.grammar import Block, Content
from starwire.protocol.messages import content_of, member

from . import schema
from .backend import Outcome, Refused
from .reference import Control, Node, Template
from .report_work import NO_RECORDS, Work
from .scheduling import stamp
from .user_reports import UserReport
from .values import members_of, value_of

_HIERARCHIES = ("BILLING", "GEO")
_TEXTS = ("NAME", "DESCRIPTION", "CATEGORY", "MMADDR", "MMTEXT", "PGT", "PGTXT")

_REPORTS = schema.user_reports.c
_USER_REPORTS = (
    select(_REPORTS.id, _REPORTS.name, _REPORTS.category, _REPORTS.active, _REPORTS.status_time)
    .where(
        _REPORTS.userid == bindparam("user"),
        _REPORTS.entpid == bindparam("enterprise"),
        _REPORTS.template == bindparam("template"),
        _REPORTS.product == bindparam("product"),
    )
    .order_by(_REPORTS.id)
)

Rows = list[tuple[str, list[tuple[str, ...]]]]


def list_templates(work: Work) -> Outcome:
    """GRTL: titles and ids of the standard reports, by category."""
    request = work.request
    product, datatype = request.scalar("PRODUCT"), request.scalar("DATATYPE")
    datacat, io = request.scalar("DATACAT"), request.scalar("IO")
    rows: dict[str, list[tuple[str, ...]]] = {}
    for template in sorted(work.reference.templates.values(), key=lambda one: one.id):
        if (
            product in template.products
            and datatype in ("A", template.datatype)
            and datacat == template.datacat
            and _meets(io, template.products[product])
        ):
            category = work.reference.categories[template.category]
            row = (template.title, str(template.id), template.datatype)
            rows.setdefault(category, []).append(row)
    order = list(work.reference.categories.values())
    return _reports(sorted(rows.items(), key=lambda item: order.index(item[0])))


def list_user_reports(work: Work) -> Outcome:
    """GURL: a user's reports made from one template, by the category that the user gave them."""
    customer = work.check_customer()
    template = work.template("RPTTMPID")
    if template.datacat != work.request.scalar("DATACAT"):
        raise Refused(NO_RECORDS)
    wanted = {
        "user": customer.userid,
        "enterprise": customer.entpid,
        "template": template.id,
        "product": work.request.scalar("PRODUCT"),
    }
    rows: dict[str, list[tuple[str, ...]]] = {}
    for found in work.connection.execute(_USER_REPORTS, wanted):
        row = (
            found.name,
            str(found.id),
            found.active,
            template.datatype,
            stamp(found.status_time),
        )
        rows.setdefault(found.category, []).append(row)
    return _reports(list(rows.items()))


def show_template(work: Work) -> Outcome:
    """GRTD: the report builder's screens, with the values that the template sets."""
    template = work.template("REPORTID")
    known = {
        "STDRPTID": str(template.id),
        "CATEGORY": work.reference.categories[template.category],
    }
    return _tree(work, template, lambda name: known.get(name) or template.default(name))


def show_user_report(work: Work) -> Outcome:
    """GURD: the same screens, with the values of a user's report."""
    report = work.own_report("REPORTID")
    template = work.reference.templates[report.template]
    return _tree(work, template, lambda name: _setting(report, template, name))


def _meets(asked: str, direction: str) -> bool:
    """Whether one of the two is both directions, or they are the same."""
    return asked == direction or "B" in (asked, direction)


def _reports(rows: Rows) -> Outcome:
    if not rows:
        raise Refused(NO_RECORDS)
    return Outcome({"REPORTS": rows})


def _tree(work: Work, template: Template, setting: Callable[[str], str]) -> Outcome:
    nodes = [_node(node, setting) for node in work.reference.trees[template.tree]]
    return Outcome({"ID": str(template.id), "NODE": nodes})


def _node(node: Node, setting: Callable[[str], str]) -> Block:
    controls = [_control(control, setting(control.name)) for control in node.controls]
    return Block(str(node.level), member(node.label), str(node.screen), *controls)


def _control(control: Control, stored: str) -> Block:
    return Block(control.name, _shown(control.name, stored), control.location)


def _shown(name: str, stored: str) -> Content:
    """A hierarchy stays one; of a list the members stand with blanks between them (CAT-05)."""
    if name in _HIERARCHIES and stored:
        return content_of(value_of(stored))
    if name in _TEXTS:
        return member(stored)
    return member(" ".join(members_of(stored)))


def _setting(report: UserReport, template: Template, name: str) -> str:
    """What a report says of a parameter, or its template for it."""
    if name in ("START", "END"):
        return "~".join(pair[name == "END"] for pair in report.dates)
    own = {
        "USERRPTID": str(report.id),
        "STDRPTID": str(report.template),
        "PRODUCT": report.product,
        "CATEGORY": report.category,
        "NAME": report.name,
        "ACTIVE": report.active,
        "SCHEDULE": report.schedule,
        "STATUS": report.status,
        "STATUSDATE": stamp(report.status_time),
    }
    if name in own:
        return own[name]
    return report.parameters.get(name) or template.default(name)
