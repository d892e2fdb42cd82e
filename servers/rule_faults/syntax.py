"""How the octets of a message are read: SYN."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from starwire.grammar import Limits, parse
from starwire.protocol.catalogue import MessageSpec, ParameterSpec
from starwire.protocol.profile import Profile
from starwire.protocol.validation import Refusal

from .. import definitions, report_lists
from .fault import breaks
from .works import Works

_BEYOND = Limits(octets=1 << 30, nesting=1 << 20, marks=1 << 30)


def _read_as(works: Works, change: Callable[[bytes], bytes]) -> None:
    """Let other octets be judged than those that came."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        return validate(change(octets), door, **options)

    works.validation(around)


def _read_by(works: Works, pattern: bytes, instead: bytes) -> None:
    """The same, by a regular expression."""
    found = re.compile(pattern)
    _read_as(works, lambda octets: found.sub(instead, octets))


def _malformed(works: Works, is_so: Callable[[bytes], Any]) -> None:
    """Let messages of which that is so be refused as no message (6611)."""
    _read_as(
        works,
        lambda octets: octets.partition(b"<")[0] + b"<>x" if is_so(octets) else octets,
    )


def _unknown(works: Works, is_so: Callable[[bytes], Any]) -> None:
    """Let messages of which that is so be refused for an unknown token (6610)."""
    _read_as(works, lambda octets: _with_stranger(octets) if is_so(octets) else octets)


def _with_stranger(octets: bytes) -> bytes:
    group, _, behind = octets.rpartition(b">")
    return group + b",NO SUCH TOKEN=1>" + behind


def _refusing(works: Works, change: Callable[[bytes, str, Refusal], Refusal | None]) -> None:
    """Let another Refusal stand for one; None leaves it."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            raise change(octets, door, refusal) or refusal from None

    works.validation(around)


def recoded(refusal: Refusal, code: int) -> Refusal:
    """The same refusal with another code."""
    reply = refusal.reply.replace(b"ERROR=%d" % refusal.code, b"ERROR=%d" % code)
    return Refusal(code, refusal.step, refusal.parameter, refusal.reason, reply)


def _lines(works: Works, change: Callable[[ParameterSpec], ParameterSpec]) -> None:
    """Change every line at the top of a request's table."""

    def changed(spec: MessageSpec) -> MessageSpec:
        if spec.direction != "request":
            return spec
        return replace(spec, parameters=tuple(map(change, spec.parameters)))

    works.specs(changed)


# ---- SYN-01 to SYN-04: the grammar ---------------------------------------------------------------


@breaks("long-acronym-is-no-message", "SYN-01")
def _(works: Works) -> None:
    """An acronym of more than four letters is refused: 6611."""
    _malformed(works, lambda octets: len(octets.partition(b"<")[0].strip()) > 4)


@breaks("acronym-needed", "SYN-01", "ERR-02")
def _(works: Works) -> None:
    """A message without an acronym is refused as none: 6611."""
    _malformed(works, lambda octets: octets.startswith(b"<"))


@breaks("blanks-in-text-collapsed", "SYN-07", "OCT-01")
def _(works: Works) -> None:
    """Of several blanks in a text one is kept."""
    _read_by(works, b"  +", b" ")


@breaks("high-octets-refused", "SYN-02", "OCT-01")
def _(works: Works) -> None:
    """A message with an octet above 127 is refused: 6611."""
    _malformed(works, lambda octets: not octets.isascii())


@breaks("nul-in-text-refused", "SYN-02", "OCT-01")
def _(works: Works) -> None:
    """A message with a NUL in its text is refused: 6611."""
    _malformed(works, re.compile(b"<.*\0.*>", re.DOTALL).search)


@breaks("second-equals-refused", "SYN-02", "SYN-05")
def _(works: Works) -> None:
    """A message with an `=` in a value is refused: 6611."""
    _malformed(works, re.compile(b"=[^<>,\x01=]*=").search)


@breaks("equals-ends-the-value", "SYN-05")
def _(works: Works) -> None:
    """A second `=` of a slot ends the value."""
    _read_by(works, b"(=[^<>,\x01=]*)=[^<>,\x01]*", rb"\1")


@breaks("x01-is-text", "SYN-03")
def _(works: Works) -> None:
    """The octet 0x01 separates nothing."""
    _read_as(works, lambda octets: octets.replace(b"\x01", b"\x02"))


@breaks("caret-a-is-x01", "SYN-03")
def _(works: Works) -> None:
    """The two characters `^A` separate fields."""
    _read_as(works, lambda octets: octets.replace(b"^A", b"\x01"))


@breaks("tilde-separates-parameters", "SYN-03")
def _(works: Works) -> None:
    """A `~` separates parameters."""
    _read_as(works, lambda octets: octets.replace(b"~", b","))


@breaks("separator-needed-behind-group", "SYN-04")
def _(works: Works) -> None:
    """A field that begins right behind a group is refused: 6611."""
    _malformed(works, re.compile(b">[ \t\r\n]*[^<>,\x01= \t\r\n]+=").search)


@breaks("one-group-for-each-value", "SYN-04")
def _(works: Works) -> None:
    """Text and a group behind the group of a value are an unknown token: 6610."""
    _unknown(works, re.compile(b">[ \t\r\n]*[^<>,\x01= \t\r\n]+<").search)


# ---- SYN-05: which field a slot belongs to -------------------------------------------------------


@breaks("comma-ends-free-text", "SYN-05", "SYN-08")
def _(works: Works) -> None:
    """Free text ends at its first comma."""

    def made(text_of: Any) -> Any:
        return lambda request, name: text_of(request, name).partition(",")[0]

    works.exchange(definitions, "text_of", made)


@breaks("keyless-slot-unknown", "SYN-05")
def _(works: Works) -> None:
    """A slot without a key is an unknown token: 6610."""

    def is_so(octets: bytes) -> Any:
        return re.search(b"=[^<>,\x01]+,[^<>,\x01=]+[,>]", octets)

    _unknown(works, is_so)


@breaks("last-empty-slot-dropped", "SYN-05")
def _(works: Works) -> None:
    """An empty slot at the end of a message counts for nothing."""
    _read_by(works, rb"[,\x01]+(>[\r\n\0 |]*)\Z", rb"\1")


@breaks("name-with-group-unknown", "SYN-05")
def _(works: Works) -> None:
    """A parameter that is written without `=` before its group is unknown: 6610."""
    _unknown(works, re.compile(b"[<,\x01][ \t\r\n]*[A-Z]{5,}[ \t\r\n]*<").search)


@breaks("bare-list-name-unknown", "SYN-05")
def _(works: Works) -> None:
    """The name of a pick list that stands alone is unknown: 6610."""
    _lines(works, lambda line: replace(line, bare=False))


@breaks("error-in-gpl-unknown", "SYN-05")
def _(works: Works) -> None:
    """ERROR in a GPL is an unknown token: 6610."""

    def changed(spec: MessageSpec) -> MessageSpec:
        kept = tuple(line for line in spec.parameters if not line.ignored)
        return replace(spec, parameters=kept)

    works.specs(changed)


@breaks("leading-text-ignored", "SYN-05")
def _(works: Works) -> None:
    """What stands before the first field of a message is passed over."""
    _read_by(works, rb"\A([^<]*<)(?:[^<>,\x01=]*[,\x01])+(?=[^<>,\x01=]+=)", rb"\1")


# ---- SYN-06: names -------------------------------------------------------------------------------


@breaks("keys-with-case", "SYN-06")
def _(works: Works) -> None:
    """A key in small letters is unknown: 6610."""
    _unknown(works, re.compile(rb"[<,\x01][ \t\r\n]*[a-z][a-zA-Z]*[ \t\r\n]*=").search)


@breaks("acronyms-without-case", "SYN-06")
def _(works: Works) -> None:
    """Acronyms compare without case."""

    def change(octets: bytes) -> bytes:
        name, bracket, rest = octets.partition(b"<")
        return name.upper() + bracket + rest

    _read_as(works, change)


@breaks("values-without-case", "SYN-06")
def _(works: Works) -> None:
    """Acceptable values compare without case."""
    found = re.compile(b"=([a-z])(?=[,>])")
    _read_as(works, lambda octets: found.sub(lambda one: one[0].upper(), octets))


@breaks("blanks-round-keys-kept", "SYN-06", "SYN-13")
def _(works: Works) -> None:
    """A key with a blank before or behind it is unknown: 6610."""
    _unknown(works, re.compile(b"[<,\x01] +[^<>,\x01=]+=|(?<=[^<>,\x01= ]) +=").search)


@breaks("blanks-round-values-kept", "SYN-06", "SYN-13")
def _(works: Works) -> None:
    """A blank before or behind a value is part of it."""
    _read_by(works, b"(?<==) +| +(?=[,>])", b"\xa0")


@breaks("blanks-round-acronym-kept", "SYN-06", "SYN-13")
def _(works: Works) -> None:
    """A blank before an acronym is part of it."""
    _read_by(works, rb"\A +", b"_")


@breaks("line-end-is-no-blank", "SYN-06")
def _(works: Works) -> None:
    """CR and LF round the fields of a message are no blanks."""
    _read_by(works, b"[\r\n](?=[^<>]*[=<])", b"\xa0")


@breaks("tab-is-no-blank", "SYN-06")
def _(works: Works) -> None:
    """TAB is no blank."""
    _read_as(works, lambda octets: octets.replace(b"\t", b"\xa0"))


@breaks("nul-is-a-blank", "SYN-06")
def _(works: Works) -> None:
    """NUL is a blank."""
    _read_by(works, b"\0(?=[^<>]*>)", b" ")


@breaks("xa0-is-a-blank", "SYN-06")
def _(works: Works) -> None:
    """The octet 0xA0 is a blank."""
    _read_as(works, lambda octets: octets.replace(b"\xa0", b" "))


@breaks("blanks-in-keys-dropped", "SYN-06")
def _(works: Works) -> None:
    """Blanks inside a key do not count."""
    found = re.compile(b"[<,\x01][^<>,\x01=]+=")
    _read_as(works, lambda octets: found.sub(lambda one: one[0].replace(b" ", b""), octets))


@breaks("aliases-unknown", "SYN-06")
def _(works: Works) -> None:
    """Only the name that stands in the table is known: 6610 for its aliases."""
    _lines(works, lambda line: replace(line, aliases=()))


# ---- SYN-08 to SYN-11 ----------------------------------------------------------------------------


@breaks("commas-sent-in-rows", "SYN-08", "CAT-05")
def _(works: Works) -> None:
    """A comma in a member of a row is sent as it is."""

    def made(reports: Any) -> Any:
        def told(rows: Any) -> Any:
            return reports([(name, [_marked(row) for row in found]) for name, found in rows])

        return told

    works.exchange(report_lists, "_reports", made)
    works.responses(lambda answer, octets, door: answer.replace(b"\x02", b","))


def _marked(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row whose commas the builder does not see."""
    return tuple(text.replace(",", "\x02") for text in row)


@breaks("line-end-behind-message-refused", "SYN-09")
def _(works: Works) -> None:
    """A CR or LF behind a message is refused: 6611."""
    _malformed(works, re.compile(rb">[\0 |]*[\r\n][\0\r\n |]*\Z").search)


@breaks("bar-behind-message-refused", "SYN-09")
def _(works: Works) -> None:
    """A `|` behind a message is refused: 6611."""
    _malformed(works, re.compile(rb">[\0\r\n ]*\|[\0\r\n |]*\Z").search)


@breaks("second-bar-taken", "SYN-09")
def _(works: Works) -> None:
    """Behind a message any number of `|` may stand."""
    _read_by(works, rb"[\0\r\n |]+\Z", b"")


@breaks("anything-behind-message-taken", "SYN-09", "SYN-10")
def _(works: Works) -> None:
    """What stands behind the last bracket of a message is not looked at."""
    _read_by(works, rb">[^<>]*\Z", b">")


@breaks("unbalanced-is-6611", "SYN-10")
def _(works: Works) -> None:
    """Brackets that do not pair are 6611 rather than 6612."""
    _refusing(
        works,
        lambda octets, door, refusal: recoded(refusal, 6611) if refusal.code == 6612 else None,
    )


@breaks("nothing-is-6612", "SYN-10")
def _(works: Works) -> None:
    """A message of no octets is 6612 rather than 6611."""
    _refusing(
        works,
        lambda octets, door, refusal: (
            None if octets or refusal.code != 6611 else recoded(refusal, 6612)
        ),
    )


@breaks("first-fault-decides", "SYN-10")
def _(works: Works) -> None:
    """Octets behind the message are 6611 whatever brackets stand among them."""

    def change(octets: bytes, door: str, refusal: Refusal) -> Refusal | None:
        if refusal.code != 6612:
            return None
        depth = 0
        for place, octet in enumerate(octets):
            depth += (octet == ord("<")) - (octet == ord(">"))
            if depth == 0 and octet == ord(">"):
                return recoded(refusal, 6611) if octets[place + 1 : place + 2].isalnum() else None
        return None

    _refusing(works, change)


@breaks("inbox-syntax-is-6611", "SYN-10", "ERR-01")
def _(works: Works) -> None:
    """At the Inbox a failure of the syntax is 6611 rather than 5101."""
    _refusing(
        works,
        lambda octets, door, refusal: (
            recoded(refusal, 6611) if refusal.step == 1 and refusal.code == 5101 else None
        ),
    )


def _limit(works: Works, name: str, by: int) -> None:
    def change(profile: Profile) -> Profile:
        limits = profile.limits
        return replace(profile, limits=replace(limits, **{name: getattr(limits, name) + by}))

    works.profile(change)


@breaks("nesting-limit-less", "SYN-11")
def _(works: Works) -> None:
    """The limit of the nesting is one less."""
    _limit(works, "nesting", -1)


@breaks("nesting-limit-more", "SYN-11")
def _(works: Works) -> None:
    """The limit of the nesting is one more."""
    _limit(works, "nesting", 1)


@breaks("closed-groups-nest", "SYN-11")
def _(works: Works) -> None:
    """Groups that are closed again count for the nesting."""

    def change(octets: bytes) -> bytes:
        groups = octets.count(b"<")
        return octets.partition(b"<")[0] + b"<" * groups if groups > Limits().nesting else octets

    _read_as(works, change)


@breaks("marks-limit-less", "SYN-11")
def _(works: Works) -> None:
    """The limit of the marks is one less."""
    _limit(works, "marks", -1)


@breaks("marks-limit-more", "SYN-11")
def _(works: Works) -> None:
    """The limit of the marks is one more."""
    _limit(works, "marks", 1)


@breaks("octets-limit-less", "SYN-11")
def _(works: Works) -> None:
    """The limit of the octets is one less."""
    _limit(works, "octets", -1)


@breaks("octets-limit-more", "SYN-11")
def _(works: Works) -> None:
    """The limit of the octets is one more."""
    _limit(works, "octets", 1)


@breaks("limits-judged-last", "SYN-10", "SYN-11")
def _(works: Works) -> None:
    """Of a message that passes a limit the brackets are judged first."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        try:
            return validate(octets, door, **options)
        except Refusal as refusal:
            if refusal.code == 6102:
                try:
                    validate(octets, door, **{**options, "limits": _BEYOND})
                except Refusal as other:
                    if other.step == 1:
                        raise other from None
            raise

    works.validation(around)


# ---- SYN-13: values ------------------------------------------------------------------------------


@breaks("empty-group-is-a-value", "SYN-13")
def _(works: Works) -> None:
    """A value `<>` is not empty."""
    _read_by(works, b"=<>", b"=<.>")


@breaks("blank-group-is-a-value", "SYN-13")
def _(works: Works) -> None:
    """A value `< >` is not empty."""
    _read_by(works, rb"=\s*<\s+>", b"=<.>")


@breaks("group-of-blanks-is-blanks", "ERR-04")
def _(works: Works) -> None:
    """A group of blanks is told as blanks without a group."""
    _read_by(works, rb"=\s*<(\s+)>", rb"=\1")


@breaks("empty-member-taken", "SYN-13")
def _(works: Works) -> None:
    """An empty member of a list is dropped wherever it stands."""
    _read_by(works, b"(?<=[<,]),+", b"")


@breaks("last-empty-member-refused", "SYN-13")
def _(works: Works) -> None:
    """An empty member at the end of a list is wrong."""
    _read_by(works, b"(?<=[0-9]),>", b",,_>")


@breaks("bare-list-refused", "SYN-13")
def _(works: Works) -> None:
    """A list of several members without a group round it is wrong."""
    _read_by(works, b"(?<==)([0-9]+)~", rb"\1_~")


@breaks("order-of-parameters-judged", "SYN-13")
def _(works: Works) -> None:
    """Parameters must come in the order of the table: 6103."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        request = validate(octets, door, **options)
        names = [line.folded for line in request.spec.parameters]
        sent = [names.index(field.name) for field in parse(octets) if field.name in names]
        if sent != sorted(sent):
            raise Refusal(6103, 6, None, "in another order", request.refuse(6103))
        return request

    works.validation(around)


@breaks("repeated-parameter-taken", "SYN-13")
def _(works: Works) -> None:
    """A parameter may be given twice, and the first counts."""
    _lines(works, lambda line: replace(line, repeats=True))
