"""What the dispatcher is measured beside: a bare Twisted dispatcher, and the proxy of both chains.

`python benchmarks/bare_chain.py legacy|multiplexed` runs a dispatcher and an echoing proxy in this
process and prints the dispatcher's port. Each takes whole frames out of the stream, unpacks the
header and packs another with `struct`, and checks nothing. The legacy one opens a connection to the
proxy for each frame, the multiplexed one has a single one and finds the asker by serial.
"""

import itertools
import struct
import sys

from twisted.internet import reactor
from twisted.internet.protocol import ClientFactory, Factory, Protocol

COMMON = struct.Struct(">BIB32sBQH")
DISPATCHER = struct.Struct(">BI8sB20s8s32sH")
LENGTH = 1


class Framed(Protocol):
    """Header fields and data of each frame to `came`."""

    codec = COMMON

    def __init__(self):
        self.held = b""

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data):
        held = self.held + data if self.held else data
        start, size, end = 0, self.codec.size, len(held)
        while end - start >= size:
            fields = self.codec.unpack_from(held, start)
            if end - start < fields[LENGTH]:
                break
            self.came(fields, held[start + size : start + fields[LENGTH]])
            start += fields[LENGTH]
        self.held = held[start:]


class Echoing(Framed):
    """The proxy: every frame is answered with its own data."""

    def came(self, fields, data):
        version, _, _, key, kind, serial, _ = fields
        header = COMMON.pack(version, COMMON.size + len(data), 0, key, kind, serial, 0)
        self.transport.write(header + data)


class Dispatching(Framed):
    """The dispatcher's side towards its clients."""

    codec = DISPATCHER
    serials = itertools.count(1)

    def came(self, fields, data):
        version, _, _, kind, _, _, key, _ = fields
        serial = next(self.serials)
        header = COMMON.pack(version, COMMON.size + len(data), 0, key, kind, serial, 0)
        self.factory.forward(serial, header + data, self, fields)

    def reply(self, fields, status, data):
        version, _, target, kind, _, _, _, _ = fields
        length = DISPATCHER.size + len(data)
        header = DISPATCHER.pack(version, length, target, kind, b"", b"", b"", status)
        self.transport.write(header + data)


class Asking(Framed):
    """The dispatcher's side towards the proxy, for one frame."""

    def __init__(self, frame, asker, fields):
        super().__init__()
        self.frame, self.asker, self.fields = frame, asker, fields

    def connectionMade(self):
        super().connectionMade()
        self.transport.write(self.frame)

    def came(self, fields, data):
        self.asker.reply(self.fields, fields[-1], data)
        self.transport.loseConnection()


class Sharing(Framed):
    """The dispatcher's side towards the proxy, for all frames."""

    def __init__(self):
        super().__init__()
        self.askers = {}

    def came(self, fields, data):
        asker, asked = self.askers.pop(fields[5])
        asker.reply(asked, fields[-1], data)


class Opening(ClientFactory):
    """Connects one protocol that is there already."""

    noisy = False

    def __init__(self, protocol):
        self.protocol = protocol

    def buildProtocol(self, addr):
        return self.protocol


def quiet(protocol):
    factory = Factory.forProtocol(protocol)
    factory.noisy = False
    return factory


def listen(factory):
    """Listen on a free port of the loopback, and give it."""
    return reactor.listenTCP(0, factory, backlog=1024, interface="127.0.0.1").getHost().port


def echoing_proxy():
    """The port of a new proxy on this process's reactor."""
    return listen(quiet(Echoing))


def dispatcher(proxy, multiplexed):
    """The port of a new bare dispatcher."""
    factory = quiet(Dispatching)
    if multiplexed:
        sharing = Sharing()
        reactor.connectTCP("127.0.0.1", proxy, Opening(sharing))

        def forward(serial, frame, asker, fields):
            sharing.askers[serial] = (asker, fields)
            sharing.transport.write(frame)

    else:

        def forward(serial, frame, asker, fields):
            reactor.connectTCP("127.0.0.1", proxy, Opening(Asking(frame, asker, fields)))

    factory.forward = forward
    return listen(factory)


if __name__ == "__main__":
    print(dispatcher(echoing_proxy(), sys.argv[1] == "multiplexed"), flush=True)
    sys.stdin.close()
    reactor.run()
