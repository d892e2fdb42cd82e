"""Where a recording is written: one file, or a folder of parts that are rotated by size.

Each line goes to the operating system in one write, in the order of the events, before anything
else happens: it is in the page cache when its octets go on, so whatever kills the process loses no
whole line. Nothing here waits for the disk: what is slow (fsync, compression, renaming) is done to
finished parts by a thread. A write that takes long all the same, since the disk is throttled, is
the last one made by the reactor for a while: a thread then writes what gathers, up to a bound, and
gives the file back when it has caught up.

A finished part becomes `NAME.zst`, and only then is the plain one removed:

    recording-000001.jsonl          written
    recording-000001.jsonl.zst.tmp  compressed, synchronised
    recording-000001.jsonl.zst      renamed, the folder synchronised
                                    recording-000001.jsonl removed

So at any moment each part is there once in whole, and a reader prefers the compressed one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread

import zstandard
from twisted.logger import Logger

from starwire.protocol.recording import part_name, parts_among

SUFFIX = ".jsonl"
"""A path that ends so is one file; any other is a folder of parts."""
_UNFINISHED = ".jsonl.zst.tmp"
_LEVEL = 3
_SLOW = 0.05
"""Seconds of one write, of some microseconds as a rule, behind which a thread takes over."""
_CALM = 1.0
"""Seconds without a slow write behind which the reactor writes again."""
_MOST_WAITING = 16 * 1024 * 1024
"""Octets that may wait for a slow disk; with more the recording ends."""
_PATIENCE = 10.0
"""Seconds that the end of a recording waits for a slow disk."""


class CannotRecord(ValueError):
    """The recording cannot begin; the text says why and what to do."""


class RecordingFiles:
    """Lines in, files out. `lost` is told once, in any thread, when nothing more can be written."""

    def __init__(
        self,
        path: Path,
        part_octets: int,
        *,
        first_line: Callable[[int], bytes],
        last_line: Callable[[str], bytes],
        lost: Callable[[str], None],
    ) -> None:
        """`first_line` makes the header of a part by its number, `last_line` its end by reason."""
        self._path = path
        self._part_octets = part_octets if path.suffix != SUFFIX else 0
        self._first_line = first_line
        self._last_line = last_line
        self._lost = lost
        self._file = self._folder = -1
        self._current = path
        self._number = 1
        self._size = 0
        self._waiting: deque[bytes] | None = None
        """Lines for the thread that writes them; None while the caller does."""
        self._waiting_octets = 0
        self._failed = self._ends = False
        self._changed = Condition()
        self._finisher = ThreadPoolExecutor(1, "finish-recording")
        self._log = Logger(namespace="starwire.recorder")

    def begin(self) -> None:
        """Make the first file. Raises CannotRecord, OSError."""
        if self._part_octets:
            self._enter_folder()
        try:
            self._open()
            self._put(self._first_line(self._number))
        except FileExistsError:
            raise CannotRecord(
                f"{self._current} exists; record to another file, or to a folder"
            ) from None

    def write(self, line: bytes) -> None:
        """Take one line."""
        if self._failed:
            return
        if self._waiting is not None and self._wait_with(line):
            return
        if self._is_slow(line):
            self._waiting, self._waiting_octets = deque(), 0
            Thread(target=self._catch_up, name="catch-up-recording", daemon=True).start()

    def end(self) -> None:
        """Write the last line, and wait until the finished parts are compressed."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting is None, _PATIENCE)
        if self._waiting is None:
            if not self._failed:
                self._try_to_put(self._last_line("stopped"), rotates=False)
            self._release()
        self._finisher.shutdown()

    # The file that is written.

    def _open(self) -> None:
        if self._part_octets:
            self._current = self._path / part_name(self._number)
        self._file = os.open(
            self._current, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600
        )
        self._size = 0

    def _put(self, line: bytes) -> None:
        """One write, but for a disk that takes a part of it only."""
        done = os.write(self._file, line)
        while done < len(line):
            done += os.write(self._file, line[done:])
        self._size += done

    def _try_to_put(self, line: bytes, *, rotates: bool = True) -> None:
        if self._failed or self._file < 0:
            return
        try:
            self._put(line)
            if rotates and self._part_octets and self._size >= self._part_octets:
                self._rotate()
        except OSError as error:
            self._give_up(str(error.strerror))

    def _rotate(self) -> None:
        self._put(self._last_line("rotated"))
        finished, current = self._file, self._current
        self._number += 1
        self._open()
        self._finisher.submit(self._finish, finished, current)
        self._put(self._first_line(self._number))

    def _give_up(self, reason: str) -> None:
        with suppress(OSError):  # the line of which only a part went in
            os.ftruncate(self._file, self._size)
        self._release()
        self._fail(reason)

    def _fail(self, reason: str) -> None:
        self._failed = True
        self._lost(f"{self._current}: {reason}")

    def _release(self) -> None:
        for descriptor in (self._file, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._folder = -1

    # A slow disk.

    def _wait_with(self, line: bytes) -> bool:
        """Leave the line to the thread; false if that has just caught up."""
        with self._changed:
            if self._waiting is None:
                return False
            self._waiting.append(line)
            self._waiting_octets += len(line)
            self._changed.notify_all()
            if self._waiting_octets > _MOST_WAITING:
                self._waiting.clear()
                self._fail("the disk is too slow")
            return True

    def _catch_up(self) -> None:
        """Until nothing waits and no write has been slow for a while."""
        until = time.monotonic() + _CALM
        while (line := self._next_line(until)) is not None:
            if self._is_slow(line):
                until = time.monotonic() + _CALM

    def _next_line(self, until: float) -> bytes | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._ends, max(0.0, until - time.monotonic())
            )
            if not self._waiting:
                self._waiting = None
                self._changed.notify_all()
                return None
            line = self._waiting.popleft()
            self._waiting_octets -= len(line)
            return line

    def _is_slow(self, line: bytes) -> bool:
        """Put a line; whether that took long."""
        began = time.monotonic()
        self._try_to_put(line)
        return time.monotonic() - began > _SLOW

    # The folder, and its finished parts.

    def _enter_folder(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._release()
            raise CannotRecord(
                f"{self._path}: another process records there; give each its own folder"
            ) from None
        names = os.listdir(self._path)
        parts = parts_among(names)
        self._number = max(parts, default=0) + 1
        for name in names:
            if name.endswith(_UNFINISHED):
                (self._path / name).unlink()
        for number in parts:
            part = self._path / part_name(number)
            if part.exists():  # cut off, or finished and not yet compressed
                self._finisher.submit(self._finish, -1, part)

    def _finish(self, file: int, part: Path) -> None:
        """Compress a part; if that fails, it stays as it is."""
        try:
            if file >= 0:
                os.fsync(file)
                os.close(file)
            _compress(part)
        except OSError as error:
            self._log.critical(
                "{part} stays uncompressed: {reason}", part=str(part), reason=error.strerror
            )


def _compress(part: Path) -> None:
    whole = part.with_name(part.name + ".zst")
    if not whole.exists():
        unfinished = part.with_name(part.stem + _UNFINISHED)
        compressor = zstandard.ZstdCompressor(_LEVEL, write_checksum=True)
        with part.open("rb") as source, unfinished.open("wb") as target:
            os.chmod(unfinished, 0o600)
            compressor.copy_stream(source, target, size=part.stat().st_size)
            target.flush()
            os.fsync(target.fileno())
        unfinished.rename(whole)
        folder = os.open(part.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    part.unlink()
