"""Every rule that the emulator keeps is broken once, and the conformance cases find each.

The matrix has a row for every named fault and a column for every case. A fault is killed by a case
of one of its rules that fails; a case of other rules must not fail (one that is blocked has not),
and every case must kill something. Both shipped profiles pass without a fault, and a third one that
has what they leave off; a fault of that is looked for there.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from starwire.harness.conformance.case import RESTS_ON, Case, all_cases
from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome, Result
from starwire.harness.conformance.wiring import Asked
from starwire.harness.emulator import in_thread
from starwire.protocol.endpoints import DEFAULT_PORTS, spoken_at
from starwire.protocol.profile import Profile, shipped
from starwire.servers.rule_faults import RuleFault, all_faults, rule_fault, switched_on

SAMPLE = [
    *("serial-not-repeated", "101-keeps-connection", "echo-2-is-none", "session-before-type"),
    *("status-of-request-judged", "half-frame-answered", "target-in-any-case"),
    *("entitlement-unchecked", "dispatcher-repeats-key", "digest-of-nothing"),
    *("offset-beyond-total-taken", "transfer-of-anybody"),
]
"""The faults of the short form, from all over the wire."""
_FURTHER = msgspec.structs.replace(
    shipped("default"),
    name="further",
    multiplex=True,
    overlay={
        "parameters": [
            {"message": acronym, "name": "FURTHER", "title": "one more", "required": "no"}
            for acronym in ("GRTL", "L")
        ]
    },
)
"""What neither shipped profile has: connections that are shared, and an overlay."""
_SEALED = msgspec.structs.replace(shipped("default"), name="sealed")
"""Spoken where the inner hops are encrypted, which no profile says."""
_KEYS = f'web = "{1:064d}"\nproxy = "{2:064d}"\n'
_SEEN_THERE_ONLY = ("too-many-in-flight", "overlay-ignored")
_SEEN_OVER_TLS_ONLY = ("cookie-without-secure", "plain-http-spoken", "old-tls-taken")
_SERVERS = tuple(name for name in DEFAULT_PORTS if name != "control")
_PROFILES = (shipped("default"), shipped("little"), _FURTHER, _SEALED)
_LONGEST = 300.0
"""Seconds that a fault may take; one that makes the emulator slow would never end."""
_WRONG = (Outcome.FAILED, Outcome.HARNESS_ERROR)


Way = Callable[[Profile], list[Result]]


class Row(msgspec.Struct):
    """What all cases say of one fault."""

    fault: str
    rules: tuple[str, ...]
    failed: dict[str, tuple[str, ...]]
    """The cases that failed, and the rules that each proves."""
    blocked: int
    passed: int
    reasons: dict[str, str]
    seconds: float

    @property
    def killers(self) -> list[str]:
        return [case for case, rules in self.failed.items() if set(rules) & set(self.rules)]

    @property
    def strays(self) -> list[str]:
        """The cases that failed and neither prove nor rest on a rule that is broken."""
        broken = set(self.rules)
        return [
            case
            for case, rules in self.failed.items()
            if not broken.intersection((*rules, *_rests_on(case)))
        ]


def _rests_on(id: str) -> tuple[str, ...]:
    case = _by_id().get(id)
    return case.rests_on if case is not None else RESTS_ON[spoken_at(id.rpartition("@")[2])]


@cache
def _by_id() -> dict[str, Case]:
    return {case.id: case for case in all_cases()}


def run(profile: Profile) -> list[Result]:
    """All cases against a new emulator in memory; its inner hops are encrypted under _SEALED."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys.toml"
        keys.write_text(_KEYS)
        link_keys = keys if profile is _SEALED else None
        asked = Asked(target="memory:", profile=profile, link_keys=link_keys)
        with closing(begin(asked)) as begun:
            return begun.results()


def run_over_sockets(profile: Profile) -> list[Result]:
    """All cases against an emulator over TCP, its web server over TLS."""
    emulator = in_thread(profile, _SERVERS)
    try:
        at = {name: f"{host}:{port}" for name, (host, port) in emulator.places.items()}
        target = f"https://{at.pop('web')}{profile.web_path}"
        places = tuple(f"{name}={address}" for name, address in at.items())
        asked = Asked(target=target, places=places, files=emulator.files, profile=profile)
        with closing(begin(asked)) as begun:
            return begun.results()
    finally:
        emulator.stop()


def _shows(fault: RuleFault) -> Profile:
    """The profile under which a fault can be seen."""
    if "ENC-01" in fault.rules:
        return _SEALED
    return _FURTHER if fault.name in _SEEN_THERE_ONLY else shipped("default")


def row_of(name: str) -> Row:
    """The row of one fault. Called in a process of its own, where nothing else is broken."""
    fault = rule_fault(name)
    _by_id()  # the cases are made before anything is broken
    begun = time.perf_counter()
    with switched_on(name):
        over_sockets = name in _SEEN_OVER_TLS_ONLY
        results = (run_over_sockets if over_sockets else run)(_shows(fault))
    outcomes = Counter(result.outcome for result in results)
    failed = [result for result in results if result.outcome in _WRONG]
    return Row(
        name,
        fault.rules,
        {result.case: result.rules for result in failed},
        outcomes[Outcome.BLOCKED],
        sum(outcomes[good] for good in (Outcome.PASSED, Outcome.NON_STRICT, Outcome.INFORMATIONAL)),
        {result.case: result.reason for result in failed[:3]},
        time.perf_counter() - begun,
    )


def _workers() -> Any:
    return multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1, maxtasksperchild=20)


def matrix(names: Sequence[str]) -> Iterator[Row]:
    """The rows of those faults, as they are done."""
    with _workers() as pool:
        rows = pool.imap_unordered(row_of, names)
        for done in range(len(names)):
            try:
                yield rows.next(_LONGEST)
            except multiprocessing.TimeoutError:
                raise AssertionError(f"after {done} faults none was done in {_LONGEST} s") from None


def clean(number: int, times: int, way: Way = run) -> str:
    """That the suite passes without a fault, so often in a row, under the profile of that number.

    Raises AssertionError. Called in a process of its own.
    """
    profile = _PROFILES[number]
    for _ in range(times):
        begun = time.perf_counter()
        results = way(profile)
        bad = [f"{result.case}: {result.reason}" for result in results if result.outcome in _WRONG]
        assert not bad, f"without a fault, profile {profile.name}: {bad[0]}"
        blocked = [result.case for result in results if result.outcome is Outcome.BLOCKED]
        assert not blocked, f"without a fault, profile {profile.name}: {blocked[0]} is blocked"
    took = time.perf_counter() - begun
    told = f"{len(results)} cases pass {times} times in a row, the last in {took:.1f} s"
    return f"{profile.name}, {'in memory' if way is run else 'over sockets'}: {told}"


def prove(*, quick: bool) -> Iterator[str]:
    """The proof, line by line; what does not hold is told whole before it fails."""
    with _workers() as pool:
        yield from pool.imap(partial(clean, times=1 if quick else 20), range(len(_PROFILES)))
    for number in range(2):
        yield clean(number, 1 if quick else 2, run_over_sockets)
    names = SAMPLE if quick else [fault.name for fault in all_faults()]
    rows = sorted(matrix(names), key=lambda row: names.index(row.fault))
    survivors = [row.fault for row in rows if not row.killers]
    strays = [(row.fault, case) for row in rows for case in row.strays]
    yield f"{len(rows) - len(survivors)} of {len(rows)} faults killed"
    yield f"{len(strays)} failures of cases that neither prove nor rest on what was broken"
    yield from (f"survives: {name}" for name in survivors)
    yield from (f"under {fault} fails {case}" for fault, case in strays)
    idle = [] if quick else _kill_nothing(rows)
    yield from (f"kills nothing: {case}" for case in idle)
    if not quick:
        yield from (f"{row.fault}: {len(row.killers)} cases, {row.blocked} blocked" for row in rows)
    assert not survivors, f"{len(survivors)} faults survive"
    assert not strays, f"{len(strays)} failures for other rules"
    assert not idle, f"{len(idle)} cases kill nothing"


def _kill_nothing(rows: Sequence[Row]) -> list[str]:
    killers = {case for row in rows for case in row.killers}
    untried = (Outcome.NOT_APPLICABLE, Outcome.BLOCKED)
    results = [one for profile in _PROFILES for one in run(profile)]
    return sorted({one.case for one in results if one.outcome not in untried} - killers)
