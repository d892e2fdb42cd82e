"""Judges of what is stored, as its ids and lists show it: CAT-06 to CAT-09."""

from __future__ import annotations

from starwire.grammar import Value

from .known import Known
from .moments import Answered
from .talk import Talk
from .verdicts import HELD, Objection, Verdict, judge_messages

_REPEATED = {"DRD": "DRDA", "URS": "URSA"}


def _succeeded(moment: Answered) -> Talk | None:
    talk: Talk | None = moment.talk
    if talk is None or talk.code != 0 or talk.expected.spec is None:
        return None
    return talk


@judge_messages("CAT-07", "ARD and CRD give a USERRPTID that no other report has", Answered)
def report_is_new(moment: Answered, known: Known) -> Verdict:
    talk = _succeeded(moment)
    given = None if talk is None else known.stored.new_report(talk)
    if given is None:
        return None
    before = known.stored.reports.get(given)
    if before is None or moment.is_repeated:
        return HELD
    return Objection("a new USERRPTID", f"{given}, given in {before}", "USERRPTID")


@judge_messages("CAT-07", "DRDA and URSA name the report that was asked for", Answered)
def report_is_the_same(moment: Answered, known: Known) -> Verdict:
    talk = _succeeded(moment)
    if talk is None or _REPEATED.get(talk.expected.spec.acronym) != talk.acronym:  # type: ignore[union-attr]
        return None
    asked, told = talk.asked("USERRPTID"), talk.value("USERRPTID")
    if not (asked.isdigit() and told.isdigit()) or int(asked) == int(told):
        return HELD
    return Objection(f"USERRPTID={asked}", f"USERRPTID={told}", "USERRPTID")


@judge_messages("CAT-06", "Inbox ids rise with each item", Answered)
def item_is_later(moment: Answered, known: Known) -> Verdict:
    talk = _succeeded(moment)
    given = None if talk is None else known.stored.new_item(talk)
    if given is None or moment.is_repeated:
        return None
    last = known.stored.last_item
    if last is None or last[1] >= moment.asked.begun or given > last[0]:
        return HELD
    return Objection(f"an id above {last[0]}", str(given), "INBOXID")


@judge_messages(
    "CAT-06", "L lists what is later than the INBOXID that was given, oldest first", Answered
)
def list_rises(moment: Answered, known: Known) -> Verdict:
    talk = _succeeded(moment)
    if talk is None or talk.message is None or talk.value("REQ") != "L":
        return None
    field = talk.message.fields().get("ITEMS")
    if field is None:
        return None
    rows = [_row(group.text) for group in field.value.groups]
    asked = talk.asked("INBOXID")
    last = int(asked) if asked.isdigit() else -1
    for row in rows:
        if not row[0].isdigit():
            return None  # CAT-05
        if int(row[0]) <= last:
            return Objection(f"an INBOXID above {last}", row[0], "ITEMS")
        last = int(row[0])
        category = row[1] if len(row) > 1 else ""
        if category != talk.asked("CATEGORY"):
            return Objection(f"items of {talk.asked('CATEGORY')}", category, "ITEMS")
    return HELD


def _row(text: str) -> list[str]:
    return [one.strip() for one in text.strip("<>").split("~")]


@judge_messages(
    "CAT-08", "METADATA succeeds without acronym and with 0x01 between its fields", Answered
)
def metadata_is_nameless(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.code is None or talk.expected.spec is None:
        return None
    if talk.expected.spec.acronym != "METADATA" or talk.code:
        return None
    if not talk.answer.startswith(b"<METADATA="):
        return Objection("<METADATA=", repr(talk.answer[:20])[1:])
    value: Value = talk.message.fields()["METADATA"].value  # type: ignore[union-attr]
    place = value.text.find(",")
    if place < 0:
        return HELD
    return Objection("0x01 and no comma", f"{value.text[max(0, place - 10) : place + 10]!r}")


@judge_messages("CAT-09", "A path that leads out of the file root is no file", Answered)
def path_stays_inside(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.expected.spec is None or talk.code is None:
        return None
    path = talk.asked("LOC")
    if ".." not in path.split("/"):
        return None
    if talk.code:
        return HELD
    code = 5163 if talk.list == "INBOX" else 6108
    return Objection(f"ERROR {code}", "ERROR 0", "ERROR")
