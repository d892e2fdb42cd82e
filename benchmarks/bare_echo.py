"""What proxies are measured beside: a bare Twisted server that reads frames and sends them back.

`python benchmarks/bare_echo.py` prints its port. The frame's length stands in octets 1 to 4.
"""

import struct
import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

LENGTH = struct.Struct(">I").unpack_from


class Echo(Protocol):
    """Takes whole frames out of the stream, as any server of frames must."""

    def __init__(self):
        self.held = b""

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data):
        held = self.held + data if self.held else data
        while len(held) >= 5 and len(held) >= LENGTH(held, 1)[0]:
            frame, held = held[: LENGTH(held, 1)[0]], held[LENGTH(held, 1)[0] :]
            self.transport.write(frame)
        self.held = held


if __name__ == "__main__":
    port = reactor.listenTCP(0, Factory.forProtocol(Echo), backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    sys.stdin.close()
    reactor.run()
