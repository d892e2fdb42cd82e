"""A recording read while it is being written: each event as its line becomes whole."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from starwire.protocol.recording import (
    End,
    Event,
    RecordingError,
    decode,
    decode_header,
    part_name,
    parts_among,
)

from .recordings import NoRecording, Placed, Recording

_PAUSE = 0.1
"""Seconds between two looks at a file that has not grown."""


def followed(path: Path, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[Placed]:
    """The events of a recording up to its end, waiting for those that are not there yet.

    It ends behind `end: stopped` if no further part follows. Raises NoRecording.
    """
    if path.suffix == ".jsonl" or path.is_file():
        yield from _file(path, str(path), sleep, lambda: False)
        return
    number = 0
    while True:
        number = _next_part(path, number, sleep)
        place = path / part_name(number)
        ended = ""
        for placed in _part(path, place, number, sleep):
            yield placed
            ended = placed[2].reason if isinstance(placed[2], End) else ""
        if ended == "stopped" and not _later(path, number):
            return


def _next_part(path: Path, number: int, sleep: Callable[[float], None]) -> int:
    while (later := _later(path, number)) is None:
        sleep(_PAUSE)
    return later


def _later(path: Path, number: int) -> int | None:
    """The first part behind that one."""
    names = parts_among(os.listdir(path)) if path.is_dir() else {}
    return next((one for one in names if one > number), None)


def _part(path: Path, place: Path, number: int, sleep: Callable[[float], None]) -> Iterator[Placed]:
    compressed = place.with_name(place.name + ".zst")
    if compressed.exists():
        yield from Recording(compressed).placed()
        return
    yield from _file(place, str(place), sleep, lambda: _later(path, number) is not None)


def _file(
    path: Path, place: str, sleep: Callable[[float], None], given_up: Callable[[], bool]
) -> Iterator[Placed]:
    """The lines of one file, until its end or until `given_up` when it does not grow."""
    while not path.exists():
        if given_up():
            return
        sleep(_PAUSE)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_lines(file, sleep, given_up), 1):
                event = _event(place, number, line)
                yield place, number, event
                if isinstance(event, End):
                    return
    except OSError as error:
        raise NoRecording(f"{place}: {error.strerror}") from None


def _lines(
    file: IO[bytes], sleep: Callable[[float], None], given_up: Callable[[], bool]
) -> Iterator[bytes]:
    held = io.BytesIO()
    last_look = False
    while True:
        piece = file.readline()
        held.write(piece)
        if piece.endswith(b"\n"):
            yield held.getvalue()
            held, last_look = io.BytesIO(), False
        elif not piece:
            if last_look:
                return
            # What was written before the next part was begun must still be read.
            last_look = given_up()
            sleep(0 if last_look else _PAUSE)


def _event(place: str, number: int, line: bytes) -> Event:
    try:
        return decode_header(line) if number == 1 else decode(line, number)
    except RecordingError as error:
        raise NoRecording(f"{place}: {error}") from None
