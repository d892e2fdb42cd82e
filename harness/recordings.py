"""Recordings read from files: plain, compressed, or a folder of rotated parts in their order.

    >>> recording = Recording("traffic/")                             # doctest: +SKIP
    >>> for exchange in recording.exchanges():
    ...     print(exchange.hop, exchange.request, exchange.reply)
    >>> recording.cuts
    ['traffic/recording-000004.jsonl: line 2217 is unfinished, 93 octets are left out']

One line is in memory at a time. A file that was cut off is read up to there, and `cuts` says where.
"""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, Any

from starwire.protocol.conversations import Exchange, Exchanges
from starwire.protocol.recording import (
    End,
    Event,
    Header,
    RecordingError,
    Request,
    Response,
    Segment,
    Sender,
    decode,
    decode_header,
    part_name,
    parts_among,
    sender_of,
)

_LONGEST_LINE = 256 * 1024 * 1024
"""Octets. A frame of 16 MiB in which each octet must be escaped takes 96 MiB, and what stands
decoded beside it is short."""


_COMPRESSED = b"\x28\xb5\x2f\xfd"
"""What zstandard begins with."""


class NoRecording(Exception):
    """Nothing that can be read; the text names file, line and key, and says why."""


Files = list[tuple[str, Callable[[], IO[bytes]]]]
"""Names of files, and what opens each."""

Placed = tuple[str, int, Event]
"""An event with its file and the number of its line."""


class Recording:
    """A recording. Each iteration reads it from its beginning."""

    def __init__(self, path: str | Path, files: Files | None = None) -> None:
        """Of a file or folder; with `files`, of these, and the path only names them.

        Raises NoRecording if there is none, or none that this starwire can read.
        """
        self.path = Path(path)
        self.files = _files(self.path) if files is None else files
        self.cuts: list[str] = []
        """What the last iteration found missing: cut lines, files without an end, lost parts."""
        self.header = self._first_header()
        """Of the first file."""

    def _first_header(self) -> Header:
        """Of the first file that has one: a file may have been cut before its first line was whole,
        and what stands before or behind it is a recording all the same.
        """
        cut = ""
        for name, source in self.files:
            place = self._place(name)
            with closing(_lines(place, source)) as lines:
                line = next(lines, b"")
            if line.endswith(b"\n"):
                return _header(place, line)
            cut = cut or f"{place}: {'has no whole first line' if line else 'is empty'}"
        raise NoRecording(cut)

    def _place(self, name: str) -> str:
        return str(self.path) if name == self.path.name else f"{self.path}/{name}"

    def __iter__(self) -> Iterator[Event]:
        """Every event of every file, headers and ends included. Raises NoRecording."""
        return (event for _, _, event in self.placed())

    def placed(self) -> Iterator[Placed]:
        """The same, each with its file and the number of its line, from 1. Raises NoRecording."""
        self.cuts = list(_gaps(name for name, _ in self.files))
        for name, source in self.files:
            place = self._place(name)
            with closing(_lines(place, source)) as lines:
                for number, event in enumerate(self._events(name, lines), 1):
                    yield place, number, event

    def _events(self, name: str, lines: Iterator[bytes]) -> Iterator[Event]:
        line = next(lines, b"")
        if not line.endswith(b"\n"):
            self._cut(name, "was cut off before its header was whole")
            return
        event: Event = _header(self._place(name), line)
        yield event
        number = 1
        for number, line in enumerate(lines, 2):
            if not line.endswith(b"\n"):
                self._cut(name, f"line {number} is unfinished, {len(line)} octets are left out")
                return
            try:
                event = decode(line, number)
            except RecordingError as error:
                raise NoRecording(f"{self._place(name)}: {error}") from None
            yield event
        if not isinstance(event, End):
            self._cut(
                name,
                f"ends behind line {number} without a last line: whoever wrote it was "
                "killed, has lost its disk, or still writes",
            )

    def _cut(self, name: str, said: str) -> None:
        self.cuts.append(f"{self._place(name)}: {said}")

    def exchanges(self) -> Iterator[Exchange]:
        """Requests with their replies, as the replies come. Raises NoRecording."""
        exchanges, at = Exchanges(), 0
        for event in self:
            at = getattr(event, "at", at)
            yield from exchanges.read(event)
        yield from exchanges.finish(at)


def kept(
    events: Iterable[Event],
    *,
    hops: Collection[str] = (),
    connections: Collection[str] = (),
    sender: Sender | None = None,
) -> Iterator[Event]:
    """The events of these hops and connections (none named: of all); headers and ends always.

    With `sender` only octets of that side, and no events of the connections themselves.
    """
    for event in events:
        if isinstance(event, Header | End):
            yield event
        elif (hops and event.hop not in hops) or (
            connections and event.connection not in connections
        ):
            continue
        elif sender is None or (
            isinstance(event, Segment | Request | Response) and sender_of(event) == sender
        ):
            yield event


def _files(path: Path) -> Files:
    """The files of a recording, in their order."""
    if not path.is_dir():
        return [(path.name, partial(_part, path))]
    names = parts_among(os.listdir(path)).values()
    if not names:
        raise NoRecording(f"{path}: holds no {part_name(1)}")
    return [(name, partial(_part, path / name)) for name in names]


def _part(path: Path) -> IO[bytes]:
    """A part, which may have been compressed since the folder was looked at."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        return path.with_name(path.name + ".zst").open("rb")


def _gaps(names: Iterable[str]) -> Iterator[str]:
    for before, behind in itertools.pairwise(parts_among(names)):
        if behind > before + 1:
            one = behind == before + 2
            yield (
                f"part {before + 1} is missing"
                if one
                else f"parts {before + 1} to {behind - 1} are missing"
            )


def _header(place: str, line: bytes) -> Header:
    try:
        return decode_header(line)
    except RecordingError as error:
        raise NoRecording(f"{place}: {error}") from None


def _lines(place: str, opens: Callable[[], IO[bytes]]) -> Generator[bytes, None, None]:
    """The lines of a file, each with its line end; one that was cut comes without. Whoever does not
    read to the end closes it.
    """
    broken: tuple[type[Exception], ...] = (OSError,)
    try:
        with opens() as octets:
            source: Any = octets
            if source.peek(len(_COMPRESSED)).startswith(_COMPRESSED):
                import zstandard

                broken = (OSError, zstandard.ZstdError)
                decompressor = zstandard.ZstdDecompressor()
                unbuffered: Any = decompressor.stream_reader(octets, read_across_frames=True)
                source = io.BufferedReader(unbuffered, 1 << 16)
            number = 0
            while line := source.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    raise NoRecording(f"{place}: line {number} is longer than any can be")
                yield line
    except broken as error:
        said = getattr(error, "strerror", None) or error
        raise NoRecording(f"{place}: {said}") from None
