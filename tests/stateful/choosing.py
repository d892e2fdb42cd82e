"""A network in memory where whoever drives chooses what happens next."""

from __future__ import annotations

from starwire.servers.memory.end import End
from starwire.servers.memory.host import Event
from starwire.servers.memory.network import Network

CAPACITY = 1024
"""Octets that may be on their way before their writer is paused: few, so that it happens."""


class ChosenNetwork(Network):
    """Nothing happens unless it is chosen."""

    def __init__(self) -> None:
        super().__init__(CAPACITY)

    def let(self, event: Event, count: int | None = None) -> None:
        """It happens; of octets only so many arrive."""
        act, whose = event
        if isinstance(whose, str):
            act(whose)
        elif isinstance(whose, End) and count is not None and act.__name__ == "deliver":
            act(count)
        else:
            act()

    def choose(self, choice: int) -> bool:
        """One of the events happens, as the number says; whether there was any."""
        events = list(self.events())
        if not events:
            return False
        which, cut = choice % len(events), choice // len(events)
        self.let(events[which], 1 + cut if cut else None)
        return True

    def settle(self, most: int = 200_000) -> None:
        """All that can happen without the clock does, the processes first."""
        for _ in range(most):
            event = next(self.events(), None)
            if event is None:
                return
            self.let(event)
        raise AssertionError(f"after {most} events there is no end")
