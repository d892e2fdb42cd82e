"""`send --type bulk` and the Twisted client: files that survive whatever ends their transfer."""

import hashlib
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client
from starwire.protocol.bulk import Sending
from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.profile import shipped

ADD = (
    b"A<CATEGORY=R,TYPE=D,REQUESTID=1,USERID=jeanvnet2,RPTID=3415,PRIORITY=1,COMPRESS=0,"
    b"UNOTIFY=0,MMADDR=,MMTEXT=,PGT=,PGPIN=,PGTXT=,RPTCATEGORY=X,LOC=/big.csv,ENTPID=00022924,"
    b"RQSTDT=1998-08-24 10:00,FSIZE=1,RPTTITLE=t,MSIZE=0,ERRFLAG=0>"
)
FETCH = "F<INBOXID=1>"
GPL = "GPL<PL_LANG>"
Start = Callable[..., Any]


def put(chain: Any, octets: bytes | int) -> None:
    with (Path(chain.emulator.state) / "files" / "big.csv").open("wb") as file:
        if isinstance(octets, int):
            file.truncate(octets)
        else:
            file.write(octets)
    with chain.client("inbox-native") as native:
        native.send(ADD)


def command(chain: Any, message: str, *options: str) -> list[str]:
    words = [sys.executable, "-m", "starwire.harness.cli", "send", "--type", "bulk", message]
    words += ["--to", chain.emulator.target("web"), "--user", "jeanvnet2"]
    return [*words, "--password", "interact", *options]


def send(chain: Any, message: str, *options: str) -> tuple[int, str, str]:
    done = subprocess.run(command(chain, message, *options), capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode()


def left_beside(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.iterdir() if path.name.startswith(file.name))


def test_a_file_is_whole_or_not_there(start_chain: Start, tmp_path: Path) -> None:
    chain, octets, file = start_chain(), os.urandom(1_000_000), tmp_path / "report.csv"
    put(chain, octets)
    assert send(chain, FETCH, "--proxy", "INBOX", "--out", str(file)) == (0, "", "")
    assert file.read_bytes() == octets
    assert left_beside(file) == ["report.csv"]
    code, out, said = send(chain, FETCH, "--proxy", "INBOX", "--trace")
    assert (code, out.encode("latin-1")) == (0, octets)
    assert "> bulk header: operation=0(open) transfer=0 offset=0 total=0\n> F\n" in said
    assert "< bulk header: operation=2(end) transfer=2 offset=1000000 total=1000000" in said
    assert f"< (SHA-256 {hashlib.sha256(octets).hexdigest()})" in said
    code, out, said = send(chain, "F<INBOXID=9>", "--proxy", "INBOX", "--out", str(file))
    assert (code, out[:18]) == (1, "Z<REQ=F,ERROR=5100")
    assert said.startswith("refused: 5100, ")
    assert file.read_bytes() == octets
    assert left_beside(file) == ["report.csv"]
    with chain.customer() as client:
        at_once = client.send(GPL.encode()).data.decode("latin-1")
    assert send(chain, GPL) == (0, at_once, "")


@contextmanager
def interrupted(chain: Any, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose transfer has begun and is not over."""
    words = command(chain, FETCH, "--proxy", "INBOX", "--out", str(file))
    with subprocess.Popen(words, stderr=subprocess.PIPE) as running:
        part = Path(f"{file}.part")
        for _ in range(3000):
            if part.exists() and part.stat().st_size > 1_000_000:
                break
            time.sleep(0.01)
        yield running


def test_after_a_lost_server_the_same_command_goes_on(start_chain: Start, tmp_path: Path) -> None:
    chain, file = start_chain(), tmp_path / "report.csv"
    put(chain, 300_000_000)
    with interrupted(chain, file) as running:
        chain.emulator.kill()
        _, said = running.communicate(timeout=30)
    came = Path(f"{file}.part").stat().st_size
    assert running.returncode == 2
    assert said.decode().endswith(f", at octet {came}; the same command goes on from there\n")
    assert 1_000_000 < came < 300_000_000
    assert left_beside(file) == ["report.csv.part", "report.csv.transfer"]
    chain = start_chain()
    code, out, told = send(chain, FETCH, "--proxy", "INBOX", "--out", str(file))
    assert (code, out, told) == (0, "", f"goes on with transfer 1 at octet {came}\n")
    assert left_beside(file) == ["report.csv"]
    assert file.stat().st_size == 300_000_000


def test_after_its_own_end_the_same_command_goes_on(start_chain: Start, tmp_path: Path) -> None:
    chain, file = start_chain(), tmp_path / "report.csv"
    put(chain, 300_000_000)
    with interrupted(chain, file) as running:
        running.kill()
    code, _, told = send(chain, FETCH, "--proxy", "INBOX", "--out", str(file))
    assert code == 0
    assert told.startswith("goes on with transfer 1 at octet ")
    assert file.stat().st_size == 300_000_000


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ({"transfer": 77}, "goes on with transfer 77 at octet 6\nthat transfer is known no more"),
        ({"message": "other"}, ""),
        ({"proxy": "RM"}, ""),
        (None, ""),
    ],
)
def test_what_is_of_no_use_is_begun_anew(
    start_chain: Start, tmp_path: Path, note: dict[str, Any] | None, told: str
) -> None:
    chain, file = start_chain(), tmp_path / "report.csv"
    put(chain, b"44,30")
    mine = hashlib.sha256(FETCH.encode()).hexdigest()
    kept = {"transfer": 1, "proxy": "INBOX", "message": mine} | (note or {})
    Path(f"{file}.part").write_bytes(b"rubble")
    Path(f"{file}.transfer").write_text(json.dumps(kept) if note else "no note")
    code, _, said = send(chain, FETCH, "--proxy", "INBOX", "--out", str(file))
    assert (code, file.read_bytes(), left_beside(file)) == (0, b"44,30", ["report.csv"])
    assert said.startswith(told)
    assert bool(said) == bool(told)


def test_octets_that_are_not_the_source_s_are_thrown_away(
    start_chain: Start, tmp_path: Path
) -> None:
    chain, file = start_chain(), tmp_path / "report.csv"
    put(chain, b"44,30")
    assert send(chain, FETCH, "--proxy", "INBOX", "--out", str(file))[0] == 0
    mine = hashlib.sha256(FETCH.encode()).hexdigest()
    Path(f"{file}.part").write_bytes(b"43")
    note = {"transfer": 1, "proxy": "INBOX", "message": mine}
    Path(f"{file}.transfer").write_text(json.dumps(note))
    code, _, said = send(chain, FETCH, "--proxy", "INBOX", "--out", str(file))
    assert code == 2
    assert "the SHA-256 of the whole is not that of what came; nothing of it is kept" in said
    assert left_beside(file) == ["report.csv"]


def test_where_nothing_can_be_written(start_chain: Start, tmp_path: Path) -> None:
    chain = start_chain()
    put(chain, b"44,30")
    gone = tmp_path / "no folder" / "report.csv"
    code, out, said = send(chain, FETCH, "--proxy", "INBOX", "--out", str(gone))
    assert (code, out) == (2, "")
    assert said == f"starwire: {gone}.part: No such file or directory\n"


def test_a_native_port_has_no_bulk(start_chain: Start) -> None:
    chain = start_chain()
    words = [sys.executable, "-m", "starwire.harness.cli", "send", "--type", "bulk", FETCH]
    words += ["--to", chain.emulator.target("inbox-native")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert done.stderr.endswith(": bare messages have no bulk transport\n")


class Liar(socketserver.BaseRequestHandler):
    """A proxy that ends a transfer before its total."""

    def handle(self) -> None:
        profile = shipped("default")
        codec = profile.wire.common
        reader = FrameReader(codec, profile)
        while (frame := reader.next_frame()) is NEED_DATA:
            reader.feed(self.request.recv(65_536))
        sending = Sending(codec, profile.wire.bulk, frame.header, chunk=4, transfer=9, total=8)
        sending.feed(b"12345678")
        first = sending.next_frame()
        sending.next_frame()
        self.request.sendall(first + sending.end(bytes(32)))


def test_a_server_that_lies_is_found_out() -> None:
    from starwire.harness.bulk import TransferLost

    with socketserver.TCPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        with Client(f"proxy://{host}:{port}") as client, client.open(b"F<>") as run:
            assert next(iter(run)) == b"1234"
            with pytest.raises(TransferLost, match="offset 8 in place of 4") as raised:
                list(run)
        server.shutdown()
    assert (raised.value.worthless, raised.value.transfer, raised.value.offset) == (True, 9, 4)


# -------------------------------------------------------------------------------------- Twisted

TWISTED = """
import hashlib, sys
from twisted.internet import defer, task
from starwire.harness.bulk import TransferLost
from starwire.harness.client import Client
from starwire.harness.failures import ClientError
from starwire.harness.twisted_client import TwistedClient

web, seat, fetch = sys.argv[1], sys.argv[2], sys.argv[3].encode()
with Client(web) as client:
    session = client.logon("jeanvnet2", "interact")

async def main(reactor):
    client = TwistedClient(reactor, seat, seconds=5)
    client.session = session
    whole = hashlib.sha256()
    done = await client.open(fetch, whole.update)
    print(type(done.end).__name__, done.total, done.end.digest == whole.digest())

    waits = []
    def slowly(octets):
        whole.update(octets)
        waits.append(len(octets))
        return task.deferLater(reactor, 0.001) if len(waits) < 5 else None
    whole = hashlib.sha256()
    await client.open(fetch, slowly)
    print(sum(waits), done.end.digest == whole.digest())

    tail = bytearray()
    rest = await client.resume(done.transfer, done.total - 10, tail.extend)
    print(len(tail), rest.end.verified)

    def fails(octets):
        raise ZeroDivisionError
    try:
        await client.open(fetch, fails)
    except ZeroDivisionError:
        print("its own error")

    held = defer.Deferred()
    stopping = client.open(fetch, lambda octets: held)
    await task.deferLater(reactor, 0.2)
    stopping.cancel()
    try:
        await stopping
    except defer.CancelledError:
        print("cancelled")

    running = client.open(fetch, lambda octets: task.deferLater(reactor, 0.05))
    await task.deferLater(reactor, 0.2)
    reply = await client.cancel(done.transfer)
    print(reply.status)
    running.addErrback(lambda _: None).cancel()
    await client.close()

task.react(lambda reactor: defer.Deferred.fromCoroutine(main(reactor)))
"""


@pytest.mark.parametrize("seat", ["web", "dispatcher", "inbox"])
def test_the_twisted_client(start_chain: Start, seat: str) -> None:
    chain = start_chain()
    put(chain, 20_000_000)
    places = [chain.emulator.target("web"), chain.emulator.target(seat), FETCH]
    done = subprocess.run(
        [sys.executable, "-c", TWISTED, *places], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.splitlines(), done.stderr) == (
        [
            "Ended 20000000 True",
            "20000000 True",
            "10 False",
            "its own error",
            "cancelled",
            "5",
        ],
        "",
    )
