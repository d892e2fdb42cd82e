"""The dispatcher: DSP, HDR-07."""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec.structs import replace

from starwire.protocol.frames import Frame
from starwire.protocol.profile import TARGETS
from starwire.protocol.status import MessageType, Status

from .. import dispatcher, link, multiplex, pinging, relay
from ..answering import Answer, Answerer, Hop
from ..customer import Customer
from ..dispatcher import ORDER_ENTRY, Dispatcher
from ..entitlements import Entitlements
from ..pinging import Pinger
from ..proxy import Proxy
from ..registry import Registry
from ..serials import Serials, SerialsExhausted
from .fault import breaks
from .works import Works, with_header

_HERE = ("dispatcher",)
Refuse = dispatcher._Refuse


def _admitting(works: Works, before: Any) -> None:
    """Let `before(self, header)` judge a frame first; it may raise Refuse."""

    def made(admit: Any) -> Any:
        async def admitted(self: Dispatcher, header: Any, hop: Hop, told: Any) -> None:
            await before(self, header)
            await admit(self, header, hop, told)

        return admitted

    works.exchange(Dispatcher, "_admit", made)


def _refusing(works: Works, instead: dict[Status, Status]) -> None:
    """Let it refuse with other statuses."""

    def made(answer: Any) -> Any:
        async def admitted(self: Dispatcher, *arguments: Any) -> Any:
            try:
                return await answer(self, *arguments)
            except Refuse as refuse:
                raise Refuse(instead.get(refuse.status, refuse.status)) from None

        return admitted

    works.exchange(Dispatcher, "_admit", made)
    works.exchange(Dispatcher, "_forward", made)


# ---- DSP-01 --------------------------------------------------------------------------------------


@breaks("dispatcher-length-short", "DSP-01", "HDR-02")
def _(works: Works) -> None:
    """The length in the reply of the dispatcher is one less than the octets of the frame."""
    works.headers(_HERE, lambda header, _: replace(header, length=header.length - 1))


@breaks("dispatcher-repeats-identity", "DSP-01")
def _(works: Works) -> None:
    """The reply of the dispatcher has the user id and enterprise id of the request."""
    works.headers(
        _HERE,
        lambda header, request: replace(
            header, user_id=request.user_id, enterprise_id=request.enterprise_id
        ),
    )


@breaks("dispatcher-repeats-key", "DSP-01")
def _(works: Works) -> None:
    """The reply of the dispatcher has the session key of the request."""
    works.headers(_HERE, lambda header, request: replace(header, session_key=request.session_key))


@breaks("target-not-repeated", "DSP-01")
def _(works: Works) -> None:
    """The target in the reply of the dispatcher is empty."""
    works.headers(_HERE, lambda header, _: replace(header, target=""))


@breaks("dispatcher-type-not-repeated", "DSP-01")
def _(works: Works) -> None:
    """The type in the reply of the dispatcher is 0."""
    works.headers(_HERE, lambda header, _: replace(header, type=0))


@breaks("forged-identity-taken", "DSP-01")
def _(works: Works) -> None:
    """The dispatcher does not compare user id and enterprise id with the session."""

    def made(session: Any) -> Any:
        async def found(self: Dispatcher, header: Any) -> Customer:
            customer = await self._sessions.customer(header.session_key)
            return customer or await session(self, header)

        return found

    works.exchange(Dispatcher, "_session", made)


@breaks("identity-without-key-judged", "DSP-01")
def _(works: Works) -> None:
    """Under a key of NULs a user id is refused: 105."""

    async def before(self: Dispatcher, header: Any) -> None:
        if not header.session_key and header.user_id:
            raise Refuse(Status.NO_SESSION)

    _admitting(works, before)


# ---- DSP-02 --------------------------------------------------------------------------------------


@breaks("unknown-target-is-106", "DSP-02", "DSP-03")
def _(works: Works) -> None:
    """A target that there is not is answered with 106 rather than 103."""
    _refusing(works, {Status.UNKNOWN_PROXY: Status.UNAVAILABLE})


@breaks("target-in-any-case", "DSP-02", "OCT-03")
def _(works: Works) -> None:
    """Targets compare without case."""
    _target_as(works, str.upper)


@breaks("target-stripped", "OCT-03", "DSP-02")
def _(works: Works) -> None:
    """Blanks before a target are taken off."""
    _target_as(works, str.strip)


def _target_as(works: Works, change: Any) -> None:
    async def around(answer: Answerer, request: Frame[Any], hop: Hop) -> Answer:
        return await answer(with_header(request, target=change(request.header.target)), hop)

    works.port(_HERE, lambda profile: around)


@breaks("ods-is-no-target", "DSP-02", "DSP-03")
def _(works: Works) -> None:
    """ODS and TVS are targets that there are not: 103."""
    works.exchange(dispatcher, "TARGETS", lambda targets: targets[:4])


@breaks("instances-not-in-turn", "DSP-02")
def _(works: Works) -> None:
    """The first instance of a proxy is always asked first."""

    def made(in_turn: Any) -> Any:
        def found(self: Registry, target: str) -> list[str]:
            self._turn[target] = 0
            return list(in_turn(self, target))

        return found

    works.exchange(Registry, "in_turn", made)


# ---- DSP-03 --------------------------------------------------------------------------------------


@breaks("target-before-type", "DSP-03")
def _(works: Works) -> None:
    """The target is judged before the type."""

    async def before(self: Dispatcher, header: Any) -> None:
        if header.target not in TARGETS:
            raise Refuse(Status.UNKNOWN_PROXY)

    _admitting(works, before)


@breaks("session-before-target", "DSP-03")
def _(works: Works) -> None:
    """The session is judged before the target."""

    async def before(self: Dispatcher, header: Any) -> None:
        if header.session_key and header.type <= MessageType.BULK:
            await self._session(header)

    _admitting(works, before)


@breaks("address-before-entitlement", "DSP-03")
def _(works: Works) -> None:
    """That a proxy has no address is told before the entitlement is judged."""

    async def before(self: Dispatcher, header: Any) -> None:
        if header.target in TARGETS and header.target not in self._registry:
            raise Refuse(Status.UNAVAILABLE)

    _admitting(works, before)


@breaks("session-unchecked-at-dispatcher", "DSP-03", "HDR-11")
def _(works: Works) -> None:
    """The dispatcher does not ask whether the session exists."""

    async def session(self: Dispatcher, header: Any) -> Customer:
        return Customer(header.user_id, header.enterprise_id)

    works.exchange(Dispatcher, "_session", lambda _: session)


@breaks("entitlement-unchecked", "DSP-03")
def _(works: Works) -> None:
    """Every user may reach every target."""

    async def of(self: Entitlements, *arguments: Any) -> frozenset[str]:
        return frozenset(TARGETS)

    works.exchange(Entitlements, "of", lambda _: of)


@breaks("entitlements-asked-each-time", "DSP-03")
def _(works: Works) -> None:
    """The entitlements are fetched for every frame."""

    def made(known: Any) -> Any:
        def forgotten(self: Entitlements, key: str) -> None:
            self.forget(key)

        return forgotten

    works.exchange(Entitlements, "known", made)


@breaks("entitlements-asked-without-key", "DSP-03")
def _(works: Works) -> None:
    """The dispatcher asks for the entitlements under a key of NULs."""

    def made(ask: Any) -> Any:
        return lambda self, key, customer, hop: ask(self, "", customer, hop)

    works.exchange(Dispatcher, "_ask_entitlements", made)


@breaks("staroe-needs-entitlement", "DSP-03")
def _(works: Works) -> None:
    """A session may reach STAROE only if its user is entitled to it."""

    async def before(self: Dispatcher, header: Any) -> None:
        if header.target == ORDER_ENTRY and header.session_key:
            raise Refuse(Status.NOT_ENTITLED)

    _admitting(works, before)


@breaks("no-logon-without-session", "DSP-03")
def _(works: Works) -> None:
    """The dispatcher refuses a key of NULs at STAROE too."""

    async def before(self: Dispatcher, header: Any) -> None:
        if header.target == ORDER_ENTRY and not header.session_key:
            raise Refuse(Status.NO_SESSION)

    _admitting(works, before)


@breaks("frame-without-session-passed-on", "DSP-03")
def _(works: Works) -> None:
    """A frame with a key of NULs reaches any proxy."""

    def made(admit: Any) -> Any:
        async def admitted(self: Dispatcher, header: Any, hop: Hop, told: Any) -> None:
            if header.session_key:
                await admit(self, header, hop, told)

        return admitted

    works.exchange(Dispatcher, "_admit", made)


@breaks("vum-needs-session", "DSP-03", "HDR-11")
def _(works: Works) -> None:
    """StarOE answers VUM under a session only."""
    works.exchange(Proxy, "_is_open", lambda _: lambda self, data: False)


@breaks("gua-without-session", "DSP-03", "HDR-11")
def _(works: Works) -> None:
    """StarOE judges any message under a key of NULs."""
    works.exchange(Proxy, "_is_open", lambda _: lambda self, data: self._spec.target == ORDER_ENTRY)


# ---- DSP-04, DSP-05 ------------------------------------------------------------------------------


@breaks("data-trimmed-on-the-way", "DSP-04")
def _(works: Works) -> None:
    """The dispatcher takes line ends and blanks off the end of the data."""

    def made(wrapped: Any) -> Any:
        return lambda self, header, data, serial: wrapped(self, header, data.rstrip(), serial)

    works.exchange(Dispatcher, "_wrapped", made)


@breaks("reply-trimmed-on-the-way", "DSP-04", "DSP-07")
def _(works: Works) -> None:
    """The dispatcher takes line ends and blanks off the end of the reply's data."""

    def made(reply: Any) -> Any:
        return lambda self, header, status, data: reply(self, header, status, data.rstrip())

    works.exchange(Dispatcher, "_reply", made)


@breaks("connections-shared-unasked", "DSP-04")
def _(works: Works) -> None:
    """The dispatcher shares its connections to proxies though the profile does not."""
    works.profile(lambda profile: replace(profile, multiplex=True))


@breaks("too-many-in-flight", "DSP-04")
def _(works: Works) -> None:
    """A shared connection has up to 128 requests in flight."""
    works.exchange(multiplex, "SHARED", lambda most: 2 * most)


@breaks("dispatcher-closes-behind-type-1", "TRN-02")
def _(works: Works) -> None:
    """The dispatcher closes the connection of a type 1 frame."""

    async def around(answer: Answerer, request: Frame[Any], hop: Hop) -> Answer:
        answered = await answer(request, hop)
        return replace(answered, close=request.header.type == MessageType.REQUEST)

    works.port(_HERE, lambda profile: around)


@breaks("serial-used-again", "DSP-05")
def _(works: Works) -> None:
    """Every frame that the dispatcher sends has the serial 1."""

    async def serial(self: Serials) -> int:
        return 1

    works.exchange(Serials, "__call__", lambda _: serial)


@breaks("serials-begin-anew", "DSP-05")
def _(works: Works) -> None:
    """The serials of a dispatcher that is started again begin at 1."""

    def take(self: Serials, connection: Any) -> range:
        return range(1, 10_001)

    works.exchange(Serials, "_take_block", lambda _: take)


@breaks("no-serial-is-106", "DSP-05")
def _(works: Works) -> None:
    """A dispatcher that can get no serial answers 106 rather than 111."""

    def made(lease: Any) -> Any:
        async def leased(self: Serials) -> int:
            try:
                return int(await lease(self))
            except SerialsExhausted:
                raise Refuse(Status.UNAVAILABLE) from None

        return leased

    works.exchange(Serials, "_lease", made)


# ---- DSP-06, DSP-07 ------------------------------------------------------------------------------


@breaks("ard-asked-again", "DSP-06")
def _(works: Works) -> None:
    """A message that changes something is sent to the next instance too."""
    works.exchange(Dispatcher, "_may_repeat", lambda _: lambda self, header, data: True)


@breaks("grtl-not-asked-again", "DSP-06")
def _(works: Works) -> None:
    """A message that only reads is not sent to the next instance."""

    def made(may: Any) -> Any:
        return lambda self, header, data: bool(header.type) and may(self, header, data)

    works.exchange(Dispatcher, "_may_repeat", made)


@breaks("type-1-not-asked-again", "DSP-06")
def _(works: Works) -> None:
    """A frame of type 1 or 2 is not sent to the next instance."""

    def made(may: Any) -> Any:
        return lambda self, header, data: not header.type and may(self, header, data)

    works.exchange(Dispatcher, "_may_repeat", made)


@breaks("asked-again-inside-reply", "DSP-06")
def _(works: Works) -> None:
    """A read is sent to the next instance although its reply had begun."""

    def made(received: Any) -> Any:
        def fresh(self: Any, data: bytes) -> None:
            received(self, data)
            self._began = False

        return fresh

    works.exchange(link._Exchange, "dataReceived", made)


@breaks("foreign-reply-passed-on", "DSP-06")
def _(works: Works) -> None:
    """A reply with another serial, type or session key is passed on."""
    for module in (dispatcher, relay):
        works.exchange(module, "answers", lambda _: lambda reply, request: True)


@breaks("late-reply-is-106", "DSP-06")
def _(works: Works) -> None:
    """A reply that does not come in time is told as 106 rather than 109."""
    _refusing(works, {Status.TIMED_OUT: Status.UNAVAILABLE})


@breaks("reply-awaited-too-long", "DSP-06")
def _(works: Works) -> None:
    """A reply may take twice its time."""
    works.profile(lambda profile: replace(profile, reply_seconds=2 * profile.reply_seconds))


@breaks("status-translated", "DSP-07", "STS-01")
def _(works: Works) -> None:
    """A status of a proxy that the dispatcher does not know becomes 106."""

    known = frozenset(map(int, Status))
    works.headers(
        _HERE,
        lambda header, _: (
            header if header.status in known else replace(header, status=Status.UNAVAILABLE)
        ),
    )


@breaks("mismatch-of-proxy-is-106", "DSP-07")
def _(works: Works) -> None:
    """101 and 102 of a proxy are told as 106."""

    def made(answers: Any) -> Any:
        wrong = (Status.VERSION, Status.LENGTH)
        return lambda reply, request: reply.status not in wrong and answers(reply, request)

    works.exchange(dispatcher, "answers", made)


@breaks("too-large-reply-passed-on", "DSP-07")
def _(works: Works) -> None:
    """A reply that is too large behind the dispatcher header is sent all the same."""

    def reply(self: Dispatcher, header: Any, status: int, data: bytes) -> bytes:
        return self._profile.wire.dispatcher.frame(header.reply(status), data)

    works.exchange(Dispatcher, "_reply", lambda _: reply)


# ---- HDR-07 --------------------------------------------------------------------------------------


@breaks("no-connectivity-test", "HDR-07")
def _(works: Works) -> None:
    """The dispatcher sends no echoes."""

    async def ping(self: Pinger, address: str) -> bool:
        return True

    works.exchange(Pinger, "ping", lambda _: ping)


@breaks("silent-instance-asked", "HDR-07")
def _(works: Works) -> None:
    """An instance that does not answer its echo is asked all the same."""
    works.exchange(Registry, "answered", lambda _: lambda self, address, *, well: False)


@breaks("connectivity-test-under-a-key", "HDR-07")
def _(works: Works) -> None:
    """The echoes of the dispatcher have a session key."""
    works.exchange(pinging, "CommonHeader", lambda header: partial(header, session_key="0" * 8))
