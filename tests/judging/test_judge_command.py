"""`starwire judge`: what it reads, prints and returns; recordings with holes; ones that grow."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from judging import plays_connections, plays_messages
from judging.tape import GRTL, SRTL, Tape, ended, header, judged

from starwire.harness.cli import main
from starwire.harness.following import followed
from starwire.harness.judging.judge import JUDGES, Judge
from starwire.harness.judging.remembered import Remembered, stamp
from starwire.harness.judging.unjudged import UNJUDGED
from starwire.harness.recordings import NoRecording, Placed, Recording
from starwire.protocol.recording import End, Event, encode

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "fixtures" / "recordings" / "v1" / "default.jsonl"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["judge", *arguments])


def written(path: Path, events: list[Event]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(map(encode, events)))
    return str(path)


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    """A recording with one fault of the headers and one of the catalogue."""
    tape = Tape()
    plays_connections.reply_with_another_serial(tape, True)
    tape.native(GRTL, SRTL.replace(b",REP", b", REP"))
    return written(tmp_path / "x.jsonl", list(ended(tape)))


def test_findings_are_grouped_by_rule_with_their_places_and_octets(wrong: str) -> None:
    result = run(wrong)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")][:-1] == [
        "HDR-06 must: A reply repeats version, session key, type and serial; its echo is 0",
        "CAT-04 must: No blanks are written, and fields stand in the order of the table",
    ]
    assert lines[1:4] == [
        f"  {wrong}:4  rm aaaaaaaa-1 at 0.003000",
        "    expected: serial 7",
        "    got:      8",
    ]
    assert "[00 00 00 00 00 00 00 08] 00 00 53 52 54 4c" in lines[4]
    assert lines[-1].startswith("judged 2 connections, 4 frames; ")
    assert ", 2 broken, " in lines[-1]


def test_rules_can_be_chosen(wrong: str) -> None:
    result = run(wrong, "--rule", "CAT-*", "--rule", "WEB-03")
    assert "CAT-04 must" in result.stdout
    assert "HDR-06" not in result.stdout
    assert run(wrong, "--rule", "STS-*").exit_code == 0


def test_a_program_reads_json(wrong: str) -> None:
    result = run(wrong, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (told["connections"], told["frames"], told["missing"]) == (2, 4, [])
    assert "HDR-02" in told["held"]
    assert "TRN-03" in told["not_seen"]
    first, second = told["findings"]
    assert (first["rule"], first["count"], second["rule"]) == ("HDR-06", 1, "CAT-04")
    (place,) = first["places"]
    octets = bytes.fromhex(place["octets"])
    found = octets[place["offset"] : place["offset"] + place["width"]]
    assert (place["field"], place["line"], found) == ("common.serial", 4, bytes(7) + b"\x08")


def test_a_report_is_one_of_a_conformance_run(wrong: str, tmp_path: Path) -> None:
    result = run(wrong, "--report", str(tmp_path / "report"))
    assert result.exit_code == 1
    told = json.loads((tmp_path / "report" / "report.json").read_bytes())
    by_case = {one["case"]: one for one in told["results"]}
    broken = by_case["passive.HDR-06"]
    assert (broken["outcome"], broken["expected"], broken["got"]) == ("failed", "serial 7", "8")
    assert [event["what"] for event in broken["events"]] == ["sent", "received"]
    assert by_case["passive.HDR-02"]["outcome"] == "passed"
    assert by_case["passive.TRN-03"]["outcome"] == "not applicable"
    assert by_case["passive.ENC-01"]["reason"] == UNJUDGED["ENC-01"]
    assert (tmp_path / "report" / "junit.xml").read_text().count("<failure") == 2


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"no recording\n", 2, "is not the header of a starwire recording"),
        (encode(header(Tape().profile)) + b"{}\n", 2, "line 2"),
        (encode(header(Tape().profile)), 3, "judged 0 connections, 0 frames; "),
    ],
    ids=["text", "line", "empty"],
)
def test_what_cannot_be_read_or_judged_is_said(
    tmp_path: Path, content: bytes, status: int, told: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    result = run(str(path))
    assert result.exit_code == status
    assert told in result.output


def test_wrong_use_is_said(wrong: str) -> None:
    assert "no judge has a rule like XYZ" in run(wrong, "--rule", "XYZ").output
    assert "--follow takes one recording" in run("--follow", wrong, wrong).output
    assert run(wrong, "--profile", "little").exit_code in (1, 3)


# Recordings with holes.


def parts(tape: Tape, at: int) -> tuple[list[Event], list[Event]]:
    """A recording in two parts, the second from that event on."""
    one = [*tape.events[:at], End(tape.at, "rotated")]
    return one, [header(tape.profile, part=2), *tape.events[at:], End(tape.at, "stopped")]


def open_across() -> Tape:
    tape = Tape()
    line = tape.open("rm")
    line.asks(tape.common(GRTL))
    line.says(tape.common(SRTL, serial=8))
    line.done()
    return tape


def test_connections_go_on_from_part_to_part() -> None:
    one, two = parts(open_across(), 3)
    assert [finding.rule for finding in judged(one + two)[0]] == ["HDR-06"]


@pytest.mark.parametrize(
    "change",
    [lambda one, two: two, lambda one, two: one[:-2] + two, lambda one, two: one[:1] + two[1:]],
    ids=["first part missing", "part cut off", "its beginning missing"],
)
def test_what_is_open_across_a_hole_is_not_judged(
    change: Callable[[list[Event], list[Event]], list[Event]],
) -> None:
    found, judge = judged(change(*parts(open_across(), 3)))
    assert found == []
    assert judge.connections.blind == 1


def test_another_run_knows_nothing_of_the_one_before() -> None:
    tape = Tape()
    plays_messages.report_ids(tape, False)
    again = Tape()
    plays_messages.report_ids(again, False)
    events = [header(again.profile, "bbbbbbbb"), *again.events[1:]]
    assert judged([*tape.events, *events])[0] == []


# Memory.


def test_memory_does_not_grow_with_the_connections() -> None:
    tape = Tape()
    judge = Judge()
    for event in tape.events:
        assert list(judge.take(event)) == []
    for number in range(2000):
        tape.events.clear()
        line = tape.open("rm")
        line.asks(tape.common(GRTL, serial=number))
        line.says(tape.common(SRTL, serial=number))
        line.done()
        for event in tape.events:
            assert list(judge.take(event)) == []
    connections = judge.connections
    assert (connections.judged, len(connections._lines)) == (2000, 0)
    assert len(connections._due) <= 64


def test_what_is_remembered_is_bounded() -> None:
    known: Remembered[int, str] = Remembered(3)
    for number in (1, 2, 3, 1, 4):
        known[number] = "x"
    assert list(known) == [3, 1, 4]
    assert stamp(b"a" * 1024) == b"a" * 1024
    assert len(stamp(b"a" * 1025)) == 32


# Recordings that grow.


class Writer:
    """Writes a recording piece by piece, whenever its reader waits for more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[tuple[str, bytes]] = []

    def sleep(self, _: float) -> None:
        name, octets = self.steps.pop(0)
        if not octets:
            (self.folder / name).unlink()
            return
        self.folder.mkdir(exist_ok=True)
        with (self.folder / name).open("ab") as file:
            file.write(octets)


def test_a_recording_is_followed_over_its_parts_and_in_any_pieces(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "traffic")
    one, two = parts(open_across(), 3)
    names = ("recording-000001.jsonl", "recording-000002.jsonl")
    for name, events in zip(names, (one, two), strict=True):
        octets = b"".join(map(encode, events))
        pieces = [octets[n : n + 333] for n in range(0, len(octets), 333)]
        writer.steps += [(name, piece) for piece in pieces]
    told = list(followed(writer.folder, sleep=writer.sleep))
    assert [event for _, _, event in told] == one + two
    assert told[-1][:2] == (str(writer.folder / names[1]), len(two))
    assert writer.steps == []


def test_a_part_without_an_end_is_left_when_the_next_one_is_there(tmp_path: Path) -> None:
    one, two = parts(open_across(), 3)
    written(tmp_path / "recording-000001.jsonl", one[:-1])
    written(tmp_path / "recording-000002.jsonl", two)
    events = [event for _, _, event in followed(tmp_path, sleep=lambda _: None)]
    assert events == one[:-1] + two


def test_a_single_file_is_followed_to_its_end() -> None:
    told = list(followed(DEFAULT, sleep=pytest.fail))
    assert told == list(Recording(DEFAULT).placed())


def test_what_is_no_recording_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"{}\n")
    with pytest.raises(NoRecording, match="is not the header of a starwire recording"):
        list(followed(tmp_path / "x.jsonl"))


def test_findings_are_told_as_they_come(wrong: str) -> None:
    result = run("--follow", wrong)
    first, second, summary = result.stdout.splitlines()
    assert first == (
        f"{wrong}:4: HDR-06 rm aaaaaaaa-1: A reply repeats version, session key, type and serial;"
        " its echo is 0: expected serial 7, got 8"
    )
    assert second.startswith(f"{wrong}:10: CAT-04 rm-native ")
    assert summary.startswith("judged 2 connections")
    assert result.exit_code == 1


def test_whoever_stops_following_gets_what_there_is(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path) -> Iterator[Placed]:
        yield from list(Recording(path).placed())[:5]
        raise KeyboardInterrupt

    monkeypatch.setattr("starwire.harness.following.followed", interrupted)
    result = run("--follow", wrong)
    assert ":4: HDR-06 " in result.stdout
    assert "judged 1 connections, 2 frames; " in result.stdout.splitlines()[-1]
    assert result.exit_code == 1


def test_a_profile_that_no_catalogue_takes_is_said(tmp_path: Path) -> None:
    beginning = header(Tape().profile)
    beginning.profile["overlay"] = {"parameters": [{"message": "NONE"}]}
    result = run(written(tmp_path / "x.jsonl", [beginning]))
    assert result.exit_code == 2
    assert result.stderr.startswith("starwire: line 1: profile.overlay: ")


# The rules.

RULES = re.findall(r"^### ([A-Z]{3}-\d\d)$", (ROOT / "docs" / "protocol.md").read_text(), re.M)


def test_every_rule_has_a_judge_or_a_reason_why_not() -> None:
    judged_rules = {one.rule for one in JUDGES}
    assert len(judged_rules) >= 45
    assert judged_rules | set(UNJUDGED) == set(RULES)
    assert judged_rules & set(UNJUDGED) == set()


def test_the_documentation_tells_what_is_not_judged() -> None:
    text = (ROOT / "docs" / "conformance.md").read_text()
    section = text.partition("## Judging recorded traffic")[2].partition("\n## ")[0]
    told = re.findall(r"^\| ([A-Z]{3}-\d\d) \| (.*) \|$", section, re.M)
    assert dict(told) == UNJUDGED
    assert f"What is judged, {len({one.rule for one in JUDGES})} rules of them:" in section
