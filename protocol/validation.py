"""The validation: octets to a Request, or to a Refusal with its reply (ERR-03).

The steps run in their order and the first that fails decides:

    1  syntax and limits            4  required parameter missing
    2  acronym                      5  present without a value
    3  unknown token                6  form and acceptable values

Steps 7 and 8, who asks and what is stored, are the back ends'; their answers are built here too, by
Request.reply and Request.refuse. Within step 3 the message's order decides, in steps 4 to 6 the
table's, a group's members where the group stands. No message is known here by name: all comes from
the catalogue.

A message alone does not say everything that a condition asks: the template of an ARD, for one,
belongs to a server. Such facts (`Catalogue.facts` lists them) come from the caller, as a mapping or
as a function of what was read, which is called behind step 3 and only where the table asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from re import compile as pattern
from typing import Any, NamedTuple, TypeAlias

from ..grammar import Limits, Message, MetadataError, Value, build, fold, parse, strip
from .catalogue import Catalogue, Direction, FamilySpec, MessageSpec, Reading
from .catalogue.reading import Reader
from .catalogue.scope import Row
from .catalogue.table import Table
from .forms import Context, Objection, pairs_of
from .messages import STATUS, write

__all__ = ["Facts", "Refusal", "Request", "validate"]

Facts: TypeAlias = Mapping[str, str] | Callable[[Reading], Mapping[str, str]]

ACRONYM_OCTETS = 8
"""ERR-02: a longer name is no acronym and is not echoed. METADATA has 8."""

_LIMITS = Limits()
_NOTHING: Mapping[str, str] = {}
_NAME = pattern(b"[^<>,\x01=]+")


class Refusal(Exception):
    """A message that fails one of the steps 1 to 6; `reply` is the answer that it is owed."""

    def __init__(
        self, code: int, step: int, parameter: str | None, reason: str, reply: bytes
    ) -> None:
        super().__init__(f"{code} in step {step}: {parameter or 'message'}: {reason}")
        self.code = code
        self.step = step
        self.parameter = parameter
        self.reason = reason
        self.reply = reply


class Request:
    """A message that passed steps 1 to 6, and the means to answer it."""

    __slots__ = ("_context", "_table", "message", "octets", "reading")

    def __init__(
        self, octets: bytes, message: Message, table: Table, reading: Reading, context: Context
    ) -> None:
        self.octets = octets
        self.message = message
        self.reading = reading
        self._table = table
        self._context = context

    @property
    def spec(self) -> MessageSpec:
        """The table that the message is of."""
        return self._table.spec

    def get(self, name: str) -> Value | None:
        """The first value of a parameter, by its name or an alias."""
        return self.reading.get(name)

    def getall(self, name: str) -> list[Value]:
        """Every value of a parameter, in the order sent."""
        return self.reading.getall(name)

    def scalar(self, name: str, default: str = "") -> str:
        """The text of a parameter; the default where it is missing or empty."""
        return self.reading.scalar(name, default)

    def members(self, name: str) -> list[str]:
        """The members of a list; none where it is missing or empty."""
        return self.reading.members(name)

    def groups(self, name: str) -> list[Reading]:
        """What the groups of a parameter hold, such as those of THRESHOLD or SCHEDULE."""
        return self.reading.groups(name)

    def reply(self, values: Mapping[str, Any] = _NOTHING) -> bytes:
        """The answer of a request that was carried out: ERROR=0 and these values (CAT-04)."""
        answer = self._answer()
        status = {} if answer.nameless else {STATUS: "0"}
        return self._write(answer, {**status, **values})

    def refuse(self, code: int, values: Mapping[str, Any] = _NOTHING) -> bytes:
        """The answer of a request that fails; values are for the few codes that carry some."""
        return self._write(self._answer(), {STATUS: str(code), **values})

    def _answer(self) -> MessageSpec:
        if self._table.answer is None:
            raise ValueError(f"{self.spec.acronym} is a response, nothing answers it")
        return self._table.answer

    def _write(self, answer: MessageSpec, values: Mapping[str, Any]) -> bytes:
        given: dict[str, Any] = {}
        if self._table.family.names_request:
            given[self._table.family.names_request] = self.spec.acronym
        for line in answer.parameters:
            if line.echoed:
                given.update(self._readable(line.folded))
        return write(answer, {**given, **values})

    def _readable(self, name: str) -> dict[str, str]:
        """The parameter, if it is there and nothing is wrong with it (CAT-04)."""
        row = self.reading.scope.row(name)
        value = self.reading.get(name)
        if row is None or value is None or value.is_empty:
            return {}
        return {} if row.form(value, row.spec, self._context) else {name: value.scalar}


def validate(
    octets: bytes,
    door: str,
    *,
    catalogue: Catalogue,
    limits: Limits = _LIMITS,
    entpid_length: int = 8,
    facts: Facts = _NOTHING,
    direction: Direction = "request",
) -> Request:
    """The request that the octets are, come in by a door. Raises Refusal; KeyError for no door.

    With `direction` "response" it is a client's judgement of an answer that came from there; then
    a Refusal's `reply` is empty.
    """
    family = catalogue.family(door)
    try:
        message = parse(octets, limits)
    except MetadataError as error:
        code = getattr(family, error.fault.name.lower())
        echo = _echo(family, _name_in(octets), code)
        raise Refusal(code, 1, None, str(error), echo) from error
    acronym = _acronym(message, catalogue)
    entry = catalogue.entry(door, acronym, direction)
    if entry is None:
        echo = _echo(family, acronym, family.message)
        raise Refusal(family.message, 2, None, f"{acronym!r} is not known at {door}", echo)
    fields = message.fields(entry.bare, entry.grouped)
    table = entry.choose(fields)
    reader = Reader()
    reading = reader.message(table.scope, fields)
    known = _NOTHING
    if table.asks_facts and reader.unknown is None:
        known = facts(reading) if callable(facts) else facts
    context = Context(entpid_length, known)
    request = Request(octets, message, table, reading, context)
    finding = _first(table, reader, reading, context)
    if finding is None:
        return request
    reply = request.refuse(finding.code) if table.answer else b""
    raise Refusal(finding.code, finding.step, finding.parameter, finding.reason, reply)


# ---- steps 1 and 2 -------------------------------------------------------------------------------


def _name_in(octets: bytes) -> str:
    """The NAME before the first delimiter, of octets that are no message."""
    found = _NAME.match(octets)
    return strip(found.group().decode("latin-1")) if found else ""


def _acronym(message: Message, catalogue: Catalogue) -> str:
    """The acronym, or the first key of a message that is known by it (CAT-08)."""
    if message.acronym or not catalogue.nameless:
        return message.acronym
    first = next(iter(message.fields()), None)
    return catalogue.nameless.get(first.name, "") if first else ""


def _echo(family: FamilySpec, acronym: str, code: int) -> bytes:
    """The answer to what is no request of a table (ERR-02)."""
    echoed = acronym if len(acronym) <= ACRONYM_OCTETS else ""
    if family.names_request:
        return build(family.reply, [(family.names_request, echoed), (STATUS, str(code))])
    return build(echoed or None, [(STATUS, str(code))])


# ---- steps 3 to 6 --------------------------------------------------------------------------------


class _Finding(NamedTuple):
    step: int
    code: int
    parameter: str | None
    reason: str


def _first(table: Table, reader: Reader, reading: Reading, context: Context) -> _Finding | None:
    """What fails first in the steps 3 to 6."""
    family, facts = table.family, context.facts
    if reader.unknown is not None:
        return _Finding(3, family.token, strip(reader.unknown), "is no token of the message")
    rows = table.scope.rows
    if table.spec.direction == "response" and reading.scalar(STATUS, "0") != "0":
        rows = tuple(row for row in rows if row.name in (STATUS, family.names_request))
    return (
        _missing(rows, reading, family, facts)
        or _empty(reading, family, facts)
        or _wrong(reading, family, context)
        or _contradiction(table, reading, facts)
    )


def _missing(
    rows: tuple[Row, ...], reading: Reading, family: FamilySpec, facts: Mapping[str, str]
) -> _Finding | None:
    """Step 4: a required parameter that is not there."""
    values = reading.values
    for row in rows:
        if row.name not in values:
            if row.required(reading, facts):
                return _lack(row, reading, family, facts)
        elif row.scope is not None:
            for inner in reading.inner.get(row.name, ()):
                finding = _missing(row.scope.rows, inner, family, facts) or _lone(
                    row, inner, family, facts
                )
                if finding:
                    return finding
    return None


def _lack(row: Row, reading: Reading, family: FamilySpec, facts: Mapping[str, str]) -> _Finding:
    default = family.missing if reading.outer is None else family.member
    for codes in row.codes(reading, facts):
        if codes.missing is not None:
            default = codes.missing
            break
    return _Finding(4, default, row.spec.name, "is required and missing")


def _pair(row: Row, inner: Reading, facts: Mapping[str, str]) -> list[Row]:
    """The two members that come in pairs, where the first is required."""
    if row.scope is None or row.spec.pairs is None:
        return []
    pair = [row.scope.names[fold(name)] for name in row.spec.pairs]
    return pair if pair[0].required(inner, facts) else []


def _lone(
    row: Row, inner: Reading, family: FamilySpec, facts: Mapping[str, str]
) -> _Finding | None:
    """Half of a pair: the other half is missing."""
    pair = _pair(row, inner, facts)
    counts = [len(inner.values.get(one.name, ())) for one in pair]
    if not pair or counts[0] == counts[1]:
        return None
    return _lack(pair[counts[0] > counts[1]], inner, family, facts)


def _empty(reading: Reading, family: FamilySpec, facts: Mapping[str, str]) -> _Finding | None:
    """Step 5: a parameter that is there without a value."""
    for row in reading.scope.rows:
        for value in reading.values.get(row.name, ()):
            if value.is_empty and not (row.spec.bare or row.spec.ignored):
                code = _empty_code(row, value.text, reading, family, facts)
                if code is not None:
                    return _Finding(5, code, row.spec.name, "has no value")
        for inner in reading.inner.get(row.name, ()):
            finding = _empty(inner, family, facts)
            if finding:
                return finding
    return None


def _empty_code(
    row: Row, text: str, reading: Reading, family: FamilySpec, facts: Mapping[str, str]
) -> int | None:
    """The code for an empty value; None if it may be empty."""
    is_blank = bool(text) and "<" not in text
    for codes in row.codes(reading, facts):
        if is_blank and codes.blank is not None:
            return codes.blank
        if codes.empty is not None:
            return codes.empty
    if not row.required(reading, facts):
        return None
    return family.empty if row.spec.required == "yes" else family.empty_when


def _wrong(reading: Reading, family: FamilySpec, context: Context) -> _Finding | None:
    """Step 6: a value whose form, length or acceptable values its row refuses, or a second one."""
    facts = context.facts
    for row in reading.scope.rows:
        values = reading.values.get(row.name)
        if values is None:
            continue
        if len(values) > 1 and not row.spec.repeats:
            return _Finding(6, family.twice, row.spec.name, "is given twice")
        for value in values:
            if row.spec.ignored or value.is_empty:
                continue
            objection = row.form(value, row.spec, context)
            if objection is not None:
                code = _wrong_code(row, objection, reading, family, facts)
                return _Finding(6, code, row.spec.name, objection.reason)
        for inner in reading.inner.get(row.name, ()):
            finding = _wrong(inner, family, context) or _crossed(row, inner, family, facts)
            if finding:
                return finding
    return None


def _wrong_code(
    row: Row, objection: Objection, reading: Reading, family: FamilySpec, facts: Mapping[str, str]
) -> int:
    for codes in row.codes(reading, facts):
        if codes.wrong is not None:
            return codes.wrong
    return family.past if objection.past else family.wrong


def _crossed(
    row: Row, inner: Reading, family: FamilySpec, facts: Mapping[str, str]
) -> _Finding | None:
    """Pairs of times that are the wrong way round or overlap."""
    pair = _pair(row, inner, facts)
    reason = pairs_of(*(inner.values[one.name] for one in pair)) if pair else None
    return _Finding(6, family.wrong, row.spec.name, reason) if reason else None


def _contradiction(table: Table, reading: Reading, facts: Mapping[str, str]) -> _Finding | None:
    """Step 6, behind the rows: the checks between parameters."""
    for rule in table.rules:
        reason = rule.objection(reading, facts)
        if reason is not None:
            code = rule.spec.code if rule.spec.code is not None else table.family.wrong
            return _Finding(6, code, rule.spec.parameter, reason)
    return None
