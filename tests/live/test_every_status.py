"""Every status of the wire (STS-01), provoked over real sockets."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import BulkHeader, DispatcherHeader

SPECIFICATION = Path(__file__).parents[2] / "docs" / "protocol.md"
TABLE = SPECIFICATION.read_text("utf-8").partition("### STS-01")[2].partition("\n### ")[0]
STATUSES = [int(found) for found in re.findall(r"^\| (\d+) \|", TABLE, re.MULTILINE)]

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
GURD = b"GURD<REPORTID=245>"
OPEN, CANCEL, RESUME = 0, 3, 5


class Line:
    """A connection to one port, and frames of a session on it."""

    def __init__(self, chain: Any, name: str, key: str) -> None:
        host, _, port = chain.emulator.places[name].rpartition(":")
        wire = chain.profile.wire
        self.bulk = wire.bulk
        self.codec = wire.dispatcher if name == "dispatcher" else wire.common
        self.reader: FrameReader[Any] = FrameReader(self.codec, chain.profile)
        self.key = key
        self.socket = socket.create_connection((host, int(port)), timeout=10)

    def ask(self, data: bytes = GRTL, **fields: Any) -> Frame[Any]:
        """Send a frame; the next one that comes."""
        given: dict[str, Any] = {"session_key": self.key, **fields}
        if self.codec.kind is DispatcherHeader:
            given = {"user_id": "jeanvnet2", "enterprise_id": "00022924", "target": "RM", **given}
        else:
            given.setdefault("serial", 7)
        version = given.pop("version", 1)
        self.socket.sendall(self.codec.frame(self.codec.kind(version, **given), data))
        return self.next()

    def run(self, operation: int, transfer: int = 0, offset: int = 0, data: bytes = b"") -> Any:
        header = self.bulk.encode(BulkHeader(operation, transfer, offset))
        return self.ask(header + data, type=3)

    def next(self) -> Frame[Any]:
        while (frame := self.reader.next_frame()) is NEED_DATA:
            data = self.socket.recv(65_536)
            assert data, "closed before a whole frame"
            self.reader.feed(data)
        return frame


class Provoker:
    """What provokes each status: a method for each, which gives the frame that carries it."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain
        with chain.customer() as client:
            self._key = client.session.key

    @contextmanager
    def line(self, name: str) -> Iterator[Line]:
        line = Line(self._chain, name, self._key)
        with line.socket:
            yield line

    def once(self, name: str, data: bytes = GRTL, **fields: Any) -> Frame[Any]:
        with self.line(name) as line:
            return line.ask(data, **fields)

    def of_0(self) -> Frame[Any]:
        return self.once("rm")

    def of_1(self) -> Frame[Any]:
        return self.once("rm", type=1)

    def of_2(self) -> Frame[Any]:
        """A poll while the request hangs in the store; another serial, or it would be known."""
        with self._chain.fault(kind="database-hang", message="GURD"):
            accepted = self.once("rm", GURD, type=1, serial=time.time_ns() % 2**31)
            assert accepted.header.status == 1
            return self.once("rm", accepted.data, type=2)

    def of_3(self) -> Frame[Any]:
        with self.line("rm") as line:
            return line.run(OPEN, data=GRTL)

    def of_4(self) -> Frame[Any]:
        with self.line("rm") as line:
            frame = line.run(OPEN, data=GRTL)
            while frame.header.status == 3:
                frame = line.next()
            return frame

    def of_5(self) -> Frame[Any]:
        with self.line("rm") as line:
            frame = line.run(OPEN, data=GRTL)
            transfer = line.bulk.decode(frame.data).transfer
            while frame.header.status == 3:
                frame = line.next()
            return line.run(CANCEL, transfer)

    def of_100(self) -> Frame[Any]:
        return self.once("rm", b"GRTL<>")

    def of_101(self) -> Frame[Any]:
        return self.once("rm", version=9)

    def of_102(self) -> Frame[Any]:
        with self.line("rm") as line:
            order = self._chain.profile.byte_order
            line.socket.sendall(b"\1" + (line.codec.size - 1).to_bytes(4, order))
            return line.next()

    def of_103(self) -> Frame[Any]:
        return self.once("dispatcher", target="NOBODY")

    def of_104(self) -> Frame[Any]:
        return self.once("dispatcher", target="ODS")

    def of_105(self) -> Frame[Any]:
        return self.once("rm", session_key="nobody's")

    def of_106(self) -> Frame[Any]:
        with self._chain.fault(kind="close", hop="rm"):
            return self.once("dispatcher")

    def of_107(self) -> Frame[Any]:
        return self.once("rm", type=9)

    def of_108(self) -> Frame[Any]:
        return self.once("rm", b"9" * 18 + b"00", type=2)

    def of_109(self) -> Frame[Any]:
        with self._chain.fault(kind="hang", hop="rm"):
            return self.once("dispatcher")

    def of_110(self) -> Frame[Any]:
        with self.line("rm") as line:
            return line.run(9)

    def of_111(self) -> Frame[Any]:
        with self._chain.fault(kind="database-down"):
            return self.once("rm", type=1, serial=11)


@pytest.fixture(scope="module", params=["default", "little"])
def provoke(request: pytest.FixtureRequest, start_shared: Callable[..., Any]) -> Provoker:
    text = f'extends = "{request.param}"\nname = "test"\nreply_seconds = 1.0\n'
    return Provoker(start_shared(text))


WITH_DATA = {0, 1, 3, 4, 5, 100}
"""Those behind whose header something stands."""


@pytest.mark.parametrize("status", STATUSES)
def test_it_can_be_provoked(provoke: Provoker, status: int) -> None:
    frame = getattr(provoke, f"of_{status}")()
    assert frame.header.status == status
    assert bool(frame.data) is (status in WITH_DATA)


def test_every_status_stands_in_the_table() -> None:
    assert len(STATUSES) == 18
    assert set(STATUSES) == {*range(6), *range(100, 112)}


def test_a_client_gets_them_through_all_hops(provoke: Provoker) -> None:
    """The dispatcher and the web server pass a proxy's status on unchanged."""
    chain = provoke._chain
    with chain.customer() as client:
        for status in (0, 2, 5, 77, 107, 108, 110, 111, 200):
            fault = {"kind": "corrupt", "hop": "rm", "header": "status", "to": status}
            with chain.fault(**fault):
                assert client.send(GRTL).status == status
