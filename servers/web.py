"""The web server: HTTPS in, sessions verified, the dispatcher asked, HTTPS out (WEB).

`Front` is the behaviour: the body and cookie of a POST in, a `Page` out. The rest is twisted.web
around it, which judges method and length before a body is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.http import RESPONSES, HTTPFactory, Request

from starwire.grammar import MetadataError, parse
from starwire.protocol.frames import NEED_DATA, Frame, FrameError, FrameReader
from starwire.protocol.headers import DispatcherHeader, WebHeader, mismatch_frame, reply_frame
from starwire.protocol.profile import Profile
from starwire.protocol.status import Status, Transaction

from .adapter import Hop
from .customer import Customer
from .dispatcher import ORDER_ENTRY
from .jar_client import JarClient, JarUnreachable
from .link import Reply, TimedOut, Unreachable
from .trail import Trail, address

Forward = Callable[[bytes, str], Awaitable[Reply]]
"""A dispatcher frame and a transaction id to the reply frame; raises Unreachable or TimedOut."""


@attrs.frozen
class Page:
    """What an HTTP response says: `key` is the session's, "" for none, None to leave the cookie."""

    status: int
    body: bytes
    key: str | None = None
    reason: str = ""


class Front:
    """Answers POSTs."""

    def __init__(self, profile: Profile, jar: JarClient, forward: Forward, trail: Trail) -> None:
        self._profile = profile
        self._wire = profile.wire
        self._jar = jar
        self._forward = forward
        self._trail = trail

    async def answer(self, body: bytes, cookie: str, hop: Hop) -> Page:
        """One POST in, its response out."""
        headers = self._wire.web.size + self._wire.dispatcher.size
        if len(body) < headers:
            return _refused(400, f"the body is shorter than its two headers, {headers} octets")
        web = self._wire.web.decode(body)
        if web.transaction not in tuple(Transaction):
            return _refused(400, f"transaction type {web.transaction} is none of 0, 1, 2")
        told: dict[str, Any] = {}
        try:
            page = await self._transaction(web, cookie, body, hop, told)
        except Unreachable as error:
            page = _refused(503, f"no dispatcher: {error}")
        self._trail.line(
            "web",
            hop.transaction,
            {"in": hop.peer, "transaction": web.transaction, "http": int(page.status), **told},
        )
        return page

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
        reply = await self._ask(frame, enriched, hop, told)
        ended = reply.header.status == Status.NO_SESSION
        return self._page(web, "" if ended else key, self._masked(reply), ended=ended)

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
        ended = status == Status.NO_SESSION or web.transaction == Transaction.LOGOFF
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


def _refused(status: int, reason: str) -> Page:
    return Page(status, f"{reason}\n".encode(), reason=reason)


class WebRequest(Request):
    """One HTTP request: method, path and length are judged before the body is kept (WEB-06)."""

    channel: Any

    def __init__(self, site: WebSite, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._site = site
        self._refused = False
        self._kept = 0

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > self._site.longest:
            self._refuse_body()
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        if self._refused:
            return
        self._kept += len(data)
        if self._kept > self._site.longest:
            self._refuse_body()
        else:
            super().handleContentChunk(data)

    def _refuse_body(self) -> None:
        """413 at once: what the client still sends is not read, and HTTP can only hang up."""
        self._refused = True
        said = self._site.too_long
        head = (
            f"HTTP/1.1 413 {RESPONSES[413].decode()}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(said)}\r\nConnection: close\r\n\r\n"
        )
        self.channel.transport.write(head.encode() + said)
        self.channel.loseConnection()

    def process(self) -> None:
        site = self._site
        if self._refused:
            return
        refusal = site.judge(self.method, self.path)
        if refusal is not None:
            self._respond(refusal)
            return
        assert self.content is not None
        body = self.content.read()
        peer = address(self.getClientAddress())
        hop = Hop(site.trail.new(), peer)
        cookie = (self.getCookie(site.cookie) or b"").decode("latin-1")
        site.answering += 1
        answered = Deferred.fromCoroutine(site.front.answer(body, cookie, hop))
        self.notifyFinish().addErrback(lambda _: answered.cancel())
        answered.addBoth(self._answered, site)
        answered.addCallbacks(self._respond, self._bug)

    def _answered(self, outcome: Any, site: WebSite) -> Any:
        site.answering -= 1
        return outcome

    def _respond(self, page: Page) -> None:
        if self.channel is None or self._disconnected:
            return
        site = self._site
        self.setResponseCode(page.status)
        wire = page.status == HTTPStatus.OK
        self.setHeader(b"content-type", b"application/octet-stream" if wire else b"text/plain")
        self.setHeader(b"content-length", str(len(page.body)).encode())
        if page.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.setHeader(b"allow", b"POST")
        if page.key is not None:
            age = None if page.key else b"0"
            self.addCookie(
                site.cookie,
                page.key.encode("latin-1"),
                path=site.path,
                max_age=age,
                secure=self.isSecure(),
                httpOnly=True,
            )
        self.write(page.body)
        self.finish()

    def _bug(self, failure: Any) -> None:
        if self.channel is None or self._disconnected:
            return
        self._site.logger.failure("a response failed", failure)
        self._respond(_refused(500, "the web server has failed; its log says how"))


class WebSite(HTTPFactory):
    """The web server's port."""

    def __init__(self, reactor: Any, profile: Profile, front: Front, trail: Trail) -> None:
        super().__init__(timeout=profile.idle_seconds, reactor=reactor)
        self.front = front
        self.trail = trail
        self.path = profile.web_path.encode()
        self.cookie = profile.cookie.encode()
        self.longest = profile.wire.web.size + profile.frame_octets
        self.too_long = f"the body is longer than {self.longest} octets\n".encode()
        self.logger = Logger(namespace="starwire.web")
        self.answering = 0

    def buildProtocol(self, addr: Any) -> Any:
        channel: Any = super().buildProtocol(addr)
        channel.requestFactory = partial(WebRequest, self)
        return channel

    @property
    def busy(self) -> bool:
        """Whether an answer is under way on any connection."""
        return self.answering > 0

    def judge(self, method: bytes, path: bytes) -> Page | None:
        """Why the request is none of ours, or None."""
        if path != self.path:
            return _refused(404, f"the wire is at {self.path.decode()}")
        if method != b"POST":
            return _refused(405, "the wire takes POST only")
        return None
