"""The web server, both its ends held: what it sends on to its dispatcher, and what comes back."""

from __future__ import annotations

from ...transcript import Draft
from ..case import case
from ..connection import Connection
from ..expecting import bare, data, field, http, status
from ..far import Far, Forwarded
from ..peer import Peer
from ..posting import gives_key, gives_no_key, takes_cookie

_HERE = ("web",)
_GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
_SRTL = b"SRTL<ERROR=0,REPORTS=<>>"


def _through(peer: Peer, far: Far, draft: Draft | None = None) -> tuple[Connection, Forwarded]:
    line = peer.connect()
    line.send(draft or far.request(_GRTL))
    return line, far.receive()


def _logon(peer: Peer, far: Far) -> tuple[Connection, Forwarded, str]:
    """A logon that has been sent on, and the name of its user."""
    name = f"u-{peer.grounds.unique()}"
    far.claim(name)
    vum = f"VUM<USERID={name},PASSWORD=x>".encode()
    line, frame = _through(peer, far, far.request(vum, key="", transaction=0, target="STAROE"))
    return line, frame, name


# ---- the way there -------------------------------------------------------------------------------


@case("front.header", rules="DSP-01", places=_HERE)
def enriched(peer: Peer) -> None:
    """What the dispatcher gets has the session's user id, enterprise id and key, status 0, and a
    length that is right: octet for octet as in the worked example."""
    if peer.profile.wire.dispatcher.size != 76:
        peer.not_applicable(f"the octets are of another layout than {peer.profile.name}'s")
    far = peer.far()
    _, frame = _through(peer, far)
    user = peer.grounds.user()
    identity = user.userid.encode().ljust(20) + user.entpid.encode().ljust(8)
    wanted = b"\x01\x00\x00\x00\x75RM      \x00" + identity + far.key.encode() + b"\0\0" + _GRTL
    peer.must(frame.octets == wanted, repr(wanted), repr(frame.octets))


@case("front.overwritten", rules="DSP-01", places=_HERE)
def written_over(peer: Peer) -> None:
    """User id, enterprise id, session key and status are written over whatever the client sent."""
    far = peer.far()
    other = peer.grounds.user("other")
    draft = far.request(_GRTL).with_(
        user_id=other.userid,
        enterprise_id=other.entpid,
        dispatcher_session_key="f" * peer.profile.dispatcher.session_key.width,
        status=105,
    )
    _, frame = _through(peer, far, draft)
    user = peer.grounds.user()
    wanted = (user.userid, user.entpid, far.key, 0)
    names = ("user_id", "enterprise_id", "session_key", "status")
    got = tuple(frame.fields[name] for name in names)
    peer.must(got == wanted, f"{wanted}", f"{got}")


@case("front.data", rules="DSP-04", places=_HERE)
def data_pass(peer: Peer) -> None:
    """The data pass through the web server unchanged in both directions."""
    far = peer.far()
    for sent in (_GRTL, b"", bytes(range(256)), b"x" * 70_000):
        line, frame = _through(peer, far, far.request(sent))
        peer.must(frame.data == sent, repr(sent[:80]), repr(frame.data[:80]))
        frame.reply(data=sent[::-1])
        line.expect(data(sent[::-1]))


@case("front.target", rules="DSP-01", places=_HERE)
def target_and_type_pass(peer: Peer) -> None:
    """Target and type of the client's header pass as they are, unknown ones too: the web server
    does not judge them."""
    far = peer.far()
    for target, number in (("RM", 2), ("NOBODY", 0), ("INBOX", 9)):
        _, frame = _through(peer, far, far.request(_GRTL, target=target, type=number))
        got = (frame.fields["target"], frame.fields["type"])
        peer.must(got == (target, number), f"{(target, number)}", f"{got}")


@case("front.refused", rules="WEB-05 WEB-06", places=_HERE)
def refused_goes_nowhere(peer: Peer) -> None:
    """What the web server refuses itself is not sent on: an unknown session, a wrong length, a
    logoff."""
    far = peer.far()
    far.claim("marked")
    unknown = "f" * peer.profile.web.session_key.width
    line = peer.connect()
    for draft, number in (
        (far.request(b"marked", key=unknown), 105),
        (far.request(b"marked").with_(length=3), 102),
        (far.request(b"", transaction=2), 0),
        (far.request(b"marked"), 105),
    ):
        line.send(draft)
        line.expect(status(number))
    far.expect_nothing()


# ---- the way back --------------------------------------------------------------------------------


@case("front.status", rules="STS-01 WEB-06", places=_HERE)
def status_passes(peer: Peer) -> None:
    """A status of the dispatcher's reply is HTTP 200 and is passed on unchanged, one that nobody
    knows too."""
    far = peer.far()
    line = peer.connect()
    for number in (0, 2, 100, 103, 104, 106, 107, 108, 109, 110, 111, 6, 77, 255):
        line.send(far.request(_GRTL))
        far.receive().reply(number)
        line.expect(http(200), status(number), gives_key(peer.profile, far.key))


@case("front.session-ended", rules="WEB-03", places=_HERE)
def session_has_ended(peer: Peer) -> None:
    """With a 105 of the dispatcher the key is NULs and the cookie taken away."""
    far = peer.far()
    line, frame = _through(peer, far)
    frame.reply(105)
    line.expect(status(105), gives_no_key(peer.profile), takes_cookie(peer.profile))


@case("front.masked", rules="DSP-01", places=_HERE)
def masked(peer: Peer) -> None:
    """The client gets no user id, enterprise id or session key in the dispatcher header, though the
    dispatcher had sent them."""
    far = peer.far()
    line, frame = _through(peer, far)
    frame.reply(data=_SRTL, user_id="jean", enterprise_id="00000000", session_key=far.key)
    empty = [field(name, "") for name in ("user_id", "enterprise_id", "session_key")]
    line.expect(status(0), *empty)


@case("front.lost", rules="WEB-06", places=_HERE)
def dispatcher_lost(peer: Peer) -> None:
    """When the dispatcher is lost before its reply the answer is HTTP 503, and the next request is
    served."""
    far = peer.far()
    line, frame = _through(peer, far)
    frame.close()
    line.expect(http(503))
    line, frame = _through(peer, far)
    frame.reply(data=_SRTL)
    line.expect(http(200), status(0))


@case("front.late", rules="DSP-06", places=_HERE, takes=65.0)
def late_reply(peer: Peer) -> None:
    """When the dispatcher does not answer in time the status is 109."""
    far = peer.far()
    line, _ = _through(peer, far)
    line.expect(http(200), status(109), bare(), within=peer.profile.reply_seconds + 5)


# ---- logon ---------------------------------------------------------------------------------------


@case("front.logon", rules="WEB-04", places=_HERE)
def logon(peer: Peer) -> None:
    """A logon is sent on under a key of NULs; when it is answered VUMA with ERROR 0, the jar makes
    a session for the ids of the answer, and its key is given."""
    far = peer.far()
    line, frame, name = _logon(peer, far)
    far.answers("CKM")
    got = frame.fields["session_key"]
    peer.must(got == "", "a key of NULs", repr(got))
    frame.reply(data=f"VUMA<ERROR=0,USERID={name},ENTPID=00000009>".encode())
    made = far.receive()
    wanted = f"CKM<USERID={name},ENTPID=00000009>".encode()
    peer.must(made.data == wanted, repr(wanted), repr(made.data))
    made.send(f"CKMA<ERROR=0,KEY={far.key}>".encode())
    line.expect(status(0), gives_key(peer.profile, far.key))


@case("front.logon.refused", rules="WEB-04 WEB-03", places=_HERE)
def logon_refused(peer: Peer) -> None:
    """No session is made for any other answer: a refusal, another acronym, another status."""
    far = peer.far()
    far.answers("CKM")
    for number, answer in (
        (100, "VUMA<ERROR=6115>"),
        (0, "GUAA<ERROR=0,USERID={0},ENTPID=00000009>"),
        (106, ""),
    ):
        line, frame, name = _logon(peer, far)
        frame.reply(number, answer.format(name).encode())
        line.expect(status(number), gives_no_key(peer.profile))
    far.expect_nothing()
