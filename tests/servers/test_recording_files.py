"""Files of a recording: parts that rotate, what a killed process leaves, disks that fail."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from starwire.servers.recording_files import CannotRecord, RecordingFiles

PART = 100


class Lost(list[str]):
    """The reasons that were told."""


def files(path: Path, lost: Lost | None = None, part: int = PART) -> RecordingFiles:
    told = Lost() if lost is None else lost
    return RecordingFiles(
        path,
        part,
        first_line=lambda number: b"part %d\n" % number,
        last_line=lambda reason: reason.encode() + b"\n",
        lost=told.append,
    )


def text(path: Path) -> bytes:
    octets = path.read_bytes()
    return zstandard.decompress(octets) if path.suffix == ".zst" else octets


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: text(path) for path in sorted(folder.iterdir())}


def test_one_file_holds_all(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    recording = files(path, part=1)
    recording.begin()
    for number in range(50):
        recording.write(b"%d\n" % number)
        assert path.read_bytes().endswith(b"\n%d\n" % number), "it is in the file at once"
    recording.end()
    assert (
        path.read_bytes() == b"part 1\n" + b"".join(b"%d\n" % n for n in range(50)) + b"stopped\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("precious")
    with pytest.raises(CannotRecord, match=r"x\.jsonl exists; record to another file"):
        files(path).begin()
    assert path.read_text() == "precious"


def test_a_folder_is_filled_with_parts_and_finished_ones_are_compressed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    recording = files(folder)
    recording.begin()
    for _ in range(5):
        recording.write(b"x" * 49 + b"\n")
    recording.end()
    line = b"x" * 49 + b"\n"
    assert there(folder) == {
        "recording-000001.jsonl.zst": b"part 1\n" + 2 * line + b"rotated\n",
        "recording-000002.jsonl.zst": b"part 2\n" + 2 * line + b"rotated\n",
        "recording-000003.jsonl": b"part 3\n" + line + b"stopped\n",
    }
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_the_next_run_goes_on_behind_the_last_part(tmp_path: Path) -> None:
    for name in ("recording-000007.jsonl", "recording-000003.jsonl.zst.tmp", "notes.txt"):
        (tmp_path / name).write_bytes(b"part 7\nunfin")
    recording = files(tmp_path)
    recording.begin()
    recording.end()
    assert there(tmp_path) == {
        "notes.txt": b"part 7\nunfin",
        "recording-000007.jsonl.zst": b"part 7\nunfin",
        "recording-000008.jsonl": b"part 8\nstopped\n",
    }


def test_a_part_that_was_compressed_whole_is_not_compressed_again(tmp_path: Path) -> None:
    """The process was killed between the renaming and the removal."""
    (tmp_path / "recording-000001.jsonl").write_bytes(b"the same, plain")
    whole = zstandard.compress(b"the same")
    (tmp_path / "recording-000001.jsonl.zst").write_bytes(whole)
    recording = files(tmp_path)
    recording.begin()
    recording.end()
    assert sorted(there(tmp_path)) == ["recording-000001.jsonl.zst", "recording-000002.jsonl"]
    assert (tmp_path / "recording-000001.jsonl.zst").read_bytes() == whole


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    first = files(tmp_path)
    first.begin()
    with pytest.raises(CannotRecord, match="another process records there"):
        files(tmp_path).begin()
    first.end()
    second = files(tmp_path)
    second.begin()
    second.end()


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        files(tmp_path / "file").begin()


def full_disk(recording: RecordingFiles) -> None:
    """Put a device that is always full under what is written."""
    os.close(recording._file)
    recording._file = os.open("/dev/full", os.O_WRONLY)


def test_a_full_disk_ends_the_recording_and_is_told_once(tmp_path: Path) -> None:
    lost = Lost()
    recording = files(tmp_path, lost)
    recording.begin()
    recording.write(b"1\n")
    full_disk(recording)
    for _ in range(100):
        recording.write(b"2\n")
    recording.end()
    assert lost == [f"{tmp_path}/recording-000001.jsonl: No space left on device"]
    assert there(tmp_path) == {"recording-000001.jsonl": b"part 1\n1\n"}
    assert (recording._file, recording._folder) == (-1, -1)


def test_a_line_that_went_in_by_half_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost()
    recording = files(tmp_path, lost)
    recording.begin()
    write = os.write
    calls: list[bytes] = []

    def half(descriptor: int, octets: bytes) -> int:
        calls.append(octets)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return write(descriptor, octets[:3])

    monkeypatch.setattr(os, "write", half)
    recording.write(b"a line\n")
    assert calls == [b"a line\n", b"ine\n"]
    assert len(lost) == 1
    assert there(tmp_path) == {"recording-000001.jsonl": b"part 1\n"}


class SlowDisk:
    """Writes that wait for the test; the first is merely slow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.goes_on = threading.Event()
        self.by: list[str] = []
        self._write: Callable[[int, bytes], int] = os.write
        self._late = 0.0
        self._clock: Callable[[], float] = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: self._clock() + self._late)
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, octets: bytes) -> int:
        name = threading.current_thread().name
        self.by.append(name)
        if name == "catch-up-recording":
            assert self.goes_on.wait(10)
        elif len(self.by) == 1:
            self._late += 1.0
        return self._write(descriptor, octets)


def test_a_slow_disk_is_written_by_a_thread_until_it_has_caught_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost()
    recording = files(tmp_path / "x.jsonl", lost)
    recording.begin()
    disk = SlowDisk(monkeypatch)
    for number in range(100):
        recording.write(b"%d\n" % number)
    assert (tmp_path / "x.jsonl").read_bytes() == b"part 1\n0\n"
    disk.goes_on.set()
    with recording._changed:
        assert recording._changed.wait_for(lambda: not recording._waiting, 10)
    recording.write(b"100\n")
    recording.end()
    lines = (tmp_path / "x.jsonl").read_bytes().split()
    assert lines == [b"part", b"1", *(b"%d" % n for n in range(101)), b"stopped"]
    assert lost == []
    assert disk.by[0] == disk.by[-1] == "MainThread"
    assert set(disk.by[1:-2]) == {"catch-up-recording"}


def test_what_may_wait_for_a_slow_disk_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost()
    recording = files(tmp_path / "x.jsonl", lost)
    recording.begin()
    disk = SlowDisk(monkeypatch)
    for _ in range(40):
        recording.write(b"x" * 1_000_000)
    assert lost == [f"{tmp_path}/x.jsonl: the disk is too slow"]
    disk.goes_on.set()
    recording.end()
    octets = (tmp_path / "x.jsonl").read_bytes()
    assert not octets.endswith(b"stopped\n"), "what is not whole does not look whole"
    assert len(octets) <= 3_000_000


def test_parts_rotate_behind_a_slow_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = files(tmp_path)
    recording.begin()
    disk = SlowDisk(monkeypatch)
    disk.goes_on.set()
    for number in range(100):
        recording.write(b"%040d\n" % number)
    recording.end()
    told = b"".join(there(tmp_path).values()).split(b"\n")
    assert [int(line) for line in told if len(line) == 40] == list(range(100))
    assert len(there(tmp_path)) == 34


def test_a_part_that_cannot_be_compressed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(part: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("starwire.servers.recording_files._compress", fails)
    recording = files(tmp_path)
    recording.begin()
    recording.write(b"x" * 200 + b"\n")
    recording.end()
    assert sorted(there(tmp_path)) == ["recording-000001.jsonl", "recording-000002.jsonl"]
