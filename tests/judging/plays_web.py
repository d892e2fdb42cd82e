"""The web server's HTTP."""

from judging.playing import play
from judging.plays_sessions import TYPE, cookie, post, respond
from judging.tape import GRTL, KEY, SRTL, Tape


@play("WEB-01")
def another_media_type(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    kind = ("Content-Type", "text/plain") if broken else TYPE
    respond(tape, line, headers=(kind, cookie(KEY)))


@play("WEB-01")
def another_transaction(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    body = tape.web(tape.dispatcher(SRTL), 5 if broken else 1)
    line.responds(body, headers=(TYPE, cookie(KEY)))


@play("WEB-01")
def length_that_is_wrong(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    line.posts(tape.web(tape.dispatcher(GRTL) + b"x"))
    if broken:
        respond(tape, line, "", status=105)
    else:
        line.responds(tape.web(tape.dispatcher(target="", status=102), 1, ""), headers=(TYPE,))


@play("WEB-01")
def length_that_is_right(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    if broken:
        line.responds(tape.web(tape.dispatcher(target="", status=102), 1, ""), headers=(TYPE,))
    else:
        respond(tape, line)


@play("WEB-02")
def response_that_is_cut(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    post(tape, line)
    body = tape.web(tape.dispatcher(SRTL))
    line.responds(body[:-1] if broken else body, headers=(TYPE, cookie(KEY)))


@play("WEB-06")
def page_that_there_is_not(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    line.posts(b"", path="/")
    line.responds(b"no", status=405 if broken else 404, headers=(("Content-Type", "text/plain"),))


@play("WEB-06")
def body_that_is_too_short(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    line.posts(bytes(20))
    line.responds(b"no", status=413 if broken else 400, headers=(("Content-Type", "text/plain"),))


@play("WEB-06")
def method_that_is_not_taken(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=True)
    line.posts(b"", method="GET")
    line.responds(b"no", status=400 if broken else 405, headers=(("Content-Type", "text/plain"),))


@play("WEB-07")
def plain_http(tape: Tape, broken: bool) -> None:
    line = tape.open("web", tls=not broken)
    post(tape, line)
    respond(tape, line)


def transfer(tape: Tape, *statuses: int, length: bool = False) -> None:
    line = tape.open("web", tls=True)
    opens = tape.bulk(b"F<INBOXID=5>")
    line.posts(tape.web(tape.dispatcher(opens, type=3)))
    headers = (TYPE, cookie(KEY)) + ((("Content-Length", "9"),) if length else ())
    for place, status in enumerate(statuses):
        if status == 3:
            data = tape.bulk(b"abc", operation=1, transfer=5, offset=0, total=3)
        elif status == 5:
            data = tape.bulk(operation=4, transfer=5, offset=3 if place else 0, total=3)
        else:
            data = b""
        frame = tape.dispatcher(data, type=3, status=status)
        if place == 0:
            line.responds(tape.web(frame), headers=headers, more=True)
        else:
            line.says(frame, more=True)
    line.says(b"")


@play("WEB-08")
def transfer_without_an_end(tape: Tape, broken: bool) -> None:
    transfer(tape, 3) if broken else transfer(tape, 3, 5)


@play("WEB-08")
def transfer_with_a_length(tape: Tape, broken: bool) -> None:
    transfer(tape, 3, 5, length=broken)


@play("WEB-08")
def frame_behind_the_last(tape: Tape, broken: bool) -> None:
    if broken:
        transfer(tape, 106, 106)
    else:
        transfer(tape, 3, 5)
