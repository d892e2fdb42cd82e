"""From what `check` was asked for to a run: places, wire, grounds and the cases that apply."""

from __future__ import annotations

import datetime
import os
import re
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from starwire.protocol.catalogue import Catalogue, catalogue
from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.profile import Profile, split_address

from ..client import Client
from ..emulator import in_memory
from ..failures import ClientError
from ..reports.terminal import Screen
from ..target import Target, TargetError, parse_target
from .baseline import Baseline
from .case import EVERYWHERE, SEATS, Case, all_cases, seat_of
from .description import TargetFileError, User, described
from .executing import asking
from .grounds import Grounds, PutFile, Refused
from .in_memory import MemoryWire
from .reporting import report_of, told
from .result import Report, Result
from .running import Plan, Run, with_what_they_follow
from .sockets import SocketWire, trusting
from .wire import Wire

MEMORY = "memory:"
"""The target that is the emulator in memory."""
_VIRTUAL_PATIENCE = 300.0


class CannotCheck(Exception):
    """The run cannot begin; the text says why and what to do."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was asked for."""

    target: str
    profile: Profile
    seats: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """PLACE=HOST:PORT each."""
    names: tuple[str, ...] = ()
    """Globs of cases; a plain name means that name and what stands below it."""
    rules: tuple[str, ...] = ()
    level: str = ""
    facts: Path | None = None
    files: Path | None = None
    logon: str = ""
    """The URL of a web server that gives sessions, where the target has none."""
    user: str = ""
    password: str = ""
    longest_wait: float = 2.0
    patience: float = 5.0
    workers: int = 16
    retries: int = 2


def begin(asked: Asked) -> Run:
    """The run of the cases that are wanted and apply. Raises CannotCheck."""
    wire, put_file = _wire(asked)
    return Run(
        _wanted(asked, wire.places), wire, _grounds(asked, wire, put_file), _plan(asked, wire)
    )


def listed(asked: Asked) -> list[Case]:
    """The cases that are wanted, wherever they are run. Raises CannotCheck."""
    places = tuple(_addresses(asked)) if asked.target not in ("", MEMORY) else EVERYWHERE
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
        found.append(told(result, words, baseline, today))
        screen.add(found[-1])

    screen.begin(asked.target, run.total)
    try:
        run.results(tell)
    except KeyboardInterrupt:
        run.stopped = "interrupted"
    finally:
        screen.stop()
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
        workers=asked.workers,
        retries=0 if wire.is_virtual else asked.retries,
    )


def _grounds(asked: Asked, wire: Wire, put_file: PutFile | None) -> Grounds:
    profile = asked.profile
    try:
        description = described(asked.facts).as_user(asked.user, asked.password)
    except TargetFileError as error:
        raise CannotCheck(str(error)) from None
    patience = _VIRTUAL_PATIENCE if wire.is_virtual else asked.patience
    return Grounds(
        profile,
        catalogue_of(profile),
        description,
        asking(wire, profile, patience),
        wire.places,
        wire.now,
        put_file=put_file,
        mint=_logon(asked),
        seed="" if wire.is_virtual else f"{os.getpid():x}-",
    )


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


def _wire(asked: Asked) -> tuple[Wire, PutFile | None]:
    if asked.target == MEMORY:
        emulator = in_memory(asked.profile)
        return MemoryWire(emulator), emulator.put_file
    addresses = _addresses(asked)
    tls = None
    if "web" in addresses and not asked.target.startswith("http:"):
        tls = trusting(old=asked.profile.allow_old_tls)
    return SocketWire(addresses, tls=tls), _folder(asked.files)


def _folder(folder: Path | None) -> PutFile | None:
    if folder is None:
        return None

    def put(loc: str, octets: bytes) -> None:
        place = folder / loc.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(octets)

    return put


def _addresses(asked: Asked) -> dict[str, tuple[str, int]]:
    try:
        target = parse_target(asked.target, web_path=asked.profile.web_path)
    except TargetError as error:
        raise CannotCheck(str(error)) from None
    addresses = {place: _address(text) for place, text in map(_named, asked.places)}
    place = _place_of(target, addresses)
    if place:
        addresses[place] = (target.host, target.port)
    return addresses


def _place_of(target: Target, named: dict[str, tuple[str, int]]) -> str:
    """The place of the target itself; "" where `--at` has named it already."""
    if target.is_web:
        return "web"
    if target.kind == "dispatcher":
        return "dispatcher"
    if (target.host, target.port) in named.values():
        return ""
    return "rm" if target.kind == "proxy" else "rm-native"


def _named(text: str) -> tuple[str, str]:
    place, _, address = text.partition("=")
    if place not in DEFAULT_PORTS or place == "control":
        names = ", ".join(name for name in DEFAULT_PORTS if name != "control")
        raise CannotCheck(f"--at {text}: give PLACE=HOST:PORT, PLACE one of {names}")
    return place, address


def _address(text: str) -> tuple[str, int]:
    try:
        return split_address(text)
    except ValueError as error:
        raise CannotCheck(f"--at: {error}") from None


def _wanted(asked: Asked, places: tuple[str, ...]) -> list[Case]:
    for seat in asked.seats:
        if seat not in SEATS:
            raise CannotCheck(f"--as {seat}: a seat is one of {', '.join(SEATS)}")
    there = [case for case in all_cases() if case.place in places]
    if asked.seats:
        there = [case for case in there if seat_of(case.place) in asked.seats]
    wanted = [case for case in there if _is_wanted(case, asked)]
    if not wanted:
        raise CannotCheck("no case is left: see `starwire check --list` for their names")
    return with_what_they_follow(wanted, there)


def _is_wanted(case: Case, asked: Asked) -> bool:
    named = not asked.names or any(_matches(case.id, name) for name in asked.names)
    ruled = not asked.rules or any(
        fnmatchcase(rule, pattern) for rule in case.rules for pattern in asked.rules
    )
    return named and ruled and asked.level in ("", case.level)


def _matches(id: str, name: str) -> bool:
    pattern = name if re.search(r"[*?@\[]", name) else f"{name}*"
    return fnmatchcase(id, pattern)
