"""The whole chain with `multiplex = true`: kept connections, and what comes of lost ones."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

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
