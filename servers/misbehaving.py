"""Everything of one emulator that faults reach, and nothing of it in the way while none is on."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from starwire.protocol.profile import Profile

from .database import Database
from .fault_borders import Borders
from .fault_plan import FaultPlan
from .faults import PortFaults, Waiting, Whose
from .files import FileRoot
from .services import Services


class Misbehaviour:
    """The ports and borders of an emulator, and which ports refuse connections."""

    def __init__(self, plan: FaultPlan, reactor: Any, profile: Profile, whose: Whose) -> None:
        waiting = Waiting(plan, reactor)
        self.ports = PortFaults(plan, profile, whose, waiting)
        self.borders = Borders(plan, waiting)
        self._plan = plan
        self._listening: dict[str, _Listening] = {}
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

    def listening(self, name: str, port: Any) -> None:
        """A port that listens now, and may have to refuse."""
        self._listening[name] = _Listening(port)
        self._refuse()

    def _refuse(self) -> None:
        refused = {fault.hop for _, fault in self._plan.standing("refuse")}
        for name, listening in self._listening.items():
            listening.want(name not in refused)


class _Listening:
    """A listening port that can be closed for a while without another taking its number."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self._number = port.getHost().port
        self._wanted = True
        self._listens = True
        self._place: socket.socket | None = None
        self._log = Logger(namespace="starwire.faults")

    def want(self, wanted: bool) -> None:
        """Whether connections are accepted; what comes of it takes a turn of the reactor."""
        self._wanted = wanted
        if not wanted and self._listens:
            self._listens = False
            closed: Deferred[Any] = maybeDeferred(self._port.stopListening)
            closed.addCallback(self._closed)
            closed.addErrback(lambda failure: self._log.failure("a port does not close", failure))
        elif wanted and self._place is not None:
            self._open(self._place)

    def _closed(self, _: Any) -> None:
        """Keep the number, by a socket that does not listen: connections to it are refused."""
        place = socket.socket(self._port.addressFamily, socket.SOCK_STREAM)
        for reuse in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            place.setsockopt(socket.SOL_SOCKET, reuse, 1)
        place.bind((self._port.interface, self._number))
        self._place = place
        if self._wanted:
            self._open(place)

    def _open(self, place: socket.socket) -> None:
        self._place = None
        place.close()
        self._port.port = self._number
        self._port.startListening()
        self._listens = True
