"""What must hold before anything else is worth asking."""

from __future__ import annotations

from ..case import EVERYWHERE, case
from ..peer import Departure, Peer


@case("sanity.connect", rules="ERR-07", places=EVERYWHERE, after="")
def connects(peer: Peer) -> None:
    """The place takes a connection."""
    peer.connect().close()


@case(
    "sanity.wire",
    rules="HDR-01 HDR-02 HDR-06 HDR-10 OCT-02 OCT-03 DSP-01 WEB-01 WEB-02 WEB-06 TRN-05",
    places=EVERYWHERE,
    after="sanity.connect",
    rests="HDR-11 WEB-09 WEB-05",
)
def speaks(peer: Peer) -> None:
    """A request that must be refused is answered in the form of the wire: a frame with a header of
    its own, or a message."""
    draft = peer.request(b"NOBODY<>", key="f" * 16)
    reply = peer.ask(draft)
    if peer.spoken == "web" and reply.http != 200:
        raise Departure("HTTP 200 with a frame", f"HTTP {reply.http}", event=reply.event)
    if reply.octets == draft.octets:
        raise Departure("a reply", "the octets of the request", event=reply.event)
    if peer.spoken == "native" and b"<" not in reply.octets:
        raise Departure("a message", f"{reply.octets[:32]!r}", event=reply.event)


@case(
    "sanity.probe",
    rules="HDR-01 HDR-02 HDR-06 STS-01 TRN-01 DSP-01 WEB-01 WEB-02 OCT-02 OCT-03 HDR-10",
    places=EVERYWHERE,
    after="sanity.wire",
)
def answers(peer: Peer) -> None:
    """Correct requests are answered with response messages in correct headers, one by one."""
    line = peer.connect()
    for _ in range(2):
        line.send(peer.probe())
        line.expect(peer.answered())
