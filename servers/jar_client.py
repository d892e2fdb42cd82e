"""The cookie jar as the other servers see it: bare messages on its port (WEB-09)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from starwire.grammar import BuildError, Limits, Message, MetadataError, build, fold, parse
from starwire.protocol.frames import NEED_DATA
from starwire.protocol.native import NativeReader

from .customer import Customer

NOT_THERE = 6109


class JarUnreachable(Exception):
    """The cookie jar does not answer, or not in its language (HDR-11: status 106)."""


class Jar(Protocol):
    """Keys and whose sessions they are. Every call raises JarUnreachable."""

    async def customer(self, key: str) -> Customer | None:
        """Whose live session `key` is, its idle time restarted; None for nobody's."""

    async def make(self, customer: Customer) -> str:
        """The key of a new session."""

    async def drop(self, key: str) -> bool:
        """End a session; whether there was one."""


class JarClient:
    """Asks over one connection, opened when it is needed; replies come in order (TRN-05)."""

    def __init__(self, reactor: Any, host_and_port: str, limits: Limits, seconds: float) -> None:
        self._reactor = reactor
        self._host, _, self._port = host_and_port.rpartition(":")
        self._limits = limits
        self._seconds = seconds
        self._connection: _JarConnection | None = None

    async def customer(self, key: str) -> Customer | None:
        """See `Jar`."""
        try:
            question = build("CKG", [("KEY", key)])
        except BuildError:
            return None  # what no CKG can carry no jar has made (HDR-11)
        reply = await self._ask(question, "CKGA", "USERID", "ENTPID")
        return Customer(*reply) if reply else None

    async def make(self, customer: Customer) -> str:
        """See `Jar`."""
        fields = [("USERID", customer.userid), ("ENTPID", customer.entpid)]
        reply = await self._ask(build("CKM", fields), "CKMA", "KEY")
        if not reply:
            raise JarUnreachable("the jar makes no session")
        return reply[0]

    async def drop(self, key: str) -> bool:
        """See `Jar`."""
        return await self._ask(build("CKD", [("KEY", key)]), "CKDA") is not None

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.transport.abortConnection()

    async def _ask(self, question: bytes, acronym: str, *names: str) -> list[str] | None:
        """The values of those names in the answer, None where there is no such session."""
        if self._connection is None:
            self._connection = _JarConnection(self, self._limits)
            factory = _JarFactory(self._connection)
            self._reactor.connectTCP(self._host, int(self._port), factory, timeout=self._seconds)
        connection = self._connection
        answered = connection.ask(question)
        timer = self._reactor.callLater(self._seconds, connection.fail, "no reply in time")
        try:
            octets = await answered
        finally:
            if timer.active():
                timer.cancel()
        return _values(octets, acronym, names)

    def lost(self, connection: _JarConnection) -> None:
        if self._connection is connection:
            self._connection = None


def _values(octets: bytes, acronym: str, names: Sequence[str]) -> list[str] | None:
    """What the jar's answer says under each name; further parameters do not matter (CAT-02)."""
    try:
        message: Message = parse(octets)
    except MetadataError as error:
        raise JarUnreachable(f"the jar's reply is no message: {error}") from None
    code = _only(message, "ERROR")
    if message.acronym != acronym or not code:
        raise JarUnreachable(f"{octets[:64]!r} does not answer the question")
    if code == str(NOT_THERE):
        return None
    if code != "0":
        raise JarUnreachable(f"the jar answers with error {code[:10]}")
    values = [_only(message, name) for name in names]
    if not all(values):
        raise JarUnreachable(f"{octets[:64]!r} lacks {' or '.join(names)}, or has it twice")
    return values


def _only(message: Message, name: str) -> str:
    """The value of a parameter that is given once; "" otherwise."""
    found = message.body.fields.getall(fold(name))
    return found[0].value.scalar if len(found) == 1 else ""


class _JarConnection(TwistedProtocol):
    """Questions out, replies in the same order."""

    transport: Any

    def __init__(self, client: JarClient, limits: Limits) -> None:
        self._client = client
        self._reader = NativeReader(limits)
        self._waiting: deque[Deferred[bytes]] = deque()
        self._unsent: list[bytes] | None = []

    def ask(self, question: bytes) -> Deferred[bytes]:
        answered: Deferred[bytes] = Deferred()
        self._waiting.append(answered)
        if self._unsent is not None:
            self._unsent.append(question)
        else:
            self.transport.write(question)
        return answered

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        unsent, self._unsent = self._unsent or [], None
        self.transport.write(b"".join(unsent))

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while self._waiting and (reply := self._reader.next_message()) is not NEED_DATA:
                self._waiting.popleft().callback(reply)
        except MetadataError as error:
            self.fail(f"the jar's reply is no message: {error}")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.fail("the connection to the jar was lost")

    def fail(self, reason: str) -> None:
        """Nothing that was asked on this connection gets an answer."""
        self._client.lost(self)
        if self.transport is not None:
            self.transport.abortConnection()
        waiting, self._waiting = self._waiting, deque()
        for answered in waiting:
            answered.errback(JarUnreachable(reason))


class _JarFactory(ClientFactory):
    noisy = False

    def __init__(self, connection: _JarConnection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: Any) -> _JarConnection:
        return self._connection

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self._connection.fail(f"the jar cannot be reached: {reason.getErrorMessage()}")
