"""Emulators beside a program that has no reactor of its own, such as a test suite.

Twisted's reactor runs in a thread of this process, once for all of them; it ends with the process.
A store is copied from one that is filled once, so that an emulator starts in a moment.
"""

from __future__ import annotations

import atexit
import datetime
import shutil
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.profile import Profile

from . import tls
from .configuration import Configuration, Logon
from .emulator import Emulator, Settings
from .files import FileRoot
from .first_data import FirstData
from .passwords import PasswordCost
from .store import open_store, url_of

_CHEAP = PasswordCost(n=2, r=1, p=1)
"""Passwords of tests are no secrets, and are checked often."""
_SECONDS = 30.0


@cache
def _reactor() -> Any:
    """The reactor, which runs from now on."""
    from twisted.internet import reactor

    run: Any = reactor
    ready = threading.Event()
    run.callWhenRunning(ready.set)
    thread = threading.Thread(
        target=run.run, kwargs={"installSignalHandlers": False}, name="starwire", daemon=True
    )
    thread.start()
    if not ready.wait(_SECONDS):
        raise RuntimeError("the reactor does not start")
    return run


@cache
def _template() -> Path:
    """A state folder that is filled, and removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="starwire-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_store(url_of(folder, ""), fill=FirstData(FileRoot(folder / "files"), _CHEAP).fill).close()
    tls.self_signed(folder, datetime.datetime.now(datetime.UTC))
    return folder


class EmulatorInThread:
    """An emulator on free ports of the loopback interface. `stop` it in the end."""

    def __init__(self, profile: Profile, only: tuple[str, ...], **options: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="starwire-")
        state = Path(self._folder.name) / "state"
        shutil.copytree(_template(), state)
        self.files = state / "files"
        """Where its Inbox finds files."""
        configuration = msgspec.structs.replace(Configuration(), logon=Logon(cost=_CHEAP))
        settings = Settings(
            state=state,
            profile=profile,
            configuration=configuration,
            only=only,
            ports=dict.fromkeys(DEFAULT_PORTS, 0),
            **options,
        )
        reactor = _reactor()
        self._emulator = Emulator(reactor, settings)
        started: Any = blockingCallFromThread(reactor, _in_deferred, self._emulator.start)
        self.places: dict[str, tuple[str, int]] = {
            name: (host, port) for name, host, port in started
        }
        """Host and port of each endpoint, by its name."""

    def stop(self) -> None:
        """End it, and forget what it kept."""
        blockingCallFromThread(_reactor(), _in_deferred, self._emulator.stop)
        self._folder.cleanup()


def _in_deferred(action: Any) -> Deferred[Any]:
    return Deferred.fromCoroutine(action())
