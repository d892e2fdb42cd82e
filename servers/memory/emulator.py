"""An emulator in memory: no sockets, no threads, no waiting, and a clock that its caller moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TextIO, cast
from weakref import WeakSet

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogLevel, globalLogPublisher

from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.profile import Profile, shipped
from starwire.servers.configuration import AuditSettings, Configuration, Links, Logon
from starwire.servers.emulator import Emulator, Settings
from starwire.servers.fault import Fault
from starwire.servers.passwords import PasswordCost

from .beginning import KeptFiles, beginning
from .connection import MemoryConnection
from .end import HERE, End
from .network import Network, Port
from .store import MemoryStore
from .world import MemoryWorld

ALL_BUT_CONTROL = tuple(name for name in DEFAULT_PORTS if name != "control")
BEGAN = 904_034_960.0
"""1998-08-25 08:49:20 GMT, when it is the time of day as an emulator begins."""
CHEAP = PasswordCost(n=2, r=1, p=1)
_CONFIGURATION = Configuration(logon=Logon(cost=CHEAP), audit=AuditSettings(enabled=False))
_EVERYTHING = 1 << 30
_FURTHER = 1_000
"""Between the ports of the instances of one proxy."""
_LONGEST_STOP = 60.0
_LEAP = 3600.0
_LEAPS = 48
_TIMERS_COUNT = 60.0


class MemoryEmulator:
    """The servers of one process, and whoever calls them. Close it, or leave its `with`."""

    def __init__(
        self,
        *,
        profile: Profile | None = None,
        configuration: Configuration | None = None,
        only: tuple[str, ...] = ALL_BUT_CONTROL,
        faults: Sequence[Fault] = (),
        can_fault: bool = False,
        key_file: str = "",
        transactions: int = 0,
        log: TextIO | None = None,
    ) -> None:
        """`only` are the places where its servers listen; the web server does so without TLS.
        Whether faults can be switched on later (`fault`) has to be known in the beginning. With a
        `key_file` the inner hops are encrypted (ENC-01). `transactions` are those that a port takes
        on at a time, if not as many as the configuration says.

        Without a configuration passwords are cheap to check and nothing is audited. The files of
        the Inbox are in a folder of its own, whatever the configuration says. Raises ValueError
        for what cannot be in memory: the control API, a database that hangs, which takes a thread.
        """
        self.profile = msgspec.structs.replace(
            profile or shipped("default"), allow_plain_http=True, registry={}
        )
        self.places = only
        configuration = configuration or _CONFIGURATION
        faults = (*configuration.faults, *faults)
        if "control" in only or any(_takes_a_thread(fault) for fault in faults):
            raise ValueError("not in memory: the control API, and a database-hang of the whole")
        first = beginning(configuration.logon.cost)
        self._files = KeptFiles(first.files)
        root = str(self._files.root.folder)
        given = msgspec.structs.replace(configuration, file_root=root, faults=faults)
        if key_file:
            given = msgspec.structs.replace(given, links=Links(key_file))
        if transactions:
            capacity = msgspec.structs.replace(given.capacity, transactions=transactions)
            given = msgspec.structs.replace(given, capacity=capacity)
        self._settings = Settings(self._files.state, self.profile, given, only, can_fault=can_fault)
        self._log = log
        self.bugs: list[str] = []
        """Tracebacks of what went wrong in the servers and never may; with several emulators, of
        all of them.
        """
        _ALIVE.add(self)
        self._raised: list[Exception] = []
        self._further: dict[str, list[int]] = {}
        """The ports of further instances of proxies, by place."""
        self._store = MemoryStore(first.store)
        self._network = Network()
        self._callers = self._network.host("callers")
        self._world = MemoryWorld(self._network, self._store, BEGAN)
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # Connections.

    def connect(self, place: str, *, source: str = HERE) -> MemoryConnection:
        """Connect from that address. Raises ConnectionRefusedError if nobody listens there."""
        made = MemoryConnection()
        if self._network.join(self._callers, _number(place), lambda _: made, source) is None:
            raise ConnectionRefusedError(f"nobody listens at {place}")
        return made

    def listen(
        self, place: str, accept: Callable[[MemoryConnection], None], *, instance: int = 0
    ) -> None:
        """Stand there instead of the emulator's own server: who connects is given to `accept`.

        What the emulator's servers kept open to their own is closed. A proxy may have a further
        `instance`, which the dispatcher then knows too.
        """
        if instance:
            self._further.setdefault(place, []).append(_number(place) + _FURTHER * instance)
            self._route(place)
        number = _number(place) + _FURTHER * instance
        for end in self._ends(number):
            if end.host is end.other.host:
                end.abortConnection()

        def accepted(connection: MemoryConnection) -> None:
            try:
                accept(connection)
            except Exception as error:  # the servers have nothing to do with it: `run` raises it
                self._raised.append(error)

        Port(self._callers, number, _Accepting(accepted), self._network.in_place)
        self._world.taken.add(place)

    def unlisten(self, place: str) -> None:
        """Stand there no more, and close what was accepted; the emulator's own is back."""
        further = self._further.pop(place, [])
        if further:
            self._route(place)
        for number in (_number(place), *further):
            self._network.in_place.pop(number, None)
            for end in self._ends(number):
                if end.host is self._callers:
                    end.abortConnection()
        self._world.taken.discard(place)

    def _route(self, place: str) -> None:
        """Tell the dispatcher where the instances of that proxy are."""
        numbers = (_number(place), *self._further.get(place, []))
        self._emulator.registry.place(place.upper(), *(f"{HERE}:{number}" for number in numbers))

    def _ends(self, number: int) -> list[End]:
        """The accepting side of each connection to that port."""
        return [end for end in self._network.ends if end.getHost().port == number]

    # Time.

    @property
    def now(self) -> float:
        """Seconds that have passed for the emulator."""
        return self._network.now

    def run(self, seconds: float = 0.0, until: Callable[[], bool] | None = None) -> bool:
        """Let happen what can happen now, then let time pass, at most so many seconds.

        It goes from timer to timer and ends as soon as `until` is true; whether that came. Where
        nothing is awaited, more than a minute passes in leaps of an hour, of some 50 leaps for what
        is longer than two days, in each of which what repeats happens once. Raises what an `accept`
        raised.
        """
        network = self._network
        self._settle()
        end = network.now + seconds
        leap = max(_LEAP, seconds / _LEAPS)
        while until is None and end - network.now > _TIMERS_COUNT:
            network.advance(min(leap, end - network.now))
            self._settle()
        while until is None or not until():
            due = network.due()
            if due is None or due > end:
                network.advance(end - network.now)
                return until is None
            network.advance(due - network.now)
            self._settle()
        return True

    def _settle(self) -> None:
        self._network.settle()
        if self._raised:
            raise self._raised.pop()

    # Files of the Inbox.

    def put_file(self, loc: str, octets: bytes) -> None:
        """Put a file where messages name it `loc`. Raises ValueError for no such place."""
        self._files.put(loc, octets)

    def remove_file(self, loc: str) -> None:
        """Remove one, if it is there."""
        self._files.remove(loc)

    # Faults.

    @contextmanager
    def fault(self, words: Mapping[str, Any]) -> Iterator[None]:
        """A fault of docs/faults.md that is on meanwhile, in an emulator that can have one. Raises
        ValueError for what is none.
        """
        fault = msgspec.convert(words, Fault)
        if _takes_a_thread(fault):
            raise ValueError("not in memory: a database-hang of the whole")
        plan = self._emulator.faults
        number = plan.add(fault)
        try:
            yield
        finally:
            plan.remove(number)

    # Its life.

    def restore(self) -> None:
        """As it was in the beginning: the store, sessions, files, the time of day, the faults.

        Connections that callers left open are torn down. Who stands in another's place stays.
        """
        self._hang_up()
        if self._store.put_back():
            self._stop()
            self._start()
        else:
            self._finish(self._emulator.begin_anew())
        self._files.put_back()
        self._world.began = BEGAN - self._network.now

    def restart(self) -> None:
        """As after kill -9, and a new start on the same store."""
        self._world.host.die(_EVERYTHING)
        self._emulator.abandon()
        self._network.hosts.remove(self._world.host)
        self._start()

    def close(self) -> None:
        """Stop, and leave nothing behind."""
        self._hang_up()
        self._stop()
        self._store.close()
        self._files.close()
        _ALIVE.discard(self)

    def _hang_up(self) -> None:
        for end in list(self._network.ends):
            if end.host is self._callers:
                end.abortConnection()
        self._network.settle()

    def _start(self) -> None:
        host = self._world.begin()
        self._emulator = Emulator(host, self._settings, self._log, world=self._world)
        self._finish(self._emulator.start())
        for place in self._further:
            self._route(place)

    def _stop(self) -> None:
        self._finish(self._emulator.stop())
        self._world.host.die(0)
        self._network.hosts.remove(self._world.host)

    def _finish(self, work: Any) -> None:
        """Let a coroutine come to its end. Raises what it raises."""
        failed: list[Any] = []
        done = Deferred.fromCoroutine(work)
        done.addErrback(failed.append)
        if not self.run(_LONGEST_STOP, lambda: bool(done.called)):
            raise AssertionError("it does not end")
        if failed:
            failed[0].raiseException()


_ALIVE: WeakSet[MemoryEmulator] = WeakSet()


def _note(event: Any) -> None:
    """Keep what is a bug with every emulator that there is."""
    if _ALIVE and event["log_level"] >= LogLevel.critical:
        failure = event.get("log_failure")
        for emulator in _ALIVE:
            emulator.bugs.append(failure.getTraceback() if failure else str(event))


globalLogPublisher.addObserver(cast(ILogObserver, _note))


class _Accepting:
    """The factory of a place where a caller stands."""

    def __init__(self, accept: Callable[[MemoryConnection], None]) -> None:
        self._accept = accept

    def buildProtocol(self, addr: Any) -> MemoryConnection:
        return MemoryConnection(self._accept)


def _takes_a_thread(fault: Fault) -> bool:
    return fault.kind == "database-hang" and fault.is_standing


def _number(place: str) -> int:
    try:
        return DEFAULT_PORTS[place]
    except KeyError:
        raise ValueError(f"{place!r} is none of {', '.join(DEFAULT_PORTS)}") from None
