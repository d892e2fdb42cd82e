"""Real chains recorded: every octet of every hop is there, whatever kills the process."""

import itertools
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from starwire.harness.cli import main
from starwire.harness.client import Client
from starwire.harness.recordings import Recording
from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.recording import Closed, Opened, Request, Response, Segment, sender_of
from starwire.protocol.status import MessageType, Operation

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
Start = Callable[..., Any]
PROFILE = 'extends = "{}"\nname = "test"\n'


class Line:
    """A connection whose octets are kept, both ways."""

    def __init__(self, chain: Any, name: str) -> None:
        host, _, port = chain.emulator.places[name].rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.own = "{}:{}".format(*self.socket.getsockname())
        self.sent = b""
        self.received = b""

    def send(self, octets: bytes) -> None:
        self.sent += octets
        self.socket.sendall(octets)

    def read(self, count: int) -> None:
        while len(self.received) < count:
            data = self.socket.recv(65_536)
            assert data, "closed before all that was expected"
            self.received += data

    def read_frame(self, codec: Any, profile: Any) -> Any:
        reader: FrameReader[Any] = FrameReader(codec, profile)
        while (frame := reader.next_frame()) is NEED_DATA:
            data = self.socket.recv(65_536)
            assert data
            self.received += data
            reader.feed(data)
        return frame

    def read_to_end(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)
        while data := self.socket.recv(65_536):
            self.received += data


@contextmanager
def line_to(chain: Any, name: str) -> Iterator[Line]:
    line = Line(chain, name)
    with line.socket:
        yield line


class Told:
    """A recording by connection: who opened it, and what each side said."""

    def __init__(self, path: Path) -> None:
        self.recording = Recording(path)
        self.opened: dict[str, Opened] = {}
        self.said: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self.closed: dict[str, Closed] = {}
        for event in self.recording:
            if isinstance(event, Opened):
                self.opened[event.peer] = event
            elif isinstance(event, Closed):
                self.closed[event.connection] = event
            elif isinstance(event, Segment | Request | Response):
                self.said[event.connection, sender_of(event)].append(bytes(event.octets))

    def of(self, line: Line, sender: str) -> list[bytes]:
        return self.said[self.opened[line.own].connection, sender]


@pytest.mark.parametrize("profile", ["default", "little"])
def test_every_octet_of_every_hop_is_recorded(
    start_chain: Start, tmp_path: Path, profile: str
) -> None:
    path = tmp_path / "x.jsonl"
    chain = start_chain(PROFILE.format(profile), "--record", str(path))
    bodies = []
    with chain.client("web") as client:
        client.logon("jeanvnet2", "interact")
        key = client.session.key
        for message in (GRTL, b"GPL<PL_TIMEZONE>", b"GRTL<<"):
            received = client.send(message).octets
            bodies.append((client.sent, received))
    wire = chain.profile.wire
    lines = []
    with line_to(chain, "rm-native") as native, line_to(chain, "jar") as jar:
        native.send(b"\r\nGPL<PL_TIMEZONE> GPL<")
        native.read(100)
        native.read_to_end()
        jar.send(b"CKG<KEY=%s>" % key.encode() + b"CKG<KEY=x>" + b">" + b"refused")
        jar.read_to_end()
        lines += [native, jar]
    with line_to(chain, "rm") as rm, line_to(chain, "dispatcher") as dispatcher:
        rm.send(wire.common.frame(CommonHeader(1, session_key=key, serial=7), GRTL))
        rm.send(wire.common.frame(CommonHeader(1, echo=1), bytes(range(256))))
        rm.send(b"\x09" * 40)
        rm.read_to_end()
        header = DispatcherHeader(
            1, target="RM", user_id="jeanvnet2", enterprise_id="00022924", session_key=key
        )
        dispatcher.send(wire.dispatcher.frame(header, GRTL))
        dispatcher.read_to_end()
        lines += [rm, dispatcher]
    assert chain.emulator.stop() == 0
    told = Told(path)
    assert told.recording.cuts == []
    for line in lines:
        assert b"".join(told.of(line, "client")) == line.sent
        assert b"".join(told.of(line, "server")) == line.received
        assert told.opened[line.own].connection in told.closed
    web = next(one for one in told.opened.values() if one.hop == "web").connection
    recorded = list(zip(told.said[web, "client"], told.said[web, "server"], strict=True))
    assert recorded[1:] == bodies
    assert {one.hop for one in told.opened.values()} == {
        *["web", "dispatcher", "staroe", "rm", "rm-native", "jar"]
    }
    # What stands decoded beside the octets is what they say.
    shown = CliRunner().invoke(main, ["recording", "show", str(path), "--json"])
    assert shown.stdout_bytes == path.read_bytes()


def test_a_hop_s_reply_is_joined_with_its_request_over_all_hops(
    start_chain: Start, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    chain = start_chain(PROFILE.format("default"), "--record", str(path))
    with chain.customer() as client:
        client.send(GRTL)
    assert chain.emulator.stop() == 0
    hops = defaultdict(list)
    for exchange in Recording(path).exchanges():
        assert exchange.request is not None
        assert exchange.reply is not None
        if exchange.request.data == GRTL:
            hops[exchange.transaction].append(exchange.hop)
    assert list(hops.values()) == [["rm", "dispatcher", "web"]]


def test_how_octets_were_cut_is_recorded(start_chain: Start, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    chain = start_chain(PROFILE.format("default"), "--record", str(path))
    frame = chain.profile.wire.common.frame(CommonHeader(1, echo=1), b"0123456789" * 30)
    octets = [frame[n : n + 1] for n in range(49)]
    pieces = [*octets, frame[49:200], frame[200:] + frame[:10], frame[10:]]
    with line_to(chain, "rm") as line:
        for number, piece in enumerate(pieces, 1):
            line.send(piece)
            # A line is in the file when its octets are read: with the next piece behind it, TCP
            # cannot join the two.
            until = time.monotonic() + 10
            while path.read_bytes().count(b'"from":"client"') < number:
                assert time.monotonic() < until
        line.read(2 * len(frame))
    assert chain.emulator.stop() == 0
    told = Told(path)
    assert told.of(line, "client") == pieces
    assert told.of(line, "server") == [frame, frame]


def test_a_transfer_is_recorded_frame_by_frame(start_chain: Start, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    chain = start_chain(PROFILE.format("default"), "--record", str(path))
    wire = chain.profile.wire
    with chain.customer() as client:
        key = client.session.key
        with line_to(chain, "rm") as line:
            data = wire.bulk.encode(BulkHeader(Operation.OPEN)) + GRTL
            header = CommonHeader(1, session_key=key, type=MessageType.BULK, serial=5)
            line.send(wire.common.frame(header, data))
            line.read_to_end()
    assert chain.emulator.stop() == 0
    told = Told(path)
    pieces = told.of(line, "server")
    assert b"".join(pieces) == line.received
    exchanges = [
        one
        for one in Recording(path).exchanges()
        if one.connection == told.opened[line.own].connection
    ]
    replies = [one.reply.octets for one in exchanges if one.reply is not None]
    assert replies == pieces
    assert [one.last for one in exchanges] == [False, True]


def test_a_transfer_over_the_web_is_recorded_frame_by_frame(
    start_chain: Start, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    text = PROFILE.format("default") + "allow_plain_http = true\n"
    chain = start_chain(text, "--record", str(path))
    wire = chain.profile.wire
    with Client(chain.emulator.target("web", plain_http=True), profile=chain.profile) as client:
        client.logon("jeanvnet2", "interact")
        key = client.session.key
    header = DispatcherHeader(1, target="RM", type=MessageType.BULK)
    frame = wire.dispatcher.frame(header, wire.bulk.encode(BulkHeader(Operation.OPEN)) + GRTL)
    web = HTTPConnection(chain.emulator.places["web"], timeout=10)
    web.request("POST", "/nmci", wire.web.encode(WebHeader(1, key)) + frame)
    body = web.getresponse().read()
    web.close()
    assert chain.emulator.stop() == 0
    transfers = [
        one
        for one in Recording(path).exchanges()
        if one.hop == "web" and one.request and one.request.octets.endswith(frame)
    ]
    assert [one.last for one in transfers] == [False, True]
    assert b"".join(one.reply.octets for one in transfers if one.reply) == body
    of_response = [
        event
        for event in Recording(path)
        if isinstance(event, Response | Segment) and event.connection == transfers[0].connection
    ]
    assert [(type(one), one.more) for one in of_response] == [
        (Response, True),
        (Segment, True),
        (Segment, False),
    ]
    assert b"".join(one.octets for one in of_response) == body


def test_of_sealed_links_the_frames_are_recorded(tmp_path: Path, start_chain: Start) -> None:
    keys = tmp_path / "link.keys"
    keys.write_text(f'web = "{"01" * 32}"\nproxy = "{"ab" * 32}"\n')
    path = tmp_path / "x.jsonl"
    config = tmp_path / "sealed.toml"
    config.write_text(f'[links]\nkey_file = "{keys}"\n[logon.cost]\nn = 16\n')
    options = ["--record", str(path), "--config", str(config)]
    chain = start_chain(PROFILE.format("default"), *options)
    with chain.customer() as client:
        reply = client.send(GRTL)
    assert chain.emulator.stop() == 0
    sealed = {event.hop: event.sealed for event in Told(path).opened.values()}
    assert sealed == {"web": False, "dispatcher": True, "staroe": True, "rm": True}
    exchanges = [
        (one.hop, one.reply.data)
        for one in Recording(path).exchanges()
        if one.request is not None and one.request.data == GRTL and one.reply is not None
    ]
    assert exchanges == [("rm", reply.data), ("dispatcher", reply.data), ("web", reply.data)]


def test_what_is_no_wire_is_recorded_at_the_web_server_too(
    start_chain: Start, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    text = PROFILE.format("default") + "allow_plain_http = true\nframe_octets = 70000\n"
    text += "bulk_frame_octets = 70000\n"
    chain = start_chain(text, "--record", str(path))
    with line_to(chain, "web") as line:
        for head, body in (
            (b"POST /nmci HTTP/1.1\r\nCookie: nmci=abc\r\n", b"short"),
            (b"GET /else HTTP/1.1\r\n", b""),
            (b"POST /nmci HTTP/1.1\r\n", b"x" * 99_999),
        ):
            line.send(head + b"Host: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        line.socket.settimeout(10)
        while line.received.count(b"HTTP/1.1 ") < 3:
            line.read(len(line.received) + 1)
    assert chain.emulator.stop() == 0
    events = [one for one in Recording(path) if isinstance(one, Request | Response)]
    told = [
        (one.method, one.path, one.cookie, len(one.octets), one.more)
        if isinstance(one, Request)
        else (one.status, one.octets.partition(b" ")[0])
        for one in events
    ]
    assert told == [
        ("POST", "/nmci", "abc", 5, False),
        (400, b"the"),
        ("GET", "/else", "", 0, False),
        (404, b"the"),
        ("POST", "/nmci", "", 0, True),
        (413, b"the"),
    ]


class Load:
    """Customers who send one request after the other, and know what they sent and got."""

    def __init__(self, chain: Any, customers: int) -> None:
        self.exchanged: list[tuple[str, bytes, bytes]] = []
        self._chain = chain
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._customer) for _ in range(customers)]
        for thread in self._threads:
            thread.start()

    def _customer(self) -> None:
        profile = self._chain.profile
        codec = profile.wire.common
        try:
            with line_to(self._chain, "rm") as line:
                for serial in itertools.count(1):
                    if self._stop.is_set():
                        break
                    request = codec.frame(CommonHeader(1, echo=1, serial=serial), GRTL * 5)
                    line.send(request)
                    line.read_frame(codec, profile)
        except (OSError, AssertionError):
            pass  # killed, as it should be
        self.exchanged.append((line.own, line.sent, line.received))

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_kill_loses_at_most_the_line_that_was_being_written(
    start_chain: Start, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    chain = start_chain(PROFILE.format("default"), "--record", str(path))
    load = Load(chain, 3)
    time.sleep(0.7)
    os.kill(chain.emulator.process_id, signal.SIGKILL)
    load.end()
    chain.emulator.kill()
    told = Told(path)
    assert len(told.recording.cuts) == 1
    assert len(load.exchanged) == 3
    for own, sent, received in load.exchanged:
        connection = told.opened[own].connection
        # What the server read is in what was sent; what the client got is in what is recorded.
        assert sent.startswith(b"".join(told.said[connection, "client"]))
        assert b"".join(told.said[connection, "server"]).startswith(received)
        assert len(received) > 1000


def test_rotation_under_load_loses_nothing(start_chain: Start, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    config = tmp_path / "parts.toml"
    config.write_text("[recording]\npart_octets = 50000\n[logon.cost]\nn = 16\n")
    options = ["--record", str(folder), "--config", str(config)]
    chain = start_chain(PROFILE.format("default"), *options)
    load = Load(chain, 3)
    time.sleep(1.0)
    load.end()
    assert chain.emulator.stop() == 0
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) > 10
    assert all(name.endswith(".jsonl.zst") for name in names[:-1])
    told = Told(folder)
    assert told.recording.cuts == []
    for own, sent, received in load.exchanged:
        connection = told.opened[own].connection
        assert b"".join(told.said[connection, "client"]) == sent
        assert b"".join(told.said[connection, "server"]) == received


def test_a_folder_is_gone_on_with_and_never_shared(start_chain: Start, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    chain = start_chain(PROFILE.format("default"), "--record", str(folder))
    command = [sys.executable, "-m", "starwire.harness.cli", "serve", "--record", str(folder)]
    ports = [word for name in chain.emulator.places for word in ("--port", f"{name}=0")]
    command += ["--state", str(tmp_path / "other"), *ports]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert done.stderr == (
        f"starwire: {folder}: another process records there; give each its own folder\n"
    )
    with line_to(chain, "rm-native") as line:
        line.send(b"GPL<")
        until = time.monotonic() + 10
        while b"GPL<" not in (folder / "recording-000001.jsonl").read_bytes():
            assert time.monotonic() < until
        chain.emulator.kill()
    again = start_chain(PROFILE.format("default"), "--record", str(folder))
    assert again.emulator.stop() == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["recording-000001.jsonl.zst", "recording-000002.jsonl"]
    told = Told(folder)
    assert [cut.partition(": ends")[0] for cut in told.recording.cuts] == [f"{folder}/{names[0]}"]
    assert told.of(line, "client") == [b"GPL<"]


def test_a_full_disk_is_told_loudly_and_the_wire_goes_on(
    start_chain: Start, tmp_path: Path
) -> None:
    chain = start_chain(PROFILE.format("default"), "--record", str(tmp_path / "x.jsonl"))
    before = (tmp_path / "x.jsonl").stat().st_size
    process = chain.emulator.process_id
    with chain.customer() as client:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (before + 1000, -1))
        assert client.send(b"GPL<PL_TIMEZONE>").status == 0
        assert client.send(b"GPL<PL_TIMEZONE>").status == 0
    assert chain.emulator.await_log(
        lambda log: any("the recording has ended, the wire goes on" in line for line in log)
    )
    resource.prlimit(process, resource.RLIMIT_FSIZE, (-1, -1))
    assert chain.emulator.stop() == 0
    assert (tmp_path / "x.jsonl").read_bytes().endswith(b"\n")
    assert len(Told(tmp_path / "x.jsonl").recording.cuts) == 1


def test_a_recording_that_cannot_begin_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("precious")
    command = [sys.executable, "-m", "starwire.harness.cli", "serve", "--only", "jar"]
    command += ["--port", "jar=0", "--state", str(tmp_path / "s")]
    done = subprocess.run(
        [*command, "--record", str(tmp_path / "x.jsonl")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"starwire: {tmp_path}/x.jsonl exists; record to another file, or to a folder\n"
    )


def test_clients_get_the_same_with_and_without(start_chain: Start, tmp_path: Path) -> None:
    said = []
    for options in ([], ["--record", str(tmp_path / "x.jsonl")]):
        chain = start_chain(PROFILE.format("default"), *options)
        with line_to(chain, "rm-native") as line:
            line.send(b"GPL<PL_TIMEZONE>GPL<PL_LANG> >")
            line.read_to_end()
            said.append(line.received)
        with line_to(chain, "rm") as line:
            line.send(b"\x01\x00\x00\x00\x31\x01" + b"\x00" * 43 + b"\x02")
            line.read_to_end()
            said.append(line.received)
        assert chain.emulator.stop() == 0
    assert said[:2] == said[2:]
    assert all(said)
