"""Bare messages on native ports: where they begin and end, what closes the connection (TRN-05)."""

from __future__ import annotations

from ...transcript import Received
from ..case import BARE, NATIVES, case
from ..expecting import Expectation, begins, code, ending, satisfies
from ..peer import Peer
from ..wire import STRANGER

_BETWEEN = (b"\r\n", b"\0", b" ", b"|", b"\r\n\0 |" * 20)


def _code(peer: Peer, number: int) -> int:
    """The code of this place for a syntax error (ERR-03)."""
    family = peer.catalogue.family(peer.place)
    return {6611: family.malformed, 6612: family.unbalanced}[number]


@case("native.between", rules="TRN-05", places=BARE)
def between(peer: Peer) -> None:
    """CR, LF, NUL, blank and `|` before, between and behind messages are skipped."""
    line = peer.connect()
    for octets in _BETWEEN:
        line.send(octets + peer.probe().octets + octets)
        line.expect(peer.answered())


@case("native.order", rules="TRN-05", places=BARE)
def in_order(peer: Peer) -> None:
    """Replies come in the order of the requests."""
    line = peer.connect()
    line.send(b"QQQA<>" + peer.probe().octets + b"QQQB<>")
    line.expect(_unknown(peer, b"QQQA"))
    line.expect(peer.answered())
    line.expect(_unknown(peer, b"QQQB"))


def _unknown(peer: Peer, acronym: bytes) -> Expectation:
    return satisfies(
        f"an answer to {acronym.decode()}", lambda reply: acronym in reply.data, "data"
    )


@case("native.own-brackets", rules="TRN-05", places=BARE, after="sanity.connect")
def delimited_by_brackets(peer: Peer) -> None:
    """A message ends with the `>` that closes its first `<`, and needs nothing behind it."""
    peer.ask(b"QQQ<>", _unknown(peer, b"QQQ"))


@case("native.error-closes", rules="TRN-05", places=BARE)
def closes_behind_a_syntax_error(peer: Peer) -> None:
    """A syntax error is answered, and then the connection is closed."""
    line = peer.connect()
    line.send(b"=A<>" + peer.probe().octets)
    line.expect(code(_code(peer, 6611)))
    line.expect_end()


@case("native.refused-at-once", rules="TRN-05", places=BARE, rests="SYN-10")
def refused_at_once(peer: Peer) -> None:
    """Octets with which no message can begin are refused without waiting for more."""
    for octets in (b">", b",", b"=", b"\x01", b"A,"):
        peer.ask(octets, code(_code(peer, 6612 if octets == b">" else 6611)))


@case("native.unfinished", rules="TRN-05 HDR-04", places=BARE, rests="SYN-10")
def unfinished(peer: Peer) -> None:
    """A stream that ends inside a group is answered as unbalanced, and closed."""
    line = peer.connect()
    line.send(peer.probe().octets[:-1])
    line.half_close()
    line.expect(code(_code(peer, 6612)))
    line.expect_end()


@case("native.no-group", rules="TRN-05 HDR-04", places=BARE)
def ended_without_a_group(peer: Peer) -> None:
    """A stream that ends behind octets that opened no group is answered as malformed."""
    line = peer.connect()
    line.send(b"GRTL")
    line.half_close()
    line.expect(code(_code(peer, 6611)))
    line.expect_end()


@case("native.ended", rules="TRN-05 HDR-04", places=BARE)
def ended_between_messages(peer: Peer) -> None:
    """A stream that ends between two messages is closed without an answer."""
    line = peer.connect()
    line.send(peer.probe().octets + b"\r\n")
    line.half_close()
    line.expect(peer.answered())
    line.expect(ending("closed", "reset"))


@case("native.one-too-many", rules="TRN-05", places=BARE, rests="SYN-10")
def one_bracket_too_many(peer: Peer) -> None:
    """A `>` too many behind a message is answered behind the message's own answer."""
    line = peer.connect()
    line.send(peer.probe().octets + b">")
    line.expect(peer.answered())
    line.expect(code(_code(peer, 6612)))
    line.expect_end()


@case("native.open", rules="TRN-05", places=BARE)
def stays_open(peer: Peer) -> None:
    """Behind a message that is refused for another reason than its syntax the connection stays."""
    line = peer.connect()
    line.send(b"QQQ<>")
    line.expect(satisfies("a refusal", lambda reply: b"ERROR=" in reply.data, "data"))
    peer.still_served(line)


@case("native.file", rules="TRN-05 CAT-06", places=("inbox-native",))
def file_behind_the_message(peer: Peer) -> None:
    """The reply to F has exactly FSIZE octets of the file behind it, and then the next reply."""
    held = b"<1>,2\r\n\0>" * 3
    item = peer.grounds.item(octets=held)
    line = peer.connect()
    line.send(f"F<INBOXID={item}>QQQ<>".encode())
    reply = line.expect(begins(b"Z<REQ=F,ERROR=0"))
    got = reply.data.partition(b">")[2]
    peer.must(got == held, f"the file's {len(held)} octets", f"{got!r}")
    line.expect(begins(b"Z<REQ=QQQ"))


@case("native.stranger", rules="HDR-08", places=BARE)
def strangers_are_closed_on(peer: Peer) -> None:
    """A peer whose address may not connect gets no answer: its connection is closed."""
    line = peer.connect(source=STRANGER)
    line.send(peer.probe())
    line.expect(ending("closed", "reset"))


@case("native.any-customer", rules="HDR-08", places=NATIVES, rests="ERR-03")
def for_any_customer(peer: Peer) -> None:
    """Whoever may connect acts for any customer, without a session."""
    other = peer.grounds.user("other")
    form = "L" if peer.place == "inbox-native" else "GURL"
    text = peer.grounds.filled(peer.grounds.form(form), "other")
    assert other.userid.encode() in text
    peer.ask(text, satisfies("an answer for that customer", _was_judged, "ERROR"))


def _was_judged(reply: Received) -> bool:
    return any(b"ERROR=%d" % number in reply.data for number in (0, 6109, 5100))
