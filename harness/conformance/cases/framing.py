"""Frames in a stream: how they may be cut, and what becomes of unfinished ones (HDR-04, HDR-09)."""

from __future__ import annotations

from starwire.protocol.profile import Profile

from ..case import BARE, FRAMED, PROXIES, case
from ..connection import Connection
from ..expecting import ending, status
from ..peer import Peer

_IN_FRAMES = (*FRAMED, *BARE)


def _unfinished_for(profile: Profile) -> float:
    """Seconds behind which an unfinished frame's connection has ended, and some."""
    return profile.mid_frame_seconds * 1.2 + 1


def _quiet_for(profile: Profile) -> float:
    """Seconds behind which a quiet connection has ended, and some."""
    return profile.idle_seconds * 1.05 + 1


@case("framing.each-octet", rules="HDR-09", places=_IN_FRAMES)
def one_octet_at_a_time(peer: Peer) -> None:
    """A request that comes one octet at a time is answered as one that comes whole."""
    draft = peer.probe()
    line = peer.connect()
    line.send(draft, cuts=range(1, len(draft.octets)))
    line.expect(peer.answered())


@case("framing.cut", rules="HDR-09", places=_IN_FRAMES)
def cut_in_two(peer: Peer) -> None:
    """A request cut at its header's fields is answered as one that comes whole."""
    draft = peer.probe()
    slots = getattr(peer.profile.wire, peer.spoken).slots if peer.header_size else ()
    places = {slot.end for slot in slots} | {len(draft.octets) - 1, len(draft.octets) // 2}
    line = peer.connect()
    for place in sorted(places - {len(draft.octets)}):
        line.send(draft, cuts=[place])
        line.expect(peer.answered())


@case("framing.together", rules="HDR-09 TRN-01", places=(*FRAMED, "rm-native", "inbox-native"))
def many_at_once(peer: Peer) -> None:
    """Requests that come in one segment are all answered."""
    drafts = [peer.probe() for _ in range(5)]
    line = peer.connect()
    line.send(b"".join(draft.octets for draft in drafts))
    for _ in drafts:
        line.expect(peer.answered())


@case("framing.order", rules="TRN-01", places=PROXIES, after="framing.together")
def in_order(peer: Peer) -> None:
    """The replies come in the order of the requests, or carry the serials to tell them by."""
    drafts = [peer.probe() for _ in range(5)]
    line = peer.connect()
    line.send(b"".join(draft.octets for draft in drafts))
    serials = [line.expect().fields["serial"] for _ in drafts]
    wanted = [draft.values["serial"] for draft in drafts]
    if peer.profile.multiplex:
        serials.sort()
    peer.must(serials == wanted, f"serials {wanted}", f"{serials}")


@case("framing.good-before-bad", rules="HDR-09", places=FRAMED, after="header.version.other")
def good_before_bad(peer: Peer) -> None:
    """A frame in front of a broken one is answered first, though they come together."""
    line = peer.connect()
    line.send(peer.probe().octets + peer.probe().with_(version=99).octets)
    line.expect(peer.answered())
    line.expect(status(101))


@case("framing.unfinished", rules="HDR-04", places=FRAMED)
def unfinished(peer: Peer) -> None:
    """When the peer ends inside a frame nothing is answered, and the connection is closed."""
    line = peer.connect()
    line.send(peer.probe().octets[:-1])
    line.half_close()
    line.expect(ending("closed", "reset"))


@case("framing.half-closed", rules="HDR-04", places=_IN_FRAMES)
def half_closed(peer: Peer) -> None:
    """A peer that closes its sending side behind a whole request still gets the reply."""
    line = peer.connect()
    line.send(peer.probe())
    line.half_close()
    line.expect(peer.answered())


@case(
    "framing.slow",
    rules="HDR-04",
    places=_IN_FRAMES,
    takes=lambda profile: profile.mid_frame_seconds + 10,
)
def too_slow(peer: Peer) -> None:
    """A frame whose last octet does not come in time ends with its connection, without a reply."""
    line = peer.connect()
    line.send(peer.probe().octets[:-1])
    line.expect(ending("closed", "reset"), within=_unfinished_for(peer.profile))


@case(
    "framing.in-time",
    rules="HDR-04",
    places=_IN_FRAMES,
    takes=lambda profile: profile.mid_frame_seconds,
)
def slow_and_in_time(peer: Peer) -> None:
    """A frame that is finished within the time is answered."""
    line = peer.connect()
    octets = peer.probe().octets
    line.send(octets[:-1])
    peer.pass_time(peer.profile.mid_frame_seconds * 0.9)
    line.send(octets[-1:])
    line.expect(peer.answered())


def _quiet(peer: Peer) -> Connection:
    """A connection that has been quiet for most of the idle time."""
    line = peer.connect()
    line.send(peer.probe())
    line.expect(peer.answered())
    peer.pass_time(peer.profile.idle_seconds * 0.9)
    return line


@case(
    "framing.idle",
    rules="HDR-04",
    places=_IN_FRAMES,
    takes=lambda profile: profile.idle_seconds + 60,
)
def idle(peer: Peer) -> None:
    """A connection that is quiet between two frames for the idle time is closed."""
    line = _quiet(peer)
    line.expect(
        ending("closed", "reset"), within=_quiet_for(peer.profile) - peer.profile.idle_seconds * 0.9
    )


@case(
    "framing.kept",
    rules="HDR-04 TRN-01",
    places=_IN_FRAMES,
    takes=lambda profile: profile.idle_seconds,
)
def kept(peer: Peer) -> None:
    """A connection that is quiet for less than the idle time is kept."""
    peer.still_served(_quiet(peer))
