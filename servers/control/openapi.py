"""The OpenAPI description, made from the routes and types that serve (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from starwire.grammar import __version__

from .routing import JSON, Added, Asked, Bound, Error, Route, route

_REFS = "#/components/schemas/{name}"
_KINDS = {int: {"type": "integer", "minimum": 0}, str: {"type": "string"}}
_ABOUT = (
    "Looks into a running starwire emulator and steers it: what crossed its ports, stubs, faults, "
    "state. On loopback, without authentication; see docs/control.md."
)


def describe(routes: Sequence[Bound]) -> dict[str, Any]:
    """The description of `routes` as plain data."""
    told = [bound.route for bound in routes]
    components = _Components(told)
    paths: dict[str, dict[str, Any]] = {}
    for one in told:
        operation = {"operationId": _name(one), **_operation(one, components)}
        if one.result is Added:
            operation["responses"][str(one.status)]["links"] = _links(one, told)
        paths.setdefault(one.template, {})[one.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "starwire control API", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": components.named},
    }


def _name(one: Route) -> str:
    """Of an operation, which no other has: `get_faults_id`."""
    return "_".join(re.findall(r"[A-Za-z]+", f"{one.method.lower()} {one.template}"))


class _Components:
    """The schemas of every type that the routes mention."""

    def __init__(self, routes: Iterable[Route]) -> None:
        types: list[Any] = [Error]
        for one in routes:
            types += [one.query, one.body, one.result, *one.others.values()]
        self._types = [one for one in types if one is not None and not isinstance(one, str)]
        schemas, self.named = msgspec.json.schema_components(self._types, ref_template=_REFS)
        self._schemas = list(schemas)

    def of(self, wanted: Any) -> dict[str, Any]:
        """The schema of a type, which is a reference where it has a name."""
        return self._schemas[self._types.index(wanted)]

    def fields(self, wanted: type[msgspec.Struct]) -> tuple[Mapping[str, Any], Sequence[str]]:
        """The schema of each field of a struct, and the names of those that must be given."""
        whole = self.named[wanted.__name__]
        return whole["properties"], whole.get("required", [])


def _operation(one: Route, components: _Components) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": one.summary}
    if parameters := [*_in_path(one), *_in_query(one, components)]:
        operation["parameters"] = parameters
    if one.body is not None:
        content = {"schema": components.of(one.body)}
        if one.example is not None:
            content["example"] = dict(one.example)
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    operation["responses"] = {
        str(int(status)): _response(status, result, components)
        for status, result in _responses(one)
    }
    return operation


def _links(added: Route, routes: Iterable[Route]) -> dict[str, Any]:
    """What may be asked about something that was added, by the number that came back."""
    return {
        _name(one): {"operationId": _name(one), "parameters": {"id": "$response.body#/id"}}
        for one in routes
        if one.template == f"{added.template}/{{id}}"
    }


def _in_path(one: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _KINDS[kind]}
        for name, kind in one.parameters
    ]


def _in_query(one: Route, components: _Components) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    properties, required = components.fields(one.query)
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in properties.items()
    ]


def _responses(one: Route) -> Iterable[tuple[int, Any]]:
    """Each status and the type of what comes with it; Error where the route names none."""
    yield one.status, one.result
    problems = {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}
    if one.body is not None:
        problems |= {
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        }
    if one.parameters:
        problems.add(HTTPStatus.NOT_FOUND)
    for status in sorted(problems | set(one.others)):
        yield status, one.others.get(status) or Error


def _response(status: int, result: Any, components: _Components) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if isinstance(result, str):
        response["content"] = {result: {"schema": {"type": "string"}}}
    elif result is not None:
        response["content"] = {JSON: {"schema": components.of(result)}}
    return response


class DescriptionDesk:
    """Tells what may be asked here."""

    def __init__(self) -> None:
        self._routes: Sequence[Bound] = ()

    def tell_of(self, routes: Sequence[Bound]) -> None:
        """Describe these, its own among them."""
        self._routes = routes

    @route("GET", "/openapi.json", result=dict[str, Any])
    async def openapi(self, asked: Asked) -> dict[str, Any]:
        """This description."""
        return describe(self._routes)
