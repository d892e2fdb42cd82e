"""The words in which the message tables are written.

A message is a MessageSpec, a line of its table a ParameterSpec; a line may have `members`, the
table of the group that is its value. The names of the fields are the keys of the TOML files, and
an unknown key is refused. A condition is a list of alternatives, of which one must hold; all tests
of an alternative must. A test is a name and the values that it may have:

    { SCHEDULE = ["A"] }        the value of a parameter, of this table or one around it
    { USERRPTID = ["*"] }       it has some value
    { REPORTTITLE = ["-"] }     it is missing or empty
    { "@server" = ["ODS"] }     a fact that no message says (vocabulary.toml lists them)
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from starwire.grammar import fold

__all__ = [
    "Alias",
    "CheckSpec",
    "Condition",
    "Direction",
    "DoorSpec",
    "FamilySpec",
    "InsteadSpec",
    "MessageSpec",
    "ParameterSpec",
]

Condition: TypeAlias = tuple[dict[str, tuple[str, ...]], ...]
Direction = Literal["request", "response"]
FamilyName = Literal["RM", "INBOX"]
Source = Literal["S", "C"]

ANY = "*"
NONE = "-"
FACT = "@"

STATUS = "ERROR"
"""ERR-02: the parameter of every answer that says how it went."""


class InsteadSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Codes that go before the row's own while `when` holds."""

    when: Condition
    missing: int | None = None
    empty: int | None = None
    blank: int | None = None
    wrong: int | None = None


class ParameterSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a message's table.

    `length` counts octets of the stripped value, of a list its members with one octet between each
    two. `form` names a function of `forms`; `values`, if there are any, are the only ones
    acceptable.
    """

    name: str
    """Canonical and as builders write it; it compares folded."""
    title: str
    type: Literal["Char", "Delimiter", "Long"] = "Char"
    length: int | None = None
    form: str = "text"
    required: Literal["yes", "no", "when"]
    when: Condition = ()
    values: dict[str, str] | None = None
    """Acceptable values and what they mean; in a file also the name of a table of them."""
    listed: str | None = None
    """The fact that lists the acceptable values; not judged where the fact is not known."""
    default: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    columns: tuple[str, ...] = ()
    """What the places of a row hold."""
    inner: tuple[str, ...] = ()
    """What the places of the groups behind the columns hold."""
    members: tuple["ParameterSpec", ...] = ()
    pairs: tuple[str, str] | None = None
    """Two members that come in pairs, the first a time before the second; pairs do not overlap."""

    missing: int | None = None
    empty: int | None = None
    blank: int | None = None
    """The code for blanks and nothing else, where it is not that for empty."""
    wrong: int | None = None
    instead: tuple[InsteadSpec, ...] = ()
    only: bool = False
    """Its own codes, and its being empty, count only while `when` holds (ONLY in the print)."""

    free: bool = False
    """Free text: a comma is data."""
    bare: bool = False
    """May stand alone, without a value, or with its own name as the value (SYN-05)."""
    ignored: bool = False
    """Known, and passed over whatever it holds."""
    repeats: bool = False
    numbered: bool = False
    """Written with a number behind the name: NODE1, NODE2."""
    rooted: bool = False
    """A hierarchy whose first level must hold an id."""
    echoed: bool = False
    """The answer repeats the request's value, also in an error (CAT-04)."""
    joined: bool = False
    """Written with no separator before it."""
    foreign: tuple[str, ...] = ()
    """Members of another dialect's form of the value: a wrong form, not unknown tokens."""

    aliases: tuple[str, ...] = ()
    source: Source = "S"
    """S: the appendix prints the line. C: it is an addition, whose reason is `ground`."""
    note: str = ""
    ground: str = ""

    @property
    def folded(self) -> str:
        """The name as it compares."""
        return fold(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Every folded name by which a message may call it, its own first."""
        return (self.folded, *map(fold, self.aliases))

    def walk(self) -> Iterator["ParameterSpec"]:
        """The line and, depth first, those of its members."""
        yield self
        for member in self.members:
            yield from member.walk()


class CheckSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule between parameters, judged in step 6 behind the rows; `check` names its function."""

    check: str
    parameter: str
    """The one that is blamed."""
    of: tuple[str, ...] = ()
    when: Condition = ()
    code: int | None = None
    note: str


class MessageSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One message in one direction: what Appendices A to G print, and what was added."""

    acronym: str
    variant: str = ""
    title: str
    where: str
    direction: Direction
    family: FamilyName
    """Whose codes it answers with; in a file, that of its doors."""
    doors: tuple[str, ...]
    received: tuple[str, ...] = ()
    """Doors at which a server takes this response as a message of its own."""
    chosen_by: str = ""
    """Among variants, the parameter whose presence chooses it, or PARAMETER=VALUE."""
    reply: str = ""
    reply_variant: str | None = None
    read: bool = False
    """DSP-06: it changes nothing, so asking twice does no harm and a dispatcher may."""
    nameless: bool = False
    """Written without its acronym; known by its first key."""
    separator: Literal[",", "\x01"] = ","
    lists: Literal["~", ",", "\x01"] = "~"
    """What a builder divides the members of lists with (SYN-13)."""
    parameters: tuple[ParameterSpec, ...]
    checks: tuple[CheckSpec, ...] = ()
    note: str = ""
    ground: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Acronym, direction and variant, which no other message shares at a door."""
        return self.acronym, self.direction, self.variant

    def walk(self) -> Iterator[ParameterSpec]:
        """Every line of the table, members behind their group."""
        for parameter in self.parameters:
            yield from parameter.walk()

    def parameter(self, name: str) -> ParameterSpec:
        """The line of the top level that goes by that name or alias; KeyError."""
        wanted = fold(name)
        for parameter in self.parameters:
            if wanted in parameter.names:
                return parameter
        raise KeyError(name)


class FamilySpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A proxy's codes for what has none of its own (ERR-03), and the form of its answers."""

    unbalanced: int
    malformed: int
    limit: int
    message: int
    token: int
    missing: int
    member: int
    empty: int
    empty_when: int
    wrong: int
    twice: int
    past: int
    reply: str = ""
    names_request: str = ""


class DoorSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place where messages come in."""

    family: FamilyName
    meaning: str


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names that stand for `name`, in every message or `only` in some (SYN-06)."""

    name: str
    others: tuple[str, ...]
    ground: str
    only: tuple[str, ...] = ()
