"""The tables resolved for reading: names to lines, conditions to tests, forms to functions.

All that can be looked up beforehand is looked up here, once, so that judging a message costs a
dictionary access for each field and little more. A Scope is one level of a message, the message
itself or the members of a group; a Reading is what a message holds at such a level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from starwire.grammar import fold

from ..checks import CHECKS
from ..forms import FORMS, HEADED_FORMS, OPEN_FORMS, Form, one_of
from .reading import Reading
from .specification import ANY, FACT, NONE, CheckSpec, Condition, InsteadSpec, ParameterSpec

__all__ = ["Row", "Rule", "Scope", "Test", "holds"]

Facts = Mapping[str, str]


class Test(NamedTuple):
    """One test of a condition: a fact, or a parameter `up` levels around."""

    fact: bool
    up: int
    name: str
    accepted: frozenset[str]
    some: bool
    none: bool


Alternatives = tuple[tuple[Test, ...], ...]


def holds(alternatives: Alternatives, reading: Reading, facts: Facts) -> bool:
    """Whether a condition holds for what was read; an unknown fact satisfies no test."""
    return any(all(_passes(test, reading, facts) for test in tests) for tests in alternatives)


def _passes(test: Test, reading: Reading, facts: Facts) -> bool:
    if test.fact:
        return facts.get(test.name) in test.accepted
    for _ in range(test.up):
        assert reading.outer is not None  # resolved against the tables around it
        reading = reading.outer
    values = reading.values.get(test.name)
    if values is None or values[0].is_empty:
        return test.none
    return test.some or values[0].scalar in test.accepted


class Row:
    """A line of a table, resolved."""

    __slots__ = (
        "form",
        "instead",
        "is_headed",
        "is_open",
        "name",
        "scope",
        "spec",
        "when",
    )

    def __init__(self, spec: ParameterSpec, around: tuple[Names, ...]) -> None:
        self.spec = spec
        self.name = spec.folded
        self.form: Form = one_of if spec.values and spec.form == "text" else FORMS[spec.form]
        self.is_open = spec.form in OPEN_FORMS
        self.is_headed = spec.form in HEADED_FORMS
        self.when = _resolve(spec.when, around)
        self.instead = tuple((_resolve(one.when, around), one) for one in spec.instead)
        self.scope = Scope(spec.members, around) if spec.members else None

    def required(self, reading: Reading, facts: Facts) -> bool:
        """Whether the message needs it, all considered."""
        if self.spec.required == "when":
            return holds(self.when, reading, facts)
        return self.spec.required == "yes"

    def codes(self, reading: Reading, facts: Facts) -> Iterable[InsteadSpec | ParameterSpec]:
        """Where its own codes stand, the first that has one to be taken."""
        for when, instead in self.instead:
            if holds(when, reading, facts):
                yield instead
        if not self.spec.only or holds(self.when, reading, facts):
            yield self.spec


class Scope:
    """The table of one level, resolved."""

    __slots__ = ("names", "numbered", "rows")

    def __init__(self, specs: Iterable[ParameterSpec], around: tuple[Names, ...] = ()) -> None:
        specs = tuple(specs)
        names = {name: spec.folded for spec in specs for name in spec.names}
        self.rows = tuple(Row(spec, (names, *around)) for spec in specs)
        by_name = {row.name: row for row in self.rows}
        self.names = {name: by_name[own] for name, own in names.items()}
        self.numbered = {row.name: row for row in self.rows if row.spec.numbered}

    def row(self, name: str) -> Row | None:
        """The line of a folded name, also of one with the number that its line allows."""
        found = self.names.get(name)
        if found is None and self.numbered:
            base = name.rstrip("0123456789")
            found = self.numbered.get(base) if base != name else None
        return found


Names = dict[str, str]


def _resolve(condition: Condition, around: tuple[Names, ...]) -> Alternatives:
    return tuple(
        tuple(_test(name, accepted, around) for name, accepted in alternative.items())
        for alternative in condition
    )


def _test(name: str, accepted: tuple[str, ...], around: tuple[Names, ...]) -> Test:
    values = frozenset(accepted) - {ANY, NONE}
    if name.startswith(FACT):
        return Test(True, 0, name.removeprefix(FACT), values, False, False)
    # Loading has seen to it that there is one.
    up = next(up for up, names in enumerate(around) if fold(name) in names)
    own = around[up][fold(name)]
    return Test(False, up, own, values, ANY in accepted, NONE in accepted)


class Rule:
    """A check between parameters, resolved."""

    __slots__ = ("judge", "spec", "when")

    def __init__(self, spec: CheckSpec, scope: Scope) -> None:
        names = {name: row.name for name, row in scope.names.items()}
        self.spec = spec
        self.judge = CHECKS[spec.check].judge
        self.when = _resolve(spec.when, (names,))

    def objection(self, reading: Reading, facts: Facts) -> str | None:
        """Why the message is refused, or None."""
        if self.when and not holds(self.when, reading, facts):
            return None
        return self.judge(reading, self.spec)
