"""What a session's user may reach, fetched from StarOE and cached (DSP-03)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred

from .answering import Hop
from .customer import Customer

_SESSIONS = 100_000
"""Cached at most; the least recently asked goes first and is fetched again when needed."""

Ask = Callable[[str, Customer, Hop], Awaitable[frozenset[str]]]
"""Asks StarOE for the targets of a session's user; raises what the failure is."""


class Entitlements:
    """The targets of each session; fetched once, however many frames ask at the same time."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._fetching: dict[str, list[Deferred[None]]] = {}

    def known(self, key: str) -> frozenset[str] | None:
        """What `of` gives, where it has not to be fetched."""
        targets = self._known.get(key)
        if targets is not None:
            self._known.move_to_end(key)
        return targets

    async def of(self, key: str, customer: Customer, hop: Hop) -> frozenset[str]:
        """The targets that the session's user is entitled to."""
        while key not in self._known:
            waiting = self._fetching.get(key)
            if waiting is None:
                return await self._fetch(key, customer, hop)
            fetched: Deferred[None] = Deferred()
            waiting.append(fetched)
            await fetched
        self._known.move_to_end(key)
        return self._known[key]

    def forget(self, key: str) -> None:
        """The session has ended."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """What users may reach has changed."""
        self._known.clear()

    async def _fetch(self, key: str, customer: Customer, hop: Hop) -> frozenset[str]:
        """Ask; whoever waited looks again then, and asks itself if this one got no answer."""
        waiting = self._fetching[key] = []
        try:
            targets = self._known[key] = await self._ask(key, customer, hop)
            while len(self._known) > _SESSIONS:
                self._known.popitem(last=False)
        finally:
            del self._fetching[key]
            for other in waiting:
                other.callback(None)
        return targets
