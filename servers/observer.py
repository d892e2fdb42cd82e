"""The outermost look at a port: every transaction makes a record, for journal and metrics."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from twisted.internet.defer import CancelledError

from starwire.protocol.profile import Profile

from .answering import Answer, Answerer, Hop
from .front import Page, PostAnswerer
from .journal import Outcome, Record
from .outflow import Body
from .ports import Port, ports_of


class Observer:
    """Stands around what answers at a port, and changes nothing."""

    def __init__(
        self,
        profile: Profile,
        keep: Callable[[Record], None],
        count: Callable[[Record], None],
        *,
        message_octets: int,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """`clock` gives seconds since 1970, `now` those that never go back."""
        self._keep = keep
        self._count = count
        self._longest = message_octets
        self._clock = clock
        self._now = now
        self._ports = ports_of(profile)
        self._web = Port("web", profile.wire.dispatcher, profile.wire.bulk)
        self._web_header = profile.wire.web
        self._users: dict[str, str] = {}
        """Of the transactions under way at the web server, which leaves it to the dispatcher."""

    def interpose(self, name: str, answer: Answerer) -> Answerer:
        """See `answering.Interposer`."""
        port = self._ports[name]

        async def observed(request: Any, hop: Hop) -> Answer:
            began = self._now()
            try:
                got = await answer(request, hop)
            except BaseException as error:
                record = self._record(port, request, hop, began, _why(error))
                self._done(record, port, request)
                raise
            record = self._record(port, request, hop, began, "answered", got.user)
            if got.body is None:
                self._reply(record, port, got.octets)
                self._done(record, port, request)
                return got

            def ended(watched: _Watched) -> None:
                self._ended(record, port, request, began, watched)

            return msgspec.structs.replace(got, body=_Watched(got.body, got.octets, ended))

        return observed

    def interpose_web(self, answer: PostAnswerer) -> PostAnswerer:
        """The same for the web server."""

        async def observed(body: bytes, cookie: str, hop: Hop) -> Page:
            began = self._now()
            self._users[hop.transaction] = ""
            record = self._web_record(body, hop)
            try:
                page = await answer(body, cookie, hop)
            except BaseException as error:
                record.outcome = _why(error)
                self._web_done(record, began)
                raise
            record.http = int(page.status)
            if page.more is None:
                self._page(record, page, page.body)
                self._web_done(record, began)
                return page

            def ended(watched: _Watched) -> None:
                size = self._web_header.size
                last = watched.last if watched.frames > 1 else page.body[size:]
                self._page(record, page, page.body[:size] + self._web.without_payload(last))
                record.frames, record.reply_octets = watched.frames, watched.octets
                record.outcome = "answered" if watched.whole else "cancelled"
                self._web_done(record, began)

            return msgspec.structs.replace(page, more=_Watched(page.more, page.body, ended))

        return observed

    def _web_done(self, record: Record, began: float) -> None:
        record.user = self._users.pop(record.transaction, "")
        record.seconds = self._now() - began
        self._count(record)
        self._keep(record)

    def _record(
        self, port: Port, request: Any, hop: Hop, began: float, outcome: Outcome, user: str = ""
    ) -> Record:
        octets, header = port.octets(request), port.header(request)
        seconds = self._now() - began
        if user and hop.transaction in self._users:
            self._users[hop.transaction] = user
        return Record(
            hop=port.name,
            transaction=hop.transaction,
            peer=hop.peer,
            user=user,
            target=port.target or getattr(header, "target", ""),
            type=getattr(header, "type", None),
            outcome=outcome,
            began=self._clock() - seconds,
            seconds=seconds,
            request=octets[: self._longest],
            request_octets=len(octets),
        )

    def _web_record(self, body: bytes, hop: Hop) -> Record:
        size = self._web_header.size
        record = Record(
            hop="web",
            transaction=hop.transaction,
            peer=hop.peer,
            outcome="answered",
            began=self._clock(),
            seconds=0.0,
            request=body[: self._longest],
            request_octets=len(body),
        )
        if len(body) >= size + self._web.size:
            assert self._web.codec is not None
            header = self._web.codec.decode(body, size)
            record.target, record.type = header.target, header.type
        return record

    def _reply(self, record: Record, port: Port, octets: bytes) -> None:
        record.status, record.code = port.outcome(octets)
        record.reply, record.reply_octets, record.frames = octets[: self._longest], len(octets), 1

    def _page(self, record: Record, page: Page, octets: bytes) -> None:
        record.reply, record.reply_octets = octets[: self._longest], len(octets)
        record.frames = 1
        if page.status == HTTPStatus.OK:
            record.status, record.code = self._web.outcome(octets, self._web_header.size)

    def _done(self, record: Record, port: Port, request: Any) -> None:
        """Echoes are counted and not kept: they would come to fill the journal of who waits."""
        self._count(record)
        if not port.is_echo(request):
            self._keep(record)

    def _ended(
        self, record: Record, port: Port, request: Any, began: float, watched: _Watched
    ) -> None:
        """A reply of many frames is out, or nobody wants the rest."""
        if watched.last:
            self._reply(record, port, port.without_payload(watched.last))
        record.frames, record.reply_octets = watched.frames, watched.octets
        record.outcome = "answered" if watched.whole else "cancelled"
        record.seconds = self._now() - began
        self._done(record, port, request)


class _Watched:
    """A body that is counted as it goes by; see `outflow.Body`."""

    def __init__(self, body: Body, first: bytes, ended: Callable[[_Watched], None]) -> None:
        self._body = body
        self._ended = ended
        self.last = first
        self.octets = len(first)
        self.frames = 1 if first else 0
        self.whole = False

    async def next(self) -> bytes:
        frame = await self._body.next()
        if frame:
            self.last = frame
            self.octets += len(frame)
            self.frames += 1
        else:
            self.whole = True
        return frame

    def take(self, request: Any) -> bool:
        return self._body.take(request)

    def close(self) -> None:
        self._body.close()
        self._ended(self)


def _why(error: BaseException) -> Outcome:
    gone = isinstance(error, CancelledError | GeneratorExit)
    return "cancelled" if gone else "failed"
