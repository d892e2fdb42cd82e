"""The web server: WEB-01 to WEB-03, WEB-06 to WEB-08, and DSP-01 as far as it writes."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from msgspec.structs import replace

from starwire.protocol.headers import DispatcherHeader, WebHeader, Wire
from starwire.protocol.profile import Profile
from starwire.protocol.status import Status, Transaction

from .. import front
from ..answering import Hop
from ..customer import Customer
from ..faults import ChangedBody
from ..front import Front, Page, PostAnswerer, refused_page
from ..link import Unreachable
from ..relay import Relay
from ..web import WebRequest, WebSite
from .fault import breaks
from .works import AroundPage, Works

OfPage = Callable[[Wire, Page], Page]


def _pages(works: Works, change: OfPage) -> None:
    """Change the pages that hold both headers."""

    def made(profile: Profile) -> AroundPage:
        async def around(answer: PostAnswerer, body: bytes, cookie: str, hop: Hop) -> Page:
            page = await answer(body, cookie, hop)
            return change(profile.wire, page) if page.status == HTTPStatus.OK else page

        return around

    works.web(made)


def _status(wire: Wire, page: Page) -> int:
    """That of the dispatcher header of a page."""
    return wire.dispatcher.integer("status").read(page.body, wire.web.size)


def _with_web_header(wire: Wire, page: Page, **fields: Any) -> Page:
    header = replace(wire.web.decode(page.body), **fields)
    return replace(page, body=wire.web.encode(header) + page.body[wire.web.size :])


def _requests(works: Works, change: Callable[[Wire, bytes, str], tuple[bytes, str]]) -> None:
    """Change body and cookie of each POST."""

    def made(profile: Profile) -> AroundPage:
        async def around(answer: PostAnswerer, body: bytes, cookie: str, hop: Hop) -> Page:
            return await answer(*change(profile.wire, body, cookie), hop)

        return around

    works.web(made)


def _web_header(wire: Wire, body: bytes) -> WebHeader | None:
    return wire.web.decode(body) if len(body) >= wire.web.size else None


# ---- WEB-01, WEB-02, WEB-06: request and response ------------------------------------------------


@breaks("get-taken", "WEB-01", "WEB-06")
def _(works: Works) -> None:
    """Any method is taken for POST."""
    works.exchange(
        WebSite, "judge", lambda judge: lambda self, method, path: judge(self, b"POST", path)
    )


@breaks("any-path-taken", "WEB-01", "WEB-06")
def _(works: Works) -> None:
    """Any path is taken for the profile's."""
    works.exchange(
        WebSite, "judge", lambda judge: lambda self, method, path: judge(self, method, self.path)
    )


@breaks("405-before-404", "WEB-06")
def _(works: Works) -> None:
    """The method is judged before the path."""

    def made(judge: Any) -> Any:
        return lambda self, method, path: (
            judge(self, method, self.path) or judge(self, method, path)
        )

    works.exchange(WebSite, "judge", made)


@breaks("media-type-wrong", "WEB-01")
def _(works: Works) -> None:
    """The media type of every response is text/plain."""

    def made(set_header: Any) -> Any:
        def wrong(self: Any, name: Any, value: Any) -> None:
            set_header(self, name, b"text/plain" if name == b"content-type" else value)

        return wrong

    works.exchange(WebRequest, "setHeader", made)


@breaks("media-type-judged", "WEB-01")
def _(works: Works) -> None:
    """A POST that names another media type is refused: 400."""

    def made(process: Any) -> Any:
        def judged(self: Any) -> None:
            named = self.requestHeaders.getRawHeaders(b"content-type", [])
            if named and named != [b"application/octet-stream"]:
                self._respond(refused_page(400, "another media type"))
            else:
                process(self)

        return judged

    works.exchange(WebRequest, "process", made)


@breaks("transaction-type-not-repeated", "WEB-01")
def _(works: Works) -> None:
    """The transaction type of a response is 0."""
    _pages(works, lambda wire, page: _with_web_header(wire, page, transaction=0))


@breaks("length-of-client-unchecked", "WEB-01")
def _(works: Works) -> None:
    """The length in the dispatcher header of a POST is not looked at."""

    def change(wire: Wire, body: bytes, cookie: str) -> tuple[bytes, str]:
        start = wire.web.size
        if len(body) < start + wire.dispatcher.size:
            return body, cookie
        header = replace(wire.dispatcher.decode(body, start), length=len(body) - start)
        octets = wire.dispatcher.encode(header)
        return body[:start] + octets + body[start + len(octets) :], cookie

    _requests(works, change)


@breaks("101-closes-http", "WEB-01")
def _(works: Works) -> None:
    """The web server closes its connection behind 101 and 102."""

    def made(respond: Any) -> Any:
        def responded(self: Any, page: Page) -> Any:
            channel = self.channel
            done = respond(self, page)
            if page.reason == "mismatch" and channel is not None:
                channel.loseConnection()
            return done

        return responded

    def change(wire: Wire, page: Page) -> Page:
        wrong = _status(wire, page) in (Status.VERSION, Status.LENGTH)
        return replace(page, reason="mismatch") if wrong else page

    _pages(works, change)
    works.exchange(WebRequest, "_respond", made)


@breaks("web-transaction-wider", "WEB-02", "HDR-10")
def _(works: Works) -> None:
    """The transaction type of the web header has two octets."""

    def change(profile: Profile) -> Profile:
        transaction = replace(profile.web.transaction, width=2)
        return replace(profile, web=replace(profile.web, transaction=transaction))

    works.profile(change)


@breaks("any-transaction-type-taken", "WEB-06")
def _(works: Works) -> None:
    """A transaction type that there is not is taken for 1."""
    works.exchange(front, "_TRANSACTIONS", lambda _: range(256))


@breaks("short-body-is-102", "WEB-06")
def _(works: Works) -> None:
    """A body that is shorter than its two headers is answered with HTTP 200 and status 102."""
    _refusals(works, HTTPStatus.BAD_REQUEST, Status.LENGTH)


@breaks("short-body-is-500", "WEB-06")
def _(works: Works) -> None:
    """A body that is shorter than its two headers is answered with HTTP 500."""
    _refusals(works, HTTPStatus.BAD_REQUEST, None)


@breaks("dispatcher-lost-is-106", "WEB-06")
def _(works: Works) -> None:
    """When no dispatcher can be reached the answer is HTTP 200 and status 106."""
    _refusals(works, HTTPStatus.SERVICE_UNAVAILABLE, Status.UNAVAILABLE)


def _refusals(works: Works, http: HTTPStatus, status: Status | None) -> None:
    """Say something else than that HTTP status: both headers with that status, or 500."""

    def made(profile: Profile) -> AroundPage:
        async def around(answer: PostAnswerer, body: bytes, cookie: str, hop: Hop) -> Page:
            page = await answer(body, cookie, hop)
            if page.status != http:
                return page
            if status is None:
                return refused_page(500, "the web server has failed")
            wire = profile.wire
            inner = wire.dispatcher.frame(DispatcherHeader(profile.version, status=status), b"")
            return Page(HTTPStatus.OK, wire.web.encode(WebHeader(1)) + inner)

        return around

    works.web(made)


@breaks("refusal-is-403", "WEB-05", "WEB-06")
def _(works: Works) -> None:
    """An unknown session is answered with HTTP 403."""

    def change(wire: Wire, page: Page) -> Page:
        if _status(wire, page) == Status.NO_SESSION:
            return refused_page(403, "no session")
        return page

    _pages(works, change)


@breaks("error-is-http-500", "WEB-06")
def _(works: Works) -> None:
    """A status from 100 on is answered with HTTP 500."""

    def change(wire: Wire, page: Page) -> Page:
        failed = _status(wire, page) >= Status.APPLICATION_ERROR
        return replace(page, status=500) if failed else page

    _pages(works, change)


@breaks("longer-body-kept", "WEB-06")
def _(works: Works) -> None:
    """The body of a POST may be twice as long."""
    works.exchange(WebRequest, "longest", lambda longest: lambda self: 2 * longest(self))


@breaks("session-before-length", "WEB-06")
def _(works: Works) -> None:
    """The web server judges the session before the length."""

    def made(transaction: Any) -> Any:
        async def judged(self: Any, web: Any, cookie: str, body: bytes, *rest: Any) -> Page:
            key = web.session_key or cookie
            if web.transaction != Transaction.LOGON and await self._jar.customer(key) is None:
                header = self._wire.dispatcher.decode(body, self._wire.web.size)
                bare = self._wire.dispatcher.frame(header.reply(Status.NO_SESSION), b"")
                return self._page(web, "", bare, ended=True)  # type: ignore[no-any-return]
            return await transaction(self, web, cookie, body, *rest)  # type: ignore[no-any-return]

        return judged

    works.exchange(Front, "_transaction", made)


@breaks("jar-lost-is-105", "WEB-06", "HDR-11")
def _(works: Works) -> None:
    """When the cookie jar cannot be reached the web server answers 105."""

    def made(status: Any) -> Any:
        return lambda self, web, frame, code, told: status(
            self, web, frame, Status.NO_SESSION if code == Status.UNAVAILABLE else code, told
        )

    works.exchange(Front, "_status", made)


# ---- WEB-03: the session key ---------------------------------------------------------------------


@breaks("key-missing-in-web-header", "WEB-03")
def _(works: Works) -> None:
    """The web header of a response has no key; the cookie has."""
    _pages(works, lambda wire, page: _with_web_header(wire, page, session_key=""))


@breaks("cookie-missing-in-replies", "WEB-03")
def _(works: Works) -> None:
    """A response sets no cookie."""
    _pages(works, lambda wire, page: replace(page, key=None))


def _cookies(works: Works, **fields: Any) -> None:
    def made(add: Any) -> Any:
        return lambda self, name, value, **options: add(self, name, value, **{**options, **fields})

    works.exchange(WebRequest, "addCookie", made)


@breaks("cookie-without-httponly", "WEB-03")
def _(works: Works) -> None:
    """The cookie has no HttpOnly."""
    _cookies(works, httpOnly=False)


@breaks("cookie-without-path", "WEB-03")
def _(works: Works) -> None:
    """The cookie has no path."""
    _cookies(works, path=None)


@breaks("cookie-without-secure", "WEB-03")
def _(works: Works) -> None:
    """Over TLS the cookie has no Secure."""
    _cookies(works, secure=False)


@breaks("cookie-by-another-name", "WEB-03", "HDR-10")
def _(works: Works) -> None:
    """The cookie has another name than the profile's."""
    works.profile(lambda profile: replace(profile, cookie=profile.cookie.upper()))


@breaks("cookie-ignored", "WEB-03")
def _(works: Works) -> None:
    """The cookie of a request is not looked at."""
    _requests(works, lambda wire, body, cookie: (body, ""))


@breaks("key-and-cookie-may-differ", "WEB-03")
def _(works: Works) -> None:
    """Where key and cookie differ the key counts."""

    def change(wire: Wire, body: bytes, cookie: str) -> tuple[bytes, str]:
        header = _web_header(wire, body)
        return body, "" if header and header.session_key else cookie

    _requests(works, change)


@breaks("first-cookie-counts", "WEB-03")
def _(works: Works) -> None:
    """Of several cookies the first counts."""

    def get(self: Any, name: bytes) -> bytes | None:
        for line in self.requestHeaders.getRawHeaders(b"cookie", []):
            for cookie in line.split(b";"):
                key, _, value = cookie.strip().partition(b"=")
                if key == name:
                    return bytes(value)
        return None

    works.exchange(WebRequest, "getCookie", lambda _: get)


@breaks("key-given-back-with-refusal", "WEB-03")
def _(works: Works) -> None:
    """Replies without a live session have the key that the client sent."""

    def made(answered: Any) -> Any:
        def page(self: Any, web: WebHeader, key: str, frame: bytes, **options: Any) -> Page:
            return answered(self, web, key or web.session_key, frame, **options)  # type: ignore[no-any-return]

        return page

    works.exchange(Front, "_page", made)


@breaks("cookie-kept-after-105", "WEB-03")
def _(works: Works) -> None:
    """The cookie is never taken away."""
    _pages(works, lambda wire, page: replace(page, key=page.key or None))


@breaks("cookie-taken-away-by-any-failure", "WEB-03")
def _(works: Works) -> None:
    """The cookie is taken away by every status from 101 on."""

    def change(wire: Wire, page: Page) -> Page:
        failed = _status(wire, page) > Status.APPLICATION_ERROR
        return replace(page, key="") if failed else page

    _pages(works, change)


# ---- DSP-01 at the web server --------------------------------------------------------------------


@breaks("client-identity-believed", "DSP-01")
def _(works: Works) -> None:
    """The web server passes on the user id that the client's header has."""

    def made(enriched: Any) -> Any:
        def believed(self: Any, frame: Any, key: str, customer: Customer) -> bytes:
            userid = frame.header.user_id or customer.userid
            return bytes(enriched(self, frame, key, Customer(userid, customer.entpid)))

        return believed

    works.exchange(Front, "_enriched", made)


@breaks("identity-passed-back", "DSP-01")
def _(works: Works) -> None:
    """The dispatcher header that the client gets names its user."""

    def made(answer: Any) -> Any:
        async def told(self: Any, body: bytes, cookie: str, hop: Hop) -> Page:
            page: Page = await answer(self, body, cookie, hop)
            customer = await self._jar.customer(page.key) if page.key else None
            if customer is None:
                return page
            wire, start = self._wire, self._wire.web.size
            header = replace(wire.dispatcher.decode(page.body, start), user_id=customer.userid)
            behind = page.body[start + wire.dispatcher.size :]
            inner = wire.dispatcher.encode(header) + behind
            return replace(page, body=page.body[:start] + inner)

        return told

    works.exchange(Front, "answer", made)


@breaks("key-passed-back", "DSP-01")
def _(works: Works) -> None:
    """The dispatcher header that the client gets has the session key."""

    def change(wire: Wire, page: Page) -> Page:
        start = wire.web.size
        header = replace(wire.dispatcher.decode(page.body, start), session_key=page.key or "")
        behind = page.body[start + wire.dispatcher.size :]
        return replace(page, body=page.body[:start] + wire.dispatcher.encode(header) + behind)

    _pages(works, change)


# ---- WEB-07, WEB-08 ------------------------------------------------------------------------------


@breaks("plain-http-spoken", "WEB-07", "HDR-10")
def _(works: Works) -> None:
    """The web server speaks HTTP without TLS."""
    works.profile(lambda profile: replace(profile, allow_plain_http=True))


@breaks("old-tls-taken", "WEB-07", "HDR-10")
def _(works: Works) -> None:
    """The web server takes TLS below 1.2."""
    works.profile(lambda profile: replace(profile, allow_old_tls=True))


@breaks("web-header-in-every-frame", "WEB-08")
def _(works: Works) -> None:
    """In a bulk response the web header stands before every frame."""

    def change(wire: Wire, page: Page) -> Page:
        head = page.body[: wire.web.size]
        more = page.more and ChangedBody(page.more, lambda octets: head + octets)
        return replace(page, more=more)

    _pages(works, change)


@breaks("last-bulk-frame-missing", "WEB-08", "TRN-03")
def _(works: Works) -> None:
    """A bulk response ends without its last frame."""

    def change(wire: Wire, page: Page) -> Page:
        status = wire.dispatcher.integer("status")

        def data_only(octets: bytes) -> bytes:
            return octets if status.read(octets, 0) == Status.BULK else b""

        return replace(page, more=page.more and ChangedBody(page.more, data_only))

    _pages(works, change)


@breaks("lost-run-not-told", "WEB-08", "TRN-03")
def _(works: Works) -> None:
    """A bulk response whose dispatcher is lost ends without a last frame."""

    async def following(self: Relay) -> bytes:
        try:
            return await self.frame()
        except Unreachable:
            return b""

    works.exchange(Relay, "next", lambda _: following)
