"""A proxy that answers every frame with its own data, and tells every serial that came twice.

`python recording_proxy.py` prints its port; on SIGTERM it prints what it saw, as JSON.
"""

import json
import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from starwire.protocol.frames import NEED_DATA, FrameReader
from starwire.protocol.headers import reply_frame
from starwire.protocol.profile import shipped

PROFILE = shipped("default")
CODEC = PROFILE.wire.common


class Recording(Protocol):
    """One dispatcher's connection."""

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        self.reader = FrameReader(CODEC, PROFILE)

    def dataReceived(self, data):
        self.reader.feed(data)
        while (frame := self.reader.next_frame()) is not NEED_DATA:
            header, seen = frame.header, self.factory.seen
            if header.serial in seen:
                self.factory.repeated.append(header.serial)
            seen.add(header.serial)
            self.factory.echoes += bool(header.echo)
            octets = frame.octets if header.echo else reply_frame(CODEC, header, 0, frame.data)
            self.transport.write(octets)


def main():
    factory = Factory.forProtocol(Recording)
    factory.noisy = False
    factory.seen, factory.repeated, factory.echoes = set(), [], 0
    port = reactor.listenTCP(0, factory, backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()
    told = {"serials": len(factory.seen), "repeated": factory.repeated, "echoes": factory.echoes}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    sys.exit(main())
