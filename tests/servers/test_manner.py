"""Answers that go out in a manner: in pieces, in part, late, or not at all."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from starwire.servers.answering import Answer, Hop
from starwire.servers.manner import Manner, Piecemeal

from .test_adapter import Pieces, Port


class Faulty(Port):
    """A port whose answers go out in the manner that the test has for the request."""

    def __init__(self, *, shared: bool = False) -> None:
        super().__init__(shared=shared)
        self.manners: dict[bytes, Manner] = {}

    async def answer(self, request: bytes, hop: Hop) -> Answer:
        answered = await super().answer(request, hop)
        manner = self.manners.get(request)
        if manner is None:
            return answered
        return Answer(answered.octets, answered.close, answered.body, manner=manner)


class Steps:
    """A wait that ends when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[None]] = []

    async def __call__(self) -> None:
        self.waiting.append(Deferred())
        await self.waiting[-1]

    def step(self) -> None:
        self.waiting.pop(0).callback(None)


@pytest.fixture
def port() -> Faulty:
    return Faulty()


def test_pieces_go_out_one_at_a_time_and_what_follows_waits(port: Faulty) -> None:
    steps = Steps()
    port.manners[b"abcd"] = Manner(chunk=2, wait=steps)
    port.protocol.dataReceived(b"abcd\ne\n")
    assert port.transport.written == b"AB"
    steps.step()
    assert port.transport.written == b"ABCD"
    steps.step()
    assert port.transport.written == b"ABCD\nE\n"


def test_a_cut_ends_the_connection_where_it_is_told(port: Faulty) -> None:
    port.manners[b"abcd"] = Manner(cut=3)
    port.protocol.dataReceived(b"abcd\ne\n")
    assert port.transport.written == b"ABC"
    assert port.transport.calls[-1] == "loseWriteConnection"


@pytest.mark.parametrize(
    ("manner", "call"),
    [(Manner(reset=True), "abortConnection"), (Manner(drop=True), "loseWriteConnection")],
)
def test_nothing_goes_out_before_the_end(port: Faulty, manner: Manner, call: str) -> None:
    port.manners[b"abcd"] = manner
    port.protocol.dataReceived(b"abcd\ne\n")
    assert port.transport.written == b""
    assert port.transport.calls[-1] == call
    assert port.asked == [b"abcd"]


def test_an_answer_is_held_behind_the_next(port: Faulty) -> None:
    port.manners[b"one"] = Manner(behind_next=True)
    port.protocol.dataReceived(b"one\n")
    assert port.transport.written == b""
    port.protocol.dataReceived(b"two\nthree\n")
    assert port.transport.written == b"TWO\nONE\nTHREE\n"


def test_an_answer_behind_which_nothing_comes_is_not_held(port: Faulty) -> None:
    port.manners[b"bye"] = Manner(behind_next=True)
    port.protocol.dataReceived(b"bye\n")
    assert port.transport.written == b"BYE\n"
    assert port.transport.calls[-1] == "loseWriteConnection"


def test_a_body_is_not_held_behind_anything(port: Faulty) -> None:
    port.body = Pieces(b"123")
    port.manners[b"body"] = Manner(behind_next=True)
    port.protocol.dataReceived(b"body\n")
    assert port.transport.written == b"123"


def test_a_body_is_cut_and_closed(port: Faulty) -> None:
    port.body = Pieces(b"123", b"456")
    port.manners[b"body"] = Manner(cut=4)
    port.protocol.dataReceived(b"body\n")
    assert port.transport.written == b"1234"
    assert port.body.closed == 1


def test_a_body_that_is_not_sent_is_closed(port: Faulty) -> None:
    port.manners[b"body"] = Manner(reset=True)
    port.protocol.dataReceived(b"body\n")
    assert (port.body.asked, port.body.closed) == (0, 1)


def test_a_body_in_pieces_still_takes_what_is_its_own(port: Faulty) -> None:
    steps = Steps()
    port.body = Pieces(b"1234")
    port.manners[b"body"] = Manner(chunk=2, wait=steps)
    port.protocol.dataReceived(b"body\nx\ny\n")
    assert port.body.taken == [b"x", b"y"]
    steps.step()
    assert port.transport.written == b"1234"


def test_on_a_shared_connection_pieces_are_not_mixed() -> None:
    port, steps = Faulty(shared=True), Steps()
    port.manners[b"slow1"] = Manner(chunk=3, wait=steps)
    port.protocol.dataReceived(b"slow1\nslow2\nslow3\n")
    port.slow[b"slow1"].callback(Answer(b"111222\n"))
    port.slow[b"slow2"].callback(Answer(b"S2\n"))
    port.protocol.dataReceived(b"s4\n")
    port.slow[b"slow3"].callback(Answer(b"S3\n"))
    assert port.transport.written == b"111"
    steps.step()
    steps.step()
    assert port.transport.written.startswith(b"111222\n")
    assert sorted(port.transport.written.split()) == [b"111222", b"S2", b"S3", b"S4"]


def test_a_connection_lost_between_pieces_waits_no_more(port: Faulty) -> None:
    cancelled: list[Any] = []

    async def wait() -> None:
        await Deferred(cancelled.append)

    port.manners[b"abcd"] = Manner(chunk=1, wait=wait)
    port.protocol.dataReceived(b"abcd\n")
    port.protocol.connectionLost()
    assert len(cancelled) == 1
    assert port.clock.getDelayedCalls() == []


def test_pieces_and_a_cut_count_all_octets() -> None:
    async def whole() -> list[bytes]:
        body = Piecemeal(b"abc", None, Manner(cut=5, chunk=2))
        rest = Piecemeal(b"abc", Pieces(b"defg"), Manner(cut=5, chunk=2))
        return [await body.next() for _ in range(3)] + [await rest.next() for _ in range(4)]

    pieces = Deferred.fromCoroutine(whole())
    assert pieces.result == [b"ab", b"c", b"", b"ab", b"c", b"de", b""]
