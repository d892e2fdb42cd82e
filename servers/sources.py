"""Where the octets of a bulk transfer come from, read in blocks by a thread (TRN-03, TRN-04)."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

InThread: TypeAlias = Callable[[Callable[[], bytes]], Deferred[bytes]]

_BLOCK = 262_144
"""Octets that are read at a time: two blocks are what a transfer holds at most, and the way to the
thread and back (30 to 50 us) is little beside reading and hashing one."""


class SourceFailed(Exception):
    """The source does not hold the octets that it was said to hold."""


class Source(Protocol):
    """Octets that are there to be read again, from anywhere."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to `count` octets, at least one, from within the source. Raises OSError."""

    def close(self) -> None: ...


class Sources(Protocol):
    """What the files that a back end names are, to a transfer."""

    def size_of(self, path: str, size: int) -> int:
        """The octets of a file that had `size` octets when it was found."""

    def open(self, path: str, size: int) -> Source:
        """Its octets, which must be so many. Raises OSError."""


class Files:
    """They are files."""

    def size_of(self, path: str, size: int) -> int:
        return size

    def open(self, path: str, size: int) -> Source:
        return FileSource(path, size)


class FileSource:
    """A file, held open so that one put in its place does not get mixed in."""

    def __init__(self, path: str, size: int) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if os.fstat(self._file).st_size != size:
            self.close()
            raise OSError(f"{path} has no longer {size} octets")

    def read_at(self, offset: int, count: int) -> bytes:
        return os.pread(self._file, count, offset)

    def close(self) -> None:
        os.close(self._file)


class OctetsSource:
    """A response message."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def read_at(self, offset: int, count: int) -> bytes:
        return self._octets[offset : offset + count]

    def close(self) -> None:
        pass


class MadeSource:
    """Octets made from a seed: any number of them, and none is kept. An Inbox file ends at
    2147483647 octets; what a transfer does behind that is tested with this.
    """

    _PERIOD = 1_048_573  # a prime, so that no two frames or blocks nearby are alike

    def __init__(self, seed: int, size: int) -> None:
        self._size = size
        period = random.Random(seed).randbytes(self._PERIOD)
        self._twice = period + period[:_BLOCK]

    def read_at(self, offset: int, count: int) -> bytes:
        start = offset % self._PERIOD
        return self._twice[start : start + min(count, _BLOCK, self._size - offset)]

    def close(self) -> None:
        pass


class MadeSources:
    """Every file is made from a seed, and has as many octets as a test or benchmark wants."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size

    def size_of(self, path: str, size: int) -> int:
        return self._size

    def open(self, path: str, size: int) -> Source:
        return MadeSource(self._seed, size)


class Blocks:
    """The octets of a source from an offset on, block by block, one block ahead of what is asked.

    On the way it makes the SHA-256 of the whole, so it reads what lies before the offset too; not
    if the digest is known. Opening, reading and hashing are done `in_thread`.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        total: int,
        offset: int,
        *,
        chunk: int,
        digest: bytes | None,
        in_thread: InThread,
    ) -> None:
        """Blocks are whole chunks, so that only the last frame of a transfer is short."""
        self.digest = digest
        """Of the whole, once all was read."""
        self._open = open_source
        self._source: Source | None = None
        self._total = total
        self._offset = offset
        self._block = max(1, _BLOCK // chunk) * chunk
        self._hash = hashlib.sha256() if digest is None else None
        self._hashed = 0
        self._in_thread = in_thread
        self._job: Deferred[bytes] | None = None
        self._closed = False

    async def next(self) -> bytes:
        """The next block; b"" when the source is whole, and then the digest is there.

        Raises SourceFailed.
        """
        job = self._job or self._begin()
        waiting: Deferred[bytes] = Deferred()

        def ready(outcome: bytes | Failure) -> None:
            # Whoever waits may be gone; the thread is not, so the job is not cancelled with him.
            if not waiting.called:
                waiting.callback(outcome)

        job.addBoth(ready)
        block = await waiting
        self._job = None
        if block:
            self._begin()
        return block

    def close(self) -> None:
        """Close the source, as soon as no thread reads it."""
        self._closed = True
        if self._job is None:
            self._close_source()
        else:
            self._job.addBoth(lambda _: self._close_source())

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.close()

    def _begin(self) -> Deferred[bytes]:
        self._job = self._in_thread(self._read)
        return self._job

    def _read(self) -> bytes:
        """In the thread: what lies before, if it must be known, then one block."""
        try:
            source = self._source = self._source or self._open()
            while self._hash is not None and self._hashed < self._offset and not self._closed:
                count = min(_BLOCK, self._offset - self._hashed)
                self._add(_read_at(source, self._hashed, count))
            left = self._total - self._offset
            block = _read_at(source, self._offset, min(self._block, left)) if left else b""
        except OSError as error:
            raise SourceFailed(str(error)) from error
        self._offset += len(block)
        self._add(block)
        if not block and self._hash is not None:
            self.digest = self._hash.digest()
        return block

    def _add(self, octets: bytes) -> None:
        if self._hash is not None:
            self._hash.update(octets)
            self._hashed += len(octets)


def _read_at(source: Source, offset: int, count: int) -> bytes:
    """Exactly `count` octets."""
    parts, read = [], 0
    while read < count:
        part = source.read_at(offset + read, count - read)
        if not part:
            raise SourceFailed(f"it ends at {offset + read}")
        parts.append(part)
        read += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
