"""The judges of recorded traffic: silent where all is well, and each finds its own fault only."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from judging.tape import GRTL, KEY, SRTL, Tape, ended, judged

from starwire.harness.cli import main
from starwire.harness.judging.judge import Judge
from starwire.harness.recordings import Recording
from starwire.protocol.profile import load_profile
from starwire.protocol.recording import Event, Octets, Opened, Segment, encode

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "fixtures" / "recordings" / "v1"
DEFAULT = KEPT / "default.jsonl"
SHORT = """extends = "default"
name = "short"
mid_frame_seconds = 2
idle_seconds = 10
reply_seconds = 3
"""

Play = Callable[[Tape, bool], None]
PLAYS: list[tuple[str, str, Play]] = []


def play(rule: str, *, profile: str = "") -> Callable[[Play], Play]:
    """A conversation in which the rule is kept, or with `broken` is not, and nothing else is."""

    def register(function: Play) -> Play:
        PLAYS.append((rule, profile, function))
        return function

    return register


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


def message(rule: str, question: bytes, good: bytes, bad: bytes, hop: str = "rm-native") -> None:
    """A message, with an answer that is right and one that is not."""

    @play(rule)
    def conversation(tape: Tape, broken: bool) -> None:
        answer = bad if broken else good
        if hop.endswith("-native"):
            tape.native(question, answer, hop)
            return
        line = tape.open(hop)
        line.asks(tape.common(question))
        line.says(tape.common(answer, status=0 if b"ERROR=0" in answer else 100))
        line.done()

    conversation.__name__ = question.decode("latin-1")[:40]


MANY = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=X>"
GURL = b"GURL<USERID=a,RPTTMPID=1,ENTPID=b,PRODUCT=V,DATACAT=P>"
Z_F = b"Z<REQ=F,ERROR=0,INBOXID=5,FSIZE=3>"
message("SYN-10", b"GRTL<PRODUCT=V>>", b"GRTL<ERROR=6612>", b"GRTL<ERROR=6611>", "rm")
message("ERR-03", MANY, b"SRTL<ERROR=6103>", b"SRTL<ERROR=6109>")
message("ERR-03", GRTL, SRTL, b"SRTL<ERROR=6103>")
message("CAT-01", b"XYZ<>", b"XYZ<ERROR=6104>", b"XYZ<ERROR=6103>")
message("CAT-01", GRTL, SRTL, SRTL.replace(b"SRTL", b"SURL"))
message("ERR-02", b"XYZ<>", b"XYZ<ERROR=6104>", b"<ERROR=6104>")
message("ERR-02", GRTL, SRTL, b"SRTL<>")
message("ERR-04", GURL, b"SURL<ERROR=6706>", b"SURL<ERROR=6109>")
message("CAT-04", GRTL, b"SRTL<ERROR=6109>", b"SRTL<ERROR=6109,REPORTS=>")
message("CAT-04", GRTL, SRTL, SRTL.replace(b",REP", b", REP"))
message("CAT-05", GRTL, SRTL, b"SRTL<ERROR=0,REPORTS=x>")
message("CAT-02", GRTL, SRTL, SRTL[:-1] + b",MORE=1>")
message("ERR-01", GRTL, b"SRTL<ERROR=6109>", b"SRTL<ERROR=4711>")
message("CAT-06", b"F<INBOXID=5>", Z_F + b"abc", Z_F + b"ab", "inbox")


@pytest.mark.parametrize(
    ("rule", "profile", "conversation"),
    [pytest.param(*one, id=f"{one[0]}-{one[2].__name__}") for one in PLAYS],
)
def test_each_judge_is_silent_where_all_is_well_and_finds_its_own_fault(
    rule: str, profile: str, conversation: Play
) -> None:
    good = Tape(load_profile(profile) if profile else None)
    conversation(good, False)
    found, judge = judged(list(ended(good)))
    assert found == []
    assert judge.tallies[rule].held
    bad = Tape(load_profile(profile) if profile else None)
    conversation(bad, True)
    found, judge = judged(list(ended(bad)))
    assert {one.rule for one in found} == {rule}
    assert judge.tallies[rule].broken == len(found)


@pytest.mark.parametrize("path", [DEFAULT, KEPT / "little"], ids=["default", "little"])
def test_the_kept_recordings_hold(path: Path) -> None:
    result = CliRunner().invoke(main, ["judge", str(path)])
    assert result.stdout.startswith("judged 2")
    assert ", 0 broken, " in result.stdout
    assert result.exit_code == 0


EVENTS = list(Recording(DEFAULT))


PIECES = [
    number
    for number, event in enumerate(EVENTS)
    if isinstance(event, Segment) and not event.unread and event.hop != "web" and event.octets
]
PLACES = st.tuples(st.sampled_from(PIECES), st.integers(0, 400))


@given(changed=st.lists(PLACES, max_size=3), cuts=st.lists(PLACES, max_size=8))
def test_how_octets_were_cut_decides_nothing(
    changed: list[tuple[int, int]], cuts: list[tuple[int, int]]
) -> None:
    """HDR-09, of a recording in which octets are changed here and there."""
    events = list(EVENTS)
    for number, place in changed:
        octets = bytearray(events[number].octets)  # type: ignore[union-attr]
        octets[place % len(octets)] ^= 1
        events[number] = replaced(events[number], bytes(octets))
    cut: list[Event] = []
    for number, event in enumerate(events):
        if number not in PIECES:
            cut.append(event)
            continue
        octets = bytes(event.octets)  # type: ignore[union-attr]
        places = sorted({0, *(place % len(octets) for one, place in cuts if one == number)})
        pieces = zip(places, [*places[1:], len(octets)], strict=True)
        cut += [replaced(event, octets[one:two]) for one, two in pieces]
    assert told(events) == told(cut)


def replaced(event: Event, octets: bytes) -> Segment:
    assert isinstance(event, Segment)
    return Segment(
        *(event.at, event.hop, event.connection, event.sender, Octets(octets)),
        transaction=event.transaction,
    )


def told(events: list[Event]) -> list[tuple[object, ...]]:
    judge = Judge()  # the lines of a recording that was cut anew are others, and not looked at
    found = [finding for event in events for finding in judge.take(event)]
    return [(one.rule, one.where.at, one.expected, one.got, one.octets) for one in found]


def test_what_began_before_the_recording_is_not_judged() -> None:
    tape = Tape()
    line = tape.open("rm")
    line.asks(b"the rest of a frame")
    line.says(tape.common(SRTL, serial=9, status=77))
    line.closed_by_server()
    events = [event for event in tape.events if not isinstance(event, Opened)]
    found, judge = judged(events)
    assert found == []
    assert (judge.connections.judged, judge.connections.blind) == (0, 1)


def test_a_finding_is_shown_with_its_place_and_octets(tmp_path: Path) -> None:
    tape = Tape()
    reply_with_another_serial(tape, True)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"".join(map(encode, ended(tape))))
    result = CliRunner().invoke(main, ["judge", str(path)])
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:4] == [
        "HDR-06 must: A reply repeats version, session key, type and serial; its echo is 0",
        f"  {path}:4  rm aaaaaaaa-1 at 0.003000",
        "    expected: serial 7",
        "    got:      8",
    ]
    assert "[00 00 00 00 00 00 00 08] 00 00 53 52 54 4c" in result.stdout
    assert "judged 1 connections, 2 frames; " in result.stdout.splitlines()[-1]
