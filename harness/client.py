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
import select
import socket
import ssl
from types import TracebackType
from typing import Protocol, Self

from starwire.protocol.profile import Profile, shipped
from starwire.protocol.status import MessageType, Transaction

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

_LOOPBACK = ("127.", "::1", "localhost")


class ClientError(Exception):
    """The transaction could not be done; the text says why, in one line."""


class LogonRefused(ClientError):
    """StarOE does not know the user, or not with that password."""


class _Transport(Protocol):
    def exchange(self, octets: bytes) -> Reply: ...
    def close(self) -> None: ...


class Client:
    """Speaks to one target in the layers of its kind.

    `ca` is a file of certificates to trust; without one, a loopback host is not verified (the
    emulator's certificate is its own) and any other by the system's store, unless `insecure`.
    `seconds` bounds each transaction.
    """

    def __init__(
        self,
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
        self.sent = b""
        """The octets of the last request, headers included."""
        self._envelope = envelope_for(self.target, self.profile)
        self._serials = itertools.count(1)
        if isinstance(self._envelope, WebEnvelope):
            context = _tls(self.target, self.profile, ca, insecure)
            self._transport: _Transport = _Web(self.target, self._envelope, context, seconds)
        else:
            self._transport = _Stream(self.target, self._envelope, seconds)

    def logon(self, user: str, password: str) -> Session:
        """Open a session. Raises LogonRefused, ClientError."""
        session = session_of(self._exchange(logon_letter(user, password)))
        if session is None:
            raise LogonRefused(f"{self.target} refuses user {user!r} with that password")
        self.session = session
        return session

    def logoff(self) -> Reply:
        """End the session; its key is never valid again (WEB-05)."""
        reply = self._exchange(
            Letter(b"", "STAROE", transaction=Transaction.LOGOFF, session=self.session)
        )
        self.session = NO_SESSION
        return reply

    def send(self, message: bytes, *, proxy: str = "RM", type: int = MessageType.SYNC) -> Reply:
        """One transaction. Raises ClientError if there is no reply, or none of the wire."""
        letter = Letter(message, proxy, type, session=self.session, serial=next(self._serials))
        return self._exchange(letter)

    def _exchange(self, letter: Letter) -> Reply:
        self.sent = self._envelope.wrap(letter)
        try:
            return self._transport.exchange(self.sent)
        except ssl.SSLCertVerificationError as error:
            raise ClientError(
                f"{self.target}: {error.verify_message}; give its certificate with --ca"
            ) from error
        except TimeoutError as error:
            raise ClientError(f"{self.target} does not answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            raise ClientError(f"{self.target}: {error or type(error).__name__}") from error
        except ClientError:
            raise
        except Exception as error:
            raise ClientError(f"{self.target} sends no reply of this wire: {error}") from error

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
    context = ssl.create_default_context(cafile=ca)
    if insecure or (ca is None and target.host.startswith(_LOOPBACK)):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if profile.allow_old_tls:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _has_ended(connection: socket.socket | None) -> bool:
    """Whether an idle connection was closed by the other side.

    Looked up before it is used again: a request that was lost with its connection must not be
    repeated by the client, since it may have been carried out.
    """
    if connection is None:
        return False
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable)


class _Web:
    def __init__(
        self, target: Target, envelope: WebEnvelope, context: ssl.SSLContext | None, seconds: float
    ) -> None:
        self._target = target
        self._envelope = envelope
        if context is None:
            self._http = http.client.HTTPConnection(target.host, target.port, timeout=seconds)
        else:
            self._http = http.client.HTTPSConnection(
                target.host, target.port, timeout=seconds, context=context
            )

    def exchange(self, octets: bytes) -> Reply:
        headers = {"Content-Type": "application/octet-stream"}
        if _has_ended(self._http.sock):
            self._http.close()
        try:
            self._http.request("POST", self._target.path, octets, headers)
            response = self._http.getresponse()
            body = response.read()
        except BaseException:
            self._http.close()
            raise
        if response.status != http.HTTPStatus.OK:
            said = body.decode("latin-1").strip().partition("\n")[0][:200]
            raise ClientError(f"{self._target}: HTTP {response.status} {said}".rstrip())
        return self._envelope.unwrap(body)

    def close(self) -> None:
        self._http.close()


class _Stream:
    def __init__(self, target: Target, envelope: Envelope, seconds: float) -> None:
        self._target = target
        self._envelope = envelope
        self._seconds = seconds
        self._socket: socket.socket | None = None

    def exchange(self, octets: bytes) -> Reply:
        if _has_ended(self._socket):
            self.close()
        if self._socket is None:
            address = (self._target.host, self._target.port)
            self._socket = socket.create_connection(address, timeout=self._seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return self._reply(self._socket, octets)
        except BaseException:
            self.close()
            raise

    def _reply(self, connection: socket.socket, octets: bytes) -> Reply:
        connection.sendall(octets)
        reader = self._envelope.reader()
        while data := connection.recv(65_536):
            reader.feed(data)
            reply = reader.reply()
            if reply is not None:
                return reply
        raise NotAReply("the connection was closed without a whole reply")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
