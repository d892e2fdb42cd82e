"""A whole emulator in a process of its own, under each shipped profile, and clients for it."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from starwire.harness.client import Client
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.profile import Profile, load_profile

CHEAP = """
[logon]
wait_seconds = 2.0
[logon.cost]
n = 16
"""
"""Passwords that cost nothing, and a short wait: what is tested is not how slow scrypt is."""


class Chain(msgspec.Struct):
    """A running emulator and the profile that it speaks."""

    emulator: EmulatorProcess
    profile: Profile

    def client(self, name: str) -> Client:
        """For one of its endpoints."""
        return Client(self.emulator.target(name), profile=self.profile, seconds=30)

    def control(self, method: str, path: str, body: object = None) -> Any:
        """What the control API answers; RuntimeError for a refusal."""
        host, _, port = self.emulator.places["control"].rpartition(":")
        octets = None if body is None else msgspec.json.encode(body)
        with closing(http.client.HTTPConnection(host, int(port), timeout=30)) as connection:
            connection.request(method, path, octets, {"Content-Type": "application/json"})
            response = connection.getresponse()
            said = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{response.status} {said.decode()}")
        return msgspec.json.decode(said) if said else None

    @contextmanager
    def fault(self, **fault: object) -> Iterator[int]:
        """With a fault switched on; gives its number."""
        number = self.control("POST", "/faults", fault)["id"]
        try:
            yield number
        finally:
            self.control("DELETE", f"/faults/{number}")

    def customer(self, user: str = "jeanvnet2") -> Client:
        """Logged on over HTTPS."""
        client = self.client("web")
        client.logon(user, "interact")
        return client


def start(folder: Path, text: str, *options: str, config: str = CHEAP) -> Chain:
    """Start an emulator under the profile that `text` describes, and that configuration."""
    (folder / "profile.toml").write_text(text)
    (folder / "config.toml").write_text(config)
    given = ["--profile", f"{folder / 'profile.toml'}", "--config", f"{folder / 'config.toml'}"]
    return Chain(EmulatorProcess(folder / "state", *given, *options), load_profile(text))


@pytest.fixture(scope="session")
def start_in() -> Callable[..., Chain]:
    """Starts an emulator in a folder, under a profile's text and with more options."""
    return start


@pytest.fixture(
    scope="module",
    params=["default", "little", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def chain(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    fresh_schema: Callable[[], AbstractContextManager[str]],
) -> Iterator[Chain]:
    """The whole chain; a module's tests share it."""
    profile = "default" if request.param == "postgresql" else request.param
    text = f'extends = "{profile}"\nname = "test"\nmid_frame_seconds = 1.5\n'
    folder = tmp_path_factory.mktemp("live")
    with ExitStack() as held:
        options = []
        if request.param == "postgresql":
            options = ["--database", held.enter_context(fresh_schema())]
        chain = start(folder, text, *options)
        try:
            yield chain
        finally:
            assert chain.emulator.stop() == 0
            assert [line for line in chain.emulator.log if "Traceback" in line] == []


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Chain]]:
    """Starts emulators that a module's tests share."""
    started: list[Chain] = []

    def starter(text: str, *options: str, config: str = CHEAP) -> Chain:
        chain = start(tmp_path_factory.mktemp("shared"), text, *options, config=config)
        started.append(chain)
        return chain

    yield starter
    for chain in started:
        chain.emulator.__exit__(None, None, None)


@pytest.fixture
def start_chain(tmp_path: Path) -> Iterator[Callable[..., Chain]]:
    """Starts emulators that end with the test."""
    started: list[Chain] = []

    def starter(text: str = 'extends = "default"\nname = "test"\n', *options: str) -> Chain:
        chain = start(tmp_path, text, *options)
        started.append(chain)
        return chain

    yield starter
    for chain in started:
        chain.emulator.__exit__(None, None, None)
