"""What must not make a difference: the transport, and how the octets are cut (TRN-01 to TRN-03,
HDR-09). Nothing is said here about what the right answer is; only that it is one and the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...transcript import Draft, Received
from ..case import FRAMED, NATIVES, Definition, Script, family
from ..connection import Connection
from ..expecting import told
from ..peer import Peer
from .asynchronous import later
from .bulk import run, wrapped

_READS = {
    "rm": (
        *("GRTL", "GRTD", "GURL", "GURD"),
        *("GPL (PL_ACCESS)", "GPL (PL_FIELDS)", "GPL (PL_DURATION)", "GPL (PL_TIMEZONE)"),
        *("GPL (PL_HIER)", "GPL (PL_GEO)", "GPL (PL_RANGE)", "GPL (PL_USAGE)"),
        *("GPL (PL_LANG)", "GPL (PL_CURR)"),
    ),
    "inbox": ("L",),
}
_WRITES = {"rm": ("ARD", "CRD", "URS", "DRD"), "rs": ("URS",), "inbox": ("U", "D (one)")}
_WRONG = {
    "rm": (b"QQQ<>", b"GRTL<IO=O>", b"GRTL<", b"", b"GURD<REPORTID=2147483647>"),
    "rs": (b"GRTL<IO=O>", b"URS<", b"URS<USERRPTID=2147483647,ACTIVE=1>"),
    "inbox": (b"QQQ<>", b"L<", b"F<INBOXID=9999999999>", b"D<INBOXID=>"),
}
_LISTS = ("L", "GURL")
"""Answered by what there is just now: nobody else may add to it meanwhile."""
_IDS = re.compile(rb"(USERRPTID|INBOXID|REQUESTID)=[0-9]+")


def _same(peer: Peer, what: str, one: Received, two: Received) -> None:
    """The same status and response message, identifiers aside that each request gets anew."""
    first, second = (_IDS.sub(rb"\1=*", reply.data) for reply in (one, two))
    holds = (one.status, first) == (two.status, second)
    peer.must(holds, f"what the synchronous request got: {told(one)}", f"{what}: {told(two)}")


def _by_bulk(peer: Peer, message: bytes) -> Received:
    line = peer.connect()
    line.send(wrapped(peer, message))
    got = run(peer, line)
    line.close()
    if got.frames[-1].status == 100:
        return Received(b"", got.digest, {"status": 100})
    error = re.search(rb"ERROR=([0-9]+)", got.payload)
    number = 100 if error is not None and error[1] != b"0" else 0
    return Received(b"", got.payload, {"status": number})


def _by_all(peer: Peer, *messages: bytes) -> None:
    """Each message is another of the same kind, where one can be carried out but once."""
    first, second, third = messages
    wanted = peer.ask(peer.request(first))
    _same(peer, "asynchronous", wanted, later(peer, second))
    _same(peer, "bulk", wanted, _by_bulk(peer, third))


@family
def transports() -> Iterator[Definition]:
    """One case for each message, at the proxies that have all three transports."""
    after = ("async.outcome", "bulk.whole")
    for place, names in (*_READS.items(), *_WRITES.items()):
        for name in names:
            yield Definition(
                name=f"oracle.transports.{_slug(name)}",
                sentence=f"{name} has the same response by every transport.",
                rules=("TRN-01", "TRN-02", "TRN-03"),
                script=_good_by_all(name, once=name in _WRITES.get(place, ())),
                places=(place,),
                after=after if place != "rs" else ("async.outcome",),
                alone=name in _LISTS,
            )
    for place, messages in _WRONG.items():
        for message in messages:
            yield Definition(
                name=f"oracle.transports.wrong-{_slug(message.decode())}",
                sentence=f"{message!r} is refused alike by every transport.",
                rules=("TRN-01", "TRN-02", "TRN-03"),
                script=_wrong_by_all(message),
                places=(place,),
                after=after if place != "rs" else ("async.outcome",),
            )


def _good_by_all(name: str, *, once: bool) -> Script:
    """Of what can be carried out but once there are three, alike."""

    def script(peer: Peer) -> None:
        first = peer.grounds.good(name)
        _by_all(peer, first, *(peer.grounds.good(name) if once else first for _ in range(2)))

    return script


def _wrong_by_all(message: bytes) -> Script:
    def script(peer: Peer) -> None:
        _by_all(peer, message, message, message)

    return script


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "nothing"


# ---- cuts ----------------------------------------------------------------------------------------


def _answers(line: Connection, octets: bytes, cuts: list[int]) -> Received:
    line.send(octets, cuts=cuts)
    return line.expect()


def _requests(peer: Peer) -> dict[str, Draft | bytes]:
    """Requests that are read, refused, and echoed."""
    found: dict[str, Draft | bytes] = {"good": peer.probe(), "unknown": peer.request(b"QQQ<>")}
    if peer.header_size:
        found["type"] = peer.probe(type=77)
    if peer.spoken == "common":
        found["echo"] = peer.request(b"\0\1\2", key="").with_(echo=1)
    return found


@family
def cuts() -> Iterator[Definition]:
    """One case for each kind of request: whatever the cut, the reply is the same octets."""
    for kind in ("good", "unknown", "type", "echo"):
        places = {"type": FRAMED, "echo": FRAMED[1:]}.get(kind, (*FRAMED, *NATIVES))
        yield Definition(
            name=f"oracle.cuts.{kind}",
            sentence=f"A request ({kind}) cut at any one octet gets the reply that it gets whole.",
            rules=("HDR-09",),
            script=_every_cut(kind),
            places=tuple(places),
            after=("sanity.probe",),
            seconds=30.0,
            alone=kind == "good",
        )


def _every_cut(kind: str) -> Script:
    def script(peer: Peer) -> None:
        draft = _requests(peer)[kind]
        octets = draft if isinstance(draft, bytes) else draft.octets
        line = peer.connect()
        wanted = _answers(line, octets, [])
        for place in range(1, len(octets)):
            got = _answers(line, octets, [place])
            same = got.octets == wanted.octets
            peer.must(same, told(wanted), f"cut at {place}: {told(got)}")

    return script
