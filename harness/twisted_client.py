"""The client for programs that run on Twisted: the same calls, each giving a Deferred.

client = TwistedClient(reactor, "https://127.0.0.1:8443/nmci")
yield client.logon("jeanvnet2", "interact")
reply = yield client.send(b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>", proxy="RM")
"""

from __future__ import annotations

import itertools
from io import BytesIO
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from starwire.protocol.profile import Profile, shipped
from starwire.protocol.status import MessageType, Transaction

from .client import ClientError, LogonRefused
from .envelopes import (
    NO_SESSION,
    Envelope,
    Letter,
    NotAReply,
    Reply,
    Session,
    WebEnvelope,
    envelope_for,
    logon_letter,
    session_of,
)
from .target import Target, parse_target


class TwistedClient:
    """Speaks to one target. `ca`, `insecure` and `seconds` are those of `client.Client`."""

    def __init__(
        self,
        reactor: Any,
        target: str | Target,
        *,
        profile: Profile | None = None,
        ca: str | None = None,
        insecure: bool = False,
        seconds: float = 60.0,
    ) -> None:
        self.profile = profile or shipped("default")
        self.target = (
            target
            if isinstance(target, Target)
            else parse_target(target, web_path=self.profile.web_path)
        )
        self.session = NO_SESSION
        self._reactor = reactor
        self._envelope = envelope_for(self.target, self.profile)
        self._serials = itertools.count(1)
        self._seconds = seconds
        self._pool = HTTPConnectionPool(reactor, persistent=True)
        self._pool.retryAutomatically = False
        self._agent = Agent(
            reactor,
            _Policy(self.target, ca, insecure),
            connectTimeout=seconds,
            pool=self._pool,
        )

    def logon(self, user: str, password: str) -> Deferred[Session]:
        """Open a session; fails with LogonRefused or ClientError."""
        return Deferred.fromCoroutine(self._logon(user, password))

    async def _logon(self, user: str, password: str) -> Session:
        session = session_of(await self._exchange(logon_letter(user, password)))
        if session is None:
            raise LogonRefused(f"{self.target} refuses user {user!r} with that password")
        self.session = session
        return session

    def logoff(self) -> Deferred[Reply]:
        """End the session."""
        session, self.session = self.session, NO_SESSION
        letter = Letter(b"", "STAROE", transaction=Transaction.LOGOFF, session=session)
        return Deferred.fromCoroutine(self._exchange(letter))

    def send(
        self, message: bytes, *, proxy: str = "RM", type: int = MessageType.SYNC
    ) -> Deferred[Reply]:
        """One transaction; fails with ClientError."""
        letter = Letter(message, proxy, type, session=self.session, serial=next(self._serials))
        return Deferred.fromCoroutine(self._exchange(letter))

    def close(self) -> Deferred[Any]:
        """Close the connections that are kept."""
        closed: Deferred[Any] = self._pool.closeCachedConnections()
        return closed

    async def _exchange(self, letter: Letter) -> Reply:
        octets = self._envelope.wrap(letter)
        if isinstance(self._envelope, WebEnvelope):
            working = Deferred.fromCoroutine(self._post(self._envelope, octets))
        else:
            working = self._stream(octets)
        working.addTimeout(self._seconds, self._reactor)
        try:
            return await working
        except ClientError:
            raise
        except Exception as error:
            raise ClientError(f"{self.target}: {error or type(error).__name__}") from error

    async def _post(self, envelope: WebEnvelope, octets: bytes) -> Reply:
        scheme, host = self.target.kind, self.target.host
        url = f"{scheme}://{host}:{self.target.port}{self.target.path}".encode()
        headers = Headers({b"Content-Type": [b"application/octet-stream"]})
        response = await self._agent.request(
            b"POST", url, headers, cast(Any, FileBodyProducer(BytesIO(octets)))
        )
        body = await readBody(response)
        if response.code != 200:
            raise ClientError(f"{self.target}: HTTP {response.code} {body[:200]!r}")
        return envelope.unwrap(body)

    def _stream(self, octets: bytes) -> Deferred[Reply]:
        protocol = _Once(self._envelope, octets)
        self._reactor.connectTCP(
            self.target.host, self.target.port, _OnceFactory(protocol), self._seconds
        )
        return protocol.done


class _Once(Protocol):
    """One connection, one transaction."""

    transport: Any

    def __init__(self, envelope: Envelope, octets: bytes) -> None:
        self.done: Deferred[Reply] = Deferred(lambda _: self.transport.abortConnection())
        self._reader = envelope.reader()
        self._octets = octets

    def connectionMade(self) -> None:
        self.transport.write(self._octets)

    def dataReceived(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            reply = self._reader.reply()
        except Exception:
            self.fail(Failure())
            self.transport.abortConnection()
            return
        if reply is not None and not self.done.called:
            self.done.callback(reply)
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.fail(Failure(NotAReply("the connection was closed without a whole reply")))

    def fail(self, reason: Failure) -> None:
        if not self.done.called:
            self.done.errback(reason)


class _OnceFactory(ClientFactory):
    noisy = False

    def __init__(self, protocol: _Once) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> Any:
        return self._protocol

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self._protocol.fail(reason)


@implementer(IPolicyForHTTPS)
class _Policy:
    """Verifies as `client.Client` does."""

    def __init__(self, target: Target, ca: str | None, insecure: bool) -> None:
        self._verified = not insecure and not (
            ca is None and target.host.startswith(("127.", "::1", "localhost"))
        )
        self._ca = ca

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        if not self._verified:
            return _Unverified()
        root = None
        if self._ca is not None:
            from twisted.internet.ssl import Certificate

            with open(self._ca, "rb") as file:
                root = trustRootFromCertificates([Certificate.loadPEM(file.read())])
        return optionsForClientTLS(hostname.decode(), trustRoot=root)


class _Unverified:
    """Makes TLS connections to anybody."""

    def __init__(self) -> None:
        self._context = CertificateOptions(verify=False).getContext()

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        from OpenSSL import SSL

        return SSL.Connection(self._context, None)
