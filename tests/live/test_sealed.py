"""The inner hops encrypted, with two keys (ENC-01)."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client, ClientError
from starwire.harness.emulator import EmulatorError, EmulatorProcess
from starwire.protocol.sealing import load_link_keys

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


def test_a_client_with_the_keys_speaks_to_the_inner_seats(tmp_path: Path) -> None:
    keys = load_link_keys(f'web = "{WEB}"\nproxy = "{PROXY}"\n')
    with EmulatorProcess(tmp_path / "state", *configured(tmp_path, WEB, PROXY)) as emulator:
        with Client(emulator.target("web")) as client:
            session = client.logon("jeanvnet2", "interact")
        for name in ("dispatcher", "rm"):
            with Client(emulator.target(name), link_keys=keys) as client:
                client.session = session
                for _ in range(3):
                    assert client.send(GRTL).data.startswith(b"SRTL<ERROR=0,")
                accepted = client.send(GRTL, type=1)
                assert accepted.status == 1
                assert client.send(accepted.data, type=2).status in (0, 2)
            with Client(emulator.target(name)) as plain:
                plain.session = session
                with pytest.raises(ClientError):
                    plain.send(GRTL)


def test_send_takes_the_key_file(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "state", *configured(tmp_path, WEB, PROXY)) as emulator:
        words = [sys.executable, "-m", "starwire.harness.cli", "send", GRTL.decode()]
        words += ["--to", emulator.target("dispatcher"), "--logon", emulator.target("web")]
        words += ["--user", "jeanvnet2", "--password", "interact"]
        words += ["--link-keys", str(tmp_path / "0101abab.keys")]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("SRTL<ERROR=0,")


TWISTED = """
import sys
from twisted.internet import defer, task
from starwire.harness.client import Client
from starwire.harness.twisted_client import TwistedClient
from starwire.protocol.sealing import load_link_keys

keys = load_link_keys(open(sys.argv[1]).read())
with Client(sys.argv[2]) as web:
    session = web.logon("jeanvnet2", "interact")

async def main(reactor):
    client = TwistedClient(reactor, sys.argv[3], link_keys=keys)
    client.session = session
    for _ in range(2):
        print((await client.send(b"GPL<PL_LANG>")).data.decode()[:13])

task.react(lambda reactor: defer.Deferred.fromCoroutine(main(reactor)))
"""


def test_the_twisted_client_does_too(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "state", *configured(tmp_path, WEB, PROXY)) as emulator:
        words = [str(tmp_path / "0101abab.keys"), emulator.target("web"), emulator.target("rm")]
        command = [sys.executable, "-c", TWISTED, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("GPLA<ERROR=0,\n" * 2, "")
