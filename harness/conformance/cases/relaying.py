"""Bulk frames on their way through the dispatcher and the web server, both ends held (TRN-03)."""

from __future__ import annotations

from typing import Any

from ...transcript import plus
from ..case import case
from ..connection import Connection
from ..expecting import bare, data, field, http, status
from ..far import Far, Forwarded
from ..peer import Peer
from ..posting import gives_key

_HERE = ("dispatcher",)
_BOTH = ("dispatcher", "web")
_TRANSFER = 9
_DATA, _END, _CANCEL, _CANCELLED, _RESUME = 1, 2, 3, 4, 5
_DIGEST = bytes(range(32))
_OPEN = b"F<INBOXID=42>"
_SOME = b"44,30"


def _bulk(peer: Peer, operation: int, offset: int = 0, total: int = 0, rest: bytes = b"") -> bytes:
    """A bulk header of this transfer and what stands behind it."""
    values = {"operation": operation, "transfer": _TRANSFER, "offset": offset, "total": total}
    slots: Any = peer.profile.wire.bulk.slots
    return b"".join(values[one.name].to_bytes(one.width, one.order) for one in slots) + rest


def _first(peer: Peer, far: Far) -> tuple[Connection, Forwarded]:
    """A run that has begun."""
    line = peer.connect()
    opening = bytes(peer.profile.wire.bulk.size) + _OPEN
    line.send(far.request(opening, type=3))
    run = far.receive()
    peer.must(run.data == opening, repr(opening), repr(run.data))
    return line, run


@case("relay.order", rules="TRN-03", places=_BOTH, rests="WEB-08")
def in_order(peer: Peer) -> None:
    """The frames of a run are passed on in order, each with its status and data unchanged, until
    the last."""
    far = peer.far()
    line, run = _first(peer, far)
    frames = [(3, _bulk(peer, _DATA, at, 5, _SOME[at : at + 2])) for at in (0, 2, 4)]
    frames.append((4, _bulk(peer, _END, 5, 5, _DIGEST)))
    for number, octets in frames:
        run.reply(number, octets)
    for number, octets in frames:
        line.expect(status(number), data(octets), field("type", 3))


@case("relay.served-on", rules="TRN-03", places=_HERE)
def serves_on(peer: Peer) -> None:
    """Behind the last frame the connection to the proxy is closed, and the client's serves on."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(100, _bulk(peer, _END, rest=b"Z<REQ=F,ERROR=5100>"))
    line.expect(status(100))
    run.expect_closed()
    line.send(far.request(b"L<A=1>"))
    far.receive().reply(data=b"Z<REQ=L,ERROR=0>")
    line.expect(status(0))


@case("relay.lost", rules="TRN-03 STS-01", places=_HERE)
def lost_in_the_middle(peer: Peer) -> None:
    """When the proxy is lost in the middle of a run its last frame is a bare 106."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, _SOME))
    line.expect(status(3))
    run.close()
    line.expect(status(106), bare())


@case("relay.foreign", rules="TRN-03 DSP-06", places=_HERE)
def foreign_frame(peer: Peer) -> None:
    """A frame with another serial than the run's ends it with 106."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, _SOME), serial=plus(1))
    line.expect(status(106), bare())


@case("relay.slow", rules="TRN-03", places=_HERE, takes=130.0)
def slow_frame(peer: Peer) -> None:
    """When a frame does not come within its time the last frame is a bare 109; each frame has that
    time anew."""
    far = peer.far()
    line, run = _first(peer, far)
    for offset in (0, 1):
        peer.pass_time(peer.profile.reply_seconds - 5)
        run.reply(3, _bulk(peer, _DATA, offset, 5, b"4"))
        line.expect(status(3))
    line.expect(status(109), bare(), within=peer.profile.reply_seconds + 5)


@case("relay.too-large", rules="TRN-03 HDR-04", places=_HERE)
def too_large_a_frame(peer: Peer) -> None:
    """A frame that passes the maximum of the next hop ends the run with a bare 110."""
    far = peer.far()
    line, run = _first(peer, far)
    wire = peer.profile.wire
    room = peer.profile.bulk_frame_octets - wire.common.size - wire.bulk.size
    run.reply(3, _bulk(peer, _DATA, 0, room, bytes(room)))
    line.expect(status(110), bare())


@case("relay.cancel", rules="TRN-03", places=_HERE)
def cancel_overtakes(peer: Peer) -> None:
    """The cancel of a run that is being passed on goes on the connection of that run, under its
    serial."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, b"44"))
    line.expect(status(3))
    line.send(far.request(_bulk(peer, _CANCEL), type=3))
    cancel = far.receive()
    peer.must(cancel.is_on_the_connection_of(run), "the connection of the run", "another")
    serial, wanted = cancel.fields["serial"], run.fields["serial"]
    peer.must(serial == wanted, f"serial {wanted}", f"serial {serial}")
    peer.must(cancel.data == _bulk(peer, _CANCEL), "the cancel", repr(cancel.data))
    run.reply(5, _bulk(peer, _CANCELLED, 2, 5))
    line.expect(status(5), data(_bulk(peer, _CANCELLED, 2, 5)))
    line.expect_silence(0.1)


@case("relay.cancel.elsewhere", rules="TRN-03", places=_HERE)
def cancel_on_another(peer: Peer) -> None:
    """A cancel on another connection is a request of its own, with its own serial and connection
    to the proxy."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, b"44"))
    line.expect(status(3))
    other = peer.connect()
    other.send(far.request(_bulk(peer, _CANCEL), type=3))
    cancel = far.receive()
    peer.must(not cancel.is_on_the_connection_of(run), "a connection of its own", "the run's")
    for one, waiting in ((run, line), (cancel, other)):
        one.reply(5, _bulk(peer, _CANCELLED, 2, 5))
        waiting.expect(status(5))


@case("relay.client-gone", rules="TRN-03", places=_HERE)
def client_gone(peer: Peer) -> None:
    """When the client's connection is lost that to the proxy is closed, and the run so cut off."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, b"44"))
    line.expect(status(3))
    line.abort()
    run.expect_closed()


# ---- through the web server ----------------------------------------------------------------------

_WEB = ("web",)


@case("relay.web.header-once", rules="WEB-08", places=_WEB)
def header_once(peer: Peer) -> None:
    """The response is the web header once, with the session's key, then frames back to back."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, _SOME))
    run.reply(4, _bulk(peer, _END, 5, 5, _DIGEST))
    line.expect(http(200), gives_key(peer.profile, far.key), field("transaction", 1), status(3))
    line.expect(status(4), data(_bulk(peer, _END, 5, 5, _DIGEST)))
    line.send(far.request(b"L<A=1>"))
    far.receive().reply(data=b"Z<REQ=L,ERROR=0>")
    line.expect(http(200), status(0))


@case("relay.web.lost", rules="WEB-08", places=_WEB)
def lost_behind_the_web(peer: Peer) -> None:
    """If the dispatcher is lost before the first frame it is HTTP 503; later, the last frame is
    106."""
    far = peer.far()
    line, run = _first(peer, far)
    run.close()
    line.expect(http(503))
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, _SOME))
    run.close()
    line.expect(status(3))
    line.expect(status(106), bare())


@case("relay.web.slow", rules="WEB-08", places=_WEB, takes=65.0)
def slow_behind_the_web(peer: Peer) -> None:
    """If a frame does not come in time the last frame is 109."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, _SOME))
    line.expect(status(3), within=peer.profile.reply_seconds + 5)
    line.expect(status(109), bare(), within=peer.profile.reply_seconds + 5)


@case("relay.web.client-gone", rules="WEB-08", places=_WEB)
def client_of_the_web_gone(peer: Peer) -> None:
    """Closing the connection of the response cancels the run: the dispatcher's is closed too."""
    far = peer.far()
    line, run = _first(peer, far)
    run.reply(3, _bulk(peer, _DATA, 0, 5, _SOME))
    line.close()
    run.expect_closed()
