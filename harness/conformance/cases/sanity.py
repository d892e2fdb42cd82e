"""What must hold before anything else is worth asking."""

from __future__ import annotations

from ..case import EVERYWHERE, case
from ..peer import Peer


@case("sanity.connect", rules="ERR-07", places=EVERYWHERE, after="")
def connects(peer: Peer) -> None:
    """The place takes a connection."""
    peer.connect().close()


@case(
    "sanity.probe", rules="HDR-01 HDR-06 STS-01 TRN-01", places=EVERYWHERE, after="sanity.connect"
)
def answers(peer: Peer) -> None:
    """A correct request is answered with a response message in correct headers."""
    draft = peer.probe()
    peer.ask(draft, peer.answered())
