"""What a whole HTTPS transaction is measured beside, too: bare servers with the same hops.

`python benchmarks/bare_web_chain.py KEY CERTIFICATE legacy|multiplexed` runs, in one process, a
twisted.web server with TLS in front of the dispatcher and the proxy of `bare_chain.py`, and prints
its port. The legacy front opens a connection to the dispatcher for each POST; the multiplexed one
keeps its connections, one POST at a time on each. Nothing is checked.
"""

import sys

from bare_chain import DISPATCHER, Framed, Opening, dispatcher, echoing_proxy
from twisted.internet import reactor, ssl
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

WEB_HEADER = 33


class Fetching(Framed):
    """The front's side towards the dispatcher."""

    codec = DISPATCHER

    def __init__(self, front):
        super().__init__()
        self.front = front

    def ask(self, request, body):
        self.request, self.body = request, body
        if self.connected:
            self.transport.write(body[WEB_HEADER:])

    def connectionMade(self):
        super().connectionMade()
        self.transport.write(self.body[WEB_HEADER:])

    def came(self, fields, data):
        reply = DISPATCHER.pack(*fields) + data
        request, self.request = self.request, None
        self.front.done(self)
        request.setHeader(b"content-type", b"application/octet-stream")
        request.setHeader(b"content-length", b"%d" % (WEB_HEADER + len(reply)))
        request.write(self.body[:WEB_HEADER] + reply)
        request.finish()


class Front(Resource):
    """Passes each POST on."""

    isLeaf = True

    def __init__(self, port, keeps):
        super().__init__()
        self.port, self.keeps, self.unused = port, keeps, []

    def render_POST(self, request):
        body = request.content.read()
        if self.unused:
            self.unused.pop().ask(request, body)
        else:
            fetching = Fetching(self)
            fetching.ask(request, body)
            reactor.connectTCP("127.0.0.1", self.port, Opening(fetching))
        return NOT_DONE_YET

    def done(self, fetching):
        if self.keeps:
            self.unused.append(fetching)
        else:
            fetching.transport.loseConnection()


if __name__ == "__main__":
    key, certificate, way = sys.argv[1:]
    kept = way == "multiplexed"
    front = Front(dispatcher(echoing_proxy(), kept), kept)
    context = ssl.DefaultOpenSSLContextFactory(key, certificate)
    port = reactor.listenSSL(0, Site(front), context, backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    sys.stdin.close()
    reactor.run()
