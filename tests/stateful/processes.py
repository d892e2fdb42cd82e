"""The same three processes as real ones: sockets, kill -9, faults over the control API."""

from __future__ import annotations

import http.client
import random
import shutil
import socket
import struct
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec
from stateful.facts import profile_text, serials_in

from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.profile import load_profile
from starwire.servers.fault import Fault

NAMES = {
    "front": ("jar", "staroe", "dispatcher", "control"),
    "one": ("rm", "rs", "inbox", "inbox-native", "control"),
    "two": ("rm", "rs", "inbox", "control"),
}
_CONFIG = """
file_root = {files!r}
[logon.cost]
n = 16
"""
_WINDOW = 4096
"""Octets that a client's kernel takes for it: few, so that a client that does not read is felt."""
_RESET = struct.pack("ii", 1, 0)
_STORE_FAULTS = ("database-down", "statement-failure")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and that no connection gets by chance."""
    found: list[int] = []
    while len(found) < count:
        number = random.randrange(15_000, 30_000)
        with suppress(OSError), closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", number))
            found.append(number)
    return found


class RealLine:
    """A client's connection."""

    def __init__(self, port: int) -> None:
        self.closed = self.refused = False
        self._reading = True
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.refused = True
            self._close()
        else:
            self.socket.setblocking(False)

    def send(self, octets: bytes) -> None:
        if not self.closed:
            self.socket.settimeout(10)
            try:
                self.socket.sendall(octets)
            except OSError:
                self._close()
            else:
                self.socket.setblocking(False)

    @property
    def has_news(self) -> bool:
        """Whether there is anything to take."""
        if self.closed or not self._reading:
            return False
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        except OSError:
            return True

    def take(self) -> bytes:
        taken = bytearray()
        with suppress(BlockingIOError):
            while self._reading and not self.closed:
                try:
                    octets = self.socket.recv(65_536)
                except ConnectionError:
                    octets = b""
                taken += octets
                if not octets:
                    self._close()
        return bytes(taken)

    def read(self, *, on: bool) -> None:
        self._reading = on

    def hang_up(self) -> None:
        if not self.closed:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()

    def _close(self) -> None:
        self.closed = True
        self.socket.close()


class RealStage:
    """Makes drivers of real processes, each on a copy of the store as it was in the beginning."""

    unit = 65_536

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "begun" / "files"
        self.begun = folder / "begun"
        (folder / "config.toml").write_text(_CONFIG.format(files=str(self.files)))
        self._count = 0

    def driver(self, state: Path, *, multiplex: bool) -> RealDriver:
        return RealDriver(self, state, multiplex=multiplex)

    def new_state(self) -> Path:
        """A state folder with a copy of the store."""
        self._count += 1
        state = self.folder / f"state-{self._count}"
        state.mkdir()
        for path in self.begun.iterdir():
            if path.is_file():
                shutil.copyfile(path, state / path.name)
        return state


class RealDriver:
    """See `clients.Driver`."""

    is_real = True

    def __init__(self, stage: RealStage, state: Path, *, multiplex: bool) -> None:
        numbers = iter(free_ports(sum(map(len, NAMES.values()))))
        self.ports = {
            process: {name: next(numbers) for name in names} for process, names in NAMES.items()
        }
        text = profile_text(stage.unit, self.ports, multiplex=multiplex, ping=2)
        self.profile = load_profile(text)
        self._state = state
        state.mkdir(exist_ok=True)
        self._profile_file = state / "profile.toml"
        self._profile_file.write_text(text)
        self._options = ["--profile", str(self._profile_file)]
        self._options += ["--config", str(stage.folder / "config.toml")]
        self._lines: list[RealLine] = []
        self._processes: dict[str, EmulatorProcess] = {}
        self._all: list[EmulatorProcess] = []
        self._told: dict[int, int] = {}
        self._excused = False
        self.must_restart: set[str] = set()
        """Processes that had faults of the store, and have put off what they were to do."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.start, ("one", "two")))
        self.start("front")  # last: what does not answer its first ping is out of the turn

    # What happens to processes.

    def start(self, process: str) -> None:
        ports = self.ports[process]
        if process != "front":
            ports = ports | {"jar": self.ports["front"]["jar"]}
        only = ["--only", ",".join(NAMES[process])]
        made = EmulatorProcess(self._state, *self._options, *only, ports=ports)
        self._processes[process] = made
        self._all.append(made)

    def alive(self, process: str) -> bool:
        return process in self._processes

    def kill(self, process: str, cut: int = 0) -> None:
        self._processes.pop(process).kill()
        self.must_restart.discard(process)

    def stop(self, process: str) -> None:
        status = self._processes.pop(process).stop()
        assert status == 0, f"{process} ended with {status}"
        self.must_restart.discard(process)

    def fault(self, process: str, fault: Fault) -> None:
        self._control(process, "POST", fault)
        if fault.kind in _STORE_FAULTS:
            self.must_restart.add(process)
            self._excused = True

    def mend(self, process: str) -> int:
        listed = self._control(process, "GET")["faults"]
        self._control(process, "DELETE")
        return sum(one["hits"] for one in listed)

    def _control(self, process: str, method: str, body: Any = None) -> Any:
        octets = None if body is None else msgspec.json.encode(body)
        port = self.ports[process]["control"]
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request(method, "/faults", octets, {"Content-Type": "application/json"})
            response = connection.getresponse()
            said = response.read()
        assert response.status < 300, said
        return msgspec.json.decode(said) if said else None

    # What clients do.

    def line(self, process: str, port: str) -> RealLine:
        made = RealLine(self.ports[process][port])
        self._lines.append(made)
        return made

    # Time.

    def go_on(self, choices: Sequence[int]) -> None:
        time.sleep(0.001 * len(choices))

    def until_news(self) -> None:
        until = time.monotonic() + 0.2
        while time.monotonic() < until and not any(line.has_news for line in self._lines):
            time.sleep(0.0002)

    def settle(self, done: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                return False
            time.sleep(0.001)
        return True

    def let_time_pass(self, seconds: float) -> None:
        """A tenth of it, or nothing would ever be done."""
        time.sleep(seconds / 10)

    def recover(self) -> None:
        """Pings find the instances again."""
        time.sleep(2.5)

    def serials(self) -> list[int]:
        return serials_in(self._new_lines())

    def _new_lines(self) -> list[str]:
        """What the processes logged since this was last asked."""
        found: list[str] = []
        for process in self._all:
            before = self._told.get(id(process), 0)
            lines = process.log[before:]
            self._told[id(process)] = before + len(lines)
            found += lines
        return found

    def bugs(self) -> list[str]:
        """Tracebacks, but those of a store that is broken on purpose."""
        if self._excused:
            return []
        return [line for one in self._all for line in one.log if "Traceback" in line]

    def end(self) -> None:
        for line in self._lines:
            line.hang_up()
        for process in list(self._processes):
            self.kill(process)
