"""The control API over HTTP: what it takes, what it refuses and how, and what runs here."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct
from support import Immediate
from support_control import ControlClient
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from starwire.grammar import __version__
from starwire.protocol.profile import shipped
from starwire.servers.control.fault_desk import FaultDesk
from starwire.servers.control.health import Endpoint, HealthDesk, StoreProbe
from starwire.servers.control.routing import Asked, Problem, Text, route
from starwire.servers.fault_plan import FaultPlan

PLACES = [Endpoint("web", "127.0.0.1", 8443), Endpoint("control", "127.0.0.1", 8400)]


class Wanted(Struct, forbid_unknown_fields=True):
    count: int
    name: str = ""

    def __post_init__(self) -> None:
        if self.name and not self.count:
            raise ValueError("count: must not be 0 with a name")


class Paged(Struct, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1)] = 10


class Desk:
    """Routes of every kind."""

    @route("GET", "/things", query=Paged, result=int)
    async def things(self, asked: Asked) -> int:
        """How many things are asked for."""
        return int(asked.query.limit)

    @route("POST", "/things", body=Wanted, result=Wanted, status=201)
    async def add(self, asked: Asked) -> Any:
        """Add."""
        return asked.body

    @route("GET", "/things/<int:number>", result=int)
    async def thing(self, asked: Asked) -> int:
        """One."""
        if asked.path["number"] > 9:
            raise Problem(404, "there is no such thing", "number")
        return int(asked.path["number"])

    @route("GET", "/text", result="text/plain")
    async def text(self, asked: Asked) -> Text:
        """Text."""
        return Text("é", "text/plain; charset=utf-8")

    @route("DELETE", "/things", status=204)
    async def remove(self, asked: Asked) -> None:
        """Nothing comes back."""

    @route("GET", "/broken", result=int)
    async def broken(self, asked: Asked) -> int:
        """Has a bug."""
        raise RuntimeError("a secret")


@pytest.fixture
def ask() -> ControlClient:
    return ControlClient(Desk(), longest=100, names=["tester.example"])


def test_a_result_is_json(ask: ControlClient) -> None:
    said = ask("POST", "/things", {"count": 3})
    assert (said.status, said.json) == (201, {"count": 3, "name": ""})
    assert said.headers["content-type"] == "application/json"
    assert said.headers["cache-control"] == "no-store"


def test_a_number_without_a_fraction_is_an_integer(ask: ControlClient) -> None:
    assert ask("POST", "/things", octets=b'{"count": 3.0}').json["count"] == 3
    assert ask("POST", "/things", octets=b'{"count": 3.5}').status == 400


def test_a_result_may_be_text(ask: ControlClient) -> None:
    said = ask("GET", "/text")
    assert (said.headers["content-type"], said.octets) == (
        "text/plain; charset=utf-8",
        "é".encode(),
    )


def test_a_status_without_content_has_none(ask: ControlClient) -> None:
    assert (ask("DELETE", "/things").status, ask("DELETE", "/things").octets) == (204, b"")


def test_a_query_and_a_part_of_the_path_have_their_types(ask: ControlClient) -> None:
    assert (ask("GET", "/things?limit=7").json, ask("GET", "/things/7").json) == (7, 7)


def test_head_has_the_headers_of_get(ask: ControlClient) -> None:
    said = ask("HEAD", "/things/7")
    assert (said.status, said.headers["content-length"], said.octets) == (200, "1", b"")


@pytest.mark.parametrize(
    ("request_", "status", "error", "where"),
    [
        (("GET", "/none"), 404, "there is nothing here", "/none"),
        (("GET", "/things/"), 404, "there is nothing here", "/things/"),
        (("GET", "/things/x"), 404, "there is nothing here", "/things/x"),
        (("GET", "/things/10"), 404, "there is no such thing", "number"),
        (("PUT", "/things", {"count": 1}), 405, "does not take PUT", "/things"),
        (("GET", "/things?limit=x"), 400, "must be an integer", "limit"),
        (("GET", "/things?limit=0"), 400, "Expected `int` >= 1", "limit"),
        (("GET", "/things?limit=1&limit=2"), 400, "given more than once", "limit"),
        (("GET", "/things?more=1"), 400, "no such key", "more"),
        (("POST", "/things", {"count": "x"}), 400, "must be an integer", "count"),
        (("POST", "/things", {"count": 1, "x": 1}), 400, "no such key", "x"),
        (("POST", "/things", {}), 400, "missing", "count"),
        (("POST", "/things", {"count": 0, "name": "x"}), 422, "must not be 0 with a name", "count"),
        (("POST", "/things", []), 400, "must be a table", ""),
        (("GET", "/caf%e9"), 400, "method or path is no text", "path"),
    ],
)
def test_a_refusal_says_why_and_where(
    ask: ControlClient, request_: Any, status: int, error: str, where: str
) -> None:
    said = ask(*request_)
    assert (said.status, said.json) == (status, {"error": error, "where": where})
    assert said.headers["content-type"] == "application/json"


def test_what_a_path_takes_stands_in_allow(ask: ControlClient) -> None:
    allowed = ask("PUT", "/things").headers["allow"]
    assert set(allowed.split(", ")) == {"DELETE", "GET", "HEAD", "POST"}


@pytest.mark.parametrize("octets", [b"", b"{", b'{"count":1}x', b"\xff", b'{"name":"\xe9"}'])
def test_what_is_no_json_is_told(octets: bytes) -> None:
    said = ControlClient(Desk())("POST", "/things", octets=octets)
    assert (said.status, said.json["where"]) == (400, "body")
    assert said.json["error"].startswith("not JSON: ")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_no_form_of_a_page_of_the_web_can_change_anything(ask: ControlClient, kind: str) -> None:
    """Such a POST goes to other origins without a question; JSON does not."""
    said = ask("POST", "/things", {"count": 1}, Content_Type=kind)
    assert (said.status, said.json["where"]) == (415, "Content-Type")


def test_nothing_is_told_to_pages_of_other_origins(ask: ControlClient) -> None:
    said = ask("GET", "/things", Origin="http://evil.example")
    assert [name for name in said.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8400", "", "127.0.0.1.evil", "["])
def test_a_name_that_was_made_to_point_here_is_refused(ask: ControlClient, host: str) -> None:
    said = ask("GET", "/things", Host=host)
    assert (said.status, said.json["where"]) == (403, "Host")


@pytest.mark.parametrize("host", ["localhost", "[::1]:8400", "127.0.0.1", "TESTER.example:1"])
def test_the_names_of_the_api_are_its_own(ask: ControlClient, host: str) -> None:
    assert ask("GET", "/things", Host=host).status == 200


def test_a_long_body_is_refused_before_it_is_sent(ask: ControlClient) -> None:
    head = b"POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n"
    answer = ask.raw(head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"error":"is longer than 100 octets","where":"body"}')


def test_a_long_body_of_unknown_length_is_refused_as_it_grows(ask: ControlClient) -> None:
    head = b"POST /things HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = ask.raw(head + b"40\r\n" + b"x" * 64 + b"\r\n40\r\n" + b"x" * 64 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_bug_shows_nothing_of_itself(ask: ControlClient) -> None:
    said = ask("GET", "/broken")
    assert said.status == 500
    assert said.json == {"error": "starwire has failed; its log says how", "where": ""}


class Hanging:
    """A state store that never answers."""

    store = "sqlite:///nowhere"

    def __init__(self) -> None:
        self.asked: list[Deferred[Any]] = []

    async def read(self, work: Any) -> Any:
        self.asked.append(Deferred())
        return await self.asked[-1]


def health(database: Any, clock: Clock) -> HealthDesk:
    return HealthDesk(shipped("default"), StoreProbe(clock, database), lambda: PLACES)


def test_health_of_what_can_work(empty_store: Any) -> None:
    said = ControlClient(health(Immediate(empty_store), Clock()))("GET", "/health")
    assert said.status == 200
    assert said.json == {
        "ready": True,
        "version": __version__,
        "profile": "default",
        "endpoints": [
            {"name": "web", "host": "127.0.0.1", "port": 8443},
            {"name": "control", "host": "127.0.0.1", "port": 8400},
        ],
        "store": {"url": str(empty_store), "reachable": True, "reason": ""},
    }


def test_health_of_a_store_that_refuses(empty_store: Any) -> None:
    class Down(Immediate):
        async def read(self, work: Any) -> Any:
            raise OSError("connection refused\nand more")

    said = ControlClient(health(Down(empty_store), Clock()))("GET", "/health")
    assert (said.status, said.json["ready"]) == (503, False)
    assert said.json["store"]["reason"] == "connection refused"


def test_health_is_told_although_the_store_hangs() -> None:
    """And a store that hangs is asked once, however often somebody wants to know."""
    clock, hanging = Clock(), Hanging()
    probe = StoreProbe(clock, hanging)
    first = Deferred.fromCoroutine(probe.state())
    second = Deferred.fromCoroutine(probe.state())
    clock.advance(1.9)
    assert not first.called
    clock.advance(0.2)
    assert (first.result.reachable, first.result.reason) == (False, "no answer for 2 seconds")
    assert second.result == first.result
    assert len(hanging.asked) == 1
    hanging.asked[0].callback(None)
    third = Deferred.fromCoroutine(probe.state())
    hanging.asked[1].callback(None)
    assert (third.result.reachable, third.result.reason) == (True, "")
    assert clock.getDelayedCalls() == []


def test_the_profile_is_told_in_the_words_of_its_file() -> None:
    ask = ControlClient(health(Hanging(), Clock()))
    assert ask("GET", "/profile").json["common"]["serial"] == {"width": 8, "order": None}
    assert len(ask("GET", "/endpoints").json) == 2


def test_faults_are_switched_on_and_off() -> None:
    plan = FaultPlan(seed=7)
    ask = ControlClient(FaultDesk(plan))
    assert ask("POST", "/faults", {"kind": "hang", "hop": "rm"}).json == {"id": 1}
    assert ask("POST", "/faults", {"kind": "reset", "user": "dorod"}).status == 201
    [hang, _] = ask("GET", "/faults").json["faults"]
    assert hang == {"id": 1, "hits": 0, "fault": {"kind": "hang", "hop": "rm"}}
    assert ask("DELETE", "/faults/1").status == 204
    assert [number for number, _, _ in plan.listing()] == [2]
    assert ask("GET", "/faults/2").json["fault"] == {"kind": "reset", "user": "dorod"}
    assert ask("GET", "/faults/1").json["where"] == "id"
    assert ask("DELETE", "/faults/1").status == 404


def test_faults_are_cleared_with_a_seed_or_without() -> None:
    plan = FaultPlan(seed=7)
    ask = ControlClient(FaultDesk(plan))
    ask("POST", "/faults", {"kind": "refuse", "hop": "rm"})
    assert ask("GET", "/faults/log").json == ["fault=1 kind=refuse hop=rm"]
    assert ask("DELETE", "/faults").status == 204
    assert (plan.seed, plan.listing(), plan.log) == (7, [], [])
    ask("DELETE", "/faults?seed=12")
    assert ask("GET", "/faults").json == {"seed": 12, "faults": []}


@pytest.mark.parametrize(
    ("fault", "status", "error", "where"),
    [
        ({"kind": "hang", "hops": "rm"}, 400, "no such key", "hops"),
        ({"kind": "none"}, 400, "Invalid enum value 'none'", "kind"),
        ({"kind": "delay"}, 422, "must be above 0", "seconds"),
    ],
)
def test_a_fault_that_is_none_is_told_with_its_key(
    fault: Any, status: int, error: str, where: str
) -> None:
    said = ControlClient(FaultDesk(FaultPlan()))("POST", "/faults", fault)
    assert (said.status, said.json) == (status, {"error": error, "where": where})
