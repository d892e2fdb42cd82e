"""The control API's HTTP, around `routing`; Klein finds the routes.

Loaded by the first connection (`plane.ControlPort`): most emulators are never asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request, Site
from werkzeug.exceptions import HTTPException

from starwire.servers.bounded import BoundedRequest

from .routing import JSON, Bound, Problem, Response, refused, respond

_IDLE_SECONDS = 60
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""The names under which a page of another site cannot reach us: they are nobody's to give away."""


class ControlRequest(BoundedRequest, Request):
    """One HTTP request of the control API."""

    site: ControlSite

    def longest(self) -> int:
        return int(self.channel.site.longest)

    def said_too_long(self) -> tuple[str, bytes]:
        most = self.longest()
        problem = Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"is longer than {most} octets", "body"
        )
        return JSON, refused(problem).octets

    def process(self) -> None:
        if self.refused:
            return
        site: ControlSite = self.channel.site
        host = (self.getHeader(b"host") or b"").decode("latin-1").lower()
        problem = site.judge(host, self.method, self.path)
        if problem is None:
            super().process()
        else:
            self.write(_head(self, refused(problem)))
            self.finish()


def _head(request: Any, response: Response) -> bytes:
    """Set what goes before a response; gives its octets."""
    request.setResponseCode(response.status)
    headers = {
        "Content-Type": response.kind,
        "Content-Length": str(len(response.octets)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **response.headers,
    }
    for name, value in headers.items():
        request.setHeader(name.encode(), value.encode())
    return response.octets


def _resource(routes: Sequence[Bound]) -> Any:
    """The resource of an application that serves `routes`."""
    app = Klein()
    logger = Logger(namespace="starwire.control")

    def serve(bound: Bound) -> None:
        async def answer(request: Any, **path: Any) -> Any:
            query = {_text(name): [_text(one) for one in of] for name, of in request.args.items()}
            kind = (request.getHeader(b"content-type") or b"").decode("latin-1")
            response = await respond(bound, path, query, kind, request.content.read())
            return _head(request, response)

        told = bound.route
        app.route(told.path, methods=[told.method], endpoint=f"{told.method} {told.path}")(answer)

    for bound in routes:
        serve(bound)

    def not_found(request: Any, failure: Failure) -> Any:
        error: Any = failure.value
        path = _text(request.path)
        said = {404: "there is nothing here", 405: f"does not take {_text(request.method)}"}
        problem = Problem(error.code, said.get(error.code, error.name), path)
        if getattr(error, "valid_methods", None):
            problem.headers["Allow"] = ", ".join(error.valid_methods)
        return _head(request, refused(problem))

    def bug(request: Any, failure: Failure) -> Any:
        logger.failure("{path} failed", failure, path=_text(request.path))
        return _head(request, refused(Problem(500, "starwire has failed; its log says how")))

    app.handle_errors(HTTPException)(not_found)
    app.handle_errors(Exception)(bug)
    return app.resource()


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


class ControlSite(Site):
    """The port. Requests that do not call it by one of `names` are refused.

    A page of the web could otherwise have its own name resolved to our address, and its scripts
    would then read what is here as if it were theirs (DNS rebinding).
    """

    noisy = False

    def __init__(self, routes: Sequence[Bound], *, names: Collection[str], longest: int) -> None:
        super().__init__(_resource(routes), requestFactory=ControlRequest, timeout=_IDLE_SECONDS)
        self.longest = longest
        self._names = {*LOOPBACK, *(name.lower() for name in names)}

    def judge(self, host: str, method: bytes, path: bytes) -> Problem | None:
        """Why a request goes no further, or None."""
        if _host_name(host) not in self._names:
            return Problem(HTTPStatus.FORBIDDEN, f"{host!r} is not a name of this API", "Host")
        try:
            method.decode("ascii")
            unquote_to_bytes(path).decode("utf-8")
        except UnicodeDecodeError:
            return Problem(HTTPStatus.BAD_REQUEST, "method or path is no text", "path")
        return None

    def log(self, request: Any) -> None:
        """Nothing: the access log of the site is not the emulator's."""


def _host_name(host: str) -> str:
    """The Host header without the port: `[::1]:8400` is `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
