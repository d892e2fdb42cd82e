"""Records what crosses the ports of this process (docs/recording.md).

A tap stands between a connection's reader and its transport, inside the encryption of a sealed
link, and notes octets in the pieces in which they come and go. It looks, and changes nothing. The
explanations beside the octets are made from readers of its own.
"""

from __future__ import annotations

import itertools
import platform
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from starwire.grammar import __version__
from starwire.protocol.endpoints import spoken_at
from starwire.protocol.explaining import Explained, Explainer
from starwire.protocol.profile import Profile
from starwire.protocol.recording import (
    FORMAT,
    Closed,
    End,
    Ended,
    Event,
    Header,
    HttpHeaders,
    Octets,
    Opened,
    Request,
    Response,
    Segment,
    Sender,
    encode,
    rfc3339,
)

from .reading import Reader
from .recording_files import RecordingFiles
from .trail import Trail

_SIDES: tuple[Sender, Sender] = ("client", "server")


class Recorder:
    """One run of recording: `begin`, taps, `end`."""

    def __init__(
        self, path: Path, profile: Profile, trail: Trail, *, part_octets: int, source: str
    ) -> None:
        """A `path` that ends in .jsonl is one file, any other a folder of parts."""
        self.profile = profile
        self.trail = trail
        self.path = path
        self.failure = ""
        """Why nothing is recorded any more; "" while all is well."""
        self._source = source
        self._run = secrets.token_hex(4)
        self._count = itertools.count(1)
        self._started = datetime.now(UTC)
        self._origin = _clock()
        self._open: dict[str, Tap] = {}
        self._files = RecordingFiles(
            path,
            part_octets,
            first_line=self._header,
            last_line=lambda reason: encode(End(self.now(), reason)),  # type: ignore[arg-type]
            lost=self._fail,
        )
        self._log = Logger(namespace="starwire.recorder")

    def begin(self) -> None:
        """Raises CannotRecord, OSError."""
        self._files.begin()

    def end(self) -> None:
        """Close what is open, and the file."""
        for tap in list(self._open.values()):
            tap.ended("server", "the server stops")
            tap.closed(Failure(ConnectionAborted()))
        self._files.end()

    def now(self) -> int:
        """Microseconds since the recording began."""
        return _clock() - self._origin

    def write(self, event: Event) -> None:
        if not self.failure:
            self._files.write(encode(event))

    def tap(self, hop: str, *, sealed: bool = False) -> Tap:
        """For a connection of that port."""
        return Tap(self, hop, sealed=sealed)

    def web_tap(self, cookie: bytes) -> WebTap:
        """For a connection of the web server, whose sessions are in the cookie of that name."""
        return WebTap(self, cookie)

    def opened(self, tap: Tap) -> str:
        """Give a connection its id, and remember it."""
        connection = f"{self._run}-{next(self._count)}"
        self._open[connection] = tap
        return connection

    def closed(self, connection: str) -> None:
        self._open.pop(connection, None)

    def _header(self, part: int) -> bytes:
        header = Header(
            format=FORMAT,
            starwire=__version__,
            source=self._source,
            run=self._run,
            part=part,
            started=rfc3339(self._started),
            origin=self._origin,
            host={
                "system": platform.system(),
                "machine": platform.machine(),
                "python": platform.python_version(),
            },
            profile=msgspec.to_builtins(self.profile),
        )
        return encode(header)

    def _fail(self, reason: str) -> None:
        """The wire goes on without a recording; whoever reads the log must see that."""
        self.failure = reason
        self._log.critical("the recording has ended, the wire goes on: {reason}", reason=reason)


class Tap:
    """Notes what happens on one connection."""

    def __init__(self, recorder: Recorder, hop: str, *, sealed: bool = False) -> None:
        self._recorder = recorder
        self._hop = hop
        self._sealed = sealed
        self._connection = ""
        self._peer = ""
        self._first: tuple[Sender, str] | None = None
        """Who ended first, and why."""
        spoken = spoken_at(hop)
        self._client = Explainer(spoken, "client", recorder.profile)
        self._server = Explainer(spoken, "server", recorder.profile)

    def opened(self, peer: str, own: str, *, tls: bool = False) -> None:
        """A connection from `peer` was accepted at `own`."""
        self._peer = peer
        self._connection = self._recorder.opened(self)
        self._note(Opened, peer=peer, own=own, sealed=self._sealed, tls=tls)

    def received(self, octets: bytes) -> None:
        """The client's octets, as they are given to the reader."""
        self._piece("client", octets, self._client.feed(octets))

    def sent(self, octets: bytes) -> None:
        """The server's octets, as they are given to the transport."""
        self._piece("server", octets, self._server.feed(octets))

    def unread(self, octets: bytes) -> None:
        """Octets that came when the reader had been stopped; of a sealed link they say nothing."""
        if not self._sealed:
            self._note(Segment, sender="client", octets=Octets(octets), unread=True)

    def ended(self, sender: Sender, reason: str) -> None:
        """That side sends nothing more."""
        if self._first is None or self._first[0] != sender:
            self._first = self._first or (sender, reason)
            self._note(Ended, sender=sender, reason=reason)

    def closed(self, failure: Failure) -> None:
        """The connection is gone."""
        aborted = failure.check(ConnectionAborted) is not None
        by: Sender = self._first[0] if self._first else ("server" if aborted else "client")
        whole = failure.check(ConnectionDone) is not None
        reason = "aborted" if aborted else "closed" if whole else "lost"
        self._note(Closed, by=by, reason=reason, unfinished=self._client.waiting)
        self._recorder.closed(self._connection)

    def _piece(self, sender: Sender, octets: bytes, told: list[Explained]) -> None:
        self._note(
            Segment,
            sender=sender,
            octets=Octets(octets),
            transaction=self._recorder.trail.noted(self._peer),
            decoded=_beside(told),
        )

    def _note(self, kind: Any, **facts: Any) -> None:
        recorder = self._recorder
        recorder.write(kind(recorder.now(), self._hop, self._connection, **facts))


class WebTap(Tap):
    """Notes the requests and responses of one HTTP connection."""

    def __init__(self, recorder: Recorder, cookie: bytes) -> None:
        super().__init__(recorder, "web")
        self._cookie = cookie
        self._transaction = ""
        self._began = False

    def request(self, request: Any, transaction: str) -> None:
        """A request that is there whole."""
        request.content.seek(0)
        body = request.content.read()
        request.content.seek(0)
        self._ask(request, body, transaction)

    def refused(self, request: Any, status: int, body: bytes) -> None:
        """A request whose body was not read, and the answer that HTTP's own way does not give."""
        self._ask(request, b"", "", more=True)
        self._note(Response, status=status, headers=(), octets=Octets(body))

    def wrote(self, request: Any, data: bytes) -> None:
        """A piece of a response; its head goes before the first."""
        length = request.responseHeaders.getRawHeaders(b"content-length")
        facts = {
            "octets": Octets(data),
            "transaction": self._transaction,
            "more": length is None or request.sentLength < int(length[0]),
            "decoded": _beside(self._server.feed(data) if request.code == 200 else []),
        }
        if self._began:
            self._note(Segment, sender="server", **facts)
            return
        self._began = facts["more"]
        headers = _pairs(request.responseHeaders)
        self._note(
            Response, status=request.code, headers=headers, cookie=self._set(headers), **facts
        )

    def finished(self, request: Any) -> None:
        """The response is whole; one without a length has no other end."""
        if self._began:
            self._began = False
            octets = Octets(b"")
            self._note(Segment, sender="server", octets=octets, transaction=self._transaction)

    def _ask(self, request: Any, body: bytes, transaction: str, *, more: bool = False) -> None:
        profile = self._recorder.profile
        self._client, self._server = (Explainer("web", side, profile) for side in _SIDES)
        self._transaction, self._began = transaction, False
        self._note(
            Request,
            method=request.method.decode("latin-1"),
            path=request.uri.decode("latin-1"),
            headers=_pairs(request.requestHeaders),
            octets=Octets(body),
            cookie=(request.getCookie(self._cookie) or b"").decode("latin-1"),
            transaction=transaction,
            more=more,
            decoded=_beside(self._client.feed(body)),
        )

    def _set(self, headers: HttpHeaders) -> str:
        """The session key that a response sets."""
        name = self._cookie.decode("latin-1") + "="
        for header, value in headers:
            if header.lower() == "set-cookie" and value.startswith(name):
                return value.removeprefix(name).partition(";")[0]
        return ""


class TappedReader:
    """A reader with a tap between it and the transport."""

    def __init__(self, inner: Reader, tap: Tap) -> None:
        self._inner = inner
        self.tap = tap
        self.pull = inner.pull
        self.finish = inner.finish
        self.greeting = inner.greeting
        self.ready = inner.ready
        self.overloaded = inner.overloaded

    def feed(self, data: bytes) -> None:
        self.tap.received(data)
        self._inner.feed(data)

    def wrap(self, octets: bytes) -> bytes:
        self.tap.sent(octets)
        return self._inner.wrap(octets)

    @property
    def in_the_middle(self) -> bool:
        return self._inner.in_the_middle

    @property
    def held(self) -> int:
        return self._inner.held


def _beside(told: Iterable[Explained]) -> Any:
    return msgspec.Raw(msgspec.json.encode(told)) if told else msgspec.UNSET


def _pairs(headers: Any) -> HttpHeaders:
    """HTTP headers in their order, one character for each octet."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in headers.getAllRawHeaders()
        for value in values
    )


def _clock() -> int:
    return time.monotonic_ns() // 1000
