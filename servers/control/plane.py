"""The control API put together: what watches the ports, and the desks that tell of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starwire.protocol.profile import Profile
from starwire.servers.configuration import ControlSettings
from starwire.servers.fault_plan import FaultPlan

from .fault_desk import FaultDesk
from .health import Endpoint, HealthDesk, StoreProbe
from .routing import routes_of
from .site import ControlSite


class ControlPlane:
    """The control API of one emulator."""

    def __init__(
        self, reactor: Any, profile: Profile, settings: ControlSettings, faults: FaultPlan
    ) -> None:
        self._reactor = reactor
        self._profile = profile
        self._settings = settings
        self._faults = faults

    def site(self, database: Any, places: Callable[[], list[tuple[str, str, int]]]) -> ControlSite:
        """The port; `places` are name, host and port of every endpoint of this process."""

        def endpoints() -> list[Endpoint]:
            return [Endpoint(*place) for place in places()]

        probe = StoreProbe(self._reactor, database)
        desks = [HealthDesk(self._profile, probe, endpoints), FaultDesk(self._faults)]
        names = (self._settings.host, *self._settings.names)
        return ControlSite(routes_of(desks), names=names, longest=self._settings.body_octets)
