"""The dispatcher, both its ends held: what it sends on, and what it makes of what comes back (DSP).

Literal octets are those of the worked examples of `docs/protocol.md`. What ends a connection to a
proxy runs alone: with `multiplex` others share it.
"""

from __future__ import annotations

from ...transcript import Draft, plus
from ..case import case
from ..connection import Connection
from ..expecting import bare, code, data, field, message, repeats, status
from ..far import Far, Forwarded
from ..peer import Peer

_HERE = ("dispatcher",)
_EVERY_OCTET = bytes(range(256))
_GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
_SRTL = b"SRTL<ERROR=0,REPORTS=<>>"
_ARD = b"ARD<NAME=once>"
_MANY = 20


def _sent(peer: Peer, draft: Draft) -> Connection:
    line = peer.connect()
    line.send(draft)
    return line


def _through(peer: Peer, far: Far, draft: Draft | None = None) -> tuple[Connection, Forwarded]:
    """A request that has been sent on, and the connection that waits for its reply."""
    line = _sent(peer, draft or far.request(_GRTL))
    return line, far.receive()


# ---- the way there -------------------------------------------------------------------------------


@case("dispatcher.data", rules="DSP-04", places=_HERE)
def data_pass(peer: Peer) -> None:
    """The data of a request pass through unchanged, whatever octets they are."""
    far = peer.far()
    for sent in (_GRTL, b"", _EVERY_OCTET, b" \r\n|GRTL < >\0 ", b"x" * 70_000):
        line, frame = _through(peer, far, far.request(sent))
        peer.must(frame.data == sent, repr(sent[:80]), repr(frame.data[:80]))
        frame.reply(data=_SRTL)
        line.expect(status(0))


@case("dispatcher.header", rules="DSP-04 HDR-01 HDR-02", places=_HERE)
def common_header(peer: Peer) -> None:
    """What the proxy gets is the common header, with version, length, no echo, the session's key,
    the type and status 0, and then the data: octet for octet as in the worked example."""
    if peer.profile.wire.common.size != 49:
        peer.not_applicable(f"the octets are of another layout than {peer.profile.name}'s")
    far = peer.far()
    _, frame = _through(peer, far, far.request(_GRTL, status=105))
    serial = frame.fields["serial"].to_bytes(8, "big")
    wanted = b"\x01\x00\x00\x00\x5a\x00" + far.key.encode() + b"\x00" + serial + b"\0\0" + _GRTL
    peer.must(frame.octets == wanted, repr(wanted), repr(frame.octets))


@case("dispatcher.types", rules="DSP-04 HDR-02", places=_HERE)
def type_passes(peer: Peer) -> None:
    """The type of the request is that of the frame to the proxy."""
    far = peer.far()
    for number in (0, 1, 2, 3):
        _, frame = _through(peer, far, far.request(b"0" * 25, type=number))
        got = frame.fields["type"]
        peer.must(got == number, f"type {number}", f"type {got}")


@case("dispatcher.targets", rules="DSP-02", places=_HERE, after="sanity.probe dispatcher.staroe")
def target_is_the_address(peer: Peer) -> None:
    """Each target's requests go to the proxy of that name, and to no other."""
    far = peer.far()
    for target in ("RM", "RS", "INBOX", "STAROE"):
        _, frame = _through(peer, far, far.request(b"X<Y=1>", target=target))
        peer.must(frame.place == target.lower(), target.lower(), frame.place)


@case("dispatcher.serial", rules="DSP-05", places=_HERE)
def serials_are_unique(peer: Peer) -> None:
    """No two requests have the same serial, on one connection or on several, whatever their
    target."""
    far = peer.far()
    lines = [peer.connect() for _ in range(2)]
    serials = []
    for number in range(_MANY):
        line = lines[number % 2]
        line.send(far.request(_GRTL, target=("RM", "INBOX")[number % 4 // 2]))
        frame = far.receive()
        serials.append(frame.fields["serial"])
        frame.reply(data=_SRTL)
        line.expect(status(0))
    peer.must(len(set(serials)) == _MANY, f"{_MANY} serials", f"{serials}")


@case("dispatcher.serial.restart", rules="DSP-05", places=_HERE, alone=True)
def serials_outlive_a_restart(peer: Peer) -> None:
    """A serial is not used again after a restart of the dispatcher."""
    far = peer.far()
    serials = []
    for _ in range(2):
        peer.restart()
        line, frame = _through(peer, far)
        serials.append(frame.fields["serial"])
        line.close()
    peer.must(serials[0] != serials[1], f"another serial than {serials[0]}", f"{serials[1]}")


@case("dispatcher.connections", rules="DSP-04", places=_HERE)
def a_new_connection_each(peer: Peer) -> None:
    """Each request goes over a new connection, which is closed behind the reply; with `multiplex`
    requests of type 0 share one."""
    far = peer.far("INBOX")
    line, first = _through(peer, far)
    first.reply(data=_SRTL)
    line.expect(status(0))
    if not peer.profile.multiplex:
        first.expect_closed()
    line.send(far.request(_GRTL))
    second = far.receive()
    shared = second.is_on_the_connection_of(first)
    told = ("a new connection", "the connection of the first request")
    wanted, got = reversed(told) if peer.profile.multiplex else told
    peer.must(shared == peer.profile.multiplex, wanted, got)


@case("dispatcher.own-connections", rules="DSP-04", places=_HERE)
def others_have_their_own(peer: Peer) -> None:
    """Types 1, 2 and 3 have connections of their own, with `multiplex` too."""
    far = peer.far()
    frames = [_through(peer, far, far.request(b"0" * 25, type=one))[1] for one in (0, 1, 2, 3)]
    for place, frame in enumerate(frames):
        shared = any(frame.is_on_the_connection_of(other) for other in frames[:place])
        peer.must(not shared, "a connection of its own", "the connection of another")


@case("dispatcher.waits", rules="DSP-04", places=_HERE)
def keeps_waiting(peer: Peer) -> None:
    """The connection of who asked is kept waiting until the reply is there."""
    far = peer.far()
    line, frame = _through(peer, far)
    line.expect_silence(20.0 if peer.wire.is_virtual else 0.2)
    frame.reply(data=_SRTL)
    line.expect(status(0), data(_SRTL))


@case("dispatcher.crossed", rules="DSP-04", places=_HERE)
def replies_that_cross(peer: Peer) -> None:
    """Replies that come in another order than their requests reach who asked each."""
    far = peer.far()
    asked = []
    for number in range(4):
        line, frame = _through(peer, far, far.request(b"GRTL<N=%d>" % number))
        asked.append((line, frame))
    for _, frame in reversed(asked):
        frame.reply(data=b"SRTL" + frame.data[4:])
    for number, (line, _) in enumerate(asked):
        line.expect(data(b"SRTL<N=%d>" % number))


# ---- the way back --------------------------------------------------------------------------------


@case("dispatcher.reply.data", rules="DSP-04 DSP-07", places=_HERE)
def reply_passes(peer: Peer) -> None:
    """The data of a reply pass through unchanged, whatever octets they are."""
    far = peer.far()
    line = peer.connect()
    for sent in (_SRTL, b"", _EVERY_OCTET, b" \0\r\n ", b"x" * 70_000):
        line.send(far.request(_GRTL))
        far.receive().reply(data=sent)
        line.expect(data(sent))


@case("dispatcher.reply.header", rules="DSP-01 DSP-07", places=_HERE)
def reply_header(peer: Peer) -> None:
    """A reply has version, target and type of its request, and no user id, enterprise id or key."""
    far = peer.far()
    draft = far.request(_GRTL)
    line, frame = _through(peer, far, draft)
    frame.reply(data=_SRTL)
    empty = [field(name, "") for name in ("user_id", "enterprise_id", "session_key")]
    line.expect(repeats(draft, "version", "target", "type"), *empty)


@case("dispatcher.reply.status", rules="DSP-07 STS-01", places=_HERE)
def status_passes(peer: Peer) -> None:
    """The status of the proxy's reply is put into the dispatcher header unchanged, one that nobody
    knows too."""
    far = peer.far()
    line = peer.connect()
    for number in (0, 2, 100, 103, 104, 105, 106, 107, 108, 109, 110, 111, 6, 77, 112, 255):
        line.send(far.request(_GRTL))
        far.receive().reply(number, b"A<ERROR=1>" if number in (0, 77, 100) else b"")
        line.expect(status(number))


@case("dispatcher.reply.refusals", rules="DSP-07", places=_HERE, alone=True)
def refusals_pass(peer: Peer) -> None:
    """101 and 102 of a proxy, which repeat nothing of the request, are passed on as statuses, and
    the connection stays."""
    far = peer.far()
    line = peer.connect()
    for number in (101, 102):
        line.send(far.request(_GRTL))
        far.receive().reply(number, session_key="", type=0, serial=0)
        line.expect(status(number))


@case("dispatcher.reply.foreign", rules="DSP-06", places=_HERE)
def foreign_reply(peer: Peer) -> None:
    """A reply with another serial, type or session key than the request's counts as none: 106."""
    if peer.profile.multiplex:
        peer.not_applicable("on a shared connection such a reply is dropped")
    far = peer.far()
    line = peer.connect()
    other = "f" * peer.profile.common.session_key.width
    changes = ({"serial": plus(1)}, {"type": 2}, {"session_key": other}, {"session_key": ""})
    for change in changes:
        line.send(far.request(_ARD))
        far.receive().reply(data=_SRTL, **change)
        line.expect(status(106), bare())


@case("dispatcher.reply.too-large", rules="DSP-07 HDR-04", places=_HERE)
def too_large(peer: Peer) -> None:
    """A reply within the limit of the proxy's hop and beyond that of the next is a bare 110."""
    far = peer.far()
    line, frame = _through(peer, far)
    room = peer.profile.frame_octets - peer.profile.wire.common.size
    frame.reply(data=bytes(room))
    line.expect(status(110), bare())


# ---- the checks ----------------------------------------------------------------------------------


@case("dispatcher.order", rules="DSP-03", places=_HERE)
def order_of_checks(peer: Peer) -> None:
    """107 for the type comes before 103 for the target, that before 105 for the session, and that
    before 104 for the entitlement."""
    far = peer.far(use="visitor")
    unknown = "f" * peer.profile.dispatcher.session_key.width
    line = peer.connect()
    for draft, number in (
        (far.request(_GRTL, type=9, target="NOBODY", key=unknown), 107),
        (far.request(_GRTL, target="NOBODY", key=unknown), 103),
        (far.request(_GRTL, key=unknown), 105),
        (far.request(_GRTL), 104),
    ):
        line.send(draft)
        line.expect(status(number), bare())


@case("dispatcher.refused", rules="DSP-03", places=_HERE)
def refused_goes_nowhere(peer: Peer) -> None:
    """A request that is refused never reaches a proxy."""
    far = peer.far(use="visitor")
    line = peer.connect()
    other = peer.grounds.user("other").userid
    for draft in (
        far.request(_GRTL, type=9),
        far.request(_GRTL, target="NOBODY"),
        far.request(_GRTL, user_id=other),
        far.request(_GRTL),
        far.request(_GRTL, target="ODS"),
    ):
        line.send(draft)
        line.expect(bare())
    far.expect_nothing()


@case("dispatcher.nuls", rules="DSP-03", places=_HERE)
def key_of_nuls(peer: Peer) -> None:
    """A frame under a key of NULs is sent on to STAROE, under a key of NULs, and nowhere else."""
    far = peer.far()
    word = f"nobody-{peer.grounds.unique()}"
    far.claim(word)
    vum = f"VUM<USERID={word},PASSWORD=x>".encode()
    line, frame = _through(peer, far, far.request(vum, key="", target="STAROE"))
    peer.must(frame.fields["session_key"] == "", "a key of NULs", repr(frame.fields["session_key"]))
    peer.must(frame.data == vum, repr(vum), repr(frame.data))
    frame.reply(100, b"VUMA<ERROR=6115>")
    line.expect(status(100), code(6115))
    for target in ("RM", "RS", "INBOX"):
        line.send(far.request(vum, key="", target=target))
        line.expect(status(105), bare())
    far.expect_nothing()


@case("dispatcher.entitlements", rules="DSP-03", places=_HERE, after="sanity.connect")
def entitlements(peer: Peer) -> None:
    """At the first frame of a session GUA is asked under the session's own key, and not again."""
    far = peer.far()
    far.answers("GUA")
    line = _sent(peer, far.request(_GRTL))
    gua = far.receive()
    user = peer.grounds.user()
    wanted = f"GUA<USERID={user.userid}>".encode()
    peer.must(gua.data == wanted, repr(wanted), repr(gua.data))
    peer.must(gua.fields["session_key"] == far.key, far.key, repr(gua.fields["session_key"]))
    gua.reply(data=b"GUAA<ERROR=0,APPS=<RM~INBOX>>")
    far.receive().reply(data=_SRTL)
    line.expect(status(0))
    for target in ("INBOX", "RM"):
        line.send(far.request(_GRTL, target=target))
        frame = far.receive()
        peer.must(frame.data == _GRTL, "the request, and no second GUA", repr(frame.data))
        frame.reply(data=_SRTL)
        line.expect(status(0))


@case("dispatcher.entitlements.decide", rules="DSP-03", places=_HERE)
def entitlements_decide(peer: Peer) -> None:
    """A target that GUAA does not name is 104, and nothing is sent there."""
    far = peer.far()
    far.answers("GUA")
    line = _sent(peer, far.request(_GRTL))
    far.receive().reply(data=b"GUAA<ERROR=0,APPS=<INBOX>>")
    line.expect(status(104), bare())
    far.expect_nothing()


@case("dispatcher.entitlements.refused", rules="DSP-03", places=_HERE, alone=True)
def entitlements_refused(peer: Peer) -> None:
    """When GUA is refused, or lost before its reply, the answer is 106, and the next frame asks
    again."""
    far = peer.far()
    far.answers("GUA")
    line = _sent(peer, far.request(_GRTL))
    far.receive().reply(100, b"GUAA<ERROR=6115>")
    line.expect(status(106), bare())
    line.send(far.request(_GRTL))
    far.receive().close()
    line.expect(status(106), bare())
    line.send(far.request(_GRTL))
    far.receive().reply(data=b"GUAA<ERROR=0,APPS=<RM>>")
    far.receive().reply(data=_SRTL)
    line.expect(status(0))


# ---- failover ------------------------------------------------------------------------------------


@case("dispatcher.lost.write", rules="DSP-06", places=_HERE, alone=True)
def lost_write(peer: Peer) -> None:
    """An ARD whose connection is lost before the reply is 106, and is not sent again."""
    far = peer.far()
    line, frame = _through(peer, far, far.request(_ARD))
    frame.close()
    line.expect(status(106), bare())
    far.expect_nothing()


@case("dispatcher.lost.inside", rules="DSP-06", places=_HERE, alone=True)
def lost_inside(peer: Peer) -> None:
    """When the connection is lost inside the reply it is 106, and even a read is not sent again."""
    far = peer.far()
    line = peer.connect()
    header = peer.profile.wire.common.size
    for count in (header, header // 2) if not peer.profile.multiplex else (header,):
        line.send(far.request(_GRTL))
        frame = far.receive()
        frame.send(frame.answer(0, _SRTL).octets[:count])
        frame.close()
        line.expect(status(106), bare())
    far.expect_nothing()


@case("dispatcher.lost.all", rules="DSP-06", places=_HERE, alone=True)
def lost_at_all(peer: Peer) -> None:
    """When no instance is left the reply to a read is 106; each instance was asked once."""
    far = peer.far()
    line = _sent(peer, far.request(_GRTL))
    for _ in range(2 if far.has_several else 1):
        far.receive().close()
    line.expect(status(106), bare())
    far.expect_nothing()


@case("dispatcher.lost.read", rules="DSP-06", places=_HERE, alone=True)
def lost_read(peer: Peer) -> None:
    """A read, and any frame of type 1 or 2, whose connection is lost before the reply goes to the
    next instance, under the same serial."""
    far = peer.far()
    if not far.has_several:
        peer.not_applicable("the Report Manager has one instance")
    for sent, number in ((_GRTL, 0), (_ARD, 1), (b"0" * 20, 2)):
        line, first = _through(peer, far, far.request(sent, type=number))
        first.close()
        second = far.receive()
        peer.must(second.octets == first.octets, repr(first.octets), repr(second.octets))
        peer.must(second.instance != first.instance, "another instance", "the same")
        second.reply(data=b"0" * 20)
        line.expect(status(0))


@case("dispatcher.turns", rules="DSP-02", places=_HERE)
def in_turn(peer: Peer) -> None:
    """The instances of a proxy take turns."""
    far = peer.far()
    if not far.has_several:
        peer.not_applicable("the Report Manager has one instance")
    line = peer.connect()
    instances = set()
    for _ in range(_MANY):
        line.send(far.request(_GRTL))
        frame = far.receive()
        instances.add(frame.instance)
        frame.reply(data=_SRTL)
        line.expect(status(0))
    peer.must(len(instances) == 2, "both instances", f"instance {instances} alone")


@case("dispatcher.late", rules="DSP-06", places=_HERE, takes=65.0)
def late_reply(peer: Peer) -> None:
    """When the reply does not come in time it is 109, and the late one reaches nobody."""
    far = peer.far()
    line, frame = _through(peer, far, far.request(_ARD))
    line.expect_silence(peer.profile.reply_seconds - 1)
    line.expect(status(109), bare(), within=5.0)
    frame.reply(data=b"ARDA<ERROR=0>")
    line.expect_silence(0.2)
    line.send(far.request(_GRTL))
    far.receive().reply(data=_SRTL)
    line.expect(data(_SRTL))


# ---- asynchronous requests -----------------------------------------------------------------------


@case("dispatcher.asynchronous", rules="TRN-02", places=_HERE)
def keeps_its_connection(peer: Peer) -> None:
    """Behind the reply to types 1 and 2 the dispatcher keeps the connection on which it was
    asked, though the proxy closes its own."""
    far = peer.far()
    line = peer.connect()
    for number, answer in ((1, b"0" * 19 + b"7"), (2, b""), (1, b"0" * 19 + b"8")):
        line.send(far.request(b"0" * 20, type=number))
        frame = far.receive()
        frame.reply(number, answer)
        frame.close()
        line.expect(status(number), data(answer), field("type", number))


# ---- StarOE --------------------------------------------------------------------------------------


@case("dispatcher.staroe", rules="DSP-03", places=_HERE)
def staroe_is_open(peer: Peer) -> None:
    """A session without any target is still served at STAROE."""
    far = peer.far("STAROE", use="visitor")
    line, frame = _through(peer, far, far.request(b"GUX<A=1>"))
    frame.reply(100, b"GUXA<ERROR=6104>")
    line.expect(message("GUXA", ERROR="6104"))
