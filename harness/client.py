"""The blocking client: one call, one transaction.

    >>> with Client("https://127.0.0.1:8443/nmci") as client:       # doctest: +SKIP
    ...     client.logon("jeanvnet2", "interact")
    ...     reply = client.send(b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>", proxy="RM")
    ...     reply.status, reply.message()["ERROR"].value.scalar
    (0, '0')

It keeps its connection as long as the other side does. For Twisted see `twisted_client`.
"""

from __future__ import annotations

import http.client
import itertools
import socket
import ssl
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from starwire.protocol.bulk import Asked, Cancel, Hash, Open, Resume
from starwire.protocol.profile import Profile, shipped
from starwire.protocol.sealing import LinkKeys, SealedLink
from starwire.protocol.status import MessageType, Transaction

from .bulk import Line, StreamLine, Transfer, WebLine, bulk_letter
from .deadline import TimedConnection
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
    no_certificates,
    why,
)
from .sealed import SealedConnection, link_for
from .target import Target, parse_target

__all__ = ["Client", "ClientError", "LogonRefused"]


_T = TypeVar("_T")

_ON_THEIR_OWN = (MessageType.REQUEST, MessageType.POLL)
"""Types behind whose reply a proxy closes the connection (TRN-02)."""


class _Transport(Protocol):
    def exchange(self, octets: bytes) -> Reply: ...
    def close(self) -> None: ...


class Client:
    """Speaks to one target in the layers of its kind.

    `ca` is a file of certificates to trust; without one, a loopback host is not verified (the
    emulator's certificate is its own) and any other by the system's store, unless `insecure`.
    `seconds` bounds each transaction; `link_keys` are for inner hops that are sealed.
    Raises TargetError for a target that names no place,
    ClientError for a `ca` that holds no certificate.
    """

    def __init__(
        self,
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
        self.sent = b""
        """The octets of the last request, headers included."""
        self.received: Reply | None = None
        """What answered it."""
        self._envelope = envelope_for(self.target, self.profile)
        self.layers = self._envelope.layers
        """The codecs of the headers before a message, outermost first."""
        self._serials = itertools.count(1)
        tls = _tls(self.target, self.profile, ca, insecure)
        connect = _Connector(
            self.target, tls, seconds, partial(link_for, self.target, link_keys, self.profile)
        )
        self._transport: _Transport
        if isinstance(self._envelope, WebEnvelope):
            self._transport = _Web(connect, self._envelope)
            path = self.target.path
            self._line: Callable[[], Line] = lambda: WebLine(
                connect.open, seconds, connect.http(), path
            )
        else:
            self._transport = _Stream(connect, self._envelope)
            self._line = lambda: StreamLine(connect.open, seconds)

    def logon(self, user: str, password: str) -> Session:
        """Open a session. Raises LogonRefused, ClientError."""
        if not self.target.is_web:
            raise ClientError(f"{self.target} takes no logon: only https and http targets do")
        session = self._do(lambda: session_of(self._exchange(logon_letter(user, password))))
        if session is None:
            raise LogonRefused(f"{self.target} refuses user {user!r} with that password")
        self.session = session
        return session

    def logoff(self) -> Reply:
        """End the session; its key is never valid again (WEB-05)."""
        letter = Letter(b"", "STAROE", transaction=Transaction.LOGOFF, session=self.session)
        reply = self._do(lambda: self._exchange(letter))
        self.session = NO_SESSION
        return reply

    def send(self, message: bytes, *, proxy: str = "RM", type: int = MessageType.SYNC) -> Reply:
        """One transaction. Raises ClientError if there is no reply, or none of the wire."""
        letter = Letter(message, proxy, type, session=self.session, serial=next(self._serials))
        reply = self._do(lambda: self._exchange(letter))
        if self.target.kind == "proxy" and type in _ON_THEIR_OWN:
            self.close()  # as the proxy does: the next poll has a connection of its own
        return reply

    def open(self, message: bytes, *, proxy: str = "INBOX") -> Transfer:
        """Begin a bulk transfer of what the message asks for, on a connection of its own."""
        return self._run(Open(message), proxy, None)

    def resume(
        self, transfer: int, offset: int, *, proxy: str = "INBOX", hashed: Hash | None = None
    ) -> Transfer:
        """Go on with a transfer. `hashed`, a SHA-256 that has seen the octets before the offset,
        is needed to verify the whole; from the first octet on it is not.
        """
        return self._run(Resume(transfer, offset), proxy, hashed)

    def cancel(self, transfer: int, *, proxy: str = "INBOX") -> Reply:
        """End whatever run of the transfer there is, on any connection; the reply's status is 5."""
        serial, asked = next(self._serials), Cancel(transfer)
        return self._do(lambda: self._exchange(self._letter(proxy, serial, asked)))

    def _letter(self, proxy: str, serial: int, asked: Asked) -> Letter:
        return bulk_letter(self.profile, asked, proxy, self.session, serial)

    def _run(self, asked: Asked, proxy: str, hashed: Hash | None) -> Transfer:
        if self.target.kind == "native":
            raise ClientError(f"{self.target}: bare messages have no bulk transport")
        letter = partial(self._letter, proxy, next(self._serials))
        made = self._do(
            lambda: Transfer(
                self._line, self._envelope, self.profile, self.target, asked, letter, hashed
            )
        )
        self.sent, self.received = made.sent, None
        return made

    def _exchange(self, letter: Letter) -> Reply:
        self.sent, self.received = self._envelope.wrap(letter), None
        self.received = self._transport.exchange(self.sent)
        return self.received

    def _do(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except (*UNSENDABLE, *NO_REPLY, *NO_CONNECTION) as error:
            raise ClientError(f"{self.target}: {why(error)}") from error

    def close(self) -> None:
        """Close the connection; the session stays."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _tls(target: Target, profile: Profile, ca: str | None, insecure: bool) -> ssl.SSLContext | None:
    if target.kind != "https":
        return None
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise no_certificates(str(ca), None) from None
    except OSError as error:
        raise no_certificates(str(ca), error) from None
    if insecure or (ca is None and target.is_loopback):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if profile.allow_old_tls:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


class _Connector:
    """Opens connections to a target, and gives each transaction its time."""

    def __init__(
        self,
        target: Target,
        tls: ssl.SSLContext | None,
        seconds: float,
        new_link: Callable[[], SealedLink | None],
    ) -> None:
        self.target = target
        self._new_link = new_link
        self.seconds = seconds
        self._tls = tls

    def open(self) -> TimedConnection | SealedConnection:
        host, port = self.target.host, self.target.port
        connection = socket.create_connection((host, port), timeout=self.seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_hostname=host)
        timed, link = TimedConnection(connection, self.seconds), self._new_link()
        return timed if link is None else SealedConnection(timed, link)

    def http(self) -> http.client.HTTPConnection:
        """What speaks HTTP over such a connection, which it is given."""
        made = http.client.HTTPConnection(self.target.host, self.target.port)
        # The port that the Host header leaves out.
        made.default_port = 443 if self.target.kind == "https" else 80
        return made

    def ready(
        self, held: TimedConnection | SealedConnection | None
    ) -> TimedConnection | SealedConnection:
        """The connection that is held if it may be used again, else a new one.

        It may not if the other side has closed it: that is looked up before, since a request that
        was lost with its connection must not be repeated, for it may have been carried out. Nor if
        octets wait there, which would be taken for the next reply.
        """
        if held is None or held.is_readable():
            if held is not None:
                held.close()
            return self.open()
        held.allow(self.seconds)
        return held


class _Web:
    def __init__(self, connect: _Connector, envelope: WebEnvelope) -> None:
        self._connect = connect
        self._envelope = envelope
        self._http = connect.http()

    def exchange(self, octets: bytes) -> Reply:
        headers = {"Content-Type": "application/octet-stream"}
        held: Any = self._http.sock
        ready: Any = self._connect.ready(held)
        self._http.sock = ready
        try:
            self._http.request("POST", self._connect.target.path, octets, headers)
            response = self._http.getresponse()
            body = self._body(response)
        except BaseException:
            self._http.close()
            raise
        if not response.isclosed():
            # What is left of a body that is too long cannot be told from the next reply.
            self._http.close()
        if response.status != http.HTTPStatus.OK:
            raise NotOk(response.status, body)
        return self._envelope.unwrap(body)

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        """All of it, and not more than one octet too many."""
        longest = self._envelope.longest
        if response.length is None:
            return response.read(longest + 1)
        if response.length > longest:
            raise NotAReply(f"a body of {response.length} octets, at most {longest} are allowed")
        return response.read()

    def close(self) -> None:
        self._http.close()


class _Stream:
    def __init__(self, connect: _Connector, envelope: Envelope) -> None:
        self._connect = connect
        self._envelope = envelope
        self._connection: TimedConnection | SealedConnection | None = None

    def exchange(self, octets: bytes) -> Reply:
        self._connection = self._connect.ready(self._connection)
        try:
            return self._reply(self._connection, octets)
        except BaseException:
            self.close()
            raise

    def _reply(self, connection: TimedConnection | SealedConnection, octets: bytes) -> Reply:
        connection.sendall(octets)
        reader = self._envelope.reader()
        while data := connection.recv(65_536):
            reader.feed(data)
            reply = reader.reply()
            if reply is not None:
                return reply
        raise NotAReply("the connection was closed without a whole reply")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
