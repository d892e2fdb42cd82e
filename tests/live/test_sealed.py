"""The inner hops encrypted, with two keys (ENC-01)."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client, ClientError
from starwire.harness.emulator import EmulatorError, EmulatorProcess

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
Start = Callable[..., Any]


def configured(folder: Path, web: str, proxy: str) -> list[str]:
    """Options for an emulator whose links have these keys."""
    keys, config = folder / f"{web[:4]}{proxy[:4]}.keys", folder / f"{web[:4]}{proxy[:4]}.toml"
    keys.write_text(f'web = "{web}"\nproxy = "{proxy}"\n')
    config.write_text(f'[links]\nkey_file = "{keys}"\n[logon.cost]\nn = 16\n')
    return ["--config", str(config)]


WEB, PROXY = "01" * 32, "ab" * 32


def test_customers_see_no_difference(tmp_path: Path) -> None:
    with (
        EmulatorProcess(tmp_path / "state", *configured(tmp_path, WEB, PROXY)) as emulator,
        Client(emulator.target("web")) as client,
    ):
        client.logon("jeanvnet2", "interact")
        for _ in range(3):
            assert client.send(GRTL).data.startswith(b"SRTL<ERROR=0,")


@pytest.mark.parametrize("name", ["dispatcher", "rm"])
def test_whoever_has_no_key_is_greeted_and_told_nothing(tmp_path: Path, name: str) -> None:
    options = configured(tmp_path, WEB, PROXY)
    with EmulatorProcess(tmp_path / "state", *options) as emulator:
        host, _, port = emulator.places[name].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"\x01" + b"\x00" * 200)
            said = b""
            while data := connection.recv(4096):
                said += data
        assert len(said) == 32


def test_with_another_key_the_next_hop_is_out_of_reach(tmp_path: Path) -> None:
    state = tmp_path / "state"
    others = configured(tmp_path, WEB, "cd" * 32)
    with EmulatorProcess(state, "--only", "jar,staroe,rm", *others) as inner:
        ports = {name: int(place.rpartition(":")[2]) for name, place in inner.places.items()}
        options = configured(tmp_path, WEB, PROXY)
        with (
            EmulatorProcess(state, "--only", "web,dispatcher", *options, ports=ports) as outer,
            Client(outer.target("web")) as client,
            pytest.raises(ClientError),
        ):
            client.logon("jeanvnet2", "interact")
        lines = [line for line in outer.log if line.startswith("hop=dispatcher")]
    assert any("status=106" in line for line in lines)


@pytest.mark.parametrize(
    ("web", "proxy", "said"),
    [
        ("01", PROXY, "web is not 64 hex digits"),
        (WEB, "xy" * 32, "proxy is not 64 hex digits"),
        (WEB, WEB, "web and proxy are the same key"),
    ],
)
def test_a_bad_key_file_is_named(tmp_path: Path, web: str, proxy: str, said: str) -> None:
    with pytest.raises(EmulatorError) as raised:
        EmulatorProcess(tmp_path / "state", *configured(tmp_path, web, proxy))
    assert said in str(raised.value)
