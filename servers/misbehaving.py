"""Everything of one emulator that faults reach, and nothing of it in the way while none is on."""

from __future__ import annotations

from typing import Any

from starwire.protocol.profile import Profile

from .database import Database
from .fault_borders import Borders
from .fault_plan import FaultPlan
from .faults import PortFaults, Waiting, Whose
from .files import FileRoot
from .listening import Refusable
from .services import Services


class Misbehaviour:
    """The ports and borders of an emulator, and which ports refuse connections."""

    def __init__(self, plan: FaultPlan, reactor: Any, profile: Profile, whose: Whose) -> None:
        waiting = Waiting(plan, reactor)
        self.ports = PortFaults(plan, profile, whose, waiting)
        self.borders = Borders(plan, waiting)
        self._plan = plan
        self._listening: dict[str, Refusable] = {}
        plan.on_change.append(self._refuse)

    def reach(self, database: Database, services: Services, files: FileRoot) -> None:
        """Let faults behind the ports reach these, from now on and whenever one is on."""
        borders = self.borders

        def look() -> None:
            on = borders.is_on
            database.troubled = borders.troubled if on else None
            services.before = borders.before if on else None
            files.is_missing = borders.is_missing if on else None

        self._plan.on_change.append(look)
        look()

    def listening(self, name: str, port: Refusable) -> None:
        """A port that listens now, and may have to refuse."""
        self._listening[name] = port
        self._refuse()

    def _refuse(self) -> None:
        refused = {fault.hop for _, fault in self._plan.standing("refuse")}
        for name, listening in self._listening.items():
            listening.want(name not in refused)
