"""Transactions from hop to hop: what came in, what went on, and what came back (DSP-04, DSP-07).

Hops are joined by the transaction id that the recorder of one process notes beside the octets.
Under `multiplex` a connection to a proxy carries many transactions at once, so there that id says
nothing of a frame, and only web server and dispatcher are joined.
"""

from __future__ import annotations

from msgspec import Struct

from starwire.protocol.endpoints import PROXY_OF_TARGET
from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType

from .moments import Answered, Asked, Moment, Responded
from .remembered import Remembered, stamp

_MOST = 10_000
"""Transactions that are remembered; more are hardly under way at once."""
_SERIALS = 200_000


class Said(Struct, frozen=True):
    """A frame, for comparison."""

    status: int
    kind: int
    data: bytes
    """All that stands behind the header, or a hash of it."""
    length: int
    place: str
    """`FILE:LINE`, for people."""


class Journey(Struct):
    """What is known of one transaction."""

    web: Asked | None = None
    dispatcher: Asked | None = None
    told: dict[str, Said] = {}
    """The last frame of the answer, by hop, of a request that is this transaction's own."""


class Serial(Struct, frozen=True):
    """Who used a serial: it may come again in the same transaction with the same data (DSP-06)."""

    transaction: str
    data: bytes
    place: str


class Journeys:
    """The transactions under way, and the serials that dispatchers gave."""

    def __init__(self, profile: Profile) -> None:
        self.serials: Remembered[int, Serial] = Remembered(_SERIALS)
        """Of the last frames that a dispatcher sent."""
        self._of: Remembered[str, Journey] = Remembered(_MOST)
        self._unjoined: Remembered[int, Asked] = Remembered(1000)
        """Requests at a dispatcher that came from outside of its process, without an id; by their
        number."""
        self._multiplex = profile.multiplex

    def of(self, asked: Asked, *, at_proxy: bool) -> Journey | None:
        """The journey that a request is a part of; None where that is not known."""
        transaction = asked.where.transaction or asked.adopted
        if not transaction or (at_proxy and self._multiplex):
            return None
        return self._of.get(transaction)

    def adopt(self, asked: Asked) -> None:
        """Join a frame at a proxy with the request that a dispatcher sends on by it, where that
        came without an id: if there is exactly one under this session key that it can be.
        """
        transaction, common = asked.where.transaction, asked.common
        if self._multiplex or not transaction or common is None or transaction in self._of:
            return
        able = [
            (number, one)
            for number, one in self._unjoined.items()
            if one.frame is not None and one.frame.session_key == common.session_key
        ]
        if len(able) == 1:
            number, one = able[0]
            del self._unjoined[number]
            one.adopted = transaction
            self._of[transaction] = Journey(dispatcher=one, told={})

    def learn(self, moment: Moment) -> None:
        hop = moment.where.hop
        if isinstance(moment, Asked):
            self._learn_request(moment, hop)
        elif isinstance(moment, Answered) and moment.last:
            self._learn_reply(moment, hop)
        elif isinstance(moment, Responded):
            self._of.pop(moment.asked.where.transaction, None)

    def _learn_request(self, asked: Asked, hop: str) -> None:
        transaction = asked.where.transaction
        if asked.unit is None:
            return
        if not transaction:
            if hop == "dispatcher":
                self._unjoined[id(asked)] = asked
            return
        if hop == "web":
            self._of[transaction] = Journey(web=asked, told={})
        elif hop == "dispatcher":
            journey = self._of.get(transaction)
            if journey is None:
                self._of[transaction] = journey = Journey(told={})
            journey.dispatcher = asked
            journey.told.clear()
        elif is_forwarded(asked, self.of(asked, at_proxy=True)):
            common = asked.common
            assert common is not None
            if common.serial not in self.serials:
                data = stamp(data_of(asked))
                self.serials[common.serial] = Serial(transaction, data, place_of(asked))

    def _learn_reply(self, moment: Answered, hop: str) -> None:
        asked, frame = moment.asked, moment.frame
        if hop == "dispatcher":
            self._unjoined.pop(id(asked), None)
        journey = self.of(asked, at_proxy=hop not in ("web", "dispatcher"))
        if journey is None or frame is None:
            return
        is_own = hop in ("web", "dispatcher") or is_own_hop(asked, journey)
        if is_own:
            data = moment.octets[len(moment.octets) - behind(moment) :]
            where = f"{moment.where.file}:{moment.where.line}"
            journey.told[hop] = Said(frame.status, frame.type, stamp(data), len(data), where)
        if hop == "dispatcher" and journey.web is None:
            self._of.pop(asked.where.transaction or asked.adopted, None)


def behind(moment: Answered) -> int:
    """How many octets stand behind the header of the frame."""
    bulk = moment.profile.wire.bulk.size if moment.bulk is not None else 0
    return len(moment.reply.data) + bulk


def data_of(asked: Asked) -> bytes:
    """All that stands behind the header of a request's frame."""
    assert asked.unit is not None
    bulk = asked.profile.wire.bulk.size if asked.bulk is not None else 0
    count = len(asked.unit.data) + bulk
    return asked.octets[len(asked.octets) - count :]


def place_of(asked: Asked) -> str:
    return f"{asked.where.file}:{asked.where.line}"


def is_forwarded(asked: Asked, journey: Journey | None) -> bool:
    """Whether a dispatcher that is recorded has sent a frame to a proxy."""
    return (
        journey is not None
        and journey.dispatcher is not None
        and asked.common is not None
        and not asked.is_echo
    )


def is_own_hop(asked: Asked, journey: Journey) -> bool:
    """Whether a frame at a proxy is the transaction's request itself, not a question on its behalf
    (GUA) nor the cancel of another one's transfer.
    """
    if journey.dispatcher is None or asked.unit is None:
        return False
    header = journey.dispatcher.frame
    if not isinstance(header, DispatcherHeader):
        return False
    if asked.where.hop != PROXY_OF_TARGET.get(header.target) or is_question(asked, header):
        return False
    kinds = (asked.common.type if asked.common else -1, header.type)
    if kinds != (MessageType.BULK, MessageType.BULK):
        return True
    one, two = asked.bulk, journey.dispatcher.bulk
    return one is None or two is None or one.operation == two.operation


def is_question(asked: Asked, header: DispatcherHeader) -> bool:
    """Whether it is the dispatcher's own GUA (DSP-03)."""
    assert asked.unit is not None
    expected = f"GUA<USERID={header.user_id}>".encode("latin-1", "replace")
    return asked.where.hop == "staroe" and asked.unit.data == expected
