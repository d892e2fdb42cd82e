"""The audit trail of real processes: killed under load, restarted, tampered with (ENC-02)."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client, ClientError
from starwire.harness.emulator import EmulatorError, EmulatorProcess
from starwire.protocol.bulk import Open, is_last, request_data
from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.headers import CommonHeader

from .test_bulk import put

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
DEFAULT = 'extends = "default"\nname = "test"\n'
Start = Callable[..., Any]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_options(
    request: pytest.FixtureRequest, fresh_schema: Callable[[], AbstractContextManager[str]]
) -> Iterator[list[str]]:
    """Options that give `serve` and `audit verify` their store."""
    with ExitStack() as held:
        if request.param == "sqlite":
            yield []
        else:
            yield ["--database", held.enter_context(fresh_schema())]


def verify(state: Path, *options: str) -> tuple[int, list[str]]:
    """Exit status and lines of `starwire audit verify`."""
    command = [sys.executable, "-m", "starwire.harness.cli", "audit", "verify"]
    command += ["--state", str(state), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def trails(state: Path) -> list[Path]:
    return sorted((state / "audit").iterdir())


def recorded(state: Path) -> set[tuple[str, str, str, str]]:
    """Hop, user, request and reply of every record that is whole."""
    found = set()
    for path in trails(state):
        for line in path.read_text("ascii").split("\n")[1:-1]:
            words = line.split(" ")
            found.add((words[2], words[5], words[6], words[7]))
    return found


class Customer:
    """Sends one request after the other and remembers the digests of what was answered."""

    def __init__(self, client: Client, hop: str) -> None:
        self.client = client
        self.hop = hop
        self.answered: set[tuple[str, str, str, str]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for number in range(1_000_000):
                reply = self.client.send(b"GRTL<PRODUCT=%d>" % number)
                user = "jeanvnet2" if self.client.session.key else "-"
                sent, came = (
                    hashlib.sha256(o).hexdigest() for o in (self.client.sent, reply.octets)
                )
                self.answered.add((self.hop, user, sent, came))
        except ClientError:
            self.client.close()

    def end(self) -> set[tuple[str, str, str, str]]:
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert len(self.answered) > 5, "the load was no load"
        return self.answered


def test_what_was_answered_is_in_the_trail_though_the_process_was_killed(
    start_chain: Start, store_options: list[str]
) -> None:
    answered: set[tuple[str, str, str, str]] = set()
    state = Path()
    for _ in range(3):
        chain = start_chain(DEFAULT, *store_options)
        state = chain.emulator.state
        with chain.customer() as web:
            session = web.session
        customers = []
        for hop in ("rm-native", "rm", "dispatcher", "rm", "inbox-native"):
            client = chain.client(hop)
            if not hop.endswith("native"):
                client.session = session
            customers.append(Customer(client, hop))
        time.sleep(0.7)
        chain.emulator.kill()
        for customer in customers:
            answered |= customer.end()
        status, told = verify(state, *store_options)
        assert status == 0, told
        assert len(told) == len(trails(state))
    assert answered - recorded(state) == set()
    # What lies behind the newest head is what 100 ms, and the keeping of the head, let through.
    told = json.loads("".join(verify(state, "--json", *store_options)[1]))["files"]
    assert [one["final"] for one in told] == [False] * 3
    assert all(one["signed"] > 0 for one in told)
    chain = start_chain(DEFAULT, *store_options)
    chain.customer().close()
    assert chain.emulator.stop() == 0
    status, told = verify(state, *store_options)
    assert (status, len(told)) == (0, 4)
    assert told[-1].endswith(", all signed, ended")


@pytest.fixture
def ended(start_chain: Start, store_options: list[str]) -> tuple[Path, list[str]]:
    """A state folder with a trail that has ended, and the options for its store."""
    chain = start_chain(DEFAULT, *store_options)
    with chain.customer() as client:
        for _ in range(3):
            client.send(GRTL)
    assert chain.emulator.stop() == 0
    return chain.emulator.state, store_options


def told_of(state: Path, options: list[str]) -> list[str]:
    """The findings, each `LINE: what`."""
    status, lines = verify(state, *options)
    assert status == 1
    [path] = trails(state)
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_a_changed_record_is_named(ended: tuple[Path, list[str]]) -> None:
    [path] = trails(ended[0])
    path.write_bytes(path.read_bytes().replace(b" jeanvnet2 ", b" dorod ", 1))
    line = 1 + path.read_bytes().partition(b" dorod ")[0].count(b"\n")
    [finding] = told_of(*ended)
    assert finding.startswith(f"{line}: record {line - 1} was changed: chain value ")


def test_a_removed_record_is_named(ended: tuple[Path, list[str]]) -> None:
    [path] = trails(ended[0])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    assert told_of(*ended) == ["4: record 4, expected record 3: 3 missing"]


def test_a_cut_is_found_by_the_head_in_the_store_alone(ended: tuple[Path, list[str]]) -> None:
    [path] = trails(ended[0])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    records = len(lines) - 1
    assert told_of(*ended) == [f"{len(lines)}: cut off, expected record {records}"]
    path.write_bytes(lines[0])
    assert told_of(*ended) == [f"2: cut off, expected record 1 to {records}"]
    path.write_bytes(b"")
    assert told_of(*ended) == ["1: cut off, expected the header"]


def test_a_store_that_hangs_keeps_no_answer_waiting(start_chain: Start) -> None:
    chain = start_chain()
    state = chain.emulator.state
    with chain.client("rm-native") as client:
        client.send(GRTL)
        database = sqlite3.connect(state / "starwire.db", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")  # now nobody else can write
        slowest = 0.0
        for _ in range(60):
            began = time.monotonic()
            assert client.send(GRTL).data.startswith(b"SRTL<ERROR=0,")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.01)
        assert slowest < 0.5
        status, told = verify(state)
        assert status == 0
        assert "behind the newest head" in told[0]
        database.execute("ROLLBACK")
        database.close()
    assert chain.emulator.stop() == 0
    assert verify(state)[1][0].endswith("good, 61 records, all signed, ended")


def test_the_reply_of_a_bulk_transfer_is_its_last_frame(start_chain: Start) -> None:
    chain = start_chain()
    fetch = put(chain, "bulk.csv", 300_000)
    wire = chain.profile.wire
    with chain.customer() as client:
        key = client.session.key
    header = CommonHeader(1, session_key=key, type=3, serial=77)
    request = wire.common.frame(header, request_data(wire.bulk, Open(fetch)))
    reader = FrameReader(wire.common, chain.profile)
    host, _, port = chain.emulator.places["inbox"].rpartition(":")
    frames: list[bytes] = []
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        status = 3
        while not is_last(status):
            while (frame := reader.next_frame()) is NEED_DATA:
                reader.feed(connection.recv(65_536))
            frames.append(frame.octets)
            status = frame.header.status
    assert len(frames) > 2
    assert chain.emulator.stop() == 0
    asked, last = (hashlib.sha256(octets).hexdigest() for octets in (request, frames[-1]))
    found = [one for one in recorded(chain.emulator.state) if one[0] == "inbox"]
    assert found == [("inbox", "jeanvnet2", asked, last)]
    assert verify(chain.emulator.state)[0] == 0


def test_it_can_be_verified_while_it_is_written(start_chain: Start) -> None:
    chain = start_chain()
    customer = Customer(chain.client("rm-native"), "rm-native")
    for _ in range(3):
        status, told = verify(chain.emulator.state)
        assert (status, len(told)) == (0, 1)
    chain.emulator.kill()
    customer.end()


def test_it_can_be_switched_off(start_chain: Start, tmp_path: Path) -> None:
    (tmp_path / "off.toml").write_text("[audit]\nenabled = false\n[logon.cost]\nn = 16\n")
    chain = start_chain(DEFAULT, "--config", str(tmp_path / "off.toml"))
    with chain.customer() as client:
        assert client.send(GRTL).status == 0
    names = {path.name for path in chain.emulator.state.iterdir()}
    assert not {"audit", "audit.key", "audit.pub"} & names


def test_without_a_place_for_it_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "audit").touch()
    with pytest.raises(EmulatorError) as raised:
        EmulatorProcess(tmp_path, "--only", "rm-native")
    assert str(raised.value) == f"the emulator does not start: {tmp_path / 'audit'}: File exists"
    EmulatorProcess(tmp_path, "--only", "jar").stop()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_can_check_a_head(start_chain: Start, tmp_path: Path) -> None:
    """Nothing of starwire is needed to hold the store's head to the public key."""
    chain = start_chain()
    state = chain.emulator.state
    chain.customer().close()
    assert chain.emulator.stop() == 0
    database = sqlite3.connect(state / "starwire.db")
    name, *numbers, final, signature = database.execute(
        "SELECT chain, sequence, digest, octets, final, signature FROM audit_heads"
    ).fetchone()
    database.close()
    told = " ".join(map(str, ["starwire-audit-head 1", name, *numbers, final]))
    (tmp_path / "head").write_text(told)
    (tmp_path / "signature").write_bytes(signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(state / "audit.pub")]
    command += ["-rawin", "-in", str(tmp_path / "head"), "-sigfile", str(tmp_path / "signature")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), done.stderr
