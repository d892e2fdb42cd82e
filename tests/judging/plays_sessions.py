"""Sessions: at the web server, in the cookie jar, at the dispatcher and the proxies."""

from judging.playing import play
from judging.tape import GRTL, KEY, SRTL, Line, Tape

OTHER = KEY[::-1]
VUM = b"VUM<USERID=a,PASSWORD=b>"
VUMA = b"VUMA<ERROR=0,USERID=a,ENTPID=00022924>"
TYPE = ("Content-Type", "application/octet-stream")


def cookie(key: str, more: str = "; Path=/nmci; HttpOnly; Secure") -> tuple[str, str]:
    return ("Set-Cookie", f"nmci={key}{more}")


GONE = cookie("", "; Max-Age=0; Path=/nmci; HttpOnly; Secure")


def post(tape: Tape, line: Line, key: str = KEY, transaction: int = 1, **facts: str) -> None:
    data = VUM if transaction == 0 else b"" if transaction == 2 else GRTL
    target = "STAROE" if transaction == 0 else "RM"
    line.posts(tape.web(tape.dispatcher(data, target=target), transaction, key), **facts)


def respond(
    tape: Tape, line: Line, key: str = KEY, transaction: int = 1, status: int = 0, **more: object
) -> None:
    data = {0: VUMA, 1: SRTL, 2: b""}[transaction] if not status else b""
    target = "STAROE" if transaction == 0 else "RM"
    frame = tape.dispatcher(data, target=target, status=status)
    headers = (TYPE, cookie(key)) if key else (TYPE, GONE) if status == 105 else (TYPE,)
    if transaction == 2 and not status:
        headers = (TYPE, GONE)
    line.responds(tape.web(frame, transaction, key), **{"headers": headers, **more})


def logon(tape: Tape, key: str = KEY) -> Line:
    line = tape.open("web", tls=True)
    post(tape, line, "", 0)
    respond(tape, line, key, 0)
    return line


@play("WEB-03")
def key_that_is_no_hex(tape: Tape, broken: bool) -> None:
    logon(tape, "X" + KEY[1:] if broken else KEY)


@play("WEB-03")
def key_that_was_given_before(tape: Tape, broken: bool) -> None:
    logon(tape)
    logon(tape, KEY if broken else OTHER)


@play("WEB-03")
def key_that_does_not_come_back(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    key = OTHER if broken else KEY
    respond(tape, line, key)


@play("WEB-03")
def key_with_a_refused_logon(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line, "", 0)
    frame = tape.dispatcher(b"VUMA<ERROR=6115>", target="STAROE", status=100)
    key = KEY if broken else ""
    headers = (TYPE, cookie(KEY)) if broken else (TYPE,)
    line.responds(tape.web(frame, 0, key), headers=headers)


@play("WEB-03")
def keys_that_differ(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line, KEY, cookie=OTHER)
    if broken:
        respond(tape, line)
    else:
        respond(tape, line, "", status=105)
        post(tape, line, KEY, cookie=KEY)
        respond(tape, line)


@play("WEB-03")
def cookie_that_is_not_http_only(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    more = "; Path=/nmci; Secure" + ("" if broken else "; HttpOnly")
    respond(tape, line, headers=(TYPE, cookie(KEY, more)))


@play("WEB-03")
def cookie_that_is_not_there(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    respond(tape, line, headers=(TYPE,) if broken else (TYPE, cookie(KEY)))


@play("WEB-03")
def cookie_that_stays(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    respond(tape, line, "", status=105, headers=(TYPE,) if broken else (TYPE, GONE))


@play("WEB-04")
def logon_without_a_key(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line, "", 0)
    respond(tape, line, "" if broken else KEY, 0)


def logoff(tape: Tape) -> None:
    line = logon(tape)
    post(tape, line, KEY, 2)
    respond(tape, line, "", 2)


@play("WEB-05")
def session_behind_its_logoff(tape: Tape, broken: bool) -> None:
    logoff(tape)
    line = tape.open("web", tls=True)
    post(tape, line)
    if broken:
        respond(tape, line)
    else:
        respond(tape, line, "", status=105)


@play("WEB-05")
def session_at_a_proxy_behind_its_logoff(tape: Tape, broken: bool) -> None:
    logoff(tape)
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL) if broken else tape.common(status=105))
    line.done()


@play("WEB-05")
def logoff_with_data(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line, KEY, 2)
    frame = tape.dispatcher(b"x" if broken else b"")
    line.responds(tape.web(frame, 2, ""), headers=(TYPE, GONE))


@play("WEB-09")
def key_that_was_dropped(tape: Tape, broken: bool) -> None:
    question = b"CKG<KEY=" + KEY.encode() + b">"
    tape.native(question.replace(b"CKG", b"CKD"), b"CKDA<ERROR=0>", "jar")
    good = b"CKGA<ERROR=0,USERID=a,ENTPID=00022924>"
    tape.native(question, good if broken else b"CKGA<ERROR=6109>", "jar")


@play("WEB-09")
def key_of_another_customer(tape: Tape, broken: bool) -> None:
    made = b"CKMA<ERROR=0,KEY=" + KEY.encode() + b">"
    tape.native(b"CKM<USERID=a,ENTPID=00022924>", made, "jar")
    told = b"CKGA<ERROR=0,USERID=%s,ENTPID=00022924>" % (b"b" if broken else b"a")
    tape.native(b"CKG<KEY=" + KEY.encode() + b">", told, "jar")


@play("WEB-09")
def key_that_was_made_before(tape: Tape, broken: bool) -> None:
    for key in (KEY, KEY if broken else OTHER):
        answer = b"CKMA<ERROR=0,KEY=" + key.encode() + b">"
        tape.native(b"CKM<USERID=a,ENTPID=00022924>", answer, "jar")


def through(tape: Tape, status: int, reply: bytes = b"", **fields: object) -> None:
    """A frame to the dispatcher, and its status."""
    given = {"user_id": "a", "enterprise_id": "00022924", "session_key": KEY, **fields}
    line = tape.open("dispatcher")
    line.asks(tape.dispatcher(GRTL, **given))
    answer = {"target": given.get("target", "RM"), "type": given.get("type", 0), "status": status}
    line.says(tape.dispatcher(reply if status else SRTL, **answer))
    line.done()


@play("DSP-03")
def target_that_there_is_not(tape: Tape, broken: bool) -> None:
    through(tape, 105 if broken else 103, target="NONE")


@play("DSP-03")
def target_that_there_is(tape: Tape, broken: bool) -> None:
    through(tape, 104, target="ODS")
    through(tape, 103 if broken else 104, target="TVS")


@play("DSP-03")
def target_without_a_session(tape: Tape, broken: bool) -> None:
    through(tape, 106 if broken else 105, session_key="")


@play("DSP-03")
def target_beyond_the_entitlement(tape: Tape, broken: bool) -> None:
    line = tape.open("staroe")
    line.asks(tape.common(b"GUA<USERID=a>"))
    line.says(tape.common(b"GUAA<ERROR=0,APPS=<RM>>"))
    line.done()
    status, reply = (1, 20 * b"1") if broken else (104, b"")
    through(tape, status, reply, target="INBOX", type=1)


@play("DSP-03")
def entitled_and_refused(tape: Tape, broken: bool) -> None:
    line = tape.open("staroe")
    line.asks(tape.common(b"GUA<USERID=a>"))
    line.says(tape.common(b"GUAA<ERROR=0,APPS=<RM>>"))
    line.done()
    through(tape, 104 if broken else 106)


@play("DSP-01")
def identity_of_another(tape: Tape, broken: bool) -> None:
    through(tape, 0)
    through(tape, 106)
    through(tape, 0 if broken else 105, user_id="b")


@play("HDR-11")
def proxy_without_a_session(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL, session_key=""))
    line.says(tape.common(session_key="", status=110 if broken else 105))
    line.done()


@play("HDR-11")
def another_user_s_inbox(tape: Tape, broken: bool) -> None:
    through(tape, 0)
    line = tape.open("inbox")
    line.asks(tape.common(b"L<ENTPID=00022924,USERID=b,CATEGORY=R>"))
    code = b"5100" if broken else b"5131"
    line.says(tape.common(b"Z<REQ=L,ERROR=" + code + b">", status=100))
    line.done()
