"""The dispatcher: who may reach what, and what its proxies' failures become (DSP)."""

import io
from typing import Any

import pytest
from support import at_once

from starwire.grammar import parse
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import CommonHeader, DispatcherHeader
from starwire.protocol.profile import Profile, shipped
from starwire.servers.answering import Hop
from starwire.servers.customer import Customer
from starwire.servers.dispatcher import Dispatcher
from starwire.servers.jar_client import JarUnreachable
from starwire.servers.link import Crowded, Reply, TimedOut, Unreachable
from starwire.servers.registry import Registry
from starwire.servers.serials import SerialsExhausted
from starwire.servers.trail import Trail

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
JEAN = Customer("jeanvnet2", "00022924")
HOP = Hop("t-1", "192.0.2.7:4711")
REFUSED = Unreachable("refused", sent=False, began=False)
CROWDED = Crowded("4096 requests wait", sent=False, began=False)
LOST = Unreachable("lost", sent=True, began=False)
TORN = Unreachable("lost", sent=True, began=True)


class Frames:
    """What a proxy answers to a bulk request: statuses with data, or what goes wrong."""

    own_address = "own:1"

    def __init__(self, request: CommonHeader, frames: list[Any], profile: Profile) -> None:
        self.request = request
        self.frames = frames
        self.profile = profile
        self.closed = 0

    async def next(self) -> Frame[CommonHeader]:
        frame = self.frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        status, data = frame
        codec = self.profile.wire.common
        return read(self.profile, codec, codec.frame(self.request.reply(status), data))

    def send(self, octets: bytes) -> None:
        raise AssertionError("nothing is to be cancelled")

    def close(self) -> None:
        self.closed += 1


class Chain:
    """A dispatcher whose proxies are a table of what they do."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.sessions: dict[str, Customer] | None = {KEY: JEAN, OTHER: Customer("a", "b")}
        self.apps = b"<RM~INBOX>"
        self.entitlement_error = 0
        self.failures: dict[str, Exception] = {}
        self.sent: list[tuple[str, CommonHeader, bytes]] = []
        self.status = 0
        self.change: dict[str, Any] = {}
        self.last = 0
        registry = Registry(
            {"RM": ["rm-1:1", "rm-2:1"], "RS": ["rs:1"], "STAROE": ["oe:1"], "ODS": ["ods:1"]}
        )
        self.frames: list[Any] = []
        self.log = io.StringIO()
        self.dispatcher = Dispatcher(
            profile,
            registry,
            self,
            self.serial,
            self.exchange,
            Trail(self.log),
            self.open_stream,
            reads={"GRTL"},
        )

    async def customer(self, key: str) -> Customer | None:
        if self.sessions is None:
            raise JarUnreachable("gone")
        return self.sessions.get(key)

    async def serial(self) -> int:
        if self.last < 0:
            raise SerialsExhausted
        self.last += 1
        return self.last

    async def exchange(
        self, address: str, header: CommonHeader, octets: bytes, transaction: str
    ) -> Reply:
        assert transaction == HOP.transaction
        request = read(self.profile, self.profile.wire.common, octets)
        assert (header.serial, header.type) == (request.header.serial, request.header.type)
        self.sent.append((address, request.header, request.data))
        if address in self.failures:
            raise self.failures[address]
        data = b"said " + request.data
        status = self.status
        if request.data.startswith(b"GUA<"):
            data, status = b"GUAA<ERROR=0,APPS=" + self.apps + b">", 0
            if self.entitlement_error:
                data, status = b"GUAA<ERROR=%d>" % self.entitlement_error, 100
        came = request.header
        fields = {"session_key": came.session_key, "type": came.type, "serial": came.serial}
        header = CommonHeader(1, status=status, **fields | self.change)
        reply = self.profile.wire.common.frame(header, data)
        return Reply(read(self.profile, self.profile.wire.common, reply), "own:1")

    async def open_stream(self, address: str, octets: bytes, transaction: str) -> Frames:
        assert transaction == HOP.transaction
        request = read(self.profile, self.profile.wire.common, octets)
        self.sent.append((address, request.header, request.data))
        if address in self.failures:
            raise self.failures[address]
        return Frames(request.header, self.frames, self.profile)

    def ask(self, data: bytes = b"GRTL<>", **fields: Any) -> Frame[DispatcherHeader]:
        given = {
            "target": "RM",
            "session_key": KEY,
            "user_id": JEAN.userid,
            "enterprise_id": JEAN.entpid,
            **fields,
        }
        codec = self.profile.wire.dispatcher
        frame = read(self.profile, codec, codec.frame(DispatcherHeader(1, **given), data))
        answer = at_once(self.dispatcher.answer(frame, HOP))
        assert not answer.close
        self.user = answer.user
        return read(self.profile, codec, answer.octets)

    def forwarded(self) -> list[tuple[str, bytes]]:
        """What reached a proxy, but the dispatcher's own questions."""
        return [(place, data) for place, _, data in self.sent if not data.startswith(b"GUA<")]


def read(profile: Profile, codec: Any, octets: bytes) -> Frame[Any]:
    reader: FrameReader[Any] = FrameReader(codec, profile)
    reader.feed(octets)
    frame = reader.next_frame()
    assert frame is not NEED_DATA
    assert frame.octets == octets
    return frame


@pytest.fixture(params=["default", "little"])
def chain(request: pytest.FixtureRequest) -> Chain:
    return Chain(shipped(request.param))


def test_a_request_is_wrapped_and_its_reply_unwrapped(chain: Chain) -> None:
    message = bytes(range(256))
    reply = chain.ask(message)
    assert reply.data == b"said " + message
    assert reply.header == DispatcherHeader(1, len(reply.octets), "RM", 0, status=0)
    place, header, data = chain.sent[-1]
    assert (place, data) == ("rm-1:1", message)
    assert header == CommonHeader(1, len(message) + chain.profile.wire.common.size, 0, KEY, 0, 2)


@pytest.mark.parametrize("status", [0, 100, 105, 107, 110])
def test_the_proxy_s_status_travels_back_unchanged(chain: Chain, status: int) -> None:
    chain.ask()
    chain.status = status
    assert chain.ask().header.status == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"type": 9, "target": "NOBODY", "session_key": ""}, 107),
        ({"target": "NOBODY", "session_key": ""}, 103),
        ({"target": "rm"}, 103),
        ({"target": ""}, 103),
        ({"target": "RM", "session_key": ""}, 105),
        ({"target": "RS", "session_key": "nobody's"}, 105),
        ({"target": "RM", "user_id": "dorod"}, 105),
        ({"target": "RM", "enterprise_id": "10324488"}, 105),
        ({"target": "RM", "user_id": "", "enterprise_id": ""}, 105),
        ({"target": "STAROE", "user_id": "dorod"}, 105),
        ({"target": "RM", "session_key": OTHER}, 105),
        ({"target": "RS"}, 104),
        ({"target": "ODS"}, 104),
        ({"target": "TVS"}, 104),
    ],
)
def test_what_is_refused_never_reaches_the_proxy(
    chain: Chain, fields: dict[str, Any], status: int
) -> None:
    reply = chain.ask(**fields)
    assert (reply.header.status, reply.data) == (status, b"")
    assert chain.forwarded() == []


def test_without_a_jar_it_is_106(chain: Chain) -> None:
    chain.sessions = None
    assert chain.ask().header.status == 106
    assert chain.sent == []


def test_the_answer_says_whose_session_asked(chain: Chain) -> None:
    """Proved by the session, refused or not; never what the header merely says."""
    chain.ask()
    assert chain.user == "jeanvnet2"
    assert chain.ask(target="RS").header.status == 104
    assert chain.user == "jeanvnet2"
    assert chain.ask(session_key=OTHER).header.status == 105
    assert chain.user == ""


def test_order_entry_is_open_to_every_session_and_to_none(chain: Chain) -> None:
    assert chain.ask(target="STAROE").header.status == 0
    assert chain.ask(target="STAROE", session_key="", user_id="").header.status == 0
    assert chain.sent[-1][1].session_key == ""


def test_entitlements_are_asked_once_under_the_session_s_key(chain: Chain) -> None:
    chain.ask()
    chain.ask(target="INBOX")
    asked = [(header, data) for _, header, data in chain.sent if data.startswith(b"GUA<")]
    assert [header.session_key for header, _ in asked] == [KEY]
    assert parse(asked[0][1])["USERID"].value.scalar == "jeanvnet2"


def test_a_session_that_has_ended_is_forgotten(chain: Chain) -> None:
    chain.ask()
    chain.sessions = {}
    assert chain.ask().header.status == 105
    chain.sessions = {KEY: JEAN}
    chain.apps = b"<INBOX>"
    assert chain.ask().header.status == 104


@pytest.mark.parametrize("apps", [b"", b"<>", b"<X~Y>"])
def test_no_entitlement_is_104(chain: Chain, apps: bytes) -> None:
    chain.apps = apps
    assert chain.ask().header.status == 104


@pytest.mark.parametrize(("error", "status"), [(6109, 104), (6115, 106)])
def test_who_has_no_targets_goes_nowhere_and_of_others_nobody_knows(
    chain: Chain, error: int, status: int
) -> None:
    chain.entitlement_error = error
    assert chain.ask().header.status == status
    assert chain.forwarded() == []


def test_without_star_oe_it_is_106_and_asked_again(chain: Chain) -> None:
    chain.failures["oe:1"] = REFUSED
    assert chain.ask().header.status == 106
    assert chain.forwarded() == []
    chain.failures.clear()
    assert chain.ask().header.status == 0


@pytest.mark.parametrize(
    ("failure", "message", "status", "tried"),
    [
        (REFUSED, b"ARD<>", 0, ["rm-1:1", "rm-2:1"]),
        (CROWDED, b"ARD<>", 0, ["rm-1:1", "rm-2:1"]),
        (LOST, b"GRTL<>", 0, ["rm-1:1", "rm-2:1"]),
        (LOST, b"ARD<>", 106, ["rm-1:1"]),
        (TORN, b"GRTL<>", 106, ["rm-1:1"]),
        (TimedOut("late"), b"GRTL<>", 109, ["rm-1:1"]),
    ],
)
def test_only_what_cannot_be_done_twice_by_it_goes_to_the_next_instance(
    chain: Chain, failure: Exception, message: bytes, status: int, tried: list[str]
) -> None:
    chain.failures["rm-1:1"] = failure
    assert chain.ask(message).header.status == status
    assert chain.forwarded() == [(place, message) for place in tried]


def test_all_instances_down_is_106(chain: Chain) -> None:
    chain.failures = {"rm-1:1": REFUSED, "rm-2:1": REFUSED}
    reply = chain.ask()
    assert (reply.header.status, reply.data) == (106, b"")


@pytest.mark.parametrize(("second", "status"), [(CROWDED, 111), (REFUSED, 106), (TORN, 106)])
def test_when_too_many_wait_for_the_last_instance_it_is_111(
    chain: Chain, second: Exception, status: int
) -> None:
    chain.failures = {"rm-1:1": CROWDED, "rm-2:1": second}
    reply = chain.ask()
    assert (reply.header.status, reply.data) == (status, b"")


def test_instances_take_turns(chain: Chain) -> None:
    for _ in range(4):
        chain.ask()
    assert [place for place, _ in chain.forwarded()] == ["rm-1:1", "rm-2:1"] * 2


@pytest.mark.parametrize("change", [{"serial": 99}, {"session_key": OTHER}, {"type": 3}])
def test_a_reply_to_another_request_is_106(chain: Chain, change: dict[str, Any]) -> None:
    chain.ask()
    chain.change = change
    reply = chain.ask()
    assert (reply.header.status, reply.data) == (106, b"")


def test_without_serials_it_is_111(chain: Chain) -> None:
    chain.last = -1
    assert chain.ask().header.status == 111
    assert chain.sent == []


def test_what_no_frame_can_hold_is_110() -> None:
    chain = Chain(shipped("default"))
    room = chain.profile.frame_octets - chain.profile.wire.dispatcher.size
    assert chain.ask(b"x" * (room - len(b"said "))).header.status == 0
    reply = chain.ask(b"x" * (room - len(b"said ") + 1))
    assert (reply.header.status, reply.data) == (110, b"")


# ------------------------------------------------------------------------------------------- bulk


def run_of(chain: Chain, data: bytes = b"bulk", **fields: Any) -> list[tuple[int, bytes]]:
    """Status and data of every frame that answers a type 3 frame."""
    given = {"target": "RM", "session_key": KEY, "type": 3, **fields}
    given |= {"user_id": JEAN.userid, "enterprise_id": JEAN.entpid}
    codec = chain.profile.wire.dispatcher
    frame = read(chain.profile, codec, codec.frame(DispatcherHeader(1, **given), data))
    answer = at_once(chain.dispatcher.answer(frame, HOP))
    if answer.body is None:
        answered = [answer.octets]
    else:
        assert answer.user == JEAN.userid
        answered = []
        while octets := at_once(answer.body.next()):
            answered.append(octets)
        answer.body.close()
    frames = [read(chain.profile, codec, octets) for octets in answered]
    assert all(one.header.target == "RM" and one.header.type == 3 for one in frames)
    return [(one.header.status, one.data) for one in frames]


def test_a_bulk_request_is_answered_by_the_proxy_s_frames(chain: Chain) -> None:
    chain.frames = [(3, b"one"), (3, b"two"), (4, b"end")]
    assert run_of(chain, b"asked") == [(3, b"one"), (3, b"two"), (4, b"end")]
    place, header, data = chain.sent[-1]
    assert (place, header.type, header.serial, data) == ("rm-1:1", 3, 2, b"asked")
    assert "user=jeanvnet2 target=RM serial=2 out=own:1 status=4" in chain.log.getvalue()


@pytest.mark.parametrize("first", [[], [(3, b"one")]])
@pytest.mark.parametrize(("failure", "status"), [(LOST, 106), (TORN, 106), (TimedOut(), 109)])
def test_a_proxy_that_is_lost_or_slow_leaves_a_last_frame(
    chain: Chain, first: list[Any], failure: Exception, status: int
) -> None:
    chain.frames = [*first, failure]
    assert run_of(chain) == [*first, (status, b"")]
    assert f"status={status}" in chain.log.getvalue()


def test_a_bulk_request_goes_to_the_next_instance_only_if_it_was_not_sent(chain: Chain) -> None:
    chain.failures = {"rm-1:1": REFUSED}
    chain.frames = [(5, b"")]
    assert run_of(chain) == [(5, b"")]
    assert [place for place, _ in chain.forwarded()] == ["rm-1:1", "rm-2:1"]
    chain.failures["rm-2:1"] = REFUSED
    assert run_of(chain) == [(106, b"")]


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"session_key": "nobody"}, 105), ({"session_key": ""}, 105), ({"session_key": OTHER}, 105)],
)
def test_who_may_not_go_there_may_not_in_bulk(
    chain: Chain, fields: dict[str, Any], status: int
) -> None:
    assert run_of(chain, **fields) == [(status, b"")]
    assert chain.forwarded() == []


def test_without_a_serial_a_bulk_request_is_111(chain: Chain) -> None:
    chain.last = -1
    chain.apps = b"<RM>"
    assert run_of(chain) == [(111, b"")]


def test_a_frame_that_the_next_hop_has_no_room_for_is_110(chain: Chain) -> None:
    room = chain.profile.bulk_frame_octets - chain.profile.wire.dispatcher.size
    chain.frames = [(3, b"x" * room), (3, b"x" * (room + 1))]
    assert [status for status, _ in run_of(chain)] == [3, 110]
