"""Asynchronous requests and their polls (TRN-02, DSP-06)."""

from __future__ import annotations

import re

from ...transcript import Draft, Received
from ..case import case
from ..expecting import bare, begins, code, data, satisfies, status
from ..peer import Peer

_LATER = ("rm", "rs", "inbox")
"""The proxies that take types 1 and 2."""
_SPOKEN = ("dispatcher", "web", *_LATER)
_IDENTIFIER = re.compile(rb"[0-9]{20}")
_IS_DONE = re.compile(rb"ERROR=0[,>]")
_TRIES = 200
_UNKNOWN = b"9" * 20


def for_later(peer: Peer, message: bytes, number: int, **fields: object) -> Draft:
    """A request for later, or a poll, at a proxy that takes such."""
    given = {"target": "RM", **fields} if peer.place in ("dispatcher", "web") else fields
    return peer.request(message, type=number, **given)  # type: ignore[arg-type]


def _work(peer: Peer) -> bytes:
    """A message that the place works off, and that changes nothing."""
    return {"inbox": b"F<INBOXID=9999999999>", "rs": b"URS<>"}.get(peer.place, b"GRTL<IO=O>")


def identifier_of(peer: Peer, draft: Draft | None = None) -> bytes:
    """The identifier of a request."""
    reply = peer.ask(draft or for_later(peer, _work(peer), 1), status(1))
    return reply.data


def outcome_of(peer: Peer, identifier: bytes, **fields: object) -> Received:
    """What polls give in the end."""
    for _ in range(_TRIES):
        reply = peer.ask(for_later(peer, identifier, 2, **fields))
        if reply.status != 2:
            return reply
        peer.wire.pass_time(0.02)
    peer.must(False, "an outcome", f"status 2 after {_TRIES} polls")
    raise AssertionError


def later(peer: Peer, message: bytes) -> Received:
    """What an asynchronous request comes to."""
    return outcome_of(peer, identifier_of(peer, for_later(peer, message, 1)))


@case("async.accepted", rules="TRN-02", places=_SPOKEN)
def accepted(peer: Peer) -> None:
    """A request of type 1 is answered at once with status 1 and an identifier of 20 digits."""
    reply = peer.ask(for_later(peer, _work(peer), 1), status(1))
    got = repr(reply.data)
    peer.must(bool(_IDENTIFIER.fullmatch(reply.data)), "an identifier of 20 decimal digits", got)


@case("async.identifier", rules="TRN-02", places=_LATER, after="async.accepted")
def every_request_its_own(peer: Peer) -> None:
    """Every request gets an identifier of its own."""
    found = [identifier_of(peer) for _ in range(5)]
    peer.must(len(set(found)) == 5, "five identifiers", f"{found}")


@case("async.outcome", rules="TRN-02", places=_SPOKEN, after="async.accepted")
def outcome(peer: Peer) -> None:
    """A poll gives the response message that a synchronous request would have got."""
    message = peer.grounds.good("GRTL") if peer.place != "inbox" else _work(peer)
    if peer.place == "rs":
        message = _work(peer)
    wanted = peer.ask(for_later(peer, message, 0))
    found = outcome_of(peer, identifier_of(peer, for_later(peer, message, 1)))
    got = f"status {found.status}, {found.data[:80]!r}"
    same = (found.status, found.data) == (wanted.status, wanted.data)
    peer.must(same, f"status {wanted.status}, {wanted.data[:80]!r}", got)


@case("async.poll.type", rules="HDR-06", places=_LATER, after="async.accepted")
def outcome_has_the_poll_s_type(peer: Peer) -> None:
    """The reply to a poll has type 2, also when it carries the outcome."""
    found = outcome_of(peer, identifier_of(peer))
    peer.must(found.fields["type"] == 2, "type 2", f"type {found.fields['type']}")


@case("async.wrong-message", rules="TRN-02 STS-01", places=_LATER, after="async.accepted")
def wrong_message(peer: Peer) -> None:
    """A message that is wrong is accepted too, and its error comes with the poll."""
    found = outcome_of(peer, identifier_of(peer, for_later(peer, b"QQQ<>", 1)))
    wanted = 5103 if peer.place == "inbox" else 6104
    mismatch = code(wanted).judge(found)
    peer.must(found.status == 100 and mismatch is None, f"status 100, {wanted}", f"{found.data!r}")


@case("async.again", rules="TRN-02", places=_LATER, after="async.outcome")
def polled_again(peer: Peer) -> None:
    """An outcome may be polled again and again."""
    identifier = identifier_of(peer)
    first = outcome_of(peer, identifier)
    for _ in range(3):
        peer.ask(for_later(peer, identifier, 2), status(first.status or 0), data(first.data))


@case(
    "async.kept",
    rules="TRN-02",
    places=_LATER,
    after="async.outcome session.several",
    takes=86_000.0,
)
def kept_for_a_day(peer: Peer) -> None:
    """An outcome is kept for 24 hours."""
    identifier = identifier_of(peer)
    first = outcome_of(peer, identifier)
    peer.pass_time(23.9 * 3600)
    key = peer.new_key()
    peer.ask(for_later(peer, identifier, 2, key=key), status(first.status or 0), data(first.data))


@case(
    "async.forgotten",
    rules="TRN-02",
    places=_LATER,
    after="async.outcome session.several",
    takes=87_000.0,
)
def forgotten_after_a_day(peer: Peer) -> None:
    """After 24 hours an identifier is unknown: 108."""
    identifier = identifier_of(peer)
    outcome_of(peer, identifier)
    peer.pass_time(24.1 * 3600)
    peer.ask(for_later(peer, identifier, 2, key=peer.new_key()), status(108))


@case("async.other-session", rules="TRN-02", places=_LATER, after="async.outcome session.several")
def another_session(peer: Peer) -> None:
    """Any session of the same user may poll."""
    identifier = identifier_of(peer)
    first = outcome_of(peer, identifier)
    draft = for_later(peer, identifier, 2, key=peer.new_key())
    peer.ask(draft, status(first.status or 0), data(first.data))


@case("async.another-user", rules="TRN-02", places=_LATER, after="async.accepted session.several")
def another_user(peer: Peer) -> None:
    """Another user's identifier is 108, as if it did not exist."""
    identifier = identifier_of(peer)
    peer.ask(for_later(peer, identifier, 2, use="other"), status(108))


@case("async.unknown", rules="TRN-02", places=_LATER)
def unknown_identifier(peer: Peer) -> None:
    """An identifier that nobody was given is 108."""
    peer.ask(for_later(peer, _UNKNOWN, 2), status(108))


@case("async.no-identifier", rules="TRN-02", places=_LATER)
def no_identifier(peer: Peer) -> None:
    """Data that are no identifier are 108."""
    for octets in (b"", b"1", b"0" * 19, b"0" * 21, b"x" * 20, b"GRTL<>"):
        peer.ask(for_later(peer, octets, 2), status(108))


@case("async.session", rules="HDR-11", places=_LATER)
def needs_a_session(peer: Peer) -> None:
    """Requests for later and polls need a session as all others do: 105."""
    peer.ask(for_later(peer, _work(peer), 1, key="f" * 16), status(105))
    peer.ask(for_later(peer, _UNKNOWN, 2, key="f" * 16), status(105))


def _closes(peer: Peer, draft: Draft) -> None:
    line = peer.connect()
    line.send(draft)
    line.expect()
    line.expect_end()


@case("async.request-closes", rules="TRN-02", places=_LATER)
def closes_behind_a_request(peer: Peer) -> None:
    """The proxy closes the connection behind the reply to a request of type 1."""
    _closes(peer, for_later(peer, _work(peer), 1))


@case("async.poll-closes", rules="TRN-02", places=_LATER)
def closes_behind_a_poll(peer: Peer) -> None:
    """The proxy closes the connection behind the reply to a poll, whatever its status."""
    _closes(peer, for_later(peer, _UNKNOWN, 2))


@case("async.refusal-closes", rules="TRN-02", places=_LATER)
def closes_behind_a_refusal(peer: Peer) -> None:
    """It closes behind a refusal of such a frame as well."""
    _closes(peer, for_later(peer, _work(peer), 1, key="f" * 16))


@case("async.behind", rules="TRN-02", places=_LATER, rests="TRN-01")
def what_stands_behind(peer: Peer) -> None:
    """Octets behind a request of type 1 are discarded: one reply comes, and the end."""
    line = peer.connect()
    line.send(for_later(peer, _work(peer), 1).octets + peer.probe().octets)
    line.expect(status(1))
    line.expect_end()


@case("async.dispatcher-open", rules="TRN-02", places=("dispatcher",))
def dispatcher_stays_open(peer: Peer) -> None:
    """A dispatcher keeps the connection on which it was asked for something later."""
    line = peer.connect()
    line.send(for_later(peer, _work(peer), 1))
    line.expect(status(1))
    peer.still_served(line)


def _twice(peer: Peer, **change: object) -> tuple[bytes, bytes]:
    draft = for_later(peer, _work(peer), 1)
    again = draft.with_(**change) if change else draft
    return identifier_of(peer, draft), identifier_of(peer, again)


@case("async.repeated", rules="DSP-06", places=_LATER, after="async.accepted")
def repeated_frame(peer: Peer) -> None:
    """A frame equal in session key, serial and data gets the identifier that it has."""
    first, second = _twice(peer)
    peer.must(first == second, f"{first.decode()} again", f"{second.decode()}")


@case("async.other-serial", rules="DSP-06", places=_LATER, after="async.accepted")
def other_serial(peer: Peer) -> None:
    """A frame of another serial is another request."""
    first, second = _twice(peer, serial=peer.grounds.next_serial())
    peer.must(first != second, "another identifier", f"{second.decode()} again")


@case("async.other-data", rules="DSP-06", places=_LATER, after="async.accepted", rests="TRN-02")
def other_data(peer: Peer) -> None:
    """A frame of other data is another request."""
    draft = for_later(peer, _work(peer), 1)
    first, second = identifier_of(peer, draft), identifier_of(peer, draft.but(data=b"QQQ<>"))
    peer.must(first != second, "another identifier", f"{second.decode()} again")


@case("async.equal-now", rules="DSP-06", places=("rm",), after="catalogue.DRD.good", rests="CAT-07")
def equal_frames_of_type_0(peer: Peer) -> None:
    """A frame of type 0 that is equal to one before is carried out anew."""
    draft = peer.good("DRD")
    peer.ask(draft, code(0))
    anew = satisfies("no second deletion", lambda reply: not _IS_DONE.search(reply.data))
    peer.ask(draft, anew)


@case("async.under-way", rules="TRN-02 STS-01", places=("rm",), after="async.outcome")
def under_way(peer: Peer) -> None:
    """While the work goes on a poll is answered with status 2 and no data, and later it has the
    outcome."""
    number = 2_000_000_000 + peer.grounds.number()
    aim = {"message": "GURD", "parameter": "REPORTID", "value": str(number)}
    with peer.grounds.fault({"kind": "database-hang", **aim}):
        identifier = identifier_of(peer, for_later(peer, b"GURD<REPORTID=%d>" % number, 1))
        peer.ask(for_later(peer, identifier, 2), status(2), bare())
    outcome = outcome_of(peer, identifier)
    peer.must(outcome.status == 100, "status 100", f"{outcome.status}")


@case(
    "async.once",
    rules="DSP-06 TRN-02",
    places=("rm",),
    after="async.outcome",
    rests="CAT-05 CAT-07",
)
def done_once(peer: Peer) -> None:
    """What is asked twice by an equal frame is done once: one report is made."""
    draft = for_later(peer, peer.grounds.good("ARD"), 1)
    first, second = identifier_of(peer, draft), identifier_of(peer, draft)
    one, two = outcome_of(peer, first), outcome_of(peer, second)
    peer.must(one.data == two.data, f"{one.data!r} twice", f"{two.data!r}")
    peer.ask(peer.request(_reading(one.data)), begins(b"SURD<ERROR=0"))


def _reading(answer: bytes) -> bytes:
    found = re.search(rb"USERRPTID=([0-9]+)", answer)
    return b"GURD<REPORTID=%b>" % (found[1] if found else b"")


@case("async.other-target", rules="TRN-02", places=("dispatcher",), after="async.outcome")
def polled_elsewhere(peer: Peer) -> None:
    """An identifier is known at the target that gave it, and at no other."""
    identifier = identifier_of(peer)
    outcome_of(peer, identifier)
    peer.ask(for_later(peer, identifier, 2, target="INBOX"), status(108))


@case("async.restarted", rules="TRN-02", places=_LATER, after="async.outcome", alone=True)
def outlives_a_restart(peer: Peer) -> None:
    """An outcome outlives the proxy: killed and started again, it still gives it."""
    identifier = identifier_of(peer)
    first = outcome_of(peer, identifier)
    peer.restart()
    peer.ask(for_later(peer, identifier, 2), status(first.status or 0), data(first.data))


@case("async.worked-off", rules="TRN-02", places=_LATER, after="async.outcome", alone=True)
def worked_off_behind_a_restart(peer: Peer) -> None:
    """What was accepted is worked off, though the proxy is killed right behind."""
    identifier = identifier_of(peer)
    peer.restart()
    found = outcome_of(peer, identifier)
    peer.must(found.status in (0, 100), "the outcome", f"status {found.status}")
