"""The Twisted side of every server that reads frames or bare messages: feed, pull, answer, write.

One `Answering` protocol serves the dispatcher, the proxies, the native ports and the cookie jar.
What differs is a reader (octets in, requests out) and an async function (a request in, an Answer
out). Requests of one connection are answered in order (TRN-01, TRN-05), so the next is pulled when
the one before is answered; a peer that sends on meanwhile, or does not read, is paused. Only while
a body goes out is the reader pulled before its turn, since a cancel must overtake (TRN-03). Where a
port lets requests share their connection (DSP-04), so many of them are under way at a time, and
each is answered when it is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from .answering import Answer, Answerer, Hop
from .driving import Driven
from .holding import Holding
from .manner import Manner, Piecemeal
from .outflow import Body, Outflow
from .reading import Reader, Refused
from .silence import Patience, Silence
from .trail import Trail, address

_HELD_WHILE_BUSY = 65_536
"""Octets that a connection may send ahead of the answer under way before it is paused."""
_LINGER = 2.0
"""Seconds for which a closing side still reads: closing over unread octets would destroy the
answer on its way (TCP sends a reset), and with it the reason."""
SHARED = 64
"""Requests under way at a time on a connection that they share (DSP-04)."""


class AnsweringFactory(Factory):
    """A server's port: what its connections share."""

    noisy = False

    def __init__(
        self,
        name: str,
        reactor: Any,
        make_reader: Callable[[], Reader],
        answer: Answerer,
        *,
        patience: Patience,
        trail: Trail,
        admits: Callable[[str], bool] = lambda host: True,
        shares: Callable[[Any], bool] | None = None,
        most_connections: int = 0,
        holding: Holding | None = None,
    ) -> None:
        """`shares` tells the requests that may be answered before one that came earlier on their
        connection; without it none may. Of more connections than `most_connections`, 0 for any
        number, the requests are marked, and at twice as many no more are accepted.
        """
        self.name = name
        self.reactor = reactor
        self.answer = answer
        self.patience = patience
        self.trail = trail
        self.logger = Logger(namespace=f"starwire.{name}")
        self.connections: set[Answering] = set()
        self._make_reader = make_reader
        self._admits = admits
        self._shares = shares
        self._most = most_connections
        self.holding = holding or Holding(2**63)

    @property
    def is_exceeded(self) -> bool:
        """Whether there are more connections than the port takes."""
        return 0 < self._most < len(self.connections)

    def buildProtocol(self, addr: Any) -> Any:
        if not self._admits(addr.host):
            self.log("not-admitted", peer=address(addr))
            return None
        if self._most and len(self.connections) >= 2 * self._most:
            self.log("too-many", peer=address(addr))
            return None
        return Answering(self, self._make_reader(), self.patience, self._shares)

    def log(self, event: str, **facts: Any) -> None:
        self.trail.line(self.name, "-", {"event": event, **facts})

    def abort(self) -> None:
        """Close every connection at once."""
        for connection in list(self.connections):
            connection.transport.abortConnection()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self.connections)

    @property
    def busy(self) -> bool:
        """Whether an answer is under way on any connection."""
        return any(connection.busy for connection in self.connections)


@implementer(IHalfCloseableProtocol, IPushProducer)
class Answering(TwistedProtocol):
    """One connection of a server."""

    factory: AnsweringFactory
    transport: Any

    def __init__(
        self,
        factory: AnsweringFactory,
        reader: Reader,
        patience: Patience,
        shares: Callable[[Any], bool] | None,
    ) -> None:
        self.factory = factory
        self._reader = reader
        self._tap = reader.tap
        self._patience = patience
        self._shares = shares
        self._most = SHARED if shares else 1
        self._under_way: set[Any] = set()
        """The answers being made or sent; each can be cancelled."""
        self._alone = False
        """Whether nothing may be begun beside what is under way."""
        self._outflow: Outflow | None = None
        self._held: Any = None
        """A request that was pulled and waits for the end of what is under way."""
        self._frames = 0
        self._behind = b""
        """An answer that goes out behind the next."""
        self._queue: list[Answer] = []
        """Answers that are ready while another goes out piece by piece."""
        self._paused = False
        self._pulling = False
        self._in_middle = False
        self._blocked = False
        self._counted = 0
        """Octets that are part of `factory.holding`."""
        self._unread = 0
        """Octets of the last answers, of which the peer has not read all where it is blocked."""
        self._excess = False
        self._peer_ended = False
        self._closing = False
        self._peer = ""
        self._silence = Silence(factory.reactor, self._too_long)

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    @property
    def _full(self) -> bool:
        """Whether nothing more may be begun now."""
        if self._blocked:
            return True
        return bool(self._under_way) and (self._alone or len(self._under_way) >= self._most)

    # What Twisted calls.

    def connectionMade(self) -> None:
        self.factory.connections.add(self)
        self._excess = self.factory.is_exceeded
        self._peer = address(self.transport.getPeer())
        if self._tap is not None:
            self._tap.opened(self._peer, address(self.transport.getHost()))
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        if self._reader.greeting:
            self.transport.write(self._reader.greeting)
        self._silence.wait(self._patience.idle)

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            if self._tap is not None:
                self._tap.unread(data)
            return
        self._reader.feed(data)
        if self._full:
            if self._outflow is not None:
                self._overtake(self._outflow)
            if not self._paused and self._reader.held > _HELD_WHILE_BUSY:
                self._paused = True
                self.transport.pauseProducing()
        else:
            self._advance()

    def readConnectionLost(self) -> None:
        """The peer has closed its side: what it asked before is still answered (HDR-04)."""
        self._peer_ended = True
        if self._tap is not None:
            self._tap.ended("client", "")
        if self._closing:
            self.transport.loseConnection()
        else:
            self._advance()

    def writeConnectionLost(self) -> None:
        """Our last words have gone out; what the peer still sends is read and dropped."""
        self._silence.end(_LINGER, self.transport.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.connections.discard(self)
        self._hold(0)
        self._silence.stop()
        if not self._closing and self._reader.in_the_middle:
            self.factory.log("cut-off", peer=self._peer)
        if self._tap is not None:
            self._tap.closed(reason)
        self._closing = True
        for work in list(self._under_way):
            work.cancel()

    def pauseProducing(self) -> None:
        """The peer does not read: nothing more is answered until it does."""
        self._blocked = True
        self._hold(self._unread)
        if self._outflow is not None:
            self._outflow.pauseProducing()
        self._silence.wait(self._patience.idle)

    def resumeProducing(self) -> None:
        self._blocked = False
        self._hold(0)
        self._silence.rest()
        if self._outflow is not None:
            self._outflow.resumeProducing()
            return
        self._advance()

    def stopProducing(self) -> None:
        self._blocked = True

    # The way of one request.

    def _advance(self) -> None:
        """Answer what is held, until something has to be waited for."""
        if self._pulling:
            return
        self._pulling = True
        try:
            while not (self._closing or self._blocked or (self._under_way and self._full)):
                request = self._reader.pull() if self._held is None else self._held
                if request is None:
                    self._await_more()
                    break
                self._held = None
                self._answer(request)
        except Refused as refused:
            self._refuse(refused)
        finally:
            self._pulling = False

    def _await_more(self) -> None:
        self._resume_reading()
        if self._peer_ended:
            if self._under_way:
                return
            if self._reader.in_the_middle:
                self.factory.log("cut-off", peer=self._peer)
            self._end(self._reader.finish(), "the client ended")
        elif not self._reader.in_the_middle:
            self._in_middle = False
            self._silence.wait(0 if self._under_way else self._patience.idle)
        elif not self._in_middle:
            # Counted once, from the first octet: a peer that drips would otherwise stay for ever.
            self._in_middle = True
            self._silence.wait(self._patience.mid_frame)
        if self._in_middle:
            self._hold_unfinished()

    def _hold_unfinished(self) -> None:
        """Count what is held of an unfinished request; refuse it if that is too much for all."""
        self._hold(self._reader.held)
        if self.factory.holding.is_over and self._counted > _HELD_WHILE_BUSY:
            raise Refused(self._reader.overloaded(), "the process holds too much")

    def _hold(self, octets: int) -> None:
        self.factory.holding.octets += octets - self._counted
        self._counted = octets

    def _refuse(self, refused: Refused) -> None:
        """Say so behind the answers that are owed; the reader raises it again until then."""
        if self._under_way:
            self._alone = True
            self._silence.rest()
            return
        self.factory.log("refused", peer=self._peer, reason=refused.reason)
        self._end(refused.octets, refused.reason)

    def _answer(self, request: Any) -> None:
        if self._shares is not None:
            self._alone = not self._shares(request)
            if self._alone and self._under_way:
                self._held = request
                return
        self._silence.rest()
        self._in_middle = False
        factory = self.factory
        self._frames += 1
        hop = Hop(factory.trail.of(self._peer), self._peer, self._frames, self._excess)
        answering = factory.answer(request, hop)
        try:
            awaited = answering.send(None)
        except StopIteration as done:  # most answers wait for nothing, and cost no Deferred
            self._answered(done.value)
        except Exception:
            self._bug(Failure())
        else:
            self._under_way.add(Driven(answering, awaited, self._driven))

    def _driven(self, work: Driven, outcome: Any) -> None:
        self._under_way.discard(work)
        if isinstance(outcome, Failure):
            self._bug(outcome)
        else:
            self._answered(outcome)

    def _answered(self, answer: Answer) -> None:
        if self._outflow is not None:  # of another request of a connection that is shared
            self._queue.append(answer)
        elif answer.manner is not None or self._behind:
            self._in_a_manner(answer, answer.manner or Manner())
        elif answer.body is not None:
            self._send(answer, answer.body)
        elif self._closing:
            return
        elif answer.close:
            self._end(answer.octets, "answered")
        else:
            if self._counted and not self._blocked:
                self._hold(0)
            self._write(answer.octets)
            self._advance()

    def _in_a_manner(self, answer: Answer, manner: Manner) -> None:
        """Let an answer go out as faults want it: late, in part, in pieces, or not at all."""
        octets, self._behind = answer.octets + self._behind, b""
        if manner.behind_next and answer.body is None and not answer.close:
            self._behind = octets
            self._advance()
        elif manner.reset or manner.drop:
            if answer.body is not None:
                answer.body.close()
            if manner.drop and not self._closing:
                self._end(b"", "a fault")
            elif not self._closing:
                self._closing = True
                self.transport.abortConnection()
        else:
            self._alone = True
            body = Piecemeal(octets, answer.body, manner)
            self._send(Answer(b"", answer.close or manner.cut is not None), body)

    def _send(self, answer: Answer, body: Body) -> None:
        """Send a body; meanwhile what comes in is looked at for what must overtake it."""
        if self._closing:
            body.close()
            return
        if answer.octets:
            self._write(answer.octets)
        self._outflow = outflow = Outflow(body, self._write, paused=self._blocked)
        sending = outflow.start()
        self._under_way.add(sending)
        sending.addBoth(self._sent, sending, answer.close)
        if self._outflow is not None:
            self._overtake(outflow)

    def _write(self, octets: bytes) -> None:
        if self._blocked:
            self._unread += len(octets)
            self._hold(self._unread)
        else:
            self._unread = len(octets)
        self.transport.write(self._reader.wrap(octets))

    def _sent(self, outcome: Any, sending: Any, close: bool) -> None:
        self._under_way.discard(sending)
        self._outflow = None
        if isinstance(outcome, Failure):
            self._bug(outcome)
        elif close:
            self._end(b"", "answered")
        elif self._queue:
            queue, self._queue = self._queue, []
            for answer in queue:
                self._answered(answer)
        elif not self._closing:
            self._advance()

    def _overtake(self, outflow: Outflow) -> None:
        """Give the body what is its own; the first request that is not waits, and all behind it.

        What is no request stops the reader too: it is refused when its turn comes.
        """
        try:
            while self._held is None and (request := self._reader.pull()) is not None:
                if not outflow.take(request):
                    self._held = request
        except Refused:
            return

    def _bug(self, failure: Failure) -> None:
        """An answerer never raises; if it does, the log has the traceback and the peer has none."""
        if not self._closing:
            self.factory.logger.failure("an answer failed", failure)
            self._end(b"", "an answer failed")

    def _resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()

    def _end(self, octets: bytes, reason: str) -> None:
        """Say the last words, then close without destroying them."""
        self._closing = True
        if octets:
            self.transport.write(self._reader.wrap(octets))
        if self._tap is not None:
            self._tap.ended("server", reason)
        self.transport.unregisterProducer()
        if self._peer_ended:
            self.transport.loseConnection()
        else:
            self._resume_reading()
            self.transport.loseWriteConnection()
        self._silence.end(self._patience.mid_frame or _LINGER, self.transport.abortConnection)

    def _too_long(self, seconds: float) -> None:
        self.factory.log("silent", peer=self._peer, seconds=seconds)
        self._end(b"", f"silent for {seconds:g} seconds")
        for work in list(self._under_way):  # a body that nobody reads
            work.cancel()
