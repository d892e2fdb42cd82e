"""The emulator, loaded by name and only when somebody runs it.

The harness imports no server: what it tests may be anybody's. `serve`, `demo` and in-process
fixtures come through this one door.
"""

from __future__ import annotations

import datetime
import importlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starwire.protocol.audit import SignedHead
from starwire.protocol.profile import Profile

Places = list[tuple[str, str, int]]
"""Name, host and port of each endpoint."""


class EmulatorError(Exception):
    """The emulator cannot run; the text says why and what to do."""


def serve_until_stopped(
    *,
    state: str,
    profile: Profile,
    config: str | None,
    only: tuple[str, ...],
    ports: Mapping[str, int],
    shared_ports: tuple[str, ...],
    host: str,
    database: str,
    tls_cert: str | None,
    tls_key: str | None,
    record: str | None = None,
    broken: tuple[str, ...] = (),
    quiet: bool,
    announce: Callable[[str], None],
) -> None:
    """Run the endpoints `only` until SIGTERM or SIGINT, with the rules `broken` that rule faults of
    these names break. Raises EmulatorError.
    """
    settings = _servers("emulator").Settings(
        state=Path(state),
        profile=profile,
        configuration=_configuration(config),
        only=only,
        ports=ports,
        shared=frozenset(shared_ports),
        host=host,
        database=database,
        certificate=(Path(tls_cert), Path(tls_key)) if tls_cert and tls_key else None,
        record=None if record is None else Path(record),
    )

    def started(places: Places) -> None:
        for name, where, port in places:
            announce(f"listening {name} {where} {port}")
        announce("ready")
        sys.stdout.flush()

    running = _servers("running")
    with ExitStack() as held:
        if broken:
            _break_rules(broken, held)
        try:
            running.run_until_stopped(settings, None if quiet else sys.stderr, started)
        except running.CANNOT_START as error:
            raise EmulatorError(running.one_line(error)) from None


def rule_faults() -> tuple[Any, ...]:
    """Every rule fault: `name`, `rules`, `sentence`, and whether it is `generated`."""
    found: tuple[Any, ...] = _servers("rule_faults").all_faults()
    return found


def _break_rules(names: tuple[str, ...], held: ExitStack) -> None:
    rules = _servers("rule_faults")
    for name in names:
        try:
            rules.rule_fault(name)
        except KeyError:
            raise EmulatorError(
                f"--break {name}: there is no such fault; `starwire faults` lists them"
            ) from None
    held.enter_context(rules.switched_on(*names))


def in_memory(profile: Profile | None = None, **options: Any) -> Any:
    """An emulator without sockets, threads or waiting: `servers.memory.MemoryEmulator`."""
    return _servers("memory").MemoryEmulator(profile=profile, **options)


def in_thread(profile: Profile, only: tuple[str, ...], **options: Any) -> Any:
    """An emulator beside this program, on free ports: `servers.in_thread.EmulatorInThread`."""
    return _servers("in_thread").EmulatorInThread(profile, only, **options)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine's loopback names, and its key; made in the folder."""
    now = datetime.datetime.now(datetime.UTC)
    made: tuple[Path, Path] = _servers("tls").self_signed(folder, now)
    return made


def audit_heads(state: Path, database: str) -> list[tuple[SignedHead, bytes]]:
    """The signed heads that the store of an emulator keeps (ENC-02), each with its public key.

    `database` is its URL; "" for the one in the state folder. Raises EmulatorError.
    """
    store, heads = _servers("store"), _servers("audit_heads")
    try:
        found: list[tuple[SignedHead, bytes]] = heads.heads_in(store.url_of(state, database))
    except store.StoreError as error:
        raise EmulatorError(str(error)) from None
    return found


def _configuration(path: str | None) -> Any:
    configuration = _servers("configuration")
    if path is None:
        return configuration.Configuration()
    try:
        return configuration.read_configuration(Path(path))
    except configuration.ConfigurationError as error:
        raise EmulatorError(str(error)) from None
    except UnicodeDecodeError:
        raise EmulatorError(f"{path}: is not UTF-8 text") from None


def _servers(module: str) -> Any:
    return importlib.import_module(f"starwire.servers.{module}")


class EmulatorProcess:
    """An emulator of its own process, on free ports unless told otherwise.

    Ready when the constructor returns; ended by `stop`, `kill` or the end of a `with`. Its log
    lines gather in `log`. Raises EmulatorError if it is not ready after `seconds`.
    """

    def __init__(
        self,
        state: Path,
        *options: str,
        seconds: float = 30.0,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        from starwire.protocol.endpoints import DEFAULT_PORTS

        chosen = dict.fromkeys(DEFAULT_PORTS, 0) | dict(ports or {})
        words = [word for name, port in chosen.items() for word in ("--port", f"{name}={port}")]
        command = [sys.executable, "-m", "starwire.harness.cli", "serve", "--state", str(state)]
        self.state = state
        self.log: list[str] = []
        self.places: dict[str, str] = {}
        self._process = subprocess.Popen(
            [*command, *words, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="latin-1",
        )
        self._news = threading.Condition()
        self._reading = threading.Thread(target=self._read_log, daemon=True)
        self._reading.start()
        timer = threading.Timer(seconds, self._process.kill)
        timer.start()
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise
        finally:
            timer.cancel()

    def _await_ready(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, *rest = line.split()
            if word == "ready":
                return
            name, host, port = rest
            self.places[name] = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._reading.join()
        said = self.log[-1].removeprefix("starwire: ") if self.log else "it says nothing"
        raise EmulatorError(f"the emulator does not start: {said}")

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._news:
                self.log.append(line.rstrip("\n"))
                self._news.notify_all()

    def await_log(self, ready: Callable[[list[str]], bool], seconds: float = 30.0) -> bool:
        """Wait until the log is as `ready` wants it; whether it was in time."""
        with self._news:
            return self._news.wait_for(lambda: ready(self.log), seconds)

    def target(self, name: str, *, plain_http: bool = False) -> str:
        """The endpoint of that name as `starwire send --to` takes it."""
        kinds = {"web": "http" if plain_http else "https", "dispatcher": "dispatcher"}
        kind = "native" if name.endswith("-native") or name == "jar" else kinds.get(name, "proxy")
        return f"{kind}://{self.places[name]}"

    @property
    def process_id(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM, and the exit status once everything under way is out."""
        self._process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self) -> int:
        """SIGKILL."""
        self._process.kill()
        return self._ended()

    def _ended(self) -> int:
        try:
            status = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reading.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.returncode is None:
            self.stop()
