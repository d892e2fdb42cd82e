"""The wire of the client seat: the implementation is a client, which is started for each case and
connects to the harness (`check client: --start CMD`).

    starwire check client: --start "myclient --server {url} --user {user} --send {message}"

The command is split as a shell splits words, and run without one. Braces stand for `{url}`,
`{host}` and `{port}` of the harness, `{ca}` a file with its certificate, `{user}` and `{password}`,
`{message}` or `{message-file}` what to ask, `{proxy}` whom, `{type}` (sync, async, bulk) or
`{type-number}` (0, 1, 3) by which transport, `{out}` a file for the response, which may also go to
standard output, `{profile}` a file with the wire profile, and `{case}` the id of the case.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from starwire.protocol.profile import Profile

from ..emulator import certificate
from .case import CLIENT
from .description import User
from .far_ends import Ends
from .starting import HOST, CannotStart, filled, profile_text, words_in
from .wire import Line, Unreachable

Kind = Literal["sync", "async", "bulk"]
_NUMBERS = {"sync": "0", "async": "1", "bulk": "3"}
_NAMES = (
    *("url", "host", "port", "ca", "user", "password", "message", "message-file"),
    *("proxy", "type", "type-number", "out", "profile", "case"),
)
_LAST_LINES = 3


class Given(msgspec.Struct, frozen=True):
    """What a client is told to do."""

    case: str
    message: bytes
    kind: Kind
    proxy: str
    user: User


class End(msgspec.Struct, frozen=True):
    """How a client ended."""

    status: int
    """Its exit status; the number of a signal, negative, where that ended it."""
    output: bytes
    """What it wrote to `{out}`, or where there is no such file to standard output."""
    last_words: str
    """The last lines of its standard error."""

    def __str__(self) -> str:
        how = f"exit status {self.status}"
        if self.status < 0:
            with contextlib.suppress(ValueError):
                how = f"signal {signal.Signals(-self.status).name}"
        return f"{how}; its last words: {self.last_words}" if self.last_words else how


class ClientProcess:
    """A client that runs, with the folder and the listening socket that are its own."""

    def __init__(self, wire: ClientWire, given: Given) -> None:
        """Raises CannotStart."""
        self._folder = tempfile.TemporaryDirectory(prefix="starwire-client-")
        self._path = Path(self._folder.name)
        self.listening = socket.create_server((HOST, 0), backlog=16)
        try:
            self._process = self._started(wire, given)
        except BaseException:
            self._clear()
            raise

    def _started(self, wire: ClientWire, given: Given) -> subprocess.Popen[bytes]:
        values = self._values(wire, given)
        words = [filled(word, values) for word in wire.words]
        environment = {**os.environ, "STARWIRE_CASE": given.case}
        with (self._path / "stdout").open("wb") as out, (self._path / "stderr").open("wb") as err:
            try:
                return subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                raise CannotStart(f"{words[0]}: {error.strerror or error}") from None

    def _values(self, wire: ClientWire, given: Given) -> dict[str, str]:
        port = self.listening.getsockname()[1]
        scheme = "https" if wire.is_secret else "http"
        (self._path / "ca.pem").write_text(wire.certificate, "ascii")
        (self._path / "message").write_bytes(given.message)
        (self._path / "profile.toml").write_text(profile_text(wire.profile, {}), "utf-8")
        return {
            "url": f"{scheme}://{HOST}:{port}{wire.profile.web_path}",
            "host": HOST,
            "port": str(port),
            "ca": str(self._path / "ca.pem"),
            "user": given.user.userid,
            "password": given.user.password,
            "message": os.fsdecode(given.message),
            "message-file": str(self._path / "message"),
            "proxy": given.proxy,
            "type": given.kind,
            "type-number": _NUMBERS[given.kind],
            "out": str(self._path / "out"),
            "profile": str(self._path / "profile.toml"),
            "case": given.case,
        }

    @property
    def end(self) -> End | None:
        """How it ended; None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        out, said = self._path / "out", self._path / "stdout"
        lines = (self._path / "stderr").read_text("utf-8", "replace").splitlines()
        words = [line.strip() for line in lines if line.strip()][-_LAST_LINES:]
        output = (out if out.is_file() else said).read_bytes()
        return End(status, output, " / ".join(words))

    def stop(self) -> None:
        """End it, and whatever it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._clear()

    def _clear(self) -> None:
        self.listening.close()
        self._folder.cleanup()


class ClientWire:
    """Has no connections of its own: the client makes them."""

    is_virtual = False
    places = (CLIENT,)

    def __init__(self, command: str, profile: Profile) -> None:
        """Raises CannotStart for a command that cannot be one."""
        self.profile = profile
        try:
            self.words = shlex.split(command)
        except ValueError as error:
            raise CannotStart(f"the command cannot be split into words: {error}") from None
        if not self.words:
            raise CannotStart("the command is empty")
        self.name = Path(self.words[0]).name
        """What the client is called in reports, where nobody says otherwise."""
        filled(command, dict.fromkeys(_NAMES, ""))
        if shutil.which(self.words[0]) is None:
            raise CannotStart(f"{self.words[0]}: no such command")
        self._told = words_in(command)
        if not self._told & {"message", "message-file"} or not self._told & {"url", "port"}:
            raise CannotStart("the command has to tell the client {message} and {url}")
        self.is_secret = not profile.allow_plain_http
        with tempfile.TemporaryDirectory(prefix="starwire-client-") as folder:
            public, key = certificate(Path(folder))
            self.certificate = public.read_text("ascii")
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(public, key)
        if profile.allow_old_tls:
            self.tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            self.tls.set_ciphers("ALL:@SECLEVEL=0")

    def missing(self, kind: Kind, proxy: str) -> str:
        """What the command would have to tell the client for that, and does not; "" for nothing."""
        if kind != "sync" and not self._told & {"type", "type-number"}:
            return "{type}"
        return "{proxy}" if proxy != "RM" and "proxy" not in self._told else ""

    def start(self, given: Given) -> ClientProcess:
        """A client. Raises CannotStart."""
        return ClientProcess(self, given)

    def connect(self, place: str, source: str = "") -> Line:
        self._none()

    def handshake(self, place: str, version: ssl.TLSVersion) -> bool:
        self._none()

    def plainly(self, place: str, octets: bytes) -> bytes:
        self._none()

    def behind(self, profile: Profile) -> Ends:
        self._none()

    def restart(self) -> None:
        self._none()

    def close(self) -> None:
        """Nothing of its own is open."""

    def _none(self) -> NoReturn:
        raise Unreachable("a client takes no connection")

    def pass_time(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()
