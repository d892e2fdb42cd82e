"""Asynchronous requests and transfers."""

import hashlib

from judging.playing import play
from judging.tape import GRTL, SRTL, Tape

ID = b"00000000000000000001"
WHOLE = b"abcdef"
DIGEST = hashlib.sha256(WHOLE).digest()


def one(tape: Tape, data: bytes, kind: int, status: int, answer: bytes, serial: int = 7) -> None:
    """A frame of type 1 or 2 at a proxy, and its answer."""
    line = tape.open("rm")
    line.asks(tape.common(data, type=kind, serial=serial))
    line.says(tape.common(answer, type=kind, serial=serial, status=status))
    line.closed_by_server()


@play("TRN-02")
def identifier_of_another(tape: Tape, broken: bool) -> None:
    one(tape, GRTL, 1, 1, ID)
    one(tape, GRTL, 1, 1, ID if broken else ID[:-1] + b"2", serial=8)


@play("DSP-06")
def repetition(tape: Tape, broken: bool) -> None:
    one(tape, GRTL, 1, 1, ID)
    one(tape, GRTL, 1, 1, ID[:-1] + b"2" if broken else ID)


@play("TRN-02")
def identifier_that_is_forgotten(tape: Tape, broken: bool) -> None:
    one(tape, GRTL, 1, 1, ID)
    one(tape, ID, 2, 108 if broken else 2, b"")


@play("TRN-02")
def outcome_that_goes(tape: Tape, broken: bool) -> None:
    one(tape, GRTL, 1, 1, ID)
    one(tape, ID, 2, 0, SRTL)
    one(tape, ID, 2, 2 if broken else 0, b"" if broken else SRTL)


@play("TRN-02")
def outcome_that_changes(tape: Tape, broken: bool) -> None:
    one(tape, GRTL, 1, 1, ID)
    one(tape, ID, 2, 0, SRTL)
    one(tape, ID, 2, 0, SRTL.replace(b"Voice", b"Other") if broken else SRTL)


@play("TRN-02")
def no_identifier(tape: Tape, broken: bool) -> None:
    one(tape, b"12", 2, 2 if broken else 108, b"")


@play("ERR-03")
def outcome_of_a_wrong_message(tape: Tape, broken: bool) -> None:
    one(tape, GRTL.replace(b"IO=O", b"IO=X"), 1, 1, ID)
    one(tape, ID, 2, 100, b"SRTL<ERROR=%d>" % (6109 if broken else 6103))


def run(
    tape: Tape,
    *frames: tuple[int, dict[str, int], bytes],
    asked: tuple[int, int, int] = (0, 0, 0),
    message: bytes = b"F<INBOXID=5>",
) -> None:
    """A type 3 frame (operation, transfer, offset), and the frames that answer it."""
    line = tape.open("inbox")
    operation, transfer, offset = asked
    data = tape.bulk(message, operation=operation, transfer=transfer, offset=offset)
    line.asks(tape.common(data, type=3))
    for status, fields, payload in frames:
        answer = tape.bulk(payload, **fields) if fields else payload
        line.says(tape.common(answer, type=3, status=status))
    line.done()


def data(offset: int, payload: bytes, transfer: int = 9) -> tuple[int, dict[str, int], bytes]:
    fields = {"operation": 1, "transfer": transfer, "offset": offset, "total": 6}
    return (3, fields, payload)


def end(digest: bytes = DIGEST, transfer: int = 9) -> tuple[int, dict[str, int], bytes]:
    return (4, {"operation": 2, "transfer": transfer, "offset": 6, "total": 6}, digest)


def cancelled(transfer: int = 9, total: int = 6) -> tuple[int, dict[str, int], bytes]:
    return (5, {"operation": 4, "transfer": transfer, "offset": 3, "total": total}, b"")


@play("TRN-03")
def gap(tape: Tape, broken: bool) -> None:
    run(tape, data(0, b"abc"), data(4 if broken else 3, b"ef" if broken else b"def"), end())


@play("TRN-03")
def digest(tape: Tape, broken: bool) -> None:
    run(tape, data(0, WHOLE), end(bytes(32) if broken else DIGEST))


@play("TRN-03")
def operation(tape: Tape, broken: bool) -> None:
    status, fields, payload = end()
    run(tape, data(0, WHOLE), (status, {**fields, "operation": 4 if broken else 2}, payload))


@play("TRN-03")
def id_of_another_transfer(tape: Tape, broken: bool) -> None:
    run(tape, data(0, WHOLE), end())
    other = 9 if broken else 10
    run(tape, data(0, WHOLE, other), end(transfer=other))


@play("TRN-03")
def resume_with_another_digest(tape: Tape, broken: bool) -> None:
    run(tape, data(0, WHOLE), end())
    run(tape, data(3, b"def"), end(bytes(32) if broken else DIGEST), asked=(5, 9, 3))


@play("TRN-03")
def resume_of_a_transfer_that_is_known(tape: Tape, broken: bool) -> None:
    run(tape, data(0, WHOLE), end())
    run(tape, (108, {}, b"") if broken else end(), asked=(5, 9, 6))


@play("TRN-03")
def resume_beyond_the_total(tape: Tape, broken: bool) -> None:
    run(tape, data(0, WHOLE), end())
    answer = (111, {}, b"")
    run(tape, (110, {}, b""), asked=(5, 9, 7))
    run(tape, (110, {}, b"") if broken else answer, asked=(5, 9, 5))


@play("TRN-03")
def cancel_of_another_transfer(tape: Tape, broken: bool) -> None:
    run(tape, data(0, b"abc"), cancelled())
    run(tape, cancelled(8 if broken else 9), asked=(3, 9, 0))


@play("TRN-03")
def operation_that_there_is_not(tape: Tape, broken: bool) -> None:
    run(tape, (108 if broken else 110, {}, b""), asked=(7, 0, 0))
