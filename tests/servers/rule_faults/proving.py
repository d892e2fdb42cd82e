"""What proves a rule fault: something that is seen on the wire, with and without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from starwire.protocol.profile import Profile
from starwire.servers.configuration import Configuration

from .chain import PROFILE, Chain, running


class Proof(msgspec.Struct, frozen=True):
    """What `probe` sees of a sound emulator, and of one with the fault."""

    probe: Callable[[Chain], Any]
    sound: Any
    broken: Any
    profile: Profile = PROFILE
    configuration: Configuration | None = None

    def seen(self) -> Any:
        """What an emulator shows that is made now."""
        with running(self.profile, self.configuration) as chain:
            return self.probe(chain)
