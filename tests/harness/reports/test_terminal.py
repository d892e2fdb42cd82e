"""A run on a terminal and in a log: what is told, in which order, and nothing that acts on it."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from support_reports import failed, hostile_report, outcomes, report, result

from starwire.harness.conformance.result import Divergence, Outcome, Report
from starwire.harness.reports.terminal import Screen
from starwire.harness.reports.words import fact_lines, transcript_lines

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "40")


def told(whole: Report, file: io.StringIO | None = None, **options: bool) -> str:
    file = io.StringIO() if file is None else file
    screen = Screen(file, **options)
    screen.begin(whole.target, len(whole.results))
    for one in whole.results:
        screen.add(one)
    screen.end(whole)
    return file.getvalue()


ALL = (
    result(),
    failed(),
    failed("session.unknown@rs"),
    failed(
        "session.late@rm",
        outcome=Outcome.FLAKY,
        attempts=(2, 3),
        rules=("HDR-04",),
        divergence=None,
        flags=("rule changed since this case was reviewed: HDR-04",),
    ),
    *outcomes(
        (Outcome.BLOCKED, "after sanity.echo@rm, which failed"),
        (Outcome.NOT_APPLICABLE, "needs --native"),
        (Outcome.BLOCKED, "after sanity.echo@rm, which failed"),
        (Outcome.BLOCKED, "after sanity.echo@rs, which failed"),
        (Outcome.STALE, ""),
        (Outcome.HARNESS_ERROR, "KeyError: 'x'"),
        (Outcome.SET_UP_FAILED, "the logon was refused"),
        (Outcome.NON_STRICT, "closed, and 102 is better"),
        (Outcome.KNOWN_FAILURE, "issue 17"),
        (Outcome.INFORMATIONAL, "answers polls within 3 ms"),
    ),
)
WHOLE = """\
proxy://127.0.0.1:8412: 14 cases

HDR-04  Lengths and broken frames  (1 failed)
  session.late @ rm  must, flaky
    A session key that nobody gave out is answered with status 105.
    reason    status 0 came, and 105 is due
    expected  a bare header with status 105 (no session)
    got       a bare header with status 0 (ok)
    tried     failed 2 of 3 times
    note      rule changed since this case was reviewed: HDR-04
    rerun     starwire check proxy://127.0.0.1:8412 --case session.late@rm

STS-01  The values  (2 failed)
  session.unknown @ rm rs  must, failed  also HDR-06
    A session key that nobody gave out is answered with status 105.
    reason    status 0 came, and 105 is due
    expected  a bare header with status 105 (no session)
    got       a bare header with status 0 (ok)
    differs   event 3, octet 48, status: expected 105, got 0
    rerun     starwire check proxy://127.0.0.1:8412 --case session.unknown@rm

set-up failed: 1
       1  the logon was refused (case.n6@rm)

blocked: 3
       2  after sanity.echo@rm, which failed
       1  after sanity.echo@rs, which failed

harness error: 1
       1  KeyError: 'x' (case.n5@rm)

not applicable: 1
       1  needs --native

stale: 1
       1  case.n4@rm

known failure: 1
       1  issue 17 (case.n8@rm)

non-strict: 1
       1  closed, and 102 is better (case.n7@rm)

to be looked at:
       1  rule changed since this case was reviewed: HDR-04

14 cases in 1.5 s: 1 passed, 2 failed, 1 non-strict, 1 informational, 1 not applicable, 3 blocked, \
1 set-up failed, 1 harness error, 1 flaky, 1 known failure, 1 stale
FAILED: 2 failed, 1 failed at times, 1 could not be set up of 14 cases, of HDR-04, STS-01
"""


def test_a_log_has_what_matters_and_the_verdict_last() -> None:
    assert told(report(*ALL)) == WHOLE


def test_verbose_has_a_line_for_each_case() -> None:
    lines = told(report(*ALL), verbose=True).splitlines()
    assert lines[1] == "passed         header.length.short@rm  0.004 s"
    assert lines[4] == (
        "flaky          session.late@rm  0.004 s"
        "  failed 2 of 3 times: status 0 came, and 105 is due"
    )
    assert lines[14] == "informational  case.n9@rm  0.004 s  answers polls within 3 ms"
    assert lines[15] == ""


def bare(*found: Outcome, **more: object) -> Report:
    return report(*outcomes(*((one, "why") for one in found)), **more)


@pytest.mark.parametrize(
    ("whole", "line"),
    [
        (bare(Outcome.PASSED), "GOOD: 1 case judged, none failed"),
        (
            bare(Outcome.PASSED, Outcome.KNOWN_FAILURE),
            "GOOD: 2 cases judged, 1 of them failed as the baseline says",
        ),
        (bare(), "NOTHING RAN: no case judged the implementation"),
        (
            bare(Outcome.BLOCKED, Outcome.SET_UP_FAILED, complete=False, stopped="it died"),
            "NOTHING RAN: no case judged the implementation; not complete: it died",
        ),
        (
            bare(Outcome.PASSED, complete=False),
            "NOT COMPLETE: the run was stopped; 1 case judged, none failed",
        ),
        (
            bare(Outcome.PASSED, Outcome.SET_UP_FAILED),
            "FAILED: 1 could not be set up of 2 cases, of HDR-04",
        ),
        (
            bare(Outcome.FAILED, Outcome.HARNESS_ERROR, Outcome.STALE),
            "FAILED: 1 failed of 3 cases, of HDR-04",
        ),
        (
            bare(Outcome.HARNESS_ERROR, Outcome.STALE, Outcome.PASSED),
            "HARNESS ERROR in 1 case: of these nothing is known",
        ),
        (
            bare(Outcome.STALE, Outcome.PASSED),
            "STALE BASELINE: 1 case of it passed; take them out of it",
        ),
        (
            report(*(failed(f"a{n}@rm", rules=(f"R-{n}",)) for n in range(5)), clauses={}),
            "FAILED: 5 failed of 5 cases, of 5 rules",
        ),
    ],
)
def test_the_last_line_is_the_verdict(whole: Report, line: str) -> None:
    assert told(whole).splitlines()[-1] == line


def test_nothing_is_told_of_what_did_not_happen() -> None:
    assert told(bare(Outcome.PASSED)) == (
        "proxy://127.0.0.1:8412: 1 case\n\n1 case in 1.5 s: 1 passed\n"
        "GOOD: 1 case judged, none failed\n"
    )


def test_long_lists_are_cut_and_say_so() -> None:
    many = report(
        *(failed(f"a{n}@rm") for n in range(14)),
        *outcomes(*((Outcome.BLOCKED, f"after {n}") for n in range(11))),
    )
    lines = told(many).splitlines()
    assert sum(line.startswith("  a") for line in lines) == 10
    assert "  ... and 4 cases more of this rule" in lines
    assert "       3  for 3 other reasons" in lines


def test_progress_in_a_log_is_a_line_now_and_then() -> None:
    now = 0.0
    file = io.StringIO()
    screen = Screen(file, clock=lambda: now)
    screen.begin("memory", 1000)
    for _ in range(11):
        now += 1.0
        screen.add(failed())
    assert (
        file.getvalue() == "memory: 1,000 cases\n  5 of 1,000, 5 failed\n  10 of 1,000, 10 failed\n"
    )


def test_progress_on_a_terminal_is_gone_in_the_end() -> None:
    now = 0.0
    file = Terminal()
    screen = Screen(file, clock=lambda: now)
    screen.begin("memory", 1000)
    now = 1.0
    screen.add(failed())
    assert "1/1000" in file.getvalue()
    assert "1 failed" in file.getvalue()
    screen.stop()
    screen.stop()
    assert file.getvalue().endswith("\x1b[2K")


@pytest.mark.parametrize("width", [12, 24, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    wide = failed(got="x" * 300, expected="漢字" * 80, reason="words and words " * 20)
    lines = ESCAPE.sub("", told(report(*ALL, wide), Terminal()).split("\x1b[2K")[-1]).splitlines()
    assert max(map(cell_len, lines)) <= width
    joined = "".join(line.strip() for line in lines)
    assert "x" * 300 in joined or width < 24
    assert any(line.startswith("FAILED: ") for line in lines)


def test_what_is_folded_stands_under_its_beginning() -> None:
    lines = ESCAPE.sub("", told(report(failed(got="word " * 20)), Terminal())).splitlines()
    at = lines.index("    got       word word word word word word word word word")
    assert lines[at + 1] == "              word word word word word word word word word"


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in told(report(*ALL))
    assert "\x1b[1;31mFAILED" in told(report(*ALL), Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert re.findall(r"\x1b\[[0-9;]*m", told(report(*ALL), Terminal())) == []
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in told(report(*ALL), Terminal())


HOSTILE = "a\x1b]0;title\x07\r\nb\x9b31m\u202e[red]x[/red]\x00:smile:"
SAFE = "a\\x1b]0;title\\x07 b\\x9b31m\\x202e[red]x[/red]\\x00:smile:"


@pytest.mark.parametrize("verbose", [True, False])
def test_nothing_a_peer_says_acts_on_the_terminal(verbose: bool) -> None:
    others = outcomes(*((one, HOSTILE) for one in Outcome))
    text = told(hostile_report(HOSTILE, *others), verbose=verbose)
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    assert f"    got       {SAFE}\n" in text
    assert f"not complete: {SAFE}\n" in text


# Transcripts as text.


def test_a_transcript_shows_octets_and_where_they_differ() -> None:
    lines = list(transcript_lines(failed()))
    assert lines[0] == "  1   0.000400 + rm/1 connected: 127.0.0.1:8412"
    assert lines[1] == "  2   0.000600 > rm/1 sent 90 octets"
    assert lines[2] == (
        "      0000  01 00 00 00 5a 00 30 31 32 33 34 35 36 37 38 39  ....Z.0123456789"
    )
    assert lines[8] == "  3   0.003100 < rm/1 received 49 octets"
    assert lines[12] == f"      0030  00{' ' * 47}."
    assert lines[13] == "            ^^ the first that differs"
    assert lines[14] == "  4   0.003300 - rm/1 closed: by us"


def test_a_reason_that_only_joins_what_was_expected_and_came_is_not_told_twice() -> None:
    joined = failed(expected="status 105", got="silence", reason="expected status 105; got silence")
    assert [name for name, _ in fact_lines(joined)] == ["expected", "got", "differs", "rerun"]
    assert next(fact_lines(failed()))[0] == "reason"


def test_a_divergence_says_nothing_twice() -> None:
    same = Divergence(event=2, offset=48, field="status", expected="105", got="0")
    facts = dict(fact_lines(failed(expected="105", got="0", divergence=same)))
    assert facts["differs"] == "event 3, octet 48, status"


def test_long_octets_are_cut_and_say_so() -> None:
    long = failed().events[2]
    event = type(long)(at=0.0, line=1, place="rm", what="received", octets=bytes(5000))
    lines = list(transcript_lines(failed(events=(event,), divergence=None)))
    assert len(lines) == 1 + 64 + 1
    assert lines[-1] == "      ... 3,976 more octets"
