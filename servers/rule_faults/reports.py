"""Identity, reports and their shapes: HDR-11, CAT-05, CAT-07, CAT-08."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from sqlalchemy import delete, select

from starwire.protocol.catalogue import MessageSpec

from .. import definitions, metadata, report_lists, report_manager, schema
from ..backend import Outcome, Refused
from ..customer import Customer
from ..report_work import NO_RECORDS, WRONG_IDS, Work
from ..user_reports import UserReport, delete_report, find_report, set_report
from .fault import breaks
from .messages import requests_changed
from .works import Works


def _act(works: Works, acronym: str, around: Callable[[Any, Work], Outcome]) -> None:
    """Let `around(act, work)` carry a message out."""

    def made(act: Any) -> Any:
        return lambda work: around(act, work)

    works.exchange(report_manager._ACTS, acronym, made)


# ---- HDR-11 --------------------------------------------------------------------------------------


@breaks("ids-of-another-user-taken", "HDR-11")
def _(works: Works) -> None:
    """The Report Manager does not compare the ids of a message with the session's."""

    def check(self: Work) -> Customer:
        return Customer(self.request.scalar("USERID"), self.request.scalar("ENTPID"))

    works.exchange(Work, "check_customer", lambda _: check)


@breaks("enterprise-of-message-unchecked", "HDR-11")
def _(works: Works) -> None:
    """The Report Manager compares the USERID of a message, not the ENTPID."""

    def made(check: Any) -> Any:
        def checked(self: Work) -> Customer:
            userid = self.request.scalar("USERID")
            if self.customer is None or userid != self.customer.userid:
                return check(self)  # type: ignore[no-any-return]
            return Customer(userid, self.request.scalar("ENTPID"))

        return checked

    works.exchange(Work, "check_customer", made)


@breaks("anybody-on-native-port", "HDR-11")
def _(works: Works) -> None:
    """On a native port the ids of a message need not be those of a customer."""

    def made(check: Any) -> Any:
        def checked(self: Work) -> Customer:
            if self.customer is None:
                return Customer(self.request.scalar("USERID"), self.request.scalar("ENTPID"))
            return check(self)  # type: ignore[no-any-return]

        return checked

    works.exchange(Work, "check_customer", made)


@breaks("report-of-another-shown", "HDR-11")
def _(works: Works) -> None:
    """Another customer's report is shown, copied and deleted."""
    works.exchange(Work, "_is_own", lambda _: lambda self, report: True)


@breaks("report-of-another-told", "HDR-11")
def _(works: Works) -> None:
    """Another customer's report is refused with 6115, one that there is not with 6109."""

    def made(own: Any) -> Any:
        def told(self: Work, name: str, *, lock: bool = False) -> UserReport:
            report = find_report(self.connection, self.number(name))
            if report is not None and not self._is_own(report):
                raise Refused(WRONG_IDS)
            return own(self, name, lock=lock)  # type: ignore[no-any-return]

        return told

    works.exchange(Work, "own_report", made)


@breaks("template-of-any-product", "HDR-11")
def _(works: Works) -> None:
    """An ARD may name a template that is not of its PRODUCT."""

    def around(act: Any, work: Work) -> Outcome:
        product = work.request.scalar("PRODUCT")
        known = {
            number: replace(one, products={**one.products, product: "B"})
            for number, one in work.reference.templates.items()
        }
        return act(replace(work, reference=replace(work.reference, templates=known)))  # type: ignore[no-any-return]

    _act(works, "ARD", around)


@breaks("ids-of-nrl-unchecked", "HDR-11")
def _(works: Works) -> None:
    """The ids of an NRL need not be those of its REQUESTID."""

    def around(act: Any, work: Work) -> Outcome:
        try:
            return act(work)  # type: ignore[no-any-return]
        except Refused as refused:
            if refused.code == WRONG_IDS and work.request.scalar("REQUESTID"):
                return Outcome()
            raise

    _act(works, "NRL", around)


@breaks("drd-of-any-owner", "HDR-11")
def _(works: Works) -> None:
    """On a native port DRD may name a user who is not the owner."""

    def around(act: Any, work: Work) -> Outcome:
        report = work.own_report("USERRPTID")
        work.connection.execute(
            delete(schema.user_reports).where(schema.user_reports.c.id == report.id)
        )
        return Outcome({"USERRPTID": str(report.id)})

    _act(works, "DRD", around)


# ---- CAT-05: the shapes of the answers -----------------------------------------------------------


def _answers(works: Works, acronym: bytes, pattern: bytes, instead: Any) -> None:
    """Change the answers that begin so."""
    found = re.compile(pattern)

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return found.sub(instead, answer) if answer.startswith(acronym) else answer

    works.responses(change)


@breaks("categories-in-a-group", "CAT-05")
def _(works: Works) -> None:
    """The categories of SRTL and SURL stand in a group."""
    _answers(works, b"S", rb"REPORTS=(.*)>\Z", rb"REPORTS=<\1>>")


@breaks("categories-back-to-back", "CAT-05")
def _(works: Works) -> None:
    """Nothing divides the categories of SRTL and SURL."""
    _answers(works, b"S", b">>,<", b">><")


@breaks("entries-divided-by-tildes", "CAT-05")
def _(works: Works) -> None:
    """The members of an entry of SRTL and SURL are divided by `~`."""

    def divided(found: Any) -> bytes:
        return b"<" + bytes(found[1]).replace(b",", b"~") + b">"

    _answers(works, b"S", b"<([^<>=]*)>", divided)


@breaks("id-before-title", "CAT-05")
def _(works: Works) -> None:
    """In an entry of SRTL the id stands before the title."""
    _answers(works, b"SRTL", b"<([^<>=,]*),([0-9]+),", rb"<\2,\1,")


@breaks("type-missing-in-entries", "CAT-05")
def _(works: Works) -> None:
    """The entries of SRTL have no data type."""
    _answers(works, b"SRTL", b"<([^<>=,]*,[0-9]+),[RD]>", rb"<\1>")


@breaks("status-date-without-time", "CAT-05")
def _(works: Works) -> None:
    """STATUSDATE in SURL has no time of day."""
    _answers(works, b"SURL", b",([0-9-]{10}) [0-9:]{5}>", rb",\1>")


@breaks("active-as-letter", "CAT-05")
def _(works: Works) -> None:
    """ACTIVE in SURL is Y or N."""

    def letter(found: Any) -> bytes:
        return bytes(found[1] + (b"Y" if found[2] == b"1" else b"N") + found[3])

    _answers(works, b"SURL", b"(<[^<>=,]*,[0-9]+,)([01])(,)", letter)


@breaks("category-of-template-in-surl", "CAT-05")
def _(works: Works) -> None:
    """SURL has the categories of the templates."""

    def around(act: Any, work: Work) -> Outcome:
        outcome: Outcome = act(work)
        category = work.reference.categories[work.template("RPTTMPID").category]
        rows = [row for _, found in outcome.values["REPORTS"] for row in found]
        return Outcome({"REPORTS": [(category, rows)]})

    _act(works, "GURL", around)


@breaks("no-rows-is-an-empty-list", "CAT-05", "ERR-03")
def _(works: Works) -> None:
    """A list without rows is success, with an empty REPORTS."""
    _answers(works, b"S", rb"\A(S[RU][TR]L)<ERROR=6109>", rb"\1<ERROR=0,REPORTS=<>>")


@breaks("first-node-is-0", "CAT-05")
def _(works: Works) -> None:
    """The nodes of SRTD and SURD are numbered from 0."""

    def less(found: Any) -> bytes:
        return b"NODE%d=" % (int(found[1]) - 1)

    _answers(works, b"S", b"NODE([0-9]+)=", less)


@breaks("lists-in-controls-with-tildes", "CAT-05")
def _(works: Works) -> None:
    """A list in a control stands with `~` between its members."""

    def made(shown: Any) -> Any:
        def told(name: str, stored: str) -> Any:
            text = shown(name, stored)
            return text.replace(" ", "\x02") if name == "COLUMNS" else text

        return told

    works.exchange(report_lists, "_shown", made)
    works.responses(lambda answer, octets, door: answer.replace(b"\x02", b"~"))


@breaks("id-of-report-in-surd", "CAT-05")
def _(works: Works) -> None:
    """ID in SURD is the id of the report."""

    def around(act: Any, work: Work) -> Outcome:
        outcome: Outcome = act(work)
        return Outcome({**outcome.values, "ID": work.request.scalar("REPORTID")})

    _act(works, "GURD", around)


@breaks("value-of-template-not-shown", "CAT-05")
def _(works: Works) -> None:
    """A control of SURD is empty where the report says nothing."""

    def setting(report: UserReport, template: Any, name: str) -> str:
        own = {"USERRPTID": str(report.id), "NAME": report.name, "STATUS": report.status}
        return own.get(name) or report.parameters.get(name, "")

    works.exchange(report_lists, "_setting", lambda _: setting)


@breaks("pick-list-rows-with-commas", "CAT-05")
def _(works: Works) -> None:
    """The members of a row of GPLA are divided by commas."""
    _answers(works, b"GPLA", b"~", b",")


@breaks("pick-list-rows-divided", "CAT-05")
def _(works: Works) -> None:
    """A comma stands between the rows of GPLA."""
    _answers(works, b"GPLA", b"><", b">,<")


@breaks("pick-list-rows-in-a-group", "CAT-05")
def _(works: Works) -> None:
    """The rows of GPLA stand in a group."""
    _answers(works, b"GPLA", rb"=(<[^=]*)>\Z", rb"=<\1>>")


@breaks("rows-of-either-direction-missing", "CAT-05")
def _(works: Works) -> None:
    """A pick list has no rows that are for both directions."""

    def around(act: Any, work: Work) -> Outcome:
        own = tuple(one for one in work.reference.choices if one.io != "B")
        return act(replace(work, reference=replace(work.reference, choices=own)))  # type: ignore[no-any-return]

    _act(works, "GPL", around)


@breaks("hierarchy-without-open-levels", "CAT-05")
def _(works: Works) -> None:
    """A row of PL_HIER has the levels only that are chosen."""
    _answers(works, b"GPLA", b"<NA,NA>", b"")


# ---- CAT-07: report definitions ------------------------------------------------------------------


@breaks("columns-of-any-template", "CAT-07")
def _(works: Works) -> None:
    """COLUMNS, SORTBY and SUBTOTCOL may name any column."""
    works.exchange(definitions, "_check_columns", lambda _: lambda parameters, template: None)


@breaks("equal-ard-replaces", "CAT-07")
def _(works: Works) -> None:
    """An ARD whose NAME the user has given before gets the same USERRPTID."""

    def around(act: Any, work: Work) -> Outcome:
        reports = schema.user_reports.c
        query = select(reports.id).where(
            reports.userid == work.request.scalar("USERID"),
            reports.name == work.request.scalar("NAME"),
        )
        older = work.connection.execute(query).scalar()
        return Outcome({"USERRPTID": str(older)}) if older else act(work)

    _act(works, "ARD", around)


@breaks("ard-active-by-default", "CAT-07")
def _(works: Works) -> None:
    """A report whose ARD has no ACTIVE is active."""

    def made(add: Any) -> Any:
        def added(connection: Any, report: UserReport) -> None:
            add(connection, replace(report, active="1"))

        return added

    works.exchange(definitions, "add_report", made)


@breaks("copy-is-active", "CAT-07")
def _(works: Works) -> None:
    """The copy that CRD makes is active."""

    def around(act: Any, work: Work) -> Outcome:
        outcome: Outcome = act(work)
        set_report(work.connection, int(outcome.values["USERRPTID"]), active="1")
        return outcome

    _act(works, "CRD", around)


@breaks("copy-keeps-the-name", "CAT-07")
def _(works: Works) -> None:
    """The copy that CRD makes has the name of its original."""

    def around(act: Any, work: Work) -> Outcome:
        outcome: Outcome = act(work)
        name = work.own_report("USERRPTID").name
        set_report(work.connection, int(outcome.values["USERRPTID"]), name=name)
        return outcome

    _act(works, "CRD", around)


@breaks("copy-has-the-id-of-its-original", "CAT-07")
def _(works: Works) -> None:
    """CRDA has the USERRPTID of the original."""

    def around(act: Any, work: Work) -> Outcome:
        act(work)
        return Outcome({"USERRPTID": work.request.scalar("USERRPTID")})

    _act(works, "CRD", around)


@breaks("copy-without-its-values", "CAT-07")
def _(works: Works) -> None:
    """The copy that CRD makes has the values of its template."""
    values = schema.user_report_parameters

    def around(act: Any, work: Work) -> Outcome:
        outcome: Outcome = act(work)
        number = int(outcome.values["USERRPTID"])
        own = delete(values).where(values.c.report == number, values.c.name != "TIMEZONE")
        work.connection.execute(own)
        return outcome

    _act(works, "CRD", around)


@breaks("urs-without-effect", "CAT-07")
def _(works: Works) -> None:
    """URS is answered, and nothing changes."""

    def around(act: Any, work: Work) -> Outcome:
        return Outcome({"USERRPTID": str(work.own_report("USERRPTID").id)})

    _act(works, "URS", around)


@breaks("drd-without-effect", "CAT-07")
def _(works: Works) -> None:
    """DRD is answered, and the report stays."""
    works.exchange(definitions, "delete_report", lambda _: lambda connection, number: None)


@breaks("ard-without-effect", "CAT-07")
def _(works: Works) -> None:
    """ARD is answered, and no report is stored."""

    def around(act: Any, work: Work) -> Outcome:
        outcome: Outcome = act(work)
        delete_report(work.connection, int(outcome.values["USERRPTID"]))
        return outcome

    _act(works, "ARD", around)


@breaks("request-outlives-its-report", "CAT-07")
def _(works: Works) -> None:
    """An NRL for a report that was deleted is answered with 0."""
    left: set[str] = set()
    requests = schema.requests.c

    def made(delete_one: Any) -> Any:
        def deleted(connection: Any, number: int) -> None:
            query = select(requests.id).where(requests.report == number)
            left.update(map(str, connection.execute(query).scalars()))
            delete_one(connection, number)

        return deleted

    def around(act: Any, work: Work) -> Outcome:
        if work.request.scalar("REQUESTID") in left:
            return Outcome()
        return act(work)  # type: ignore[no-any-return]

    works.exchange(definitions, "delete_report", made)
    _act(works, "NRL", around)


def _unchecked(works: Works, acronym: str, parameter: str) -> None:
    """Drop the checks between parameters that blame that one."""

    def change(spec: MessageSpec) -> MessageSpec:
        kept = tuple(check for check in spec.checks if check.parameter != parameter)
        return replace(spec, checks=kept)

    requests_changed(works, (acronym,), change)


@breaks("schedule-type-unchecked", "CAT-07")
def _(works: Works) -> None:
    """SCHEDTYPE need not go with SCHEDULE."""
    _unchecked(works, "ARD", "SCHEDTYPE")


@breaks("ranges-may-overlap", "CAT-07")
def _(works: Works) -> None:
    """The ranges of an ad hoc report may overlap, and end before they start."""

    def change(spec: MessageSpec) -> MessageSpec:
        lines = [
            replace(line, pairs=None) if line.name == "SCHEDULE" else line
            for line in spec.parameters
        ]
        return replace(spec, parameters=tuple(lines))

    requests_changed(works, ("ARD",), change)


@breaks("template-list-of-any-category", "CAT-07", "CAT-05")
def _(works: Works) -> None:
    """GRTL lists the templates of both data categories."""

    def around(act: Any, work: Work) -> Outcome:
        wanted = work.request.scalar("DATACAT")
        templates = {
            number: replace(one, datacat=wanted) for number, one in work.reference.templates.items()
        }
        return act(replace(work, reference=replace(work.reference, templates=templates)))  # type: ignore[no-any-return]

    _act(works, "GRTL", around)


@breaks("reports-of-every-user-listed", "HDR-11", "CAT-05")
def _(works: Works) -> None:
    """GURL lists the reports of every user."""
    reports = schema.user_reports.c

    def made(query: Any) -> Any:
        return select(*query.selected_columns).order_by(reports.id)

    works.exchange(report_lists, "_USER_REPORTS", made)


@breaks("unknown-template-is-6115", "HDR-11")
def _(works: Works) -> None:
    """A template that there is not is 6115 rather than 6109."""

    def made(template: Any) -> Any:
        def found(self: Work, name: str) -> Any:
            try:
                return template(self, name)
            except Refused as refused:
                raise Refused(WRONG_IDS if refused.code == NO_RECORDS else refused.code) from None

        return found

    works.exchange(Work, "template", made)


# ---- CAT-08: metadata ----------------------------------------------------------------------------


@breaks("metadata-with-commas", "CAT-08", "SYN-13")
def _(works: Works) -> None:
    """The lists of metadata are divided by commas."""
    works.exchange(metadata, "SEPARATOR", lambda _: ",")


@breaks("separator-behind-criteria", "CAT-08")
def _(works: Works) -> None:
    """In metadata a separator stands behind the group of CRITERIA."""
    _answers(works, b"<METADATA=", b">DEFAULT_GRAPH_MODE", b">\x01DEFAULT_GRAPH_MODE")


@breaks("metadata-in-folded-names", "CAT-08", "SYN-06")
def _(works: Works) -> None:
    """Metadata are written with upper-case names."""

    def upper(found: Any) -> bytes:
        return found[0].upper()  # type: ignore[no-any-return]

    _answers(works, b"<METADATA=", b"[A-Za-z_/]+=", upper)


@breaks("metadata-dates-as-stamps", "CAT-08")
def _(works: Works) -> None:
    """The dates of metadata are written as START and END are."""
    works.exchange(metadata, "_date", lambda _: lambda text: text)


@breaks("columns-stored-as-displayed", "CAT-08")
def _(works: Works) -> None:
    """COLUMN_STORED_ORDER is the order of display."""

    def change(found: Any) -> bytes:
        return found[1] + b"COLUMN_STORED_ORDER=" + found[2]  # type: ignore[no-any-return]

    pattern = rb"(COLUMN_DISPLAY_ORDER=(<[^<>]*>)\x01)COLUMN_STORED_ORDER=<[^<>]*>"
    _answers(works, b"<METADATA=", pattern, change)


@breaks("subtotals-always-written", "CAT-08")
def _(works: Works) -> None:
    """SELECTED_SECTION is 1 whatever TOTALMODE is."""
    _answers(works, b"<METADATA=", b"SELECTED_SECTION=0", b"SELECTED_SECTION=1")


@breaks("empty-column-expression-left-out", "CAT-08")
def _(works: Works) -> None:
    """A METACOLUMN without an expression has no CALCULATE_EXPRESSION."""
    _answers(works, b"<METADATA=", b"\x01CALCULATE_EXPRESSION=(?=>)", b"")
