"""Requests, kills and faults in any order: no reply is lost, doubled or given to another.

Each machine begins with a fresh copy of one store, takes thirty steps, is mended, and is audited:
all that was promised must be there, and nothing else. In memory the order of everything that
happens is drawn too; on real processes it is the kernel's. What never happened was not shown: then
the proof fails.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stateful.ground import MemoryStage, RealStage
from stateful.machine import EXPECTED, run
from twisted.logger import globalLogBeginner

WHOLE = "machine of all steps held"
SHARED_MEMORY = Path("/dev/shm")
REAL = ("answered", "killed", "killed under requests", "fault struck", "poll with a result")
REAL += ("equal frame accepted again", "run complete", "resumed run complete", "cancelled")
"""What must happen on real processes, where so few machines cannot show everything."""


def folder_for(kind: str) -> tempfile.TemporaryDirectory[str]:
    """In memory if there is such a place: a machine's store lives for a moment."""
    where = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    return tempfile.TemporaryDirectory(prefix=f"starwire-{kind}-", dir=where)


def machines(
    make: Callable[..., Any], count: int, seed: int, expected: tuple[str, ...]
) -> Counter[str]:
    """Run machines until so many took all of their steps; Hypothesis begins with smaller ones.

    A few more, if something that is expected has not happened yet.
    """
    tally: Counter[str] = Counter()
    while tally[WHOLE] < count:
        run(make, machines=max(5, count - tally[WHOLE]), seed=seed, tally=tally)
        seed += 1
    while tally[WHOLE] < 4 * count and any(not tally[name] for name in expected):
        run(make, machines=max(5, count // 4), seed=seed, tally=tally)
        seed += 1
    return tally


def told(kind: str, tally: Counter[str], took: float, expected: tuple[str, ...]) -> Iterator[str]:
    """What happened, line by line; AssertionError if anything expected did not."""
    yield (
        f"{kind}: {tally[WHOLE]} machines of 30 steps and {tally['machine held'] - tally[WHOLE]} "
        f"shorter ones held; {tally['step'] / took:.0f} steps a second"
    )
    for name, count in sorted(tally.items()):
        if "machine" not in name:
            yield f"  {count:6} {name}"
    missing = [name for name in expected if not tally[name]]
    assert not missing, f"{kind}: never happened: {', '.join(missing)}"


def prove(*, quick: bool) -> Iterator[str]:
    """The proof, line by line."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    seed = 1998 if quick else random.SystemRandom().randrange(2**32)
    yield f"seed {seed}"
    with folder_for("memory") as folder:
        stage = MemoryStage(Path(folder))
        began = time.monotonic()
        tally = machines(stage.make, 60 if quick else 500, seed, EXPECTED)
        yield from told("in memory", tally, time.monotonic() - began, EXPECTED)
        stage.close()
    with folder_for("processes") as folder:
        real = RealStage(Path(folder))
        began = time.monotonic()
        expected = ("answered",) if quick else REAL
        tally = machines(real.make, 3 if quick else 50, seed, expected)
        yield from told("on real processes", tally, time.monotonic() - began, expected)
    yield "no reply was lost, doubled or given to another, and nothing was done twice"
