"""All clients of one machine: their connections, what they were promised, and what is broken."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from stateful.asking import Asked, Cancelling, Later, Line, Now, Poll, Run
from stateful.facts import LIST, Ground
from stateful.model import Deferred, Listing, Transfer, World, hold

from starwire.protocol.bulk import Resume
from starwire.protocol.profile import Profile
from starwire.servers.fault import Fault

FRONT, INSTANCES = "front", ("one", "two")
PROCESSES = (FRONT, *INSTANCES)


class Wire(Protocol):
    """A client's connection."""

    closed: bool
    refused: bool
    """Whether it is closed because nobody accepted it."""

    def send(self, octets: bytes) -> None: ...
    def take(self) -> bytes:
        """What came since it was last asked."""

    def read(self, *, on: bool) -> None:
        """Whether the client reads."""

    def hang_up(self) -> None: ...


class Driver(Protocol):
    """An emulator in three processes on one store: `front` is web, dispatcher, jar and StarOE,
    `one` and `two` are instances of the proxies.
    """

    is_real: bool
    profile: Profile
    must_restart: Collection[str]
    """Processes that have put off something, and time would be too long."""

    def line(self, process: str, port: str) -> Wire: ...
    def alive(self, process: str) -> bool: ...
    def start(self, process: str) -> None: ...
    def stop(self, process: str) -> None: ...
    def kill(self, process: str, cut: int = 0) -> None: ...
    def fault(self, process: str, fault: Fault) -> None: ...
    def mend(self, process: str) -> int:
        """Switch all faults off; how often they struck."""

    def go_on(self, choices: Sequence[int]) -> None:
        """Let a few things happen."""

    def until_news(self) -> None:
        """Let nothing happen that need not before a client hears something."""

    def settle(self, done: Callable[[], bool], seconds: float) -> bool:
        """Let all happen that can, and up to so much time pass until `done`; whether it is."""

    def let_time_pass(self, seconds: float) -> None:
        """And let all happen that can meanwhile."""

    def recover(self) -> None:
        """Let so much time pass that what was put off by anything broken is done."""

    def serials(self) -> Sequence[int]:
        """Those that the dispatcher gave since this was last asked."""

    def bugs(self) -> Sequence[str]:
        """What the servers logged that must never be logged."""


class Clients:
    """What the clients know together."""

    def __init__(self, driver: Driver, ground: Ground, tally: Counter[str]) -> None:
        self.driver = driver
        self.profile = driver.profile
        self.ground = ground
        self.tally = tally
        self.world = World()
        self.lines: list[Line] = []
        self.deferred: dict[bytes, Deferred] = {}
        self.later: list[Later] = []
        self.transfers: dict[int, Transfer] = {}
        self.lives = dict.fromkeys(PROCESSES, 0)
        """How often each process has ended."""
        self.troubles = 0
        """How often anything was broken or mended."""
        self.is_calm = True
        """Whether nothing is broken, and whatever was has been made good."""
        self.faulty: set[tuple[str, str]] = set()
        """Ports that have faults of their own."""
        self.unsure: list[Asked] = []
        """What was lost, and may still be carried out."""
        self.trace: deque[str] = deque(maxlen=80)
        """What happened last, for whoever reads of a Violation."""
        self._moment = 0
        self._serial = 10**9  # a dispatcher gives small ones
        self._serials: set[int] = set()

    def moment(self) -> int:
        self._moment += 1
        return self._moment

    def new_serial(self) -> int:
        self._serial += 1
        return self._serial

    def is_strict(self, asked: Asked) -> bool:
        """Whether nothing was broken from when it was asked until now."""
        return self.is_calm and asked.troubles == self.troubles

    # Asking.

    def ask(self, asked: Asked, seat: int, where: int) -> Line:
        """Send it, by the dispatcher or to an instance, on a connection that is there or a new one.

        A port with faults is met through the dispatcher only: what a client sees there itself is
        what the fault makes of it.
        """
        process, port = FRONT, "dispatcher"
        if seat and (INSTANCES[seat - 1], asked.door) not in self.faulty:
            process, port = INSTANCES[seat - 1], asked.door
        if isinstance(asked, Later) and asked.equals is not None and process == FRONT:
            process, port = INSTANCES[where % 2], asked.door
        usable = [one for one in self.lines if (one.process, one.port) == (process, port)]
        usable = [one for one in usable if not one.is_over]
        if isinstance(asked, Cancelling):  # a run would take it for its own affair
            usable = [one for one in usable if not any(isinstance(a, Run) for a in one.queue)]
        index = where % (len(usable) + 1)
        line = usable[index] if index < len(usable) else self.open(process, port)
        line.send(asked)
        return line

    def open(self, process: str, port: str) -> Line:
        line = Line(self, process, port)
        self.lines.append(line)
        return line

    def runs(self) -> list[tuple[Line, Run]]:
        """The bulk runs under way."""
        found = []
        for line in self.lines:
            found += [(line, asked) for asked in line.queue if isinstance(asked, Run)]
        return found

    def cancelled(self, cancel: Cancelling, offset: int) -> None:
        """A cancel was answered: what had begun at its instance when it was asked ends there,
        unless a resume has put another run in its place, or the instance was killed and another
        one answered, which does not know how far it had come. Which instance a dispatcher asks is
        not known here, and what runs at another ends when it looks at the store.
        """
        for line, run in self.runs():
            if run.troubles != self.troubles:
                continue
            is_there = (line.process, line.port) == cancel.place and not line.is_dispatchers
            if is_there and run in cancel.begun:
                assert run.transfer is not None
                others = [one for one in run.transfer.disturbing if one not in (run, cancel)]
                if all(one.sent_at < run.sent_at for one in others):
                    run.stops_at = offset

    # Looking.

    def collect(self) -> None:
        """Take and judge all that came, and look whether anything happened that never may."""
        bugs = self.driver.bugs()
        hold(not bugs, f"logged as a bug: {bugs[:1]}")
        for line in list(self.lines):
            line.collect()
        for serial in self.driver.serials():
            hold(serial not in self._serials, f"serial {serial} was given twice")
            self._serials.add(serial)

    def owed(self) -> list[Asked]:
        """What is owed a reply on connections that are read."""
        lines = [line for line in self.lines if line.reads]
        return [asked for line in lines for asked in line.queue if not asked.is_optional]

    def settle(self) -> None:
        """Let all happen that needs no time. With nothing broken, nothing is owed then."""
        seconds = 10.0 if self.is_calm else 0.3
        self.driver.settle(self._nothing_owed, seconds if self.driver.is_real else 0.0)
        self.collect()
        if self.is_calm:
            hold(not self.owed(), f"never answered: {self.owed()}")
            self._finish()

    def let_time_pass(self, seconds: float) -> None:
        for line in self.lines:
            line.wait()
        self.driver.let_time_pass(seconds)

    def _nothing_owed(self) -> bool:
        self.collect()
        return not self.owed()

    def _finish(self) -> None:
        """Nothing more comes of what was owed."""
        for line in self.lines:
            for asked in [one for one in line.queue if one.is_optional and line.reads]:
                line.queue.remove(asked)
                asked.over_at = self.moment()
                line.is_over = False
        for deferred in self.deferred.values():
            deferred.is_due = True

    # Breaking and mending.

    def broken(self) -> None:
        self.troubles += 1
        self.is_calm = False

    def end(self, process: str, cut: int | None) -> None:
        """Kill a process, or with None stop it."""
        self.trace.append(f"{process} {'stops' if cut is None else 'is killed'}")
        self.broken()
        if cut is None:
            self.driver.stop(process)
        else:
            self.driver.kill(process, cut)
        self.lives[process] += 1
        self.faulty = {place for place in self.faulty if place[0] != process}

    def mend(self) -> None:
        """Nothing is broken any more, and what was put off is done."""
        self.trace.append("all is mended")
        for process in PROCESSES:
            if self.driver.alive(process):
                self.tally["fault struck"] += self.driver.mend(process)
            if process in self.driver.must_restart:
                self.end(process, None)
            if not self.driver.alive(process):
                self.driver.start(process)
        self.faulty.clear()
        for line in self.lines:
            self.read(line, on=True)
        self.troubles += 1
        hold(self.driver.settle(self._nothing_owed, 60.0), f"never answered: {self.owed()}")
        self.driver.recover()
        self.collect()
        for asked in self.unsure:
            asked.over_at = self.moment()
        self.unsure.clear()
        for report in self.world.reports.values():
            report.is_quiet()
        self.is_calm = True
        self.troubles += 1
        self._finish()

    def read(self, line: Line, *, on: bool) -> None:
        if line.reads != on:
            self.trace.append(f"{line}: {'is read' if on else 'is not read'}")
            line.reads = on
            line.wire.read(on=on)

    # The end.

    def audit(self) -> None:
        """Nothing is under way: all that was promised must be there, and nothing else."""
        for index, session in enumerate(self.ground.sessions[1:]):
            listing = Listing(LIST.format(user=session.user), session.user)
            listing.is_quiet = True
            self.ask(Now(session, "rm", listing), index % 3, 0)
        self.settle()
        sessions = {session.user: session for session in self.ground.sessions}
        for index, deferred in enumerate(self.deferred.values()):
            session = sessions[deferred.user]
            self.ask(Poll(session, deferred.door, deferred.number), index % 3, index)
        for index, transfer in enumerate(self.transfers.values()):
            session, door = sessions[transfer.user], transfer.door
            wanted = Resume(transfer.number, 0 if index % 2 else (transfer.total or 0) // 2)
            run = Run(session, door, transfer.about, self, wanted)
            transfer.disturbing.append(run)
            self.ask(run, index % 3, index)
        self.settle()
        hold(not self.owed(), f"never answered: {self.owed()}")
