"""An implementation that the harness starts, watches, starts again and stops (`check --start`).

    starwire check dispatcher://127.0.0.1:{port} --start "mydispatcher --listen {port} --rm {rm}"

The command is split as a shell splits words, and run without one. Braces stand for what the harness
provides: `{port}` a free port for TARGET, `{host}` this host, `{state}` an empty folder, `{files}`
one within it for the files of the Inbox, `{profile}` a file with the wire profile of the run, and
the name of a place, such as `{rm}`, for its port. Where the harness stands for that place it is a
port of its own, and the profile's registry names it; elsewhere it is a free one, on which the
implementation serves.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.profile import TARGETS, Profile

HOST = "127.0.0.1"
_BRACES = re.compile(r"\{([a-z][a-z-]*)\}")
_LOOK = 0.02
_STOP_SECONDS = 10.0
_LAST_LINES = 3
_LAST_OCTETS = 4096


class CannotStart(Exception):
    """The implementation does not start, or has ended; the text says how, and its last words."""


def words_in(text: str) -> set[str]:
    """The names in braces."""
    return set(_BRACES.findall(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its braces filled. Raises CannotStart for a name that is none."""
    for name in words_in(text) - set(values):
        known = ", ".join(f"{{{one}}}" for one in values)
        raise CannotStart(f"{{{name}}} stands for nothing; there are {known}")
    return _BRACES.sub(lambda found: values[found[1]], text)


def split(command: str, values: Mapping[str, str]) -> list[str]:
    """The words of a command line, split as a shell does and then filled. Raises CannotStart."""
    try:
        words = [filled(word, values) for word in shlex.split(command)]
    except ValueError as error:
        raise CannotStart(f"the command cannot be split into words: {error}") from None
    if not words:
        raise CannotStart("the command is empty")
    return words


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A port of this host for each name, on which nobody listens."""
    held = {name: socket.create_server((HOST, 0)) for name in names}
    ports = {name: one.getsockname()[1] for name, one in held.items()}
    for one in held.values():
        one.close()
    return ports


def profile_text(profile: Profile, registry: Mapping[str, Collection[str]]) -> str:
    """A profile as a file, with that registry in place of its own."""
    tables = msgspec.to_builtins(profile)
    tables["registry"] = {target: list(places) for target, places in registry.items()}
    return "".join(f"{name} = {_toml(value)}\n" for name, value in tables.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (
            f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items() if one is not None
        )
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


def registry_of(ports: Mapping[str, Collection[int]]) -> dict[str, list[str]]:
    """The registry of a profile, from the ports of each place."""
    return {
        target: [f"{HOST}:{port}" for port in ports[target.lower()]]
        for target in TARGETS
        if target.lower() in ports
    }


class Implementation:
    """A process of the implementation under test. Stop it, or leave its `with`."""

    def __init__(
        self,
        command: str,
        values: Mapping[str, str],
        ports: Collection[int],
        log: Path,
        seconds: float = 60.0,
    ) -> None:
        """Start it, and wait until all `ports` accept connections or it says `ready`.

        What it says goes to the file `log`. Raises CannotStart.
        """
        self._words = split(command, values)
        self._ports = tuple(ports)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._log = log
        self._log.touch()
        self._begin()

    @property
    def starts(self) -> int:
        """How often it was started."""
        return self._starts

    _starts = 0

    def _begin(self) -> None:
        self._starts += 1
        self._began_at = self._log.stat().st_size
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CannotStart(f"{self._words[0]}: {reason}") from None
        try:
            self._await_ready()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def _await_ready(self) -> None:
        until = time.monotonic() + self._seconds
        while not self._is_ready():
            ended = self.ended
            if ended:
                raise CannotStart(ended)
            if time.monotonic() > until:
                late = f"it is not ready after {self._seconds:g} seconds"
                raise CannotStart(f"{late}; {self.last_words}")
            time.sleep(_LOOK)

    def _is_ready(self) -> bool:
        if b"\nready\n" in b"\n" + self._said():
            return True
        return bool(self._ports) and all(map(_accepts, self._ports))

    def _said(self) -> bytes:
        """Since it was last started, the last of it."""
        with self._log.open("rb") as log:
            log.seek(max(self._began_at, self._log.stat().st_size - _LAST_OCTETS))
            return log.read()

    @property
    def ended(self) -> str:
        """How it ended, and its last words; "" while it runs."""
        return self.ended_within(0.0)

    def ended_within(self, seconds: float) -> str:
        """The same, where it may take so long until an end can be seen."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        how = f"exit status {status}"
        if status < 0:
            with contextlib.suppress(ValueError):
                how = f"signal {signal.Signals(-status).name}"
        return f"it has ended with {how}; {self.last_words}"

    @property
    def last_words(self) -> str:
        """The last lines of what it said."""
        return last_words(self._said()) or "it has said nothing"

    def revive(self, starts: int) -> None:
        """Start it again, unless somebody has since it was started so often. Raises CannotStart."""
        with self._lock:
            if self._starts == starts:
                self._process.kill()
                self._process.wait()
                self._begin()

    def restart(self) -> None:
        """Kill it, so that it can save nothing, and start it again. Raises CannotStart."""
        self.revive(self._starts)

    def stop(self) -> None:
        """SIGTERM, and after a while SIGKILL."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def last_words(said: bytes) -> str:
    """The last lines of what a process said; "" for none."""
    lines = said[-_LAST_OCTETS:].decode("utf-8", "replace").split("\n")
    kept = [line.strip() for line in lines if line.strip()][-_LAST_LINES:]
    return f"its last words: {' / '.join(kept)}" if kept else ""


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1.0).close()
    except OSError:
        return False
    return True


_PLACES = tuple(name for name in DEFAULT_PORTS if name != "control")


class Surroundings:
    """What a started implementation finds: folders, ports, and the harness's own places."""

    def __init__(
        self, target: str, command: str, profile: Profile, behind: Collection[str]
    ) -> None:
        """`behind` are the places for which the harness stands, each with a port of its own."""
        self._folder = tempfile.TemporaryDirectory(prefix="starwire-check-")
        folder = Path(self._folder.name)
        self.log = folder / "log"
        self.files = folder / "state" / "files"
        self.files.mkdir(parents=True)
        self.standing = {
            (place, instance): socket.create_server((HOST, 0), backlog=128)
            for place in behind
            for instance in range(2 if place == "rm" else 1)
        }
        self.ports = free_ports(["port", *(place for place in _PLACES if place not in behind)])
        far: dict[str, list[int]] = {}
        for (place, _), listening in self.standing.items():
            far.setdefault(place, []).append(listening.getsockname()[1])
        self.ports |= {place: numbers[0] for place, numbers in far.items()}
        path = folder / "profile.toml"
        path.write_text(profile_text(profile, registry_of(far)), "utf-8")
        self.values = {
            **{name: str(port) for name, port in self.ports.items()},
            "host": HOST,
            "state": str(folder / "state"),
            "files": str(self.files),
            "profile": str(path),
        }
        self.target = filled(target, self.values)
        self.served = tuple(place for place in _PLACES if place in words_in(command) - set(behind))
        """Places whose port the command names, and which are not the harness's."""

    def close(self) -> None:
        self._folder.cleanup()
