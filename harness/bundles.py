"""Bundles as files: written whole or not at all, and read with the reason where one cannot be."""

from __future__ import annotations

import os
import platform
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from starwire.protocol.bundle import DAMAGE, BundleError, Manifest, Member, pack, pieces, unpack
from starwire.protocol.profile import Profile, ProfileError, profile_of_tables

from .recordings import Recording

__all__ = ["Bundle", "BundleError", "write_bundle"]


def write_bundle(
    path: str | Path,
    *,
    seed: int | None,
    faults: Sequence[dict[str, Any]],
    recordings: Iterable[str | Path],
    profile: Profile,
    note: str = "",
    versions: dict[str, str] | None = None,
) -> Manifest:
    """Make a bundle, atomically: at `path` stands what stood there before, or the whole of it.

    A recording is a file or a folder of parts; `versions` come on top of our own. Raises
    NoRecording for what is none, OSError.
    """
    path = Path(path)
    sources = [Recording(one) for one in recordings]
    file, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(file, "wb") as target, ExitStack() as held:
            manifest = pack(
                target,
                [_opened(one, held) for one in sources],
                seed=seed,
                faults=faults,
                profile=profile,
                made=datetime.now(UTC),
                versions={"python": platform.python_version(), **(versions or {})},
                note=note,
            )
            target.flush()
            os.fsync(target.fileno())
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise
    return manifest


def _opened(recording: Recording, held: ExitStack) -> list[tuple[str, IO[bytes]]]:
    """Its files; a recording of one file is always called the same."""
    opened = [(name, held.enter_context(opens())) for name, opens in recording.files]
    if recording.path.is_dir():
        return opened
    return [
        ("recording.jsonl.zst" if name.endswith(".zst") else "recording.jsonl", file)
        for name, file in opened
    ]


class Bundle:
    """A bundle that is open for reading; closed by the end of a `with`."""

    def __init__(self, path: str | Path) -> None:
        """Raises BundleError, which names the path, the member and the key."""
        self.path = Path(path)
        try:
            self._archive = zipfile.ZipFile(self.path)
        except OSError as error:
            raise BundleError(f"{path}: {error.strerror or error}") from None
        except DAMAGE:
            raise BundleError(f"{path}: is no bundle: it is no zip archive") from None
        try:
            self.manifest = unpack(self._archive)
            self.profile = profile_of_tables(self.manifest.profile)
        except (BundleError, ProfileError) as error:
            self._archive.close()
            place = "" if isinstance(error, BundleError) else "bundle.json: profile."
            raise BundleError(f"{path}: {place}{error}") from None

    def check(self) -> None:
        """Compare every file with its digest. Raises BundleError."""
        for member in self._members():
            try:
                for _ in pieces(self._archive, member):
                    pass
            except BundleError as error:
                raise BundleError(f"{self.path}: {error}") from None

    def recordings(self) -> list[Recording]:
        """Its recordings, read from within it. Raises NoRecording."""
        return [
            Recording(
                self.path / f"traffic/{number}",
                [
                    (one.name.rpartition("/")[2], partial(self._archive.open, one.name))
                    for one in files
                ],
            )
            for number, files in enumerate(self.manifest.traffic, 1)
        ]

    def _members(self) -> list[Member]:
        return [member for files in self.manifest.traffic for member in files]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._archive.close()
