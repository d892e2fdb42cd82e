"""What the web server is measured beside: twisted.web over TLS, which reads a POST and replies.

`python benchmarks/bare_web.py KEY CERTIFICATE BODY_IN_HEX` prints its port.
"""

import sys

from twisted.internet import reactor, ssl
from twisted.web.resource import Resource
from twisted.web.server import Site


class Reply(Resource):
    """Reads the body, as any server of POSTs must."""

    isLeaf = True

    def __init__(self, body):
        super().__init__()
        self.body = body

    def render_POST(self, request):
        request.content.read()
        request.setHeader(b"content-type", b"application/octet-stream")
        return self.body


if __name__ == "__main__":
    key, certificate, body = sys.argv[1:]
    context = ssl.DefaultOpenSSLContextFactory(key, certificate)
    site = Site(Reply(bytes.fromhex(body)))
    port = reactor.listenSSL(0, site, context, backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    sys.stdin.close()
    reactor.run()
