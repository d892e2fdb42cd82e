"""What every emulator in memory begins with, made once: a filled store, the files of the Inbox."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import attrs

from starwire.servers.files import FileRoot
from starwire.servers.first_data import FirstData
from starwire.servers.passwords import PasswordCost

from .store import filled

_SHARED_MEMORY = Path("/dev/shm")


@attrs.frozen
class Beginning:
    """The octets of the store, and those of each file by its LOC."""

    store: bytes
    files: Mapping[str, bytes]


@lru_cache(4)
def beginning(cost: PasswordCost) -> Beginning:
    """With passwords at that cost."""
    with tempfile.TemporaryDirectory(prefix="starwire-") as folder:
        store = filled(FirstData(FileRoot(Path(folder)), cost).fill)
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        held = {f"/{path.relative_to(folder)}": path.read_bytes() for path in files}
    return Beginning(store, held)


class KeptFiles:
    """A temporary folder for the state, with the files of the Inbox in it."""

    def __init__(self, first: Mapping[str, bytes]) -> None:
        where = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(prefix="starwire-", dir=where)
        self.state = Path(self._folder.name)
        self.root = FileRoot(self.state / "files")
        self._first = first
        self._changed: set[str] = set()
        for loc, octets in first.items():
            self._write(loc, octets)

    def put(self, loc: str, octets: bytes) -> None:
        """Raises ValueError for no place below the root."""
        self._changed.add(loc)
        self._write(loc, octets)

    def remove(self, loc: str) -> None:
        """If it is there."""
        self._changed.add(loc)
        self.root.place(loc).unlink(missing_ok=True)

    def put_back(self) -> None:
        """All files that were put or removed are what they were in the beginning."""
        for loc in self._changed:
            if loc in self._first:
                self._write(loc, self._first[loc])
            else:
                self.root.place(loc).unlink(missing_ok=True)
        self._changed.clear()

    def close(self) -> None:
        self._folder.cleanup()

    def _write(self, loc: str, octets: bytes) -> None:
        path = self.root.place(loc)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
