"""What a stub is: which requests it answers, and with what. Values only; `stubs` applies them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from starwire.grammar import build
from starwire.protocol.endpoints import DEFAULT_PORTS

STUBBED = tuple(name for name in DEFAULT_PORTS if name not in ("web", "control"))
"""The ports at which a stub may answer; at the web server its sessions would be in the way."""

StubbedHop: TypeAlias = Annotated[str, Meta(pattern=f"^({'|'.join(STUBBED)})$")]
Text: TypeAlias = Annotated[str, Meta(pattern="^[\\x00-\\xff]*$", max_length=65_536)]
"""Text of the wire: one character for each octet, U+0000 to U+00FF."""
Name: TypeAlias = Annotated[
    str, Meta(pattern="^[\\x21-\\x2b\\x2d-\\x3b\\x3f-\\xff]+$", max_length=100)
]
"""An acronym or a key as it can stand in a message."""
Count: TypeAlias = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Condition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the value of a parameter has to be; one of the three."""

    equals: Text | UnsetType = UNSET
    like: Text | UnsetType = UNSET
    """The whole value, where `*` stands for any characters."""
    exists: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if sum(one is not UNSET for one in (self.equals, self.like, self.exists)) != 1:
            raise ValueError("equals: give one of equals, like and exists")

    def holds(self, value: str | None) -> bool:
        """Whether it is so for the value of a parameter, None where that is missing."""
        if self.exists is not UNSET:
            return self.exists == (value is not None)
        if value is None:
            return False
        return value == self.equals if self.like is UNSET else is_like(value, self.like)

    def __str__(self) -> str:
        if self.exists is not UNSET:
            return "to be there" if self.exists else "to be missing"
        return repr(self.equals) if self.like is UNSET else f"like {self.like!r}"


def is_like(value: str, pattern: str) -> bool:
    """Whether the whole of `value` is as `pattern` says, in which `*` stands for anything.

    Linear in the value for each piece: a peer's text cannot make it slow.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return value == pattern
    *middle, last = rest
    if not value.startswith(first) or len(value) < len(first) + len(last):
        return False
    place, end = len(first), len(value) - len(last)
    for piece in middle:
        found = value.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return value.endswith(last)


class StubReply(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a stub does: with a delay alone the request is answered as always, but later."""

    octets: Text | UnsetType = UNSET
    """The data behind the header, as it is."""
    acronym: Name | UnsetType = UNSET
    fields: dict[Name, Text | list[Text]] = {}
    """With `acronym`, the message's parameters; a list is a parameter that repeats."""
    status: Annotated[int, Meta(ge=0, le=65_535)] | UnsetType = UNSET
    """Without one 100 for a message whose ERROR is not 0, else 0."""
    delay: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """Seconds."""

    def __post_init__(self) -> None:
        if self.octets is not UNSET and self.acronym is not UNSET:
            raise ValueError("octets: not with acronym")
        if self.fields and self.acronym is UNSET:
            raise ValueError("fields: of which acronym?")
        if not (self.answers or self.delay):
            raise ValueError("octets: give octets, acronym, status or delay")

    @property
    def has_message(self) -> bool:
        """Whether something stands behind the header, or might."""
        return self.octets is not UNSET or self.acronym is not UNSET

    @property
    def answers(self) -> bool:
        """Whether it stands in place of the server's answer."""
        return self.has_message or self.status is not UNSET

    def data(self) -> bytes:
        """What stands behind the header. Raises grammar.BuildError."""
        if self.octets is not UNSET:
            return self.octets.encode("latin-1")
        if self.acronym is UNSET:
            return b""
        pairs = [
            (key, value)
            for key, given in self.fields.items()
            for value in (given if isinstance(given, list) else [given])
        ]
        return build(self.acronym, pairs)


class Stub(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which requests are answered otherwise, and how. What is left out does not narrow."""

    reply: StubReply
    hop: StubbedHop | UnsetType = UNSET
    acronym: Name | UnsetType = UNSET
    parameters: dict[Name, Text | Condition] = {}
    """Directly under the message; a text is what the value has to be."""
    user: Text | UnsetType = UNSET
    serial: Annotated[int, Meta(ge=0, le=2**63 - 1)] | UnsetType = UNSET
    type: Annotated[int, Meta(ge=0, le=255)] | UnsetType = UNSET
    """The transport; a stub that names none takes no part in bulk transfers."""
    nth: Count | UnsetType = UNSET
    """Only the n-th request that is as described."""
    first: Count | UnsetType = UNSET
    """Only the first so many of them."""

    def __post_init__(self) -> None:
        if self.nth is not UNSET and self.first is not UNSET:
            raise ValueError("nth: not with first")

    def is_its_turn(self, number: int) -> bool:
        """Whether the request that is the `number`-th as described is answered."""
        if self.nth is not UNSET:
            return number == self.nth
        return self.first is UNSET or number <= self.first
