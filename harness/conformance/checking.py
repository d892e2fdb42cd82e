"""From what `check` was asked for to a run: places, wire, grounds and the cases that apply."""

from __future__ import annotations

import datetime
import os
import re
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from starwire.protocol.catalogue import Catalogue, catalogue
from starwire.protocol.profile import Profile
from starwire.protocol.sealing import LinkKeys, load_link_keys

from ..client import Client
from ..failures import ClientError
from ..reports.terminal import Screen
from ..target import TargetError
from .baseline import Baseline
from .case import CLIENT, EVERYWHERE, SEATS, Case, all_cases, seat_of
from .client_wire import ClientWire
from .control import Switch, control
from .description import TargetFileError, User, described
from .executing import asking
from .frozen import FrozenError
from .grounds import Grounds, PutFile, Refused
from .in_memory import MemoryWire
from .reporting import report_of, told
from .result import Report, Result
from .running import Plan, Run, with_what_they_follow
from .wire import Wire
from .wiring import (
    CLIENTS,
    FEW_TRANSACTIONS,
    MEMORY,
    Asked,
    CannotCheck,
    Scene,
    addresses_of,
    client_wire_of,
    staged,
    wire_of,
)

_VIRTUAL_PATIENCE = 300.0


def begin(asked: Asked) -> Run:
    """The run of the cases that are wanted and apply; close it. Raises CannotCheck."""
    _link_keys(asked)  # before anything is started
    if asked.target == CLIENTS:
        return _run(asked, client_wire_of(asked), None)
    if asked.start:
        stage = staged(asked)
        return _run(asked, stage.wire, stage.put_file, stage)
    return _run(asked, *wire_of(asked))


def _run(asked: Asked, wire: Wire, put_file: PutFile | None, stage: Scene | None = None) -> Run:
    try:
        grounds = _grounds(asked, wire, put_file, stage.mint if stage else None)
        return Run(_wanted(asked, wire.places), wire, grounds, _plan(asked, wire), stage)
    except BaseException:
        (stage or wire).close()
        raise


def listed(asked: Asked) -> list[Case]:
    """The cases that are wanted, wherever they are run. Raises CannotCheck."""
    if asked.target == CLIENTS:
        return _wanted(asked, (CLIENT,))
    if not asked.target:
        return _wanted(asked, (*EVERYWHERE, CLIENT))
    if asked.start:
        return _wanted(asked, EVERYWHERE)
    places = tuple(addresses_of(asked)) if asked.target != MEMORY else EVERYWHERE
    return _wanted(asked, places)


def checked(
    asked: Asked, screen: Screen, *, baseline: Baseline, words: Sequence[str], name: str = ""
) -> Report:
    """Run what is wanted, tell it as it goes, and give the report. Raises CannotCheck."""
    started, begun = datetime.datetime.now(datetime.UTC), time.perf_counter()
    run = begin(asked)
    today = started.date()
    found: list[Result] = []

    def tell(result: Result) -> None:
        result = told(result, words, baseline, today)
        if asked.frozen is not None:
            result = replace(result, flags=(*result.flags, *asked.frozen.flags(result.rules)))
        found.append(result)
        screen.add(found[-1])

    try:
        screen.begin(asked.target, run.total)
        run.results(tell)
    except KeyboardInterrupt:
        run.stopped = "interrupted"
    finally:
        screen.stop()
        run.close()
    report = report_of(
        found,
        run.cases,
        target=asked.target,
        implementation=name or run.implementation,
        profile=asked.profile,
        started=started,
        seconds=time.perf_counter() - begun,
        stopped=run.stopped,
    )
    screen.end(report)
    return report


def _plan(asked: Asked, wire: Wire) -> Plan:
    return Plan(
        patience=_VIRTUAL_PATIENCE if wire.is_virtual else asked.patience,
        longest_wait=asked.longest_wait,
        workers=min(asked.workers, _clients()) if isinstance(wire, ClientWire) else asked.workers,
        retries=0 if wire.is_virtual else asked.retries,
    )


def _clients() -> int:
    """How many clients run at a time: to start a program is work, and each has little time."""
    return 2 * (os.cpu_count() or 1)


def _grounds(
    asked: Asked,
    wire: Wire,
    put_file: PutFile | None,
    mint: Callable[[User], str] | None,
) -> Grounds:
    profile = asked.profile
    try:
        description = described(asked.facts).as_user(asked.user, asked.password)
    except TargetFileError as error:
        raise CannotCheck(str(error)) from None
    if asked.target == MEMORY:
        limits = {**description.limits, "transactions": FEW_TRANSACTIONS}
        description = replace(description, limits=limits)
    if isinstance(wire, ClientWire) and asked.facts is None:
        description = replace(description, name=wire.name)
    patience = _VIRTUAL_PATIENCE if wire.is_virtual else asked.patience
    keys = _link_keys(asked)
    return Grounds(
        profile,
        catalogue_of(profile),
        description,
        asking(wire, profile, patience, keys),
        wire.places,
        wire.now,
        put_file=put_file,
        mint=mint or _logon(asked),
        switch=_switch(asked, wire),
        seed="" if wire.is_virtual else f"{os.getpid():x}-",
        keys=keys,
    )


def _link_keys(asked: Asked) -> LinkKeys | None:
    """The keys of the links that are sealed."""
    if asked.link_keys is None:
        return None
    try:
        return load_link_keys(asked.link_keys.read_text("utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotCheck(f"--link-keys {asked.link_keys}: {reason}") from None
    except ValueError as error:
        raise CannotCheck(f"--link-keys {asked.link_keys}: {error}") from None


def _switch(asked: Asked, wire: Wire) -> Switch | None:
    """What switches faults of the target on and off."""
    if isinstance(wire, MemoryWire):
        return getattr(wire.target, "fault", None)
    return control(asked.control) if asked.control else None


def _logon(asked: Asked) -> Callable[[User], str] | None:
    """What opens sessions at --logon."""
    if not asked.logon:
        return None

    def mint(user: User) -> str:
        try:
            with Client(asked.logon, profile=asked.profile, insecure=True) as client:
                return client.logon(user.userid, user.password).key
        except (ClientError, TargetError) as error:
            raise Refused(str(error)) from None

    return mint


def catalogue_of(profile: Profile) -> Catalogue:
    """The messages, with what the profile adds."""
    return catalogue().with_overlay(profile.overlay)


def _wanted(asked: Asked, places: tuple[str, ...]) -> list[Case]:
    for seat in asked.seats:
        if seat not in SEATS:
            raise CannotCheck(f"--as {seat}: a seat is one of {', '.join(SEATS)}")
    there = [case for case in all_cases() if case.place in places]
    if asked.seats:
        there = [case for case in there if seat_of(case.place) in asked.seats]
    frozen = _frozen(asked)
    wanted = [
        case for case in there if _is_wanted(case, asked) and (frozen is None or case.id in frozen)
    ]
    if not wanted:
        raise CannotCheck("no case is left: see `starwire check --list` for their names")
    return with_what_they_follow(wanted, there)


def _frozen(asked: Asked) -> set[str] | None:
    if asked.frozen is None:
        return None
    try:
        return asked.frozen.among(all_cases())
    except FrozenError as error:
        raise CannotCheck(f"--frozen: {error}") from None


def _is_wanted(case: Case, asked: Asked) -> bool:
    named = not asked.names or any(_matches(case.id, name) for name in asked.names)
    ruled = not asked.rules or any(
        fnmatchcase(rule, pattern) for rule in case.rules for pattern in asked.rules
    )
    return named and ruled and asked.level in ("", case.level)


def _matches(id: str, name: str) -> bool:
    pattern = name if re.search(r"[*?@\[]", name) else f"{name}*"
    return fnmatchcase(id, pattern)
