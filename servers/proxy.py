"""The proxy core: one behaviour, which each proxy configures (HDR, TRN-01 to TRN-03).

A frame is judged echo first, then type, session key and data (HDR-03); version and length were the
reader's. What the message means is the back end's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader, reply_frame
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status

from .answering import Answer, Hop
from .customer import Customer
from .jar_client import JarUnreachable
from .outflow import Body
from .trail import Trail, digest


@attrs.frozen
class Done:
    """What a back end made of a message: the value of ERROR, and the octets of the response."""

    error: int
    octets: bytes
    too_large: bool = False
    """Whether no frame can hold the response (CAT-06)."""


class Desk(Protocol):
    """What works for the proxies: the back ends, at once or later."""

    async def serve(self, octets: bytes, door: str, customer: Customer | None) -> Done:
        """The response to a message, at once."""

    async def accept(
        self, serial: int, key: str, octets: bytes, door: str, customer: Customer
    ) -> bytes:
        """The identifier of a message that is worked off later; an equal frame's is its own."""

    async def poll(self, identifier: bytes, door: str, customer: Customer) -> Done | Status:
        """The response to a message that was accepted; IN_PROGRESS or UNKNOWN_ID without one."""


class BulkDesk(Protocol):
    """What answers type 3 frames."""

    async def answer(
        self,
        request: CommonHeader,
        data: bytes,
        door: str,
        customer: Customer,
        tell: Callable[[Mapping[str, Any]], None],
    ) -> bytes | Body:
        """The one frame that answers, or more of them; `tell` takes the log line's facts at the
        end.
        """


class DeskClosed(Exception):
    """Nothing can be accepted or looked up now: the state store does not answer."""


class Sessions(Protocol):
    """Whose session a key is."""

    async def customer(self, key: str) -> Customer | None:
        """None for nobody's. Raises JarUnreachable."""


@attrs.frozen
class ProxySpec:
    """What makes a proxy the one that it is."""

    name: str
    """Of its port, its log lines and the door of its messages in the catalogue."""
    target: str
    """The identifier that dispatchers know it by (DSP-02)."""
    types: frozenset[int] = frozenset(MessageType)
    """The transports that it takes part in; others get status 107."""
    without_session: frozenset[str] = frozenset()
    """The acronyms that it answers under a session key of NULs."""


_ON_THEIR_OWN = (MessageType.REQUEST, MessageType.POLL)
"""Types behind whose reply the connection closes, whatever the status (TRN-02)."""

PROXIES = (
    ProxySpec("rm", "RM"),
    ProxySpec("rs", "RS"),
    ProxySpec("inbox", "INBOX"),
    ProxySpec("staroe", "STAROE", frozenset({MessageType.SYNC}), frozenset({"VUM"})),
)


class Proxy:
    """Answers the frames of one proxy's port."""

    def __init__(
        self,
        spec: ProxySpec,
        profile: Profile,
        sessions: Sessions,
        desk: Desk,
        bulk: BulkDesk,
        trail: Trail,
    ) -> None:
        self._spec = spec
        self._codec = profile.wire.common
        self._before_message = profile.wire.bulk.size
        self._longest = profile.frame_octets
        self._sessions = sessions
        self._desk = desk
        self._bulk = bulk
        self._trail = trail

    async def answer(self, frame: Frame[CommonHeader], hop: Hop) -> Answer:
        """One frame in, its reply out."""
        header = frame.header
        if header.echo:
            return Answer(frame.octets)
        if header.type == MessageType.BULK and header.type in self._spec.types:
            return await self._transfer(header, frame, hop)
        status, data, error, customer = await self._judge(header, frame)
        reply = reply_frame(self._codec, header, status, data)
        if len(reply) > self._longest:
            status = Status.BAD_BULK
            reply = reply_frame(self._codec, header, status)
        if self._trail.is_written:
            self._tell(frame, hop, status, error)
        user = customer.userid if customer is not None else ""
        return Answer(reply, close=header.type in _ON_THEIR_OWN, user=user)

    def _tell(self, frame: Frame[CommonHeader], hop: Hop, status: int, error: Any) -> None:
        facts = {
            "in": hop.peer,
            "serial": frame.header.serial,
            "type": frame.header.type,
            "status": int(status),
            "error": error,
            "digest": digest(frame.data),
        }
        self._trail.line(self._spec.name, hop.transaction, facts)

    async def _judge(
        self, header: CommonHeader, frame: Frame[CommonHeader]
    ) -> tuple[int, bytes, Any, Customer | None]:
        """Status, data and ERROR of the reply, and whose session asked."""
        if header.type not in self._spec.types:
            return Status.UNKNOWN_TYPE, b"", "-", None
        data = frame.data
        customer = None
        if header.session_key or not self._is_open(data):
            found = await self._customer(header.session_key)
            if not isinstance(found, Customer):
                return found, b"", "-", None
            customer = found
        if header.type == MessageType.SYNC or customer is None:
            return *_outcome(await self._desk.serve(data, self._spec.name, customer)), customer
        try:
            return *(await self._later(header, data, customer)), customer
        except DeskClosed:
            return Status.OVERLOADED, b"", "-", customer

    async def _later(
        self, header: CommonHeader, data: bytes, customer: Customer
    ) -> tuple[int, bytes, Any]:
        """TRN-02: an identifier at once, the outcome to whoever polls with it."""
        door = self._spec.name
        if header.type == MessageType.REQUEST:
            serial, key = header.serial, header.session_key
            return Status.ACCEPTED, await self._desk.accept(serial, key, data, door, customer), "-"
        found = await self._desk.poll(data, door, customer)
        return _outcome(found) if isinstance(found, Done) else (found, b"", "-")

    async def _transfer(self, header: CommonHeader, frame: Frame[CommonHeader], hop: Hop) -> Answer:
        """TRN-03: frames of one serial, until one is the last."""
        data = frame.data

        def tell(facts: Mapping[str, Any]) -> None:
            told = {"in": hop.peer, "serial": header.serial, "type": header.type, **facts}
            told["digest"] = digest(data[self._before_message :])
            self._trail.line(self._spec.name, hop.transaction, told)

        customer = await self._customer(header.session_key)
        if not isinstance(customer, Customer):
            tell({"status": int(customer)})
            return Answer(reply_frame(self._codec, header, customer))
        answer = await self._bulk.answer(header, data, self._spec.name, customer, tell)
        if isinstance(answer, bytes):
            return Answer(answer, user=customer.userid)
        return Answer(b"", body=answer, user=customer.userid)

    async def _customer(self, key: str) -> Customer | Status:
        """Whose session it is, or why nobody's."""
        try:
            customer = await self._sessions.customer(key) if key else None
        except JarUnreachable:
            return Status.UNAVAILABLE
        return customer or Status.NO_SESSION

    def _is_open(self, data: bytes) -> bool:
        """Whether the message is one that needs no session."""
        name, bracket, _ = data.partition(b"<")
        return bool(bracket) and name.strip(b" \t\r\n").decode("latin-1") in (
            self._spec.without_session
        )


def _outcome(done: Done) -> tuple[int, bytes, Any]:
    """Status, data and ERROR of a response."""
    if done.too_large:
        return Status.BAD_BULK, b"", done.error
    status = Status.OK if done.error == 0 else Status.APPLICATION_ERROR
    return status, done.octets, done.error
