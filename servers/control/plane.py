"""The control API put together: what watches the ports, and the desks that tell of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater

from starwire.protocol.profile import Profile
from starwire.servers.answering import Interposer
from starwire.servers.configuration import ControlSettings
from starwire.servers.fault_plan import FaultPlan
from starwire.servers.front import PostAnswerer
from starwire.servers.journal import Journal
from starwire.servers.metrics import Metrics
from starwire.servers.observer import Observer
from starwire.servers.stubs import Sessions, Stubs

from .fault_desk import FaultDesk
from .health import Endpoint, HealthDesk, StoreProbe
from .metrics_desk import MetricsDesk
from .openapi import DescriptionDesk
from .routing import Bound, routes_of
from .shown import Showing
from .state_desk import State, StateDesk
from .stub_desk import StubDesk
from .transaction_desk import TransactionDesk


class ControlPort(Factory):
    """The port. The site behind it, and Klein with it, are loaded by the first connection."""

    noisy = False
    open = 0
    busy = False
    """It is never waited for when the emulator stops."""

    def __init__(self, routes: Sequence[Bound], names: Collection[str], longest: int) -> None:
        self._parts = (routes, names, longest)

    def buildProtocol(self, addr: Any) -> Any:
        return self._site.buildProtocol(addr)

    @cached_property
    def _site(self) -> Any:
        from .site import ControlSite

        routes, names, longest = self._parts
        return ControlSite(routes, names=names, longest=longest)


class ControlPlane:
    """The control API of one emulator."""

    def __init__(
        self,
        reactor: Any,
        profile: Profile,
        settings: ControlSettings,
        faults: FaultPlan,
        connections: Callable[[], Iterable[tuple[str, int]]],
        sessions: Callable[[], Sessions],
    ) -> None:
        self._reactor = reactor
        self._profile = profile
        self._settings = settings
        self._faults = faults
        kept = settings.journal
        self._journal = Journal(kept.entries, kept.octets)
        self._connections = connections
        self._metrics = Metrics()
        observer = Observer(
            profile,
            self._journal.add,
            self._metrics.note,
            message_octets=kept.message_octets,
            clock=time.time,
            now=time.perf_counter,
        )
        self._stubs = Stubs(profile, lambda seconds: deferLater(reactor, seconds), sessions)
        self.stub: Interposer = self._stubs.interpose
        """Goes round every port, inside of faults."""
        self.watch: Interposer = observer.interpose
        """Goes round every port, outermost."""
        self.watch_web: Callable[[PostAnswerer], PostAnswerer] = observer.interpose_web
        """And round the web server's."""

    def site(self, state: State, places: Callable[[], list[tuple[str, str, int]]]) -> ControlPort:
        """The port; `places` are name, host and port of every endpoint of this process."""

        def endpoints() -> list[Endpoint]:
            return [Endpoint(*place) for place in places()]

        description = DescriptionDesk()
        desks = [
            HealthDesk(self._profile, StoreProbe(self._reactor, state.database), endpoints),
            TransactionDesk(self._journal, Showing(self._profile)),
            StubDesk(self._stubs),
            FaultDesk(self._faults),
            StateDesk(state, self._journal, self._stubs, self._faults),
            MetricsDesk(self._metrics, self._connections),
            description,
        ]
        routes = routes_of(desks)
        description.tell_of(routes)
        names = (self._settings.host, *self._settings.names)
        return ControlPort(routes, names, self._settings.body_octets)
