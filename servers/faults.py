"""Faults at the ports: what stands between a port and what answers there, and does it wrong.

What strikes is the plan's to say; here it is done. What needs the connection itself (a reset, a
drip) travels with the answer, as its manner.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from starwire.protocol.frames import NEED_DATA, Frame, FrameError, FrameReader
from starwire.protocol.headers import mismatch_frame
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Operation

from .answering import Answer, Answerer, Hop
from .fault_headers import Headers
from .fault_plan import FaultPlan, Strike, Subject, subject_of
from .front import Page, PostAnswerer
from .manner import Manner
from .outflow import Body

Whose = Callable[[str], Awaitable[str]]
"""A session key to its user; "" for nobody's."""

_NOTHING = Answer(b"", close=True, manner=Manner(drop=True))


class Waiting:
    """Waits that end early when the fault that made them is switched off."""

    def __init__(self, plan: FaultPlan, reactor: Any) -> None:
        self._plan = plan
        self._reactor = reactor
        self._waits: dict[Deferred[None], int] = {}
        plan.on_change.append(self._release)

    async def wait(self, strike: Strike, seconds: float | None) -> None:
        """So many seconds, None for ever; not at all if the fault is off."""
        if not self._plan.has(strike.number):
            return
        done: Deferred[None] = Deferred()
        self._waits[done] = strike.number
        timer = None if seconds is None else self._reactor.callLater(seconds, self._fire, done)
        try:
            await done
        finally:
            self._waits.pop(done, None)
            if timer is not None and timer.active():
                timer.cancel()

    def _fire(self, done: Deferred[None]) -> None:
        if self._waits.pop(done, None) is not None:
            done.callback(None)

    def _release(self) -> None:
        for done, number in list(self._waits.items()):
            if not self._plan.has(number):
                self._fire(done)


class PortFaults:
    """Stands at every port: `interpose` at those of frames and messages, `front` at the web's."""

    def __init__(self, plan: FaultPlan, profile: Profile, whose: Whose, waiting: Waiting) -> None:
        self._plan = plan
        self._profile = profile
        self._whose = whose
        self._waiting = waiting

    def interpose(self, name: str, answer: Answerer) -> Answerer:
        """See `answering.Interposer`."""
        plan = self._plan
        port = _Port(name, self._profile)

        def faulty(request: Any, hop: Hop) -> Any:
            if plan.is_empty:
                return answer(request, hop)
            return self._answer(port, answer, request, hop)

        return faulty

    def front(self, answer: PostAnswerer) -> PostAnswerer:
        """What answers POSTs, faults included."""
        port = _Port("web", self._profile)

        def faulty(body: bytes, cookie: str, hop: Hop) -> Any:
            if self._plan.is_empty:
                return answer(body, cookie, hop)
            return self._answer_post(port, answer, body, cookie, hop)

        return faulty

    async def _answer(self, port: _Port, inner: Answerer, request: Any, hop: Hop) -> Answer:
        user = await self._user(port.key(request))
        subject = port.subject(request, user, hop.frame)
        twice = False
        for strike in self._plan.strikes(subject):
            twice |= strike.fault.kind == "duplicate"
            if strike.fault.field:
                request = port.altered(request, strike)
                if isinstance(request, Answer):
                    return request
            elif (ended := await self._before(strike)) is not None:
                return Answer(b"", close=True, manner=ended)
        answer = await inner(request, hop)
        if twice:
            answer = _joined(answer, await inner(request, hop))
        try:
            for strike in self._plan.strikes(subject.answered(port.message(answer.octets))):
                answer = await self._done_to(port, answer, strike)
        except BaseException:  # the peer is gone
            if answer.body is not None:
                answer.body.close()
            raise
        return answer

    async def _answer_post(
        self, port: _Port, inner: PostAnswerer, body: bytes, cookie: str, hop: Hop
    ) -> Page:
        key = port.key_of_post(body) or cookie
        subject = port.subject_of_post(body, await self._user(key), hop.frame)
        for strike in self._plan.strikes(subject):
            if strike.fault.kind == "duplicate":
                _close(await inner(body, cookie, hop))
            elif strike.fault.field:
                body = port.headers.altered(body, strike.fault, strike.draw)
            elif (ended := await self._before(strike)) is not None:
                return Page(200, b"", manner=ended)
        page = await inner(body, cookie, hop)
        try:
            for strike in self._plan.strikes(subject.answered(page.body[port.headers.size :])):
                page = await self._done_to_page(port, page, strike)
        except BaseException:
            _close(page)
            raise
        return page

    async def _user(self, key: str) -> str:
        return await self._whose(key) if key else ""

    async def _before(self, strike: Strike) -> Manner | None:
        """Do to a request what can be done to it; the manner in which it ends, if it does."""
        kind = strike.fault.kind
        if kind == "delay":
            await self._waiting.wait(strike, strike.seconds)
        elif kind == "hang":
            await self._waiting.wait(strike, None)
            return Manner(drop=True)
        elif kind == "close":
            return Manner(drop=True)
        elif kind == "reset":
            return Manner(reset=True)
        return None

    async def _done_to(self, port: _Port, answer: Answer, strike: Strike) -> Answer:
        fault = strike.fault
        if fault.kind == "duplicate":
            return through(answer, lambda octets: octets * 2)
        if fault.field:
            return through(answer, lambda octets: port.headers.altered(octets, fault, strike.draw))
        if (ended := await self._before(strike)) is not None:
            return msgspec.structs.replace(answer, close=True, manner=ended)
        if fault.kind == "delay":
            return answer
        return msgspec.structs.replace(answer, manner=self._manner(answer.manner, strike))

    async def _done_to_page(self, port: _Port, page: Page, strike: Strike) -> Page:
        fault = strike.fault
        if fault.field:
            body = port.headers.altered(page.body, fault, strike.draw)
            return msgspec.structs.replace(page, body=body)
        if (ended := await self._before(strike)) is not None:
            return msgspec.structs.replace(page, manner=ended)
        if fault.kind in ("drip", "truncate"):
            return msgspec.structs.replace(page, manner=self._manner(page.manner, strike))
        return page

    def _manner(self, manner: Manner | None, strike: Strike) -> Manner:
        """The manner of an answer, and what this fault makes of it."""
        fault, manner = strike.fault, manner or Manner()
        if fault.kind == "truncate":
            return msgspec.structs.replace(manner, cut=fault.octets)
        if fault.kind == "reorder":
            return msgspec.structs.replace(manner, behind_next=True)
        pause = fault.chunk / fault.rate
        return msgspec.structs.replace(
            manner, chunk=fault.chunk, wait=lambda: self._waiting.wait(strike, pause)
        )


class _Port:
    """What a port's requests and replies look like to faults."""

    def __init__(self, name: str, profile: Profile) -> None:
        self.name = name
        self.headers = Headers(profile, name)
        self._profile = profile
        self._wire = profile.wire

    def key(self, request: Any) -> str:
        return request.header.session_key if isinstance(request, Frame) else ""

    def subject(self, request: Any, user: str, frame: int) -> Subject:
        fields = self.headers.fields
        if not isinstance(request, Frame):
            return subject_of(self.name, request, user=user, frame=frame)
        header, data = request.header, self._message(request.header.type, request.data)
        echo = bool(getattr(header, "echo", 0))
        given = {"user": user, "type": header.type, "frame": frame, "fields": fields}
        return subject_of(self.name, data, echo=echo, **given)

    def _message(self, type_: int, data: bytes) -> bytes:
        """The message in the data of a frame; a bulk header goes before it (TRN-03)."""
        if type_ != MessageType.BULK:
            return data
        size = self._wire.bulk.size
        opens = len(data) >= size and self._wire.bulk.decode(data).operation == Operation.OPEN
        return data[size:] if opens else b""

    def key_of_post(self, body: bytes) -> str:
        web = self._wire.web
        return str(web.decode(body).session_key) if len(body) >= web.size else ""

    def subject_of_post(self, body: bytes, user: str, frame: int) -> Subject:
        given: dict[str, Any] = {"user": user, "frame": frame, "fields": self.headers.fields}
        if len(body) < self.headers.size:
            return subject_of("web", b"", **given)
        type_ = self._wire.dispatcher.decode(body, self._wire.web.size).type
        data = self._message(type_, body[self.headers.size :])
        return subject_of("web", data, type=type_, **given)

    def message(self, reply: bytes) -> bytes:
        """The message of a reply frame, or the reply itself."""
        return reply[self.headers.size :]

    def altered(self, frame: Frame[Any], strike: Strike) -> Frame[Any] | Answer:
        """The frame as its receiver reads it when a field is wrong, or what answers that one."""
        octets = self.headers.altered(frame.octets, strike.fault, strike.draw)
        wire = self._wire
        codec: HeaderCodec[Any] = wire.dispatcher if self.name == "dispatcher" else wire.common
        reader: FrameReader[Any] = FrameReader(codec, self._profile)
        reader.feed(octets)
        try:
            read = reader.next_frame()
        except FrameError as error:
            owed = mismatch_frame(codec, self._profile.version, error.status)
            return Answer(owed, close=True)
        # One that says it is longer waits for what never comes, and is dropped (HDR-04).
        return _NOTHING if read is NEED_DATA else read


def _joined(first: Answer, second: Answer) -> Answer:
    """Two answers behind each other; the second is lost where the first closes or is a run."""
    if first.close or first.body is not None:
        if second.body is not None:
            second.body.close()
        return first
    return msgspec.structs.replace(second, octets=first.octets + second.octets)


def _close(page: Page) -> None:
    """The client gets nothing of it."""
    if page.more is not None:
        page.more.close()


def through(answer: Answer, change: Callable[[bytes], bytes]) -> Answer:
    """The answer with each of its frames changed."""
    body = None if answer.body is None else ChangedBody(answer.body, change)
    octets = change(answer.octets) if answer.octets else b""
    return msgspec.structs.replace(answer, octets=octets, body=body)


class ChangedBody:
    """A `Body` whose frames are another's, changed."""

    def __init__(self, body: Body, change: Callable[[bytes], bytes]) -> None:
        self._body = body
        self._change = change
        self.take = body.take
        self.close = body.close

    async def next(self) -> bytes:
        octets = await self._body.next()
        return self._change(octets) if octets else b""
