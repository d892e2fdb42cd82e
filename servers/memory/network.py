"""A network in memory: processes, and connections whose octets wait, all on one clock.

Nothing happens by itself. What may happen next are octets that arrive, a connection that is made or
ends, work of a thread, its result told, a timer that is due: only what a real network, kernel or
thread may do. `Network.settle` lets all of it happen, in the order in which it became possible;
tests choose among it (`events`), to find the orders that do harm.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.logger import Logger

from .end import HERE, End
from .host import Event, Host

_CAPACITY = 65_536
"""Octets that may be on their way before their writer is paused, as much as Twisted holds."""


class Port:
    """A process accepts connections there."""

    def __init__(
        self, host: Host, number: int, factory: Any, table: dict[int, Port] | None = None
    ) -> None:
        """`table` is that of the network's tables which it stands in: `listening`, by default."""
        self.host = host
        self.number = number
        self.factory = factory
        self._table = host.network.listening if table is None else table
        self.startListening()

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", HERE, self.number)

    def startListening(self) -> None:
        self._table[self.number] = self

    def want(self, wanted: bool) -> None:
        """See `listening.Refusable`."""
        if wanted:
            self.startListening()
        else:
            self.stopListening()

    def stopListening(self) -> None:
        if self._table.get(self.number) is self:
            del self._table[self.number]


class Network:
    """Hosts and the connections between them."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.now = 0.0
        self.capacity = capacity
        self.hosts: list[Host] = []
        self.ends: dict[End, None] = {}
        self.listening: dict[int, Port] = {}
        self.in_place: dict[int, Port] = {}
        """Ports that stand before those of `listening`."""
        self._ready: deque[End | Host] = deque()
        """To whom something may happen; what becomes possible is never missing here."""
        self._last_port = 40_000
        self._log = Logger(namespace="starwire.memory")

    def host(self, name: str) -> Host:
        made = Host(self, name)
        self.hosts.append(made)
        return made

    def touch(self, whom: End | Host) -> None:
        """Something may happen there now."""
        if not whom.is_ready:
            whom.is_ready = True
            self._ready.append(whom)

    def join(
        self, host: Host, number: int, make: Callable[[IPv4Address], Any], name: str = HERE
    ) -> End | None:
        """Connect to a port; None if nobody listens. `name` is the host's own address."""
        listening = self.in_place.get(number) or self.listening.get(number)
        if listening is None:
            return None
        self._last_port += 1
        own, peer = IPv4Address("TCP", name, self._last_port), IPv4Address("TCP", HERE, number)
        accepted = listening.factory.buildProtocol(own)
        asked = make(peer)
        near, far = End(host, own, peer, asked), End(listening.host, peer, own, accepted)
        near.other, far.other = far, near
        self.ends[near] = self.ends[far] = None
        if accepted is None:
            far.gone, near.is_reset = True, True
            self.forget(far)
            self.touch(near)
        else:
            accepted.makeConnection(far)
        asked.makeConnection(near)
        return near

    def forget(self, end: End) -> None:
        """Drop a connection whose both sides have ended and have nothing more to tell."""
        for one in (end, end.other):
            if one.gone and (one.told_end or one.other.gone or one.other.is_reset):
                self.ends.pop(one, None)

    def bury(self, host: Host, cut: int) -> None:
        """End what a process that is dead had open; of its octets so many still arrive."""
        for port in [port for port in self.listening.values() if port.host is host]:
            port.stopListening()
        for end in [end for end in self.ends if end.host is host]:
            end.cut(min(cut, len(end.outgoing)))
            end.gone = True
            end.other.outgoing.clear()
            self.forget(end)

    def events(self) -> Iterator[Event]:
        """All that may happen next."""
        for host in self.hosts:
            if host.alive:
                yield from host.events()
        for end in list(self.ends):
            yield from end.events()

    def settle(self, most: int = 1_000_000) -> None:
        """All that can happen without the clock does."""
        ready = self._ready
        for _ in range(most):
            if not ready:
                return
            whom = ready.popleft()
            whom.is_ready = False
            for act, argument in whom.events():
                self.touch(whom)
                try:
                    if isinstance(argument, str):
                        act(argument)
                    else:
                        act()
                except Exception as error:  # a bug: as Twisted's reactors do, log it and go on
                    self._log.failure("{act} failed", act=act.__qualname__)
                    if isinstance(argument, End):
                        argument.other.lose(error)
                break
        raise AssertionError(f"after {most} events there is no end")

    def due(self) -> float | None:
        """When the next timer of any process is due."""
        found = [due for host in self.hosts if (due := host.due()) is not None]
        return min(found, default=None)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        for host in self.hosts:
            self.touch(host)
