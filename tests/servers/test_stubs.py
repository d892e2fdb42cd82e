"""Stubs: which requests they answer, with what, how often, and why not."""

from __future__ import annotations

from typing import Any

import pytest
from support import at_once
from support_control import ControlClient

from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import Profile, shipped
from starwire.servers.answering import Answer, Hop
from starwire.servers.control.stub_desk import StubDesk
from starwire.servers.customer import Customer
from starwire.servers.jar_client import JarUnreachable
from starwire.servers.stub import is_like
from starwire.servers.stubs import Stubs

HOP = Hop("t-1", "192.0.2.7:4711")
THROUGH = Answer(b"the server's own")


class Stubbed:
    """Ports with stubs, and what the server behind them sees."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile or shipped("default")
        self.slept: list[float] = []
        self.seen: list[Any] = []
        self.asked_for: list[str] = []
        self.jar_is_up = True
        self.stubs = Stubs(self.profile, self.sleep, lambda: self)
        self.ask = ControlClient(StubDesk(self.stubs))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def customer(self, key: str) -> Customer | None:
        self.asked_for.append(key)
        if not self.jar_is_up:
            raise JarUnreachable("gone")
        return Customer("dorod", "00022924") if key == "good" else None

    async def answer(self, request: Any, hop: Hop) -> Answer:
        self.seen.append(request)
        return THROUGH

    def add(self, **stub: Any) -> int:
        said = self.ask("POST", "/stubs", stub)
        assert said.status == 201, said.json
        return int(said.json["id"])

    def cross(self, port: str, request: Any) -> Answer:
        answer: Answer = at_once(self.stubs.interpose(port, self.answer)(request, HOP))
        return answer

    def rm(self, data: bytes, **fields: Any) -> Answer:
        """A request at rm."""
        codec = self.profile.wire.common
        octets = codec.frame(CommonHeader(1, **fields), data)
        return self.cross("rm", Frame(codec.decode(octets), octets, codec.size))

    def reply(self, answer: Answer) -> tuple[int, bytes]:
        """Status and data of an answer at rm."""
        codec = self.profile.wire.common
        return codec.decode(answer.octets).status, answer.octets[codec.size :]


@pytest.fixture
def stubbed() -> Stubbed:
    return Stubbed()


NO_ROWS = {"acronym": "SRTL", "fields": {"ERROR": "6109"}}
SAID = (100, b"SRTL<ERROR=6109>")


def test_a_stub_answers_in_place_of_the_server(stubbed: Stubbed) -> None:
    stubbed.add(acronym="GRTL", reply=NO_ROWS)
    answer = stubbed.rm(b"GRTL<PRODUCT=V>", serial=9, session_key="good", type=0)
    header = stubbed.profile.wire.common.decode(answer.octets)
    assert (header.serial, header.session_key, header.length) == (9, "good", len(answer.octets))
    assert stubbed.reply(answer) == SAID
    assert (answer.user, answer.close, stubbed.seen) == ("dorod", False, [])


def test_without_stubs_the_server_is_called_at_once(stubbed: Stubbed) -> None:
    made: list[Any] = []

    def server(request: Any, hop: Hop) -> Any:
        made.append(stubbed.answer(request, hop))
        return made[-1]

    coroutine = stubbed.stubs.interpose("rm", server)(b"", HOP)
    assert coroutine is made[0]
    coroutine.close()


@pytest.mark.parametrize(
    ("conditions", "fails"),
    [
        ({}, None),
        ({"hop": "rm"}, None),
        ({"hop": "rs"}, "hop"),
        ({"acronym": "ARD"}, None),
        ({"acronym": "ard"}, "acronym"),
        ({"user": "dorod"}, None),
        ({"user": "other"}, "user"),
        ({"serial": 7}, None),
        ({"serial": 8}, "serial"),
        ({"type": 0}, None),
        ({"type": 1}, "type"),
        ({"parameters": {"NAME": "Long Calls"}}, None),
        ({"parameters": {"name": "Long Calls"}}, None),
        ({"parameters": {"NAME": "Long"}}, "parameters.NAME"),
        ({"parameters": {"NAME": {"equals": "Long Calls"}}}, None),
        ({"parameters": {"NAME": {"like": "Long*"}}}, None),
        ({"parameters": {"NAME": {"like": "long*"}}}, "parameters.NAME"),
        ({"parameters": {"COLUMNS": {"equals": "<44~36>"}}}, None),
        ({"parameters": {"NAME": {"exists": True}, "ANI": {"exists": False}}}, None),
        ({"parameters": {"NAME": {"exists": False}}}, "parameters.NAME"),
        ({"parameters": {"ANI": {"exists": True}}}, "parameters.ANI"),
        ({"parameters": {"ANI": {"like": "*"}}}, "parameters.ANI"),
        ({"acronym": "ARD", "serial": 7, "user": "dorod", "hop": "rm"}, None),
    ],
)
def test_what_describes_a_request(
    stubbed: Stubbed, conditions: dict[str, Any], fails: str | None
) -> None:
    stubbed.add(**conditions, reply=NO_ROWS)
    message = b"ARD<NAME= Long Calls ,COLUMNS=<44~36>>"
    answer = stubbed.rm(message, serial=7, session_key="good")
    assert (answer is THROUGH) == (fails is not None)
    question = {"hop": "rm", "message": message.decode(), "user": "dorod", "serial": 7, "type": 0}
    told = stubbed.ask("POST", "/stubs/explain", question).json
    assert [one["condition"] for one in told["stubs"][0]["fails"]] == ([fails] if fails else [])
    assert told["answers"] == (None if fails else 1)


@pytest.mark.parametrize(
    ("value", "pattern", "is_so"),
    [
        ("abc", "abc", True),
        ("abc", "ab", False),
        ("abc", "a*", True),
        ("abc", "*c", True),
        ("abc", "*", True),
        ("", "*", True),
        ("abc", "a*c", True),
        ("ac", "a*c", True),
        ("a", "a*a", False),
        ("abcbd", "a*b*d", True),
        ("abcd", "*bc*bc*", False),
        ("aXbXc", "a*X*c", True),
        ("a.c", "a?c", False),
        ("ab" * 5000, "*a" * 200 + "*z", False),
    ],
)
def test_a_star_stands_for_anything(value: str, pattern: str, is_so: bool) -> None:
    assert is_like(value, pattern) is is_so


def test_the_nth_and_the_first_few(stubbed: Stubbed) -> None:
    stubbed.add(acronym="A", nth=2, reply={"octets": "second"})
    stubbed.add(acronym="B", first=2, reply={"octets": "early"})
    assert [stubbed.rm(b"A<>") is THROUGH for _ in range(3)] == [True, False, True]
    assert [stubbed.rm(b"B<>") is THROUGH for _ in range(3)] == [False, False, True]
    listed = stubbed.ask("GET", "/stubs").json
    assert [(one["described"], one["used"]) for one in listed] == [(3, 1), (3, 2)]


def test_the_first_that_describes_a_request_and_whose_turn_it_is_answers(stubbed: Stubbed) -> None:
    stubbed.add(reply={"octets": "any"}, nth=2)
    stubbed.add(acronym="A", reply={"octets": "named"})
    stubbed.add(reply={"octets": "behind"})
    said = [stubbed.reply(stubbed.rm(data))[1] for data in (b"A<>", b"A<>", b"A<>", b"B<>")]
    assert said == [b"named", b"any", b"named", b"behind"]
    assert [one["id"] for one in stubbed.ask("GET", "/stubs").json] == [1, 2, 3]


def test_a_removed_stub_answers_no_more(stubbed: Stubbed) -> None:
    first = stubbed.add(acronym="A", reply=NO_ROWS)
    stubbed.add(acronym="B", reply=NO_ROWS)
    assert stubbed.ask("DELETE", f"/stubs/{first}").status == 204
    assert stubbed.ask("GET", f"/stubs/{first}").status == 404
    assert stubbed.ask("DELETE", f"/stubs/{first}").status == 404
    assert stubbed.rm(b"A<>") is THROUGH
    assert stubbed.rm(b"B<>") is not THROUGH
    assert stubbed.ask("DELETE", "/stubs").status == 204
    assert stubbed.rm(b"B<>") is THROUGH
    assert stubbed.add(acronym="C", reply=NO_ROWS) == 3


def test_stubs_that_nobody_met_are_listed(stubbed: Stubbed) -> None:
    stubbed.add(acronym="A", reply=NO_ROWS)
    stubbed.add(acronym="B", reply=NO_ROWS)
    stubbed.rm(b"A<>")
    [unused] = stubbed.ask("GET", "/stubs/unused").json
    assert (unused["id"], unused["stub"]) == (2, {"acronym": "B", "reply": NO_ROWS})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"octets": "é<"}, (0, b"\xe9<")),
        ({"octets": "S<ERROR=0>"}, (0, b"S<ERROR=0>")),
        ({"octets": "S<ERROR=6109>"}, (100, b"S<ERROR=6109>")),
        ({"octets": "S<ERROR=6109>", "status": 0}, (0, b"S<ERROR=6109>")),
        ({"status": 111}, (111, b"")),
        ({"status": 105, "octets": "S<>"}, (105, b"S<>")),
        ({"acronym": "S", "fields": {"A": "1", "B": ["2", "3"]}}, (0, b"S<A=1,B=2,B=3>")),
        ({"acronym": "S"}, (0, b"S<>")),
    ],
)
def test_what_a_reply_is(stubbed: Stubbed, reply: Any, said: Any) -> None:
    stubbed.add(reply=reply)
    assert stubbed.reply(stubbed.rm(b"A<>")) == said


def test_a_delay_comes_before_the_reply_or_before_the_server(stubbed: Stubbed) -> None:
    stubbed.add(acronym="A", reply={"delay": 0.5})
    stubbed.add(acronym="B", reply={"delay": 2, "status": 106})
    assert stubbed.rm(b"A<>") is THROUGH
    assert stubbed.slept == [0.5]
    assert stubbed.reply(stubbed.rm(b"B<>")) == (106, b"")
    assert stubbed.slept == [0.5, 2.0]


@pytest.mark.parametrize(("type_", "closes"), [(0, False), (1, True), (2, True)])
def test_a_proxy_closes_behind_what_stands_on_its_own(
    stubbed: Stubbed, type_: int, closes: bool
) -> None:
    stubbed.add(reply={"status": 108})
    assert stubbed.rm(b"A<>", type=type_).close is closes


def test_bulk_is_for_stubs_that_name_it(stubbed: Stubbed) -> None:
    stubbed.add(reply={"status": 110})
    assert stubbed.rm(bytes(25), type=3) is THROUGH
    stubbed.add(type=3, reply={"status": 110})
    assert stubbed.reply(stubbed.rm(bytes(25), type=3)) == (110, b"")


def test_echoes_are_the_servers(stubbed: Stubbed) -> None:
    stubbed.add(reply={"status": 106})
    assert stubbed.rm(b"", echo=1) is THROUGH


def test_the_dispatcher_is_told_who_asks(stubbed: Stubbed) -> None:
    stubbed.add(hop="dispatcher", user="jeanvnet2", reply=NO_ROWS)
    codec = stubbed.profile.wire.dispatcher
    for user, answered in (("jeanvnet2", True), ("other", False)):
        octets = codec.frame(DispatcherHeader(1, target="RM", type=1, user_id=user), b"A<>")
        answer = stubbed.cross("dispatcher", Frame(codec.decode(octets), octets, codec.size))
        assert (answer is not THROUGH) is answered
        assert answer.close is False
    assert stubbed.asked_for == []


def test_a_bare_message_names_its_user(stubbed: Stubbed) -> None:
    stubbed.add(hop="rm-native", user="dorod", reply={"octets": "NRLA<ERROR=0>"})
    assert stubbed.cross("rm-native", b"NRL<USERID=dorod>").octets == b"NRLA<ERROR=0>"
    assert stubbed.cross("rm-native", b"NRL<USERID=other>") is THROUGH


def test_a_status_has_no_place_on_a_bare_port(stubbed: Stubbed) -> None:
    stubbed.add(reply={"status": 106})
    assert stubbed.cross("rm-native", b"NRL<>") is THROUGH
    said = stubbed.ask("POST", "/stubs", {"hop": "jar", "reply": {"status": 106}})
    assert said.json["error"] == "status: jar carries bare messages, which have none"


def test_the_jar_is_asked_only_when_somebody_wants_to_know(stubbed: Stubbed) -> None:
    stubbed.add(acronym="B", user="dorod", reply=NO_ROWS)
    stubbed.add(acronym="C", serial=5, reply=NO_ROWS)
    stubbed.rm(b"A<>", session_key="good")
    stubbed.rm(b"C<>", session_key="good", serial=6)
    assert stubbed.asked_for == []
    stubbed.rm(b"B<>", session_key="good")
    assert stubbed.asked_for == ["good"]
    stubbed.jar_is_up = False
    assert stubbed.rm(b"B<>", session_key="good") is THROUGH


def test_what_is_no_message_has_no_parameters(stubbed: Stubbed) -> None:
    stubbed.add(parameters={"A": {"exists": False}}, reply=NO_ROWS)
    assert stubbed.rm(b"A<<") is not THROUGH


@pytest.mark.parametrize(
    ("stub", "status", "error", "where"),
    [
        ({}, 400, "missing", "reply"),
        ({"reply": {}}, 422, "give octets, acronym, status or delay", "reply.octets"),
        ({"reply": {"octets": "", "acronym": "A"}}, 422, "not with acronym", "reply.octets"),
        ({"reply": {"fields": {"A": "1"}}}, 422, "of which acronym?", "reply.fields"),
        (
            {"reply": {"acronym": "A", "fields": {"B": "<"}}},
            422,
            "'<' cannot be data",
            "reply.fields.B",
        ),
        ({"reply": NO_ROWS, "nth": 1, "first": 1}, 422, "not with first", "nth"),
        ({"reply": NO_ROWS, "hop": "web"}, 400, None, "hop"),
        ({"reply": NO_ROWS, "nth": 0}, 400, "Expected `int` >= 1", "nth"),
        ({"reply": NO_ROWS, "parameters": {"A": {}}}, 422, None, "parameters[...].equals"),
        ({"reply": {"octets": "€"}}, 400, None, "reply.octets"),
        ({"reply": NO_ROWS, "acronyms": "A"}, 400, "no such key", "acronyms"),
    ],
)
def test_a_stub_that_is_none_is_refused(
    stubbed: Stubbed, stub: Any, status: int, error: str | None, where: str
) -> None:
    said = stubbed.ask("POST", "/stubs", stub)
    assert (said.status, said.json["where"]) == (status, where)
    assert error in (None, said.json["error"]), said.json
    assert stubbed.ask("GET", "/stubs").json == []


def test_a_status_has_to_fit_the_header() -> None:
    little = Stubbed(shipped("little"))
    said = little.ask("POST", "/stubs", {"hop": "rm", "reply": {"status": 256}})
    assert (said.status, said.json["error"]) == (422, "status: 256 does not fit 1 octets")


def test_an_explanation_names_the_nearest_first(stubbed: Stubbed) -> None:
    stubbed.add(acronym="GRTD", hop="rs", reply=NO_ROWS)
    stubbed.add(acronym="GRTL", parameters={"PRODUCT": "T"}, reply=NO_ROWS)
    stubbed.add(acronym="GRTL", nth=2, reply=NO_ROWS)
    stubbed.add(acronym="GRTL", parameters={"PRODUCT": {"like": "V*"}}, reply=NO_ROWS)
    told = stubbed.ask("POST", "/stubs/explain", {"hop": "rm", "message": "GRTL<PRODUCT=V>"}).json
    assert told["answers"] == 4
    assert [one["id"] for one in told["stubs"]] == [3, 4, 2, 1]
    third, _, second, first = told["stubs"]
    assert (third["describes"], third["its_turn"]) == (True, False)
    assert second["fails"] == [{"condition": "parameters.PRODUCT", "wanted": "'T'", "found": "'V'"}]
    assert [one["condition"] for one in first["fails"]] == ["hop", "acronym"]
    assert [one["described"] for one in stubbed.ask("GET", "/stubs").json] == [0, 0, 0, 0]
