"""The dispatcher's connectivity tests, as the proxies see them (HDR-07)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..case import case
from ..expecting import bare, data, status
from ..far_ends import FarFrame
from ..peer import Peer

_HERE = ("dispatcher",)
_GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
_SRTL = b"SRTL<ERROR=0,REPORTS=<>>"
_PROXIES = ("staroe", "rm", "rs", "inbox")


@contextmanager
def _echoes(peer: Peer, *silent: str) -> Iterator[list[FarFrame]]:
    """The echoes that come meanwhile; the proxies at these places do not answer theirs."""
    came: list[FarFrame] = []

    def take(frame: FarFrame) -> bool:
        came.append(frame)
        return frame.place in silent

    book = peer.wire.behind(peer.profile).book
    book.echo = take
    try:
        yield came
    finally:
        book.echo = None


@case("dispatcher.ping", rules="HDR-07 DSP-05", places=_HERE, takes=65.0, alone=True)
def pings(peer: Peer) -> None:
    """Each proxy gets an echo every `ping_seconds`, with a key of NULs, a serial of its own and no
    data."""
    peer.far()
    seconds = peer.profile.ping_seconds
    with _echoes(peer) as came:
        peer.pass_time(2 * seconds + 1)
    for place in _PROXIES:
        here = [frame for frame in came if frame.place == place and frame.connection.instance == 0]
        peer.must(len(here) == 2, f"2 echoes at {place}", f"{len(here)}")
    for frame in came:
        key, size = frame.fields["session_key"], len(frame.octets)
        peer.must(key == "", "a key of NULs", repr(key))
        peer.must(size == peer.profile.wire.common.size, "a bare header", f"{size} octets")
    serials = {frame.fields["serial"] for frame in came}
    peer.must(len(serials) == len(came), "serials of their own", f"{sorted(serials)}")


@case("dispatcher.ping.silent", rules="HDR-07", places=_HERE, takes=130.0, alone=True)
def silent_instance(peer: Peer) -> None:
    """An instance that has not answered when the next echo is due gets no requests until it
    answers one."""
    far = peer.far()
    line = peer.connect()
    seconds = peer.profile.ping_seconds
    with _echoes(peer, "rm"):
        peer.pass_time(2 * seconds + 2)
        line.send(far.request(_GRTL))
        line.expect(status(106), bare())
        line.send(far.request(_GRTL, target="INBOX"))
        far.receive().reply(data=_SRTL)
        line.expect(status(0))
    peer.pass_time(seconds + 2)
    line.send(far.request(_GRTL))
    far.receive().reply(data=_SRTL)
    line.expect(status(0), data(_SRTL))


@case("dispatcher.ping.not-passed-on", rules="HDR-07", places=_HERE)
def no_echo_flag(peer: Peer) -> None:
    """A request is sent on without the echo flag."""
    far = peer.far()
    peer.connect().send(far.request(_GRTL))
    frame = far.receive()
    peer.must(frame.fields["echo"] == 0, "echo 0", f"echo {frame.fields['echo']}")
