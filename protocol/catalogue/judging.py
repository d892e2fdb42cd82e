"""Steps 3 to 6 of the validation: what was read, against the table of its message (ERR-03).

Each step goes over the whole message before the next begins; in steps 4 to 6 the order is the
table's, the members of a group where the group stands. A function returns the first finding of its
step, or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starwire.grammar import fold, strip

from ..forms import Context, Objection, pairs_of
from .reading import Reading
from .scope import Row
from .specification import STATUS, FamilySpec
from .table import Table

__all__ = ["Finding", "first_finding"]

Facts = Mapping[str, str]


class Finding(NamedTuple):
    """A mistake: the step that fails, its code, the parameter to blame, and why."""

    step: int
    code: int
    parameter: str | None
    reason: str


def first_finding(
    table: Table, unknown: str | None, reading: Reading, context: Context
) -> Finding | None:
    """What fails first; `unknown` is the first token that the table does not hold."""
    family, facts = table.family, context.facts
    if unknown is not None:
        return Finding(3, family.token, strip(unknown), "is no token of the message")
    rows = table.scope.rows
    if table.spec.direction == "response" and reading.scalar(STATUS, "0") != "0":
        # CAT-04: the answer to what failed need hold nothing else.
        rows = tuple(row for row in rows if row.name in (STATUS, family.names_request))
    return (
        _missing(rows, reading, family, facts)
        or _empty(reading, family, facts)
        or _wrong(reading, family, context)
        or _contradiction(table, reading, facts)
    )


def _missing(
    rows: tuple[Row, ...], reading: Reading, family: FamilySpec, facts: Facts
) -> Finding | None:
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


def _lack(row: Row, reading: Reading, family: FamilySpec, facts: Facts) -> Finding:
    default = family.missing if reading.outer is None else family.member
    for codes in row.codes(reading, facts):
        if codes.missing is not None:
            default = codes.missing
            break
    return Finding(4, default, row.spec.name, "is required and missing")


def _pair(row: Row, inner: Reading, facts: Facts) -> list[Row]:
    """The two members that come in pairs, where the first is required."""
    if row.scope is None or row.spec.pairs is None:
        return []
    pair = [row.scope.names[fold(name)] for name in row.spec.pairs]
    return pair if pair[0].required(inner, facts) else []


def _lone(row: Row, inner: Reading, family: FamilySpec, facts: Facts) -> Finding | None:
    """Half of a pair: the other half is missing."""
    pair = _pair(row, inner, facts)
    counts = [len(inner.values.get(one.name, ())) for one in pair]
    if not pair or counts[0] == counts[1]:
        return None
    return _lack(pair[counts[0] > counts[1]], inner, family, facts)


def _empty(reading: Reading, family: FamilySpec, facts: Facts) -> Finding | None:
    """Step 5: a parameter that is there without a value."""
    for row in reading.scope.rows:
        for value in reading.values.get(row.name, ()):
            if value.is_empty and not (row.spec.bare or row.spec.ignored):
                code = _empty_code(row, value.text, reading, family, facts)
                if code is not None:
                    return Finding(5, code, row.spec.name, "has no value")
        for inner in reading.inner.get(row.name, ()):
            finding = _empty(inner, family, facts)
            if finding:
                return finding
    return None


def _empty_code(
    row: Row, text: str, reading: Reading, family: FamilySpec, facts: Facts
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


def _wrong(reading: Reading, family: FamilySpec, context: Context) -> Finding | None:
    """Step 6: a value whose form, length or acceptable values its row refuses, or a second one."""
    facts = context.facts
    for row in reading.scope.rows:
        values = reading.values.get(row.name)
        if values is None:
            continue
        if (len(values) > 1 and not row.spec.repeats) or row.name in reading.twice:
            return Finding(6, family.twice, row.spec.name, "is given twice")
        for value in values:
            if row.spec.ignored or value.is_empty:
                continue
            objection = row.form(value, row.spec, context)
            if objection is not None:
                code = _wrong_code(row, objection, reading, family, facts)
                return Finding(6, code, row.spec.name, objection.reason)
        for inner in reading.inner.get(row.name, ()):
            finding = _wrong(inner, family, context) or _crossed(row, inner, family, facts)
            if finding:
                return finding
    return None


def _wrong_code(
    row: Row, objection: Objection, reading: Reading, family: FamilySpec, facts: Facts
) -> int:
    for codes in row.codes(reading, facts):
        if codes.wrong is not None:
            return codes.wrong
    return family.past if objection.past else family.wrong


def _crossed(row: Row, inner: Reading, family: FamilySpec, facts: Facts) -> Finding | None:
    """Pairs of times that are the wrong way round or overlap."""
    pair = _pair(row, inner, facts)
    reason = pairs_of(*(inner.values[one.name] for one in pair)) if pair else None
    return Finding(6, family.wrong, row.spec.name, reason) if reason else None


def _contradiction(table: Table, reading: Reading, facts: Facts) -> Finding | None:
    """Step 6, behind the rows: the checks between parameters."""
    for rule in table.rules:
        reason = rule.objection(reading, facts)
        if reason is not None:
            code = rule.spec.code if rule.spec.code is not None else table.family.wrong
            return Finding(6, code, rule.spec.parameter, reason)
    return None
