"""Judges of messages: that requests get the codes that the tables say, and answers their form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from starwire.grammar import BLANKS, Fault, fold, strip
from starwire.protocol.status import Status

from .known import Known
from .moments import Answered
from .talk import Talk
from .verdicts import HELD, Objection, Verdict, judge_messages

_LATER = {
    "GRTL": {6109, 6115},
    "GRTD": {6109, 6115},
    "GURL": {6109, 6115},
    "GURD": {6109, 6115},
    "GPL": {6109, 6115},
    "ARD": {6103, 6107, 6109, 6115, 6116, 6707, 7000},
    "DRD": {6107, 6109, 6115},
    "CRD": {6107, 6109, 6115},
    "URS": {6107, 6109, 6115, 6116},
    "NRL": {6050, 6107, 6108, 6115, 6116, 6707, 7000},
    "ARDA": {6107, 6109, 6115, 6116, 6707, 7000},
    "METADATA": {6109, 6115},
    "VUM": {6115},
    "GUA": {6109, 6115},
    "CKM": set(),
    "CKG": {6109},
    "CKD": {6109},
    "A": {5005, 5153, 5163, 5166, 5170, 5178, 5180, 5182, 5183, 5184, 5185},
    "D": {5125, 5141},
    "L": {5100, 5131},
    "F": {5100, 5104, 5108},
    "U": {5100, 5111},
}
"""What a request that passed the steps 1 to 6 of ERR-03 may get in steps 7 and 8."""

_OF_ERR_04 = {6113, 6704, 6706, 6600, 6601, 6602, 6603, 6705, 6107, 6811, 6812, 6819, 6820}
_OF_ERR_05 = {5156, 5164, 5165, 5171, 5172, 5174, 5179}
_OF_CAT_07 = {"SCHEDULE", "THRESHOLD", "START", "END", "RECCOUNT", "RANKING", "DURATION", "ANI"}

_BEHIND = re.compile(">[A-Za-z]")
"""A field that begins behind a group, with no separator."""

_SECOND = re.compile("=[^<>,\x01]*=")
"""An `=` that is text, since it stands behind the one that ends the key."""
_UNPRINTABLE = re.compile(r"[^ -~\x01\r\n\t]")

_SENTENCES = {
    "SYN-10": "Octets that are no message get the code for what is wrong with their brackets",
    "SYN-11": "A message beyond a limit is refused as such",
    "CAT-01": "A message that is not known at its door is refused as such",
    "HDR-08": "A message of the native ports is unknown through a dispatcher",
    "DSP-02": "The Report Scheduler takes URS, and nothing else",
    "ERR-03": "The first failing step decides the code of a refusal, and a good message gets none",
    "ERR-04": "The codes whose texts leave their triggers open come when they must",
    "ERR-05": "A notification that cannot be is refused before anything is stored",
    "CAT-07": "A schedule or threshold is judged as its table says",
    "SYN-13": "Blanks, lists and repetitions are judged as the rule says",
    "SYN-03": "Both separators are read alike",
    "SYN-04": "What stands behind a group is read as the rule says",
    "SYN-05": "A slot without a key belongs to the field before it, or is a parameter of its own",
    "SYN-06": "Names compare folded, and aliases count",
    "SYN-09": "What may stand behind a message is passed over",
    "OCT-01": "Octets that are no delimiters are data",
    "CAT-03": "Where a printed table yields, the message is taken",
}
"""What is said of a request whose answer has not the code that the validation says."""


def _codes(rule: str, moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.message is None or rule not in moment.rules:
        return None
    if talk.code is None or talk.code not in known.codes[talk.list]:
        return None  # ERR-02 and ERR-01 say so
    wrong = _wrong_code(talk, known)
    if not wrong:
        return HELD
    return Objection(wrong, f"ERROR {talk.code}", "ERROR") if rule == moment.rules[0] else None


for _rule, _sentence in _SENTENCES.items():
    judge_messages(_rule, _sentence, Answered)(partial(_codes, _rule))


def _wrong_code(talk: Talk, known: Known) -> str:
    """What was expected in place of the code that came; "" if that may be."""
    expected, code = talk.expected, talk.code
    refusal, request = expected.refusal, expected.request
    if refusal is not None:
        exact = expected.sure or refusal.step < 4
        if code == refusal.code or (not exact and code):
            return ""
        return f"ERROR {refusal.code}: {refusal.parameter or 'message'}: {refusal.reason}"
    assert request is not None
    spec = request.spec
    later = _LATER.get(spec.acronym)
    if not code or later is None or code in later or code in known.failures[spec.family]:
        return ""
    if not expected.sure or (spec.acronym == "ARDA" and request.scalar("ERROR") == str(code)):
        return ""
    return "ERROR 0, or a code of steps 7 and 8: nothing is wrong with the message"


def rules_of(talk: Talk, known: Known) -> list[str]:
    """The rules that a request puts to the test, the one that decides first."""
    refusal = talk.expected.refusal
    if refusal is None:
        return [*_features(talk, known), "ERR-03"]
    if refusal.step == 1:
        fault = getattr(refusal.__cause__, "fault", None)
        return ["SYN-11" if fault is Fault.LIMIT else "SYN-10"]
    if refusal.step == 2:
        return [_unknown_rule(talk, known)]
    if refusal.code in _OF_ERR_04:
        return ["ERR-04"]
    if refusal.code in _OF_ERR_05 and talk.list == "INBOX":
        return ["ERR-05"]
    if refusal.parameter in _OF_CAT_07:
        return ["CAT-07"]
    return ["SYN-13" if "twice" in refusal.reason else "ERR-03"]


def _unknown_rule(talk: Talk, known: Known) -> str:
    if talk.door == "rs":
        return "DSP-02"
    name = talk.question.partition(b"<")[0].decode("latin-1").strip(BLANKS)
    native = {"rm": "rm-native", "inbox": "inbox-native", "staroe": "jar"}.get(talk.door, "")
    return "HDR-08" if native and known.catalogue.entry(native, name) else "CAT-01"


def _features(talk: Talk, known: Known) -> Iterator[str]:
    """What of the syntax a good request makes use of."""
    request = talk.expected.request
    assert request is not None
    text = request.message.text
    if "\x01" in text:
        yield "SYN-03"
    if request.message.tail:
        yield "SYN-09"
    if _UNPRINTABLE.search(text):
        yield "OCT-01"
    names = {row.spec.name: row.spec for row in request.reading.scope.rows}
    sent = [strip(field.key) for field in request.message.fields()]
    if any(key not in names and key.rstrip("0123456789") not in names for key in sent):
        yield "SYN-06"
    if any(row.ground.startswith("CAT-03") and row.name in sent for row in names.values()):
        yield "CAT-03"
    if _BEHIND.search(text):
        yield "SYN-04"
    if len(sent) < len(request.reading.values) or _SECOND.search(text):
        yield "SYN-05"
    if " " in text and (", " in text or " =" in text or "= " in text or " ," in text):
        yield "SYN-13"


@judge_messages(
    "STS-01", "The status is 100 exactly where ERROR in the response is not 0", Answered
)
def status_tells_the_error(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.status < 0 or talk.code is None:
        return None
    good = Status.OK if moment.bulk is None else Status.BULK
    expected = Status.APPLICATION_ERROR if talk.code else good
    if talk.status == expected:
        return HELD
    layer = "common" if moment.common is not None else "dispatcher"
    told = f"{int(expected)}, since ERROR is {talk.code}"
    return Objection(told, str(talk.status), f"{layer}.status")


@judge_messages("ERR-01", "Each code is one of the proxy's list", Answered)
def code_is_of_the_list(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.code is None:
        return None
    if talk.code in known.codes[talk.list]:
        return HELD
    return Objection(f"a code of the {talk.list} list", str(talk.code), "ERROR")


@judge_messages("ERR-02", "An answer is a message with ERROR", Answered)
def is_a_message(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None:
        return None
    if talk.message is None:
        return Objection("a message", f"{talk.answer[:60]!r}")
    if talk.code is None:
        return Objection("ERROR and a number", f"{talk.answer[:60]!r}", "ERROR")
    return HELD


@judge_messages(
    "ERR-02",
    "What is refused in steps 1 and 2 is answered by its own acronym and the code",
    Answered,
)
def refusal_has_its_form(moment: Answered, known: Known) -> Verdict:
    return _form(moment, known, early=True)


@judge_messages(
    "CAT-04", "A reply with an error has nothing but ERROR, the exceptions aside", Answered
)
def error_stands_alone(moment: Answered, known: Known) -> Verdict:
    return _form(moment, known, early=False)


def _form(moment: Answered, known: Known, *, early: bool) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or not talk.code:
        return None
    if _wrong_code(talk, known):
        return None  # that is said already, by the rule that decides the code
    refusal, request = talk.expected.refusal, talk.expected.request
    if refusal is not None:
        if (refusal.step < 3) != early or refusal.code != talk.code:
            return None
        expected = refusal.reply
    elif early or request is None or (talk.code in _WITH_ID and talk.list == "INBOX"):
        return None
    else:
        expected = request.refuse(talk.code)
    if talk.answer.rstrip(b"\r\n\0 |") == expected:
        return HELD
    return Objection(repr(expected)[1:], repr(talk.answer[:120])[1:])


_WITH_ID = {5005, 5170, 5178, 5180, 5182, 5183, 5184, 5185}
"""Codes of the Inbox whose Z names an item (CAT-04)."""


@judge_messages(
    "CAT-01", "A request that succeeds is answered by its own acknowledgement", Answered
)
def has_its_acronym(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.message is None or talk.code != 0 or talk.expected.spec is None:
        return None
    spec = talk.expected.spec
    expected = known.catalogue.answer(spec)
    if expected.nameless:
        return None  # CAT-08
    acronym = expected.acronym
    names = talk.family.names_request
    if talk.acronym != acronym:
        return Objection(f"{acronym}<", repr(talk.answer[:40])[1:], "acronym")
    if names and talk.value(names) != spec.acronym:
        return Objection(f"{names}={spec.acronym}", f"{names}={talk.value(names)}", names)
    return HELD


_SHAPES = {"rows", "reports", "node", "hierarchy"}


@judge_messages("CAT-05", "Lists, trees and rows of an answer have their shapes", Answered)
def has_its_shapes(moment: Answered, known: Known) -> Verdict:
    return _content(moment, known, shapes=True)


@judge_messages(
    "CAT-02", "An answer holds what its table says, and nothing else", Answered, level="should"
)
def has_its_content(moment: Answered, known: Known) -> Verdict:
    return _content(moment, known, shapes=False)


def _content(moment: Answered, known: Known, *, shapes: bool) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.message is None or talk.code is None or not talk.expected.spec:
        return None
    if talk.expected.spec.acronym == "ARDA":
        return None  # its table at this door is that of another ARDA
    wanted = known.catalogue.answer(talk.expected.spec)
    has_shapes = any(line.form in _SHAPES for line in wanted.parameters)
    if shapes and not has_shapes:
        return None
    refusal = known.reader.answer_refusal(talk.answer, talk.door)
    if refusal is None or refusal.step < 3:
        return HELD if refusal is None else None
    lines = {line.folded: line for line in wanted.parameters}
    name = fold(refusal.parameter or "").rstrip("0123456789")
    line = lines.get(fold(refusal.parameter or "")) or lines.get(name)
    of_shapes = refusal.step == 6 and line is not None and line.form in _SHAPES
    if of_shapes != shapes:
        return None
    return Objection(
        f"{refusal.parameter} as its table has it", refusal.reason, refusal.parameter or ""
    )


@judge_messages(
    "CAT-04", "No blanks are written, and fields stand in the order of the table", Answered
)
def is_as_builders_write(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.message is None or talk.code is None or not talk.expected.spec:
        return None
    if talk.message.name is not None and talk.message.name != talk.message.acronym:
        return Objection(f"{talk.message.acronym}<", f"{talk.message.name!r}<", "acronym")
    order, folded = known.order_of(talk.expected.spec)
    last = -1
    for field in talk.message.fields():
        place = order.get(field.key, order.get(field.key.rstrip("0123456789")))
        if place is None:
            if field.name in folded:
                return Objection("a name as the table writes it", f"{field.key!r}", field.key)
            continue  # CAT-02 tells what no table holds
        if place < last:
            return Objection("the order of the table", f"{field.key} behind its turn", field.key)
        last = place
    return HELD


@judge_messages(
    "CAT-06",
    "Behind the answer to F stand exactly FSIZE octets, and nothing behind others",
    Answered,
)
def file_has_its_size(moment: Answered, known: Known) -> Verdict:
    talk: Talk | None = moment.talk
    if talk is None or talk.code is None or talk.acronym != "Z":
        return None
    fetched = talk.value("REQ") == "F" and not talk.code
    size = talk.value("FSIZE") if fetched else "0"
    if not fetched and not talk.file:
        return None
    if not size.isdigit():
        return Objection("FSIZE, a number", f"{size!r}", "FSIZE")
    there = len(talk.file or b"")
    if there == int(size):
        return HELD
    return Objection(f"{size} octets behind the message", str(there), "FSIZE", len(talk.answer))
