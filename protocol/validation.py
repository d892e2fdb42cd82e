"""The validation: octets to a Request, or to a Refusal with its reply (ERR-03).

The steps run in their order and the first that fails decides:

    1  syntax and limits            4  required parameter missing
    2  acronym                      5  present without a value
    3  unknown token                6  form and acceptable values

Steps 7 and 8, who asks and what is stored, are the back ends'; their answers are built here too, by
Request.reply and Request.refuse. Within step 3 the message's order decides, in steps 4 to 6 the
table's (`catalogue.judging`). No message is known here by name: all comes from the catalogue.

A message alone does not say everything that a condition asks: the template of an ARD, for one,
belongs to a server. Such facts (`Catalogue.facts` lists them) come from the caller, as a mapping or
as a function of what was read, which is called behind step 3 and only where the table asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from re import compile as pattern
from typing import Any, TypeAlias

from starwire.grammar import Limits, Message, MetadataError, Value, build, parse, strip

from .catalogue import Catalogue, Direction, FamilySpec, MessageSpec, Reading
from .catalogue.judging import first_finding
from .catalogue.reading import Reader
from .catalogue.specification import STATUS
from .catalogue.table import Table
from .forms import Context
from .messages import write

__all__ = ["Facts", "Refusal", "Request", "validate"]

Facts: TypeAlias = Mapping[str, str] | Callable[[Reading], Mapping[str, str]]

ACRONYM_OCTETS = 8
"""ERR-02: a longer name is no acronym and is not echoed. METADATA has 8."""

_LIMITS = Limits()
_NOTHING: Mapping[str, str] = {}
_NAME = pattern(b"([^<>,\x01=]+)<")


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

    With `direction` "response" it is a client's judgement of an answer that came from there, to
    which nothing is owed: a Refusal's `reply` is empty.
    """
    family = catalogue.family(door)
    try:
        message = parse(octets, limits)
    except MetadataError as error:
        code = getattr(family, error.fault.name.lower())
        owed = _echo(family, _name_in(octets), code) if direction == "request" else b""
        raise Refusal(code, 1, None, str(error), owed) from error
    acronym = _acronym(message, catalogue)
    entry = catalogue.entry(door, acronym, direction)
    if entry is None:
        owed = _echo(family, acronym, family.message) if direction == "request" else b""
        raise Refusal(family.message, 2, None, f"{acronym!r} is not known at {door}", owed)
    fields = message.fields(entry.bare, entry.grouped)
    table = entry.choose(fields)
    reader = Reader()
    reading = reader.message(table.scope, fields)
    known = _NOTHING
    if table.asks_facts and reader.unknown is None:
        known = facts(reading) if callable(facts) else facts
    context = Context(entpid_length, known)
    request = Request(octets, message, table, reading, context)
    finding = first_finding(table, reader.unknown, reading, context)
    if finding is None:
        return request
    owed = request.refuse(finding.code) if direction == "request" else b""
    raise Refusal(finding.code, finding.step, finding.parameter, finding.reason, owed)


# ---- steps 1 and 2 -------------------------------------------------------------------------------


def _name_in(octets: bytes) -> str:
    """What stands before the first `<` of octets that are no message, if it is a NAME."""
    found = _NAME.match(octets)
    return strip(found[1].decode("latin-1")) if found else ""


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
