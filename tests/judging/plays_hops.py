"""Transactions from hop to hop."""

from typing import Any

from judging.playing import play
from judging.plays_sessions import TYPE, cookie, logon
from judging.tape import GRTL, KEY, SRTL, Tape

ME = {"user_id": "a", "enterprise_id": "00022924", "session_key": KEY}


def walk(
    tape: Tape,
    transaction: str = "t-1",
    *,
    dispatcher: dict[str, Any] | None = None,
    common: dict[str, Any] | None = None,
    data: bytes = GRTL,
    inner: bytes = GRTL,
    statuses: tuple[int, int, int] = (0, 0, 0),
    answers: tuple[bytes, bytes, bytes] = (SRTL, SRTL, SRTL),
    hop: str = "rm",
) -> None:
    """One transaction through all hops; statuses and answers stand inmost first."""
    web = tape.open("web", transaction, tls=True)
    web.posts(tape.web(tape.dispatcher(GRTL)))
    middle = tape.open("dispatcher", transaction)
    middle.asks(tape.dispatcher(data, **{**ME, **(dispatcher or {})}))
    proxy = tape.open(hop, transaction)
    given = {"serial": 7, **(common or {})}
    proxy.asks(tape.common(inner, **given))
    proxy.says(tape.common(answers[0], **{**given, "status": statuses[0]}))
    proxy.done()
    target = (dispatcher or {}).get("target", "RM")
    kind = (dispatcher or {}).get("type", 0)
    middle.says(tape.dispatcher(answers[1], target=target, type=kind, status=statuses[1]))
    middle.done()
    body = tape.web(tape.dispatcher(answers[2], status=statuses[2]))
    web.responds(body, headers=(TYPE, cookie(KEY)))


@play("DSP-01")
def identity_that_the_web_server_leaves_out(tape: Tape, broken: bool) -> None:
    logon_with_identity(tape)
    walk(tape, dispatcher={"user_id": ""} if broken else {})


def logon_with_identity(tape: Tape) -> None:
    logon(tape)  # whose answer says whose session it is


@play("DSP-04")
def data_that_the_web_server_changes(tape: Tape, broken: bool) -> None:
    changed = GRTL.replace(b"IO=O", b"IO=I")
    data = changed if broken else GRTL
    walk(tape, data=data, inner=data)


@play("DSP-04")
def data_that_the_dispatcher_changes(tape: Tape, broken: bool) -> None:
    walk(tape, inner=GRTL + b"\r\n" if broken else GRTL)


@play("DSP-04")
def another_proxy_than_the_target_s(tape: Tape, broken: bool) -> None:
    statuses, answers = (110, 110, 110), (b"", b"", b"")
    walk(tape, hop="rs" if broken else "rm", statuses=statuses, answers=answers)


@play("DSP-05")
def serial_that_comes_again(tape: Tape, broken: bool) -> None:
    walk(tape)
    walk(tape, "t-2", common={"serial": 7 if broken else 8})


@play("DSP-05")
def serial_that_fails_over(tape: Tape, broken: bool) -> None:
    middle = tape.open("dispatcher", "t-1")
    middle.asks(tape.dispatcher(GRTL, **ME))
    for data in (GRTL, GRTL):
        proxy = tape.open("rm", "t-1")
        proxy.asks(tape.common(data))
        proxy.closes()
    middle.says(tape.dispatcher(status=106))
    middle.done()
    if broken:
        walk(tape, "t-2")


@play("DSP-07")
def status_that_the_dispatcher_changes(tape: Tape, broken: bool) -> None:
    walk(tape, statuses=(107, 108, 108) if broken else (107,) * 3, answers=(b"",) * 3)


@play("DSP-07")
def data_that_the_web_server_loses(tape: Tape, broken: bool) -> None:
    other = SRTL.replace(b"Voice", b"Other")
    walk(tape, answers=(SRTL, SRTL, other if broken else SRTL))


@play("DSP-03")
def refused_and_asked_all_the_same(tape: Tape, broken: bool) -> None:
    middle = tape.open("dispatcher", "t-1")
    middle.asks(tape.dispatcher(GRTL, **ME))
    if broken:
        proxy = tape.open("rm", "t-1")
        proxy.asks(tape.common(GRTL))
        proxy.says(tape.common(status=105))
        proxy.done()
    middle.says(tape.dispatcher(status=104))
    middle.done()
    if not broken:
        line = tape.open("dispatcher", "t-2")
        line.asks(tape.dispatcher(GRTL, target="NONE", **ME))
        line.says(tape.dispatcher(target="NONE", status=103))
        line.done()


@play("HDR-07")
def instance_that_is_silent(tape: Tape, broken: bool) -> None:
    echo = tape.common(echo=1, session_key="", serial=1)
    for number in range(3):
        line = tape.open("rm")
        line.asks(echo)
        if not broken or number == 0:
            line.says(echo)
        tape.wait(30)
        line.closes()
    walk(tape)


def forward(tape: Tape, serial: int, inner: bytes = GRTL) -> None:
    """A request that came to the dispatcher from elsewhere, which has no transaction id there."""
    middle = tape.open("dispatcher")
    middle.asks(tape.dispatcher(GRTL, **ME))
    proxy = tape.open("rm", f"t-{tape.at}")
    proxy.asks(tape.common(inner, serial=serial))
    proxy.says(tape.common(SRTL, serial=serial))
    proxy.done()
    middle.says(tape.dispatcher(SRTL))
    middle.done()


@play("DSP-04")
def data_from_elsewhere_that_the_dispatcher_changes(tape: Tape, broken: bool) -> None:
    forward(tape, 1, GRTL + b"\r\n" if broken else GRTL)


@play("DSP-05")
def serial_of_a_request_from_elsewhere(tape: Tape, broken: bool) -> None:
    forward(tape, 1)
    forward(tape, 1 if broken else 2)


@play("DSP-04")
def two_from_elsewhere_at_once(tape: Tape, broken: bool) -> None:
    """Of two that it can be nobody knows which it is, and nothing is said."""
    tape.open("dispatcher").asks(tape.dispatcher(GRTL.replace(b"IO=O", b"IO=I"), **ME))
    forward(tape, 1)
    forward(tape, 1)
    walk(tape, inner=GRTL + b"\r\n" if broken else GRTL, common={"serial": 9})
