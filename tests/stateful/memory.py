"""The whole chain in one process without sockets, as the driver of the machines in memory.

Three processes share a store, as they would on one machine: `front` (web, dispatcher, jar, StarOE)
and two instances of the proxies, `one` and `two`. They are the emulator's own servers; only what
they stand on is exchanged: reactor, threads, clock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from stateful.choosing import ChosenNetwork
from stateful.facts import serials_in
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.logger import LogLevel, globalLogPublisher

from starwire.protocol.profile import Profile
from starwire.servers.configuration import AuditSettings, Configuration, Logon
from starwire.servers.emulator import Emulator, Settings
from starwire.servers.fault import Fault
from starwire.servers.files import FileRoot
from starwire.servers.first_data import FirstData
from starwire.servers.memory.database import QueuedDatabase
from starwire.servers.memory.host import Host
from starwire.servers.memory.network import Port
from starwire.servers.passwords import PasswordCost
from starwire.servers.reference import load_reference
from starwire.servers.store import open_store
from starwire.servers.watching import ReferenceWatch

PROCESSES = {
    "front": ("jar", "staroe", "dispatcher"),
    "one": ("rm", "rs", "inbox", "inbox-native"),
    "two": ("rm", "rs", "inbox"),
}
PORTS = {
    "front": {"jar": 1001, "staroe": 1002, "dispatcher": 1003},
    "one": {"jar": 1001, "rm": 2001, "rs": 2002, "inbox": 2003, "inbox-native": 2004},
    "two": {"jar": 1001, "rm": 3001, "rs": 3002, "inbox": 3003},
}
_NEVER = Fault(kind="delay", hop="jar", message="NEVER", seconds=0.001)
"""Only an emulator that is given a fault is made to take others."""


CHEAP = PasswordCost(n=2, r=1, p=1)


class Stage:
    """A store and the files of the Inbox. The store is put back to what it was for each machine:
    one that is opened anew would forget the statements that it has compiled.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        fill = FirstData(FileRoot(self.files), CHEAP).fill
        self.store = open_store(f"sqlite:///{folder / 'starwire.db'}", fill=fill, connections=4)
        self._kept = sqlite3.connect(":memory:")
        self._reference: Any = None

    def reference(self, connection: Any) -> Any:
        """The reference tables, which no machine changes: to read them costs more than the rest."""
        if self._reference is None:
            self._reference = load_reference(connection)
        return self._reference

    def keep(self) -> None:
        """It is as it shall always be again."""
        self._copy(to=self._kept)

    def put_back(self) -> None:
        self._copy(to=None)

    def _copy(self, *, to: sqlite3.Connection | None) -> None:
        with closing(sqlite3.connect(self.folder / "starwire.db")) as live:
            if to is None:
                self._kept.backup(live)
            else:
                live.backup(to)

    def close(self) -> None:
        self._kept.close()
        self.store.close()


class StagedWorld:
    """What a process stands on: see `servers.world.World`."""

    is_shared = True

    def __init__(self, host: Host, stage: Stage) -> None:
        self._host = host
        self._stage = stage
        self._watch = ReferenceWatch(stage.store)

    def time(self) -> float:
        return 904_034_960.0 + self._host.network.now

    def in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        return self._host.ask("threads", work)

    def listen(self, reactor: Host, host: str, number: int, factory: Any, **options: Any) -> Port:
        return Port(reactor, number, factory)

    def refusable(self, port: Port) -> Port:
        return port

    def database(self, reactor: Host, url: str, fill: Any) -> QueuedDatabase:
        return QueuedDatabase(reactor, self._stage.store, self._watch.version)

    def reference(self, connection: Any) -> Any:
        return self._stage.reference(connection)

    def jar(self, own: Any, client: Any) -> Any:
        return own

    def dropped(self) -> None:
        """The process is gone; give back what a kernel would take."""
        self._watch.close()


class Log:
    """What the servers write as their log."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        self._lines.append(line)

    def flush(self) -> None:
        pass

    def serials(self) -> list[int]:
        """The serials of the dispatcher's lines that were written since the last call."""
        lines, self._lines = self._lines, []
        return serials_in(lines)


class MemoryLine(Protocol):
    """A client's connection."""

    transport: Any
    connector: Any

    def __init__(self, heard: Callable[[], None]) -> None:
        self.closed = False
        self._heard = heard
        self._received = bytearray()
        self._unsent = bytearray()
        self._reading = True

    def connectionMade(self) -> None:
        if not self._reading:
            self.transport.pauseProducing()
        unsent, self._unsent = self._unsent, bytearray()
        self.transport.write(bytes(unsent))

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        self._heard()

    def connectionLost(self, reason: Any = None) -> None:
        self.closed = True

    @property
    def refused(self) -> bool:
        return self.closed and self.transport is None

    def send(self, octets: bytes) -> None:
        if self.transport is None:
            self._unsent += octets
        else:
            self.transport.write(octets)

    @property
    def has_news(self) -> bool:
        return bool(self._received)

    def take(self) -> bytes:
        taken = bytes(self._received)
        self._received.clear()
        return taken

    def read(self, *, on: bool) -> None:
        self._reading = on
        if self.transport is not None:
            if on:
                self.transport.resumeProducing()
            else:
                self.transport.pauseProducing()

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()
        else:
            self.connector.disconnect()
        self.closed = True


class _Calling(ClientFactory):
    noisy = False

    def __init__(self, line: MemoryLine) -> None:
        self._line = line

    def buildProtocol(self, addr: Any) -> MemoryLine:
        return self._line

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        self._line.closed = True


def _is_work(event: Any) -> bool:
    return event[0].__name__ == "_work"


class MemoryDriver:
    """See `driver.Driver`."""

    is_real = False
    unit = 512
    """Payload octets of a bulk frame."""
    processes = tuple(PROCESSES)
    must_restart = ()

    def __init__(self, stage: Stage, profile: Profile) -> None:
        self.profile = profile
        self.network = network = ChosenNetwork()
        self._state = stage.folder
        self._stage = stage
        self._configuration = Configuration(
            logon=Logon(cost=CHEAP),
            file_root=str(stage.files),
            audit=AuditSettings(enabled=False),
            faults=(_NEVER,),
        )
        self._clients = network.host("clients")
        self._emulators: dict[str, Emulator] = {}
        self._worlds: dict[str, StagedWorld] = {}
        self._hosts: dict[str, Host] = {}
        self._dead: list[StagedWorld] = []
        self._log = Log()
        self._bugs: list[str] = []
        self._is_faulty = False
        """Whether anything may fail because of a fault that is or was on."""
        globalLogPublisher.addObserver(self._note)
        for process in self.processes:
            self.start(process)

    def _note(self, event: Any) -> None:
        if event["log_level"] < LogLevel.critical:
            return
        failure = event.get("log_failure")
        if failure and failure.check(SQLAlchemyError) and self._is_faulty:
            return  # a store that is broken on purpose
        self._bugs.append(failure.getTraceback()[-1500:] if failure else str(event))

    # What happens to processes.

    def start(self, process: str) -> None:
        """Start a process that is not alive; it is ready when this returns."""
        settings = Settings(
            state=self._state,
            profile=self.profile,
            configuration=self._configuration,
            only=PROCESSES[process],
            ports=PORTS[process],
        )
        host = self._hosts[process] = self.network.host(process)
        world = self._worlds[process] = StagedWorld(host, self._stage)
        made = self._emulators[process] = Emulator(host, settings, self._log, world=world)  # type: ignore[arg-type]
        started = Deferred.fromCoroutine(made.start())
        while not started.called:
            event = next(host.events(), None)
            assert event, f"{process} does not start"
            self.network.let(event)
        failed: list[Any] = []
        started.addErrback(failed.append)
        assert not failed, failed[0].getTraceback()
        made.faults.clear()

    def alive(self, process: str) -> bool:
        return self._hosts[process].alive

    def kill(self, process: str, cut: int = 0) -> None:
        """As with -9; of what it wrote on each connection `cut` octets still arrive."""
        host = self._hosts[process]
        host.die(cut)
        self.network.hosts.remove(host)
        self._dead.append(self._worlds[process])

    def stop(self, process: str) -> None:
        """As with SIGTERM: it drains."""
        stopped = Deferred.fromCoroutine(self._emulators[process].stop())
        for _ in range(2000):
            self.network.settle()
            if stopped.called:
                break
            self.network.advance(0.02)
        assert stopped.called, f"{process} does not stop"
        failed: list[Any] = []
        stopped.addErrback(failed.append)
        assert not failed, failed[0].getTraceback()
        self.kill(process)

    def fault(self, process: str, fault: Fault) -> None:
        self._is_faulty = True
        self._emulators[process].faults.add(fault)

    def mend(self, process: str) -> int:
        """Switch every fault off; how often they struck."""
        plan = self._emulators[process].faults
        hits = sum(hits for _, _, hits in plan.listing())
        plan.clear()
        return hits

    # What clients do.

    def line(self, process: str, port: str) -> MemoryLine:
        made = MemoryLine(self._heard)
        number = PORTS[process][port]
        made.connector = self._clients.connectTCP("127.0.0.1", number, _Calling(made))
        return made

    def _heard(self) -> None:
        self._news = True

    # Time.

    def go_on(self, choices: Sequence[int]) -> None:
        """Let a few things happen, in the order of the numbers."""
        for choice in choices:
            if not self.network.choose(choice):
                return

    def until_news(self) -> None:
        """What was written comes first, and transactions last."""
        self._news = False
        while not self._news:
            events = list(self.network.events())
            if not events:
                return
            self.network.let(min(reversed(events), key=_is_work))

    def settle(self, done: Callable[[], bool], seconds: float) -> bool:
        """Let all happen that can, and time pass until `done`; whether it came to that."""
        self.network.settle()
        passed = 0.0
        while not done():
            if passed >= seconds:
                return False
            passed += 0.5
            self.network.advance(0.5)
            self.network.settle()
        return True

    def let_time_pass(self, seconds: float) -> None:
        self.network.advance(seconds)
        self.network.settle()

    def recover(self) -> None:
        """Pings find the instances again; two sweeps find what waits to be worked off."""
        for _ in range(3):
            self.network.advance(10.5)
            self.network.settle()
        self._is_faulty = False

    def serials(self) -> list[int]:
        """Those that the dispatcher gave, as its log tells."""
        return self._log.serials()

    def bugs(self) -> list[str]:
        """What was logged that nobody should see."""
        return self._bugs

    def end(self) -> None:
        globalLogPublisher.removeObserver(self._note)
        for process in self.processes:
            if self.alive(process):
                self.kill(process)
        for dead in self._dead:
            dead.dropped()
