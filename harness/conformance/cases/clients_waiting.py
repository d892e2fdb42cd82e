"""Clients that ask asynchronously and in bulk (TRN-02, TRN-03)."""

from __future__ import annotations

import hashlib
from functools import partial

from starwire.protocol.status import MessageType, Operation

from ..case import CLIENT, case
from ..peer import Peer
from ..talking import RESPONSE, Posted, Talk

_IDENTIFIER = b"00000000000000000017"
_FETCH = b"F<INBOXID=42>"
_FILE = b"44,30"
_TRANSFER = 9
_DIGEST = bytes.fromhex("5fb59fdfbd1f483d5944ee08a6939c490ea4c6bd0a30169d29001c717e95ee96")
"""The SHA-256 of those five octets, from the worked example."""

_asynchronous = partial(case, places=(CLIENT,), after="client.async", seconds=30.0)
_bulk = partial(case, places=(CLIENT,), after="client.bulk", seconds=30.0)


def _must_be(peer: Peer, posted: Posted, **values: object) -> None:
    for name, value in values.items():
        peer.must(posted.fields[name] == value, f"{name} {value}", f"{posted.fields[name]}")


# ---- asynchronous --------------------------------------------------------------------------------


def _accepted(peer: Peer) -> tuple[Talk, Posted]:
    """A client that polls."""
    talk = peer.run(kind="async")
    talk.asked()
    talk.reply(1, _IDENTIFIER)
    return talk, talk.receive()


@case(
    "client.async",
    rules="TRN-02",
    places=(CLIENT,),
    after="client.transaction",
    seconds=30.0,
)
def asks_and_polls(peer: Peer) -> None:
    """An asynchronous request has type 1; what it is answered with is polled with type 2, its 20
    digits and the same target; the result is put out."""
    talk = peer.run(kind="async")
    asked = talk.asked()
    _must_be(peer, asked, type=MessageType.REQUEST)
    talk.reply(1, _IDENTIFIER)
    poll = talk.receive()
    _must_be(peer, poll, type=MessageType.POLL, target="RM", status=0)
    peer.must(poll.data == _IDENTIFIER, repr(_IDENTIFIER), repr(poll.data))
    talk.reply(data=RESPONSE)
    talk.succeeds()


@_asynchronous("client.async.key", rules="WEB-03")
def polls_under_the_key(peer: Peer) -> None:
    """A poll goes under the key of the session, as every request does."""
    talk, poll = _accepted(peer)
    key = poll.fields["web_session_key"] or poll.cookie(peer.profile.cookie)
    peer.must(key == talk.key, talk.key, key or "a key of NULs")


@_asynchronous("client.async.in-progress", rules="TRN-02")
def polls_again(peer: Peer) -> None:
    """While the work goes on, status 2, the client polls again."""
    talk, _ = _accepted(peer)
    for _ in range(2):
        talk.reply(2)
        poll = talk.receive()
        peer.must(poll.data == _IDENTIFIER, repr(_IDENTIFIER), repr(poll.data))
    talk.reply(data=RESPONSE)
    talk.succeeds()


@_asynchronous("client.async.unknown", rules="TRN-02 STS-01")
def an_unknown_identifier(peer: Peer) -> None:
    """A poll that is answered with 108 is a failure, and the client polls no more."""
    talk, _ = _accepted(peer)
    talk.reply(108)
    talk.fails()
    polls = [one.data for one in talk.later if one.fields["type"] == MessageType.POLL]
    peer.must(not polls, "no further poll", f"{len(polls)}")


@_asynchronous("client.async.error", rules="TRN-02 STS-01")
def a_late_error(peer: Peer) -> None:
    """A poll that is answered with status 100 is a failure."""
    talk, _ = _accepted(peer)
    talk.reply(100, b"SRTL<ERROR=6827>")
    talk.fails()


@_asynchronous("client.async.refused", rules="STS-01")
def not_accepted(peer: Peer) -> None:
    """A request that is not accepted is a failure, and nothing is polled."""
    talk = peer.run(kind="async")
    talk.asked()
    talk.reply(111)
    talk.fails()
    polls = [one.data for one in talk.later if one.fields["type"] == MessageType.POLL]
    peer.must(not polls, "no poll", f"{len(polls)}")


# ---- bulk ----------------------------------------------------------------------------------------

_Frame = tuple[int, dict[str, int], bytes]


def _opened(peer: Peer) -> Talk:
    """A client that has asked for a file."""
    talk = peer.run(_FETCH, kind="bulk", proxy="INBOX")
    talk.asked()
    return talk


def _data(offset: int, payload: bytes, total: int = len(_FILE)) -> _Frame:
    values = {"operation": Operation.DATA, "transfer": _TRANSFER, "offset": offset}
    return 3, {**values, "total": total}, payload


def _end(digest: bytes = _DIGEST, total: int = len(_FILE)) -> _Frame:
    values = {"operation": Operation.END, "transfer": _TRANSFER, "offset": total}
    return 4, {**values, "total": total}, digest


@case("client.bulk", rules="TRN-03", places=(CLIENT,), after="client.transaction", seconds=30.0)
def fetches(peer: Peer) -> None:
    """A bulk request has type 3 and an open, a bulk header of noughts, before its message; the
    payloads of the data frames up to the end are put out whole."""
    talk = peer.run(_FETCH, kind="bulk", proxy="INBOX")
    asked = talk.asked()
    _must_be(peer, asked, type=MessageType.BULK, target="INBOX")
    wanted = bytes(25) + _FETCH
    peer.must(asked.data == wanted, repr(wanted), repr(asked.data))
    talk.run(_data(0, b"44"), _data(2, b",3"), _data(4, b"0"), _end())
    talk.succeeds(_FILE)


@_bulk("client.bulk.empty", rules="TRN-03")
def nothing_to_fetch(peer: Peer) -> None:
    """A source of no octets has the end only, and is a success."""
    talk = _opened(peer)
    talk.run(_end(hashlib.sha256(b"").digest(), total=0))
    talk.succeeds(b"")


@_bulk("client.bulk.digest", rules="TRN-03")
def wrong_digest(peer: Peer) -> None:
    """A digest that is not that of the octets is a failure."""
    talk = _opened(peer)
    talk.run(_data(0, _FILE), _end(bytes(32)))
    talk.fails()


@_bulk("client.bulk.gap", rules="TRN-03")
def a_gap(peer: Peer) -> None:
    """A frame that does not go on where the one before it ended is a failure."""
    talk = _opened(peer)
    talk.run(_data(0, b"44"), _data(3, b"30"), _end(hashlib.sha256(b"4430").digest()))
    talk.fails()


@_bulk("client.bulk.unended", rules="TRN-03 WEB-08")
def without_an_end(peer: Peer) -> None:
    """A response that ends without a last frame is a failure."""
    talk = _opened(peer)
    talk.run(_data(0, _FILE))
    talk.fails()


@_bulk("client.bulk.cancelled", rules="TRN-03")
def cancelled(peer: Peer) -> None:
    """A run that somebody has cancelled is a failure."""
    talk = _opened(peer)
    values = {"operation": Operation.CANCELLED, "transfer": _TRANSFER, "offset": 2, "total": 5}
    talk.run(_data(0, b"44"), (5, values, b""))
    talk.fails()


@_bulk("client.bulk.declined", rules="TRN-03 STS-01")
def declined(peer: Peer) -> None:
    """A message in error, one end frame of status 100, is a failure."""
    talk = _opened(peer)
    talk.run((100, {"operation": Operation.END}, b"Z<REQ=F,ERROR=5100>"))
    talk.fails()


@_bulk("client.bulk.lost", rules="TRN-03 STS-01")
def lost_behind_the_server(peer: Peer) -> None:
    """A run that ends with a bare 106 in its middle is a failure."""
    talk = _opened(peer)
    talk.run(_data(0, b"44"), (106, {}, b""))
    talk.fails()


@_bulk("client.bulk.cut", rules="TRN-03", level="may")
def cut_off(peer: Peer) -> None:
    """A client that is cut off resumes at the octet that it has not, or fails."""
    talk = _opened(peer)
    talk.run(_data(0, b"44"), whole=False)
    talk.close()
    again = talk.receive_if_any()
    if again is None:
        talk.fails()
        peer.tell("fails when it is cut off, and does not resume by itself")
        return
    wanted = _resume(peer)
    peer.must(again.data[: len(wanted)] == wanted, repr(wanted), repr(again.data[:40]))
    talk.run(_data(2, b",30"), _end())
    talk.succeeds(_FILE)
    peer.tell("resumes by itself when it is cut off")


def _resume(peer: Peer) -> bytes:
    """What stands in a resume before its total, which nobody looks at."""
    order = peer.profile.wire.bulk.integer("offset").order
    numbers = [number.to_bytes(8, order) for number in (_TRANSFER, 2)]
    return bytes([Operation.RESUME]) + b"".join(numbers)
