"""From the TOML files to the specifications, every mistake named by file and line of the table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from re import compile as pattern
from typing import Any, TypeVar

import msgspec

from starwire.grammar import fold, strip

from ..checks import CHECKS
from ..codes import codes
from ..forms import FORMS, GROUP_FORMS
from .specification import (
    ANY,
    FACT,
    NONE,
    Alias,
    Condition,
    DoorSpec,
    FamilySpec,
    InsteadSpec,
    MessageSpec,
    ParameterSpec,
)

__all__ = ["CatalogueError", "Vocabulary", "load_messages", "load_vocabulary", "messages_of"]

FILES = (
    "report_manager.toml",
    "pick_lists.toml",
    "fulfilment.toml",
    "inbox.toml",
    "metadata.toml",
    "order_entry.toml",
    "cookie_jar.toml",
)

_NAME = pattern("[^<>,\x01=]+")
_CODES = ("missing", "empty", "blank", "wrong")
_T = TypeVar("_T")


class CatalogueError(ValueError):
    """A table that cannot be used; the text names file, message and line."""


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the message tables refer to by name."""

    families: dict[str, FamilySpec]
    doors: dict[str, DoorSpec]
    facts: dict[str, str]
    values: dict[str, dict[str, str]]
    aliases: tuple[Alias, ...]

    def others(self, name: str, acronym: str) -> tuple[str, ...]:
        """The names that stand for a parameter of that message."""
        for alias in self.aliases:
            names = (alias.name, *alias.others)
            applies = not alias.only or acronym in alias.only
            if applies and fold(name) in map(fold, names):
                return tuple(other for other in names if fold(other) != fold(name))
        return ()


def load_vocabulary() -> Vocabulary:
    """The shipped vocabulary."""
    return _convert(_read("vocabulary.toml"), Vocabulary, "vocabulary.toml")


def load_messages(vocabulary: Vocabulary) -> tuple[MessageSpec, ...]:
    """The shipped messages, in the order of the files."""
    found: list[MessageSpec] = []
    for name in FILES:
        found += messages_of(_read(name).get("message", []), vocabulary, name)
    return tuple(found)


def messages_of(tables: Any, vocabulary: Vocabulary, file: str) -> Iterator[MessageSpec]:
    """The messages of raw tables, each checked. Raises CatalogueError."""
    for number, raw in enumerate(list_in({"messages": tables}, "messages", file), 1):
        if not isinstance(raw, Mapping):
            raise CatalogueError(f"{file}: message {number} is no table")
        where = f"{file}: {raw.get('acronym', f'message {number}')}"
        if raw.get("variant"):
            where += f" ({raw['variant']})"
        yield _message(dict(raw), vocabulary, where)


def parameter_of(raw: Any, acronym: str, vocabulary: Vocabulary, where: str) -> ParameterSpec:
    """A line of the table of a message, from raw and not checked. Raises CatalogueError."""
    if not isinstance(raw, Mapping):
        raise CatalogueError(f"{where}: a line that is no table")
    where = f"{where}, {raw.get('name', 'a line without a name')}"
    line = _with_conditions(raw, where)
    line["instead"] = [_with_conditions(one, where) for one in list_in(raw, "instead", where)]
    for one in (line, *line["instead"]):
        alike = one.pop("alike", None)
        for kind in ("missing", "empty", "wrong") if alike is not None else ():
            one.setdefault(kind, alike)
    if isinstance(line.get("values"), str):
        line["values"] = _known(line["values"], vocabulary.values, f"{where}: values")
    line["members"] = [
        parameter_of(member, acronym, vocabulary, where)
        for member in list_in(raw, "members", where)
    ]
    others = vocabulary.others(str(raw.get("name", "")), acronym)
    line["aliases"] = [*list_in(raw, "aliases", where), *others]
    return _convert(line, ParameterSpec, where)


def check_message(message: MessageSpec, vocabulary: Vocabulary, where: str) -> None:
    """That the message's table is sound in itself. Raises CatalogueError."""
    if not _NAME.fullmatch(message.acronym) or strip(message.acronym) != message.acronym:
        raise CatalogueError(f"{where}: acronym: {message.acronym!r} cannot stand before the '<'")
    known = {code.code for code in codes() if code.proxy == message.family}
    _check_level(message.parameters, (), vocabulary, known, where)
    names = {name for parameter in message.parameters for name in parameter.names}
    for check in message.checks:
        place = f"{where}, check {check.check}"
        if check.check not in CHECKS:
            raise CatalogueError(f"{place}: there is no such check, only {', '.join(CHECKS)}")
        takes = CHECKS[check.check].takes
        if len(check.of) != takes:
            raise CatalogueError(f"{place}: of: {len(check.of)} parameters, it takes {takes}")
        for name in (check.parameter, *check.of):
            if fold(name) not in names:
                raise CatalogueError(f"{place}: {name} is no parameter of the message")
        _check_condition(check.when, (message.parameters,), vocabulary, place)
        if check.code is not None and check.code not in known:
            raise CatalogueError(f"{place}: {check.code} is no code of {message.family}")
    chosen = message.chosen_by.partition("=")[0]
    if chosen and fold(chosen) not in names:
        raise CatalogueError(f"{where}: chosen_by: {chosen} is no parameter of the message")


# ---- reading -------------------------------------------------------------------------------------


def _read(name: str) -> dict[str, Any]:
    table: dict[str, Any] = msgspec.toml.decode(files(__package__).joinpath(name).read_bytes())
    return table


def _convert(raw: Any, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{where}: {error}") from None


def _message(raw: dict[str, Any], vocabulary: Vocabulary, where: str) -> MessageSpec:
    acronym = str(raw.get("acronym", ""))
    doors = [*list_in(raw, "doors", where), *list_in(raw, "received", where)]
    families = {_known(door, vocabulary.doors, f"{where}: doors").family for door in doors}
    if len(families) != 1:
        raise CatalogueError(f"{where}: doors: of {len(families)} families, a message has one")
    raw["family"] = families.pop()
    raw["parameters"] = [
        parameter_of(line, acronym, vocabulary, where) for line in list_in(raw, "parameters", where)
    ]
    raw["checks"] = [_with_conditions(line, where) for line in list_in(raw, "checks", where)]
    message = _convert(raw, MessageSpec, where)
    check_message(message, vocabulary, where)
    return message


def _with_conditions(raw: Any, where: str) -> dict[str, Any]:
    """A copy of a raw table in which `when` is a list of alternatives."""
    if not isinstance(raw, Mapping):
        raise CatalogueError(f"{where}: {raw!r} is no table")
    line = dict(raw)
    if isinstance(line.get("when"), Mapping):
        line["when"] = [line["when"]]
    return line


def list_in(raw: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """The list behind a key, empty where there is none. Raises CatalogueError for anything else."""
    found = raw.get(key, [])
    if not isinstance(found, (list, tuple)):
        raise CatalogueError(f"{where}: {key}: is no list")
    return list(found)


def _known(name: Any, table: Mapping[str, _T], where: str) -> _T:
    if not isinstance(name, str) or name not in table:
        raise CatalogueError(f"{where}: {name} is none of {', '.join(table)}")
    return table[name]


# ---- checking ------------------------------------------------------------------------------------


def _check_level(
    level: tuple[ParameterSpec, ...],
    around: tuple[tuple[ParameterSpec, ...], ...],
    vocabulary: Vocabulary,
    known: set[int],
    where: str,
) -> None:
    seen: set[str] = set()
    for spec in level:
        place = f"{where}, {spec.name}"
        for name in spec.names:
            if not _NAME.fullmatch(name):
                raise CatalogueError(f"{place}: {name!r} cannot be a key")
            if name in seen:
                raise CatalogueError(f"{place}: {name} stands in the table twice")
            seen.add(name)
        _check_line(spec, (level, *around), vocabulary, known, place)
        _check_level(spec.members, (level, *around), vocabulary, known, place)


def _check_line(
    spec: ParameterSpec,
    scopes: tuple[tuple[ParameterSpec, ...], ...],
    vocabulary: Vocabulary,
    known: set[int],
    place: str,
) -> None:
    for broken, reason in _RULES.items():
        if reason(spec):
            raise CatalogueError(f"{place}: {broken}")
    if spec.form not in FORMS:
        raise CatalogueError(f"{place}: form: {spec.form} is none of {', '.join(FORMS)}")
    if spec.listed is not None:
        _known(spec.listed, vocabulary.facts, f"{place}: listed")
    own: tuple[ParameterSpec | InsteadSpec, ...] = (spec, *spec.instead)
    for one in own:
        _check_condition(one.when, scopes, vocabulary, place)
        for kind in _CODES:
            code = getattr(one, kind)
            if code is not None and code not in known:
                raise CatalogueError(f"{place}: {kind}: {code} is no code of the message's proxy")


_RULES: dict[str, Callable[[ParameterSpec], bool]] = {
    "required when, without a condition": lambda s: s.required == "when" and not s.when,
    "a condition, but not required when": lambda s: s.required != "when" and bool(s.when),
    "length is not positive": lambda s: s.length is not None and s.length < 1,
    "only without a condition": lambda s: s.only and not s.when,
    "members of a form that has none": lambda s: bool(s.members) and s.form not in GROUP_FORMS,
    "a group without members": lambda s: s.form in GROUP_FORMS and not s.members,
    "values of a form that has none": lambda s: bool(s.values) and s.form not in ("text", "headed"),
    "bare without its name among the values": lambda s: s.bare and s.name not in (s.values or ()),
    "a number without a length": lambda s: s.form in ("number", "mmss") and s.length is None,
    "rows without columns": lambda s: s.form in ("rows", "reports", "node") and not s.columns,
    "pairs that are no two members": lambda s: (
        s.pairs is not None and not {*s.pairs} <= {member.name for member in s.members}
    ),
    "an addition without its ground": lambda s: s.source == "C" and not s.ground,
}


def _check_condition(
    condition: Condition,
    scopes: Iterable[tuple[ParameterSpec, ...]],
    vocabulary: Vocabulary,
    place: str,
) -> None:
    lines: dict[str, ParameterSpec] = {}
    for level in scopes:
        for spec in level:
            for name in spec.names:
                lines.setdefault(name, spec)
    for name, accepted in (test for alternative in condition for test in alternative.items()):
        if name.startswith(FACT):
            _known(name.removeprefix(FACT), vocabulary.facts, f"{place}: when")
            continue
        asked = _known(fold(name), lines, f"{place}: when")
        for value in set(accepted) - {ANY, NONE}:
            if asked.values is not None:
                _known(value, asked.values, f"{place}: when {name}")
