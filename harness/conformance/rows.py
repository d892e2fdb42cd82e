"""The lines of the catalogue as subjects of cases: what can be changed in a good request, and what
is owed for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, cached_property, partial
from itertools import islice

import msgspec

from starwire.protocol.catalogue import FamilySpec, MessageSpec, ParameterSpec, catalogue

from . import mutating, owed, samples
from .description import described
from .mutating import Path
from .owed import Around
from .peer import Peer

DOORS = ("rm", "rs", "inbox", "staroe", "rm-native", "inbox-native", "jar")
"""Where requests come in that a tester can send."""

_ODS = {"server": "ODS", "io": "B", "datacat": "P", "description": "yes"}
_TVS = {"server": "TVS", "io": "I", "datacat": "U", "description": "yes"}
_FACTS = {
    "ARD": _ODS,
    "ARD/whole": _ODS,
    "ARD/undescribed": {**_ODS, "description": "no"},
    "ARD/traffic": _TVS,
    "ARD/outbound": {**_TVS, "io": "O"},
}
"""What the templates are that these good requests name; a target file names such too."""

_BEHIND = {
    "ARDA": (6707,),
    "NRL/requested": (6707,),
    "NRL/repeated": (6050, 6707),
}
"""Codes of good requests that fail behind step 6, since what they name cannot be made by a
tester: the id of a request that the target has made itself."""

_ALSO: dict[str, tuple[int, ...]] = {
    "USERID": (6115,),
    "ENTPID": (6115,),
    "PASSWORD": (6115,),
    "STDRPTID": (6115,),
    "PRODUCT": (6115,),
    "LOC": (6108, 5163),
    "FSIZE": (6707,),
    "MSIZE": (5166,),
    "REQUESTID": (6707,),
    "WHAT": (5108,),
    "COMPRESS": (5165,),
    "MMADDR": (5179,),
}
"""Codes with which a good value of that name may fail behind step 6: who asks, what is stored."""

NOTHING_MADE = {
    "report": "1",
    "item": "1",
    "loc": "/checks/none.csv",
    "size": "3",
    "newkey": "none",
}
"""What need not be there for a message that is refused before it is looked for."""

_EVERYWHERE = ("missing", "empty", "limit", "over", "past", "above", "not-acceptable", "letters")
"""What is tried at each door of a message; the forms of a value are at the first alone."""

_PROVES = {
    "octets": "OCT-01",
    "comma": "SYN-05 SYN-08",
    "equals": "SYN-05",
    "bare": "SYN-13",
    "control-a": "SYN-03 SYN-13",
    "empty-at-the-end": "SYN-13",
    "rows": "SYN-04 CAT-05",
}
"""What kinds of values that must be taken prove beside the line itself."""

_DELETES_ALL = "D (all)"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A good request of the target file, and the table that it is of."""

    request: str
    """Its name in the target file."""
    spec: MessageSpec
    family: FamilySpec
    places: tuple[str, ...]
    form: str
    """As starwire's own target file has it, from which what is owed is told."""

    @property
    def name(self) -> str:
        """As rows are called: `GPL-PL_ACCESS`."""
        return "-".join(part for part in (self.spec.acronym, self.spec.variant) if part)

    @property
    def suffix(self) -> str:
        """What tells it from the first good request of its table: `-traffic`."""
        return self.request.partition("/")[2] and f"-{self.request.partition('/')[2]}"

    @property
    def good(self) -> str:
        """The case of its going well."""
        return f"catalogue.{self.name}.good{self.suffix}"

    @property
    def title(self) -> str:
        """For sentences."""
        variant = f" ({self.spec.variant})" if self.spec.variant else ""
        which = f", {self.request.partition('/')[2]}," if self.suffix else ""
        return f"{self.spec.acronym}{variant}{which}"

    @property
    def around(self) -> Around:
        return Around(mutating.values(self.form), facts_of(self))

    @property
    def also(self) -> tuple[int, ...]:
        """Codes that it may have though it is good."""
        return _BEHIND.get(self.request, ())

    @property
    def alone(self) -> bool:
        """Whether others would miss what it takes away."""
        return self.request == _DELETES_ALL


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is other than good."""

    row: str
    kind: str
    words: str
    edit: Callable[[str], str]
    code: int | None
    """What it is refused with; None if it must be taken."""
    rules: tuple[str, ...]
    also: tuple[int, ...] = ()
    """Codes behind step 6 that show that it was taken."""
    everywhere: bool = False
    """Whether it is tried at every door, and not at the first alone."""


def facts_of(subject: Subject) -> dict[str, str]:
    """What is known of the template that the good request names."""
    return _FACTS.get(subject.request, {})


def edited(peer: Peer, request: str, edit: Callable[[str], str]) -> str:
    """The target's good request of that name, changed; not applicable where it has no such
    place."""
    form = peer.grounds.form(request)
    try:
        return edit(form)
    except mutating.NoPlace as error:
        peer.not_applicable(f"the target file's {request}: {error}")


@cache
def subjects() -> tuple[Subject, ...]:
    """Every good request that the shipped target file has for a table of the catalogue."""
    requests = described(None).requests
    found = []
    for spec in catalogue().messages:
        places = tuple(door for door in DOORS if door in (*spec.doors, *spec.received))
        if not places or (spec.direction == "response" and not spec.received):
            continue
        names = (f"{spec.acronym} ({spec.variant})", spec.acronym)
        own = next(name for name in names if name in requests)
        for name in (own, *(one for one in requests if one.startswith(f"{own}/"))):
            found.append(
                Subject(
                    request=name,
                    spec=spec,
                    family=catalogue().family(places[0]),
                    places=places,
                    form=requests[name],
                )
            )
    return tuple(found)


def changes_of(subject: Subject) -> Iterator[Change]:
    """Each change of each line; of what is no first good request, those which depend on it."""
    for path, line in _lines(subject.spec.parameters):
        if not mutating.has_group(subject.form, path[:-1]):
            continue
        row = Row(subject, path, line)
        if row.is_first:
            yield from row.absences()
            yield from row.values()
            yield from row.names()
        elif line.when or line.instead:
            yield from row.absences()


def _lines(
    lines: tuple[ParameterSpec, ...], around: Path = ()
) -> Iterator[tuple[Path, ParameterSpec]]:
    for line in lines:
        yield (*around, line.name), line
        yield from _lines(line.members, (*around, line.name))


class Row:
    """A line of a table, within one good request."""

    def __init__(self, subject: Subject, path: Path, line: ParameterSpec) -> None:
        self._subject = subject
        self._path = path
        self._line = line
        self._around = subject.around
        self._is_there = mutating.has(subject.form, path)

    @cached_property
    def is_first(self) -> bool:
        """Whether this is the good request on which the line is tried: the first that has it, or
        the first of all where none has."""
        alike = [one for one in subjects() if one.spec is self._subject.spec]
        having = [one for one in alike if mutating.has(one.form, self._path)]
        return (having or alike)[0] is self._subject

    def _change(
        self,
        kind: str,
        words: str,
        edit: Callable[[str], str],
        code: int | None,
        rules: str,
    ) -> Change:
        ending = "is carried out" if code is None else f"is refused with {code}"
        return Change(
            row=f"{self._subject.name}.{'.'.join(self._path)}",
            kind=kind if self.is_first else kind + (self._subject.suffix or "-plain"),
            words=f"{words} {ending}",
            edit=edit,
            code=code,
            rules=tuple(rules.split()),
            also=_ALSO.get(self._line.name, ()),
            everywhere=kind in _EVERYWHERE and self.is_first,
        )

    # Steps 4 and 5.

    def absences(self) -> Iterator[Change]:
        """The parameter not there, and there without a value."""
        line, around, codes = self._line, self._around, self._subject.family
        name = line.name
        if self._is_there:
            code = owed.for_missing(line, around, codes, member=len(self._path) > 1)
            code = self._first_missing(None) or code
            if name == self._subject.spec.chosen_by:
                code = self._unchosen()
            without = partial(mutating.without, path=self._path)
            if code is not None or line.required == "when":
                yield self._change("missing", f"without {name}", without, code, "ERR-03 CAT-02")
        for kind, text, words in (
            ("empty", "", "with an empty"),
            ("empty-group", "<>", "with an empty group for"),
            ("blanks", " \t ", "with blanks for"),
        ):
            code = self._first_missing("") or owed.for_empty(
                line, around, codes, blank=kind == "blanks"
            )
            edit = partial(mutating.with_value, path=self._path, text=text)
            rules = "SYN-05" if line.ignored or line.bare else "ERR-03 SYN-13 CAT-02"
            if kind == "blanks" and code is not None and code == line.blank:
                rules += " ERR-04"
            yield self._change(kind, f"{words} {name}", edit, code, rules)

    def _first_missing(self, value: str | None) -> int | None:
        """What is owed for another parameter, that is required now that this one has that value."""
        if len(self._path) > 1:
            return None
        around = self._around.but(self._line.folded, value)
        lines = (one for one in self._subject.spec.parameters if one.folded not in around.values)
        for line in lines:
            code = owed.for_missing(line, around, self._subject.family, member=False)
            if code is not None:
                return code
        return None

    def _unchosen(self) -> int:
        """What is owed where the parameter is missing that chooses the table (SYN-05, CAT-06)."""
        others = [one for one in catalogue().messages if self._rivals(one)]
        first = next((one for one in others if not one.chosen_by), self._subject.spec)
        chosen = next(one for one in first.parameters if one.required == "yes" and not one.ignored)
        codes = self._subject.family
        return owed.for_missing(chosen, Around({}, {}), codes, member=False) or codes.missing

    def _rivals(self, other: MessageSpec) -> bool:
        spec = self._subject.spec
        return (other.acronym, other.direction) == (spec.acronym, "request")

    # Step 6.

    def values(self) -> Iterator[Change]:
        """Values that must be taken, and others."""
        line, around, codes = self._line, self._around, self._subject.family
        good = mutating.value(self._subject.form, self._path) if self._is_there else ""
        if not good and line.form in ("group", "headed", "list", "columns", "sort"):
            return
        for kind, text in self._some(samples.taken(line, good)):
            if self._is_identity_of_the_inbox and kind in ("limit", "octets"):
                continue  # the code for a wrong one and for another one's is the same
            edit = partial(mutating.with_value, path=self._path, text=text)
            code = None if line.bare or line.ignored else self._first_missing(text)
            words = f"with the {line.name} {_shown(text)}"
            yield self._change(kind, words, edit, code, self._rules_of(kind))
        for kind, text in self._some(samples.refused(line, good)):
            code = owed.for_wrong(line, around, codes, past=kind == "past")
            edit = partial(mutating.with_value, path=self._path, text=text)
            words = f"with the {line.name} {_shown(text)}"
            rules = "CAT-02 ERR-03 SYN-06" if kind == "other-case" else "CAT-02 ERR-03"
            yield self._change(kind, words, edit, code, rules)

    def _rules_of(self, kind: str) -> str:
        """What a value that must be taken proves."""
        if self._line.ignored:
            return "SYN-05"
        return f"CAT-02 {_PROVES.get(kind, '')}"

    def _some(self, of: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """All, or of a list the first one, where an earlier line of the table is a list too."""
        lines = self._subject.spec.parameters
        first = next((line for line in lines if line.form == self._line.form), self._line)
        is_brief = self._line.form in ("list", "columns", "sort", "hierarchy")
        return islice(of, 1) if is_brief and first is not self._line else of

    @property
    def _is_identity_of_the_inbox(self) -> bool:
        return self._line.name == "USERID" and self._subject.spec.family == "INBOX"

    # Names and occurrences.

    def names(self) -> Iterator[Change]:
        """Given twice, under other names, in lower case, with blanks around."""
        line = self._line
        if not self._is_there:
            return
        if not line.repeats:
            twice = partial(_twice, path=self._path)
            code = self._subject.family.twice
            yield self._change("twice", f"with two {line.name}", twice, code, "SYN-13")
        for alias in line.aliases:
            edit = partial(_renamed, path=self._path, name=alias)
            kind = f"alias-{alias.replace(' ', '-')}"
            yield self._change(kind, f"with {line.name} as {alias}", edit, None, "SYN-06")
        lower = partial(_renamed, path=self._path, name=line.name.lower())
        yield self._change("lower-case", f"with {line.name.lower()}", lower, None, "SYN-06")
        spaced = partial(_spaced, path=self._path)
        yield self._change(
            "spaced", f"with blanks round {line.name} and its value", spaced, None, "SYN-13"
        )


def _shown(text: str) -> str:
    shown = ascii(text)
    return shown if len(shown) <= 40 else f"of {len(text)} octets"


def _twice(form: str, path: Path) -> str:
    return mutating.added(form, mutating.slot(form, path), path[:-1])


def _renamed(form: str, path: Path, name: str) -> str:
    _, equals, value = mutating.slot(form, path).partition("=")
    return mutating.with_slot(form, path, f"{name}{equals}{value}")


def _spaced(form: str, path: Path) -> str:
    key, equals, value = mutating.slot(form, path).partition("=")
    return mutating.with_slot(form, path, f"\r\n {key}\t{equals} {value} ")
