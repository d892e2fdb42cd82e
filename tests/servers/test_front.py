"""The web server's behaviour: bodies and cookies in, pages out (WEB)."""

import io
from typing import Any

import pytest
from support import at_once

from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import DispatcherHeader, WebHeader
from starwire.protocol.profile import Profile, shipped
from starwire.servers.answering import Hop
from starwire.servers.customer import Customer
from starwire.servers.front import Front, Page
from starwire.servers.jar_client import JarUnreachable
from starwire.servers.link import Reply, TimedOut, Unreachable
from starwire.servers.trail import Trail

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
JEAN = Customer("jeanvnet2", "00022924")
LOST = Unreachable("lost", sent=True, began=True)
VUMA = b"VUMA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>"


class Chain:
    """A web server, its jar and its dispatcher."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.wire = profile.wire
        self.sessions: dict[str, Customer] = {KEY: JEAN}
        self.made: list[Customer] = []
        self.jar_is_up = True
        self.failure: Exception | None = None
        self.status = 0
        self.data: bytes | None = None
        self.sent: list[Frame[DispatcherHeader]] = []
        self.log = io.StringIO()
        self.frames: list[Any] = []
        self.closed = 0
        self.front = Front(profile, self, self.forward, self.open_stream, Trail(self.log))

    async def customer(self, key: str) -> Customer | None:
        self._up()
        return self.sessions.get(key)

    async def make(self, customer: Customer) -> str:
        self._up()
        self.made.append(customer)
        return OTHER

    async def drop(self, key: str) -> bool:
        self._up()
        return self.sessions.pop(key, None) is not None

    def _up(self) -> None:
        if not self.jar_is_up:
            raise JarUnreachable("gone")

    async def forward(self, octets: bytes, transaction: str) -> Reply:
        assert transaction == "t-1"
        frame = self.read(octets)
        self.sent.append(frame)
        if self.failure:
            raise self.failure
        header = frame.header.reply(self.status)
        data = b"said " + frame.data if self.data is None else self.data
        return Reply(self.read(self.wire.dispatcher.frame(header, data)), "own:1")

    own_address = "own:1"

    async def open_stream(self, octets: bytes, transaction: str) -> Any:
        await self.forward(octets, transaction)
        return self

    async def next(self) -> Frame[DispatcherHeader]:
        frame = self.frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        status, data = frame
        header = DispatcherHeader(1, 0, "RM", 3, "who", "where", KEY, status)
        return self.read(self.wire.dispatcher.frame(header, data))

    def send(self, octets: bytes) -> None:
        raise AssertionError("over HTTP nothing overtakes")

    def close(self) -> None:
        self.closed += 1

    def read(self, octets: bytes) -> Frame[DispatcherHeader]:
        reader = FrameReader(self.wire.dispatcher, self.profile)
        reader.feed(octets)
        frame = reader.next_frame()
        assert frame is not NEED_DATA
        assert frame.octets == octets
        return frame

    def body(
        self, data: bytes = b"GRTL<>", *, transaction: int = 1, key: str = KEY, type: int = 0
    ) -> bytes:
        header = DispatcherHeader(1, 0, "RM", type, "forged", "forged", "forged", 77)
        return self.wire.web.encode(WebHeader(transaction, key)) + self.wire.dispatcher.frame(
            header, data
        )

    def page(self, body: bytes, cookie: str = "") -> Page:
        answered: Page = at_once(self.front.answer(body, cookie, Hop("t-1", "192.0.2.7:4711")))
        return answered

    def post(self, body: bytes, cookie: str = "") -> tuple[WebHeader, Frame[DispatcherHeader]]:
        page = self.page(body, cookie)
        assert page.status == 200
        header = self.wire.web.decode(page.body)
        assert page.key in (header.session_key, None)
        return header, self.read(page.body[self.wire.web.size :])


@pytest.fixture(params=["default", "little"])
def chain(request: pytest.FixtureRequest) -> Chain:
    return Chain(shipped(request.param))


def test_identity_key_and_status_are_the_web_server_s(chain: Chain) -> None:
    web, reply = chain.post(chain.body(b"\x00\xff<>"))
    assert web == WebHeader(1, KEY)
    header = chain.sent[0].header
    length = chain.wire.dispatcher.size + 4
    assert header == DispatcherHeader(1, length, "RM", 0, "jeanvnet2", "00022924", KEY, 0)
    assert chain.sent[0].data == b"\x00\xff<>"
    assert reply.data == b"said \x00\xff<>"
    assert reply.header == DispatcherHeader(1, length + 5, "RM", 0, "", "", "", 0)


@pytest.mark.parametrize(
    ("key", "cookie", "status"),
    [
        (KEY, "", 0),
        ("", KEY, 0),
        (KEY, KEY, 0),
        (KEY, OTHER, 105),
        (OTHER, KEY, 105),
        (OTHER, "", 105),
        ("", "", 105),
    ],
)
def test_the_key_comes_in_the_header_or_as_cookie(
    chain: Chain, key: str, cookie: str, status: int
) -> None:
    web, reply = chain.post(chain.body(key=key), cookie)
    assert reply.header.status == status
    assert web.session_key == ("" if status else KEY)
    assert len(chain.sent) == (0 if status else 1)


@pytest.mark.parametrize("status", [100, 103, 104, 106, 107, 110, 111])
def test_every_other_status_is_passed_on_and_the_key_stays(chain: Chain, status: int) -> None:
    chain.status, chain.data = status, b""
    web, reply = chain.post(chain.body())
    assert (reply.header.status, web.session_key) == (status, KEY)


def test_a_session_that_ended_on_the_way_takes_the_key_along(chain: Chain) -> None:
    chain.status, chain.data = 105, b""
    web, reply = chain.post(chain.body())
    assert (reply.header.status, web.session_key) == (105, "")


def test_a_logon_goes_out_under_no_key_and_comes_back_with_one(chain: Chain) -> None:
    chain.data = VUMA
    body = chain.body(b"VUM<>", transaction=0).replace(b"RM      ", b"STAROE  ")
    web, reply = chain.post(body, cookie=KEY)
    assert web == WebHeader(0, OTHER)
    assert reply.data == VUMA
    assert chain.made == [JEAN]
    header = chain.sent[0].header
    assert (header.user_id, header.enterprise_id, header.session_key) == ("", "", "")


@pytest.mark.parametrize(
    ("target", "status", "data"),
    [
        (b"RM      ", 0, VUMA),
        (b"STAROE  ", 100, b"VUMA<ERROR=6115>"),
        (b"STAROE  ", 0, b"GUAA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>"),
        (b"STAROE  ", 0, b"VUMA<ERROR=0,USERID=jeanvnet2>"),
        (b"STAROE  ", 0, b"VUMA<"),
        (b"STAROE  ", 105, b""),
    ],
)
def test_nothing_but_a_good_vuma_opens_a_session(
    chain: Chain, target: bytes, status: int, data: bytes
) -> None:
    chain.status, chain.data = status, data
    body = chain.body(b"VUM<>", transaction=0).replace(b"RM      ", target)
    web, reply = chain.post(body)
    assert (web.session_key, reply.header.status, reply.data) == ("", status, data)
    assert chain.made == []


def test_a_logoff_is_not_forwarded_and_ends_the_session(chain: Chain) -> None:
    page = chain.page(chain.body(b"", transaction=2))
    assert page.key == ""
    assert chain.sessions == {}
    chain.sessions = {KEY: JEAN}
    web, reply = chain.post(chain.body(b"", transaction=2))
    assert (web, reply.header.status) == (WebHeader(2, ""), 0)
    assert chain.sent == []
    _, reply = chain.post(chain.body(b"", transaction=2))
    assert reply.header.status == 105


@pytest.mark.parametrize("transaction", [1, 2])
def test_without_a_jar_it_is_106(chain: Chain, transaction: int) -> None:
    chain.jar_is_up = False
    _, reply = chain.post(chain.body(transaction=transaction))
    assert reply.header.status == 106
    assert chain.sent == []


def test_a_logon_without_a_jar_is_106(chain: Chain) -> None:
    chain.data, chain.jar_is_up = VUMA, False
    body = chain.body(b"VUM<>", transaction=0).replace(b"RM      ", b"STAROE  ")
    web, reply = chain.post(body)
    assert (reply.header.status, web.session_key, reply.data) == (106, "", b"")


def test_without_a_dispatcher_it_is_http_503(chain: Chain) -> None:
    chain.failure = Unreachable("refused", sent=False, began=False)
    page = chain.page(chain.body())
    assert (page.status, page.body) == (503, b"no dispatcher can be reached\n")


def test_a_dispatcher_that_does_not_answer_in_time_is_109(chain: Chain) -> None:
    chain.failure = TimedOut("late")
    web, reply = chain.post(chain.body())
    assert (reply.header.status, reply.data, web.session_key) == (109, b"", KEY)


def test_a_body_shorter_than_its_headers_is_http_400(chain: Chain) -> None:
    whole = chain.wire.web.size + chain.wire.dispatcher.size
    for length in (0, 1, chain.wire.web.size, whole - 1):
        page = chain.page(chain.body()[:length])
        assert page.status == 400
        assert page.body.decode() == f"the body is shorter than its two headers, {whole} octets\n"


@pytest.mark.parametrize("transaction", [3, 255])
def test_an_unknown_transaction_type_is_http_400(chain: Chain, transaction: int) -> None:
    page = chain.page(chain.body(transaction=transaction))
    assert page.body == f"transaction type {transaction} is none of 0, 1, 2\n".encode()
    assert page.status == 400


@pytest.mark.parametrize("change", ["shorter", "longer"])
def test_a_length_that_is_not_the_body_s_is_102(chain: Chain, change: str) -> None:
    body = chain.body()
    web, reply = chain.post(body[:-1] if change == "shorter" else body + b"x")
    assert reply.header == DispatcherHeader(1, chain.wire.dispatcher.size, status=102)
    assert (web.session_key, chain.sent) == ("", [])


def test_another_version_is_101(chain: Chain) -> None:
    body = bytearray(chain.body())
    body[chain.wire.web.size] = 9
    _, reply = chain.post(bytes(body))
    assert reply.header == DispatcherHeader(1, chain.wire.dispatcher.size, status=101)
    assert chain.sent == []


@pytest.mark.parametrize(
    ("status", "key"), [(0, KEY), (100, KEY), (109, KEY), (105, ""), (106, KEY)]
)
def test_the_cookie_is_cleared_by_105_alone(chain: Chain, status: int, key: str) -> None:
    chain.status, chain.data = status, b""
    assert chain.page(chain.body()).key == key


def test_a_request_that_was_not_understood_leaves_the_cookie_alone(chain: Chain) -> None:
    assert chain.page(chain.body()[:-1], cookie=KEY).key is None
    chain.jar_is_up = False
    assert chain.page(chain.body(), cookie=KEY).key is None
    assert chain.page(chain.body(transaction=2), cookie=KEY).key is None


# ------------------------------------------------------------------------------------------- bulk


def more_of(chain: Chain, page: Page) -> list[tuple[DispatcherHeader, bytes]]:
    """The frames that follow a page's body."""
    assert page.more is not None
    found = []
    while octets := at_once(page.more.next()):
        frame = chain.read(octets)
        found.append((frame.header, frame.data))
    assert not page.more.take(octets)
    page.more.close()
    return found


def masked(chain: Chain, status: int, data: bytes) -> tuple[DispatcherHeader, bytes]:
    length = chain.wire.dispatcher.size + len(data)
    return DispatcherHeader(1, length, "RM", 3, status=status), data


def test_a_run_is_the_web_header_once_and_then_frames(chain: Chain) -> None:
    chain.frames = [(3, b"one"), (3, b"two"), (4, b"end")]
    page = chain.page(chain.body(b"asked", type=3))
    assert (page.status, page.key) == (200, KEY)
    assert chain.wire.web.decode(page.body) == WebHeader(1, KEY)
    first = chain.read(page.body[chain.wire.web.size :])
    assert (first.header, first.data) == masked(chain, 3, b"one")
    assert chain.log.getvalue() == ""
    assert more_of(chain, page) == [masked(chain, 3, b"two"), masked(chain, 4, b"end")]
    assert chain.closed == 1
    assert "http=200 target=RM user=jeanvnet2 out=own:1 status=4" in chain.log.getvalue()
    sent = chain.sent[0]
    assert (sent.header.type, sent.header.session_key, sent.data) == (3, KEY, b"asked")


@pytest.mark.parametrize(("failure", "status"), [(TimedOut(), 109), (LOST, 106)])
def test_a_run_without_an_end_is_given_one(chain: Chain, failure: Exception, status: int) -> None:
    chain.frames = [(3, b"one"), failure]
    page = chain.page(chain.body(b"asked", type=3))
    assert more_of(chain, page) == [masked(chain, status, b"")]


@pytest.mark.parametrize(
    ("frame", "status", "key"),
    [
        ((100, b"Z<>"), 100, KEY),
        ((105, b""), 105, ""),
        ((108, b""), 108, KEY),
        ((5, b"bulk"), 5, KEY),
        (TimedOut(), 109, KEY),
    ],
)
def test_one_frame_is_a_page_as_any_other(chain: Chain, frame: Any, status: int, key: str) -> None:
    chain.frames = [frame]
    page = chain.page(chain.body(b"asked", type=3))
    assert (page.more, page.key, chain.closed) == (None, key, 1)
    assert chain.wire.web.decode(page.body) == WebHeader(1, key)
    assert chain.read(page.body[chain.wire.web.size :]).header.status == status
    assert chain.log.getvalue().count("hop=web") == 1


def test_a_dispatcher_that_is_lost_before_the_first_frame_is_http_503(chain: Chain) -> None:
    chain.frames = [LOST]
    page = chain.page(chain.body(b"asked", type=3))
    assert (page.status, page.more, chain.closed) == (503, None, 1)


@pytest.mark.parametrize("key", ["", "nobody"])
def test_a_run_needs_a_session(chain: Chain, key: str) -> None:
    web, reply = chain.post(chain.body(b"asked", key=key, type=3))
    assert (web.session_key, reply.header.status, chain.sent) == ("", 105, [])
