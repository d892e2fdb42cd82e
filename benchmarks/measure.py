"""What every benchmark here does: interleaved rounds, medians of ratios, claims that must hold.

Machines differ and change while one measures, so nothing is claimed in seconds that can be claimed
as a ratio to something measured in the same round. A script runs its subjects in turn, round after
round, and takes the median over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

TOLERANCE = 0.8
"""A figure below this part of its claim fails: machines are noisy, mistakes are not that small."""

Subject = Callable[[], object]


@dataclass(frozen=True)
class Claim:
    """What is stated of a figure. `least` or `most`, whichever bounds it."""

    text: str
    unit: str
    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether `value` is within the tolerance of what is claimed."""
        if self.least is not None:
            return value >= self.least * TOLERANCE
        return self.most is None or value * TOLERANCE <= self.most

    def __str__(self) -> str:
        if self.least is not None:
            return f">= {self.least:g} {self.unit}"
        return f"<= {self.most:g} {self.unit}" if self.most is not None else ""


@dataclass(frozen=True)
class Figure:
    """A claim and what was measured of it."""

    claim: Claim
    value: float

    @property
    def holds(self) -> bool:
        return self.claim.holds(self.value)


def options(description: str) -> argparse.Namespace:
    """The options that all benchmarks share: --json and --quick."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="a shorter run, for CI")
    return parser.parse_args()


@contextlib.contextmanager
def no_collector() -> Iterator[None]:
    """Without the collector, whose passes grow with all that lives, not with what is measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def seconds(subject: Subject, times: int = 1) -> float:
    """The time of one call, averaged over `times` calls in a row."""
    start = time.perf_counter()
    for _ in range(times):
        subject()
    return (time.perf_counter() - start) / times


def repeats(subject: Subject, span: float) -> int:
    """How many calls fill about `span` seconds; the subject is warm afterwards."""
    subject()
    return max(1, round(span / max(seconds(subject), 1e-9)))


def rounds(
    subjects: Mapping[str, Subject], count: int = 5, span: float = 0.2
) -> dict[str, list[float]]:
    """The seconds of each subject in each of `count` rounds, in which all take their turn."""
    times = {name: repeats(subject, span) for name, subject in subjects.items()}
    measured: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(count):
        for name, subject in subjects.items():
            measured[name].append(seconds(subject, times[name]))
    return measured


def ratio(measured: Mapping[str, list[float]], slow: str, fast: str) -> float:
    """How many times longer `slow` takes than `fast`: the median over the rounds."""
    return statistics.median(
        one / other for one, other in zip(measured[slow], measured[fast], strict=True)
    )


def report(name: str, figures: Iterable[Figure], as_json: bool) -> int:
    """Print the figures; the exit status is 1 if one does not hold."""
    figures = list(figures)
    if as_json:
        rows = [{**asdict(figure), "holds": figure.holds} for figure in figures]
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        print(json.dumps({"benchmark": name, **machine, "figures": rows}, indent=2))
    else:
        width = max(len(figure.claim.text) for figure in figures)
        for figure in figures:
            verdict = "" if figure.holds else "   BELOW THE CLAIM"
            measured = f"{figure.value:8.2f} {figure.claim.unit:2}"
            print(f"{figure.claim.text:{width}}  {measured}  {figure.claim!s:>11}{verdict}")
    sys.stdout.flush()
    return 0 if all(figure.holds for figure in figures) else 1
