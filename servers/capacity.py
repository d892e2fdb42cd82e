"""What one process takes on at a time (STS, 111): beyond it requests are refused, nothing grows.

Three things are counted: the connections of a port, the transactions under way at it, and the
octets that all ports hold for their peers, unfinished requests and replies that nobody reads. A
refusal costs no more than the header that it repeats, and ends with what caused it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from starwire.protocol.headers import DispatcherHeader, WebHeader, reply_frame
from starwire.protocol.packing import HeaderError
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status

from .answering import Answer, Answerer, Hop
from .configuration import CapacitySettings
from .front import Page, PostAnswerer
from .holding import Holding
from .ports import Port, ports_of

_ENDS_ITS_CONNECTION = (MessageType.REQUEST, MessageType.POLL)


class Capacity:
    """Counts for one process."""

    def __init__(self, settings: CapacitySettings, profile: Profile) -> None:
        self.connections = settings.connections
        """Of one port."""
        self.holding = Holding(settings.octets)
        self._most = settings.transactions
        self._under_way: Counter[str] = Counter()
        self._profile = profile
        self._ports = ports_of(profile)

    def _is_full(self, name: str) -> bool:
        return self._under_way[name] >= self._most or self.holding.is_over

    def interpose(self, name: str, answer: Answerer) -> Answerer:
        """See `answering.Interposer`. A port of bare messages has no status to refuse with."""
        port = self._ports[name]
        if port.codec is None:
            return answer
        under_way = self._under_way

        async def limited(frame: Any, hop: Hop) -> Answer:
            if (hop.excess or self._is_full(name)) and not port.is_echo(frame):
                return _overloaded(port, frame, hop)
            under_way[name] += 1
            try:
                return await answer(frame, hop)
            finally:
                under_way[name] -= 1

        return limited

    def interpose_web(self, answer: PostAnswerer) -> PostAnswerer:
        """The same for the web server, whose bodies count while they are answered."""

        async def limited(body: bytes, cookie: str, hop: Hop) -> Page:
            if hop.excess or self._is_full("web"):
                page = self._overloaded_page(body)
                if page is not None:
                    return page
            self._under_way["web"] += 1
            self.holding.octets += len(body)
            try:
                return await answer(body, cookie, hop)
            finally:
                self._under_way["web"] -= 1
                self.holding.octets -= len(body)

        return limited

    def _overloaded_page(self, body: bytes) -> Page | None:
        """Status 111 for whoever asked; None for a body in which nobody did."""
        wire = self._profile.wire
        try:
            web: WebHeader = wire.web.decode(body)
            header: DispatcherHeader = wire.dispatcher.decode(body, wire.web.size)
        except HeaderError:
            return None
        refused = reply_frame(wire.dispatcher, header, Status.OVERLOADED)
        # A key of NULs: nobody has looked the session up (WEB-03).
        return Page(200, wire.web.encode(WebHeader(web.transaction)) + refused)


def _overloaded(port: Port, frame: Any, hop: Hop) -> Answer:
    assert port.codec is not None
    ends = port.target != "" and frame.header.type in _ENDS_ITS_CONNECTION
    reply = reply_frame(port.codec, frame.header, Status.OVERLOADED)
    return Answer(reply, close=hop.excess or ends)
