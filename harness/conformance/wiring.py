"""From what `check` was asked for to a wire: addresses, or an implementation that is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.profile import Profile, split_address

from ..emulator import in_memory
from ..target import Target, TargetError, parse_target
from .client_wire import ClientWire
from .description import User
from .far_ends import BEHIND, Book
from .far_sockets import SocketEnds
from .frozen import Frozen
from .grounds import PutFile
from .in_memory import MemoryWire
from .sockets import SocketWire, trusting
from .starting import (
    HOST,
    CannotStart,
    Implementation,
    Surroundings,
    filled,
    last_words,
    words_in,
)
from .stdio import SCHEME, StdioWire
from .wire import Wire

MEMORY = "memory:"
"""The target that is the emulator in memory."""
FEW_TRANSACTIONS = 100
"""What a port of it takes on at a time: so overload is soon reached (ERR-08)."""
CLIENTS = "client:"
"""The target that is a client, which is started for each case."""


_PLACES = tuple(name for name in DEFAULT_PORTS if name != "control")


_SEATS = {"https": "web", "http": "web", "dispatcher": "dispatcher", "proxy": "rm"}
"""A place of each kind of target, for what stands behind it."""


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
    control: str = ""
    """The URL of the target's control API."""
    longest_wait: float = 2.0
    patience: float = 5.0
    workers: int = 16
    retries: int = 2
    start: str = ""
    """The command line that starts the implementation: see `starting`."""
    link_keys: Path | None = None
    """The key file of an implementation whose inner hops are sealed (ENC-01)."""
    frozen: Frozen | None = None
    """The cases to which the run is held."""


def wire_of(asked: Asked) -> tuple[Wire, PutFile | None]:
    """The wire of an implementation that runs, and what puts files where its Inbox finds them.

    Raises CannotCheck.
    """
    if asked.target == MEMORY:
        keys = str(asked.link_keys or "")
        options: dict[str, Any] = {"key_file": keys, "transactions": FEW_TRANSACTIONS}
        emulator = in_memory(asked.profile, can_fault=True, **options)
        return MemoryWire(emulator), _files_of(emulator)
    if asked.target.startswith(SCHEME):
        raise CannotCheck(f"{asked.target} needs --start CMD, which is run for each connection")
    return _sockets(asked, addresses_of(asked)), _folder(asked.files)


def client_wire_of(asked: Asked) -> ClientWire:
    """Where clients connect to that the command starts. Raises CannotCheck."""
    if not asked.start:
        raise CannotCheck("client: needs --start 'CMD {url} {message} ..', which starts the client")
    try:
        return ClientWire(asked.start, asked.profile)
    except CannotStart as error:
        raise CannotCheck(f"--start: {error}") from None


def _sockets(
    asked: Asked, addresses: dict[str, tuple[str, int]], ends: SocketEnds | None = None
) -> SocketWire:
    tls = None
    if "web" in addresses and not asked.target.startswith("http:"):
        tls = trusting(old=asked.profile.allow_old_tls)
    return SocketWire(addresses, tls=tls, ends=ends)


class Scene:
    """What an implementation under test finds around it: folders, and the harness behind it."""

    def __init__(self, asked: Asked) -> None:
        """Raises CannotStart."""
        behind = _behind(asked)
        self._around = Surroundings(asked.target, asked.start, asked.profile, behind)
        self._ends: SocketEnds | None = None
        self._emulator: Any = None
        self.mint: Callable[[User], str] | None = None
        self.implementation: Implementation | None = None
        """The process that is there for the whole run."""
        if behind:
            emulator = in_memory(asked.profile) if set(behind) != {"jar"} else None
            self._emulator = emulator
            book = Book(asked.profile)
            self.mint = book.mint
            self._ends = SocketEnds(book, self._around.standing, emulator)
        self.put_file = _folder(asked.files or self._around.files)
        try:
            self.wire = self._wire(asked)
        except BaseException:
            self._clear()
            raise

    def _wire(self, asked: Asked) -> SocketWire:
        """A process for each connection: see `stdio`."""
        place = asked.target.removeprefix(SCHEME)
        if place not in _PLACES:
            known = ", ".join(_PLACES)
            raise CannotCheck(f"{asked.target}: give stdio:PLACE, PLACE one of {known}")

        named = (_named(filled(text, self._around.values)) for text in asked.places)
        addresses = {name: _address(text) for name, text in named}
        around = self._around
        return StdioWire(place, asked.start, around.values, around.log, addresses, self._ends)

    @property
    def last_words(self) -> str:
        """What the implementation said last on standard error; "" for nothing."""
        log = self._around.log
        return last_words(log.read_bytes()) if log.exists() else ""

    def close(self) -> None:
        """Leave nothing behind."""
        if self.implementation is not None:
            self.implementation.stop()
        self.wire.close()
        self._clear()

    def _clear(self) -> None:
        if self._ends is not None:
            self._ends.close()
        if self._emulator is not None:
            self._emulator.close()
        self._around.close()


class Stage(Scene):
    """An implementation that was started for the run, among what it finds."""

    def _wire(self, asked: Asked) -> SocketWire:
        around = self._around
        places = tuple(filled(text, around.values) for text in asked.places)
        started = msgspec.structs.replace(asked, target=around.target, places=places)
        served = {place: (HOST, around.ports[place]) for place in around.served}
        addresses = {**served, **addresses_of(started)}
        wire = _sockets(started, addresses, self._ends)
        ports = [port for host, port in addresses.values() if host == HOST]
        self.implementation = Implementation(asked.start, around.values, ports, around.log)
        wire.restart_with(self.implementation.restart)
        return wire


def staged(asked: Asked) -> Scene:
    """The implementation, started, or to be started for each connection. Raises CannotCheck."""
    try:
        return Scene(asked) if asked.target.startswith(SCHEME) else Stage(asked)
    except CannotStart as error:
        raise CannotCheck(f"--start: {error}") from None


def _behind(asked: Asked) -> tuple[str, ...]:
    """The places for which the harness stands: those behind TARGET that the command is told of and
    that --at does not give to the implementation."""
    kind, _, place = asked.target.partition(":")
    seat = place if kind == "stdio" else _SEATS.get(kind, "")
    named, own = words_in(asked.start), {text.partition("=")[0] for text in asked.places}
    told = named | ({"staroe", "rm", "rs", "inbox"} if "profile" in named else set())
    return tuple(place for place in BEHIND.get(seat, ()) if place in told - own)


def _files_of(emulator: Any) -> PutFile:
    def put(loc: str, octets: bytes | None) -> None:
        if octets is None:
            emulator.remove_file(loc)
        else:
            emulator.put_file(loc, octets)

    return put


def _folder(folder: Path | None) -> PutFile | None:
    if folder is None:
        return None

    def put(loc: str, octets: bytes | None) -> None:
        place = folder / loc.lstrip("/")
        if octets is None:
            place.unlink(missing_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(octets)

    return put


def addresses_of(asked: Asked) -> dict[str, tuple[str, int]]:
    """Host and port of each place that the target serves. Raises CannotCheck."""
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
    if place not in _PLACES:
        raise CannotCheck(f"--at {text}: give PLACE=HOST:PORT, PLACE one of {', '.join(_PLACES)}")
    return place, address


def _address(text: str) -> tuple[str, int]:
    try:
        return split_address(text)
    except ValueError as error:
        raise CannotCheck(f"--at: {error}") from None
