"""Logon and entitlements: VUM and GUA, at StarOE and through the web server (WEB-04)."""

from __future__ import annotations

import statistics
import threading

from ...transcript import Draft, Received
from ..case import case
from ..description import Use
from ..expecting import Expectation, bare, code, data, field, message, satisfies, status
from ..peer import Peer
from ..posting import gives_key, gives_no_key, leaves_cookie

_WEB = ("web",)
_WITH_STAROE = ("web", "staroe", "dispatcher")
_OPEN = "sanity.probe session.several logon.open"
_GUA = "sanity.probe session.several identity.entitled"
_WRONG = "no-such-password"
_UNKNOWN = "nobody"
_AT_ONCE = 5
"""Failures in a row, behind which an account refuses every password (WEB-04)."""
_WAIT = 61.0
_HURTING = threading.Lock()
"""Wrong passwords are tried one at a time, a right one behind each, so that they never add up."""


def _vum(peer: Peer, use: Use = "main", *, userid: str = "", password: str = "") -> Draft:
    """A logon: through the web server in a transaction of type 0, elsewhere under a key of NULs."""
    user = peer.grounds.user(use)
    text = f"VUM<USERID={userid or user.userid},PASSWORD={password or user.password}>"
    return peer.request(text.encode("latin-1"), key="", target="STAROE", transaction=0)


def _wrong_password(peer: Peer, *expected: Expectation) -> Received:
    with _HURTING:
        reply = peer.ask(_vum(peer, "visitor", password=_WRONG).with_(serial=7), *expected)
        peer.ask(_vum(peer, "visitor"), code(0))
    return reply


def _gua(peer: Peer, use: Use, asked: Use) -> Draft:
    text = f"GUA<USERID={peer.grounds.user(asked).userid}>"
    return peer.request(text.encode("latin-1"), use=use, target="STAROE")


@case("logon.open", rules="DSP-03", places=_WITH_STAROE, after="sanity.probe session.several")
def open_to_logons(peer: Peer) -> None:
    """VUM is answered without a session."""
    answered = satisfies("an answer other than 105", lambda reply: reply.status != 105)
    peer.ask(_vum(peer), answered)


# ---- VUM -----------------------------------------------------------------------------------------


@case("logon.vum", rules="WEB-04", places=_WITH_STAROE, after=_OPEN)
def right_password(peer: Peer) -> None:
    """VUM with the right password is answered VUMA with ERROR 0, the user id and his enterprise
    id."""
    user = peer.grounds.user()
    identity = {"USERID": user.userid, "ENTPID": user.entpid}
    peer.ask(_vum(peer), status(0), message("VUMA", ERROR="0", **identity))


@case("logon.refused", rules="WEB-04 STS-01", places=_WITH_STAROE, after=_OPEN)
def refused(peer: Peer) -> None:
    """A wrong password is status 100 and VUMA<ERROR=6115>, octet for octet."""
    _wrong_password(peer, status(100), data(b"VUMA<ERROR=6115>"))


@case("logon.unknown-user", rules="WEB-04", places=_WITH_STAROE, after=_OPEN)
def unknown_user(peer: Peer) -> None:
    """A user that does not exist is answered as a wrong password is, octet for octet."""

    wrong = _wrong_password(peer)
    unknown = peer.ask(_vum(peer, userid=_UNKNOWN, password=_WRONG).with_(serial=7))
    peer.must(unknown.octets == wrong.octets, repr(wrong.octets), repr(unknown.octets))


@case("logon.timing", rules="WEB-04", places=("staroe",), level="may", after=_OPEN)
def same_time(peer: Peer) -> None:
    """A wrong user and a wrong password take the same time."""

    def seconds(draft: Draft) -> float:
        begun = peer.wire.now()
        peer.ask(draft)
        return peer.wire.now() - begun

    wrong, unknown = [], []
    with _HURTING:
        for _ in range(3):
            wrong.append(seconds(_vum(peer, "visitor", password=_WRONG)))
            peer.ask(_vum(peer, "visitor"), code(0))
            unknown.append(seconds(_vum(peer, userid=_UNKNOWN, password=_WRONG)))
    one, other = statistics.median(wrong), statistics.median(unknown)
    peer.tell(f"a wrong password takes {one * 1000:.0f} ms, an unknown user {other * 1000:.0f} ms")


@case("logon.password-length", rules="WEB-04", places=("staroe",), after=_OPEN)
def too_long_a_password(peer: Peer) -> None:
    """A password of more than 64 octets is refused for its length, and one of 64 is not."""
    peer.ask(_vum(peer, userid=_UNKNOWN, password="x" * 65), code(6103))
    peer.ask(_vum(peer, userid=_UNKNOWN, password="x" * 64), code(6115))


@case("logon.types", rules="WEB-04 HDR-06", places=("staroe",), after=_OPEN)
def synchronous_only(peer: Peer) -> None:
    """StarOE takes type 0 only: 1, 2 and 3 are 107."""
    for number in (1, 2, 3):
        peer.ask(_vum(peer).with_(type=number), status(107), bare())


@case("logon.user-exact", rules="WEB-04", places=("staroe",), after=_OPEN)
def user_is_exact(peer: Peer) -> None:
    """A user id is compared octet for octet, and never in another case of letters."""
    userid = peer.grounds.user().userid
    peer.ask(_vum(peer, userid=userid.swapcase()), code(6115))


# ---- under a key of NULs -------------------------------------------------------------------------


@case("logon.nothing-else", rules="DSP-03", places=("staroe", "dispatcher"), after=_OPEN)
def nothing_but_vum(peer: Peer) -> None:
    """Under a key of NULs StarOE answers nothing but VUM: anything else is 105."""
    userid = peer.grounds.user().userid
    for text in (f"GUA<USERID={userid}>", f"VUMX<USERID={userid}>", "GRTL<IO=O>"):
        peer.ask(peer.request(text.encode(), key="", target="STAROE"), status(105), bare())


@case("logon.syntax", rules="DSP-03", places=("staroe",), after=_OPEN)
def vum_in_error(peer: Peer) -> None:
    """A VUM that is in error is answered by its code, under a key of NULs too."""
    peer.ask(peer.request(b"VUM<PASSWORD=x>", key=""), status(100), message("VUMA", ERROR="6839"))


# ---- lockout -------------------------------------------------------------------------------------


def _fail(peer: Peer, times: int) -> None:
    for _ in range(times):
        peer.ask(_vum(peer, "lockout", password=_WRONG), code(6115))


@case("logon.lockout", rules="WEB-04", places=("staroe",), alone=True, after=_OPEN)
def locked(peer: Peer) -> None:
    """Behind 5 wrong passwords in a row the account refuses the right one, with the same answer."""
    _fail(peer, _AT_ONCE)
    peer.ask(_vum(peer, "lockout"), status(100), data(b"VUMA<ERROR=6115>"))
    peer.ask(_vum(peer, "main"), code(0))


@case(
    "logon.lockout.ends",
    rules="WEB-04",
    places=("staroe",),
    takes=2 * _WAIT + 1,
    alone=True,
    after=_OPEN,
)
def lock_ends(peer: Peer) -> None:
    """After 60 seconds the account takes the right password again, whatever was tried meanwhile."""
    peer.pass_time(_WAIT)
    _fail(peer, _AT_ONCE)
    peer.pass_time(_WAIT / 2)
    _fail(peer, _AT_ONCE)
    peer.pass_time(_WAIT / 2)
    peer.ask(_vum(peer, "lockout"), code(0))


@case(
    "logon.lockout.wait",
    rules="WEB-04",
    places=("staroe",),
    takes=2 * _WAIT,
    alone=True,
    after=_OPEN,
)
def lock_lasts(peer: Peer) -> None:
    """Until 60 seconds are over the account refuses the right password."""
    peer.pass_time(_WAIT)
    _fail(peer, _AT_ONCE)
    peer.pass_time(_WAIT - 5)
    peer.ask(_vum(peer, "lockout"), code(6115))
    peer.pass_time(_WAIT)


@case(
    "logon.lockout.in-a-row",
    rules="WEB-04",
    places=("staroe",),
    takes=_WAIT,
    alone=True,
    after=_OPEN,
)
def not_in_a_row(peer: Peer) -> None:
    """A right password between wrong ones begins the count anew."""
    peer.pass_time(_WAIT)
    for _ in range(2):
        _fail(peer, _AT_ONCE - 1)
        peer.ask(_vum(peer, "lockout"), code(0))


# ---- GUA -----------------------------------------------------------------------------------------


@case("logon.gua", rules="WEB-04", places=_WITH_STAROE, after=_GUA)
def targets(peer: Peer) -> None:
    """GUA is answered GUAA with the targets to which the user is entitled."""
    wanted = "~".join(peer.grounds.user().targets)
    peer.ask(_gua(peer, "main", "main"), status(0), message("GUAA", ERROR="0", APPS=f"<{wanted}>"))


@case("logon.gua.another", rules="WEB-04", places=_WITH_STAROE, after=_GUA)
def targets_of_another(peer: Peer) -> None:
    """GUA for another user than the session's is 6115."""
    peer.ask(_gua(peer, "main", "colleague"), status(100), message("GUAA", ERROR="6115"))


@case("logon.gua.none", rules="WEB-04", places=_WITH_STAROE, after=_GUA)
def no_targets(peer: Peer) -> None:
    """GUA of a user who is entitled to no target is 6109."""
    peer.ask(_gua(peer, "visitor", "visitor"), status(100), message("GUAA", ERROR="6109"))


# ---- through the web server ----------------------------------------------------------------------


@case("logon.key", rules="WEB-04 WEB-03", places=_WEB, after=_OPEN)
def gives_a_key(peer: Peer) -> None:
    """A logon is answered with the key of a session, in the web header and in the cookie."""
    reply = peer.ask(_vum(peer))
    key = reply.fields["web_session_key"]
    peer.must(bool(key), "a session key", "a key of NULs")
    gives = gives_key(peer.profile, key).judge(reply)
    peer.must(gives is None, f"the key {key} in the cookie too", str(gives))
    peer.ask(peer.probe(key=key), peer.answered())


@case("logon.key.whatever-sent", rules="WEB-04", places=_WEB, after=_OPEN)
def key_of_the_client(peer: Peer) -> None:
    """A logon is forwarded under a key of NULs, whatever key the client sent, and gives a new
    key."""
    for key in (peer.new_key(), "f" * peer.profile.web.session_key.width):
        draft = _vum(peer).with_(session_key=key)
        reply = peer.ask(draft, code(0))
        new = reply.fields["web_session_key"]
        peer.must(new not in ("", key), "a new key", repr(new))


@case("logon.refused.no-key", rules="WEB-03", places=_WEB, after=_OPEN)
def refused_without_key(peer: Peer) -> None:
    """A refused logon has a key of NULs, and leaves the client's cookie."""
    peer.ask(_vum(peer, userid=_UNKNOWN), gives_no_key(peer.profile), leaves_cookie(peer.profile))


@case("logon.in-a-session", rules="WEB-04", places=_WEB, after=f"{_OPEN} identity.entitled")
def vum_makes_no_session(peer: Peer) -> None:
    """VUM in a transaction of type 1 is answered, for any user, and makes no session."""
    key = peer.key()
    uses: tuple[Use, ...] = ("main", "colleague")
    for use in uses:
        draft = _vum(peer, use).with_(transaction=1, web_session_key=key)
        peer.ask(draft, message("VUMA", ERROR="0"), field("web_session_key", key))


@case("logon.elsewhere", rules="WEB-04 DSP-03 WEB-03", places=_WEB, after=_OPEN)
def logon_elsewhere(peer: Peer) -> None:
    """A logon to another target than STAROE is 105, and one without VUM too: there is no session
    yet. Neither takes the cookie away."""
    draft = _vum(peer)
    kept = leaves_cookie(peer.profile)
    peer.ask(draft.with_(target="RM"), status(105), kept)
    peer.ask(draft.but(data=peer.grounds.good("GUA")), status(105), kept)


@case("logon.several", rules="WEB-04", places=_WEB, after=_OPEN)
def several_sessions(peer: Peer) -> None:
    """A user may have several sessions, each with a key of its own, all of them live."""
    keys = {peer.ask(_vum(peer)).fields["web_session_key"] for _ in range(3)}
    peer.must(len(keys) == 3, "three keys", f"{len(keys)}")
    for key in sorted(keys):
        peer.ask(peer.probe(key=key), peer.answered())
