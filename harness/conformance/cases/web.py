"""The web server: what HTTP carries, and what it refuses by itself (WEB-01, WEB-02, WEB-06)."""

from __future__ import annotations

from ...transcript import Draft, plus
from ..case import case
from ..expecting import Ending, bare, field, http, octets, repeats, satisfies, status
from ..peer import Peer
from ..posting import gives_no_key, header_of, post

_WEB = ("web",)
_GRTL = bytes.fromhex(
    "01" + "30313233343536373839616263646566" * 2 + "01 00000075 524d202020202020 00"
) + (b" " * 28 + bytes(32 + 2) + b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>")
"""The worked example "GRTL to the web server", 150 octets."""
_NO_SESSION = (
    bytes([1]) + bytes(32) + bytes.fromhex("01 0000004c 524d202020202020 00") + b" " * 28
) + (bytes(32) + bytes.fromhex("0069"))
"""The worked example "session unknown, from the web server", 109 octets."""
_EARLY = 2.0
"""Seconds in which a length that is too great can be refused before the body."""
_TEXT = "Content-Type: text/plain"


def _headers(peer: Peer) -> int:
    """The octets of both headers."""
    return peer.profile.wire.web.size + peer.profile.wire.dispatcher.size


# ---- the request line ----------------------------------------------------------------------------


@case("web.path", rules="WEB-06", places=_WEB)
def another_path(peer: Peer) -> None:
    """A POST to another path than the profile's is HTTP 404."""
    line = peer.connect()
    for path in ("/", peer.profile.web_path + "/x", peer.profile.web_path.upper()):
        line.send_http(post(peer.profile, peer.probe(), path=path))
        line.expect(http(404))


@case("web.method", rules="WEB-06", places=_WEB)
def another_method(peer: Peer) -> None:
    """Another method than POST is HTTP 405."""
    line = peer.connect()
    for method in ("GET", "PUT", "DELETE"):
        line.send_http(post(peer.profile, b"", method=method))
        line.expect(http(405))


@case("web.unknown-headers", rules="WEB-01", places=_WEB)
def unknown_headers(peer: Peer) -> None:
    """Headers and cookies that are not the wire's, and the media type, are not looked at."""
    headers = (_TEXT, "X-Other: 1", "Cookie: other=1; nmcix=2", "Accept: text/html")
    line = peer.connect()
    line.send_http(post(peer.profile, peer.probe(), headers=headers))
    line.expect(peer.answered())


# ---- the body ------------------------------------------------------------------------------------


@case("web.body.short", rules="WEB-06", places=_WEB)
def body_too_short(peer: Peer) -> None:
    """A body shorter than the two headers is HTTP 400."""
    whole = peer.probe().octets
    for size in (0, 1, peer.profile.wire.web.size, _headers(peer) - 1):
        peer.ask(whole[:size], http(400))


@case("web.body.headers-only", rules="WEB-06", places=_WEB)
def body_of_headers(peer: Peer) -> None:
    """A body of the two headers alone is not too short: HTTP 200, with a status."""
    peer.ask(peer.probe().but(data=b""), http(200))


def _too_long(peer: Peer, **request: str) -> None:
    """A POST that is one octet longer than any may be is HTTP 413, at best at its head."""
    longest = peer.profile.wire.web.size + peer.profile.frame_octets
    line = peer.connect()
    line.send_http(post(peer.profile, b"", length=longest + 1, **request))  # type: ignore[arg-type]
    early = line.outcome(min(peer.patience, _EARLY))
    if isinstance(early, Ending) and early.kind == "silent":
        peer.not_strict("the whole body is read before its length is refused")
        line.send_http(bytes(longest + 1))
        line.expect(http(413))
    else:
        line.judge(http(413), early)


@case("web.body.long", rules="WEB-06 HDR-04", places=_WEB)
def body_too_long(peer: Peer) -> None:
    """A body longer than the web header and the largest frame is HTTP 413."""
    _too_long(peer)


@case("web.body.longest", rules="WEB-06 HDR-04", places=_WEB)
def longest_body(peer: Peer) -> None:
    """A body of the greatest length is not too long: it is judged by its headers."""
    room = peer.profile.frame_octets - peer.profile.wire.dispatcher.size
    peer.ask(peer.probe().but(data=bytes(room)).with_(version=plus(1)), http(200))


@case("web.transaction-type", rules="WEB-06 WEB-02", places=_WEB)
def unknown_transaction(peer: Peer) -> None:
    """A transaction type other than 0, 1 and 2 is HTTP 400."""
    line = peer.connect()
    for transaction in (3, 4, 255):
        line.send(peer.probe(transaction=transaction))
        line.expect(http(400))


# ---- version and length --------------------------------------------------------------------------


def _refuses(peer: Peer, draft: Draft, number: int) -> None:
    """The web server answers with that status itself, and its connection serves on."""
    line = peer.connect()
    line.send(draft)
    line.expect(http(200), status(number), bare())
    peer.still_served(line)


@case("web.version", rules="WEB-01 HDR-03", places=_WEB)
def another_version(peer: Peer) -> None:
    """Another version is answered with a bare 101, and the connection stays open."""
    for version in (plus(-1), plus(1), plus(127)):
        _refuses(peer, peer.probe().with_(version=version), 101)


@case("web.version.empty", rules="DSP-01 HDR-06", places=_WEB)
def empty_header_with_101(peer: Peer) -> None:
    """With 101 the dispatcher header has the receiver's version, an empty target and type 0."""
    draft = peer.probe(type=2).with_(version=plus(1))
    peer.ask(draft, field("version", peer.profile.version), field("target", ""), field("type", 0))


@case("web.length", rules="WEB-01", places=_WEB)
def another_length(peer: Peer) -> None:
    """Another length than that of what follows the web header is a bare 102, and the connection
    stays open."""
    for length in (plus(1), plus(-1), 0, peer.profile.wire.dispatcher.size, plus(1 << 20)):
        _refuses(peer, peer.probe().with_(length=length), 102)


@case("web.length.behind", rules="WEB-01", places=_WEB)
def more_than_a_frame(peer: Peer) -> None:
    """A second frame behind the first in one body is 102: one POST, one frame."""
    draft = peer.probe()
    second = draft.octets[peer.profile.wire.web.size :]
    _refuses(peer, draft.with_(length=len(second)).but(data=draft.data + second), 102)


@case("web.refused.no-key", rules="WEB-03", places=_WEB)
def no_key_with_101(peer: Peer) -> None:
    """Replies that are given before the session is looked up have a key of NULs."""
    for change in ({"version": plus(1)}, {"length": plus(1)}):
        peer.ask(peer.probe().with_(**change), gives_no_key(peer.profile))


# ---- the order -----------------------------------------------------------------------------------


@case("web.order.length-first", rules="WEB-06 HDR-04", places=_WEB)
def length_before_path(peer: Peer) -> None:
    """413 comes before 404 and 405."""
    _too_long(peer, method="PUT", path="/x")


@case("web.order.path", rules="WEB-06", places=_WEB)
def path_before_method(peer: Peer) -> None:
    """404 comes before 405, and 405 before 400."""
    line = peer.connect()
    line.send_http(post(peer.profile, b"", method="PUT", path="/x"))
    line.expect(http(404))
    line.send_http(post(peer.profile, b"", method="PUT"))
    line.expect(http(405))


@case("web.order.headers", rules="WEB-06", places=_WEB)
def transaction_before_version(peer: Peer) -> None:
    """400 comes before 101, 101 before 102, and 102 before 105."""
    unknown = peer.probe(key="f" * peer.profile.web.session_key.width)
    wrong = unknown.with_(version=plus(1), length=plus(1))
    peer.ask(wrong.with_(transaction=9), http(400))
    peer.ask(wrong, status(101))
    peer.ask(unknown.with_(length=plus(1)), status(102))
    peer.ask(unknown, status(105))


@case("web.order.session", rules="WEB-06 WEB-05", places=_WEB)
def session_before_the_rest(peer: Peer) -> None:
    """105 comes before what the dispatcher would say of type and target."""
    unknown = "f" * peer.profile.web.session_key.width
    peer.ask(peer.probe(key=unknown, type=9, target="NOBODY"), status(105))


# ---- the response --------------------------------------------------------------------------------


@case("web.response.nested", rules="WEB-01", places=_WEB)
def nested(peer: Peer) -> None:
    """The response is a web header, a dispatcher header and the response of the proxy, and no
    octet more."""
    reply = peer.ask(peer.probe(), peer.answered())
    length = header_of(reply, "Content-Length")
    peer.must(
        length in (None, str(len(reply.octets))), f"{len(reply.octets)} octets", f"{length} octets"
    )


@case("web.response.transaction", rules="WEB-01", places=_WEB, after="sanity.probe session.logoff")
def transaction_comes_back(peer: Peer) -> None:
    """The response repeats the transaction type of the request."""
    for transaction in (0, 1, 2):
        draft = peer.request(b"", transaction=transaction, key="", target="STAROE")
        peer.ask(draft, field("transaction", transaction))


@case("web.response.media-type", rules="WEB-01", places=_WEB)
def media_type(peer: Peer) -> None:
    """The media type of the response is application/octet-stream."""
    reply = peer.ask(peer.probe())
    found = (header_of(reply, "Content-Type") or "").partition(";")[0].strip().lower()
    peer.must(found == "application/octet-stream", "application/octet-stream", repr(found))


@case("web.response.repeats", rules="DSP-01", places=_WEB)
def repeats_target(peer: Peer) -> None:
    """The dispatcher header of the response repeats version, target and type."""
    draft = peer.request(b"0" * 20, type=2, target="RM")
    peer.ask(draft, repeats(draft, "version", "target", "type"))


@case("web.response.masked", rules="DSP-01", places=_WEB)
def identity_is_not_given_back(peer: Peer) -> None:
    """The dispatcher header of the response has no user id, enterprise id or session key."""
    draft = peer.probe().with_(user_id="somebody", enterprise_id="nowhere")
    peer.ask(draft, field("user_id", ""), field("enterprise_id", ""), field("session_key", ""))


@case("web.session-unknown.octets", rules="WEB-01 WEB-02 WEB-05 DSP-01", places=_WEB)
def session_unknown_literally(peer: Peer) -> None:
    """The worked example of a POST is, without its session, answered as the example says, octet for
    octet."""
    wire = peer.profile.wire
    if (wire.web.size, wire.dispatcher.size) != (33, 76) or wire.common.size != 49:
        peer.not_applicable(f"the octets are of another layout than {peer.profile.name}'s")
    peer.ask(_GRTL, octets(_NO_SESSION))


# ---- the identity --------------------------------------------------------------------------------


@case("web.identity", rules="DSP-01", places=_WEB, after="sanity.probe session.several")
def identity_is_written_over(peer: Peer) -> None:
    """Whatever the client says of its identity, the session's counts."""
    user, other = peer.grounds.user(), peer.grounds.user("other")
    key = peer.new_key("other")
    message = peer.grounds.good("L")
    draft = peer.request(message, target="INBOX").with_(
        user_id=other.userid, enterprise_id=other.entpid, dispatcher_session_key=key, status=105
    )
    mine = satisfies(f"the answer to {user.userid}", lambda reply: reply.status in (0, 100))
    reply = peer.ask(draft, mine)
    peer.must(b"ERROR=5131" not in reply.data, f"{user.userid}'s items", repr(reply.data[:80]))


# ---- HTTP itself ---------------------------------------------------------------------------------


@case("web.keep-alive", rules="WEB-01", places=_WEB)
def keep_alive(peer: Peer) -> None:
    """Several POSTs of HTTP/1.1 are answered on one connection."""
    line = peer.connect()
    for _ in range(3):
        line.send(peer.probe())
        line.expect(peer.answered())


@case("web.pipelined", rules="WEB-08", places=_WEB)
def pipelined(peer: Peer) -> None:
    """POSTs that come in one segment are answered in their order."""
    targets = ["RM", "INBOX", "RS", "INBOX", "RM"]
    drafts = [peer.request(b"0" * 20, type=9, target=target) for target in targets]
    line = peer.connect()
    line.send_http(b"".join(post(peer.profile, draft) for draft in drafts))
    for target in targets:
        line.expect(status(107), field("target", target))


@case("web.chunked", rules="WEB-01", places=_WEB)
def chunked(peer: Peer) -> None:
    """A body that comes in chunks is read as one that comes with its length."""
    draft = peer.probe()
    cuts = (1, peer.profile.wire.web.size, _headers(peer) + 3)
    line = peer.connect()
    line.send_http(post(peer.profile, draft, chunks=cuts))
    line.expect(peer.answered())
    peer.still_served(line)


@case("web.pieces", rules="WEB-01", places=_WEB)
def in_pieces(peer: Peer) -> None:
    """A POST may arrive in any pieces."""
    draft = peer.probe()
    whole = len(post(peer.profile, draft))
    line = peer.connect()
    line.send(draft, cuts=(1, 5, whole // 2, whole - len(draft.data), whole - 1))
    line.expect(peer.answered())


@case("web.http-1.0", rules="WEB-01", places=_WEB)
def old_http(peer: Peer) -> None:
    """A POST of HTTP/1.0 is answered, and its connection closed."""
    line = peer.connect()
    line.send_http(post(peer.profile, peer.probe(), version="1.0"))
    line.expect(peer.answered())
    line.expect_end()


@case("web.other-answers", rules="WEB-06", places=_WEB)
def other_answers_serve_on(peer: Peer) -> None:
    """Behind 404, 405 and 400 a correct POST is answered as ever."""
    for request in (post(peer.profile, b"", path="/x"), post(peer.profile, b"", method="GET")):
        line = peer.connect()
        line.send_http(request)
        line.expect()
        line.close()
    peer.ask(b"", http(400))
    peer.alive()


@case("web.no-http", rules="ERR-07", places=_WEB)
def no_http(peer: Peer) -> None:
    """What is no request of HTTP is HTTP 400, and the connection is closed."""
    line = peer.connect()
    line.send_http(b"GRTL<PRODUCT=V>\r\n\r\n")
    line.expect(http(400))
    line.expect_end()
    peer.alive()
