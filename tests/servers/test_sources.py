"""Where bulk octets come from: read in blocks by a thread, one ahead, hashed whole (TRN-04)."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import at_once
from twisted.internet.defer import Deferred

from starwire.servers.sources import (
    Blocks,
    Files,
    FileSource,
    MadeSource,
    MadeSources,
    OctetsSource,
    SourceFailed,
)

BLOCK = 262_144


def directly(work: Callable[[], bytes]) -> Deferred[bytes]:
    """In no thread at all."""
    from twisted.internet.defer import execute

    return execute(work)


class Thread:
    """A thread that works when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], bytes], Deferred[bytes]]] = []

    def __call__(self, work: Callable[[], bytes]) -> Deferred[bytes]:
        done: Deferred[bytes] = Deferred()
        self.jobs.append((work, done))
        return done

    def work(self) -> None:
        work, done = self.jobs.pop(0)
        done.callback(work())


class Watched(OctetsSource):
    """Notes what is read of it, and whether it is closed."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets)
        self.read: list[tuple[int, int]] = []
        self.closed = 0

    def read_at(self, offset: int, count: int) -> bytes:
        self.read.append((offset, count))
        return super().read_at(offset, count)

    def close(self) -> None:
        self.closed += 1


def blocks_of(source: Any, total: int, offset: int = 0, **given: Any) -> Blocks:
    options: dict[str, Any] = {"chunk": 65_536, "digest": None, "in_thread": directly, **given}
    return Blocks(lambda: source, total, offset, **options)


def all_of(blocks: Blocks) -> list[bytes]:
    found = []
    while block := at_once(blocks.next()):
        found.append(block)
    return found


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
@pytest.mark.parametrize("chunk", [65_536, 100_000, 1_000_000])
def test_blocks_are_whole_chunks_and_the_digest_is_that_of_all(size: int, chunk: int) -> None:
    octets = MadeSource(1, 10**9).read_at(0, size) if size <= BLOCK else os.urandom(size)
    blocks = blocks_of(OctetsSource(octets), size, chunk=chunk)
    found = all_of(blocks)
    assert b"".join(found) == octets
    assert all(len(block) % chunk == 0 for block in found[:-1])
    assert blocks.digest == hashlib.sha256(octets).digest()


@pytest.mark.parametrize("offset", [0, 1, BLOCK, BLOCK + 3, 2 * BLOCK + 5])
def test_from_an_offset_on_the_digest_is_still_that_of_all(offset: int) -> None:
    octets = os.urandom(2 * BLOCK + 5)
    blocks = blocks_of(OctetsSource(octets), len(octets), offset)
    assert b"".join(all_of(blocks)) == octets[offset:]
    assert blocks.digest == hashlib.sha256(octets).digest()


def test_with_a_digest_that_is_known_nothing_before_the_offset_is_read() -> None:
    source = Watched(b"0123456789")
    blocks = blocks_of(source, 10, 6, digest=b"known")
    assert all_of(blocks) == [b"6789"]
    assert source.read == [(6, 4)]
    assert blocks.digest == b"known"


def test_one_block_is_read_ahead_and_no_more() -> None:
    source = Watched(bytes(4 * BLOCK))
    blocks = blocks_of(source, 4 * BLOCK)
    assert source.read == []
    at_once(blocks.next())
    assert [offset for offset, _ in source.read] == [0, BLOCK]
    at_once(blocks.next())
    assert [offset for offset, _ in source.read] == [0, BLOCK, 2 * BLOCK]


def test_a_source_is_closed_when_no_thread_reads_it() -> None:
    source, thread = Watched(bytes(2 * BLOCK)), Thread()
    blocks = blocks_of(source, 2 * BLOCK, in_thread=thread)
    waiting = Deferred.fromCoroutine(blocks.next())
    thread.work()
    assert waiting.called
    blocks.close()
    assert source.closed == 0
    thread.work()
    assert source.closed == 1


def test_whoever_waits_may_go_while_the_thread_reads() -> None:
    source, thread = Watched(b"0123456789"), Thread()
    blocks = blocks_of(source, 10, in_thread=thread)
    waiting = Deferred.fromCoroutine(blocks.next())
    waiting.addErrback(lambda failure: None)
    waiting.cancel()
    blocks.close()
    thread.work()
    assert source.closed == 1


def test_a_close_is_not_kept_waiting_by_what_lies_before_the_offset() -> None:
    source, thread = Watched(bytes(4 * BLOCK)), Thread()
    blocks = blocks_of(source, 4 * BLOCK, 4 * BLOCK, in_thread=thread)
    waiting = Deferred.fromCoroutine(blocks.next())
    waiting.addErrback(lambda failure: None)
    waiting.cancel()
    blocks.close()
    thread.work()
    assert source.read == []


def test_a_source_that_is_never_read_is_never_opened() -> None:
    def open_source() -> Any:
        raise AssertionError("it is opened")

    Blocks(open_source, 10, 0, chunk=4, digest=None, in_thread=directly).close()


def test_a_file_is_read_and_stays_the_one_that_was_opened(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"44,30")
    files = Files()
    source = files.open(str(path), files.size_of(str(path), 5))
    path.unlink()
    path.write_bytes(b"other")
    assert source.read_at(0, 5) == b"44,30"
    assert source.read_at(3, 9) == b"30"
    source.close()


@pytest.mark.parametrize("size", [4, 6])
def test_a_file_of_another_size_is_not_opened(tmp_path: Path, size: int) -> None:
    (tmp_path / "report.csv").write_bytes(b"44,30")
    with pytest.raises(OSError, match=f"has no longer {size} octets"):
        FileSource(str(tmp_path / "report.csv"), size)


def test_a_file_that_is_gone_or_ends_early_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    gone = Blocks(lambda: FileSource(str(path), 5), 5, 0, chunk=4, digest=None, in_thread=directly)
    with pytest.raises(SourceFailed, match="No such file"):
        at_once(gone.next())
    with pytest.raises(SourceFailed, match="it ends at 3"):
        all_of(blocks_of(OctetsSource(b"123"), 5))


def test_a_made_source_is_the_same_from_wherever_it_is_read() -> None:
    made = MadeSources(7, 5_000_000_000)
    assert made.size_of("any", 5) == 5_000_000_000
    source = made.open("any", 5_000_000_000)
    beginning = source.read_at(0, BLOCK)
    assert len(beginning) == BLOCK
    assert source.read_at(1000, 50) == beginning[1000:1050]
    assert MadeSource(7, 10).read_at(0, 99) == beginning[:10]
    assert MadeSource(8, 10).read_at(0, 10) != beginning[:10]
    assert len(source.read_at(4_999_999_999, 50)) == 1
    assert source.read_at(2**32, 50) != source.read_at(2**32 + 65_536, 50)
