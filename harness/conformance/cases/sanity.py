"""What must hold before anything else is worth asking."""

from __future__ import annotations

from ..case import EVERYWHERE, case
from ..peer import Peer


@case("sanity.connect", rules="ERR-07", places=EVERYWHERE, after="")
def connects(peer: Peer) -> None:
    """The place takes a connection."""
    peer.connect().close()


@case(
    "sanity.probe",
    rules="HDR-01 HDR-02 HDR-06 STS-01 TRN-01 DSP-01 WEB-01 WEB-02 OCT-02 OCT-03 HDR-10",
    places=EVERYWHERE,
    after="sanity.connect",
)
def answers(peer: Peer) -> None:
    """Correct requests are answered with response messages in correct headers, one by one."""
    line = peer.connect()
    for _ in range(2):
        line.send(peer.probe())
        line.expect(peer.answered())
