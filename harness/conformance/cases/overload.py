"""What a server does not take on (ERR-08): the harness is the cookie jar that keeps it waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..case import PROXIES, case
from ..expecting import bare, octets, status
from ..far import Far, Forwarded
from ..peer import Peer

_GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
_NOBODY = b"CKGA<ERROR=6109>"


@contextmanager
def _full(peer: Peer) -> Iterator[tuple[Far, list[Forwarded]]]:
    """A port at which as many transactions are under way as it takes on, on a connection each: how
    to ask there, and what each waits for."""
    most = peer.grounds.limit("transactions")
    far = peer.far()
    far.answers("CKG")
    lines = [peer.connect() for _ in range(most)]
    for line in lines:
        line.send(far.request(_GRTL))
    questions = [far.receive() for _ in lines]
    try:
        yield far, questions
    finally:
        for question in questions:
            question.send(_NOBODY)
        lines[-1].expect(status(105))


@case("overload.transactions", rules="ERR-08 STS-01", places=PROXIES, alone=True, seconds=60.0)
def beyond_the_limit(peer: Peer) -> None:
    """A transaction beyond those that a port takes on is a bare 111."""
    with _full(peer) as (far, _):
        peer.ask(far.request(_GRTL), status(111), bare())


@case("overload.echo", rules="ERR-08 HDR-05", places=PROXIES, alone=True, seconds=60.0)
def echoes_are_answered(peer: Peer) -> None:
    """While a port takes nothing more on, an echo is answered still."""
    with _full(peer) as (far, _):
        echo = far.request(_GRTL, echo=1)
        peer.ask(echo, octets(echo.octets))


@case("overload.over", rules="ERR-08", places=PROXIES, alone=True, seconds=60.0)
def recovers(peer: Peer) -> None:
    """As soon as a transaction has ended another is taken on: a refusal leaves nothing behind."""
    with _full(peer) as (far, questions):
        peer.ask(far.request(_GRTL), status(111))
        questions.pop(0).send(_NOBODY)
        peer.pass_time(0.05)
        line = peer.connect()
        line.send(far.request(_GRTL))
        questions.append(far.receive())
