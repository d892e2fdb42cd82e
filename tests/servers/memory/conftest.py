"""An emulator in memory, and a client of it."""

from collections.abc import Iterator

import pytest
from support_memory import Client

from starwire.servers.memory import MemoryEmulator
from starwire.servers.memory.network import Network


@pytest.fixture(autouse=True)
def nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may happen is known by its being touched: after everything nothing more may."""
    settle = Network.settle

    def checked(self: Network, *arguments: int) -> None:
        settle(self, *arguments)
        assert list(self.events()) == []

    monkeypatch.setattr(Network, "settle", checked)


@pytest.fixture
def emulator() -> Iterator[MemoryEmulator]:
    with MemoryEmulator() as made:
        yield made


@pytest.fixture
def client(emulator: MemoryEmulator) -> Client:
    return Client(emulator)
