"""Which messages there are, and in which order they are judged: CAT-01 to CAT-04, ERR."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from starwire.protocol.catalogue import MessageSpec, catalogue
from starwire.protocol.validation import Refusal

from .. import fulfilment, report_manager, user_reports
from ..backend import Outcome
from .fault import breaks
from .syntax import recoded
from .works import NATIVE, Works

OfSpec = Callable[[MessageSpec], MessageSpec]


def requests_changed(works: Works, acronyms: tuple[str, ...], change: OfSpec) -> None:
    """Change the tables of these requests."""

    def changed(spec: MessageSpec) -> MessageSpec:
        return change(spec) if is_request(spec) and spec.acronym in acronyms else spec

    works.specs(changed)


def is_request(spec: MessageSpec) -> bool:
    return spec.direction == "request"


def _row(works: Works, acronym: str, name: str, **fields: Any) -> None:
    """Let a line of that request's tables have other words."""

    def change(spec: MessageSpec) -> MessageSpec:
        lines = [replace(line, **fields) if line.name == name else line for line in spec.parameters]
        return replace(spec, parameters=tuple(lines))

    requests_changed(works, (acronym,), change)


def _at_door(works: Works, acronym: str, door: str) -> None:
    """Let a message be known at one door more."""

    def change(spec: MessageSpec) -> MessageSpec:
        if acronym not in (spec.acronym, spec.reply) or door in spec.doors:
            return spec
        is_meant = is_request(spec) or acronym == spec.acronym
        return replace(spec, doors=(*spec.doors, door)) if is_meant else spec

    requests_changed(works, (acronym,), change)


# ---- CAT-01, HDR-08: where messages are known ----------------------------------------------------


@breaks("a-through-dispatcher", "HDR-08", "CAT-01")
def _(works: Works) -> None:
    """A is known at the Inbox behind a dispatcher too."""
    _at_door(works, "A", "inbox")


@breaks("metadata-through-dispatcher", "HDR-08", "CAT-01")
def _(works: Works) -> None:
    """METADATA is known at the Report Manager behind a dispatcher too."""
    _at_door(works, "METADATA", "rm")


@breaks("nrl-through-dispatcher", "HDR-08", "CAT-01")
def _(works: Works) -> None:
    """NRL is known at the Report Manager behind a dispatcher too."""
    _at_door(works, "NRL", "rm")


@breaks("lists-for-one-enterprise", "HDR-08")
def _(works: Works) -> None:
    """On a native port reports and items are listed for the enterprise 00022924 only."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        is_list = door in NATIVE and octets.startswith((b"GURL<", b"L<"))
        if not is_list or b"ENTPID=00022924" in octets:
            return answer
        return re.sub(rb"ERROR=(0|6109|5100)(?=[,>])", b"ERROR=6115", answer)

    works.responses(change)


@breaks("jar-at-native-ports", "WEB-09", "CAT-01")
def _(works: Works) -> None:
    """CKG is known at the native ports of the Report Manager and the Inbox."""
    _at_door(works, "CKG", "rm-native")
    _at_door(works, "CKG", "inbox-native")


@breaks("grtl-at-scheduler", "DSP-02", "CAT-01")
def _(works: Works) -> None:
    """The Report Scheduler takes GRTL."""
    _at_door(works, "GRTL", "rs")


@breaks("urs-at-report-manager-only", "DSP-02", "CAT-01")
def _(works: Works) -> None:
    """The Report Scheduler does not know URS."""

    def change(spec: MessageSpec) -> MessageSpec:
        return replace(spec, doors=tuple(door for door in spec.doors if door != "rs"))

    requests_changed(works, ("URS",), change)


@breaks("dur-is-drd", "CAT-01")
def _(works: Works) -> None:
    """DUR is taken for DRD."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        if octets.startswith(b"DUR<"):
            octets = b"DRD<" + octets[4:]
        return validate(octets, door, **options)

    works.validation(around)


@breaks("late-arda-counts", "CAT-01")
def _(works: Works) -> None:
    """An ARDA with an error that comes behind the NRL marks the report as failed."""

    def made(act: Any) -> Any:
        def acted(work: Any) -> Outcome:
            outcome: Outcome = act(work)
            if work.number("ERROR"):
                _, report = fulfilment._request(work)
                user_reports.set_report(work.connection, report.id, status=user_reports.FAILED)
            return outcome

        return acted

    works.exchange(report_manager._ACTS, "ARDA", made)


@breaks("overlay-ignored", "HDR-10")
def _(works: Works) -> None:
    """What the profile adds to the catalogue is not known."""
    works.catalogue(lambda known: catalogue())


# ---- CAT-02, CAT-03: the tables ------------------------------------------------------------------


@breaks("length-before-greatest-id", "CAT-02", "CAT-07")
def _(works: Works) -> None:
    """The length of an id is judged before it is compared with the greatest."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            if refusal.code == 6107 and re.search(rb"=[0-9]{11}", octets):
                raise recoded(refusal, 6103) from None
            raise

    works.validation(around)


@breaks("greatest-id-is-6103", "CAT-02", "CAT-07")
def _(works: Works) -> None:
    """An id above 2147483647 is 6103 rather than 6107."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            raise recoded(refusal, 6103) if refusal.code == 6107 else refusal from None

    works.validation(around)


@breaks("corporation-not-needed", "CAT-02")
def _(works: Works) -> None:
    """A BILLING without an id on its first level is taken."""
    _row(works, "ARD", "BILLING", rooted=False)


@breaks("rqstdt-of-12", "CAT-03", "SYN-12")
def _(works: Works) -> None:
    """RQSTDT in A has at most 12 octets, as its table is printed."""
    _row(works, "A", "RQSTDT", form="text", length=12)


@breaks("priority-always-needed", "CAT-03", "SYN-12", "ERR-03")
def _(works: Works) -> None:
    """PRIORITY in A is needed for every category."""
    _row(works, "A", "PRIORITY", required="yes", when=(), only=False)


@breaks("requestid-of-a-unknown", "CAT-03", "SYN-12")
def _(works: Works) -> None:
    """A knows no REQUESTID, as its table is printed."""
    _without(works, "A", "REQUESTID")


@breaks("category-of-u-unknown", "CAT-03", "CAT-06")
def _(works: Works) -> None:
    """U knows no CATEGORY, as its table is printed."""
    _without(works, "U", "CATEGORY")


def _without(works: Works, acronym: str, name: str) -> None:
    def change(spec: MessageSpec) -> MessageSpec:
        lines = tuple(line for line in spec.parameters if line.name != name)
        return replace(spec, parameters=lines)

    requests_changed(works, (acronym,), change)


@breaks("product-f-taken", "CAT-03")
def _(works: Works) -> None:
    """F is an acceptable PRODUCT of GRTL."""

    def change(spec: MessageSpec) -> MessageSpec:
        line = spec.parameter("PRODUCT")
        more = replace(line, values={**(line.values or {}), "F": "in the text only"})
        lines = [more if one is line else one for one in spec.parameters]
        return replace(spec, parameters=tuple(lines))

    requests_changed(works, ("GRTL",), change)


# ---- CAT-04, ERR-02: what is answered ------------------------------------------------------------

_ERROR = re.compile(rb"ERROR=([0-9]+)")


def _failed(answer: bytes) -> bool:
    found = _ERROR.search(answer[:64])
    return found is not None and found[1] != b"0"


@breaks("blanks-in-answers", "CAT-04")
def _(works: Works) -> None:
    """A blank stands behind each comma of an answer."""
    works.responses(lambda answer, octets, door: answer.replace(b",", b", "))


@breaks("error-last", "CAT-04")
def _(works: Works) -> None:
    """ERROR is the last field of an acknowledgement."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return re.sub(rb"\A(\w+<)(ERROR=[0-9]+),([^<>]*)>", rb"\1\3,\2>", answer)

    works.responses(change)


@breaks("fields-of-answer-reversed", "CAT-04")
def _(works: Works) -> None:
    """The fields behind ERROR stand in the reverse order of the table."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        found = re.fullmatch(rb"(\w+<ERROR=[0-9]+),([^<>]*)>", answer)
        if not found:
            return answer
        return found[1] + b"," + b",".join(reversed(found[2].split(b","))) + b">"

    works.responses(change)


@breaks("ids-left-out-of-answers", "CAT-04")
def _(works: Works) -> None:
    """The acknowledgements of the Report Manager do not carry USERRPTID."""
    _dropped(works, rb"\A((?:ARDA|DRDA|CRDA|URSA|NRLA)<[^>]*?),USERRPTID=[0-9]+")


@breaks("inboxid-left-out-of-z", "CAT-04")
def _(works: Works) -> None:
    """The Z to A does not carry INBOXID."""
    _dropped(works, rb"\A(Z<REQ=A,ERROR=0),INBOXID=[0-9]+")


@breaks("error-with-more", "CAT-04")
def _(works: Works) -> None:
    """An answer that refuses says why in a parameter of its own."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return answer[:-1] + b",TEXT=refused>" if _failed(answer) else answer

    works.responses(change)


@breaks("ids-of-nrl-not-repeated", "CAT-04")
def _(works: Works) -> None:
    """An NRLA that refuses has nothing but ERROR."""
    _dropped(works, rb"\A(NRLA<ERROR=[1-9][0-9]*),[^>]*")


@breaks("older-inboxid-not-told", "CAT-04", "CAT-06")
def _(works: Works) -> None:
    """A Z with 5005 does not carry the INBOXID of the older item."""
    _dropped(works, rb"\A(Z<REQ=A,ERROR=5005),INBOXID=[0-9]+")


@breaks("new-inboxid-not-told-with-51xx", "CAT-04", "ERR-05")
def _(works: Works) -> None:
    """A Z with a code that comes after storing does not carry the INBOXID."""
    _dropped(works, rb"\A(Z<REQ=A,ERROR=51[78][0-9]),INBOXID=[0-9]+")


def _dropped(works: Works, pattern: bytes) -> None:
    found = re.compile(pattern)
    works.responses(lambda answer, octets, door: found.sub(rb"\1", answer))


@breaks("arda-answered-by-nrla", "CAT-04")
def _(works: Works) -> None:
    """An ARDA that comes to rm-native is answered with NRLA."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return b"NRLA" + answer[4:] if octets.startswith(b"ARDA<") else answer

    works.responses(change)


@breaks("error-under-the-asked-acronym", "ERR-02")
def _(works: Works) -> None:
    """A refused message is answered under its own acronym."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        if not _failed(answer) or answer.startswith(b"Z<"):
            return answer
        return octets.partition(b"<")[0].strip() + b"<" + answer.partition(b"<")[2]

    works.responses(change)


def _refusals(works: Works, change: Callable[[bytes, str, Refusal], bytes | None]) -> None:
    """Let `change(octets, door, refusal)` be the reply to a refused message; None leaves it."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            reply = change(octets, door, refusal)
            refusal.reply = refusal.reply if reply is None else reply
            raise

    works.validation(around)


@breaks("unknown-acronym-not-echoed", "ERR-02")
def _(works: Works) -> None:
    """A message that is not known is answered without its acronym."""
    _refusals(
        works,
        lambda octets, door, refusal: b"<ERROR=6104>" if refusal.code == 6104 else None,
    )


@breaks("something-echoed-for-nothing", "ERR-02")
def _(works: Works) -> None:
    """Where there is no acronym to echo NONE stands in its place."""

    def change(octets: bytes, door: str, refusal: Refusal) -> bytes | None:
        reply = refusal.reply.replace(b"Z<REQ=,", b"Z<REQ=NONE,")
        return b"NONE" + reply if reply.startswith(b"<") else reply

    _refusals(works, change)


@breaks("inbox-does-not-say-what-it-refuses", "ERR-02")
def _(works: Works) -> None:
    """A Z that refuses a message has no REQ."""
    _refusals(
        works,
        lambda octets, door, refusal: re.sub(rb"^Z<REQ=[^<>,]*,", b"Z<", refusal.reply),
    )


@breaks("unreadable-acronym-not-echoed", "ERR-02")
def _(works: Works) -> None:
    """A failure of the syntax is answered without the acronym."""
    _refusals(
        works,
        lambda octets, door, refusal: (
            b"<" + refusal.reply.partition(b"<")[2]
            if refusal.step == 1 and not refusal.reply.startswith(b"Z<")
            else None
        ),
    )


@breaks("long-acronym-echoed", "ERR-02")
def _(works: Works) -> None:
    """An acronym of more than 8 octets is echoed."""

    def change(octets: bytes, door: str, refusal: Refusal) -> bytes | None:
        name, bracket, _ = octets.partition(b"<")
        if refusal.step > 2 or not bracket or len(name) <= 8 or b"=" in name:
            return None
        return refusal.reply.replace(b"<", name + b"<", 1)

    _refusals(works, change)


@breaks("long-acronym-cut", "ERR-02")
def _(works: Works) -> None:
    """Of an acronym of more than 8 octets the first 8 are echoed."""

    def change(octets: bytes, door: str, refusal: Refusal) -> bytes | None:
        name, bracket, _ = octets.partition(b"<")
        if refusal.step > 2 or not bracket or len(name) <= 8 or b"=" in name:
            return None
        return refusal.reply.replace(b"<", name[:8] + b"<", 1)

    _refusals(works, change)


@breaks("unknown-at-inbox-is-6104", "ERR-02")
def _(works: Works) -> None:
    """The Inbox answers a message that it does not know as the Report Manager does."""

    def change(octets: bytes, door: str, refusal: Refusal) -> bytes | None:
        name = octets.partition(b"<")[0]
        return name + b"<ERROR=6104>" if refusal.code == 5103 else None

    _refusals(works, change)


@breaks("metadata-fails-without-acronym", "ERR-02", "CAT-08")
def _(works: Works) -> None:
    """METADATA that fails is answered without the acronym."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return answer[8:] if answer.startswith(b"METADATA<ERROR=") else answer

    works.responses(change)


@breaks("metadata-under-its-acronym", "ERR-02", "CAT-08")
def _(works: Works) -> None:
    """METADATA that succeeds is answered under its acronym."""

    def change(answer: bytes, octets: bytes, door: str) -> bytes:
        return b"METADATA" + answer if answer.startswith(b"<METADATA=") else answer

    works.responses(change)
