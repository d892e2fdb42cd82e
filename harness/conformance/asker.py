"""What the connections of a case have in common, and how a case ends that does not pass."""

from __future__ import annotations

from math import inf

from starwire.protocol.profile import Profile
from starwire.protocol.sealing import LinkKeys

from .transcribing import Transcript
from .wire import Wire


class Departure(Exception):
    """The target does something else than the rule says."""

    def __init__(
        self, expected: str, got: str, *, event: int = -1, offset: int = -1, field: str = ""
    ) -> None:
        super().__init__(f"expected {expected}; got {got}")
        self.expected = expected
        self.got = got
        self.event = event
        self.offset = offset
        self.field = field


class Asker:
    """What a connection belongs to: the wire under it, and where its transcript goes."""

    def __init__(
        self, wire: Wire, profile: Profile, patience: float, keys: LinkKeys | None = None
    ) -> None:
        self.wire = wire
        self.profile = profile
        self.keys = keys
        """Of the links that are sealed (ENC-01)."""
        self.patience = patience
        """How many seconds a reply may take."""
        self.until = inf
        """When, by the wire's clock, everything must have ended."""
        self.transcript = Transcript(wire.now)

    def not_strict(self, why: str) -> None:
        """It is allowed, and not what the rule prefers."""
