"""What a fault is: what is done wrong, and to whom. Values only; `fault_plan` says when.

A fault is written in the same words everywhere, in the configuration (`[[faults]]`) and in the
control API (JSON). A key that its kind does not know is refused, so that no fault is less than it
looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from starwire.protocol.endpoints import DEFAULT_PORTS

Kind: TypeAlias = Literal[
    "delay",
    "drip",
    "truncate",
    "corrupt",
    "wrong-serial",
    "duplicate",
    "reorder",
    "hang",
    "close",
    "reset",
    "refuse",
    "database-down",
    "database-hang",
    "statement-failure",
    "general-failure",
    "file-missing",
    "fulfilling-server",
    "notification",
]
Direction: TypeAlias = Literal["request", "reply"]

OF_REQUESTS = frozenset({"delay", "corrupt", "wrong-serial", "duplicate", "hang", "close", "reset"})
"""What can be done to a request before the server sees it."""
OF_REPLIES = OF_REQUESTS | {"drip", "truncate", "reorder"}
OF_PORTS = OF_REPLIES | {"refuse"}
"""The others are done behind the port, where a server meets its store, its files, its peers."""

SERVER_CODES = (6116, 6707, 7000)
NOTIFICATION_CODES = (5170, 5178, 5180, 5182, 5183, 5184, 5185)
INTEGER_FIELDS = ("version", "length", "echo", "type", "serial", "status", "transaction")
TEXT_FIELDS = ("session_key", "target", "user_id", "enterprise_id")
HEADER_FIELDS = INTEGER_FIELDS + TEXT_FIELDS
HOPS = tuple(name for name in DEFAULT_PORTS if name != "control")

_TAKES: Mapping[str, frozenset[str]] = {
    "delay": frozenset({"seconds", "jitter"}),
    "drip": frozenset({"rate", "chunk"}),
    "truncate": frozenset({"octets"}),
    "corrupt": frozenset({"header", "to"}),
    "database-hang": frozenset({"seconds"}),
    "statement-failure": frozenset({"stage", "statement"}),
    "fulfilling-server": frozenset({"code"}),
    "notification": frozenset({"code"}),
}
"""What each kind has to be told, beside its aim."""
_DONE_WITH = frozenset().union(*_TAKES.values())
_COUNTS = ("nth", "first", "every")
_LONGEST_SECONDS = 86_400.0
_OF_FRAMES = frozenset({"direction", "type", "frame"})
_AIMS = frozenset({"message", "user", "parameter", "value", "per", "probability", *_COUNTS})


class GeneralFailure(Exception):
    """What a general-failure raises inside a server: a bug that was asked for (6101)."""


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One fault: its kind, its aim, how often, and what the kind has to be told.

    An aim that is left out does not narrow. Raises ValueError, which names the key.
    """

    kind: Kind

    hop: str = ""
    """The port: where requests come in and replies go out."""
    direction: Direction = "reply"
    message: str = ""
    """The acronym of the request, or of the reply; `echo` and `poll` name frames without one."""
    user: str = ""
    parameter: str = ""
    """A parameter that the message has: of the request, and for replies of the reply too."""
    value: str | None = None
    """What that parameter holds."""
    type: int | None = None
    """The type in the header."""
    frame: int = 0
    """The number of the frame on its connection, from 1; 0: any."""

    nth: int = 0
    """The n-th match only."""
    first: int = 0
    """The first so many matches."""
    every: int = 0
    """Each match whose number is a multiple."""
    per: Literal["user", "all"] = "user"
    """Whether matches are counted for each user at each port, or all together."""
    probability: float = 1.0
    """Of each match that the count lets pass."""

    seconds: float = 0.0
    jitter: float = 0.0
    """A delay is `seconds`, more or less so many."""
    rate: float = 0.0
    """Octets per second."""
    chunk: int = 1
    """Octets that go out at a time."""
    octets: int = 0
    """How many go out before the end."""
    header: str = ""
    """The field of the header that is made wrong."""
    to: int | str | None = None
    """What it becomes; without it, one of its bits is turned over."""
    stage: Literal["connection", "command", "procedure", "cursor"] = "command"
    """Where a statement fails: the four that Appendix E tells apart (6110, 6106, 6111, 6112)."""
    statement: int = 1
    """Which statement of the transaction fails."""
    code: int = 0
    """What comes of it."""

    def __post_init__(self) -> None:
        self._check_keys()
        if self.is_standing:
            self._check_standing()
        self._check_aim()
        self._check_what()

    @property
    def field(self) -> str:
        """The field of the header that it makes wrong; "" for none."""
        return "serial" if self.kind == "wrong-serial" else self.header

    @property
    def is_standing(self) -> bool:
        """Whether it is of a port or of the store as a whole, and there is nothing to count."""
        if self.kind in ("database-down", "database-hang"):
            return not (self.hop or self.message or self.user or self.parameter)
        return self.kind == "refuse"

    def _check_keys(self) -> None:
        takes = _TAKES.get(self.kind, frozenset())
        foreign = _DONE_WITH - takes
        if self.kind not in OF_REPLIES:
            foreign |= _OF_FRAMES
        if self.kind == "refuse":
            foreign |= _AIMS
        for key in self.__struct_fields__:
            if key in foreign and getattr(self, key) != _DEFAULTS[key]:
                raise ValueError(f"{key}: {self.kind} has no such key")

    def _check_standing(self) -> None:
        for key in (*_COUNTS, "probability"):
            if getattr(self, key) != _DEFAULTS[key]:
                raise ValueError(f"{key}: of what? {self.kind} is aimed at no message")

    def _check_aim(self) -> None:
        if self.hop and self.hop not in HOPS:
            raise ValueError(f"hop: no such port; there are {', '.join(HOPS)}")
        if self.value is not None and not self.parameter:
            raise ValueError("value: of which parameter?")
        for key in (*_COUNTS, "frame"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key}: must be 1 or more")
        if sum(getattr(self, key) > 0 for key in _COUNTS) > 1:
            raise ValueError("nth: give one of nth, first and every")
        if not 0 < self.probability <= 1:
            raise ValueError("probability: must be above 0, and 1 at most")
        if self.kind in OF_REPLIES - OF_REQUESTS and self.direction == "request":
            raise ValueError(f"direction: {self.kind} is done to replies")

    def _check_what(self) -> None:
        for key in ("seconds", "jitter"):
            if not 0 <= getattr(self, key) <= _LONGEST_SECONDS:
                raise ValueError(f"{key}: must be 0 to {_LONGEST_SECONDS:g}")
        if self.kind == "refuse" and not self.hop:
            raise ValueError("hop: which port refuses?")
        if self.kind == "delay" and self.seconds <= 0:
            raise ValueError("seconds: must be above 0")
        if self.jitter > self.seconds:
            raise ValueError("jitter: must not be over seconds")
        if self.kind == "drip" and self.rate <= 0:
            raise ValueError("rate: must be above 0")
        if self.chunk < 1:
            raise ValueError("chunk: must be 1 or more")
        if self.octets < 0:
            raise ValueError("octets: must be 0 or more")
        if self.statement < 1:
            raise ValueError("statement: must be 1 or more")
        if self.kind == "corrupt" and self.header not in HEADER_FIELDS:
            raise ValueError(f"header: no such field; there are {', '.join(HEADER_FIELDS)}")
        if self.to is not None and isinstance(self.to, str) is not (self.header in TEXT_FIELDS):
            raise ValueError(f"to: {self.header} holds another kind of value")
        for kind, codes in (
            ("fulfilling-server", SERVER_CODES),
            ("notification", NOTIFICATION_CODES),
        ):
            if self.kind == kind and self.code not in codes:
                raise ValueError(f"code: must be one of {', '.join(map(str, codes))}")


_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Fault)}
