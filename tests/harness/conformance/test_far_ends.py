from typing import Any

import pytest

from starwire.harness.conformance.description import User
from starwire.harness.conformance.far_ends import Book, FarConnection, Inbox
from starwire.harness.transcript import request
from starwire.protocol.profile import shipped

JEAN = User(use="main", userid="jeanvnet2", entpid="00022924", targets=("RM", "INBOX"))
PROFILE = shipped("default")


class Out:
    """What goes back to the target."""

    def __init__(self) -> None:
        self.octets = b""
        self.is_closed = False

    def write(self, octets: bytes) -> None:
        self.octets += octets

    def close(self) -> None:
        self.is_closed = True

    abort = close


@pytest.fixture
def book() -> Book:
    return Book(PROFILE)


def connected(book: Book, place: str) -> tuple[FarConnection, Out]:
    out = Out()
    return FarConnection(book.profile, place, 0, out), out


def frame(data: bytes, **fields: Any) -> bytes:
    return request(PROFILE, "common", data, **fields).octets


def test_a_frame_goes_to_the_case_whose_key_it_has(book: Book) -> None:
    inboxes = [Inbox(), Inbox()]
    keys = [book.mint(JEAN) for _ in inboxes]
    for key, inbox in zip(keys, inboxes, strict=True):
        book.claim(key, inbox)
    connection, out = connected(book, "rm")
    octets = frame(b"A<>", session_key=keys[1]) + frame(b"B<>", session_key=keys[0])
    for place in range(len(octets)):
        book.fed(connection, octets[place : place + 1])
    assert [[one.data for one in inbox.frames] for inbox in inboxes] == [[b"B<>"], [b"A<>"]]
    assert out.octets == b""


def test_what_has_no_key_goes_by_its_words(book: Book) -> None:
    inbox = Inbox()
    book.claim("somebody", inbox)
    connection, out = connected(book, "staroe")
    book.fed(connection, frame(b"VUM<USERID=somebody>") + frame(b"VUM<USERID=else>", serial=7))
    assert [one.data for one in inbox.frames] == [b"VUM<USERID=somebody>"]
    assert out.octets == frame(b"", serial=7, status=105)


def test_echoes_and_entitlements_need_no_case(book: Book) -> None:
    key = book.mint(JEAN)
    inbox = Inbox()
    book.claim(key, inbox)
    connection, out = connected(book, "staroe")
    echo = frame(b"x", echo=1, serial=5)
    asked = frame(b"GUA<USERID=jeanvnet2>", session_key=key, serial=6)
    book.fed(connection, echo + asked)
    told = frame(b"GUAA<ERROR=0,APPS=<RM~INBOX>>", session_key=key, serial=6)
    assert out.octets == echo + told
    inbox.wanted.add("GUA")
    book.fed(connection, asked)
    assert [one.acronym for one in inbox.frames] == ["GUA"]


def test_the_jar_answers_as_a_jar_does(book: Book) -> None:
    connection, out = connected(book, "jar")
    book.fed(connection, b"CKM<USERID=jeanvnet2,ENTPID=00022924>")
    key = out.octets.removeprefix(b"CKMA<ERROR=0,KEY=").removesuffix(b">")
    assert len(key) == 32
    out.octets = b""
    book.fed(connection, b"CKG<KEY=%b>CKD<KEY=%b>CKG<KEY=%b>X<>" % (key, key, key))
    assert out.octets == (
        b"CKGA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>CKDA<ERROR=0>CKGA<ERROR=6109>XA<ERROR=6104>"
    )


def test_the_answers_of_the_jar_stay_in_order_though_a_case_takes_its_time(book: Book) -> None:
    inbox = Inbox()
    key = book.mint(JEAN)
    book.claim(key, inbox)
    inbox.wanted.add("CKG")
    connection, out = connected(book, "jar")
    book.fed(connection, b"CKG<KEY=%b>CKG<KEY=other>" % key.encode())
    assert out.octets == b""
    book.answer(inbox.frames[0], b"CKGA<ERROR=6105>")
    assert out.octets == b"CKGA<ERROR=6105>CKGA<ERROR=6109>"


def test_what_a_case_leaves_unanswered_ends_with_it(book: Book) -> None:
    inbox = Inbox()
    key = book.mint(JEAN)
    book.claim(key, inbox)
    inbox.wanted.add("CKG")
    jar, told = connected(book, "jar")
    proxy, out = connected(book, "rm")
    book.fed(jar, b"CKG<KEY=%b>" % key.encode())
    book.fed(proxy, frame(b"A<>", session_key=key))
    book.release(inbox)
    assert told.octets == b"CKGA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>"
    assert not told.is_closed
    assert (out.octets, out.is_closed) == (b"", True)
    book.fed(proxy, frame(b"B<>", session_key=key))
    assert len(inbox.frames) == 2, "nothing comes in any more"
