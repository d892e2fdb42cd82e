"""Headers, statuses, and how connections end."""

from judging.playing import play
from judging.tape import GRTL, KEY, SRTL, Tape

SHORT = """extends = "default"
name = "short"
mid_frame_seconds = 2
idle_seconds = 10
reply_seconds = 3
"""


@play("HDR-02")
def reply_that_ends_early(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    reply = tape.common(SRTL)
    line.says(reply[:-1] if broken else reply)
    line.ends("server") if broken else line.done()


@play("HDR-02")
def reply_with_a_bad_length(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    reply = bytearray(tape.common(SRTL))
    if broken:
        reply[1:5] = bytes(4)
    line.says(bytes(reply))
    line.done()


@play("HDR-02")
def octets_behind_a_frame(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL) + (b">" if broken else b""))
    line.done()


@play("HDR-03")
def version_mismatch(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(b"\x09" + tape.common(GRTL)[1:])
    line.says(tape.common(session_key="", serial=0, status=102 if broken else 101))
    line.closed_by_server()


@play("HDR-03")
def mismatch_of_nothing(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL, version=1))
    if broken:
        line.says(tape.common(session_key="", serial=0, status=101))
        line.closed_by_server()
    else:
        line.says(tape.common(SRTL))
        other = tape.open("rm")
        other.asks(b"\x00")
        other.says(tape.common(session_key="", serial=0, status=101))
        other.closed_by_server()


@play("HDR-04")
def bad_length(tape: Tape, broken: bool) -> None:
    line = tape.open("dispatcher")
    line.asks(b"\x01\x00\x00\x00\x02")
    line.says(tape.dispatcher(target="", status=101 if broken else 102))
    line.closed_by_server()


@play("HDR-04", profile=SHORT)
def frame_that_stays_unfinished(tape: Tape, broken: bool) -> None:
    line, other = tape.open("rm"), tape.open("rm")
    line.asks(tape.common(GRTL)[:20])
    tape.wait(2)
    if not broken:
        line.closed_by_server()
    for _ in range(8):
        tape.wait(1)
        other.asks(tape.common(echo=1))
        other.says(tape.common(echo=1))


@play("HDR-04", profile=SHORT)
def connection_that_stays_quiet(tape: Tape, broken: bool) -> None:
    line, other = tape.open("rm"), tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL))
    tape.wait(5)
    for _ in range(4):
        other.asks(tape.common(echo=1))
        other.says(tape.common(echo=1))
        tape.wait(5)
        if not broken and _ == 0:
            line.closed_by_server()


@play("HDR-05")
def echo(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    frame = tape.common(b"abc", echo=3, type=9, status=77, session_key="")
    line.asks(frame)
    line.says(frame[:-1] + b"d" if broken else frame)
    line.done()


@play("HDR-06")
def reply_with_another_serial(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL, serial=8 if broken else 7))
    line.done()


@play("HDR-06")
def reply_with_another_version(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL, version=2 if broken else 1))
    line.done()


@play("HDR-06")
def refusal_with_data(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(b"x" if broken else b"", status=105))
    line.done()


@play("HDR-06")
def type_that_there_is_not(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL, type=5))
    line.says(tape.common(type=5, status=105 if broken else 107))
    line.done()


@play("HDR-06")
def open_behind_a_mismatch(tape: Tape, broken: bool) -> None:
    line, other = tape.open("rm"), tape.open("rm")
    line.asks(b"\x05")
    line.says(tape.common(session_key="", serial=0, status=101))
    if not broken:
        line.closed_by_server()
    for _ in range(8):
        tape.wait(1)
        other.asks(tape.common(echo=1))
        other.says(tape.common(echo=1))


@play("TRN-02")
def open_behind_an_asynchronous_request(tape: Tape, broken: bool) -> None:
    line, other = tape.open("rm"), tape.open("rm")
    line.asks(tape.common(GRTL, type=1))
    line.says(tape.common(b"0" * 19 + b"1", type=1, status=1))
    if not broken:
        line.closed_by_server()
    for _ in range(8):
        tape.wait(1)
        other.asks(tape.common(echo=1))
        other.says(tape.common(echo=1))


@play("TRN-05")
def open_behind_a_syntax_error(tape: Tape, broken: bool) -> None:
    line, other = tape.open("rm-native"), tape.open("rm")
    line.asks(b">")
    line.says(b"<ERROR=6612>")
    if not broken:
        line.closed_by_server()
    for _ in range(8):
        tape.wait(1)
        other.asks(tape.common(echo=1))
        other.says(tape.common(echo=1))


@play("DSP-01")
def reply_that_names_a_user(tape: Tape, broken: bool) -> None:
    line = tape.open("dispatcher")
    line.asks(tape.dispatcher(GRTL, user_id="u", enterprise_id="1", session_key=KEY))
    line.says(tape.dispatcher(SRTL, user_id="u" if broken else ""))
    line.done()


@play("STS-01")
def status_of_nobody(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(status=103 if broken else 105))
    line.done()


@play("STS-01")
def success_with_an_error(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"))
    line.says(tape.common(b"SRTL<ERROR=6109>", status=0 if broken else 100))
    line.done()


@play("STS-01")
def identifier_that_is_too_short(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL, type=1))
    line.says(tape.common(b"0" * (19 if broken else 20), type=1, status=1))
    line.closed_by_server()


@play("TRN-01")
def reply_to_nothing(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL))
    if broken:
        line.says(tape.common(SRTL))
    line.done()


@play("TRN-01")
def replies_out_of_order(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    for serial in (1, 2):
        line.asks(tape.common(GRTL, serial=serial))
    for serial in (2, 1) if broken else (1, 2):
        line.says(tape.common(SRTL, serial=serial))
    line.done()


@play("ERR-07")
def closed_without_a_reason(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL))
    line.closed_by_server() if broken else line.done()
    tape.open("rm")  # so it was not the server that stopped


@play("ERR-07")
def closed_without_an_answer(tape: Tape, broken: bool) -> None:
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.closed_by_server() if broken else line.done()
    other = tape.open("rm")
    other.asks(tape.common(echo=1))
    other.says(tape.common(echo=1))


@play("DSP-06", profile=SHORT)
def reply_that_does_not_come(tape: Tape, broken: bool) -> None:
    line, other = tape.open("dispatcher"), tape.open("rm")
    line.asks(tape.dispatcher(GRTL, session_key=KEY))
    tape.wait(3)
    if not broken:
        line.says(tape.dispatcher(status=109))
        line.done()
    for _ in range(9):
        tape.wait(2)
        other.asks(tape.common(echo=1))
        other.says(tape.common(echo=1))


@play("DSP-06")
def time_out_before_its_time(tape: Tape, broken: bool) -> None:
    line = tape.open("dispatcher")
    line.asks(tape.dispatcher(GRTL, session_key=KEY))
    tape.wait(1 if broken else 60)
    line.says(tape.dispatcher(status=109))
    line.done()
