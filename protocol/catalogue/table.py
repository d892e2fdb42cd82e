"""The catalogue: every message of a door, found by acronym and told apart by variant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from starwire.grammar import Fields, fold

from ..once import once
from .loading import (
    CatalogueError,
    Vocabulary,
    check_message,
    list_in,
    load_messages,
    load_vocabulary,
    messages_of,
    parameter_of,
)
from .scope import Rule, Scope
from .specification import (
    FACT,
    Alias,
    Direction,
    DoorSpec,
    FamilySpec,
    MessageSpec,
    ParameterSpec,
)

__all__ = ["Catalogue", "Entry", "Table", "catalogue"]


class Table:
    """A message, resolved for reading."""

    __slots__ = ("answer", "asks_facts", "family", "rules", "scope", "spec")

    def __init__(self, spec: MessageSpec, family: FamilySpec, answer: MessageSpec | None) -> None:
        self.spec = spec
        self.family = family
        self.answer = answer
        self.scope = Scope(spec.parameters)
        self.rules = tuple(Rule(check, self.scope) for check in spec.checks)
        self.asks_facts = _asks_facts(spec)
        """Whether a line asks for a fact, so that nobody finds out facts for nothing."""


def _asks_facts(spec: MessageSpec) -> bool:
    lines = tuple(spec.walk())
    conditions = [
        *(line.when for line in lines),
        *(one.when for line in lines for one in line.instead),
        *(check.when for check in spec.checks),
    ]
    names = {name for condition in conditions for tests in condition for name in tests}
    return any(name.startswith(FACT) for name in names) or any(line.listed for line in lines)


def _undecided(tables: Sequence[Table]) -> Table:
    """What is known of a message before it is known which variant it is."""
    chosen = {fold(table.spec.chosen_by.partition("=")[0]) for table in tables}
    lines: dict[str, ParameterSpec] = {}
    for line in (line for table in tables for line in table.spec.parameters):
        needed: Literal["yes", "no"] = "yes" if line.folded in chosen else "no"
        known = msgspec.structs.replace(
            line, required=needed, when=(), only=False, instead=(), ignored=needed == "no"
        )
        lines.setdefault(line.folded, known)
    first = tables[0]
    spec = msgspec.structs.replace(
        first.spec, variant="", parameters=tuple(lines.values()), checks=()
    )
    return Table(spec, first.family, first.answer)


class Entry:
    """All variants of one acronym at one door."""

    __slots__ = ("_by_name", "_by_value", "_default", "bare", "grouped")

    def __init__(self, tables: Iterable[Table]) -> None:
        tables = tuple(tables)
        self.bare = frozenset(
            row.name for table in tables for row in table.scope.rows if row.spec.bare
        )
        """Names that may stand alone in the message, and (next) those that may have a group."""
        self.grouped = frozenset(name for table in tables for name in table.scope.names)
        self._by_name: dict[str, Table] = {}
        self._by_value: dict[tuple[str, str], Table] = {}
        undecided = [table for table in tables if not table.spec.chosen_by]
        self._default = undecided[0] if undecided else _undecided(tables)
        for table in tables:
            name, has_value, value = table.spec.chosen_by.partition("=")
            if has_value:
                self._by_value[fold(name), value] = table
            elif name:
                self._by_name[fold(name)] = table

    def choose(self, fields: Fields) -> Table:
        """The variant that the fields are of: the first that one of them chooses.

        Where none does, it is the variant that needs no choice, or one that knows the parameters
        of all and requires the first that would choose.
        """
        if not self._by_name and not self._by_value:
            return self._default
        for field in fields:
            found = self._by_name.get(field.name)
            if found is None and self._by_value:
                found = self._by_value.get((field.name, field.value.scalar))
            if found is not None:
                return found
        return self._default


class Catalogue:
    """The messages, the families of codes and the doors, looked up and resolved."""

    def __init__(self, messages: Iterable[MessageSpec], vocabulary: Vocabulary) -> None:
        self.messages = tuple(messages)
        self._vocabulary = vocabulary
        self._specs: dict[tuple[str, str, Direction], list[MessageSpec]] = {}
        for spec in self.messages:
            for door in spec.doors:
                self._specs.setdefault((door, spec.acronym, spec.direction), []).append(spec)
            for door in spec.received:
                self._specs.setdefault((door, spec.acronym, "request"), []).append(spec)
        self._check()
        tables = {spec.key: self._table(spec) for spec in self.messages}
        self._entries = {
            key: Entry(tables[spec.key] for spec in specs) for key, specs in self._specs.items()
        }
        self.nameless = {spec.acronym: spec.acronym for spec in self.messages if spec.nameless}
        """First keys that make a message without acronym one (CAT-08)."""

    @property
    def doors(self) -> Mapping[str, DoorSpec]:
        """The doors by name."""
        return self._vocabulary.doors

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts that conditions may ask, and what each means."""
        return self._vocabulary.facts

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """The names that stand for others, each with its ground."""
        return self._vocabulary.aliases

    @cached_property
    def reads(self) -> frozenset[str]:
        """The acronyms of the messages that change nothing, wherever they are asked (DSP-06)."""
        return frozenset(spec.acronym for spec in self.messages if spec.read)

    def family(self, door: str) -> FamilySpec:
        """The codes and the form of answers at a door; KeyError for no door."""
        return self._vocabulary.families[self._vocabulary.doors[door].family]

    def find(self, door: str, acronym: str, direction: Direction = "request") -> list[MessageSpec]:
        """The variants of a message that come in by a door; none if it is unknown there."""
        self.family(door)
        return list(self._specs.get((door, acronym, direction), ()))

    def entry(self, door: str, acronym: str, direction: Direction = "request") -> Entry | None:
        """The same, resolved for reading."""
        return self._entries.get((door, acronym, direction))

    def message(
        self, acronym: str, variant: str = "", direction: Direction = "request"
    ) -> MessageSpec:
        """The one message of that name; KeyError if there is none."""
        for spec in self.messages:
            if spec.key == (acronym, direction, variant):
                return spec
        raise KeyError(f"{acronym} {variant} {direction}".replace("  ", " "))

    def answer(self, spec: MessageSpec) -> MessageSpec:
        """The response to a request: of the same variant, unless its table names another."""
        if spec.reply_variant is not None:
            return self.message(spec.reply, spec.reply_variant, "response")
        variants = [
            one
            for one in self.messages
            if one.acronym == spec.reply and one.direction == "response"
        ]
        if len(variants) == 1:
            return variants[0]
        by_name = {one.variant: one for one in variants}
        return by_name.get(spec.variant) or by_name[spec.acronym]

    def with_overlay(self, overlay: Mapping[str, Any]) -> Catalogue:
        """This catalogue and what a profile adds (HDR-10). Raises CatalogueError.

        `messages` are tables as in the files. `parameters` are lines, each with `message`, the
        acronym, beside its own keys, and `variant` and `direction` where it is not for all
        variants of the request; they come behind the lines that are there.
        """
        if not overlay:
            return self
        unknown = set(overlay) - {"messages", "parameters"}
        if unknown:
            raise CatalogueError(f"overlay: {', '.join(sorted(unknown))}: no such key")
        added = messages_of(overlay.get("messages", []), self._vocabulary, "overlay")
        messages = [*self.messages, *added]
        for raw in list_in(overlay, "parameters", "overlay"):
            messages = self._with_parameter(messages, raw)
        return self.with_messages(messages)

    def with_messages(self, messages: Iterable[MessageSpec]) -> Catalogue:
        """A catalogue of these messages, with the words of this one. Raises CatalogueError."""
        return Catalogue(messages, self._vocabulary)

    def _with_parameter(self, messages: list[MessageSpec], raw: Any) -> list[MessageSpec]:
        if not isinstance(raw, Mapping) or "message" not in raw:
            raise CatalogueError("overlay: a parameter that names no message")
        line = dict(raw)
        acronym, direction = line.pop("message"), line.pop("direction", "request")
        variant = line.pop("variant", None)
        where = f"overlay: {acronym}" + (f" ({variant})" if variant else "")
        changed = []
        for spec in messages:
            is_meant = (spec.acronym, spec.direction) == (acronym, direction)
            if is_meant and variant in (None, spec.variant):
                parameter = parameter_of(line, acronym, self._vocabulary, where)
                spec = msgspec.structs.replace(spec, parameters=(*spec.parameters, parameter))
                check_message(spec, self._vocabulary, where)
            changed.append(spec)
        if changed == messages:
            raise CatalogueError(f"{where}: there is no such {direction}")
        return changed

    def _table(self, spec: MessageSpec) -> Table:
        family = self._vocabulary.families[spec.family]
        return Table(spec, family, self.answer(spec) if spec.reply else None)

    def _check(self) -> None:
        """That variants can be told apart and every request has an answer."""
        for (door, acronym, _), specs in self._specs.items():
            choices = [spec.chosen_by for spec in specs]
            if len(set(choices)) < len(choices):
                raise CatalogueError(f"{acronym} at {door}: two variants with one choice")
        seen = set()
        for spec in self.messages:
            if spec.key in seen:
                raise CatalogueError(f"{' '.join(spec.key)}: stands in the catalogue twice")
            seen.add(spec.key)
            if spec.reply:
                try:
                    self.answer(spec)
                except KeyError:
                    raise CatalogueError(f"{spec.acronym}: {spec.reply}: no such reply") from None
            elif spec.direction == "request" or spec.received:
                raise CatalogueError(f"{spec.acronym}: a request without a reply")


@once
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    vocabulary = load_vocabulary()
    return Catalogue(load_messages(vocabulary), vocabulary)
