"""The web server's behaviour: the body and cookie of a POST in, a page out (WEB).

Sessions are verified by the cookie jar, identity is written over whatever the client sent, the
dispatcher is asked, and nothing of the customer's is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from starwire.grammar import MetadataError, parse
from starwire.protocol.frames import NEED_DATA, Frame, FrameError, FrameReader
from starwire.protocol.headers import DispatcherHeader, WebHeader, mismatch_frame, reply_frame
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status, Transaction

from .answering import Hop
from .customer import Customer
from .dispatcher import ORDER_ENTRY
from .jar_client import Jar, JarUnreachable
from .link import Reply, TimedOut, Unreachable
from .manner import Manner
from .outflow import Body
from .relay import Frames, Relay
from .trail import Trail

_TRANSACTIONS = frozenset(map(int, Transaction))

Forward = Callable[[bytes, str], Awaitable[Reply]]
"""A dispatcher frame and a transaction id to the reply frame; raises Unreachable or TimedOut."""
OpenStream = Callable[[bytes, str], Awaitable[Frames]]
"""The same, to the frames that answer a bulk request."""


class Page(msgspec.Struct, frozen=True):
    """What an HTTP response says: `key` is the session's, "" for none, None to leave the cookie."""

    status: int
    body: bytes
    key: str | None = None
    reason: str = ""
    more: Body | None = None
    """What follows the body frame by frame (WEB-08)."""
    manner: Manner | None = None
    """How it goes out, if not as fast as the client reads."""


PostAnswerer = Callable[[bytes, str, Hop], Coroutine[Any, Any, Page]]
"""The body and cookie of a POST, and where it came from, to its response."""


class Front:
    """Answers POSTs."""

    def __init__(
        self, profile: Profile, jar: Jar, forward: Forward, open_stream: OpenStream, trail: Trail
    ) -> None:
        self._profile = profile
        self._open_stream = open_stream
        self._wire = profile.wire
        self._jar = jar
        self._forward = forward
        self._trail = trail

    async def answer(self, body: bytes, cookie: str, hop: Hop) -> Page:
        """One POST in, its response out."""
        headers = self._wire.web.size + self._wire.dispatcher.size
        if len(body) < headers:
            return refused_page(400, f"the body is shorter than its two headers, {headers} octets")
        web = self._wire.web.decode(body)
        if web.transaction not in _TRANSACTIONS:
            return refused_page(400, f"transaction type {web.transaction} is none of 0, 1, 2")
        told: dict[str, Any] = {}
        try:
            page = await self._transaction(web, cookie, body, hop, told)
        except Unreachable as error:
            told["lost"] = str(error)
            page = refused_page(503, "no dispatcher can be reached")
        if page.more is None:
            self._line(web, hop, {"http": int(page.status), **told})
        return page

    def _line(self, web: WebHeader, hop: Hop, told: Mapping[str, Any]) -> None:
        if not self._trail.is_written:
            return
        facts = {"in": hop.peer, "transaction": web.transaction, **told}
        self._trail.line("web", hop.transaction, facts)

    async def _transaction(
        self, web: WebHeader, cookie: str, body: bytes, hop: Hop, told: dict[str, Any]
    ) -> Page:
        try:
            frame = self._frame(body)
        except FrameError as error:
            mismatch = mismatch_frame(self._wire.dispatcher, self._profile.version, error.status)
            told["status"] = int(error.status)
            return self._page(web, "", mismatch)
        told["target"] = frame.header.target
        if web.transaction == Transaction.LOGON:
            return await self._logon(web, frame, hop, told)
        key = web.session_key or cookie
        try:
            customer = None if cookie and cookie != key else await self._jar.customer(key)
            if customer is None:
                return self._status(web, frame, Status.NO_SESSION, told)
            if web.transaction == Transaction.LOGOFF:
                ended = await self._jar.drop(key)
                status = Status.OK if ended else Status.NO_SESSION
                return self._status(web, frame, status, told)
        except JarUnreachable:
            return self._status(web, frame, Status.UNAVAILABLE, told)
        told["user"] = customer.userid
        enriched = self._enriched(frame, key, customer)
        if frame.header.type == MessageType.BULK:
            return await self._transfer(web, frame, key, enriched, hop, told)
        reply = await self._ask(frame, enriched, hop, told)
        ended = reply.header.status == Status.NO_SESSION
        return self._page(web, "" if ended else key, self._masked(reply), ended=ended)

    async def _transfer(
        self,
        web: WebHeader,
        frame: Frame[DispatcherHeader],
        key: str,
        octets: bytes,
        hop: Hop,
        told: dict[str, Any],
    ) -> Page:
        """WEB-08: the web header once, then the dispatcher's frames."""
        stream = await self._open_stream(octets, hop.transaction)

        def tell(facts: Mapping[str, Any]) -> None:
            self._line(web, hop, {"http": int(HTTPStatus.OK), **told, **facts})

        relay = Relay(self._profile, stream, frame.header, tell)
        try:
            first = await relay.frame()
        except BaseException:  # a client that has gone, too
            stream.close()
            raise
        if not relay.over:
            return msgspec.structs.replace(self._page(web, key, first), more=relay)
        stream.close()
        told.update(relay.facts)
        ended = relay.facts["status"] == Status.NO_SESSION
        return self._page(web, "" if ended else key, first, ended=ended)

    async def _logon(
        self, web: WebHeader, frame: Frame[DispatcherHeader], hop: Hop, told: dict[str, Any]
    ) -> Page:
        """WEB-04: validated by StarOE, and only then a key is made."""
        reply = await self._ask(frame, self._enriched(frame, "", Customer("", "")), hop, told)
        customer = _validated(frame.header.target, reply)
        key = ""
        if customer is not None:
            told["user"] = customer.userid
            try:
                key = await self._jar.make(customer)
            except JarUnreachable:
                return self._status(web, frame, Status.UNAVAILABLE, told)
        return self._page(web, key, self._masked(reply))

    def _frame(self, body: bytes) -> Frame[DispatcherHeader]:
        """The one dispatcher frame of the body; FrameError if it is none, or not all of it."""
        reader = FrameReader(self._wire.dispatcher, self._profile)
        reader.feed(body[self._wire.web.size :])
        frame = reader.next_frame()
        behind = len(body) - self._wire.web.size
        if frame is NEED_DATA or len(frame.octets) != behind:
            raise FrameError(Status.LENGTH, f"the length is not the {behind} octets of the body", 0)
        return frame

    def _enriched(self, frame: Frame[DispatcherHeader], key: str, customer: Customer) -> bytes:
        """DSP-01: identity, key and status are the web server's, whatever the client sent."""
        header = frame.header
        enriched = DispatcherHeader(
            header.version,
            target=header.target,
            type=header.type,
            user_id=customer.userid,
            enterprise_id=customer.entpid,
            session_key=key,
        )
        return self._wire.dispatcher.frame(enriched, frame.data)

    async def _ask(
        self, frame: Frame[DispatcherHeader], octets: bytes, hop: Hop, told: dict[str, Any]
    ) -> Frame[DispatcherHeader]:
        try:
            reply = await self._forward(octets, hop.transaction)
        except TimedOut:
            bare = reply_frame(self._wire.dispatcher, frame.header, Status.TIMED_OUT)
            reply = Reply(Frame(self._wire.dispatcher.decode(bare), bare, len(bare)), "-")
        told["out"] = reply.own_address
        told["status"] = reply.answer.header.status
        return reply.answer  # type: ignore[no-any-return]

    def _masked(self, reply: Frame[DispatcherHeader]) -> bytes:
        """DSP-01: towards the client identity and key are pads."""
        header = reply.header
        bare = DispatcherHeader(
            header.version, target=header.target, type=header.type, status=header.status
        )
        return self._wire.dispatcher.frame(bare, reply.data)

    def _status(
        self, web: WebHeader, frame: Frame[DispatcherHeader], status: int, told: dict[str, Any]
    ) -> Page:
        """WEB-05: a web header with no key, a dispatcher header with the status, no data."""
        told["status"] = int(status)
        codec = self._wire.dispatcher
        logged_off = web.transaction == Transaction.LOGOFF and status == Status.OK
        ended = logged_off or status == Status.NO_SESSION
        return self._page(web, "", codec.frame(frame.header.reply(status), b""), ended=ended)

    def _page(
        self, web: WebHeader, key: str, dispatcher_frame: bytes, *, ended: bool = False
    ) -> Page:
        """The response; a cookie goes with a key, and a dead one is cleared (WEB-03)."""
        header = self._wire.web.encode(WebHeader(web.transaction, key))
        cookie = key if key or ended else None
        return Page(HTTPStatus.OK, header + dispatcher_frame, cookie)


def _validated(target: str, reply: Frame[DispatcherHeader]) -> Customer | None:
    """The customer whom a VUMA<ERROR=0> names."""
    if target != ORDER_ENTRY or reply.header.status != Status.OK:
        return None
    try:
        message = parse(reply.data)
        if message.acronym != "VUMA":
            return None
        return Customer(message["USERID"].value.scalar, message["ENTPID"].value.scalar)
    except (MetadataError, KeyError):
        return None


def refused_page(status: int, reason: str) -> Page:
    return Page(status, f"{reason}\n".encode(), reason=reason)
