"""The journal: what is kept of the transactions of each port, how much, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import at_once
from support_control import ControlClient
from twisted.internet.defer import CancelledError, Deferred

from starwire.grammar import Limits
from starwire.protocol.frames import Frame
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import shipped
from starwire.servers.answering import Answer, Hop
from starwire.servers.control.shown import Showing
from starwire.servers.control.transaction_desk import TransactionDesk
from starwire.servers.front import Page
from starwire.servers.journal import Journal, Record
from starwire.servers.masking import masked
from starwire.servers.observer import Observer

PROFILE = shipped("default")
COMMON, DISPATCHER, WEB = PROFILE.wire.common, PROFILE.wire.dispatcher, PROFILE.wire.web
HOP = Hop("t-1", "192.0.2.7:4711")


def framed(data: bytes, **fields: Any) -> Frame[Any]:
    octets = COMMON.frame(CommonHeader(1, **fields), data)
    return Frame(COMMON.decode(octets), octets, COMMON.size)


def reply(data: bytes, **fields: Any) -> Answer:
    return Answer(COMMON.frame(CommonHeader(1, **fields), data), user="dorod")


class Watched:
    """Ports under observation, each answering what it is told to."""

    def __init__(self, *, entries: int = 100, octets: int = 100_000, longest: int = 1000) -> None:
        self.journal = Journal(entries, octets)
        self.counted: list[Record] = []
        self.now = 100.0
        self.observer = Observer(
            PROFILE,
            self.journal.add,
            self.counted.append,
            message_octets=longest,
            clock=lambda: self.now + 9000,
            now=lambda: self.now,
        )
        self.ask = ControlClient(TransactionDesk(self.journal, Showing(PROFILE)))

    def cross(self, port: str, request: Any, answer: Any, hop: Hop = HOP) -> Any:
        """A request at a port; the answer takes a quarter of a second."""

        async def answering(request: Any, hop: Hop) -> Any:
            self.now += 0.25
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return at_once(self.observer.interpose(port, answering)(request, hop))

    def listed(self, query: str = "") -> list[dict[str, Any]]:
        return self.ask("GET", f"/transactions{query}").json["transactions"]  # type: ignore[no-any-return]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_transaction_at_a_proxy(watched: Watched) -> None:
    answer = reply(b"SRTL<ERROR=6109>", serial=7, status=100)
    assert watched.cross("rm", framed(b"GRTL<PRODUCT=V>", serial=7), answer) is answer
    [told] = watched.listed()
    assert told == {
        "id": 1,
        "hop": "rm",
        "transaction": "t-1",
        "peer": "192.0.2.7:4711",
        "user": "dorod",
        "target": "RM",
        "type": 0,
        "serial": 7,
        "acronym": "GRTL",
        "status": 100,
        "code": "6109",
        "http": None,
        "outcome": "answered",
        "began": 9100.0,
        "seconds": 0.25,
        "request_octets": 64,
        "reply_octets": 65,
        "reply_frames": 1,
    }


def test_its_octets_headers_and_tree(watched: Watched) -> None:
    request = framed(b"GRTL<PRODUCT=\xe9>", serial=7, session_key="k")
    watched.cross("rm", request, reply(b"SRTL<ERROR=0>", status=0))
    told = watched.ask("GET", "/transactions/1").json
    assert told["request"]["octets"].encode("latin-1") == request.octets
    [header] = told["request"]["headers"]
    assert (header["layer"], header["fields"]["session_key"]) == ("common", "k")
    [field] = told["request"]["message"]["fields"]
    assert (field["key"], field["text"], field["offset"]) == ("PRODUCT", "é", 13)
    assert told["reply"]["message"]["acronym"] == "SRTL"
    assert (told["request"]["whole"], told["request"]["no_message"]) == (True, "")


def test_what_is_no_message_is_told_with_its_place(watched: Watched) -> None:
    watched.cross("rm", framed(b"GRTL<<"), reply(b""))
    told = watched.ask("GET", "/transactions/1").json
    assert told["request"]["message"] is None
    assert told["request"]["no_message"].startswith("octet ")
    assert told["reply"]["no_message"] == "no data"


def test_bare_messages_have_no_header(watched: Watched) -> None:
    watched.cross("inbox-native", b"A<X=1>", Answer(b"Z<REQ=A,ERROR=5102>"))
    [told] = watched.listed()
    found = (told["type"], told["status"], told["serial"], told["code"], told["acronym"])
    assert found == (None, None, None, "5102", "A")


def test_a_transaction_at_the_dispatcher_has_the_target_of_its_header(watched: Watched) -> None:
    octets = DISPATCHER.frame(DispatcherHeader(1, target="INBOX", type=1), b"L<>")
    answer = Answer(DISPATCHER.frame(DispatcherHeader(1, status=104), b""))
    watched.cross("dispatcher", Frame(DISPATCHER.decode(octets), octets, DISPATCHER.size), answer)
    [told] = watched.listed()
    assert (told["target"], told["type"], told["status"], told["code"]) == ("INBOX", 1, 104, "")


def post(data: bytes, status: int = 0) -> bytes:
    dispatcher = DISPATCHER.frame(DispatcherHeader(1, target="RM", status=status), data)
    return WEB.encode(WebHeader(1, "key")) + dispatcher


def test_the_web_server_learns_the_user_from_the_dispatcher(watched: Watched) -> None:
    async def answering(body: bytes, cookie: str, hop: Hop) -> Page:
        octets = DISPATCHER.frame(DispatcherHeader(1, target="RM"), b"GRTL<>")
        frame = Frame(DISPATCHER.decode(octets), octets, DISPATCHER.size)
        reply = Answer(DISPATCHER.frame(DispatcherHeader(1), b""), user="jeanvnet2")
        watched.cross("dispatcher", frame, reply, hop)
        return Page(200, post(b"SRTL<ERROR=6827>", 100))

    at_once(watched.observer.interpose_web(answering)(post(b"GRTL<>"), "", HOP))
    dispatcher, web = watched.listed()
    assert (dispatcher["hop"], web["hop"], web["user"]) == ("dispatcher", "web", "jeanvnet2")
    assert (web["http"], web["status"], web["code"], web["target"]) == (200, 100, "6827", "RM")
    layers = watched.ask("GET", "/transactions/2").json["request"]["headers"]
    assert [layer["layer"] for layer in layers] == ["web", "dispatcher"]
    assert watched.observer._users == {}


def test_a_post_that_is_refused_has_no_status_of_the_wire(watched: Watched) -> None:
    async def answering(body: bytes, cookie: str, hop: Hop) -> Page:
        return Page(400, b"the body is shorter than its two headers, 109 octets\n")

    at_once(watched.observer.interpose_web(answering)(b"short", "", HOP))
    [told] = watched.listed()
    assert (told["http"], told["status"], told["target"]) == (400, None, "")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RuntimeError("bug"), "failed"),
        (CancelledError(), "cancelled"),
        (GeneratorExit(), "cancelled"),
    ],
)
def test_what_was_never_answered_is_told(
    watched: Watched, error: BaseException, outcome: str
) -> None:
    with pytest.raises(type(error)):
        watched.cross("rm", framed(b"GRTL<>"), error)
    [told] = watched.listed()
    assert (told["outcome"], told["status"], told["reply_frames"]) == (outcome, None, 0)
    assert watched.ask("GET", "/transactions/1").json["reply"] is None


def test_echoes_are_counted_and_not_kept(watched: Watched) -> None:
    watched.cross("rm", framed(b"", echo=1), reply(b""))
    assert (watched.listed(), len(watched.counted)) == ([], 1)


class Frames:
    """A body of given frames."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = [*frames, b""]
        self.closed = 0

    async def next(self) -> bytes:
        return self.frames.pop(0)

    def take(self, request: Any) -> bool:
        return request == "cancel"

    def close(self) -> None:
        self.closed += 1


def bulk(operation: int, payload: bytes, status: int) -> bytes:
    header = PROFILE.wire.bulk.encode(BulkHeader(operation, 9, 0, 5))
    return COMMON.frame(CommonHeader(1, type=3, serial=4, status=status), header + payload)


def drained(answer: Answer, frames: int) -> None:
    assert answer.body is not None
    for _ in range(frames):
        at_once(answer.body.next())
    answer.body.close()


def test_a_bulk_reply_is_its_last_frame_and_counts(watched: Watched) -> None:
    body = Frames(bulk(1, b"44,30", 3), bulk(2, b"D" * 32, 4))
    asked = framed(bytes(25) + b"F<INBOXID=4>", type=3, serial=4)
    answer = watched.cross("inbox", asked, Answer(b"", body=body, user="dorod"))
    assert (answer.body.take("cancel"), answer.body.take("other")) == (True, False)
    assert watched.listed() == []
    drained(answer, 3)
    assert body.closed == 1
    [told] = watched.listed()
    assert (told["reply_frames"], told["reply_octets"]) == (2, 79 + 106)
    assert (told["acronym"], told["status"], told["outcome"]) == ("F", 4, "answered")
    shown = watched.ask("GET", "/transactions/1").json["reply"]
    assert [header["layer"] for header in shown["headers"]] == ["common", "bulk"]
    assert shown["octets"].endswith("D" * 32)
    assert shown["whole"] is False


def test_a_digest_is_not_taken_for_a_code(watched: Watched) -> None:
    body = Frames(bulk(2, b"<ERROR=6109>".ljust(32, b"D"), 4))
    drained(watched.cross("inbox", framed(b"", type=3), Answer(b"", body=body)), 2)
    [told] = watched.listed()
    assert (told["status"], told["code"]) == (4, "")


def test_the_payload_of_a_run_that_was_broken_off_is_not_kept(watched: Watched) -> None:
    body = Frames(bulk(1, b"secret", 3))
    drained(watched.cross("inbox", framed(b"", type=3), Answer(b"", body=body)), 1)
    [told] = watched.listed()
    assert (told["outcome"], told["reply_octets"], told["status"]) == ("cancelled", 80, 3)
    assert "secret" not in watched.ask("GET", "/transactions/1").json["reply"]["octets"]


def test_a_bulk_reply_at_the_web_server(watched: Watched) -> None:
    def frame(operation: int, payload: bytes, status: int) -> bytes:
        header = PROFILE.wire.bulk.encode(BulkHeader(operation, 9, 0, 5))
        return DISPATCHER.frame(DispatcherHeader(1, type=3, status=status), header + payload)

    async def answering(body: bytes, cookie: str, hop: Hop) -> Page:
        first = WEB.encode(WebHeader(1, "key")) + frame(1, b"secret", 3)
        return Page(200, first, "key", more=Frames(*later))

    later: list[bytes] = []
    post = watched.observer.interpose_web(answering)
    page = at_once(post(b"", "", HOP))
    assert (page.key, watched.listed()) == ("key", [])
    at_once(page.more.next())
    page.more.close()
    later.append(frame(2, b"D" * 32, 4))
    page = at_once(post(b"", "", HOP))
    for _ in range(2):
        at_once(page.more.next())
    page.more.close()
    one, two = watched.listed("?detail=full")
    assert "secret" not in one["reply"]["octets"]
    assert (one["status"], one["reply_frames"], one["reply_octets"]) == (3, 1, 33 + 76 + 25 + 6)
    assert (two["status"], two["reply_frames"], two["outcome"]) == (4, 2, "answered")
    assert two["reply"]["octets"].endswith("D" * 32)
    assert watched.observer._users == {}


def crossed(watched: Watched, *messages: bytes) -> None:
    for message in messages:
        watched.cross("rm", framed(message), reply(b"SRTL<ERROR=0>"))


def test_the_oldest_go_first() -> None:
    watched = Watched(entries=2)
    crossed(watched, b"A<>", b"B<>", b"C<>")
    assert [told["acronym"] for told in watched.listed()] == ["B", "C"]
    answer = watched.ask("GET", "/transactions").json
    assert (answer["first"], answer["last"]) == (2, 3)
    assert watched.ask("GET", "/transactions/1").status == 404
    assert watched.ask("GET", "/transactions/3").json["acronym"] == "C"
    assert watched.ask("GET", "/transactions/4").status == 404


def test_octets_are_bounded_too() -> None:
    watched = Watched(octets=250)
    crossed(watched, b"A<>", b"B<>", b"C<>")  # 52 octets each, and 62 of the reply
    assert [told["acronym"] for told in watched.listed()] == ["B", "C"]
    watched.cross("rm", framed(b"D" * 300), reply(b""))
    assert watched.listed() == []


def test_of_a_long_message_the_beginning_is_kept() -> None:
    watched = Watched(longest=60)
    crossed(watched, b"GRTL<PRODUCT=V,DATATYPE=R>")
    told = watched.ask("GET", "/transactions/1").json
    assert (told["request_octets"], told["request"]["whole"]) == (75, False)
    assert told["request"]["octets"].endswith("GRTL<PRODUC")
    assert watched.listed("?acronym=GRTL") != []


def test_numbers_go_on_when_the_journal_was_emptied(watched: Watched) -> None:
    crossed(watched, b"A<>")
    assert watched.ask("DELETE", "/transactions").status == 204
    answer = watched.ask("GET", "/transactions").json
    assert answer == {"first": 2, "last": 1, "transactions": []}
    crossed(watched, b"B<>")
    assert [told["id"] for told in watched.listed()] == [2]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2, 3, 4]),
        ("?hop=rm", [1, 2]),
        ("?acronym=GRTD", [2]),
        ("?user=dorod", [1, 2]),
        ("?user=other", []),
        ("?status=100", [2]),
        ("?code=6109", [2]),
        ("?transaction=t-9", [4]),
        ("?text=REPORTID%3D7", [2]),
        ("?text=reportid", [2]),
        ("?text=srtl", [1]),
        ("?text=%C3%A9", [3]),
        ("?limit=2", [3, 4]),
        ("?since=1", [2, 3, 4]),
        ("?since=1&limit=1", [2]),
        ("?since=4", []),
        ("?hop=rm&acronym=GRTL", [1]),
    ],
)
def test_transactions_are_found_by(watched: Watched, query: str, found: list[int]) -> None:
    watched.cross("rm", framed(b"GRTL<>"), reply(b"SRTL<ERROR=0>"))
    failed = reply(b"SRTD<ERROR=6109>", status=100)
    watched.cross("rm", framed(b"GRTD<REPORTID=7>"), failed)
    watched.cross("rm-native", b"NRL<NAME=\xe9>", Answer(b"NRLA<ERROR=0>"))
    watched.cross("jar", b"CKG<KEY=1>", Answer(b"CKGA<ERROR=0>"), Hop("t-9", "x:1"))
    assert [told["id"] for told in watched.listed(query)] == found


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("?hop=control", "hop"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?status=x", "status"),
        ("?since=-1", "since"),
        ("?text=%E2%82%AC", "text"),
        ("?text=%E9", "text"),
        ("?detail=all", "detail"),
        ("?acronyms=A", "acronyms"),
    ],
)
def test_a_filter_that_is_none_is_refused(watched: Watched, query: str, where: str) -> None:
    said = watched.ask("GET", f"/transactions{query}")
    assert (said.status, said.json["where"]) == (400, where)


def test_a_list_may_show_all(watched: Watched) -> None:
    crossed(watched, b"A<>")
    assert "request" not in watched.listed()[0]
    assert watched.listed("?detail=full")[0]["request"]["octets"].endswith("A<>")


def test_no_password_is_shown_or_found(watched: Watched) -> None:
    logon = b"VUM<USERID=jeanvnet2,PASSWORD=interact>"
    watched.cross("staroe", framed(logon), reply(b"VUMA<ERROR=0>"))
    watched.cross(
        "dispatcher", _dispatched(logon), Answer(DISPATCHER.frame(DispatcherHeader(1), b""))
    )
    everything = watched.ask("GET", "/transactions?detail=full").octets
    assert b"interact" not in everything
    assert everything.count(b"PASSWORD=********>") == 2
    assert watched.listed("?text=interact") == []
    assert len(watched.listed("?text=password")) == 2


def _dispatched(data: bytes) -> Frame[Any]:
    octets = DISPATCHER.frame(DispatcherHeader(1, target="STAROE"), data)
    return Frame(DISPATCHER.decode(octets), octets, DISPATCHER.size)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (b"VUM<USERID=a,PASSWORD=b,c>", b"VUM<USERID=a,PASSWORD=***>"),
        (b"VUM<password = b ,USERID=a>", b"VUM<password =***,USERID=a>"),
        (b"VUM<PASSWORD=b<c=d>,USERID=a>", b"VUM<PASSWORD=******,USERID=a>"),
        (b"X<Y=<PASSWORD=b>,<1,<PassWord=c>>>", b"X<Y=<PASSWORD=*>,<1,<PassWord=*>>>"),
        (b"VUM<PASSWORD=,USERID=a>", b"VUM<PASSWORD=,USERID=a>"),
        (b"VUM<PASSWORD=secret,X<", b"VUM<PASSWORD=*********"),
        (b"VUM<USERID=PASSWORD>", b"VUM<USERID=PASSWORD>"),
        (b"VUM<USERID=a>", b"VUM<USERID=a>"),
    ],
)
def test_what_of_a_message_is_masked(message: bytes, shown: bytes) -> None:
    assert masked(message, Limits()) == shown


def test_what_answers_may_wait() -> None:
    """The observer is in the way of nothing that Twisted, or anybody, awaits."""
    watched = Watched()

    waited: Deferred[None] = Deferred()

    async def answering(request: Any, hop: Hop) -> Answer:
        await waited
        return reply(b"")

    observed: Callable[..., Any] = watched.observer.interpose("rm", answering)
    answered = Deferred.fromCoroutine(observed(framed(b"A<>"), HOP))
    assert not answered.called
    waited.callback(None)
    assert answered.result == reply(b"")
    assert len(watched.journal) == 1
