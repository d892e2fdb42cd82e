"""The life of a report: added, copied, switched, deleted (CAT-07), and each seen where it is listed
and shown (CAT-05)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...transcript import Received
from .. import mutating
from ..case import case
from ..description import Use
from ..expecting import Expectation, code, message
from ..peer import Peer

_BOTH = ("rm", "rm-native")
_ROWS = re.compile(rb"<([^<>=,]*),(\d+),([01]),[RD],[^<>,]*>")
"""The rows of SURL: title, USERRPTID, ACTIVE (CAT-05)."""
_CONTROLS = re.compile(rb"<([A-Z]+),([^<>,]*),(?:PL_[A-Z]+)?>")
"""The controls of SRTD and SURD whose value is no hierarchy, and that value."""
_NODES = re.compile(rb",NODE(\d+)=<")
_OWN = {"USERRPTID", "NAME", "ACTIVE", "STATUS", "STATUSDATE"}
"""What a copy does not have from its original."""
_READ = "HDR-11 SYN-02 SYN-03 SYN-05 SYN-08 SYN-13"
"""Values are taken as they were sent, and users find their own."""
_RESTS = f"CAT-05 {_READ}"
"""What is listed and shown can be read."""


class _Row(NamedTuple):
    """What these cases read of a row of SURL."""

    title: str
    active: str


def _ask(peer: Peer, text: str, *expected: Expectation, use: Use = "main") -> Received:
    return peer.ask(peer.request(text.encode("latin-1"), use=use), *expected)


def _form(peer: Peer, request: str = "ARD", **values: str) -> str:
    """A good ARD with these values."""
    form = peer.grounds.form(request)
    for name, value in values.items():
        form = mutating.with_value(form, (name,), value)
    return form


def _added(peer: Peer, form: str, use: Use = "main") -> str:
    """The USERRPTID of a new report."""
    text = peer.grounds.filled(form, use).decode("latin-1")
    return peer.grounds.made(peer.place, text, "USERRPTID", use)


def _list(peer: Peer, form: str) -> bytes:
    """SURL of the template and the product of a priced ARD."""
    template, product = (mutating.value(form, (name,)) for name in ("STDRPTID", "PRODUCT"))
    user = peer.grounds.user()
    whose = f"USERID={user.userid},ENTPID={user.entpid}"
    text = f"GURL<{whose},RPTTMPID={template},PRODUCT={product},DATACAT=P>"
    return _ask(peer, text, code(0) | code(6109)).data


def _listed(peer: Peer, form: str) -> dict[str, _Row]:
    """Its rows by USERRPTID."""
    rows = _ROWS.findall(_list(peer, form))
    return {id.decode(): _Row(title.decode(), active.decode()) for title, id, active in rows}


def _row(peer: Peer, form: str, report: str) -> _Row:
    """The row of a report that must be there."""
    rows = _listed(peer, form)
    peer.must(report in rows, f"the report {report} in the list", ", ".join(rows) or "no reports")
    return rows[report]


def _controls(reply: Received) -> dict[str, str]:
    return {name.decode(): value.decode("latin-1") for name, value in _CONTROLS.findall(reply.data)}


def _shown(peer: Peer, report: str) -> dict[str, str]:
    """The values of the controls of a report that must be there."""
    return _controls(_ask(peer, f"GURD<REPORTID={report}>", code(0)))


# ---- added ---------------------------------------------------------------------------------------


@case("report.new", rules="CAT-07", places=_BOTH, rests=_RESTS)
def new_report(peer: Peer) -> None:
    """A report that was added is there, under its name, and without ACTIVE is only stored."""
    name = f"New {peer.grounds.unique()}"
    form = _form(peer, NAME=name)
    report = _added(peer, form)
    row = _row(peer, form, report)
    peer.must(row == _Row(name, "0"), f"the title {name}, ACTIVE 0", f"{row}")
    shown = _shown(peer, report).get("NAME")
    peer.must(shown == name, f"the name {name}", f"{shown}")


@case("report.add.again", rules="CAT-07", places=_BOTH, rests=_RESTS)
def equal_reports(peer: Peer) -> None:
    """An ARD that equals an earlier one adds another report, with another USERRPTID."""
    form = _form(peer, NAME=f"Twice {peer.grounds.unique()}")
    reports = {_added(peer, form), _added(peer, form)}
    peer.must(len(reports) == 2, "two ids", ", ".join(reports))
    missing = reports - _listed(peer, form).keys()
    peer.must(not missing, "both in the list", f"a list without {', '.join(missing)}")


# ---- copied, switched, deleted -------------------------------------------------------------------


@case("report.copy", rules="CAT-07", places=_BOTH, after="report.new", rests=_RESTS)
def copied(peer: Peer) -> None:
    """CRD makes another report of another NAME, which is only stored whatever its original is, and
    leaves the original."""
    word = peer.grounds.unique()
    form = _form(peer, NAME=f"Original {word}", ACTIVE="1")
    report = _added(peer, form)
    text = f"CRD<USERRPTID={report},NAME=Copy {word}>"
    copy = peer.grounds.made(peer.place, text, "USERRPTID")
    peer.must(copy != report, f"another id than {report}", copy)
    row = _row(peer, form, copy)
    peer.must(row == _Row(f"Copy {word}", "0"), f"the title Copy {word}, ACTIVE 0", f"{row}")
    row = _row(peer, form, report)
    peer.must(
        row == _Row(f"Original {word}", "1"), f"the title Original {word}, ACTIVE 1", f"{row}"
    )


@case("report.copy.whole", rules="CAT-07", places=_BOTH, after="report.copy", rests=_RESTS)
def everything_is_copied(peer: Peer) -> None:
    """What GURD shows of a copy is what it shows of the original, but for the name, the id and the
    status."""
    report = _added(peer, _form(peer, "ARD/whole"))
    text = f"CRD<USERRPTID={report},NAME=Copy {peer.grounds.unique()}>"
    copy = peer.grounds.made(peer.place, text, "USERRPTID")
    wanted, got = (
        {name: value for name, value in _shown(peer, one).items() if name not in _OWN}
        for one in (report, copy)
    )
    peer.must(got == wanted, f"{wanted}", f"{got}")


@case("report.switch", rules="CAT-07", places=_BOTH, after="report.new", rests=_RESTS)
def switched(peer: Peer) -> None:
    """URS makes a report active, and takes that back."""
    form = _form(peer, NAME=f"Switched {peer.grounds.unique()}")
    report = _added(peer, form)
    for active in ("1", "0"):
        text = f"URS<USERRPTID={report},ACTIVE={active}>"
        _ask(peer, text, message("URSA", ERROR="0", USERRPTID=report))
        row = _row(peer, form, report)
        peer.must(row.active == active, f"ACTIVE {active}", f"ACTIVE {row.active}")


@case("report.delete", rules="CAT-07", places=_BOTH, after="report.new", rests=_RESTS)
def deleted(peer: Peer) -> None:
    """A report that DRD deletes is then as one that there is not; no other is deleted."""
    form = _form(peer)
    report, other = _added(peer, form), _added(peer, form)
    whose = peer.grounds.user().userid
    _ask(peer, f"DRD<USERID={whose},USERRPTID={report}>", code(0))
    for text in (
        f"GURD<REPORTID={report}>",
        f"CRD<USERRPTID={report},NAME=Copy>",
        f"URS<USERRPTID={report},ACTIVE=1>",
        f"DRD<USERID={whose},USERRPTID={report}>",
    ):
        _ask(peer, text, code(6109))
    rows = _listed(peer, form)
    peer.must(report not in rows, f"a list without {report}", ", ".join(rows))
    peer.must(other in rows, f"a list with {other}", ", ".join(rows) or "no reports")


@case("report.delete.request", rules="CAT-07", places=("rm-native",), rests="HDR-11 ERR-04")
def requests_are_forgotten(peer: Peer) -> None:
    """An NRL for a report that was deleted names an unknown REQUESTID, as an ARDA for it does."""
    form = peer.grounds.form("NRL (deleted)")
    owner, report, request = (
        mutating.value(form, (name,)) for name in ("USERID", "USERRPTID", "REQUESTID")
    )
    # Whoever asks again finds it deleted already.
    _ask(peer, f"DRD<USERID={owner},USERRPTID={report}>", code(0) | code(6109))
    _ask(peer, peer.grounds.filled(form).decode("latin-1"), code(6707))
    _ask(peer, f"ARDA<ERROR=0,USERRPTID={report},REQUESTID={request}>", code(6707))


# ---- listed --------------------------------------------------------------------------------------


@case("report.list.own", rules="HDR-11 CAT-05", places=_BOTH, rests=f"CAT-07 {_READ}")
def own_reports(peer: Peer) -> None:
    """GURL lists the reports of the user, and none of a colleague or of another customer."""
    form = _form(peer)
    own = _added(peer, form)
    theirs = {_added(peer, form, "colleague"), _added(peer, form, "other")}
    rows = _listed(peer, form)
    peer.must(own in rows, f"a list with {own}", ", ".join(rows) or "no reports")
    strange = theirs & rows.keys()
    peer.must(not strange, "a list of own reports", f"{', '.join(strange)} of others")


@case("report.list.categories", rules="CAT-05", places=_BOTH, rests=f"CAT-07 {_READ}")
def categories(peer: Peer) -> None:
    """SURL has a group for each CATEGORY that the user gave, divided by commas, each once, with the
    reports of it divided by commas."""
    one, two = (f"Kind {peer.grounds.unique()}" for _ in range(2))
    for category in (one, two, one):
        _added(peer, _form(peer, CATEGORY=category))
    got = _list(peer, _form(peer))
    entry = rb"<[^<>=,]*,\d+,[01],[RD],\d{4}-\d\d-\d\d \d\d:\d\d>"
    group = rb"<[^<>=,]+=%b(?:,%b)*>" % (entry, entry)
    whole = re.fullmatch(rb"SURL<ERROR=0,REPORTS=%b(?:,%b)*>" % (group, group), got)
    peer.must(whole is not None, "REPORTS=<CATEGORY=<..>,<..>>,<CATEGORY=<..>>", repr(got))
    for category, entries in ((one, 2), (two, 1)):
        found = re.findall(rb"<%b=([^=]*?>)>" % category.encode(), got)
        told = [len(re.findall(entry, group)) for group in found]
        peer.must(told == [entries], f"one group {category} of {entries}", f"groups of {told}")


@case("template.list.datacat", rules="CAT-07 CAT-05", places=_BOTH, rests=_READ)
def templates_of_a_data_category(peer: Peer) -> None:
    """GRTL lists the templates of the data category that is asked for alone."""
    for request, datacat, other in (("ARD", "P", "U"), ("ARD/traffic", "U", "P")):
        form = peer.grounds.form(request)
        template, product = (mutating.value(form, (name,)) for name in ("STDRPTID", "PRODUCT"))
        entry = re.compile(rb",%b,[RD]>" % template.encode())
        for asked in (datacat, other):
            text = f"GRTL<PRODUCT={product},DATATYPE=A,DATACAT={asked},IO=B>"
            listed = entry.search(_ask(peer, text, code(0) | code(6109)).data) is not None
            words = f"{template} under {datacat} alone"
            peer.must(listed == (asked == datacat), words, f"under {asked} {listed}")


# ---- shown ---------------------------------------------------------------------------------------


@case("report.nodes", rules="CAT-05", places=_BOTH, rests=f"CAT-07 {_READ}")
def nodes_are_numbered(peer: Peer) -> None:
    """The nodes of SRTD and SURD are numbered from 1."""
    report = _added(peer, _form(peer))
    for text in ("GRTD<REPORTID=90>", f"GURD<REPORTID={report}>"):
        numbers = [int(found) for found in _NODES.findall(_ask(peer, text, code(0)).data)]
        wanted = list(range(1, len(numbers) + 1))
        peer.must(bool(numbers) and numbers == wanted, "NODE1, NODE2 ..", f"{numbers}")


@case("report.ids", rules="CAT-05", places=_BOTH, rests=f"CAT-07 {_READ}")
def ids_of_a_report(peer: Peer) -> None:
    """ID in SURD is the id of the template; the report's own is the value of USERRPTID."""
    form = _form(peer)
    report = _added(peer, form)
    template = mutating.value(form, ("STDRPTID",))
    reply = _ask(peer, f"GURD<REPORTID={report}>", message("SURD", ERROR="0", ID=template))
    own = _controls(reply).get("USERRPTID")
    peer.must(own == report, f"USERRPTID {report}", f"{own}")


@case("report.values", rules="CAT-05", places=_BOTH, rests=f"CAT-07 {_READ}")
def values_of_a_report(peer: Peer) -> None:
    """The value of a control is the report's, and the template's where the report says nothing;
    a list has blanks between its members."""
    form = _form(peer, DESCRIPTION="My own", COLUMNS="<55~54>")
    template = mutating.value(form, ("STDRPTID",))
    standard = _controls(_ask(peer, f"GRTD<REPORTID={template}>", code(0)))
    own = {"DESCRIPTION": "My own", "COLUMNS": "55 54"}
    for made, values in ((_form(peer), {}), (form, own)):
        shown = _shown(peer, _added(peer, made))
        for name in ("DESCRIPTION", "COLUMNS", "SORTBY", "RECCOUNT"):
            wanted = values.get(name) or standard.get(name)
            peer.must(shown.get(name) == wanted, f"{name} {wanted}", f"{name} {shown.get(name)}")
