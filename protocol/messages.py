"""The builders: messages with the parameters in table order, under their canonical names.

Values are given by name. What a value may be goes by the form of its line in the catalogue:

    text, digits, ...       "54"
    list, columns, sort     ["54", "55"]
    group                   {"RECCOUNT": "20"}
    headed                  ("A", {"START": ["199806020000"], "END": ["199807151200"]})
    hierarchy               [("INBOUND", [("90000003", "90000003"), ("NA", "NA")])]
    rows                    [("1", "SHARED"), ("2", "DIAL-1")]
    reports                 [("Financial", [("Longest Calls", "2", "P")])]
    node                    one after the other: [("1", "General", "10", [("5", "text", "db")])]
    totals                  [("36", "3491.70")]

A parameter that repeats takes a list of such values. Everywhere a string, a Block, or a Value of a
parsed message is sent as it is. Nothing is built that would parse differently (SYN-08), so that
members of rows are sent with a blank where a separator stands (CAT-05).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, cast

from starwire.grammar import BLANKS, Block, BuildError, Content, Group, Value, build, fold, strip

from .catalogue import Catalogue, Direction, MessageSpec, ParameterSpec
from .catalogue import catalogue as shipped
from .catalogue.specification import STATUS

__all__ = ["build_message", "content_of", "member", "write"]

Values: TypeAlias = Mapping[str, Any]

_MEMBER = str.maketrans(",~=", "   ")
_DIVIDERS = (",", "\x01")
_AROUND = BLANKS + ",\x01"
"""Round a text between groups: a separator there divides nothing that they do not divide."""


def build_message(
    acronym: str,
    values: Values,
    *,
    variant: str = "",
    direction: Direction = "request",
    catalogue: Catalogue | None = None,
) -> bytes:
    """A message of the catalogue, the shipped one where none is given.

    Where no variant is named and there are several, the values tell (`PL_ACCESS` in a GPL, `REQ`
    in a Z). Raises BuildError, which names the parameter, and KeyError for no such message.
    """
    return write(_find(acronym, variant, direction, values, catalogue), values)


def member(text: str) -> str:
    """A text as it can stand in a row: a blank where a separator or `=` would be read (CAT-05)."""
    if "," in text or "~" in text or "=" in text:
        return text.translate(_MEMBER)
    return text


def content_of(value: Value) -> Content:
    """A value of a parsed message, to be sent again as it was received."""
    parts = _parts_of(value)
    return parts[0] if len(parts) == 1 else parts


def write(spec: MessageSpec, values: Values) -> bytes:
    """The message of a specification. Raises BuildError, which names the parameter."""
    fields = _fields(spec, spec.parameters, values)
    name = None if spec.nameless and STATUS not in map(fold, values) else spec.acronym
    free = [parameter.name for parameter in spec.parameters if parameter.free]
    return build(name, fields, free=free, separator=spec.separator)


def _find(
    acronym: str, variant: str, direction: Direction, values: Values, given: Catalogue | None
) -> MessageSpec:
    table = shipped() if given is None else given
    if variant:
        return table.message(acronym, variant, direction)
    found = [one for one in table.messages if one.key[:2] == (acronym, direction)]
    by_name = {fold(name): value for name, value in values.items()}
    for spec in found:
        name, has_value, value = spec.chosen_by.partition("=")
        if fold(name) in by_name and (not has_value or by_name[fold(name)] == value):
            return spec
    default = [spec for spec in found if not spec.chosen_by]
    if len(default) != 1:
        raise KeyError(f"{acronym}: {len(default)} variants, name one")
    return default[0]


# ---- fields --------------------------------------------------------------------------------------


def _fields(
    spec: MessageSpec, table: Sequence[ParameterSpec], values: Values
) -> list[tuple[str, Content]]:
    """Key and content of every value, in table order."""
    known = {name: parameter for parameter in table for name in parameter.names}
    given: dict[str, Any] = {}
    for key, value in values.items():
        if fold(key) not in known:
            raise BuildError(key, f"is no parameter of {spec.acronym} at its place")
        given[known[fold(key)].name] = value
    fields: list[tuple[str, Content]] = []
    for parameter in table:
        if parameter.name in given:
            fields += _occurrences(spec, parameter, given[parameter.name])
    return fields


def _occurrences(
    spec: MessageSpec, parameter: ParameterSpec, value: Any
) -> Iterable[tuple[str, Content]]:
    if not parameter.repeats or isinstance(value, (str, Block, Value, Mapping)):
        return [(parameter.name, _content(spec, parameter, value))]
    return [
        (f"{parameter.name}{number if parameter.numbered else ''}", _content(spec, parameter, one))
        for number, one in enumerate(value, 1)
    ]


def _content(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    if isinstance(value, Value):
        return content_of(value)
    if isinstance(value, (str, Block)) or _is_parts(value):
        return cast(Content, value)
    shape = _SHAPES.get(parameter.form)
    if shape is None:
        raise BuildError(parameter.name, f"{value!r} is no {parameter.form}")
    return shape(spec, parameter, value)


def _is_parts(value: Any) -> bool:
    """Whether a value is texts and groups already, as the builder of the grammar takes them."""
    return isinstance(value, (list, tuple)) and any(isinstance(one, Block) for one in value)


def _nested(spec: MessageSpec, parameter: ParameterSpec, values: Values) -> Block:
    """A group of members. Their commas would be read as separators, so they become blanks."""
    fields = _fields(spec, parameter.members, values)
    free = {one.name for one in parameter.members if one.free}
    joined = {one.name for one in parameter.members if one.joined}
    slots = [
        (key, content.replace(",", " ") if isinstance(content, str) and key in free else content)
        for key, content in fields
    ]
    unseparated = [key for (key, _), (next_, _) in pairwise(slots) if next_ in joined]
    return Block(*slots, separator=spec.separator, unseparated=unseparated)


# ---- shapes (CAT-05, CAT-07, SYN-13) -------------------------------------------------------------


def _list(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    return Block(*value, separator=spec.lists)


def _headed(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    scalar, members = value
    if parameter.pairs is None:
        return [scalar, _nested(spec, parameter, members)]
    first, second = parameter.pairs
    slots: list[tuple[str, Content]] = []
    for one, other in zip(members[first], members[second], strict=True):
        slots += [(first, one), (second, other)]
    return [scalar, Block(*slots, separator=spec.separator)]


def _hierarchy(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    parts: list[str | Block] = []
    for head, levels in value:
        row = Block([Block(member(id_), member(name)) for id_, name in levels])
        parts += [head, row] if head else [row]
    return parts


def _rows(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    return [Block(*map(member, row), separator="~") for row in value]


def _reports(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    categories = [
        Block((member(category), _divided([Block(*map(member, row)) for row in rows])))
        for category, rows in value
    ]
    return _divided(categories)


def _divided(blocks: list[Block]) -> list[str | Block]:
    """Groups of one list, a separator between each two (CAT-05)."""
    parts: list[str | Block] = []
    for block in blocks:
        parts += (",", block) if parts else (block,)
    return parts


def _node(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    *places, controls = value
    return Block(*map(member, places), *(Block(*map(member, one)) for one in controls))


def _totals(spec: MessageSpec, parameter: ParameterSpec, value: Any) -> Content:
    return Block([Block(*total) for total in value])


_SHAPES: dict[str, Callable[[MessageSpec, ParameterSpec, Any], Content]] = {
    "list": _list,
    "columns": _list,
    "sort": _list,
    "group": _nested,
    "headed": _headed,
    "hierarchy": _hierarchy,
    "rows": _rows,
    "reports": _reports,
    "node": _node,
    "totals": _totals,
}


# ---- sending again what was received -------------------------------------------------------------


def _parts_of(value: Value) -> list[str | Block]:
    parts: list[str | Block] = []
    whole, start = value.text, 0
    for group in value.groups:
        between = strip(whole[start : group.offset - value.offset])
        if between not in _DIVIDERS:
            between = between.strip(_AROUND)
        parts += [between, _block_of(group)] if between else [_block_of(group)]
        start = group.end - value.offset
    behind = whole[start:].strip(_AROUND) if parts else whole
    return [*parts, behind] if behind or not parts else parts


def _block_of(group: Group) -> Block:
    places = [content_of(place) for place in group.positional]
    fields = [(field.key, content_of(field.value)) for field in group.fields]
    return Block(*places, *fields)
