"""The proxy core judges echo, type, session and data, in this order (HDR-03, HDR-05, HDR-11)."""

import io
from typing import Any

import pytest
from support import at_once

from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import Profile, shipped
from starwire.protocol.status import Status
from starwire.servers.answering import Answer, Hop
from starwire.servers.customer import Customer
from starwire.servers.jar_client import JarUnreachable
from starwire.servers.proxy import PROXIES, DeskClosed, Done, Proxy
from starwire.servers.trail import Trail, digest

KEY = "0123456789abcdef"
JEAN = Customer("jeanvnet2", "00022924")
HOP = Hop("t-1", "192.0.2.7:4711")
SPECS = {spec.name: spec for spec in PROXIES}


class Jar:
    def __init__(self, known: dict[str, Customer] | None) -> None:
        self.known = known

    async def customer(self, key: str) -> Customer | None:
        if self.known is None:
            raise JarUnreachable("gone")
        return self.known.get(key)


class Transfers:
    """What answers type 3 frames: `reply`, told as what the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.reply: Any = None

    async def answer(self, header: CommonHeader, *asked: Any) -> Any:
        *request, tell = asked
        self.asked.append((header.serial, *request))
        tell({"status": 4, "transfer": 9})
        return self.reply


class Chain:
    """A proxy whose back end notes what reaches it."""

    def __init__(self, profile: Profile, name: str = "rm", jar_is_up: bool = True) -> None:
        self.profile = profile
        self.served: list[tuple[bytes, str, Customer | None]] = []
        self.done = Done(0, b"SRTL<ERROR=0>")
        jar = Jar({KEY: JEAN} if jar_is_up else None)
        self.found: Done | Status = Status.UNKNOWN_ID
        self.later: list[tuple[object, ...]] = []
        self.is_open = True
        self.log = io.StringIO()
        self.bulk = Transfers()
        self.proxy = Proxy(SPECS[name], profile, jar, self, self.bulk, Trail(self.log))

    async def serve(self, octets: bytes, door: str, customer: Customer | None) -> Done:
        self.served.append((octets, door, customer))
        return self.done

    async def accept(self, *request: object) -> bytes:
        self._check_open()
        self.later.append(request)
        return b"%020d" % len(self.later)

    async def poll(self, *request: object) -> Done | Status:
        self._check_open()
        self.later.append(request)
        return self.found

    def _check_open(self) -> None:
        if not self.is_open:
            raise DeskClosed

    def ask(self, data: bytes = b"GRTL<>", **fields: Any) -> Frame[CommonHeader]:
        header = CommonHeader(1, **{"session_key": KEY, "serial": 7, **fields})
        octets = self.profile.wire.common.frame(header, data)
        answer: Answer = at_once(self.proxy.answer(self.frame(octets), HOP))
        assert answer.close == (header.type in (1, 2))
        self.user = answer.user
        return self.frame(answer.octets)

    def frame(self, octets: bytes) -> Frame[CommonHeader]:
        reader = FrameReader(self.profile.wire.common, self.profile)
        reader.feed(octets)
        frame = reader.next_frame()
        assert frame is not NEED_DATA
        assert frame.octets == octets
        return frame


@pytest.fixture(params=["default", "little"])
def profile(request: pytest.FixtureRequest) -> Profile:
    return shipped(request.param)


def test_the_message_reaches_the_back_end_octet_for_octet(profile: Profile) -> None:
    chain = Chain(profile)
    message = bytes(range(256))
    reply = chain.ask(message)
    assert chain.served == [(message, "rm", JEAN)]
    assert reply.data == b"SRTL<ERROR=0>"
    assert (reply.header.status, reply.header.serial, reply.header.session_key) == (0, 7, KEY)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_the_answer_says_whose_session_asked(profile: Profile, kind: int) -> None:
    chain = Chain(profile)
    chain.ask(type=kind)
    assert chain.user == "jeanvnet2"
    chain.ask(type=kind, session_key="")
    assert chain.user == ""


def test_an_error_of_the_application_is_status_100(profile: Profile) -> None:
    chain = Chain(profile)
    chain.done = Done(6109, b"SRTL<ERROR=6109>")
    reply = chain.ask()
    assert (reply.header.status, reply.data) == (100, b"SRTL<ERROR=6109>")


@pytest.mark.parametrize("echo", [1, 255])
@pytest.mark.parametrize("fields", [{}, {"type": 99}, {"session_key": ""}])
def test_an_echo_comes_back_octet_for_octet_and_touches_nothing(
    profile: Profile, echo: int, fields: dict[str, Any]
) -> None:
    chain = Chain(profile, jar_is_up=False)
    header = CommonHeader(1, **{"echo": echo, "session_key": KEY, "serial": 9, **fields})
    octets = profile.wire.common.frame(header, b"anything")
    answer = at_once(chain.proxy.answer(chain.frame(octets), HOP))
    assert answer == Answer(octets)
    assert chain.served == []


@pytest.mark.parametrize(
    ("name", "kind"), [("rm", 4), ("inbox", 255), *(("staroe", kind) for kind in (1, 2, 3))]
)
def test_a_type_that_the_proxy_takes_no_part_in_is_107_before_the_session(
    profile: Profile, name: str, kind: int
) -> None:
    chain = Chain(profile, name)
    reply = chain.ask(type=kind, session_key="")
    assert (reply.header.status, reply.data, reply.header.type) == (107, b"", kind)
    assert chain.served == []


@pytest.mark.parametrize("key", ["", "nobody's"])
def test_without_a_live_session_it_is_105_before_the_data(profile: Profile, key: str) -> None:
    chain = Chain(profile)
    reply = chain.ask(b"<<<", session_key=key)
    assert (reply.header.status, reply.data, reply.header.session_key) == (105, b"", key)
    assert chain.served == []


def test_without_a_jar_it_is_106(profile: Profile) -> None:
    reply = Chain(profile, jar_is_up=False).ask()
    assert (reply.header.status, reply.data) == (106, b"")


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"VUM<USERID=a,PASSWORD=b>", 0),
        (b"\r\n VUM <>", 0),
        (b"VUM<", 0),
        (b"vum<>", 105),
        (b"VUMA<>", 105),
        (b"GUA<USERID=a>", 105),
        (b"VUM", 105),
        (b"", 105),
    ],
)
def test_star_oe_answers_nothing_but_vum_under_no_key(
    profile: Profile, message: bytes, status: int
) -> None:
    chain = Chain(profile, "staroe")
    reply = chain.ask(message, session_key="")
    assert reply.header.status == status
    assert chain.served == ([] if status else [(message, "staroe", None)])


def test_vum_under_a_key_needs_its_session(profile: Profile) -> None:
    chain = Chain(profile, "staroe")
    assert chain.ask(b"VUM<>", session_key="nobody's").header.status == 105


def test_what_no_frame_can_hold_is_110(profile: Profile) -> None:
    chain = Chain(profile)
    chain.done = Done(0, b"", too_large=True)
    assert chain.ask().header.status == 110
    room = profile.frame_octets - profile.wire.common.size
    chain.done = Done(0, b"x" * room)
    assert chain.ask().header.status == 0
    chain.done = Done(0, b"x" * (room + 1))
    reply = chain.ask()
    assert (reply.header.status, reply.data) == (110, b"")


def test_an_asynchronous_request_is_accepted_unseen(profile: Profile) -> None:
    chain = Chain(profile)
    reply = chain.ask(b"<<<", type=1)
    assert (reply.header.status, reply.header.type, reply.header.serial) == (1, 1, 7)
    assert reply.data == b"00000000000000000001"
    assert chain.later == [(7, KEY, b"<<<", "rm", JEAN)]
    assert chain.served == []


@pytest.mark.parametrize(
    ("found", "status", "data"),
    [
        (Status.IN_PROGRESS, 2, b""),
        (Status.UNKNOWN_ID, 108, b""),
        (Done(0, b"SRTL<ERROR=0>"), 0, b"SRTL<ERROR=0>"),
        (Done(6827, b"SRTL<ERROR=6827>"), 100, b"SRTL<ERROR=6827>"),
        (Done(0, b"", too_large=True), 110, b""),
    ],
)
def test_a_poll_tells_what_became_of_it(
    profile: Profile, found: Done | Status, status: int, data: bytes
) -> None:
    chain = Chain(profile)
    chain.found = found
    reply = chain.ask(b"00000000000000000001", type=2)
    assert (reply.header.status, reply.header.type, reply.data) == (status, 2, data)
    assert chain.later == [(b"00000000000000000001", "rm", JEAN)]


@pytest.mark.parametrize("kind", [1, 2])
def test_without_a_store_an_asynchronous_frame_is_111(profile: Profile, kind: int) -> None:
    chain = Chain(profile)
    chain.is_open = False
    assert chain.ask(type=kind).header.status == 111


@pytest.mark.parametrize("kind", [1, 2])
def test_asynchronous_frames_need_a_session_too(profile: Profile, kind: int) -> None:
    chain = Chain(profile)
    assert chain.ask(type=kind, session_key="nobody's").header.status == 105
    assert chain.later == []


def test_a_bulk_frame_is_answered_by_frames_of_their_own_making(profile: Profile) -> None:
    chain = Chain(profile)
    header = CommonHeader(1, session_key=KEY, type=3, serial=7)
    frame = chain.frame(profile.wire.common.frame(header, b"\0" * 25 + b"F<INBOXID=1>"))
    for reply, expected in (
        (b"octets", Answer(b"octets", user=JEAN.userid)),
        (chain, Answer(b"", body=chain, user=JEAN.userid)),  # type: ignore[arg-type]
    ):
        chain.bulk.reply = reply
        assert at_once(chain.proxy.answer(frame, HOP)) == expected
    assert chain.bulk.asked == [(7, frame.data, "rm", JEAN)] * 2
    assert (
        chain.log.getvalue().splitlines()
        == [
            "hop=rm txn=t-1 in=192.0.2.7:4711 serial=7 type=3 status=4 transfer=9 "
            f"digest={digest(b'F<INBOXID=1>')}"
        ]
        * 2
    )


@pytest.mark.parametrize(
    ("key", "up", "status"), [("", True, 105), ("x", True, 105), (KEY, False, 106)]
)
def test_a_bulk_frame_needs_a_session_before_anything_else(
    profile: Profile, key: str, up: bool, status: int
) -> None:
    chain = Chain(profile, jar_is_up=up)
    reply = chain.ask(b"", type=3, session_key=key)
    assert (reply.header.status, reply.header.type, reply.data) == (status, 3, b"")
    assert chain.bulk.asked == []
    assert f"status={status}" in chain.log.getvalue()
