"""The dispatcher: checks session and entitlement, forwards, and takes the reply back (DSP)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from starwire.grammar import MetadataError, build, parse, strip
from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import TARGETS, Profile
from starwire.protocol.status import MessageType, Status

from .answering import Answer, Hop
from .customer import Customer
from .entitlements import Entitlements
from .jar_client import JarUnreachable
from .link import Crowded, Reply, TimedOut, Unreachable
from .proxy import Sessions
from .registry import Registry
from .relay import Frames, ProxyRelay, answers
from .serials import SerialsExhausted
from .trail import Trail

ORDER_ENTRY = "STAROE"
"""The target that is open to every session, and to none but VUM (DSP-03)."""

_NO_TARGETS = "6109"
"""What GUA is answered for a user who is entitled to nothing (WEB-04)."""
_TYPES = frozenset(MessageType)

Exchange = Callable[[str, CommonHeader, bytes, str], Awaitable[Reply]]
"""Address, header, frame with that header and transaction id to the reply frame; raises
Unreachable or TimedOut."""

OpenStream = Callable[[str, bytes, str], Awaitable[Frames]]
"""Address, frame and transaction id to the frames that answer; raises Unreachable or TimedOut."""


class _Refuse(Exception):
    """The request goes no further."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


class Dispatcher:
    """Answers the frames that web servers send."""

    def __init__(
        self,
        profile: Profile,
        registry: Registry,
        sessions: Sessions,
        serials: Callable[[], Awaitable[int]],
        exchange: Exchange,
        trail: Trail,
        open_stream: OpenStream,
        reads: Collection[str] = (),
    ) -> None:
        """`reads` are the acronyms that change nothing, wherever they are asked (DSP-06)."""
        self._profile = profile
        self._registry = registry
        self._sessions = sessions
        self._serials = serials
        self._exchange = exchange
        self._open_stream = open_stream
        self._trail = trail
        self._reads = reads
        self._entitlements = Entitlements(self._ask_entitlements)

    async def answer(self, frame: Frame[DispatcherHeader], hop: Hop) -> Answer:
        """One frame in, its reply out: the proxy's, its status unchanged, or a refusal."""
        header = frame.header
        told: dict[str, Any] = {}
        try:
            await self._admit(header, hop, told)
            if header.type == MessageType.BULK:
                return await self._relay(header, frame.data, hop, told)
            reply = await self._forward(header.target, header, frame.data, hop, told)
            status, data = reply.header.status, reply.data
        except _Refuse as refuse:
            status, data = refuse.status, b""
        except SerialsExhausted:
            status, data = Status.OVERLOADED, b""
        if self._trail.is_written:
            self._line(header, hop, {"status": int(status), **told})
        return Answer(self._reply(header, status, data), user=told.get("user", ""))

    def _line(self, header: DispatcherHeader, hop: Hop, told: Mapping[str, Any]) -> None:
        facts = {"in": hop.peer, "user": header.user_id, "target": header.target, **told}
        self._trail.line("dispatcher", hop.transaction, facts)

    def forget_entitlements(self) -> None:
        """Ask StarOE anew what each session's user may reach."""
        self._entitlements.clear()

    def _reply(self, header: DispatcherHeader, status: int, data: bytes) -> bytes:
        codec = self._profile.wire.dispatcher
        if codec.size + len(data) > self._profile.frame_octets:
            status, data = Status.BAD_BULK, b""
        return codec.frame(header.reply(status), data)

    async def _admit(self, header: DispatcherHeader, hop: Hop, told: dict[str, Any]) -> None:
        """DSP-03: type, then target, session, entitlement."""
        if header.type not in _TYPES:
            raise _Refuse(Status.UNKNOWN_TYPE)
        if header.target not in TARGETS:
            raise _Refuse(Status.UNKNOWN_PROXY)
        if not header.session_key:
            if header.target != ORDER_ENTRY:
                raise _Refuse(Status.NO_SESSION)
            return
        customer = await self._session(header)
        told["user"] = customer.userid
        if header.target != ORDER_ENTRY:
            allowed = self._entitlements.known(header.session_key)
            if allowed is None:
                allowed = await self._entitlements.of(header.session_key, customer, hop)
            if header.target not in allowed:
                raise _Refuse(Status.NOT_ENTITLED)

    async def _session(self, header: DispatcherHeader) -> Customer:
        """The session's customer; a header that names another is forged and has no session."""
        try:
            customer = await self._sessions.customer(header.session_key)
        except JarUnreachable:
            raise _Refuse(Status.UNAVAILABLE) from None
        if customer is None:
            self._entitlements.forget(header.session_key)
            raise _Refuse(Status.NO_SESSION)
        if (header.user_id, header.enterprise_id) != (customer.userid, customer.entpid):
            raise _Refuse(Status.NO_SESSION)
        return customer

    async def _ask_entitlements(self, key: str, customer: Customer, hop: Hop) -> frozenset[str]:
        """GUA under the session's key; without an answer to it StarOE is unavailable (106)."""
        header = DispatcherHeader(self._profile.version, target=ORDER_ENTRY, session_key=key)
        question = build("GUA", [("USERID", customer.userid)])
        reply = await self._forward(ORDER_ENTRY, header, question, hop, {})
        try:
            message = parse(reply.data, self._profile.limits)
            if reply.header.status == Status.OK and message.acronym == "GUAA":
                return frozenset(message["APPS"].value.members())
            if message.acronym == "GUAA" and message["ERROR"].value.scalar == _NO_TARGETS:
                return frozenset()
        except (MetadataError, KeyError):
            pass
        raise _Refuse(Status.UNAVAILABLE)

    def _may_repeat(self, header: DispatcherHeader, data: bytes) -> bool:
        """DSP-06: whether a request that may have arrived may be sent to another instance."""
        if header.type != MessageType.SYNC:
            return header.type in (MessageType.REQUEST, MessageType.POLL)
        return strip(data.partition(b"<")[0].decode("latin-1")) in self._reads

    async def _relay(
        self, header: DispatcherHeader, data: bytes, hop: Hop, told: dict[str, Any]
    ) -> Answer:
        """TRN-03: one frame to the proxy, its frames back until one is the last."""
        serial = told["serial"] = await self._serials()
        request, frame = self._wrapped(header, data, serial)
        for address in self._registry.in_turn(header.target):
            try:
                stream = await self._open_stream(address, frame, hop.transaction)
            except Unreachable as error:
                told["lost"] = str(error)
                continue

            def tell(facts: Mapping[str, Any]) -> None:
                self._line(header, hop, {**told, **facts})

            relay = ProxyRelay(self._profile, stream, header, request, tell)
            return Answer(b"", body=relay, user=told.get("user", ""))
        raise _Refuse(Status.UNAVAILABLE)

    def _wrapped(
        self, header: DispatcherHeader, data: bytes, serial: int
    ) -> tuple[CommonHeader, bytes]:
        """The request as it goes to the proxy: its header and its frame."""
        request = CommonHeader(
            self._profile.version, session_key=header.session_key, type=header.type, serial=serial
        )
        codec = self._profile.wire.common
        if codec.size + len(data) > self._profile.frame_octets:
            raise _Refuse(Status.BAD_BULK)
        return request, codec.frame(request, data)

    async def _forward(
        self,
        target: str,
        header: DispatcherHeader,
        data: bytes,
        hop: Hop,
        told: dict[str, Any],
    ) -> Frame[CommonHeader]:
        """DSP-04: unwrap, wrap, a new connection, wait."""
        serial = told["serial"] = await self._serials()
        request, frame = self._wrapped(header, data, serial)
        status = Status.UNAVAILABLE
        for address in self._registry.in_turn(target):
            try:
                reply = await self._exchange(address, request, frame, hop.transaction)
            except TimedOut:
                raise _Refuse(Status.TIMED_OUT) from None
            except Unreachable as error:
                told["lost"] = str(error)
                status = Status.OVERLOADED if isinstance(error, Crowded) else Status.UNAVAILABLE
                if error.began or (error.sent and not self._may_repeat(header, data)):
                    break
                continue
            told["out"] = reply.own_address
            if answers(reply.answer.header, request):
                return reply.answer  # type: ignore[no-any-return]
            told["lost"] = "the reply is another request's"
            status = Status.UNAVAILABLE
            break
        raise _Refuse(status)
