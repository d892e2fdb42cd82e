"""What a message holds, sorted by the names of its table; the first token that it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starwire.grammar import Fields, Value, fold

if TYPE_CHECKING:
    from .scope import Row, Scope

__all__ = ["Reader", "Reading"]

_NO_NAMES: frozenset[str] = frozenset()


class Reading:
    """What a message holds at one level: the message itself, or one group with members."""

    __slots__ = ("inner", "outer", "scope", "twice", "values")

    def __init__(self, scope: Scope, outer: Reading | None = None) -> None:
        self.scope = scope
        self.outer = outer
        self.values: dict[str, list[Value]] = {}
        """By canonical folded name, in the order sent."""
        self.inner: dict[str, list[Reading]] = {}
        """By the same names, the groups that have members of their own."""
        self.twice = _NO_NAMES
        """Numbered names, of which one number was given twice."""

    def getall(self, name: str) -> list[Value]:
        """Every value of a parameter, by its name or an alias; numbered ones by their base name."""
        row = self.scope.names.get(name) or self.scope.row(fold(name))
        return self.values.get(row.name, []) if row else []

    def get(self, name: str) -> Value | None:
        """The first value of a parameter, by its name or an alias."""
        values = self.getall(name)
        return values[0] if values else None

    def scalar(self, name: str, default: str = "") -> str:
        """The text of a parameter; the default where it is missing or empty."""
        value = self.get(name)
        return default if value is None or value.is_empty else value.scalar

    def members(self, name: str) -> list[str]:
        """The members of a list; none where it is missing or empty."""
        value = self.get(name)
        return [] if value is None or value.is_empty else value.members()

    def groups(self, name: str) -> list[Reading]:
        """What the groups of a parameter hold that has members of its own."""
        row = self.scope.row(fold(name))
        return self.inner.get(row.name, []) if row else []


def _may_hold_keys(text: str) -> bool:
    """Whether it is worth looking into the groups of a value, of which most have none inside."""
    return "<" in text and "=" in text


class Reader:
    """Reads fields into Readings, to the end also when a token is unknown.

    An answer may have to repeat an id that stands behind the unknown token.
    """

    __slots__ = ("unknown",)

    def __init__(self) -> None:
        self.unknown: str | None = None
        """The first key, in the order of the octets, that no table holds."""

    def message(self, scope: Scope, fields: Fields) -> Reading:
        """What stands directly under the message, where text before the first key is unknown."""
        if fields.leading is not None:
            self.note(fields.leading.text)
        return self._level(scope, fields, None)

    def note(self, key: str) -> None:
        """Remember an unknown key, if it is the first."""
        if self.unknown is None:
            self.unknown = key

    def _level(self, scope: Scope, fields: Fields, outer: Reading | None) -> Reading:
        reading = Reading(scope, outer)
        names, values = scope.names, reading.values
        for field in fields:
            row = names.get(field.name) or scope.row(field.name)
            if row is None:
                self.note(field.key)
                continue
            value = field.value
            if row.name in values:
                values[row.name].append(value)
                if row.spec.numbered and len(fields.getall(field.name)) > 1:
                    reading.twice |= {row.name}
            else:
                values[row.name] = [value]
            if row.scope is not None:
                self._groups(row, row.scope, value, reading)
            elif not row.is_open and _may_hold_keys(value.text):
                self._strays(value, row)
        return reading

    def _groups(self, row: Row, scope: Scope, value: Value, outer: Reading) -> None:
        """The groups of a value with members; an empty value has none."""
        if value.is_empty:
            return
        readings = outer.inner.setdefault(row.name, [])
        for group in value.groups:
            fields = group.fields
            if fields.leading is not None:
                self._strays(fields.leading, row)
            readings.append(self._level(scope, fields, outer))
        if row.is_headed and not readings:
            # The members are missing, which is not to say that they are not required.
            readings.append(Reading(scope, outer))

    def _strays(self, value: Value, row: Row) -> None:
        """Keys inside the groups of a value that has no members."""
        for group in value.groups:
            fields = group.fields
            if fields.leading is not None:
                self._strays(fields.leading, row)
            for field in fields:
                if field.name not in row.spec.foreign:
                    self.note(field.key)
