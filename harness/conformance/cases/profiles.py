"""What only another profile than the shipped ones shows: requests that share a connection (DSP-04),
and what an overlay adds to the messages (HDR-10).
"""

from __future__ import annotations

from .. import mutating
from ..case import case
from ..expecting import data, satisfies
from ..peer import Peer
from ..rows import subjects
from ..taking import reads_as_code

_IN_FLIGHT = 64
_GRTL = b"GRTL<N=%d>"
_SRTL = b"SRTL<N=%d>"


@case("profile.shared", rules="DSP-04", places=("dispatcher",), alone=True)
def in_flight(peer: Peer) -> None:
    """A shared connection has at most 64 requests in flight; the next goes on another."""
    if not peer.profile.multiplex:
        peer.not_applicable(f"with {peer.profile.name} each request has a connection of its own")
    far = peer.far("INBOX")
    lines = [peer.connect() for _ in range(_IN_FLIGHT + 1)]
    frames = []
    for number, line in enumerate(lines):
        line.send(far.request(_GRTL % number))
        frames.append(far.receive())
    first, *others = frames
    shared = 1 + sum(frame.is_on_the_connection_of(first) for frame in others)
    peer.must(shared == _IN_FLIGHT, f"{_IN_FLIGHT} requests on one connection", f"{shared}")
    for number, (line, frame) in enumerate(zip(lines, frames, strict=True)):
        frame.reply(data=_SRTL % number)
        line.expect(data(_SRTL % number))


@case(
    "profile.overlay",
    rules="HDR-10",
    places=("rm", "inbox", "rm-native", "inbox-native"),
    rests="ERR-03",
)
def overlay(peer: Peer) -> None:
    """A parameter that the profile adds to a message is known there."""
    added = [
        (subject, raw["name"])
        for raw in peer.profile.overlay.get("parameters", [])
        for subject in subjects()
        if subject.spec.acronym == raw["message"] and peer.place in subject.places
        if not subject.suffix and raw.get("variant") in (None, subject.spec.variant)
    ]
    if not added:
        peer.not_applicable(f"{peer.profile.name} adds nothing to the messages here")
    token = peer.catalogue.family(peer.place).token
    for subject, name in added:
        form = mutating.with_value(peer.grounds.form(subject.request), (name,), "1")
        known = satisfies(
            f"{name} to be known in {subject.title}",
            lambda reply: reads_as_code(reply) not in (None, token),
            "ERROR",
        )
        peer.ask(peer.request(peer.grounds.filled(form)), known)
