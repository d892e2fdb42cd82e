"""The client for programs that run on Twisted: the same calls, each giving a Deferred.

client = TwistedClient(reactor, "https://127.0.0.1:8443/nmci")
yield client.logon("jeanvnet2", "interact")
reply = yield client.send(b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>", proxy="RM")
"""

from __future__ import annotations

import http.client
import itertools
import socket
from collections.abc import Coroutine
from functools import partial
from io import BytesIO
from typing import Any, TypeVar

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    UnknownHostError,
    UserError,
)
from twisted.internet.error import ConnectionRefusedError as RefusedByPeer
from twisted.internet.error import TimeoutError as TimedOutConnecting
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import ParseError
from twisted.web.client import (
    Agent,
    FileBodyProducer,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from starwire.protocol.bulk import Asked, Cancel, Hash, Open, Resume
from starwire.protocol.profile import Profile, shipped
from starwire.protocol.sealing import LinkKeys, SealedLink
from starwire.protocol.status import MessageType, Transaction

from .bulk import Fetched, Incoming, NotARun, TransferLost, bulk_letter
from .envelopes import (
    NO_SESSION,
    Envelope,
    Letter,
    Reply,
    Session,
    WebEnvelope,
    envelope_for,
    logon_letter,
    session_of,
)
from .failures import (
    NO_CONNECTION,
    NO_REPLY,
    UNSENDABLE,
    ClientError,
    LogonRefused,
    NotAReply,
    NotOk,
    no_tls,
    untrusted,
    why,
)
from .sealed import Outbound, link_for
from .target import Target, parse_target
from .twisted_bulk import BulkReceiver, Deliver
from .twisted_tls import Policy

_T = TypeVar("_T")


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
        link_keys: LinkKeys | None = None,
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
        self._new_link = partial(link_for, self.target, link_keys, self.profile)
        self._pool = HTTPConnectionPool(reactor, persistent=True)
        # A request that was lost with its connection may have been carried out.
        self._pool.retryAutomatically = False
        policy = Policy(self.target, self.profile, ca, insecure)
        self._agent = Agent(reactor, policy, connectTimeout=seconds, pool=self._pool)

    def logon(self, user: str, password: str) -> Deferred[Session]:
        """Open a session; fails with LogonRefused or ClientError."""
        return self._do(self._logon(user, password))

    async def _logon(self, user: str, password: str) -> Session:
        if not self.target.is_web:
            raise ClientError(f"{self.target} takes no logon: only https and http targets do")
        session = session_of(await self._exchange(logon_letter(user, password)))
        if session is None:
            raise LogonRefused(f"{self.target} refuses user {user!r} with that password")
        self.session = session
        return session

    def logoff(self) -> Deferred[Reply]:
        """End the session; its key is never valid again (WEB-05)."""
        return self._do(self._logoff())

    async def _logoff(self) -> Reply:
        letter = Letter(b"", "STAROE", transaction=Transaction.LOGOFF, session=self.session)
        reply = await self._exchange(letter)
        self.session = NO_SESSION
        return reply

    def send(
        self, message: bytes, *, proxy: str = "RM", type: int = MessageType.SYNC
    ) -> Deferred[Reply]:
        """One transaction; fails with ClientError if there is no reply, or none of the wire."""
        letter = Letter(message, proxy, type, session=self.session, serial=next(self._serials))
        return self._do(self._exchange(letter))

    def open(self, message: bytes, deliver: Deliver, *, proxy: str = "INBOX") -> Deferred[Fetched]:
        """A bulk transfer of what the message asks for: `deliver` takes its octets as they come,
        and may give a Deferred, until which nothing more is read. Fails with TransferLost or
        ClientError; to cancel the Deferred is to close the connection.
        """
        return self._do(self._run(Open(message), deliver, proxy, None))

    def resume(
        self,
        transfer: int,
        offset: int,
        deliver: Deliver,
        *,
        proxy: str = "INBOX",
        hashed: Hash | None = None,
    ) -> Deferred[Fetched]:
        """As `client.Client.resume`."""
        return self._do(self._run(Resume(transfer, offset), deliver, proxy, hashed))

    def cancel(self, transfer: int, *, proxy: str = "INBOX") -> Deferred[Reply]:
        """End whatever run of the transfer there is; the reply's status is 5."""
        return self._do(self._cancel(transfer, proxy))

    async def _cancel(self, transfer: int, proxy: str) -> Reply:
        return await self._exchange(self._bulk_letter(Cancel(transfer), proxy))

    def _bulk_letter(self, asked: Asked, proxy: str) -> Letter:
        return bulk_letter(self.profile, asked, proxy, self.session, next(self._serials))

    async def _run(
        self, asked: Asked, deliver: Deliver, proxy: str, hashed: Hash | None
    ) -> Fetched:
        if self.target.kind == "native":
            raise ClientError(f"{self.target}: bare messages have no bulk transport")
        is_web, is_proxy = self.target.is_web, self.target.kind == "proxy"
        incoming = Incoming(
            self.profile, is_web=is_web, is_proxy=is_proxy, asked=asked, hashed=hashed
        )
        octets = self._envelope.wrap(self._bulk_letter(asked, proxy))
        receiver = BulkReceiver(self._reactor, incoming, deliver, self._seconds)
        if is_web:
            response: Any = await self._request(octets)
            if response.code != 200:
                raise NotOk(response.code, b"")
            response.deliverBody(receiver)
        else:
            receiver.outbound = Outbound(self._new_link(), octets)
            host, port = self.target.host, self.target.port
            self._reactor.connectTCP(host, port, _OnceFactory(receiver), self._seconds)
        try:
            return await receiver.done
        except _EXPLAINED as error:
            reason, worthless = f"{self.target}: {_why(error)}", isinstance(error, NotARun)
            run = incoming.run
            raise TransferLost(reason, run.transfer, run.offset, worthless=worthless) from error

    def close(self) -> Deferred[Any]:
        """Close the connections that are kept."""
        closed: Deferred[Any] = self._pool.closeCachedConnections()
        return closed

    def _do(self, action: Coroutine[Deferred[Any], Any, _T]) -> Deferred[_T]:
        return Deferred.fromCoroutine(self._explained(action))

    async def _explained(self, action: Coroutine[Deferred[Any], Any, _T]) -> _T:
        try:
            return await action
        except _EXPLAINED as error:
            raise ClientError(f"{self.target}: {_why(error)}") from error

    async def _exchange(self, letter: Letter) -> Reply:
        octets = self._envelope.wrap(letter)
        if isinstance(self._envelope, WebEnvelope):
            working = Deferred.fromCoroutine(self._post(self._envelope, octets))
        else:
            working = self._stream(self._envelope, octets)
        working.addTimeout(self._seconds, self._reactor)
        return await working

    async def _request(self, octets: bytes) -> Any:
        """The response to a POST, as far as its headers."""
        headers = Headers({b"Content-Type": [b"application/octet-stream"]})
        producer: Any = FileBodyProducer(BytesIO(octets))
        url = str(self.target).encode()
        return await self._agent.request(b"POST", url, headers, producer)

    async def _post(self, envelope: WebEnvelope, octets: bytes) -> Reply:
        response = await self._request(octets)
        body = _Body(envelope.longest)
        response.deliverBody(body)
        received = await body.done
        if response.code != 200:
            raise NotOk(response.code, received)
        return envelope.unwrap(received)

    def _stream(self, envelope: Envelope, octets: bytes) -> Deferred[Reply]:
        once = _Once(envelope, octets, self._new_link())
        host, port = self.target.host, self.target.port
        self._reactor.connectTCP(host, port, _OnceFactory(once), self._seconds)
        return once.done


_SAME_AS: tuple[tuple[type[Exception], Exception], ...] = (
    (RefusedByPeer, ConnectionRefusedError()),
    (DNSLookupError, socket.gaierror()),
    (UnknownHostError, socket.gaierror()),
    (TimedOutConnecting, TimeoutError()),
    (UserError, TimeoutError()),
    (DeferredTimeout, TimeoutError()),
    (ConnectionClosed, ConnectionResetError()),
    (ResponseDone, ConnectionResetError()),
)
"""What Twisted raises, and what a socket raises for the same mishap."""

_EXPLAINED: tuple[type[Exception], ...] = (
    *UNSENDABLE,
    *NO_REPLY,
    *NO_CONNECTION,
    *(kind for kind, _ in _SAME_AS),
    ConnectError,
    ResponseFailed,
    RequestTransmissionFailed,
    ParseError,
    SSL.Error,
    VerificationError,
)


def _why(error: Exception) -> str:
    """The words of the blocking client for the same mishap."""
    if isinstance(error, (ResponseFailed, RequestTransmissionFailed)):
        # The first reason is what happened to the connection; others are its consequences.
        first = error.reasons[0].value
        return _why(TimeoutError() if isinstance(first, CancelledError) else first)
    for kind, same in _SAME_AS:
        if isinstance(error, kind):
            return why(same)
    if isinstance(error, ParseError):
        return why(http.client.BadStatusLine(f"{error.data!r}"))
    if isinstance(error, SSL.Error):
        reason = error.args[0][-1][-1] if error.args and error.args[0] else "closed"
        return untrusted(reason) if "certificate" in reason else no_tls(reason)
    if isinstance(error, VerificationError):
        return untrusted("it is for another host")
    return why(error)


class _Body(Protocol):
    """All of a response's body, and not much more than the longest that is allowed."""

    transport: Any

    def __init__(self, longest: int) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self.transport.abortConnection())
        self._longest = longest
        self._received = bytearray()

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > self._longest and not self.done.called:
            self.done.callback(bytes(self._received))
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        # A body without a length ends with its connection: PotentialDataLoss.
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(bytes(self._received))
        else:
            self.done.errback(http.client.IncompleteRead(bytes(self._received)))


class _Once(Protocol):
    """One connection, one transaction."""

    transport: Any

    def __init__(self, envelope: Envelope, octets: bytes, link: SealedLink | None) -> None:
        self.done: Deferred[Reply] = Deferred(self._cancel)
        self._outbound = Outbound(link, octets)
        self.connector: Any = None
        self._reader = envelope.reader()

    def _cancel(self, _: Any) -> None:
        if self.transport is None:
            self.connector.stopConnecting()
        else:
            self.transport.abortConnection()

    def connectionMade(self) -> None:
        self.transport.write(self._outbound.begin())

    def dataReceived(self, data: bytes) -> None:
        if self.done.called:
            return
        try:
            for octets in self._outbound.opened(data, self.transport.write):
                self._reader.feed(octets)
            reply = self._reader.reply()
        except NO_REPLY:
            self.fail(Failure())
            self.transport.abortConnection()
            return
        if reply is not None:
            self.done.callback(reply)
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.fail(Failure(NotAReply("the connection was closed without a whole reply")))

    def fail(self, reason: Failure) -> None:
        if not self.done.called:
            self.done.errback(reason)


class _OnceFactory(ClientFactory):
    noisy = False

    def __init__(self, once: _Once | BulkReceiver) -> None:
        self._once = once

    def startedConnecting(self, connector: Any) -> None:
        self._once.connector = connector

    def buildProtocol(self, addr: Any) -> Any:
        return self._once

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self._once.fail(reason)
