"""Recordings read from files: whole, cut anywhere, compressed, in parts; and shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import zstandard
from click.testing import CliRunner, Result

from starwire.harness.cli import main
from starwire.harness.recordings import NoRecording, Recording, kept
from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.recording import (
    Closed,
    End,
    Event,
    Header,
    Octets,
    Opened,
    Request,
    Response,
    Segment,
    encode,
    profile_of,
    sender_of,
)

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "fixtures" / "recordings"
DEFAULT, LITTLE = KEPT / "v1" / "default.jsonl", KEPT / "v1" / "little"
HEADER = next(iter(Recording(DEFAULT)))


def segment(text: bytes, at: int = 5) -> Segment:
    return Segment(at, "rm-native", "c-1", "client", Octets(text))


SMALL = [
    HEADER,
    Opened(1, "rm-native", "c-1", "p", "o"),
    segment(b"GPL<\xe9>"),
    Closed(9, "rm-native", "c-1", "client", "closed"),
    End(10, "stopped"),
]
LINES = [encode(event) for event in SMALL]


def written(path: Path, octets: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(octets)
    return path


def read(path: Path) -> tuple[list[Event], list[str]]:
    recording = Recording(path)
    return list(recording), [cut.replace(f"{path.parent}/", "") for cut in recording.cuts]


# What is kept for ever.


@pytest.fixture(params=[DEFAULT, LITTLE], ids=["default", "little"])
def recording(request: pytest.FixtureRequest) -> Recording:
    return Recording(request.param)


def lines_of(recording: Recording) -> Iterator[bytes]:
    for _, opens in recording.files:
        with opens() as file:
            octets = file.read()
        if octets.startswith(b"\x28\xb5\x2f\xfd"):
            octets = zstandard.decompress(octets)
        yield from octets.splitlines(keepends=True)


def test_a_kept_recording_is_read_whole_and_written_again_octet_for_octet(
    recording: Recording,
) -> None:
    lines = list(lines_of(recording))
    assert [encode(event) for event in recording] == lines
    assert recording.cuts == []
    assert isinstance(recording.header, Header)
    assert recording.header.format == 1


def test_a_kept_recording_has_every_hop_and_what_can_happen_on_it(recording: Recording) -> None:
    hops = {event.hop for event in recording if isinstance(event, Opened)}
    assert hops == set(DEFAULT_PORTS) - {"control"}
    pieces = [one for one in recording if isinstance(one, Segment | Request | Response)]
    octets = {value for piece in pieces for value in piece.octets}
    assert octets == set(range(256))
    assert any(isinstance(piece, Segment) and piece.unread for piece in pieces)
    assert any(isinstance(piece, Response) and piece.more for piece in pieces)
    assert any(isinstance(one, Closed) and one.unfinished for one in recording)
    assert profile_of(recording.header).name in ("default", "little")


def test_a_kept_recording_is_shown_as_a_recording_of_the_same_octets(
    recording: Recording, tmp_path: Path
) -> None:
    """What stands decoded may be put better one day."""
    done = run("recording", "show", str(recording.path), "--json")
    again = Recording(written(tmp_path / "x.jsonl", done.stdout_bytes))
    assert list(map(bare, again)) == list(map(bare, recording))


def bare(event: Event) -> Event:
    if isinstance(event, Segment | Request | Response):
        return msgspec.structs.replace(event, decoded=msgspec.UNSET)
    return event


def test_a_kept_recording_keeps_to_the_published_schema(recording: Recording) -> None:
    schema = json.loads((ROOT / "docs" / "recording.schema.json").read_text("utf-8"))
    validator: Any = jsonschema_rs.validator_for(schema)
    for line in lines_of(recording):
        validator.validate(json.loads(line))
    bad = json.loads(LINES[2])
    for change in (
        {"octets": "\u0100"},
        {"from": "me"},
        {"colour": 1},
        {"decoded": [{"octets": "x"}]},
    ):
        assert not validator.is_valid({**bad, **change}), change


def test_requests_and_replies_of_a_kept_recording_are_paired(recording: Recording) -> None:
    grtl = b"GRTL<PRODUCT=T,DATATYPE=R,DATACAT=U,IO=I>"
    told = [
        (one.hop, one.reply.data[:15])
        for one in recording.exchanges()
        if one.request and one.reply and one.request.data == grtl
        if one.request.frame and one.request.frame.type == 0
    ]
    assert told == [(hop, b"SRTL<ERROR=0,RE") for hop in ("rm", "dispatcher", "web")]
    bulk = [
        (one.reply.frame.status, one.last)
        for one in recording.exchanges()
        if one.hop == "web" and one.reply and one.reply.frame and one.reply.frame.type == 3
    ]
    assert bulk == [(3, False), (4, True)]
    refused = [one.reply for one in recording.exchanges() if one.request is None]
    assert [one.frame.status for one in refused if one and one.frame] == [101]


# Cut off.


def test_a_file_that_was_cut_at_any_octet_is_read_up_to_there(tmp_path: Path) -> None:
    whole = b"".join(LINES)
    path = tmp_path / "x.jsonl"
    for cut in range(len(whole)):
        written(path, whole[:cut])
        complete = whole[:cut].count(b"\n")
        if not complete:
            with pytest.raises(NoRecording) as raised:
                Recording(path)
            assert (
                str(raised.value) == f"{path}: {'has no whole first line' if cut else 'is empty'}"
            )
            continue
        events, cuts = read(path)
        assert events == SMALL[:complete]
        rest = cut - len(b"".join(LINES[:complete]))
        if rest:
            said = f"line {complete + 1} is unfinished, {rest} octets are left out"
        else:
            said = (
                f"ends behind line {complete} without a last line: whoever wrote it was killed, has"
                " lost its disk, or still writes"
            )
        assert cuts == [f"x.jsonl: {said}"]
    assert read(written(path, whole)) == (SMALL, [])


def test_a_compressed_file_that_was_cut_at_any_octet_never_fails_otherwise(tmp_path: Path) -> None:
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    whole = compressor.compress(b"".join(LINES))
    path = tmp_path / "recording-000001.jsonl.zst"
    read_at_all = 0
    for cut in range(len(whole)):
        written(path, whole[:cut])
        try:
            events, cuts = read(path)
        except NoRecording:
            continue
        assert events == SMALL[: len(events)]
        assert len(cuts) == 1 or events == SMALL
        read_at_all += 1
    assert read_at_all
    assert read(written(path, whole)) == (SMALL, [])


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    bad = [*LINES[:2], LINES[2].replace(b'"at":5', b'"at":"5"'), *LINES[3:]]
    written(path, b"".join(bad))
    with pytest.raises(NoRecording) as raised:
        list(Recording(path))
    assert str(raised.value) == f"{path}: line 3: at: must be an integer"


def test_damage_of_a_compressed_file_is_named(tmp_path: Path) -> None:
    whole = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(LINES)))
    whole[-1] ^= 1
    path = written(tmp_path / "x.jsonl.zst", bytes(whole))
    with pytest.raises(NoRecording, match=r"x\.jsonl\.zst: zstd decompress error"):
        list(Recording(path))


def test_a_line_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starwire.harness.recordings._LONGEST_LINE", 5000)
    path = written(tmp_path / "x.jsonl", LINES[0] + b"x" * 9000)
    with pytest.raises(NoRecording, match="line 2 is longer than any can be"):
        list(Recording(path))


def test_what_is_no_recording_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, said in (
        (tmp_path / "none.jsonl", "No such file or directory"),
        (tmp_path / "empty", "holds no recording-000001.jsonl"),
        (
            written(tmp_path / "a.jsonl", b"hello\n"),
            "line 1: is not the header of a starwire recording",
        ),
        (
            written(tmp_path / "b.jsonl", LINES[4]),
            "line 1: is not the header of a starwire recording",
        ),
        (
            written(tmp_path / "c.jsonl", LINES[0].replace(b'"format":1', b'"format":3')),
            "line 1: format: is 3, written by starwire 0.1.0; this starwire reads up to 1: "
            "read it with a newer one",
        ),
    ):
        with pytest.raises(NoRecording) as raised:
            Recording(path)
        assert str(raised.value) == f"{path}: {said}"


# Parts.


def part(number: int) -> bytes:
    header = msgspec.structs.replace(HEADER, part=number)
    lines = [encode(header), encode(segment(b"%d" % number)), encode(End(6, "rotated"))]
    return b"".join(lines)


def numbers(path: Path) -> list[int]:
    return [int(event.octets) for event in Recording(path) if isinstance(event, Segment)]


def test_parts_are_read_in_their_order_and_each_once(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        written(tmp_path / f"recording-{number:06d}.jsonl.zst", zstandard.compress(part(number)))
    written(tmp_path / "recording-000002.jsonl", part(2)[:-9])  # about to be removed
    written(tmp_path / "recording-000011.jsonl", part(11))
    written(tmp_path / "recording-000012.jsonl.zst.tmp", b"unfinished")
    written(tmp_path / "recording-1000000.jsonl", part(1_000_000))
    assert numbers(tmp_path) == [2, 9, 10, 11, 1_000_000]
    recording = Recording(tmp_path)
    list(recording)
    assert recording.cuts == ["parts 3 to 8 are missing", "parts 12 to 999999 are missing"]


def test_a_part_that_was_cut_does_not_hide_the_next(tmp_path: Path) -> None:
    for number, octets in ((1, b""), (2, part(2)[:500]), (3, part(3)[:-20]), (5, part(5))):
        written(tmp_path / f"recording-{number:06d}.jsonl", octets)
    assert numbers(tmp_path) == [3, 5]
    recording = Recording(tmp_path)
    list(recording)
    assert [cut.replace(f"{tmp_path}/recording-00000", "") for cut in recording.cuts] == [
        "part 4 is missing",
        "1.jsonl: was cut off before its header was whole",
        "2.jsonl: was cut off before its header was whole",
        "3.jsonl: line 3 is unfinished, 22 octets are left out",
    ]
    assert recording.header.part == 3


def test_a_part_that_is_compressed_meanwhile_is_found(tmp_path: Path) -> None:
    plain = written(tmp_path / "recording-000001.jsonl", part(1))
    recording = Recording(tmp_path)
    written(tmp_path / "recording-000001.jsonl.zst", zstandard.compress(part(1)))
    plain.unlink()
    assert [event for event in recording if isinstance(event, Segment)] == [segment(b"1")]


# Filters.


def test_events_are_chosen_by_hop_connection_and_sender() -> None:
    events = list(Recording(DEFAULT))
    inbox = [one for one in kept(events, hops=["inbox"]) if not isinstance(one, Header | End)]
    assert {one.hop for one in inbox} == {"inbox"}
    assert len(inbox) == 6
    one = inbox[0].connection
    assert list(kept(events, connections=[one]))[1:-1] == inbox
    said = list(kept(inbox, sender="server"))
    assert len(said) == 1
    assert isinstance(said[0], Segment)
    assert sender_of(said[0]) == "server"
    assert list(kept(events)) == events


# Shown.


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_recording_is_shown_a_line_for_each_event(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", b"".join(LINES))
    done = run("recording", "show", str(path))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "    0.000001 rm-native    c-1          + opened by p at o",
        "    0.000005 rm-native    c-1          > 6 octets; GPL \xe9",
        "    0.000009 rm-native    c-1          - closed by the client",
        "    0.000010 end: stopped",
    ]
    assert done.stdout.startswith("recording by starwire serve 0.1.0, begun 2026-11-20T")


def test_what_was_cut_is_shown_and_said(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", b"".join(LINES)[:-5])
    done = run("recording", "show", str(path), "--hop", "rm-native")
    assert done.exit_code == 1
    assert done.stdout.count("\n") == 4
    assert done.stderr == f"starwire: {path}: line 5 is unfinished, 38 octets are left out\n"


def test_what_is_chosen_is_a_recording_again(tmp_path: Path) -> None:
    done = run("recording", "show", str(DEFAULT), "--json", "--hop", "rm", "--hop", "web")
    assert done.exit_code == 0
    path = written(tmp_path / "x.jsonl", done.stdout_bytes)
    again = run("recording", "show", str(path), "--json")
    assert again.stdout == done.stdout
    assert {one.hop for one in Recording(path) if isinstance(one, Opened)} == {"rm", "web"}


def test_lies_beside_the_octets_are_not_shown(tmp_path: Path) -> None:
    lie = b',"decoded":[{"octets":1,"acronym":"LIE"}]}\n'
    octets = b"".join([*LINES[:2], LINES[2].replace(b"}\n", lie), *LINES[3:]])
    path = written(tmp_path / "x.jsonl", octets)
    for option in ([], ["--json"]):
        done = run("recording", "show", str(path), *option)
        assert done.exit_code == 0
        assert "GPL" in done.stdout
        assert "LIE" not in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        "GET /, 0 octets",
        "HTTP 404, 21 octets; the wire is at /nmci",
        "100 application error; GRTL ERROR=6612 (the brackets are unbalanced)",
        "bulk: end, transfer 1, offset 239, total 239",
        "21 octets; not read",
        "no more frames or messages: 101: version 2 is not 1",
        "< ended: version 2 is not 1, in the frame at octet",
        "- closed by the server",
    ],
)
def test_the_kept_recording_is_shown_with_its_mishaps(words: str) -> None:
    assert words in run("recording", "show", str(DEFAULT)).stdout


def test_what_cannot_be_shown_is_one_line(tmp_path: Path) -> None:
    bad = LINES[0].replace(b'"version":1', b'"version":"x"', 1)
    assert bad != LINES[0]
    path = written(tmp_path / "x.jsonl", bad)
    for arguments, said in (
        ([str(tmp_path / "none")], f"{tmp_path / 'none'}: No such file or directory"),
        ([str(path)], "line 1: profile.version: must be an integer"),
    ):
        done = run("recording", "show", *arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == f"starwire: {said}\n"
