"""The two ends of a bulk transfer, each a process: starwire's, and bare Twisted ones beside them.

    python benchmarks/bulk_ends.py serve STATE      an emulator whose files are made
    python benchmarks/bulk_ends.py fetch PORT KEY FETCH
    python benchmarks/bulk_ends.py bare-serve
    python benchmarks/bulk_ends.py bare-fetch PORT

Each reads from standard input how many octets the next transfer has, a line for each; a server
says when it is ready for it, a client how many seconds it took. Both also tell the memory that they
have held at most, in KiB. All four hash what crosses, and all take the same made octets.
"""

from __future__ import annotations

import hashlib
import json
import resource
import struct
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor, stdio
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer

from starwire.harness.envelopes import Session
from starwire.harness.twisted_client import TwistedClient
from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.profile import shipped
from starwire.servers.emulator import Emulator, Settings
from starwire.servers.sources import MadeSource, Source

CHUNK = 65_536
LENGTH = struct.Struct(">I")


def tell(**facts: Any) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({**facts, "memory": memory}), flush=True)


class Orders(LineReceiver):
    """Sizes, one a line; the end of them is the end of the process."""

    delimiter = b"\n"

    def __init__(self, obey: Any) -> None:
        self.obey = obey

    def lineReceived(self, line: bytes) -> None:
        self.obey(int(line))

    def connectionLost(self, reason: Any = None) -> None:
        if reactor.running:
            reactor.stop()


# ------------------------------------------------------------------------------------ starwire's


class Made:
    """Every file has as many octets as was last ordered."""

    size = 0

    def size_of(self, path: str, size: int) -> int:
        return self.size

    def open(self, path: str, size: int) -> Source:
        return MadeSource(1, size)


def serve(state: str) -> None:
    made = Made()
    ports = dict.fromkeys(DEFAULT_PORTS, 0)
    settings = Settings(Path(state), shipped("default"), ports=ports)
    emulator = Emulator(reactor, settings, sources=made)

    def order(size: int) -> None:
        made.size = size
        tell()

    def started(places: list[tuple[str, str, int]]) -> None:
        tell(places=[list(place) for place in places])
        stdio.StandardIO(Orders(order))

    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: Deferred.fromCoroutine(emulator.stop())
    )
    Deferred.fromCoroutine(emulator.start()).addCallbacks(started, lambda f: f.printTraceback())


def fetch(port: str, key: str, message: str) -> None:
    client = TwistedClient(reactor, f"proxy://127.0.0.1:{port}")
    client.session = Session(key)

    def order(size: int) -> None:
        began = time.perf_counter()

        def done(fetched: Any) -> None:
            assert fetched.end.verified
            assert fetched.offset == size
            tell(seconds=time.perf_counter() - began)

        fetching = client.open(message.encode(), lambda octets: None)
        fetching.addCallbacks(done, lambda failure: failure.printTraceback())

    stdio.StandardIO(Orders(order))


# ------------------------------------------------------------------------------------------- bare


@implementer(IPushProducer)
class Sender(Protocol):
    """Sends as many frames as the transport takes, hashing their payload, then the digest."""

    size = 0

    def connectionMade(self) -> None:
        self.hash = hashlib.sha256()
        self.offset = 0
        self.source = MadeSource(1, Sender.size)
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self.producing = True
        while self.producing and self.offset < Sender.size:
            payload = self.source.read_at(self.offset, min(CHUNK, Sender.size - self.offset))
            self.hash.update(payload)
            self.offset += len(payload)
            self.transport.write(LENGTH.pack(len(payload)) + payload)
        if self.producing and self.offset == Sender.size:
            self.producing = False
            self.transport.write(LENGTH.pack(0) + self.hash.digest())
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        self.producing = False

    def stopProducing(self) -> None:
        self.producing = False


class Receiver(Protocol):
    """Takes whole frames out of the stream, and hashes their payload."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.hash = hashlib.sha256()
        self.began = time.perf_counter()

    def dataReceived(self, data: bytes) -> None:
        held = self.held
        held += data
        while len(held) >= 4:
            length = LENGTH.unpack_from(held)[0]
            if not length:
                if len(held) == 4 + 32:
                    assert held[4:] == self.hash.digest()
                    tell(seconds=time.perf_counter() - self.began)
                    self.transport.loseConnection()
                return
            if len(held) < 4 + length:
                return
            with memoryview(held) as view:
                self.hash.update(view[4 : 4 + length])
            del held[: 4 + length]


class ReceiverFactory(ClientFactory):
    protocol = Receiver
    noisy = False


def bare_serve() -> None:
    def order(size: int) -> None:
        Sender.size = size
        tell()

    listening = reactor.listenTCP(0, Factory.forProtocol(Sender), interface="127.0.0.1")
    tell(port=listening.getHost().port)
    stdio.StandardIO(Orders(order))


def bare_fetch(port: str) -> None:
    def order(size: int) -> None:
        reactor.connectTCP("127.0.0.1", int(port), ReceiverFactory())

    stdio.StandardIO(Orders(order))


ROLES = {"serve": serve, "fetch": fetch, "bare-serve": bare_serve, "bare-fetch": bare_fetch}

if __name__ == "__main__":
    role, *words = sys.argv[1:]
    ROLES[role](*words)
    reactor.run()
