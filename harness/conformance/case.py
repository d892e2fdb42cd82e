"""What a case is: a sentence, the rules that it proves, and a script.

    @case("header.length.short", rules="HDR-04 HDR-06", places=FRAMED, after="sanity.probe")
    def too_short(peer):
        \"\"\"A length below the header's own is a bare 102, and the connection ends.\"\"\"
        line = peer.connect()
        line.send(peer.probe().with_(length=peer.header_size - 1))
        line.expect(status(102), bare())
        line.expect_end()

A definition becomes one Case for each place that it is for: `header.length.short@rm`. The id is
for ever; it is never a number in an order. Families make cases from rows of the catalogue.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Literal

import msgspec

from starwire.protocol.endpoints import DEFAULT_PORTS, spoken_at
from starwire.protocol.profile import Profile

if TYPE_CHECKING:
    from .peer import Peer

Level = Literal["must", "should", "may"]
Rests = Callable[[], tuple[str, ...]]
Script = Callable[["Peer"], None]

Takes = float | Callable[[Profile], float]

PROXIES = ("staroe", "rm", "rs", "inbox")
NATIVES = ("rm-native", "inbox-native")
FRAMED = ("dispatcher", *PROXIES)
"""Where frames are spoken."""
BARE = ("jar", *NATIVES)
"""Where bare messages are spoken."""
CHAIN = ("web", *FRAMED)
CLIENT = "client"
"""Where the implementation connects to the harness: no port of it, and so not among EVERYWHERE."""
EVERYWHERE = tuple(name for name in DEFAULT_PORTS if name != "control")

_CODES = ("ERR-01", "ERR-02", "ERR-06", "CAT-01", "CAT-02", "CAT-03", "CAT-04")
"""That messages are known, judged by their tables, and answered under their acronyms with codes."""
_TEXTS = ("OCT-01", "OCT-02", "OCT-03", "HDR-10", *_CODES)
_HEADERS = (*_TEXTS, "HDR-01", "HDR-02", "HDR-06", "STS-01", "ENC-01")
_CHAIN = (*_HEADERS, "HDR-09", "HDR-05", "HDR-07", "HDR-11", "TRN-01")
_DISPATCHER = ("DSP-01", "DSP-03", "DSP-04", "DSP-06", "DSP-07")
RESTS_ON = {
    "common": _HEADERS,
    "dispatcher": (*_CHAIN, *_DISPATCHER),
    "web": (*_CHAIN, *_DISPATCHER, "WEB-01", "WEB-02", "WEB-03", "WEB-06"),
    "native": ("OCT-01", "TRN-05", *_CODES),
}
"""The rules that every case rests on where that is spoken: no reply could be read, or none came
through the chain, if they were broken. A case may fail with them, whatever it proves."""

SEATS = ("web", "dispatcher", "proxy", "backend", "client")
"""What an implementation may be on the wire (`check --as`)."""


def seat_of(place: str) -> str:
    """The seat in which an implementation that serves that place sits."""
    if place == CLIENT:
        return CLIENT
    spoken = spoken_at(place)
    return {"common": "proxy", "native": "backend"}.get(spoken, spoken)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One script for one place."""

    name: str
    """Of the definition: the id without its place."""
    place: str
    sentence: str
    rules: tuple[str, ...]
    script: Script
    level: Level = "must"
    after: tuple[str, ...] = ()
    """The names of the cases that must have passed at the same place."""
    seconds: float = 10.0
    """How long it may take, waiting that it asks for aside."""
    takes: Takes = 0.0
    """Seconds of the wire's clock that it waits for on purpose, or what makes them of a profile."""
    row: str = ""
    """The line of the catalogue that it is about: `GRTL.PRODUCT`."""
    alone: bool = False
    """Whether nothing else may run meanwhile: it loads or stops the target."""
    rests: Rests = tuple
    """Gives the rules of its own without which it cannot pass, beside those that it proves."""

    @property
    def id(self) -> str:
        """Name and place."""
        return f"{self.name}@{self.place}"

    def waits(self, profile: Profile) -> float:
        """Seconds that it waits on purpose under that profile."""
        return self.takes(profile) if callable(self.takes) else self.takes

    @property
    def rests_on(self) -> tuple[str, ...]:
        """The rules without which it cannot pass, beside those that it proves."""
        spoken = "web" if self.place == CLIENT else spoken_at(self.place)
        return (*RESTS_ON[spoken], *self.rests())

    @property
    def seat(self) -> str:
        """Where the implementation sits."""
        return seat_of(self.place)


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A case before it is known which places there are."""

    name: str
    sentence: str
    rules: tuple[str, ...]
    script: Script
    places: tuple[str, ...]
    level: Level = "must"
    after: tuple[str, ...] = ()
    seconds: float = 10.0
    takes: Takes = 0.0
    row: str = ""
    alone: bool = False
    rests: Rests = tuple

    def cases(self) -> Iterator[Case]:
        """One for each of its places."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "places"}
        for place in self.places:
            yield Case(place=place, **given)


Family = Callable[[], Iterable[Definition]]

_DEFINITIONS: dict[str, Definition] = {}
_FAMILIES: list[Family] = []


def case(
    name: str,
    *,
    rules: str,
    places: Iterable[str],
    level: Level = "must",
    after: str = "sanity.probe",
    seconds: float = 10.0,
    takes: Takes = 0.0,
    alone: bool = False,
    rests: str = "",
) -> Callable[[Script], Script]:
    """Register a script under its name; `rules`, `after` and `rests` are lists of words."""

    def register(script: Script) -> Script:
        sentence = inspect.getdoc(script)
        assert sentence, f"{name}: say in one sentence what is required"
        assert name not in _DEFINITIONS, f"{name}: there is such a case"
        _DEFINITIONS[name] = Definition(
            name=name,
            sentence=" ".join(sentence.partition("\n\n")[0].split()),
            rules=tuple(rules.split()),
            script=script,
            places=tuple(places),
            level=level,
            after=tuple(after.split()),
            seconds=seconds,
            takes=takes,
            alone=alone,
            rests=lambda: tuple(rests.split()),
        )
        return script

    return register


def family(make: Family) -> Family:
    """Register what makes definitions from rows, when they are first asked for."""
    _FAMILIES.append(make)
    return make


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case there is, in the order in which they are told; sanity first."""
    from . import cases as scripts

    scripts.load()
    made = [one for definition in _DEFINITIONS.values() for one in definition.cases()]
    for make in _FAMILIES:
        made += [one for definition in make() for one in definition.cases()]
    ids = [one.id for one in made]
    assert len(set(ids)) == len(ids), sorted({one for one in ids if ids.count(one) > 1})
    return tuple(made)
