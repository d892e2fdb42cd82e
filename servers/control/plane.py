"""The control API put together: what watches the ports, and the desks that tell of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starwire.protocol.profile import Profile
from starwire.servers.adapter import Interposer
from starwire.servers.configuration import ControlSettings
from starwire.servers.fault_plan import FaultPlan
from starwire.servers.front import PostAnswerer
from starwire.servers.journal import Journal
from starwire.servers.metrics import Metrics, OpenConnections
from starwire.servers.observer import Observer

from .fault_desk import FaultDesk
from .health import Endpoint, HealthDesk, StoreProbe
from .metrics_desk import MetricsDesk
from .routing import routes_of
from .shown import Showing
from .site import ControlSite
from .transaction_desk import TransactionDesk


class ControlPlane:
    """The control API of one emulator."""

    def __init__(
        self,
        reactor: Any,
        profile: Profile,
        settings: ControlSettings,
        faults: FaultPlan,
        connections: OpenConnections,
    ) -> None:
        self._reactor = reactor
        self._profile = profile
        self._settings = settings
        self._faults = faults
        kept = settings.journal
        self._journal = Journal(kept.entries, kept.octets)
        self._metrics = Metrics(connections)
        observer = Observer(
            profile,
            self._journal.add,
            self._metrics.note,
            message_octets=kept.message_octets,
            clock=time.time,
            now=time.perf_counter,
        )
        self.watch: Interposer = observer.interpose
        """Goes round every port, outermost."""
        self.watch_web: Callable[[PostAnswerer], PostAnswerer] = observer.interpose_web
        """And round the web server's."""

    def site(self, database: Any, places: Callable[[], list[tuple[str, str, int]]]) -> ControlSite:
        """The port; `places` are name, host and port of every endpoint of this process."""

        def endpoints() -> list[Endpoint]:
            return [Endpoint(*place) for place in places()]

        desks = [
            HealthDesk(self._profile, StoreProbe(self._reactor, database), endpoints),
            TransactionDesk(self._journal, Showing(self._profile)),
            FaultDesk(self._faults),
            MetricsDesk(self._metrics),
        ]
        names = (self._settings.host, *self._settings.names)
        return ControlSite(routes_of(desks), names=names, longest=self._settings.body_octets)
