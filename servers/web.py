"""The web server's port: HTTP around `front.Front`, judging method, path and length (WEB-06)."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, HTTPFactory

from starwire.protocol.profile import Profile

from .answering import Hop
from .bounded import BoundedRequest
from .front import Page, PostAnswerer, refused_page
from .manner import Manner, Piecemeal
from .outflow import Body, Outflow
from .recorder import Recorder, WebTap
from .trail import Trail, address


class WebChannel(HTTPChannel):
    """One connection of the web server."""

    factory: WebSite
    transport: Any
    tap: WebTap | None = None
    requests_read = 0

    def connectionMade(self) -> None:
        self.factory.open += 1
        super().connectionMade()
        recorder = self.factory.recorder
        if recorder is not None:
            self.tap = recorder.web_tap(self.factory.cookie)
            peer, own = address(self.transport.getPeer()), address(self.transport.getHost())
            self.tap.opened(peer, own, tls=bool(self.isSecure()))

    def loseConnection(self) -> None:
        if self.tap is not None:
            self.tap.ended("server", "")
        super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.open -= 1
        super().connectionLost(reason)
        if self.tap is not None:
            self.tap.closed(reason)


class WebRequest(BoundedRequest):
    """One HTTP request: method, path and length are judged before the body is kept (WEB-06)."""

    def __init__(self, site: WebSite, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._site = site

    def longest(self) -> int:
        return self._site.longest

    def said_too_long(self) -> tuple[str, bytes]:
        if self.channel.tap is not None:
            # The channel has read the first line; the request is told of it with its whole body.
            self.method, self.uri = self.channel._command, self.channel._path
            self.channel.tap.refused(self, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._site.too_long)
        return "text/plain", self._site.too_long

    def process(self) -> None:
        site = self._site
        if self.refused:
            return
        transaction = site.trail.new()
        if self.channel.tap is not None:
            self.channel.tap.request(self, transaction)
        refusal = site.judge(self.method, self.path)
        if refusal is not None:
            self._respond(refusal)
            return
        assert self.content is not None
        body = self.content.read()
        peer = address(self.getClientAddress())
        self.channel.requests_read += 1
        hop = Hop(transaction, peer, self.channel.requests_read, self.channel.excess)
        cookie = (self.getCookie(site.cookie) or b"").decode("latin-1")
        site.answering += 1
        answered = Deferred.fromCoroutine(site.answer(body, cookie, hop))
        self.notifyFinish().addErrback(lambda _: answered.cancel())
        answered.addCallback(self._respond)
        answered.addErrback(self._bug)
        answered.addBoth(self._answered, site)

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.channel is not None and self.channel.tap is not None:
            self.channel.tap.wrote(self, data)

    def finish(self) -> None:
        if self.channel is not None and self.channel.tap is not None:
            self.channel.tap.finished(self)
        super().finish()

    def _answered(self, outcome: Any, site: WebSite) -> Any:
        site.answering -= 1
        return outcome

    def _respond(self, page: Page) -> Deferred[None] | None:
        """Say it; a Deferred for what goes on after this."""
        manner = page.manner or Manner()
        unsaid = manner.reset or manner.drop
        if self.channel is None or self._disconnected or unsaid:
            if page.more is not None:
                page.more.close()
            if self.channel is not None and unsaid:
                self._hang_up(reset=manner.reset)
            return None
        site = self._site
        self.setResponseCode(page.status)
        wire = page.status == HTTPStatus.OK
        self.setHeader(b"content-type", b"application/octet-stream" if wire else b"text/plain")
        if page.more is None:
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
        if page.manner is not None:
            in_pieces = Piecemeal(page.body, page.more, manner)
            return self._stream(in_pieces, cut=manner.cut is not None)
        self.write(page.body)
        if page.more is not None:
            return self._stream(page.more)
        self.finish()
        return None

    def _hang_up(self, *, reset: bool) -> None:
        if reset:
            self.channel.transport.abortConnection()
        else:
            self.channel.loseConnection()

    def _stream(self, body: Body, *, cut: bool = False) -> Deferred[None]:
        """The frames as they come; the response has no length of its own (WEB-08)."""
        site = self._site
        idle = partial(Deferred.addTimeout, timeout=site.idle_seconds, clock=site.reactor)
        outflow = Outflow(body, self.write, patience=idle)
        self.registerProducer(outflow, True)
        return outflow.start().addCallback(self._streamed, cut)

    def _streamed(self, _: None, cut: bool) -> None:
        if self.channel is not None and not self._disconnected:
            self.unregisterProducer()
            if cut:
                self._hang_up(reset=False)
            else:
                self.finish()

    def _bug(self, failure: Any) -> None:
        if self.channel is None or self._disconnected:
            return
        if self.startedWriting:
            # A response that ends without its end tells that it is not whole.
            self.channel.transport.abortConnection()
            if failure.check(TimeoutError, CancelledError):  # nobody reads it, or is there
                return
        self._site.logger.failure("a response failed", failure)
        if not self.startedWriting:
            self._respond(refused_page(500, "the web server has failed; its log says how"))


class WebSite(HTTPFactory):
    """The web server's port."""

    protocol: Any = WebChannel

    def __init__(
        self,
        reactor: Any,
        profile: Profile,
        answer: PostAnswerer,
        trail: Trail,
        recorder: Recorder | None = None,
    ) -> None:
        super().__init__(timeout=profile.idle_seconds, reactor=reactor)
        self.reactor = reactor
        self.idle_seconds = profile.idle_seconds
        self.recorder = recorder
        self.answer = answer
        self.trail = trail
        self.path = profile.web_path.encode()
        self.cookie = profile.cookie.encode()
        self.longest = profile.wire.web.size + profile.frame_octets
        self.too_long = f"the body is longer than {self.longest} octets\n".encode()
        self.logger = Logger(namespace="starwire.web")
        self.answering = 0
        self.open = 0
        """How many connections there are."""
        self.most_connections = 0
        """See `adapter.AnsweringFactory`."""

    def buildProtocol(self, addr: Any) -> Any:
        most = self.most_connections
        if most and self.open >= 2 * most:
            self.trail.line("web", "-", {"event": "too-many", "peer": address(addr)})
            return None
        channel: Any = super().buildProtocol(addr)
        channel.excess = 0 < most <= self.open
        channel.requestFactory = partial(WebRequest, self)
        return channel

    def log(self, request: Any) -> None:
        """Nothing: the trail's line tells more of a request than an access log."""

    @property
    def busy(self) -> bool:
        """Whether an answer is under way on any connection."""
        return self.answering > 0

    def judge(self, method: bytes, path: bytes) -> Page | None:
        """Why the request is none of ours, or None."""
        if path.startswith((b"http://", b"https://")):  # the absolute form, RFC 9112, 3.2.2
            path = b"/" + path.split(b"/", 3)[-1] if path.count(b"/") > 2 else b"/"
        if path != self.path:
            return refused_page(404, f"the wire is at {self.path.decode()}")
        if method != b"POST":
            return refused_page(405, "the wire takes POST only")
        return None
