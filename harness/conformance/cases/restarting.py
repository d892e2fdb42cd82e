"""What outlives the death of its server: results, transfers, sessions."""

from __future__ import annotations

from ..case import case
from ..expecting import code, data, status
from ..peer import Peer
from .asynchronous import for_later, identifier_of, outcome_of
from .bulk import OPEN, RESUME, frame, run

_CHAIN = ("rm", "dispatcher", "web")
_GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
_WITHOUT_PRODUCT = b"GRTL<DATATYPE=R,DATACAT=P,IO=O>"


@case("restart.result", rules="TRN-02", places=_CHAIN, after="async.outcome", alone=True)
def result(peer: Peer) -> None:
    """The result of an asynchronous request outlives its proxy: a poll gives it again."""
    identifier = identifier_of(peer, for_later(peer, _WITHOUT_PRODUCT, 1))
    found = outcome_of(peer, identifier)
    peer.restart()
    peer.ask(for_later(peer, identifier, 2), status(found.status or 0), data(found.data))


@case("restart.transfer", rules="TRN-03", places=_CHAIN, after="bulk.whole", alone=True)
def transfer(peer: Peer) -> None:
    """A transfer outlives its proxy: resumed, it gives the rest of the same octets, and the digest
    of the whole."""
    line = peer.connect()
    line.send(frame(peer, OPEN, _GRTL))
    whole = run(peer, line)
    peer.restart()
    line = peer.connect()
    line.send(frame(peer, RESUME, transfer=whole.transfer, offset=3, target="RM"))
    rest = run(peer, line)
    peer.must(rest.payload == whole.payload[3:], repr(whole.payload[3:]), repr(rest.payload))
    peer.must(rest.digest == whole.digest, whole.digest.hex(), rest.digest.hex())


@case(
    "restart.session",
    rules="WEB-09",
    places=("jar", "web", "rm", "dispatcher"),
    alone=True,
    after="sanity.probe session.several",
)
def session(peer: Peer) -> None:
    """A session outlives a restart of the jar."""
    key = peer.new_key()
    peer.restart()
    if peer.place == "jar":
        peer.ask(b"CKG<KEY=%b>" % key.encode(), code(0))
    else:
        peer.ask(peer.probe(key=key), peer.answered())
