"""The statuses of replies (STS-01)."""

from __future__ import annotations

from ..case import case
from ..expecting import begins, status
from ..peer import Peer

_PROXIES = ("rm", "inbox", "dispatcher")


def _nothing(peer: Peer) -> bytes:
    """A request for what is not there: no failure in the strict sense, and no success."""
    if peer.place == "inbox":
        return peer.grounds.filled(
            "L<ENTPID={entpid},USERID={userid},CATEGORY=D,INBOXID=9999999999>"
        )
    return b"GURD<REPORTID=2147483647>"


@case("status.success", rules="STS-01", places=("rm", "staroe", "dispatcher"))
def success(peer: Peer) -> None:
    """A request that succeeds has status 0."""
    peer.ask(peer.good("GUA" if peer.place == "staroe" else "GRTL"), status(0))


@case("status.application-error", rules="STS-01", places=("rm", "rs", "inbox", "staroe"))
def application_error(peer: Peer) -> None:
    """A response message whose ERROR is not 0 has status 100."""
    peer.ask(peer.request(b"QQQ<>"), status(100))


@case("status.error-in-data", rules="STS-01", places=("rm", "rs"))
def the_error_is_in_the_data(peer: Peer) -> None:
    """With status 100 the response message is behind the header."""
    peer.ask(peer.request(b"QQQ<>"), begins(b"QQQ<ERROR="))


@case("status.nothing-there", rules="STS-01", places=_PROXIES, rests="CAT-06")
def nothing_there(peer: Peer) -> None:
    """What finds nothing has status 100 too, though it is no failure in the strict sense."""
    peer.ask(peer.request(_nothing(peer)), status(100))
