"""Judges of sessions: WEB-03 to WEB-05, WEB-09, DSP-03, HDR-11."""

from __future__ import annotations

import re

from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.profile import TARGETS
from starwire.protocol.status import MessageType, Status, Transaction

from .headers import wrong_status
from .known import Known
from .moments import Answered, Responded
from .verdicts import HELD, Objection, Verdict, judge

_HEX = re.compile("[0-9a-f]*")
_EARLIER = {*range(101, 104), *range(105, 108), Status.TIMED_OUT, Status.OVERLOADED}
"""Statuses that may come in place of 105: what is judged before the session, or cannot be."""
_ANY_STATUS = {Status.OVERLOADED, Status.TIMED_OUT, Status.UNAVAILABLE}


@judge("WEB-03", "A session key is of lower-case hex digits that fill the field", Responded)
def key_is_hex(moment: Responded, known: Known) -> Verdict:
    web, asked = moment.web, moment.asked.web
    if web is None or asked is None or not web.session_key:
        return None
    if asked.transaction != Transaction.LOGON:
        return None
    width = moment.profile.web.session_key.width
    if _HEX.fullmatch(web.session_key) and len(web.session_key) == width:
        return HELD
    return Objection(f"{width} lower-case hex digits", repr(web.session_key), "web.session_key")


@judge("WEB-03", "Each logon gets a key that no other had", Responded)
def key_is_new(moment: Responded, known: Known) -> Verdict:
    web, asked = moment.web, moment.asked.web
    if web is None or asked is None or not web.session_key:
        return None
    if asked.transaction != Transaction.LOGON:
        return None
    before = known.customers.given.get(web.session_key)
    if before is None:
        return HELD
    return Objection("a new key", f"the key of the logon on {before}", "web.session_key")


@judge(
    "WEB-03", "Replies under a live session have its key, and all others a key of NULs", Responded
)
def key_comes_back(moment: Responded, known: Known) -> Verdict:
    web, asked = moment.web, moment.asked.web
    if web is None or asked is None or moment.status < 0:
        return None
    if asked.transaction != Transaction.TRANSACTION:
        if asked.transaction == Transaction.LOGOFF or moment.status != Status.OK:
            return _key(web.session_key, "")
        return None  # WEB-04
    if moment.status in (Status.VERSION, Status.LENGTH, Status.NO_SESSION):
        return _key(web.session_key, "")
    key = moment.asked.key
    if moment.status in _ANY_STATUS and not web.session_key:
        return HELD
    return _key(web.session_key, key)


def _key(got: str, expected: str) -> Verdict:
    if got == expected:
        return HELD
    return Objection(f"the key {expected or 'of NULs'}", got or "a key of NULs", "web.session_key")


@judge("WEB-03", "Two keys that differ, of header and cookie, are 105", Responded)
def keys_agree(moment: Responded, known: Known) -> Verdict:
    web, request = moment.asked.web, moment.asked.request
    if web is None or request is None or moment.response.status != 200:
        return None
    if web.transaction == Transaction.LOGON or not web.session_key or not request.cookie:
        return None
    if web.session_key == request.cookie:
        return None
    if moment.status in _EARLIER:
        return HELD
    return Objection("105", str(moment.status), "dispatcher.status")


@judge("WEB-03", "The key is the cookie's too, with HttpOnly, Path and over TLS Secure", Responded)
def cookie_is_set(moment: Responded, known: Known) -> Verdict:
    web, response = moment.web, moment.response
    if web is None or response.status != 200 or not response.headers:
        return None
    cookie = cookie_of(moment)
    if not web.session_key:
        return None
    if cookie is None or cookie[0] != web.session_key:
        got = "no cookie" if cookie is None else repr(cookie[0])
        return Objection(f"the cookie {moment.profile.cookie}={web.session_key}", got, "set-cookie")
    expected = {"httponly": "", "path": moment.profile.web_path}
    if moment.tls:
        expected["secure"] = ""
    for name, value in expected.items():
        if cookie[1].get(name) != value:
            return Objection(f"{name} {value}".strip(), str(cookie[1]), "set-cookie")
    return HELD


@judge("WEB-03", "The cookie is taken away with 105 and behind a logoff, and then only", Responded)
def cookie_is_removed(moment: Responded, known: Known) -> Verdict:
    web, asked, response = moment.web, moment.asked.web, moment.response
    if web is None or asked is None or response.status != 200 or not response.headers:
        return None
    if web.session_key or moment.frames == 0 or asked.transaction == Transaction.LOGON:
        return None  # a logon says nothing of the session that the cookie may stand for
    cookie = cookie_of(moment)
    gone = cookie is not None and not cookie[0] and cookie[1].get("max-age") == "0"
    due = moment.status == Status.NO_SESSION or (
        asked.transaction == Transaction.LOGOFF and moment.status == Status.OK
    )
    if gone == due:
        return HELD
    return Objection("a cookie that ends" if due else "no cookie", str(cookie), "set-cookie")


def cookie_of(moment: Responded) -> tuple[str, dict[str, str]] | None:
    """Value and attributes of the session's cookie that a response sets."""
    beginning = moment.profile.cookie + "="
    for name, value in moment.response.headers:
        if name.lower() == "set-cookie" and value.startswith(beginning):
            first, *others = (part.strip() for part in value.split(";"))
            pairs = (other.partition("=") for other in others)
            return first.removeprefix(beginning), {one.lower(): two for one, _, two in pairs}
    return None


@judge("WEB-04", "A logon that succeeds gets a key", Responded)
def logon_gets_a_key(moment: Responded, known: Known) -> Verdict:
    web, asked = moment.web, moment.asked.web
    if web is None or asked is None or asked.transaction != Transaction.LOGON:
        return None
    if moment.status != Status.OK or not moment.asked.unit:
        return None
    if not moment.asked.unit.data.startswith(b"VUM<"):
        return None
    if web.session_key:
        return HELD
    return Objection("a session key", "a key of NULs", "web.session_key")


@judge("WEB-05", "A key is never valid again behind its logoff: 105", Responded, Answered)
def is_over_behind_the_logoff(moment: Responded | Answered, known: Known) -> Verdict:
    if isinstance(moment, Responded):
        web = moment.asked.web
        if web is None or web.transaction == Transaction.LOGON or moment.status < 0:
            return None
        key, status = moment.asked.key, moment.status
    else:
        frame = moment.asked.frame
        if frame is None or moment.asked.is_echo or moment.where.hop == "web":
            return None
        key, status = frame.session_key, moment.status
    if not known.customers.had_ended(key, moment.asked.begun):
        return None
    if status in _EARLIER:
        return HELD
    field = "common.status" if known.is_proxy(moment.where.hop) else "dispatcher.status"
    return Objection("105: the session was ended", str(status), field)


@judge("WEB-05", "A logoff is answered by 0 or 105, without data", Answered)
def logoff_is_answered(moment: Answered, known: Known) -> Verdict:
    web = moment.asked.web
    if web is None or web.transaction != Transaction.LOGOFF:
        return None
    if moment.status == Status.OK and moment.reply.data:
        return Objection("no data", f"{len(moment.reply.data)} octets")
    return HELD if moment.status in (0, *_EARLIER) else wrong_status(moment, "0 or 105")


@judge("WEB-09", "A key that the cookie jar does not have, or no more, is 6109", Answered)
def jar_forgets(moment: Answered, known: Known) -> Verdict:
    talk = moment.talk
    if talk is None or talk.door != "jar" or talk.expected.spec is None:
        return None
    if talk.expected.spec.acronym not in ("CKG", "CKD") or talk.code not in (0, 6109):
        return None
    customers, key = known.customers, talk.asked("KEY")
    if customers.had_ended(key, moment.asked.begun):
        return HELD if talk.code == 6109 else Objection("ERROR 6109", f"ERROR {talk.code}", "ERROR")
    if talk.code or talk.acronym != "CKGA" or key not in customers.of:
        return None
    told = (talk.value("USERID"), talk.value("ENTPID"))
    expected = customers.of[key]
    return HELD if told == expected else Objection(str(expected), str(told), "USERID")


@judge("WEB-09", "The cookie jar makes a key that no other session had", Answered)
def jar_makes_new_keys(moment: Answered, known: Known) -> Verdict:
    talk = moment.talk
    if talk is None or talk.acronym != "CKMA" or talk.code:
        return None
    before = known.customers.made.get(talk.value("KEY"))
    if before is None:
        return HELD
    return Objection("a new key", f"the key that was made on {before}", "KEY")


@judge("DSP-03", "A dispatcher judges type, target, session, entitlement, in this order", Answered)
def admits_in_order(moment: Answered, known: Known) -> Verdict:
    asked = moment.asked.frame
    if moment.where.hop != "dispatcher" or not isinstance(asked, DispatcherHeader):
        return None
    if asked.type not in tuple(MessageType) or moment.status == Status.OVERLOADED:
        return None
    status = moment.status
    if asked.target not in TARGETS:
        return HELD if status == Status.UNKNOWN_PROXY else wrong_status(moment, "103")
    if status == Status.UNKNOWN_PROXY:
        return wrong_status(moment, f"another status: there is a target {asked.target}")
    if asked.target == "STAROE":
        if status == Status.NOT_ENTITLED:
            return wrong_status(moment, "another status: STAROE is open to every session")
        return HELD
    if not asked.session_key:
        return HELD if status == Status.NO_SESSION else wrong_status(moment, "105")
    return _entitlement(moment, asked, known)


def _entitlement(moment: Answered, asked: DispatcherHeader, known: Known) -> Verdict:
    apps = known.customers.entitled.get(asked.session_key)
    status = moment.status
    refused = status in (Status.NOT_ENTITLED, *_EARLIER)
    if asked.target in ("ODS", "TVS") or (apps is not None and asked.target not in apps):
        return HELD if refused else wrong_status(moment, "104: no session may go there")
    if status == Status.NOT_ENTITLED and apps is not None:
        return wrong_status(moment, f"another status: the session may go to {asked.target}")
    return None if apps is None else HELD


@judge("DSP-01", "A user or enterprise that is not the session's is 105", Answered)
def identity_is_the_session_s(moment: Answered, known: Known) -> Verdict:
    asked = moment.asked.frame
    if moment.where.hop != "dispatcher" or not isinstance(asked, DispatcherHeader):
        return None
    customer = known.customers.of.get(asked.session_key)
    if not asked.session_key or customer is None:
        return None
    if customer == (asked.user_id, asked.enterprise_id):
        return HELD
    return HELD if moment.status in _EARLIER else wrong_status(moment, "105")


@judge("HDR-11", "Without a session a proxy answers 105; at StarOE VUM alone needs none", Answered)
def needs_a_session(moment: Answered, known: Known) -> Verdict:
    asked, unit = moment.asked.common, moment.asked.unit
    if asked is None or unit is None or asked.echo or asked.session_key:
        return None
    if asked.type not in tuple(MessageType):
        return None
    if moment.where.hop == "staroe" and unit.data.split(b"<")[0].strip() == b"VUM":
        return None
    return HELD if moment.status in _EARLIER else wrong_status(moment, "105")


_NOT_YOURS = {"L": 5131, "D": 5141, "U": 5111}


@judge("HDR-11", "A USERID or ENTPID that is not the session's is refused", Answered)
def acts_for_itself(moment: Answered, known: Known) -> Verdict:
    talk, common = moment.talk, moment.asked.common
    if talk is None or common is None or talk.expected.request is None or talk.code is None:
        return None
    spec = talk.expected.request.spec
    customer = known.customers.of.get(common.session_key)
    if customer is None or spec.acronym == "VUM" or not talk.expected.sure:
        return None
    given = (talk.asked("USERID"), talk.asked("ENTPID"))
    if not any(given):
        return None
    is_own = all(one in ("", two) for one, two in zip(given, customer, strict=True))
    code = _NOT_YOURS.get(spec.acronym, 6115)
    if is_own:
        return HELD
    if talk.code and (talk.code == code or talk.code in known.failures[talk.list]):
        return HELD
    return Objection(
        f"ERROR {code}: the session is of {customer[0]}", f"ERROR {talk.code}", "ERROR"
    )
