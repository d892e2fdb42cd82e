"""Servers that are down, apart, restarted; and the native ports."""

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client, ClientError
from starwire.harness.emulator import EmulatorProcess

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
Start = Callable[..., Any]
DEFAULT = 'extends = "default"\nname = "test"\n'


def status_of(client: Client, message: bytes = GRTL, proxy: str = "RM") -> int | None:
    return client.send(message, proxy=proxy).status


def test_a_proxy_that_is_down_is_106_and_the_others_answer(start_chain: Start) -> None:
    names = "web,dispatcher,jar,staroe,inbox"
    chain = start_chain(DEFAULT, "--only", names, "--port", f"rm={free_port()}")
    with chain.customer() as client:
        assert status_of(client) == 106
        assert status_of(client, b"L<ENTPID=00022924,USERID=jeanvnet2,CATEGORY=R>", "INBOX") == 100
        assert status_of(client) == 106


def test_without_a_dispatcher_a_request_is_http_503(start_chain: Start) -> None:
    chain = start_chain(DEFAULT, "--only", "web,jar", "--port", f"dispatcher={free_port()}")
    with chain.client("web") as client, pytest.raises(ClientError) as raised:
        client.logon("jeanvnet2", "interact")
    assert "HTTP 503 no dispatcher can be reached" in str(raised.value)


def test_without_a_jar_it_is_106(start_chain: Start) -> None:
    chain = start_chain(DEFAULT, "--only", "rm,staroe", "--port", f"jar={free_port()}")
    with chain.client("rm") as client:
        client.session = client.session.__class__("0" * 32)
        assert status_of(client) == 106


def test_servers_apart_from_each_other_are_one_chain(tmp_path: Path) -> None:
    state, ports = str(tmp_path), {"jar": free_port(), "dispatcher": free_port(), "rm": free_port()}
    ports |= {"staroe": free_port()}
    with (
        EmulatorProcess(Path(state), "--only", "jar,staroe", ports=ports),
        EmulatorProcess(Path(state), "--only", "rm", ports=ports),
        EmulatorProcess(Path(state), "--only", "dispatcher", ports=ports),
        EmulatorProcess(Path(state), "--only", "web", ports=ports) as web,
        Client(web.target("web")) as client,
    ):
        client.logon("jeanvnet2", "interact")
        assert status_of(client) == 0
        assert status_of(client, b"URS<USERRPTID=1,ACTIVE=1>", "RS") == 106


def test_a_user_without_an_entitlement_gets_104(start_chain: Start) -> None:
    chain = start_chain()
    chain.emulator.stop()
    with sqlite3.connect(Path(chain.emulator.state) / "starwire.db") as database:
        database.execute("DELETE FROM entitlements WHERE userid = 'dorod' AND target = 'RM'")
    database.close()
    chain = start_chain()
    with chain.customer("dorod") as client:
        assert status_of(client) == 104
        assert status_of(client, b"URS<USERRPTID=3415,ACTIVE=1>", "RS") == 0


def test_a_session_and_a_serial_outlive_a_restart(start_chain: Start) -> None:
    chain = start_chain()
    with chain.customer() as client:
        session = client.session
    assert chain.emulator.stop() == 0
    again = start_chain()
    with again.client("web") as client:
        client.session = session
        assert status_of(client) == 0
    serials = {word for line in serial_lines(chain) for word in line.split() if "serial=" in word}
    later = {word for line in serial_lines(again) for word in line.split() if "serial=" in word}
    assert serials
    assert later
    assert not serials & later


def serial_lines(chain: Any) -> list[str]:
    for _ in range(100):
        lines = [line for line in chain.emulator.log if line.startswith("hop=dispatcher")]
        if lines:
            return lines
        time.sleep(0.02)
    return []


def test_sigterm_lets_the_answer_under_way_go_out(start_chain: Start) -> None:
    chain = start_chain()
    with chain.customer() as client:
        client.send(GRTL)
        assert chain.emulator.stop() == 0
        with pytest.raises(ClientError):
            client.send(GRTL)


def test_an_address_that_is_not_admitted_gets_no_native_port(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[native]\npeers = ["192.0.2.1"]\n')
    options = ("--only", "rm-native", "--config", str(tmp_path / "config.toml"))
    with (
        EmulatorProcess(tmp_path / "state", *options) as emulator,
        Client(emulator.target("rm-native")) as client,
        pytest.raises(ClientError),
    ):
        client.send(GRTL)


def native(chain: Any, name: str, octets: bytes) -> bytes:
    """All that a native port says to octets and the end of the stream."""
    host, _, port = chain.emulator.places[name].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while data := connection.recv(65_536):
            said += data
    return said


@pytest.mark.parametrize(
    ("name", "octets", "said"),
    [
        ("rm-native", b"", b""),
        ("rm-native", b"\r\n\0 |", b""),
        ("rm-native", b"GRTL<>\r\n|GRTD<>", b"SRTL<ERROR=6827>SRTD<ERROR=6829>"),
        ("rm-native", b"GRTL<PROD", b"GRTL<ERROR=6612>"),
        ("rm-native", b"GRTL<>,GRTD<>", b"SRTL<ERROR=6827><ERROR=6611>"),
        ("rm-native", b">GRTL<>", b"<ERROR=6612>"),
        ("rm-native", b"VUM<>", b"VUM<ERROR=6104>"),
        ("inbox-native", b"L<", b"Z<REQ=L,ERROR=5101>"),
        ("inbox-native", b"Q<>", b"Z<REQ=Q,ERROR=5103>"),
        ("inbox-native", b"A<>", b"Z<REQ=A,ERROR=5151>"),
        ("jar", b"CKG<KEY=nobody>", b"CKGA<ERROR=6109>"),
        ("jar", b"CKD<KEY=nobody>", b"CKDA<ERROR=6109>"),
        ("jar", b"CKG<>", b"CKGA<ERROR=6701>"),
        ("jar", b"GRTL<>", b"GRTL<ERROR=6104>"),
    ],
)
def test_a_native_port_answers_in_order_and_ends_with_a_syntax_error(
    chain: Any, name: str, octets: bytes, said: bytes
) -> None:
    assert native(chain, name, octets) == said


def test_a_hundred_messages_in_one_segment(chain: Any) -> None:
    assert native(chain, "rm-native", b"GRTL<>" * 100) == b"SRTL<ERROR=6827>" * 100


def free_port() -> int:
    """A port where nobody listens, for now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_an_instance_that_hangs_is_taken_out_of_the_turn(start_chain: Start) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hanging = f"127.0.0.1:{silent.getsockname()[1]}"
        rm = free_port()
        text = f'{DEFAULT}ping_seconds = 0.3\n[registry]\nRM = ["{hanging}", "127.0.0.1:{rm}"]\n'
        chain = start_chain(text, "--port", f"rm={rm}")
        for _ in range(200):
            if any(f"event=does-not-answer proxy={hanging}" in line for line in chain.emulator.log):
                break
            time.sleep(0.02)
        with chain.customer() as client:
            began = time.monotonic()
            assert [status_of(client) for _ in range(6)] == [0] * 6
            assert time.monotonic() - began < 5


def test_a_row_that_another_process_changes_is_in_the_next_answer(
    start_chain: Start, tmp_path: Path
) -> None:
    chain = start_chain()
    with chain.customer() as client:
        before = client.send(GRTL).data
        assert client.send(GRTL).data == before  # remembered
        script = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
            "c.execute(\"UPDATE templates SET title = 'Changed' WHERE id = 11\"); c.commit()"
        )
        store = tmp_path / "state" / "starwire.db"
        subprocess.run([sys.executable, "-c", script, str(store)], check=True)
        assert (
            client.send(GRTL).data == before.replace(b"Longest Calls,11", b"Changed,11") != before
        )
