"""The description of the control API: made from the routes that serve, and of the right form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Struct
from support_control import ControlClient
from twisted.internet.task import Clock

from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.profile import shipped
from starwire.servers.configuration import ControlSettings
from starwire.servers.control.openapi import DescriptionDesk, describe
from starwire.servers.control.plane import ControlPlane
from starwire.servers.control.routing import Added, Asked, Problem, route, routes_of
from starwire.servers.fault_plan import FaultPlan


class Paint(Struct, forbid_unknown_fields=True):
    """How."""

    colour: str
    coats: int = 1


class Pots(Struct, forbid_unknown_fields=True):
    since: int
    limit: int = 3


class Desk:
    @route("GET", "/pots", query=Pots, result=list[Paint])
    async def pots(self, asked: Asked) -> list[Paint]:
        """Pots,
        all of them."""
        return []

    @route("POST", "/pots", body=Paint, result=Added, status=201, example={"colour": "red"})
    async def add(self, asked: Asked) -> Added:
        """Add."""
        return Added(1)

    @route("GET", "/pots/<int:id>", result=Paint, others={503: Paint})
    async def pot(self, asked: Asked) -> Paint:
        """One."""
        raise Problem(404, "none", "id")

    @route("DELETE", "/pots/<int:id>", status=204)
    async def remove(self, asked: Asked) -> None:
        """Away."""

    @route("GET", "/text/<name>", result="text/plain")
    async def text(self, asked: Asked) -> str:
        """Text."""
        return ""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return describe(routes_of([Desk()]))


def test_a_route_is_an_operation(told: dict[str, Any]) -> None:
    assert set(told["paths"]) == {"/pots", "/pots/{id}", "/text/{name}"}
    assert set(told["paths"]["/pots/{id}"]) == {"get", "delete"}
    assert told["paths"]["/pots"]["get"]["summary"] == "Pots, all of them."
    assert told["paths"]["/pots"]["get"]["operationId"] == "get_pots"


def test_parameters_have_their_types(told: dict[str, Any]) -> None:
    since, limit = told["paths"]["/pots"]["get"]["parameters"]
    assert since == {
        "name": "since",
        "in": "query",
        "required": True,
        "schema": {"type": "integer"},
    }
    assert (limit["required"], limit["schema"]["default"]) == (False, 3)
    [number] = told["paths"]["/pots/{id}"]["get"]["parameters"]
    assert (number["in"], number["schema"]["type"]) == ("path", "integer")


def test_bodies_are_the_types_that_are_decoded(told: dict[str, Any]) -> None:
    content = told["paths"]["/pots"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Paint"}
    assert content["example"] == {"colour": "red"}
    paint = told["components"]["schemas"]["Paint"]
    assert (paint["required"], paint["additionalProperties"]) == (["colour"], False)
    assert set(told["components"]["schemas"]) == {"Added", "Error", "Paint", "Pots"}


def test_every_status_that_can_come_is_named(told: dict[str, Any]) -> None:
    paths = told["paths"]
    assert set(paths["/pots"]["get"]["responses"]) == {"200", "400", "403"}
    assert set(paths["/pots"]["post"]["responses"]) == {"201", "400", "403", "413", "415", "422"}
    assert set(paths["/pots/{id}"]["get"]["responses"]) == {"200", "400", "403", "404", "503"}
    assert paths["/pots/{id}"]["delete"]["responses"]["204"] == {"description": "No Content"}
    assert list(paths["/text/{name}"]["get"]["responses"]["200"]["content"]) == ["text/plain"]


def test_what_was_added_is_linked_to_what_may_be_asked_of_it(told: dict[str, Any]) -> None:
    links = told["paths"]["/pots"]["post"]["responses"]["201"]["links"]
    operations = {one["operationId"] for one in told["paths"]["/pots/{id}"].values()}
    assert {link["operationId"] for link in links.values()} == operations


def test_the_description_tells_of_itself() -> None:
    desk = DescriptionDesk()
    desk.tell_of(routes_of([Desk(), desk]))
    said = ControlClient(desk)("GET", "/openapi.json").json
    assert "/openapi.json" in said["paths"]
    assert said == json.loads(json.dumps(describe(routes_of([Desk(), desk]))))


def test_every_route_of_the_api_is_described() -> None:
    plane = ControlPlane(
        Clock(), shipped("default"), ControlSettings(), FaultPlan(), list, lambda: None
    )  # type: ignore[arg-type, return-value]
    site = plane.site(_state(), list)
    channel = ControlClient()
    channel.site = site
    said = channel("GET", "/openapi.json").json
    for path in ("/health", "/transactions/{id}", "/stubs/explain", "/faults/log", "/reset"):
        assert path in said["paths"]
    hops = said["components"]["schemas"]["TransactionQuery"]["properties"]["hop"]["pattern"]
    assert set(hops.strip("^$()").split("|")) == set(DEFAULT_PORTS) - {"control"}
    for path, operations in said["paths"].items():
        for operation in operations.values():
            assert operation["summary"].endswith("."), path


def _state() -> Any:
    from starwire.servers.control.state_desk import State
    from starwire.servers.passwords import PasswordCost

    return State(None, lambda _: None, PasswordCost(), 20, 8, lambda: None)  # type: ignore[arg-type, return-value]
