"""An emulator of one process in memory, and a client for each of its ports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import insert

from starwire.protocol.frames import NEED_DATA, Frame, FrameReader
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import Profile, shipped
from starwire.servers import schema
from starwire.servers.configuration import Configuration
from starwire.servers.memory.connection import MemoryConnection
from starwire.servers.memory.emulator import MemoryEmulator

KEY = "0123456789abcdef0123456789abcdef"
"""The session of jeanvnet2, of enterprise 00022924; those of dorod, of the same, and LynneLevy2."""
DOROD = "d" * 32
LYNNE = "e" * 32
USERS = {
    KEY: ("jeanvnet2", "00022924"),
    DOROD: ("dorod", "00022924"),
    LYNNE: ("LynneLevy2", "10324488"),
}
PROFILE = shipped("default")
WIRE = PROFILE.wire
GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"


class Line:
    """A client's connection to one port."""

    def __init__(self, chain: Chain, place: str, source: str = "127.0.0.1") -> None:
        self._chain = chain
        self.wire = chain.emulator.connect(place, source=source)
        self.codec: Any = WIRE.dispatcher if place == "dispatcher" else WIRE.common
        self._reader: FrameReader[Any] = FrameReader(self.codec, PROFILE)
        chain.emulator.run()

    def send(self, *octets: bytes) -> bytes:
        """Send these, one segment each, and give all that comes back."""
        for one in octets:
            self.wire.write(one)
            self._chain.emulator.run()
        return self.heard()

    def heard(self) -> bytes:
        """What came since."""
        self._chain.emulator.run()
        return self.wire.take()

    def frames(self, *octets: bytes) -> list[Frame[Any]]:
        """The frames that come back."""
        self._reader.feed(self.send(*octets))
        found = []
        while (frame := self._reader.next_frame()) is not NEED_DATA:
            found.append(frame)
        return found

    def end(self) -> bytes:
        """Close the sending side; what comes then."""
        self.wire.half_close()
        return self.heard()

    @property
    def closed(self) -> bool:
        """Whether the other side has said its last."""
        self._chain.emulator.run()
        return self.wire.ended or self.wire.reset


class StandIn:
    """Who stands in a server's place: what it is asked, and what it says to it."""

    def __init__(self, chain: Chain, place: str, answer: Callable[[bytes], bytes | None]) -> None:
        """`answer` of a request frame: octets, b"" for nothing, None to hang up."""
        self._answer = answer
        self._codec = WIRE.common
        self.asked: list[Frame[Any]] = []
        self.connections = 0
        self._lines: list[tuple[MemoryConnection, FrameReader[Any]]] = []
        self._chain = chain
        chain.emulator.listen(place, self._accept)
        chain.standing.append(self)

    def _accept(self, connection: MemoryConnection) -> None:
        self.connections += 1
        self._lines.append((connection, FrameReader(self._codec, PROFILE)))

    def look(self) -> bool:
        """Answer what came; whether there was anything."""
        news = False
        for connection, reader in self._lines:
            reader.feed(connection.take())
            while (frame := reader.next_frame()) is not NEED_DATA:
                news = True
                self.asked.append(frame)
                said = self._answer(frame.octets)
                if said is None:
                    connection.abort()
                elif said:
                    connection.write(said)
        return news


class Chain:
    """The emulator's servers, all ports."""

    def __init__(self, emulator: MemoryEmulator) -> None:
        self.emulator = emulator
        self.standing: list[StandIn] = []
        self._serial = 4710
        with emulator._store.write() as connection:
            for key, (userid, entpid) in USERS.items():
                times = {"created": 0.0, "last_used": 0.0}
                row = {"key": key, "userid": userid, "entpid": entpid, **times}
                connection.execute(insert(schema.sessions).values(row))
        jar: Any = emulator._emulator._own_jar
        emulator._finish(jar.load())

    def line(self, place: str, **options: Any) -> Line:
        return Line(self, place, **options)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.emulator.run(seconds)

    def stand_in(self, place: str, answer: Callable[[bytes], bytes | None]) -> StandIn:
        """Stand in the place of a proxy."""
        return StandIn(self, place, answer)

    def settle(self) -> None:
        """Whoever stands in answers, until all is said."""
        self.emulator.run()
        while sum(one.look() for one in self.standing):
            self.emulator.run()

    # Frames of the common header.

    def request(self, data: bytes = GRTL, **fields: Any) -> bytes:
        """A frame to a proxy."""
        self._serial += 1
        given = {"version": 1, "session_key": KEY, "serial": self._serial, **fields}
        header = CommonHeader(**given)
        if "length" in fields:
            return WIRE.common.encode(header) + data
        return WIRE.common.frame(header, data)

    def say(self, place: str, octets: bytes) -> bytes:
        """What comes back on a connection of its own."""
        line = self.line(place)
        heard = line.send(octets)
        self.settle()
        heard += line.heard()
        line.wire.abort()
        return heard

    def ask(self, place: str, data: bytes = GRTL, **fields: Any) -> tuple[int, bytes]:
        """Status and data of a proxy's reply; -1 for what is no frame."""
        return _told(WIRE.common, self.say(place, self.request(data, **fields)))

    def bulk(
        self, place: str, operation: int, *numbers: int, message: bytes = b"", **fields: Any
    ) -> list[tuple[int, BulkHeader | None, bytes]]:
        """Status, bulk header and payload of each frame that answers."""
        data = WIRE.bulk.encode(BulkHeader(operation, *numbers)) + message
        line = self.line(place)
        frames = line.frames(self.request(data, type=3, **fields))
        line.wire.abort()
        return list(map(bulk_parts, frames))

    # The dispatcher, and the web server.

    def envelope(self, target: str, data: bytes = GRTL, **fields: Any) -> bytes:
        """A frame to the dispatcher, of jeanvnet2 unless told otherwise."""
        key = fields.get("session_key", KEY)
        user, enterprise = USERS.get(key, ("", ""))
        given = {"user_id": user, "enterprise_id": enterprise, "session_key": key, **fields}
        header = DispatcherHeader(version=given.pop("version", 1), target=target, **given)
        if "length" in fields:
            return WIRE.dispatcher.encode(header) + data
        return WIRE.dispatcher.frame(header, data)

    def dispatch(self, target: str, data: bytes = GRTL, **fields: Any) -> tuple[int, bytes]:
        """Status and data of the dispatcher's reply."""
        return _told(WIRE.dispatcher, self.say("dispatcher", self.envelope(target, data, **fields)))

    def post(
        self,
        data: bytes = GRTL,
        *,
        target: str = "RM",
        transaction: int = 1,
        key: str = KEY,
        cookie: str | tuple[str, ...] = (),
        method: str = "POST",
        path: str = "/nmci",
        body: bytes | None = None,
        head: str = "",
        **fields: Any,
    ) -> Posted:
        """What the web server makes of a POST."""
        if body is None:
            inner = self.envelope(target, data, **{"session_key": "", **fields})
            body = WIRE.web.encode(WebHeader(transaction, key)) + inner
        cookies = (cookie,) if isinstance(cookie, str) else cookie
        lines = [f"{method} {path} HTTP/1.1", "Host: h", f"Content-Length: {len(body)}"]
        if head:
            lines.append(head)
        if cookies:
            lines.append("Cookie: " + "; ".join(f"nmci={one}" for one in cookies))
        return Posted(self.say("web", "\r\n".join([*lines, "", ""]).encode() + body))

    def logon(self, user: str = "jeanvnet2", password: str = "interact", **fields: Any) -> Posted:
        """Over the web server."""
        message = f"VUM<USERID={user},PASSWORD={password}>".encode()
        return self.post(message, target="STAROE", transaction=0, key="", **fields)


class Posted:
    """An HTTP response, taken apart."""

    def __init__(self, octets: bytes) -> None:
        head, _, self.body = octets.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.http = int(first.split()[1]) if first else 0
        self.fields = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        self.cookie = self.fields.get("set-cookie", "")

    @property
    def web(self) -> WebHeader:
        return WIRE.web.decode(self.body)

    @property
    def header(self) -> DispatcherHeader:
        return WIRE.dispatcher.decode(self.body, WIRE.web.size)

    @property
    def status(self) -> int:
        """That of the dispatcher header; -1 if there is none."""
        if self.http != 200 or len(self.body) < WIRE.web.size + WIRE.dispatcher.size:
            return -1
        return self.header.status

    @property
    def data(self) -> bytes:
        return self.body[WIRE.web.size + WIRE.dispatcher.size :]


def _told(codec: Any, octets: bytes) -> tuple[int, bytes]:
    if len(octets) < codec.size:
        return -1, octets
    return codec.decode(octets).status, octets[codec.size :]


def bulk_parts(frame: Frame[Any]) -> tuple[int, BulkHeader | None, bytes]:
    """Status, bulk header and payload of a frame of a run."""
    data = frame.data
    if len(data) < WIRE.bulk.size:
        return frame.header.status, None, data
    return frame.header.status, WIRE.bulk.decode(data), data[WIRE.bulk.size :]


def digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


@contextmanager
def running(
    profile: Profile = PROFILE, configuration: Configuration | None = None
) -> Iterator[Chain]:
    """A chain that begins as every other."""
    with MemoryEmulator(profile=profile, configuration=configuration) as emulator:
        yield Chain(emulator)
