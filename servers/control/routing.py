"""What the control API may be asked: routes, marked on the methods that answer them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import attrs
import msgspec
from msgspec import Struct

from starwire.protocol.profile import translated

JSON = "application/json"

_Marked = TypeVar("_Marked", bound=Callable[..., Any])
_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


class Error(Struct, frozen=True):
    """Why a request was not carried out, and which part of it is the reason."""

    error: str
    where: str
    """A path, a header, a query parameter or a key of the body; "" for the request as a whole."""


class Added(Struct, frozen=True):
    """The number of what was added."""

    id: int


class Problem(Exception):
    """A request that is not carried out; it becomes an Error with an HTTP status."""

    def __init__(self, status: int, error: str, where: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.body = Error(error, where)
        self.headers: dict[str, str] = {}


@attrs.frozen
class Text:
    """A response that is no JSON."""

    text: str
    kind: str


@attrs.frozen
class Coded:
    """A result under another status than the route's own."""

    status: int
    result: Any


@attrs.frozen
class Asked:
    """A request in the types of its route."""

    path: Mapping[str, Any]
    query: Any = None
    body: Any = None


@attrs.frozen
class Route:
    """One thing that may be asked."""

    method: str
    path: str
    """As Klein has it: `/faults/<int:number>`."""
    summary: str
    query: type[Struct] | None
    body: Any
    """The type of the JSON that is sent; None for none."""
    result: Any
    """The type of the JSON that comes back; a str is the content type of a text."""
    status: int
    others: Mapping[int, Any]
    """Further statuses and the type of what comes with each."""
    example: Mapping[str, Any] | None
    """A body that is taken."""

    @property
    def parameters(self) -> list[tuple[str, type]]:
        """Name and type of each part of the path that varies."""
        found = _PARAMETER.finditer(self.path)
        return [(one["name"], int if one["kind"] == "int" else str) for one in found]

    @property
    def template(self) -> str:
        """The path as OpenAPI has it: `/faults/{number}`."""
        return _PARAMETER.sub(lambda found: f"{{{found['name']}}}", self.path)


def route(
    method: str,
    path: str,
    *,
    result: Any = None,
    query: type[Struct] | None = None,
    body: Any = None,
    status: int = HTTPStatus.OK,
    others: Mapping[int, Any] | None = None,
    example: Mapping[str, Any] | None = None,
) -> Callable[[_Marked], _Marked]:
    """Mark a method `async (Asked) -> result`; its docstring describes the route."""

    def mark(answer: _Marked) -> _Marked:
        summary = " ".join((answer.__doc__ or "").split())
        wanted = (method, path, summary, query, body, result, int(status), others or {}, example)
        told = Route(*wanted)
        answer.route = told  # type: ignore[attr-defined]
        return answer

    return mark


@attrs.frozen
class Bound:
    """A route and the method that answers it."""

    route: Route
    answer: Callable[[Asked], Awaitable[Any]]


def routes_of(desks: Sequence[object]) -> list[Bound]:
    """Every marked method of `desks`, in the order in which they are written."""
    return [
        Bound(marked.route, getattr(desk, name))
        for desk in desks
        for name, marked in vars(type(desk)).items()
        if hasattr(marked, "route")
    ]


@attrs.frozen
class Response:
    """What goes back over HTTP."""

    status: int
    kind: str
    octets: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict)


async def respond(
    bound: Bound,
    path: Mapping[str, Any],
    query: Mapping[str, Sequence[str]],
    kind: str,
    body: bytes,
) -> Response:
    """Carry out a request whose route was found; `kind` is the content type of `body`."""
    told = bound.route
    try:
        asked = Asked(path, _query(told, query), _body(told, kind, body))
        result = await bound.answer(asked)
    except Problem as problem:
        return refused(problem)
    status = told.status
    if isinstance(result, Coded):
        status, result = result.status, result.result
    if isinstance(result, Text):
        return Response(status, result.kind, result.text.encode())
    if told.result is None:
        return Response(status, JSON, b"")
    return Response(status, JSON, msgspec.json.encode(result))


def refused(problem: Problem) -> Response:
    """The response that says why not."""
    return Response(problem.status, JSON, msgspec.json.encode(problem.body), problem.headers)


def _query(told: Route, query: Mapping[str, Sequence[str]]) -> Any:
    """The query in the route's type; Problem 400 names the parameter."""
    for name, values in query.items():
        if len(values) > 1:
            raise Problem(HTTPStatus.BAD_REQUEST, "given more than once", name)
    plain = {name: values[0] for name, values in query.items()}
    try:
        return msgspec.convert(plain, told.query or _NoQuery, strict=False)
    except msgspec.ValidationError as error:
        raise _malformed(error) from None


class _NoQuery(Struct, forbid_unknown_fields=True):
    pass


def _body(told: Route, kind: str, body: bytes) -> Any:
    """The body in the route's type; Problem 415 or 400.

    A content type is demanded even of an empty body: no page of a browser can send this one to
    another origin without asking first, and the answer to that question is no.
    """
    if told.body is None:
        return None
    if kind.partition(";")[0].strip().lower() != JSON:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"must be {JSON}", "Content-Type")
    try:
        return msgspec.convert(_with_integers(msgspec.json.decode(body)), told.body)
    except msgspec.ValidationError as error:
        raise _malformed(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"not JSON: {error}", "body") from None


def _with_integers(plain: Any) -> Any:
    """Numbers without a fraction as integers: JSON does not tell 5.0 from 5."""
    if isinstance(plain, float) and plain.is_integer():
        return int(plain)
    if isinstance(plain, dict):
        return {key: _with_integers(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_with_integers(value) for value in plain]
    return plain


def _malformed(error: msgspec.ValidationError) -> Problem:
    """400 for what is not of the described form; 422 for what has it and contradicts itself."""
    said = translated(str(error), "")
    contradicts = isinstance(error.__cause__, ValueError)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if contradicts else HTTPStatus.BAD_REQUEST
    return Problem(status, said.reason, said.key)
