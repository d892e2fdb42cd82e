"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, octets: bytes, mode: int) -> None:
    """Put `octets` in place of the file; it is never readable by more than `mode` says."""
    _written(path, octets, mode).replace(path)


def write_first(path: Path, octets: bytes, mode: int) -> None:
    """Make the file, unless there is one: of several processes at it, one makes it."""
    made = _written(path, octets, mode)
    with contextlib.suppress(FileExistsError):
        os.link(made, path)
    made.unlink()


def _written(path: Path, octets: bytes, mode: int) -> Path:
    """A durable file beside it, of this process alone."""
    made = path.with_suffix(f"{path.suffix}.{os.getpid()}.new")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(descriptor)
    return made
