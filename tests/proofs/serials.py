"""Four dispatchers on one port, killed under load: no serial comes twice, and nothing is missing.

The dispatchers share a port, a state store and one proxy, which keeps every serial that it sees. A
client with many connections sends transactions, each with a number in it that its reply must carry.
Every so often one dispatcher is stopped, looked at for the connections that it holds, killed with
-9 and started again. A transaction whose connection is lost must have had one of those, or one that
was made while that dispatcher was on its way out: its port takes connections until it is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from starwire.harness.client import Client
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.profile import shipped

DISPATCHERS = 4
CONNECTIONS = 64
BETWEEN_KILLS = 0.4
USER, ENTERPRISE = "jeanvnet2", "00022924"
PROFILE = shipped("default")
CODEC = PROFILE.wire.dispatcher
HERE = Path(__file__).parent


class Line:
    """One connection of the client, and the number of the transaction in flight on it."""

    def __init__(self, place: tuple[str, int]) -> None:
        self.socket = socket.create_connection(place, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]
        self.made = time.monotonic()
        self.reader: FrameReader[DispatcherHeader] = FrameReader(CODEC, PROFILE)
        self.number = 0

    def reply(self) -> Frame[DispatcherHeader] | None:
        """What came, None if not all of it is in. OSError if the connection is lost."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionResetError("closed")
        self.reader.feed(data)
        frame = self.reader.next_frame()
        return None if frame is NEED_DATA else frame


class Load(threading.Thread):
    """Sends `total` transactions; `lost` has the connection of each that got no reply."""

    def __init__(self, place: tuple[str, int], key: str, total: int) -> None:
        super().__init__(name="load")
        self.place = place
        self.header = DispatcherHeader(
            1, target="RM", user_id=USER, enterprise_id=ENTERPRISE, session_key=key
        )
        self.total = total
        self.sent = 0
        self.replied: set[int] = set()
        self.lost: list[Line] = []
        self.problem = ""
        self._lines = selectors.DefaultSelector()

    def run(self) -> None:
        try:
            for _ in range(CONNECTIONS):
                self.begin(self.connect())
            while self._lines.get_map():
                for key, _ in self._lines.select(30):
                    self.take(key.data)
        except BaseException as error:
            self.problem = f"{type(error).__name__}: {error}"

    def connect(self) -> Line:
        """A connection to whichever dispatcher; while none listens, again."""
        while True:
            with contextlib.suppress(ConnectionError):
                line = Line(self.place)
                self._lines.register(line.socket, selectors.EVENT_READ, line)
                return line
            time.sleep(0.01)

    def begin(self, line: Line) -> None:
        """Send the next transaction; close if there is none."""
        if self.sent == self.total:
            self._lines.unregister(line.socket)
            line.socket.close()
            return
        self.sent += 1
        line.number = self.sent
        try:
            line.socket.sendall(CODEC.frame(self.header, b"GRTL<%d>" % line.number))
        except ConnectionError:
            self.lose(line)

    def take(self, line: Line) -> None:
        try:
            frame = line.reply()
        except ConnectionError:
            self.lose(line)
            return
        if frame is None:
            return
        said = (frame.header.status, frame.data)
        assert said == (0, b"GRTL<%d>" % line.number), f"{line.number} was answered {said}"
        assert line.number not in self.replied, f"{line.number} was answered twice"
        self.replied.add(line.number)
        self.begin(line)

    def lose(self, line: Line) -> None:
        self.lost.append(line)
        self._lines.unregister(line.socket)
        line.socket.close()
        self.begin(self.connect())


class Kill(NamedTuple):
    """What a dispatcher held when it was stopped, and how long it took until it was gone."""

    held: set[int]
    began: float
    ended: float

    def explains(self, lost: Line) -> bool:
        return lost.port in self.held or self.began <= lost.made <= self.ended


def connections_of(process: int, port: int) -> set[int]:
    """The clients' ports of the connections to `port` that a process holds, or nobody yet."""
    held = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(os.readlink(descriptor))
    ports = set()
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = row.split()
        own, other = (int(words[at].rpartition(":")[2], 16) for at in (1, 2))
        if own == port and other and (words[9] == "0" or f"socket:[{words[9]}]" in held):
            ports.add(other)
    return ports


class System:
    """The dispatchers and what they need."""

    def __init__(self, folder: Path, recording_proxy: int, held: contextlib.ExitStack) -> None:
        self.state = folder / "state"
        profile = folder / "profile.toml"
        profile.write_text(
            'extends = "default"\nname = "serials"\nmultiplex = true\n'
            f'[registry]\nRM = ["127.0.0.1:{recording_proxy}"]\n'
        )
        inner = held.enter_context(EmulatorProcess(self.state, "--quiet", "--only", "jar,staroe"))
        self.ports = {name: int(place.rpartition(":")[2]) for name, place in inner.places.items()}
        self.options = ["--quiet", "--only", "dispatcher", "--shared-port", "dispatcher"]
        self.options += ["--profile", str(profile)]
        first = self.start()
        self.ports["dispatcher"] = int(first.places["dispatcher"].rpartition(":")[2])
        self.dispatchers = [first, *(self.start() for _ in range(DISPATCHERS - 1))]
        held.callback(self.stop)

    def start(self) -> EmulatorProcess:
        return EmulatorProcess(self.state, *self.options, ports=self.ports)

    def session(self) -> str:
        """The key of a new session."""
        with (
            EmulatorProcess(self.state, "--quiet", "--only", "web", ports=self.ports) as web,
            Client(web.target("web")) as client,
        ):
            return client.logon(USER, "interact").key

    def kill(self, number: int) -> Kill:
        """Kill a dispatcher with -9 and start it again."""
        dispatcher = self.dispatchers[number]
        began = time.monotonic()
        os.kill(dispatcher.process_id, signal.SIGSTOP)
        held = connections_of(dispatcher.process_id, self.ports["dispatcher"])
        dispatcher.kill()
        kill = Kill(held, began, time.monotonic())
        self.dispatchers[number] = self.start()
        return kill

    def stop(self) -> None:
        for dispatcher in self.dispatchers:
            dispatcher.stop()


@contextlib.contextmanager
def recording_proxy(told: dict[str, Any]) -> Iterator[int]:
    """The proxy's port; what it saw is in `told` at the end."""
    command = [sys.executable, str(HERE / "recording_proxy.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            told.update(json.loads(process.stdout.readline()))


def prove(*, quick: bool) -> Iterator[str]:
    """The proof, line by line."""
    total = DISPATCHERS * (5_000 if quick else 100_000)
    chance, told = random.Random(1998), dict[str, Any]()
    kills: list[Kill] = []
    with (
        tempfile.TemporaryDirectory(prefix="starwire-serials-") as folder,
        recording_proxy(told) as proxy,
        contextlib.ExitStack() as held,
    ):
        system = System(Path(folder), proxy, held)
        load = Load(("127.0.0.1", system.ports["dispatcher"]), system.session(), total)
        began = time.monotonic()
        load.start()
        while load.is_alive():
            load.join(chance.uniform(0, BETWEEN_KILLS))
            if load.is_alive():
                kills.append(system.kill(chance.randrange(DISPATCHERS)))
        took = time.monotonic() - began
    assert not load.problem, load.problem
    yield f"{total} transactions through {DISPATCHERS} dispatchers on one port in {took:.1f} s"
    yield f"{len(kills)} kills -9, {len(load.lost)} transactions lost and reported, others answered"
    assert len(kills) >= 2, "hardly anything was killed"
    assert len(load.replied) + len(load.lost) == total, "a transaction is missing"
    elsewhere = [lost for lost in load.lost if not any(kill.explains(lost) for kill in kills)]
    assert not elsewhere, f"{len(elsewhere)} were lost at a dispatcher that lived"
    yield f"{told['serials']} serials reached the proxy, {told['echoes']} of them of echoes"
    assert not told["repeated"], f"came twice: {told['repeated'][:5]}"
    assert told["serials"] >= len(load.replied), "the proxy saw fewer than were answered"
    yield "no serial came twice; whatever was lost was in flight at a killed dispatcher"
