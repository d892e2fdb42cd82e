"""Bundles: written whole or not at all, read back equal, and refused with the reason."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from click.testing import CliRunner, Result

from starwire.harness.bundles import Bundle, BundleError, write_bundle
from starwire.harness.cli import main
from starwire.harness.recordings import NoRecording, Recording
from starwire.protocol.bundle import pack
from starwire.protocol.profile import shipped
from starwire.protocol.recording import Opened
from starwire.servers.bundling import make_bundle

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "fixtures" / "recordings" / "v1"
TRAFFIC = [KEPT / "default.jsonl", KEPT / "little"]
FAULTS: list[dict[str, Any]] = [
    {"kind": "delay", "hop": "rm", "seconds": 0.5},
    {"kind": "reset", "nth": 3, "note": "\xfc\n"},
]


def write(path: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {
        "seed": 20_261_120,
        "faults": FAULTS,
        "recordings": TRAFFIC,
        "profile": shipped("little"),
        "note": "the reply to the third request comes twice",
        "versions": {"target": "9.1"},
    }
    write_bundle(path, **{**given, **changes})
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_bundle_gives_back_what_was_put_in(tmp_path: Path) -> None:
    path = write(tmp_path / "failure.zip")
    with Bundle(path) as bundle:
        bundle.check()
        manifest = bundle.manifest
        assert (manifest.seed, manifest.faults) == (20_261_120, FAULTS)
        assert manifest.versions["target"] == "9.1"
        assert "python" in manifest.versions
        assert bundle.profile == shipped("little")
        for recording, source in zip(bundle.recordings(), TRAFFIC, strict=True):
            assert list(recording) == list(Recording(source))
            assert recording.cuts == []
    assert [one.name for one in tmp_path.iterdir()] == ["failure.zip"]


def test_anybody_can_open_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path / "x.zip")) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[0] == "traffic/1/recording.jsonl"
        assert names[1] == "traffic/2/recording-000001.jsonl.zst"
        assert names[-1] == "bundle.json"
        assert archive.read(names[0]) == TRAFFIC[0].read_bytes()
        schema = json.loads((ROOT / "docs" / "bundle.schema.json").read_text("utf-8"))
        validator: Any = jsonschema_rs.validator_for(schema)
        validator.validate(json.loads(archive.read("bundle.json")))
        archive.extractall(tmp_path / "out")
    assert list(Recording(tmp_path / "out" / "traffic" / "2")) == list(Recording(TRAFFIC[1]))


def test_a_run_without_chance_faults_or_traffic_has_a_bundle_too(tmp_path: Path) -> None:
    with Bundle(write(tmp_path / "x.zip", seed=None, faults=[], recordings=[])) as bundle:
        assert bundle.manifest.seed is None
        assert bundle.recordings() == []
        bundle.check()


def test_the_same_content_gives_the_same_octets() -> None:
    made = []
    for _ in range(2):
        target = io.BytesIO()
        with TRAFFIC[0].open("rb") as source:
            pack(
                target,
                [[("recording.jsonl", source)]],
                seed=1,
                faults=FAULTS,
                profile=shipped("default"),
                made=datetime(2026, 11, 20, tzinfo=UTC),
                versions={},
            )
        made.append(target.getvalue())
    assert made[0] == made[1]


def test_what_stood_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_text("precious")
    with pytest.raises(NoRecording):
        write(path, recordings=[tmp_path / "none"])
    with pytest.raises(TypeError):
        write(path, faults=[{"kind": object()}])
    assert path.read_text() == "precious"
    assert [one.name for one in tmp_path.iterdir()] == ["x.zip"]
    write(path)
    with Bundle(path) as bundle:
        bundle.check()


class OneWay(io.RawIOBase):
    """What goes out to whoever asked: it cannot seek."""

    def __init__(self) -> None:
        self.octets = b""

    def writable(self) -> bool:
        return True

    def write(self, octets: Any) -> int:
        self.octets += bytes(octets)
        return len(octets)


def test_an_emulator_s_bundle_may_go_where_nobody_can_seek(tmp_path: Path) -> None:
    target: Any = OneWay()
    make_bundle(
        target, seed=7, faults=FAULTS, recordings=TRAFFIC, profile=shipped("default"), note="n"
    )
    path = tmp_path / "x.zip"
    path.write_bytes(target.octets)
    with Bundle(path) as bundle:
        bundle.check()
        assert (bundle.manifest.seed, bundle.manifest.faults) == (7, FAULTS)
        for recording, source in zip(bundle.recordings(), TRAFFIC, strict=True):
            assert list(recording) == list(Recording(source))


def test_a_recording_that_is_still_written_is_taken_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = TRAFFIC[0].read_bytes()
    (tmp_path / "x.jsonl").write_bytes(lines[:20_000])
    target = io.BytesIO()
    make_bundle(
        target, seed=None, faults=[], recordings=[tmp_path / "x.jsonl"], profile=shipped("default")
    )
    (tmp_path / "x.zip").write_bytes(target.getvalue())
    with Bundle(tmp_path / "x.zip") as bundle:
        bundle.check()
        (recording,) = bundle.recordings()
        assert [event for event in recording if isinstance(event, Opened)]
        assert len(recording.cuts) == 1


# What is none.


def changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """The same bundle with another manifest."""
    octets = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(octets) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "bundle.json":
                manifest = json.loads(content)
                given = change(manifest)
                content = given if isinstance(given, bytes) else json.dumps(manifest).encode()
            new.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda one: one.update(format=2, starwire="7.0"),
            "bundle.json: format: is 2, written by starwire 7.0; this starwire reads up to 1: "
            "read it with a newer one",
        ),
        (lambda one: one.update(format=0), "bundle.json: format: is 0; the first format is 1"),
        (lambda one: one.pop("seed"), "bundle.json: seed: missing"),
        (lambda one: one.update(seed="x"), "bundle.json: seed: must be an integer"),
        (lambda one: one.update(colour=1), "bundle.json: colour: no such key"),
        (lambda one: one.update(kind="bag"), "bundle.json: kind: Invalid value 'bag'"),
        (
            lambda one: one["profile"]["common"]["serial"].update(width=9),
            "bundle.json: profile.common.serial.width: must be 1 to 8",
        ),
        (
            lambda one: one["traffic"][0][0].update(name="../../etc/passwd"),
            "bundle.json: traffic[0][0].name: is not traffic/NUMBER/FILE",
        ),
        (lambda one: b"hello", "bundle.json: is no JSON: "),
    ],
)
def test_a_manifest_that_cannot_be_is_named_by_its_key(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    path = changed(write(tmp_path / "x.zip"), change)
    with pytest.raises(BundleError) as raised:
        Bundle(path)
    assert str(raised.value).startswith(f"{path}: {said}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda one: one["traffic"][0][0].update(name="traffic/1/gone.jsonl"),
            "traffic/1/gone.jsonl: is missing",
        ),
        (
            lambda one: one["traffic"][0][0].update(sha256="0" * 64),
            "traffic/1/recording.jsonl: is not what the manifest says: ",
        ),
    ],
)
def test_traffic_that_is_not_what_the_manifest_says_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    path = changed(write(tmp_path / "x.zip"), change)
    with Bundle(path) as bundle, pytest.raises(BundleError) as raised:
        bundle.check()
    assert str(raised.value).startswith(f"{path}: {said}")
    done = run("bundle", "show", str(path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"starwire: {path}: {said}")


def test_damage_anywhere_is_an_error_of_its_own(tmp_path: Path) -> None:
    """Every octet of a small bundle turned, one at a time: read as before, or refused."""
    header = TRAFFIC[0].read_bytes().partition(b"\n")[0] + b"\n"
    (tmp_path / "x.jsonl").write_bytes(header)
    path = write(tmp_path / "x.zip", recordings=[tmp_path / "x.jsonl"])
    whole = path.read_bytes()
    with Bundle(path) as bundle:
        manifest = bundle.manifest
    refused = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            with Bundle(path) as bundle:
                bundle.check()
                assert bundle.manifest == manifest
        except BundleError:
            refused += 1
    assert refused > len(whole) * 0.8


def test_a_bundle_that_was_cut_anywhere_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip", recordings=[])
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(BundleError, match="is no bundle: it is no zip archive"):
            Bundle(path)


def test_what_is_no_bundle_says_why(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.zip: No such file or directory"):
        Bundle(tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("letter.txt", "hello")
    with pytest.raises(BundleError, match=r"other\.zip: is no bundle: it has no bundle\.json"):
        Bundle(tmp_path / "other.zip")


# Shown.


def test_a_bundle_is_shown(tmp_path: Path) -> None:
    (tmp_path / "cut.jsonl").write_bytes(TRAFFIC[0].read_bytes()[:20_000])
    path = write(tmp_path / "x.zip", recordings=[*TRAFFIC, tmp_path / "cut.jsonl"])
    done = run("bundle", "show", str(path))
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("bundle of starwire 0.1.0, made 20")
    assert lines[1] == "note: the reply to the third request comes twice"
    assert lines[3:8] == [
        "profile: little",
        "seed: 20261120",
        "faults: 2",
        '  1. {"kind":"delay","hop":"rm","seconds":0.5}',
        '  2. {"kind":"reset","nth":3,"note":"\xfc\\n"}',
    ]
    assert lines[8] == "recordings: 3"
    assert lines[9].startswith("  1. 1 file, ")
    assert "connections: dispatcher " in lines[9]
    assert lines[10].startswith("  2. 5 files, ")
    assert "is unfinished" in lines[12]


def test_a_manifest_is_shown_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip")
    done = run("bundle", "show", str(path), "--json")
    with Bundle(path) as bundle:
        assert json.loads(done.stdout) == msgspec.to_builtins(bundle.manifest)
