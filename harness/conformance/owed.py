"""The code that a line of the catalogue owes for a mistake, as its table says it (ERR-03).

A second opinion beside `protocol.validation`, for one mistake in a message that is good otherwise.
None means that it is no mistake: the message must be taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from starwire.grammar import fold
from starwire.protocol.catalogue import FamilySpec, InsteadSpec, ParameterSpec

_EMPTY = ("", "<>", "< >")


class Around(msgspec.Struct, frozen=True):
    """What conditions ask: the parameters around a line, by folded name, and the facts."""

    values: Mapping[str, str]
    facts: Mapping[str, str]

    def but(self, name: str, value: str | None) -> Around:
        """The same with another value of a parameter; None for none."""
        changed = {key: one for key, one in self.values.items() if key != name}
        return Around(changed if value is None else {**changed, name: value}, self.facts)

    def holds(self, when: tuple[dict[str, tuple[str, ...]], ...]) -> bool:
        """Whether one of the alternatives holds."""
        return any(all(self._passes(*test) for test in tests.items()) for tests in when)

    def _passes(self, name: str, accepted: tuple[str, ...]) -> bool:
        if name.startswith("@"):
            return self.facts.get(name[1:]) in accepted
        value = self.values.get(fold(name), "").strip()
        if value in _EMPTY:
            return "-" in accepted
        return "*" in accepted or value.partition("<")[0].strip() in accepted


def for_missing(
    line: ParameterSpec, around: Around, family: FamilySpec, *, member: bool
) -> int | None:
    """Of a parameter, or a member of a group, that is not there (step 4)."""
    around = around.but(line.folded, None)
    if not _is_required(line, around):
        return None
    own = _own(line, around, "missing")
    return own if own is not None else family.member if member else family.missing


def for_empty(
    line: ParameterSpec, around: Around, family: FamilySpec, *, blank: bool = False
) -> int | None:
    """Of one that is there without a value (step 5), or with blanks alone."""
    if line.bare or line.ignored:
        return None
    around = around.but(line.folded, "")
    own = _own(line, around, *(("blank", "empty") if blank else ("empty",)))
    if own is not None:
        return own
    if not _is_required(line, around):
        return None
    return family.empty if line.required == "yes" else family.empty_when


def for_wrong(
    line: ParameterSpec, around: Around, family: FamilySpec, *, past: bool = False
) -> int:
    """Of a value that will not do (step 6); `past` is an id beyond the greatest."""
    own = _own(line, around.but(line.folded, "?"), "wrong")
    if own is not None:
        return own
    return family.past if past else family.wrong


def _is_required(line: ParameterSpec, around: Around) -> bool:
    if line.required == "when":
        return around.holds(line.when)
    return line.required == "yes"


def _own(line: ParameterSpec, around: Around, *kinds: str) -> int | None:
    """The first of its own codes that applies, those that go before the row's first."""
    rows: list[InsteadSpec | ParameterSpec] = [
        one for one in line.instead if around.holds(one.when)
    ]
    if not line.only or around.holds(line.when):
        rows.append(line)
    for row in rows:
        for code in _codes(row, kinds):
            return code
    return None


def _codes(row: InsteadSpec | ParameterSpec, kinds: tuple[str, ...]) -> Iterator[int]:
    for kind in kinds:
        code = getattr(row, kind)
        if code is not None:
            yield code
