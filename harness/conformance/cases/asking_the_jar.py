"""How servers ask the cookie jar, the harness standing for it (WEB-09, HDR-11)."""

from __future__ import annotations

from ..case import CHAIN, PROXIES, case
from ..expecting import bare, octets, status
from ..peer import Peer

_GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"


@case("jar.asked", rules="WEB-09 HDR-11 DSP-03 WEB-05", places=CHAIN)
def asked(peer: Peer) -> None:
    """For every frame the jar is asked whose key it is, with CKG; what it does not know is 105."""
    far = peer.far()
    far.answers("CKG")
    line = peer.connect()
    line.send(far.request(_GRTL))
    question = far.receive()
    wanted = b"CKG<KEY=%b>" % far.key.encode()
    peer.must(question.data == wanted, repr(wanted), repr(question.data))
    question.send(b"CKGA<ERROR=6109>")
    line.expect(status(105), bare())


@case("jar.asked.error", rules="HDR-11 DSP-03 WEB-06", places=CHAIN)
def jar_in_trouble(peer: Peer) -> None:
    """When the jar answers with another error than 6109, or with what is no answer to CKG, it is
    106: nobody knows whether the session lives."""
    far = peer.far()
    far.answers("CKG")
    line = peer.connect()
    for answer in (b"CKGA<ERROR=6105>", b"CKDA<ERROR=0>"):
        line.send(far.request(_GRTL))
        far.receive().send(answer)
        line.expect(status(106), bare())


@case("jar.unreachable", rules="HDR-11 DSP-03 WEB-06 STS-01", places=CHAIN, alone=True)
def jar_lost(peer: Peer) -> None:
    """When the jar cannot be asked it is 106, and as soon as it can be asked all is well."""
    far = peer.far()
    far.answers("CKG")
    line = peer.connect()
    line.send(far.request(_GRTL))
    far.receive().abort()
    line.expect(status(106), bare())
    line.send(far.request(_GRTL))
    far.receive().send(b"CKGA<ERROR=6109>")
    line.expect(status(105))


@case("jar.not-asked", rules="HDR-05 HDR-03", places=PROXIES)
def echo_asks_nobody(peer: Peer) -> None:
    """An echo asks nobody, whatever key it has, nor does a frame of an unknown type."""
    far = peer.far()
    far.answers("CKG")
    echo = far.request(_GRTL, echo=1)
    peer.ask(echo, octets(echo.octets))
    peer.ask(far.request(_GRTL, type=9), status(107))
    far.expect_nothing()
