"""Every message and parameter of the tables broken in every way, against a plain reading of ERR-03.

The oracle knows nothing of octets: a message is a tree of cells, each a text whose kind is known to
be good, empty, blank, bad or past. It shares nothing with the validation but the tables.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starwire.protocol.catalogue import (
    CheckSpec,
    InsteadSpec,
    MessageSpec,
    ParameterSpec,
    catalogue,
)
from starwire.protocol.validation import Refusal, validate

Facts = Mapping[str, str]

BASE: Any = tomllib.loads((Path(__file__).parent / "base_messages.toml").read_text("utf-8"))
Kind = Literal["good", "empty", "blank", "bad", "past"]


class Cell(NamedTuple):
    kind: Kind
    text: str
    members: Level | None = None


Level = dict[str, list[Cell]]

GOOD = {
    "digits": "1",
    "id": "1",
    "mmss": "0130",
    "offset": "-5",
    "datetime": "1998-01-02 15:18",
    "entpid": "00022924",
    "list": "<4~1>",
    "columns": "<54~55>",
    "sort": "<54D~55A>",
    "hierarchy": "INBOUND<<1,Ann><NA,NA>>",
    "reports": "<Cat=<Title,1,P>>",
    "node": "<1,Label,10,<5,x,db>>",
    "totals": "<<36,3491.70>>",
    "any": "<1 / 2>",
}
BAD = {
    "text": "a<b>",
    "list": "<a~<b>>",
    "columns": "<x>",
    "sort": "<54>",
    "hierarchy": "<x>",
    "rows": "x",
    "reports": "<x>",
    "node": "<x>",
    "totals": "<x>",
    "group": "x",
    "entpid": "0002292",
}
FACTS: dict[str, Facts] = {
    "none": {},
    "ods": {**BASE["ODS"], "sender": "ODS", "fulserver": "off", "timezones": "yyy"},
    "tvs": {**BASE["TVS"], "io": "B", "sender": "STAROE", "fulserver": "on", "timezones": "yyy"},
}


def good(line: ParameterSpec) -> Cell:
    if line.form in ("group", "headed"):
        members = {one.name: [good(one)] for one in line.members}
        return Cell("good", next(iter(line.values)) if line.values else "", members)
    if line.values:
        return Cell("good", next(iter(line.values)))
    if line.name in ("ERROR", "MMADDR"):
        return Cell("good", {"ERROR": "0", "MMADDR": "a@b"}[line.name])
    if line.form == "stamp":
        return Cell("good", "199806020000" if line.name == "START" else "199806030000")
    if line.form == "number":
        return Cell("good", str(line.minimum or 7))
    if line.form == "rows":
        return Cell("good", f"<{'~'.join(line.columns)}>")
    return Cell("good", GOOD.get(line.form, "y" * min(line.length or 3, 3)))


def wholly_good(spec: MessageSpec) -> Level:
    """Every parameter of the table, once, all in order."""
    level = {line.name: [good(line)] for line in spec.parameters}
    name, _, value = spec.chosen_by.partition("=")
    if value:
        level[name] = [Cell("good", value)]
    if spec.variant == "refusal":
        level["ERROR"] = [Cell("good", "5101")]
    return level


def too_long(line: ParameterSpec) -> str | None:
    if line.length is None or line.values or line.members:
        return None
    longer = {"text": "y", "entpid": "0", "id": "0", "digits": "1", "number": "1"}
    if line.form == "columns":
        return f"<{'1~' * line.length}1>"
    return longer.get(line.form, "1") * (line.length + 1)


def ways(line: ParameterSpec) -> Iterator[tuple[str, list[Cell]]]:
    """The ways to break a parameter, by name."""
    whole = good(line)
    bad = Cell("bad", "?" if line.values else BAD.get(line.form, "?"))
    yield "missing", []
    yield "empty", [Cell("empty", "")]
    yield "brackets", [Cell("empty", "< >")]
    yield "blank", [Cell("blank", " \t ")]
    yield "twice", [whole, whole]
    if line.form != "any":
        yield "bad", [bad]
    if line.form == "id":
        yield "past", [Cell("past", "2147483648")]
    if line.maximum is not None and len(str(line.maximum + 1)) <= (line.length or 0):
        yield "over", [Cell("bad", str(line.maximum + 1))]
    if line.minimum is not None:
        yield "under", [Cell("bad", str(line.minimum - 1))]
    long = too_long(line)
    if long is not None:
        yield "long", [Cell("bad", long)]


def octets_of(spec: MessageSpec, level: Level) -> str:
    return f"{spec.acronym}<{written(spec.parameters, level)}>"


def written(lines: tuple[ParameterSpec, ...], level: Level) -> str:
    table = {line.name: line for line in lines}
    fields = []
    for name, cells in level.items():
        line = table.get(name)
        for cell in cells:
            inner = f"<{written(line.members, cell.members)}>" if line and cell.members else ""
            fields.append(f"{name}={cell.text}{inner}")
    return ",".join(fields)


class Oracle:
    """A plain reading of ERR-03 for cells; returns code and step, or (0, 0)."""

    def __init__(self, spec: MessageSpec, level: Level, facts: Facts) -> None:
        self.spec = spec
        self.level = level
        self.facts = facts
        self.inbox = spec.family == "INBOX"

    def verdict(self) -> tuple[int, int]:
        top = (self.level,)
        for step, judge in (
            (3, self.unknown),
            (4, self.missing),
            (5, self.empty),
            (6, self.wrong),
        ):
            code = judge(self.spec.parameters, top)
            if code:
                return code, step
        return 0, 0

    # Conditions.

    def holds(
        self, line: ParameterSpec | InsteadSpec | CheckSpec, levels: tuple[Level, ...]
    ) -> bool:
        return any(
            all(self.passes(name, accepted, levels) for name, accepted in tests.items())
            for tests in line.when
        )

    def passes(self, name: str, accepted: tuple[str, ...], levels: tuple[Level, ...]) -> bool:
        if name.startswith("@"):
            return self.facts.get(name[1:]) in accepted
        cells = next((level[name] for level in levels if level.get(name)), [])
        if not cells or cells[0].kind in ("empty", "blank"):
            return "-" in accepted
        return "*" in accepted or cells[0].text in accepted

    def required(self, line: ParameterSpec, levels: tuple[Level, ...]) -> bool:
        if line.required == "when":
            return self.holds(line, levels)
        return line.required == "yes"

    def own(self, line: ParameterSpec, levels: tuple[Level, ...], *kinds: str) -> int | None:
        """The code of the line's own, from those that apply instead first."""
        places: list[Any] = [one for one in line.instead if self.holds(one, levels)]
        if not line.only or self.holds(line, levels):
            places.append(line)
        for place in places:
            for kind in kinds:
                if getattr(place, kind) is not None:
                    return int(getattr(place, kind))
        return None

    # Steps.

    def inner(self, line: ParameterSpec, levels: tuple[Level, ...]) -> Iterator[tuple[Level, ...]]:
        for cell in levels[0].get(line.name, ()):
            if cell.kind == "good" and line.members:
                yield (cell.members or {}, *levels)
            elif cell.kind == "bad" and line.form == "headed":
                yield ({}, *levels)

    def unknown(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        names = {line.name for line in lines}
        if set(levels[0]) - names:
            return 5101 if self.inbox else 6610
        return self.first(self.unknown, lines, levels)

    def first(
        self,
        judge: Callable[[tuple[ParameterSpec, ...], tuple[Level, ...]], int],
        lines: tuple[ParameterSpec, ...],
        levels: tuple[Level, ...],
    ) -> int:
        codes_ = (judge(line.members, one) for line in lines for one in self.inner(line, levels))
        return next(filter(None, codes_), 0)

    def missing(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        error = self.level.get("ERROR") or [Cell("empty", "")]
        failed = error[0].kind in ("good", "bad") and error[0].text != "0"
        for line in lines:
            if not levels[0].get(line.name):
                may_lack = self.spec.direction == "response" and failed and len(levels) == 1
                if may_lack and line.name not in ("ERROR", "REQ"):
                    continue
                if self.required(line, levels):
                    return self.lacking(line, levels)
            for one in self.inner(line, levels):
                code = self.missing(line.members, one) or self.lone(line, one)
                if code:
                    return code
        return 0

    def lacking(self, line: ParameterSpec, levels: tuple[Level, ...]) -> int:
        general = 5102 if self.inbox else 6701 if len(levels) == 1 else 6114
        return self.own(line, levels, "missing") or general

    def lone(self, line: ParameterSpec, levels: tuple[Level, ...]) -> int:
        if not line.pairs:
            return 0
        start, end = line.members
        counts = [len(levels[0].get(one.name, ())) for one in (start, end)]
        if not self.required(start, levels) or counts[0] == counts[1]:
            return 0
        return self.lacking(end if counts[0] > counts[1] else start, levels)

    def empty(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        for line in lines:
            for cell in levels[0].get(line.name, ()):
                if cell.kind in ("empty", "blank") and not (line.bare or line.ignored):
                    kinds = ("blank", "empty") if cell.kind == "blank" else ("empty",)
                    code = self.own(line, levels, *kinds)
                    if code is None and self.required(line, levels):
                        general = 6703 if line.required == "yes" else 6702
                        code = 5102 if self.inbox else general
                    if code:
                        return code
            for one in self.inner(line, levels):
                code = self.empty(line.members, one)
                if code:
                    return code
        return 0

    def wrong(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        general = 5101 if self.inbox else 6103
        for line in lines:
            cells = levels[0].get(line.name, [])
            if len(cells) > 1 and (line.numbered or not line.repeats):
                return general
            for cell in cells:
                if cell.kind in ("bad", "past") and not line.ignored:
                    past = 6107 if cell.kind == "past" and not self.inbox else general
                    return self.own(line, levels, "wrong") or past
            for one in self.inner(line, levels):
                code = self.wrong(line.members, one) or self.crossed(line, one, general)
                if code:
                    return code
        return 0 if len(levels) > 1 else self.contradiction(levels, general)

    def crossed(self, line: ParameterSpec, levels: tuple[Level, ...], general: int) -> int:
        """The cells hold one and the same range, so that two of them overlap."""
        if not line.pairs or not self.required(line.members[0], levels):
            return 0
        return general if len(levels[0].get("START", ())) > 1 else 0

    def contradiction(self, levels: tuple[Level, ...], general: int) -> int:
        for check in self.spec.checks:
            if check.check == "never" and self.holds(check, levels):
                return check.code or general
        return 0


def where_it_comes_in(spec: MessageSpec) -> tuple[str, Any]:
    return spec.doors[-1], spec.direction


def compared(spec: MessageSpec, level: Level, facts: Facts) -> str:
    """Empty if validation and oracle agree, otherwise what they say."""
    door, direction = where_it_comes_in(spec)
    octets = octets_of(spec, level)
    expected = Oracle(spec, level, facts).verdict()
    try:
        validate(
            octets.encode("latin-1"),
            door,
            catalogue=catalogue(),
            facts=facts,
            direction=direction,
        )
    except Refusal as refused:
        found = (refused.code, refused.step)
    else:
        found = (0, 0)
    return "" if found == expected else f"{octets}: {found}, the rules say {expected}"


SPECS = {
    " ".join(filter(None, (spec.acronym, spec.variant, spec.direction))): spec
    for spec in catalogue().messages
}


def bases(spec: MessageSpec) -> Iterator[Level]:
    """A message in order, and others in order of which other conditions hold."""
    yield wholly_good(spec)
    for line in spec.walk():
        for value in list(line.values or ())[1:]:
            changed = wholly_good(spec)
            if line.name in changed and line.name != "COMPRESS":
                changed[line.name] = [changed[line.name][0]._replace(text=value)]
                yield changed


def broken(spec: MessageSpec, level: Level) -> Iterator[Level]:
    """The message with one parameter broken, or one that is unknown, on every level."""
    chosen = spec.chosen_by.partition("=")[0]
    yield {**level, "COLOUR": [Cell("good", "red")]}
    for line in spec.parameters:
        for _, cells in ways(line):
            if line.name != chosen:
                yield {**level, line.name: cells}
        [cell, *_] = level[line.name]
        if cell.members is not None:
            nested = msgspec.structs.replace(spec, parameters=line.members, chosen_by="")
            for members in broken(nested, cell.members):
                yield {**level, line.name: [cell._replace(members=members)]}


@pytest.mark.parametrize("facts", FACTS)
@pytest.mark.parametrize("name", SPECS)
def test_every_parameter_broken_in_every_way(name: str, facts: str) -> None:
    spec = SPECS[name]
    found = [
        compared(spec, level, FACTS[facts])
        for base in bases(spec)
        for level in (base, *broken(spec, base))
    ]
    assert list(filter(None, found)) == []


def test_a_message_that_is_wholly_good_is_in_order() -> None:
    for spec in SPECS.values():
        assert Oracle(spec, wholly_good(spec), FACTS["ods"]).verdict() == (0, 0)
        assert compared(spec, wholly_good(spec), FACTS["ods"]) == ""


@st.composite
def damaged(draw: st.DrawFn) -> tuple[MessageSpec, Level, Facts]:
    """A message of the table with several parameters broken at once, in any order."""
    spec = SPECS[draw(st.sampled_from(sorted(SPECS)))]
    level = draw(st.sampled_from(list(bases(spec))))
    chosen = spec.chosen_by.partition("=")[0]
    for line in draw(st.lists(st.sampled_from(spec.parameters), max_size=5)):
        if line.name != chosen:
            level = {**level, line.name: draw(st.sampled_from([way for _, way in ways(line)]))}
    order = draw(st.permutations(list(level)))
    if spec.acronym in ("GPL", "GPLA"):
        order = list(level)
    facts = FACTS[draw(st.sampled_from(sorted(FACTS)))]
    return spec, {name: level[name] for name in order}, facts


@given(damaged())
def test_of_several_mistakes_the_first_step_decides(case: tuple[MessageSpec, Level, Facts]) -> None:
    assert compared(*case) == ""
