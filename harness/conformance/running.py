"""The run: which cases, in what order, how many at a time, and what becomes of each.

Cases run when those that they come after have passed, and are blocked when one has not. Sanity
comes first, and once more at the end. A target that stops answering is noticed by a probe, named
once, and what is left at that place is blocked, so that it costs the time of one case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec
from msgspec.structs import replace

from .case import Case
from .executing import execute
from .grounds import Grounds
from .result import Outcome, Result
from .starting import CannotStart, Implementation
from .wire import Wire

GOOD = (Outcome.PASSED, Outcome.NON_STRICT, Outcome.INFORMATIONAL)
"""What a case may end with for others to come after it."""
_NO_HINDRANCE = (*GOOD, Outcome.NOT_APPLICABLE)
_SANITY = ("sanity.connect", "sanity.wire")
"""A place that fails one of them does not speak the wire at all."""
_PROBE = "sanity.probe"
_LAST = "sanity.last"
_DYING = 0.3
"""Seconds between the end of a process's connections and its own."""
_DEATHS = 3
"""How often a case is tried while the implementation ends, before it is taken for the cause."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is done."""

    patience: float = 5.0
    """Seconds that a reply may take."""
    longest_wait: float = 2.0
    """Seconds that a case may wait on purpose; one that must wait longer is not applicable."""
    workers: int = 16
    """Cases at a time."""
    retries: int = 2
    """How often a case that failed is tried again, to tell a flaky one."""


Tell = Callable[[Result], None]


class Started(Protocol):
    """An implementation that was started for a run."""

    implementation: Implementation | None
    """The one process of it, if there is one."""

    @property
    def last_words(self) -> str:
        """What it said last; "" for nothing."""
        ...

    def close(self) -> None: ...


class Run:
    """One run of cases against one target."""

    def __init__(
        self,
        cases: Sequence[Case],
        wire: Wire,
        grounds: Grounds,
        plan: Plan,
        started: Started | None = None,
    ) -> None:
        """`cases` are those that are wanted; what they come after must be among them. `started` is
        an implementation that is there for this run alone."""
        self.cases = cases
        self._wire = wire
        self._grounds = grounds
        self._plan = plan
        self._started = started
        self._ended: dict[tuple[str, str], Result] = {}
        self._dead: dict[str, str] = {}
        """Places of which nothing more is asked, and why."""
        self._lock = threading.Lock()
        self.stopped = ""
        """Why not everything was tried."""

    @property
    def total(self) -> int:
        """How many results there will be."""
        return len(self.cases) + sum(case.name == _PROBE for case in self.cases)

    @property
    def implementation(self) -> str:
        """What the target file calls it."""
        return self._grounds.description.name

    def results(self, tell: Tell | None = None) -> list[Result]:
        """Run all; `tell` hears each result as it comes, from any thread."""
        told: list[Result] = []

        def end(case: Case, result: Result) -> None:
            with self._lock:
                self._ended[case.name, case.place] = result
                told.append(result)
                if tell is not None:
                    tell(result)

        for cases in _sanity_first(self.cases):
            for wave in _waves(cases):
                self._wave(wave, end)
        for case in self.cases:
            if case.name == _PROBE:
                last = replace(case, name=_LAST, after=(_PROBE,))
                end(last, self._one(last))
        return told

    def result_of(self, case: Case) -> Result:
        """The result of one case, behind what it comes after; each is run once."""
        key = (case.name, case.place)
        if key not in self._ended:
            for one in self.cases:
                if one.place == case.place and one.name in case.after:
                    self.result_of(one)
            self._ended[key] = self._one(case)
        return self._ended[key]

    def _wave(self, wave: Sequence[Case], end: Callable[[Case, Result], None]) -> None:
        together = [case for case in wave if not case.alone]
        if self._wire.is_virtual or self._plan.workers == 1:
            for case in together:
                end(case, self._one(case))
        else:
            with ThreadPoolExecutor(self._plan.workers) as pool:
                for case, result in pool.map(lambda case: (case, self._one(case)), together):
                    end(case, result)
        for case in wave:
            if case.alone:
                end(case, self._one(case))

    def close(self) -> None:
        """Stop the implementation, if it was started for this run, or is in memory."""
        if self._started is not None:
            self._started.close()
        self._wire.close()

    def _one(self, case: Case) -> Result:
        """The result of a case, tried again where it failed."""
        outcome, reason = self._unfit(case)
        if outcome is not None:
            return untried(case, outcome, reason)
        first = self._try(case)
        process = self._started.implementation if self._started is not None else None
        if process is not None and first.outcome not in _NO_HINDRANCE:
            first = self._survived(process, case, first)
        if first.outcome is not Outcome.FAILED or case.place in self._dead:
            return first
        if not self._wire.is_virtual and self._is_over(case, first):
            return first
        tries = [first, *(self._try(case) for _ in range(self._plan.retries))]
        failed = [one for one in tries if one.outcome is Outcome.FAILED]
        if len(failed) == len(tries):
            return first
        reason = f"failed {len(failed)} of {len(tries)} times: {first.reason}"
        attempts = (len(failed), len(tries))
        return replace(first, outcome=Outcome.FLAKY, reason=reason, attempts=attempts)

    def _survived(self, implementation: Implementation, case: Case, result: Result) -> Result:
        """The result of a case, or that of another try where the implementation had ended
        meanwhile: another case, that ran at the same time, may have been the cause."""
        for _ in range(_DEATHS):
            starts, ended = implementation.starts, implementation.ended_within(_DYING)
            if not ended:
                return result
            try:
                implementation.revive(starts)
            except CannotStart as error:
                self.stopped = f"the implementation has ended, and does not start again: {error}"
                self._dead.setdefault(case.place, f"the implementation has ended in {case.id}")
                return replace(result, reason=f"{result.reason}; {ended}")
            self._grounds.forget_sessions()
            named = replace(result, reason=f"the implementation ends: {ended}")
            result = self._try(case)
            if result.outcome in _NO_HINDRANCE:
                return result
        return replace(named, outcome=Outcome.FAILED)

    def _try(self, case: Case) -> Result:
        return execute(case, self._wire, self._grounds, patience=self._plan.patience)

    def _is_over(self, case: Case, failed: Result) -> bool:
        """Whether nothing more is to be asked of the place of a case that failed."""
        if case.name in _SANITY:
            self._dead[case.place] = f"{failed.case} failed"
            words = self._started.last_words if self._started is not None else ""
            told = "; ".join(text for text in (failed.reason, _hint(failed), words) if text)
            self.stopped = f"{case.place} does not speak this wire: {told}"
        elif not self._answers(case):
            self._dead[case.place] = f"{case.place} no longer answers since {case.id}"
            self.stopped = self._dead[case.place]
        return case.place in self._dead

    def _answers(self, case: Case) -> bool:
        """Whether the place is still alive behind a failure."""
        probe = next(
            (one for one in self.cases if (one.name, one.place) == (_PROBE, case.place)), None
        )
        if probe is None or case.name.startswith("sanity."):
            return True
        return self._try(probe).outcome in GOOD

    def _unfit(self, case: Case) -> tuple[Outcome | None, str]:
        """Why a case is not tried, if it is not."""
        for rule in case.rules:
            if rule in self._grounds.description.lacks:
                return Outcome.NOT_APPLICABLE, f"{rule}: {self._grounds.description.lacks[rule]}"
        waits = case.waits(self._grounds.profile)
        if waits > self._plan.longest_wait and not self._wire.is_virtual:
            wait = f"it waits {waits:g} seconds; --wait {waits:g} allows it"
            return Outcome.NOT_APPLICABLE, wait
        for name in case.after:
            before = self._ended.get((name, case.place))
            if before is not None and before.outcome not in _NO_HINDRANCE:
                return Outcome.BLOCKED, f"{before.case} {_did_not(before.outcome)}"
        if case.after and case.place in self._dead:  # what comes after nothing is asked of anybody
            return Outcome.BLOCKED, self._dead[case.place]
        return None, ""


def _hint(failed: Result) -> str:
    if failed.divergence is None or failed.divergence.field != "length":
        return ""
    return "if its header is another: starwire profile learn, and --profile"


def _did_not(outcome: Outcome) -> str:
    words = {Outcome.FAILED: "failed", Outcome.FLAKY: "is flaky", Outcome.BLOCKED: "is blocked"}
    return words.get(outcome, f"is {outcome.value}")


def untried(case: Case, outcome: Outcome, reason: str) -> Result:
    """The result of a case that was not tried."""
    return Result(
        case=case.id,
        sentence=case.sentence,
        rules=case.rules,
        level=case.level,
        place=case.place,
        seat=case.seat,
        outcome=outcome,
        reason=reason,
    )


def _sanity_first(cases: Sequence[Case]) -> Iterator[list[Case]]:
    for is_sanity in (True, False):
        yield [case for case in cases if case.name.startswith("sanity.") is is_sanity]


def _waves(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """The cases in groups, each behind all that its cases come after."""
    depth: dict[tuple[str, str], int] = {}
    by_key = {(case.name, case.place): case for case in cases}

    def depth_of(case: Case) -> int:
        key = (case.name, case.place)
        if key not in depth:
            before = [
                by_key[name, case.place] for name in case.after if (name, case.place) in by_key
            ]
            depth[key] = 1 + max((depth_of(one) for one in before), default=-1)
        return depth[key]

    waves: dict[int, list[Case]] = {}
    for case in cases:
        waves.setdefault(depth_of(case), []).append(case)
    for level in sorted(waves):
        yield waves[level]


def with_what_they_follow(wanted: Iterable[Case], among: Sequence[Case]) -> list[Case]:
    """The wanted cases and all that they come after, in the order of `among`."""
    by_key = {(case.name, case.place): case for case in among}
    needed: dict[str, Case] = {}

    def need(case: Case) -> None:
        if case.id not in needed:
            needed[case.id] = case
            for name in case.after:
                if (name, case.place) in by_key:
                    need(by_key[name, case.place])

    for case in wanted:
        need(case)
    return [case for case in among if case.id in needed]
