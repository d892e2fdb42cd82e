"""Sessions: the key and its cookie, logoff, the idle time, and the cookie jar itself (WEB-03,
WEB-05, WEB-09)."""

from __future__ import annotations

import re

from ...transcript import Draft
from ..case import BARE, CHAIN, PROXIES, case
from ..expecting import Expectation, bare, code, data, field, http, message, satisfies, status
from ..peer import Peer
from ..posting import cookie_in, gives_key, gives_no_key, leaves_cookie, post, takes_cookie

_WEB = ("web",)
_JAR = ("jar",)
_SESSIONS = 50


def _width(peer: Peer) -> int:
    width: int = peer.profile.web.session_key.width
    return width


def _unknown(peer: Peer) -> str:
    """A key that nobody has."""
    return "0" * _width(peer)


def _send(peer: Peer, draft: Draft, *cookies: str, expected: tuple[Expectation, ...]) -> None:
    """A POST with these cookies, on a connection of its own."""
    line = peer.connect()
    line.send_http(post(peer.profile, draft, cookies=cookies))
    line.expect(*expected)
    line.close()


def _logoff(peer: Peer, key: str, target: str = "") -> Draft:
    return peer.request(b"", key=key, transaction=2, target=target)


# ---- the key and the cookie ----------------------------------------------------------------------


@case("session.key.given-back", rules="WEB-03", places=_WEB)
def key_comes_back(peer: Peer) -> None:
    """Every reply under a live session has its key in the web header and in the cookie, whatever
    its status."""
    key = peer.key()
    gives = gives_key(peer.profile, key)
    peer.ask(peer.probe(), gives)
    peer.ask(peer.request(b"", target="NOBODY"), gives)
    peer.ask(peer.probe(type=9), gives)
    peer.ask(peer.request(b"NONE<X=1>", target="RM"), gives)


@case("session.cookie.attributes", rules="WEB-03", places=_WEB)
def attributes(peer: Peer) -> None:
    """The cookie is HttpOnly, its path is that of the POST, and over TLS it is Secure."""
    cookie = cookie_in(peer.profile, peer.ask(peer.probe()))
    found = cookie.attributes if cookie else {}
    peer.must("httponly" in found, "HttpOnly", str(cookie))
    peer.must(
        found.get("path") == peer.profile.web_path, f"Path={peer.profile.web_path}", f"{cookie}"
    )
    if peer.wire.is_secret:
        peer.must("secure" in found, "Secure", str(cookie))


@case("session.cookie.instead", rules="WEB-03", places=_WEB)
def cookie_instead_of_key(peer: Peer) -> None:
    """If the key in the web header is empty, the cookie counts."""
    key = peer.key()
    expected = (peer.answered(), gives_key(peer.profile, key))
    _send(peer, peer.probe(key=""), key, expected=expected)


@case("session.cookie.both", rules="WEB-03", places=_WEB)
def both_alike(peer: Peer) -> None:
    """A key in the header and the same in the cookie is one session."""
    _send(peer, peer.probe(), peer.key(), expected=(peer.answered(),))


@case("session.cookie.differs", rules="WEB-03", places=_WEB, after="sanity.probe session.several")
def both_different(peer: Peer) -> None:
    """A key in the header and another in the cookie is 105, though both sessions live."""
    one, other = peer.new_key(), peer.new_key()
    _send(peer, peer.probe(key=one), other, expected=(http(200), status(105)))
    for key in (one, other):
        peer.ask(peer.probe(key=key), peer.answered())


@case("session.cookie.last", rules="WEB-03", places=_WEB)
def several_cookies(peer: Peer) -> None:
    """Of several cookies of the name the last counts."""
    key, unknown = peer.key(), _unknown(peer)
    _send(peer, peer.probe(key=""), unknown, key, expected=(peer.answered(),))
    _send(peer, peer.probe(key=""), key, unknown, expected=(status(105),))


@case(
    "session.cookie.taken",
    rules="WEB-03",
    places=_WEB,
    after="sanity.probe session.several session.logoff",
)
def cookie_is_taken_away(peer: Peer) -> None:
    """With 105 and after a logoff the cookie is taken away: empty, Max-Age=0."""
    for draft in (_logoff(peer, peer.new_key()), peer.probe(key=_unknown(peer))):
        peer.ask(draft, takes_cookie(peer.profile), gives_no_key(peer.profile))


@case("session.cookie.left", rules="WEB-03", places=_WEB)
def cookie_is_left(peer: Peer) -> None:
    """After any other failure the cookie is not taken away."""
    leaves = leaves_cookie(peer.profile)
    for draft in (peer.probe(version=9), peer.probe(type=9), peer.request(b"", target="NOBODY")):
        peer.ask(draft, leaves)
    peer.ask(b"", leaves)
    peer.ask(peer.request(b"NONE<X=1>", target="RM"), leaves)


# ---- unknown sessions ----------------------------------------------------------------------------


@case("session.unknown", rules="WEB-05 HDR-11 STS-01", places=CHAIN)
def unknown_session(peer: Peer) -> None:
    """An unknown session key is a bare 105, and the connection stays open."""
    line = peer.connect()
    line.send(peer.probe(key=_unknown(peer)))
    line.expect(status(105), bare())
    peer.still_served(line)


@case("session.unknown.no-key", rules="WEB-05 WEB-03", places=_WEB)
def unknown_session_gives_no_key(peer: Peer) -> None:
    """An unknown session is HTTP 200 with a key of NULs in both headers."""
    gives = (http(200), gives_no_key(peer.profile), field("session_key", ""))
    peer.ask(peer.probe(key=_unknown(peer)), *gives)


@case("session.none", rules="WEB-05", places=_WEB)
def no_session(peer: Peer) -> None:
    """A transaction without any key is 105, whatever its target."""
    for target in ("RM", "STAROE"):
        peer.ask(peer.probe(key="", target=target), status(105), bare())


@case("session.none.proxy", rules="HDR-11 DSP-03", places=("dispatcher", "rm", "rs", "inbox"))
def key_of_nuls(peer: Peer) -> None:
    """A frame under a key of NULs is 105 everywhere but at StarOE."""
    peer.ask(peer.probe(key=""), status(105), bare())


@case("session.key.case", rules="WEB-03 HDR-11", places=CHAIN, after="sanity.probe session.several")
def key_is_exact(peer: Peer) -> None:
    """A key is compared octet for octet."""
    key = next((key for key in (peer.new_key() for _ in range(9)) if key != key.upper()), "")
    if not key:
        peer.not_applicable("the keys have no letters")
    peer.ask(peer.probe(key=key.upper()), status(105))
    peer.ask(peer.probe(key=key[:-1]), status(105))


@case("session.several", rules="WEB-04 WEB-03", places=("jar", *CHAIN))
def several_sessions(peer: Peer) -> None:
    """A user may have several sessions, each with a key of its own: a new one leaves those before
    it alive."""
    keys = [peer.new_key("visitor") for _ in range(2)]
    peer.must(keys[0] != keys[1], "another key", keys[1])
    lives = satisfies("another answer than 105", lambda reply: reply.status != 105)
    for key in keys:
        if peer.place == "jar":
            peer.ask(b"CKG<KEY=%b>" % key.encode(), code(0))
        else:
            peer.ask(peer.request(b"GUA<>", key=key, use="visitor"), lives)


# ---- logoff and the idle time --------------------------------------------------------------------


@case("session.logoff", rules="WEB-05", places=_WEB, after="sanity.probe session.several")
def logoff(peer: Peer) -> None:
    """A logoff is answered with status 0, no data and a key of NULs."""
    gives_none = gives_no_key(peer.profile)
    peer.ask(_logoff(peer, peer.new_key()), status(0), bare(), gives_none)


@case("session.logoff.for-ever", rules="WEB-05", places=_WEB, after="sanity.probe session.several")
def logoff_is_for_ever(peer: Peer) -> None:
    """Behind a logoff the key is unknown to every request, and the user's other sessions live."""
    key, other = peer.new_key(), peer.new_key()
    peer.ask(peer.probe(key=key), peer.answered())
    peer.ask(_logoff(peer, key), status(0))
    peer.ask(peer.probe(key=key), status(105))
    _send(peer, peer.probe(key=""), key, expected=(status(105),))
    peer.ask(peer.probe(key=other), peer.answered())


@case("session.logoff.unknown", rules="WEB-05", places=_WEB, after="sanity.probe session.several")
def logoff_without_session(peer: Peer) -> None:
    """A logoff without a session is 105."""
    key = peer.new_key()
    peer.ask(_logoff(peer, key), status(0))
    for gone in (key, _unknown(peer), ""):
        peer.ask(_logoff(peer, gone), status(105), bare())


@case("session.logoff.target", rules="WEB-05", places=_WEB, after="sanity.probe session.several")
def target_of_a_logoff(peer: Peer) -> None:
    """What stands in the target of a logoff does not matter."""
    for target in ("RM", "NOBODY"):
        peer.ask(_logoff(peer, peer.new_key(), target=target), status(0))


@case(
    "session.logoff.cookie",
    rules="WEB-05 WEB-03",
    places=_WEB,
    after="sanity.probe session.several",
)
def logoff_by_cookie(peer: Peer) -> None:
    """A logoff may name its session by the cookie alone."""
    key = peer.new_key()
    _send(peer, _logoff(peer, ""), key, expected=(status(0),))
    peer.ask(peer.probe(key=key), status(105))


@case(
    "session.idle",
    rules="WEB-05",
    places=("web", "jar"),
    takes=3700.0,
    after="sanity.probe session.several jar.unknown",
)
def idle(peer: Peer) -> None:
    """A session ends when nothing was asked in it for the idle time, and not before."""
    seconds = peer.profile.idle_seconds
    key = peer.new_key()
    for _ in range(2):
        peer.pass_time(seconds - 30)
        _lives(peer, key, lives=True)
    peer.pass_time(seconds + 1)
    _lives(peer, key, lives=False)


def _lives(peer: Peer, key: str, *, lives: bool) -> None:
    if peer.place == "jar":
        peer.ask(b"CKG<KEY=%b>" % key.encode(), code(0 if lives else 6109))
    else:
        peer.ask(peer.probe(key=key), peer.answered() if lives else status(105))


# ---- the jar -------------------------------------------------------------------------------------


def _made(peer: Peer) -> str:
    user = peer.grounds.user()
    text = f"CKM<USERID={user.userid},ENTPID={user.entpid}>"
    reply = peer.ask(text.encode("latin-1"), message("CKMA", ERROR="0"))
    found = re.search(rb"KEY=([^,>]*)", reply.data)
    return found[1].decode("latin-1") if found else ""


@case("jar.key.form", rules="WEB-03", places=("jar", "web"), after="sanity.probe session.several")
def form_of_keys(peer: Peer) -> None:
    """A key is of lower-case hex digits that fill its field."""
    for _ in range(4):
        key = peer.new_key()
        form = f"{_width(peer)} of 0 to 9 and a to f"
        peer.must(bool(re.fullmatch(f"[0-9a-f]{{{_width(peer)}}}", key)), form, repr(key))


@case("jar.key.unique", rules="WEB-03 WEB-09", places=_JAR, after="sanity.probe session.several")
def keys_are_unique(peer: Peer) -> None:
    """Each session has a key of its own, also of one user; none resembles another."""
    line = peer.connect()
    user = peer.grounds.user()
    line.send(f"CKM<USERID={user.userid},ENTPID={user.entpid}>".encode() * _SESSIONS)
    keys = {line.expect(code(0)).data for _ in range(_SESSIONS)}
    peer.must(len(keys) == _SESSIONS, f"{_SESSIONS} keys", f"{len(keys)}")
    halves = {key[: len(key) - _width(peer) // 2] for key in keys}
    peer.must(len(halves) == _SESSIONS, "keys at random", f"{len(halves)} beginnings of keys")


@case("jar.get", rules="WEB-09", places=_JAR, after="sanity.probe session.several")
def get(peer: Peer) -> None:
    """CKG tells the customer whose session a key belongs to."""
    user = peer.grounds.user()
    wanted = {"ERROR": "0", "USERID": user.userid, "ENTPID": user.entpid}
    peer.ask(f"CKG<KEY={_made(peer)}>".encode(), message("CKGA", **wanted))


@case("jar.delete", rules="WEB-09 WEB-05", places=_JAR, after="sanity.probe session.several")
def delete(peer: Peer) -> None:
    """CKD ends a session: its key is unknown from then on, to a second CKD too."""
    key = _made(peer).encode()
    other = _made(peer).encode()
    peer.ask(b"CKD<KEY=%b>" % key, data(b"CKDA<ERROR=0>"))
    peer.ask(b"CKG<KEY=%b>" % key, message("CKGA", ERROR="6109"))
    peer.ask(b"CKD<KEY=%b>" % key, message("CKDA", ERROR="6109"))
    peer.ask(b"CKG<KEY=%b>" % other, code(0))


@case("jar.unknown", rules="WEB-09", places=_JAR)
def unknown_key(peer: Peer) -> None:
    """A key that is unknown is 6109, to CKG and to CKD, octet for octet."""
    key = _unknown(peer).encode()
    peer.ask(b"CKG<KEY=%b>" % key, data(b"CKGA<ERROR=6109>"))
    peer.ask(b"CKD<KEY=%b>" % key, data(b"CKDA<ERROR=6109>"))


@case("jar.anybody", rules="WEB-09", places=_JAR)
def nobody_is_asked(peer: Peer) -> None:
    """The jar makes a session for a customer whom StarOE does not know."""
    peer.ask(b"CKM<USERID=nobody,ENTPID=99999999>", code(0))


@case(
    "jar.ends-elsewhere",
    rules="WEB-09 HDR-11 WEB-05",
    places=("rm", "inbox", "web", "dispatcher"),
    after="sanity.probe session.several",
)
def ended_for_all(peer: Peer) -> None:
    """A session that the jar has ended is unknown to every server."""
    if "jar" not in peer.wire.places:
        peer.not_applicable("there is no jar to end a session at")
    key = peer.new_key()
    peer.ask(peer.probe(key=key), peer.answered())
    line = peer.connect("jar")
    line.send(b"CKD<KEY=%b>" % key.encode())
    line.expect(code(0))
    peer.ask(peer.probe(key=key), status(105))


# ---- what only servers may say -------------------------------------------------------------------

_OF_SERVERS = ("CKM", "CKG", "CKD", "NRL", "METADATA", "A")


@case("jar.messages-elsewhere", rules="HDR-08 SYN-01", places=(*PROXIES, "dispatcher", "web"))
def only_on_native_ports(peer: Peer) -> None:
    """A, NRL, METADATA and the messages of the jar are unknown through a dispatcher."""
    target = {"RM": 6104, "INBOX": 5103, "RS": 6104, "STAROE": 6104}
    own = {peer.place.upper(): target.get(peer.place.upper(), 0)}
    asked = own if peer.place in PROXIES else {"RM": 6104, "INBOX": 5103}
    for name, number in asked.items():
        for acronym in _OF_SERVERS:
            text = f"{acronym}<>".encode()
            peer.ask(peer.request(text, target=name), status(100), code(number))


_SERVED = tuple(place for place in BARE if place != "jar")


@case("jar.own-port", rules="WEB-09", places=_SERVED)
def only_at_the_jar(peer: Peer) -> None:
    """The messages of the jar are unknown at the other native ports."""
    number = 5103 if peer.place.startswith("inbox") else 6104
    peer.ask(b"CKG<>", code(number))
