"""The whole chain with `multiplex = true`: kept connections, and what comes of lost ones."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client
from starwire.harness.emulator import EmulatorProcess

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
CHEAP = "[logon.cost]\nn = 16\n"
KEYS = f'web = "{"01" * 32}"\nproxy = "{"ab" * 32}"\n'
Start = Callable[..., Any]


def profile(extends: str = "default", **values: object) -> str:
    lines = [f"{key} = {value}" for key, value in values.items()]
    return "\n".join([f'extends = "{extends}"', 'name = "test"', "multiplex = true", *lines, ""])


@pytest.fixture(scope="module", params=["default", "little", "sealed"])
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start_in: Start
) -> Iterator[Any]:
    """A chain whose inner hops keep their connections."""
    folder = tmp_path_factory.mktemp("multiplex")
    options = []
    if request.param == "sealed":
        (folder / "link.keys").write_text(KEYS)
        text = f'{CHEAP}\n[links]\nkey_file = "{folder / "link.keys"}"\n'
        (folder / "sealed.toml").write_text(text)
        options = ["--config", str(folder / "sealed.toml")]
    extends = "little" if request.param == "little" else "default"
    chain = start_in(folder, profile(extends), *options)
    yield chain
    assert chain.emulator.stop() == 0
    assert [line for line in chain.emulator.log if "Traceback" in line] == []


def ask_often(chain: Any, times: int, problems: list[object]) -> None:
    with chain.customer() as client:
        for _ in range(times):
            reply = client.send(GRTL)
            if reply.status != 0 or not reply.data.startswith(b"SRTL<ERROR=0,"):
                problems.append(reply)


def inner_connections(chain: Any, hop: str) -> set[str]:
    """The addresses from which that hop was asked."""
    lines = [line for line in chain.emulator.log if line.startswith(f"hop={hop} ")]
    return {word for line in lines for word in line.split() if word.startswith("in=")}


def test_customers_at_once_share_a_few_connections(chain: Any) -> None:
    problems: list[object] = []
    crowd = [threading.Thread(target=ask_often, args=(chain, 20, problems)) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert problems == []
    assert chain.emulator.await_log(
        lambda log: sum(one.startswith("hop=web ") for one in log) >= 168, 60
    )
    assert len(inner_connections(chain, "rm")) == 1
    assert len(inner_connections(chain, "dispatcher")) <= 8


def served(client: Client, number: int) -> int | None:
    """The status of a request that may not be repeated."""
    return client.send(f"CRD<USERRPTID=245,NAME=Copy {number}>".encode()).status


def test_connections_that_were_idle_too_long_cost_nothing(start_chain: Start) -> None:
    chain = start_chain(profile(idle_seconds="3.0"))
    for round_ in range(3):
        with chain.customer() as client:
            assert [served(client, 10 * round_ + n) for n in range(3)] == [0] * 3
        time.sleep(3.5 if round_ == 1 else 2.0)
    assert not any("lost=" in line for line in chain.emulator.log)


def test_a_proxy_that_was_started_again_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "profile.toml").write_text(profile())
    options = ["--profile", str(tmp_path / "profile.toml")]
    state = tmp_path / "state"
    ports = {name: free_port() for name in ("jar", "staroe", "dispatcher", "rm")}
    with (
        EmulatorProcess(
            state, *options, "--only", "web,dispatcher,jar,staroe", ports=ports
        ) as outer,
        Client(outer.target("web")) as client,
    ):
        client.logon("jeanvnet2", "interact")
        for number in range(3):
            with EmulatorProcess(state, *options, "--only", "rm", ports=ports):
                assert served(client, number) == 0
        assert served(client, 9) == 106


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
