"""An emulator as a process: its reactor, its log of what goes wrong, its end."""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Callable
from typing import Any, TextIO

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from .emulator import Emulator, Settings
from .store import StoreError

CANNOT_START = (StoreError, OSError, CannotListenError, ValueError)
"""What keeps an emulator from starting that its user can mend."""


def one_line(error: BaseException) -> str:
    """What to tell the user of one of CANNOT_START."""
    if isinstance(error, CannotListenError):
        reason = getattr(error.socketError, "strerror", error.socketError)
        place = f"{error.interface}:{error.port}"
        return f"cannot listen on {place}: {reason}; choose another with --port NAME=N"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def run_until_stopped(
    settings: Settings, log: TextIO | None, started: Callable[[list[tuple[str, str, int]]], None]
) -> None:
    """Start, tell `started` the places, run until SIGTERM or SIGINT, drain. Blocks.

    Raises one of CANNOT_START for what its user can mend.
    """
    _allow_connections()
    reactor = _reactor()
    emulator = Emulator(reactor, settings, log)
    failed: list[BaseException] = []

    def fail(failure: Any) -> None:
        failed.append(failure.value)
        reactor.stop()

    def announce(places: list[tuple[str, str, int]]) -> None:
        # What there is now lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        started(places)

    starting = Deferred.fromCoroutine(emulator.start())
    starting.addCallback(announce)
    starting.addErrback(lambda failure: reactor.callWhenRunning(fail, failure))

    def stop() -> Deferred[None]:
        return Deferred.fromCoroutine(stopped())

    async def stopped() -> None:
        try:
            await emulator.stop()
        except Exception as error:
            failed.append(error)

    reactor.addSystemEventTrigger("before", "shutdown", stop)
    reactor.run()
    if failed:
        raise failed[0]


def _reactor() -> Any:
    """The reactor of this process: epoll, the fastest that Twisted has here.

    From now on what Twisted and the servers log as wrong goes to standard error, tracebacks too.
    """
    from twisted.internet import reactor

    only_wrong: Any = LogLevelFilterPredicate(LogLevel.warn)
    lines: Any = textFileLogObserver(sys.stderr)
    wrong: Any = FilteringLogObserver(lines, [only_wrong])
    globalLogBeginner.beginLoggingTo([wrong], redirectStandardIO=False)
    return reactor


def _allow_connections() -> None:
    """As many files as the system lets this process have: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
