"""What is known of a system by the traffic so far, beyond one connection.

One object for each run of a recorder. What could grow with the length of a recording is bounded:
the oldest is forgotten, and what is forgotten is not judged.
"""

from __future__ import annotations

from msgspec import Struct

from starwire.protocol.catalogue import Catalogue, MessageSpec, catalogue
from starwire.protocol.codes import codes
from starwire.protocol.endpoints import PROXY_OF_TARGET, spoken_at
from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status, Transaction

from .customers import Customers
from .items import Stored
from .journeys import Journeys
from .moments import Answered, Asked, Moment
from .talk import Reader, Talk
from .transports import Transports


class Pinged(Struct):
    """The echoes at one proxy."""

    open: int | None = None
    """When the last one came that is not answered, microseconds."""
    silent: bool = False
    """Whether the next one was due before."""


class Known:
    """Judged first, learnt then: a judge sees what was known before its moment."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.catalogue: Catalogue = catalogue().with_overlay(profile.overlay)
        self.reader = Reader(self.catalogue, profile.limits, profile.entpid_length)
        self.codes = {
            family: frozenset(one.code for one in codes() if one.proxy == family)
            for family in ("RM", "INBOX")
        }
        self.failures = {
            "RM": frozenset({6101, 6105, 6106, 6110, 6111, 6112}),
            "INBOX": frozenset({5105, 5106, 5107}),
        }
        """What any request may get from a server whose store fails (ERR-06)."""
        self._orders: dict[tuple[str, str, str], tuple[dict[str, int], frozenset[str]]] = {}
        self.customers = Customers()
        self.journeys = Journeys(profile)
        self.transports = Transports(profile)
        self.stored = Stored()
        self.pings: dict[str, Pinged] = {}
        """The dispatchers' connectivity tests, by proxy."""
        self.hops: set[str] = set()
        """Ports at which a connection was seen."""

    def talk(self, moment: Answered) -> Talk | None:
        """The messages of a request and its reply, where there are two and both are known."""
        door = self.door(moment)
        asked, reply = moment.asked, moment.reply
        if door is None or asked.is_echo:
            return None
        if moment.frame is None:
            message = asked.octets if asked.unit is None else asked.unit.data
            return self.reader.talk(door, message, reply.data, -1, reply.file)
        question = self._question(moment)
        if question is None:
            return None
        return self.reader.talk(door, question, reply.data, moment.status)

    def _question(self, moment: Answered) -> bytes | None:
        asked, web = moment.asked, moment.asked.web
        if asked.unit is None or asked.frame is None:
            return None
        if web is not None and web.transaction == Transaction.LOGOFF:
            return None
        told = moment.status in (Status.OK, Status.APPLICATION_ERROR)
        if asked.frame.type == MessageType.SYNC and told:
            return asked.unit.data
        return self.transports.question(moment)

    def door(self, moment: Asked | Answered) -> str | None:
        """The door by which a message came in, where it is to be judged here: at the innermost hop
        that is recorded, so that one mistake is found once.
        """
        hop = moment.where.hop
        if hop not in ("web", "dispatcher"):
            return hop if hop in self.catalogue.doors else None
        asked = moment.asked if isinstance(moment, Answered) else moment
        frame = asked.frame
        if not isinstance(frame, DispatcherHeader) or frame.target not in PROXY_OF_TARGET:
            return None
        inner = PROXY_OF_TARGET[frame.target]
        if inner in self.hops or (hop == "web" and "dispatcher" in self.hops):
            return None
        return inner if inner in self.catalogue.doors else None

    def learn(self, moment: Moment) -> None:
        """Take in what a moment tells."""
        self.hops.add(moment.where.hop)
        self.customers.learn(moment)
        self.journeys.learn(moment)
        self.transports.learn(moment)
        self.stored.learn(moment)
        self._learn_ping(moment)

    def _learn_ping(self, moment: Moment) -> None:
        """HDR-07: an echo without data under a key of NULs is a dispatcher's, if anybody's."""
        asked = moment.asked if isinstance(moment, Answered) else moment
        if not isinstance(asked, Asked) or not asked.is_echo or asked.unit is None:
            return
        common = asked.common
        if common is None or common.session_key or asked.unit.data:
            return
        pinged = self.pings.setdefault(moment.where.hop, Pinged())
        if isinstance(moment, Answered):
            pinged.silent, pinged.open = False, None
            return
        waited = 0 if pinged.open is None else moment.where.at - pinged.open
        pinged.silent |= waited >= self.profile.ping_seconds * 900_000
        pinged.open = moment.where.at

    def order_of(self, request: MessageSpec) -> tuple[dict[str, int], frozenset[str]]:
        """The places of the parameters in the answer to a request, by name; and their folded
        names.
        """
        known = self._orders.get(request.key)
        if known is None:
            lines = self.catalogue.answer(request).parameters
            order = {line.name: place for place, line in enumerate(lines)}
            known = (order, frozenset(line.folded for line in lines))
            self._orders[request.key] = known
        return known

    def is_proxy(self, hop: str) -> bool:
        """Whether frames with the common header travel there."""
        return spoken_at(hop) == "common"
