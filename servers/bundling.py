"""A bundle of what an emulator is doing, as it stands now."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from starwire.protocol.bundle import Manifest, pack
from starwire.protocol.profile import Profile
from starwire.protocol.recording import parts_among


def make_bundle(
    target: IO[bytes],
    *,
    seed: int | None,
    faults: Sequence[dict[str, Any]],
    recordings: Iterable[Path],
    profile: Profile,
    note: str = "",
) -> Manifest:
    """Write a bundle to `target`, which need not be able to seek: a file, or what goes out to
    whoever asked. A recording is a file or a folder of parts, and may be one that is still written:
    it is copied as far as it goes. Raises OSError.
    """
    with ExitStack() as held:
        return pack(
            target,
            [_opened(path, held) for path in recordings],
            seed=seed,
            faults=faults,
            profile=profile,
            made=datetime.now(UTC),
            versions={"python": platform.python_version()},
            note=note,
        )


def _opened(path: Path, held: ExitStack) -> list[tuple[str, IO[bytes]]]:
    if not path.is_dir():
        return [("recording.jsonl", held.enter_context(path.open("rb")))]
    return [
        (name, held.enter_context(_part(path / name)))
        for name in parts_among(os.listdir(path)).values()
    ]


def _part(path: Path) -> IO[bytes]:
    """A part, which may have been compressed since the folder was looked at."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        return path.with_name(path.name + ".zst").open("rb")
