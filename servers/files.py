"""Files that a LOC names, below the Inbox's file root and nowhere else (CAT-09)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from starwire.grammar import fold

METADATA_SUFFIX = ".mtd"
COMPRESSED_SUFFIX = "_zip"


class FoundFile(NamedTuple):
    """A file below the root: its real path, and its octets when it was found."""

    path: str
    size: int


class FileRoot:
    """The folder that the Inbox serves. A LOC is a path below it, its first `/` or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_missing: Callable[[str], bool] | None = None
        """Takes a file for missing that is there; None: none is."""

    def find(self, loc: str) -> FoundFile | None:
        """The regular file that `loc` names, if it can be opened; else None.

        None stands alike for no such file, a way out of the root (`..`, a link that leads outside),
        something that is no regular file, and a name that no file can have: a peer learns nothing
        of what lies elsewhere.
        """
        path = self._path(loc)
        if path is None or (self.is_missing is not None and self.is_missing(loc)):
            return None
        try:
            root = os.path.realpath(self.folder, strict=True)
            real = os.path.realpath(path, strict=True)
            if not real.startswith(root + os.sep):
                return None
            # Non-blocking, so that a pipe somebody put there keeps nobody waiting.
            opened = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            found = os.fstat(opened)
        finally:
            os.close(opened)
        return FoundFile(real, found.st_size) if stat.S_ISREG(found.st_mode) else None

    def place(self, loc: str) -> Path:
        """Where a file of our own belongs that is to be found under `loc`."""
        path = self._path(loc)
        if path is None:
            raise ValueError(f"{loc!r} is no place below {self.folder}")
        return Path(path)

    def _path(self, loc: str) -> str | None:
        parts = [part for part in loc.split("/") if part not in ("", ".")]
        if not parts or ".." in parts or "\0" in loc:
            return None
        # A LOC is octets; so is a name on disk.
        names = os.fsdecode("/".join(parts).encode("latin-1"))
        return os.path.join(self.folder, names)


def metadata_location(loc: str, compressed: bool) -> str:
    """The LOC of the metadata beside the report at `loc` (CAT-08): its stem with `.mtd`."""
    folder, slash, name = loc.rpartition("/")
    stem = name[: name.rfind(".")] if "." in name[1:] else name
    return f"{folder}{slash}{stem}{METADATA_SUFFIX}{COMPRESSED_SUFFIX if compressed else ''}"


def is_compressed_name(loc: str) -> bool:
    """Whether the extension of `loc` says that the file is compressed (5165)."""
    return fold(loc).endswith(fold(COMPRESSED_SUFFIX))
