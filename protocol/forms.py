"""What a value may look like: the forms that the message tables name (ERR-03, step 6).

A form is a function of a value, its line of the table and the context. It returns None for a value
that will do, or an Objection. Values come here stripped of nothing and never empty.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from re import compile as pattern
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from starwire.grammar import BLANKS, Group, Value, strip

if TYPE_CHECKING:
    from .catalogue.specification import ParameterSpec

__all__ = ["FORMS", "Context", "Form", "Level", "Objection", "hierarchy_of", "one_of", "pairs_of"]

ID_MAXIMUM = "2147483647"
"""Appendices A to D: the greatest id. Compared as text, since digits may be any number."""

_DATETIME = pattern("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}")
_SORT = pattern("[0-9]+[AD]")
_OFFSET = pattern("[+-]?[0-9]{1,2}")
_AMOUNT = pattern("-?[0-9]+(\\.[0-9]+)?")
_SEPARATORS = BLANKS + ",\x01"


class Context(NamedTuple):
    """What a form may ask beside the value: the configuration and the facts."""

    entpid_length: int
    facts: Mapping[str, str]


class Objection(NamedTuple):
    """Why a value will not do; `past` if it is an id beyond the greatest."""

    reason: str
    past: bool = False


Form: TypeAlias = "Callable[[Value, ParameterSpec, Context], Objection | None]"
Level: TypeAlias = tuple[str, str]


# ---- scalars -------------------------------------------------------------------------------------


def _digits_of(text: str) -> bool:
    # str.isdigit alone takes the superscripts of ISO 8859-1.
    return text.isascii() and text.isdigit()


def _too_long(text: str, spec: "ParameterSpec") -> Objection | None:
    if spec.length is not None and len(text) > spec.length:
        return Objection(f"{len(text)} octets, at most {spec.length} are allowed")
    return None


def one_of(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    """One of the acceptable values."""
    if spec.values and strip(value.text) in spec.values:
        return None
    return Objection(f"is none of {', '.join(spec.values or ())}")


def _text(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    text = strip(value.text)
    if "<" in text:
        return Objection("a group where text belongs")
    if "\x01" in text or ("," in text and not spec.free):
        return Objection("a separator inside the text")
    if spec.listed and spec.listed in context.facts:
        allowed = context.facts[spec.listed].split()
        if text not in allowed:
            return Objection(f"is none of {', '.join(allowed)}")
    return _too_long(text, spec)


def _digits(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    text = strip(value.text)
    return _too_long(text, spec) if _digits_of(text) else Objection("is not all digits")


def _id(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    text = strip(value.text)
    if not _digits_of(text):
        return Objection("is not all digits")
    significant = text.lstrip("0")
    if (len(significant), significant) > (len(ID_MAXIMUM), ID_MAXIMUM):
        return Objection(f"is greater than {ID_MAXIMUM}", past=True)
    return _too_long(text, spec)


def _number(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    return _digits(value, spec, context) or _in_range(int(strip(value.text)), spec)


def _in_range(number: int, spec: "ParameterSpec") -> Objection | None:
    if spec.minimum is not None and number < spec.minimum:
        return Objection(f"is less than {spec.minimum}")
    if spec.maximum is not None and number > spec.maximum:
        return Objection(f"is greater than {spec.maximum}")
    return None


def _mmss(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    objection = _number(value, spec, context)
    if objection is None and int(strip(value.text)) % 100 > 59:
        return Objection("has more than 59 seconds")
    return objection


def _offset(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    text = strip(value.text)
    if not _OFFSET.fullmatch(text):
        return Objection("is not hours with a sign")
    return _in_range(int(text), spec)


def _stamp(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    text = strip(value.text)
    if len(text) == 12 and _digits_of(text) and _is_time(text):
        return None
    return Objection("is no time YYYYMMDDhhmm")


def _datetime(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    text = strip(value.text)
    if _DATETIME.fullmatch(text) and _is_time("".join(filter(str.isdigit, text))):
        return None
    return Objection("is no time YYYY-MM-DD HH:MM")


def _is_time(digits: str) -> bool:
    try:
        datetime(
            int(digits[:4]), int(digits[4:6]), int(digits[6:8]), int(digits[8:10]), int(digits[10:])
        )
    except ValueError:
        return False
    return True


def _entpid(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    text = strip(value.text)
    if len(text) != context.entpid_length:
        return Objection(f"{len(text)} octets, an enterprise id has {context.entpid_length}")
    return Objection("a separator or a group inside the id") if set(text) & set(",<\x01") else None


# ---- lists ---------------------------------------------------------------------------------------


def _list(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    for member in value.members():
        if not member:
            return Objection("an empty member in the list")
        if "<" in member:
            return Objection("a group in the list")
    return _list_size(value, spec)


def _columns(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    if not all(map(_digits_of, value.members())):
        return Objection("is no list of column ids")
    return _list_size(value, spec)


def _sort(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    if not all(map(_SORT.fullmatch, value.members())):
        return Objection("is no list of column ids, each with A or D")
    return _list_size(value, spec)


def _list_size(value: Value, spec: "ParameterSpec") -> Objection | None:
    """A list may hold nothing but separators, unless it is always required."""
    members = value.members()
    if spec.required == "yes" and not members:
        return Objection("a list without members")
    return _too_long("~".join(members), spec)


# ---- groups --------------------------------------------------------------------------------------


def _outside(value: Value) -> list[str]:
    """The texts before, between and behind the groups, without blanks and separators around."""
    whole, texts, start = value.text, [], 0
    for group in value.groups:
        texts.append(whole[start : group.offset - value.offset])
        start = group.end - value.offset
    texts.append(whole[start:])
    return [text.strip(_SEPARATORS) for text in texts]


def _groups_of(value: Value) -> tuple[Group, ...]:
    """The groups of a value that is groups and nothing else; none otherwise."""
    return () if any(_outside(value)) else value.groups


def _group(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    groups = _groups_of(value)
    if len(groups) != 1:
        return Objection("is not one group of members")
    return Objection("a member without a name") if groups[0].positional else None


def _headed(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    if spec.values and value.scalar not in spec.values:
        return Objection(f"begins with none of {', '.join(spec.values)}")
    if len(value.groups) > 1 or any(_outside(value)[1:]):
        return Objection("is not one value with at most one group")
    return Objection("a member without a name") if any(g.positional for g in value.groups) else None


def _members_of(group: Group) -> tuple[Group, ...]:
    """The groups that are the members of a group; none if it holds anything else."""
    members: list[Group] = []
    for place in group.positional:
        groups = _groups_of(place)
        if not groups:
            return ()
        members += groups
    return tuple(members)


def hierarchy_of(value: Value) -> list[tuple[str, list[Level]]] | None:
    """The rows of a hierarchy, each its head and its levels of id and name; None if it is none.

    `INBOUND<<1,Ann><NA,NA>>` is `[("INBOUND", [("1", "Ann"), ("NA", "NA")])]`.
    """
    *heads, behind = _outside(value)
    if behind or not heads or any("," in head or "\x01" in head for head in heads):
        return None
    rows = []
    for head, group in zip(heads, value.groups, strict=True):
        levels: list[Level] = []
        for member in _members_of(group):
            places = [place.scalar for place in member.positional]
            if len(places) > 2 or any(place.groups for place in member.positional):
                return None
            levels.append((places[0] if places else "", places[1] if len(places) > 1 else ""))
        if not levels:
            return None
        rows.append((head, levels))
    return rows


def _hierarchy(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    rows = hierarchy_of(value)
    if rows is None:
        return Objection("is no hierarchy of groups of id and name")
    if spec.rooted and any(levels[0][0] in ("", "NA") for _, levels in rows):
        return Objection("a hierarchy without an id on its first level")
    return None


def _rows(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    groups = _groups_of(value)
    if not groups:
        return Objection("is not rows, each in a group")
    for group in groups:
        if group.text.count("<") > 1 or group.text.count("~") + 1 != len(spec.columns):
            return Objection(f"a row that is not {'~'.join(spec.columns)}")
    return None


def _reports(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    groups = _groups_of(value)
    if not groups:
        return Objection("is not categories, each in a group")
    for group in groups:
        fields = list(group.fields)
        if len(fields) != 1 or group.positional:
            return Objection("a group that is not one category")
        rows = _groups_of(fields[0].value)
        if not rows or not all(0 < len(row.positional) <= len(spec.columns) for row in rows):
            return Objection(f"a row that is not {','.join(spec.columns)}")
    return None


def _node(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    groups = _groups_of(value)
    if len(groups) != 1:
        return Objection("is not one group")
    places = groups[0].positional
    if len(places) < len(spec.columns) or any(p.groups for p in places[: len(spec.columns)]):
        return Objection(f"does not begin with {','.join(spec.columns)}")
    for place in places[len(spec.columns) :]:
        controls = _groups_of(place)
        if not controls or any(len(one.positional) > len(spec.inner) for one in controls):
            return Objection(f"a control that is not {','.join(spec.inner)}")
    return None


def _totals(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    groups = _groups_of(value)
    totals = _members_of(groups[0]) if len(groups) == 1 else ()
    for total in totals:
        places = [place.scalar for place in total.positional]
        if len(places) != 2 or not _digits_of(places[0]) or not _AMOUNT.fullmatch(places[1]):
            return Objection("a total that is not a column id and an amount")
    return None if totals else Objection("is no group of totals")


def _any(value: Value, spec: "ParameterSpec", context: Context) -> Objection | None:
    return None


def pairs_of(starts: list[Value], ends: list[Value]) -> str | None:
    """Why pairs of times are wrong: an end not after its start, or two that overlap; else None."""
    ranges = sorted(
        (strip(one.text), strip(two.text)) for one, two in zip(starts, ends, strict=True)
    )
    last = ""
    for start, end in ranges:
        if end <= start:
            return f"{end} is not after {start}"
        if start < last:
            return f"the range that starts {start} overlaps another"
        last = end
    return None


FORMS: dict[str, Form] = {
    "text": _text,
    "digits": _digits,
    "id": _id,
    "number": _number,
    "mmss": _mmss,
    "offset": _offset,
    "stamp": _stamp,
    "datetime": _datetime,
    "entpid": _entpid,
    "list": _list,
    "columns": _columns,
    "sort": _sort,
    "group": _group,
    "headed": _headed,
    "hierarchy": _hierarchy,
    "rows": _rows,
    "reports": _reports,
    "node": _node,
    "totals": _totals,
    "any": _any,
}
"""Every form by the name that the tables use."""

OPEN_FORMS = frozenset({"reports"})
"""Forms in which a key is data."""

HEADED_FORMS = frozenset({"headed"})
"""Forms with a text before the group of members, which may be left out."""

GROUP_FORMS = HEADED_FORMS | {"group"}
"""Forms whose value has members of its own."""
