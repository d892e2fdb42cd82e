"""TLS towards the client (WEB-07, HDR-10). In memory nothing is encrypted."""

from __future__ import annotations

import ssl

from ..case import case
from ..peer import Peer
from ..posting import post

_WEB = ("web",)
_OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
_NEW = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def _over_tls(peer: Peer) -> None:
    if not peer.wire.is_secret:
        peer.not_applicable("the web server is not reached by TLS")


@case("web.tls.new", rules="WEB-07", places=_WEB)
def new_versions(peer: Peer) -> None:
    """TLS 1.2 and later are spoken."""
    _over_tls(peer)
    taken = [version.name for version in _NEW if peer.wire.handshake(peer.place, version)]
    peer.must(taken == [version.name for version in _NEW], "TLS 1.2 and 1.3", f"{taken}")


@case("web.tls.old", rules="WEB-07 HDR-10", places=_WEB)
def old_versions(peer: Peer) -> None:
    """Older versions are refused, unless the profile says otherwise."""
    _over_tls(peer)
    if not (ssl.HAS_TLSv1 and ssl.HAS_TLSv1_1):
        peer.not_applicable("this machine speaks no old TLS itself")
    taken = [version.name for version in _OLD if peer.wire.handshake(peer.place, version)]
    wanted = [version.name for version in _OLD if peer.profile.allow_old_tls]
    peer.must(taken == wanted, f"{wanted}", f"{taken}")


@case("web.tls.plain", rules="WEB-07 HDR-10", places=_WEB, after="")
def plain_http(peer: Peer) -> None:
    """Where TLS is spoken plain HTTP is not answered as the wire is."""
    _over_tls(peer)
    draft = peer.request(b"NOBODY<>", key="f" * 16)
    answer = peer.wire.plainly(peer.place, post(peer.profile, draft))
    peer.must(
        b" 200 " not in answer.partition(b"\n")[0], "no answer of the wire", repr(answer[:80])
    )
