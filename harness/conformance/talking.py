"""What a script says to a client that the harness has started, being its web server.

talk = peer.run(b"GRTL<PRODUCT=V>")
request = talk.asked()                      # behind a logon that was answered
talk.reply(data=b"SRTL<ERROR=0>")
talk.succeeds(b"SRTL<ERROR=0>")
"""

from __future__ import annotations

import contextlib
import io
import select
import socket
import ssl
from collections.abc import Iterable
from http.client import HTTPException, HTTPMessage, parse_headers
from typing import TYPE_CHECKING, Any

from starwire.protocol.status import Status, Transaction

from ..transcript import Draft, Layer, Received, unpacked
from .asker import Departure
from .client_wire import ClientWire, End, Given
from .posting import LAST_CHUNK, chunked
from .sockets import SocketLine
from .wire import Reset, Silent

if TYPE_CHECKING:
    from .peer import Peer

REQUEST = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
"""What a client is told to ask, unless the case says otherwise."""
RESPONSE = b"SRTL<ERROR=0,REPORTS=<>>"
"""What answers it."""
_LOOK = 0.02
_HEAD = 65_536
_HEADERS = "Content-Type: application/octet-stream"
_KEYLESS = (Status.VERSION, Status.LENGTH, Status.NO_SESSION)
_NUMBERS = {200: "OK", 400: "Bad Request", 503: "Service Unavailable"}


class Posted(Received, frozen=True):
    """A request as it came: the fields of both headers, and of HTTP what stands around them."""

    line: str = ""
    """The request line: `POST /nmci HTTP/1.1`."""

    @property
    def is_old(self) -> bool:
        """Whether HTTP/1.0 is spoken, which knows no chunks."""
        return self.line.endswith("/1.0")

    @property
    def is_last(self) -> bool:
        """Whether its connection ends behind the reply."""
        said = self.header("connection").lower()
        return said == "close" or (self.is_old and said != "keep-alive")

    def header(self, name: str) -> str:
        """A header of HTTP; "" where it is not there."""
        return next((text for key, text in self.http_headers if key.lower() == name), "")

    def cookie(self, name: str) -> str:
        """The last cookie of that name (WEB-03); "" where there is none."""
        found = ""
        for key, text in self.http_headers:
            for pair in text.split(";") if key.lower() == "cookie" else ():
                if pair.partition("=")[0].strip() == name:
                    found = pair.partition("=")[2].strip()
        return found


class _Connection:
    """One of the client."""

    def __init__(self, made: Any, wire: ClientWire, number: int) -> None:
        """Raises OSError where the client has gone already."""
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wire.is_secret:
            made = wire.tls.wrap_socket(made, server_side=True, do_handshake_on_connect=False)
        self.socket = made
        self.line = SocketLine(made)
        self.number = number
        self.held = b""
        self.is_open = True

    def fill(self, most: int) -> None:
        """Take what is there, as long as no more than so many octets are held."""
        try:
            while len(self.held) <= most:
                octets = self.line.read(0.0)
                if not octets:
                    self.is_open = False
                    return
                self.held += octets
        except Silent:
            pass
        except (Reset, OSError):
            self.is_open = False

    def finish(self) -> None:
        """Close it as one does behind a whole reply: where there is TLS, with its alert."""
        if isinstance(self.socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.socket.settimeout(0.0)
                self.socket.unwrap()
        self.close()

    def close(self) -> None:
        self.is_open = False
        self.line.close()


class Talk:
    """A client that runs, and the web server that it speaks to."""

    def __init__(self, peer: Peer, wire: ClientWire, given: Given) -> None:
        """Raises CannotStart."""
        self._peer = peer
        self._wire = wire
        self._given = given
        self._process = wire.start(given)
        self._connections: list[_Connection] = []
        self._last: tuple[_Connection, Posted] | None = None
        self.key = ("0123456789abcdef" * 16)[: wire.profile.web.session_key.width]
        """Of the session that a logon opens."""
        self.later: list[Posted] = []
        """What came behind the last request that the case has received."""

    # What comes.

    def log_on(self) -> Posted:
        """The logon, which succeeds. Raises Departure."""
        logon = self.receive()
        kind = logon.fields["transaction"]
        expected = "a logon first, transaction type 0"
        if kind != Transaction.LOGON:
            got = f"transaction type {kind}, {logon.data[:80]!r}"
            raise Departure(expected, got, event=logon.event, field="transaction")
        user = self._given.user
        self.reply(data=f"VUMA<ERROR=0,USERID={user.userid},ENTPID={user.entpid}>".encode())
        return logon

    def asked(self) -> Posted:
        """The request behind the logon. Raises Departure."""
        self.log_on()
        return self.receive()

    def receive(self) -> Posted:
        """The next request; what the user's applications are (WEB-04) is answered by the way.

        Raises Departure.
        """
        posted = self.receive_if_any()
        if posted is None:
            raise Departure("a request", f"none: the client ends with {self._process.end}")
        return posted

    def receive_if_any(self) -> Posted | None:
        """The same; None if the client ends instead."""
        while posted := self._next():
            if not posted.data.startswith(b"GUA<"):
                return posted
            self.reply(data=b"GUAA<ERROR=0,APPS=<RM~RS~INBOX>>")
        return None

    def ended(self) -> End:
        """How it ends. What it still asks is kept in `later`: a logoff is answered, all else is
        refused. Raises Departure where it goes on for longer than the case may take."""
        while posted := self._next("the client to end"):
            self.later.append(posted)
            is_logoff = posted.fields["transaction"] == Transaction.LOGOFF
            self.reply(Status.OK if is_logoff else Status.OVERLOADED)
        end = self._process.end
        assert end is not None
        self._peer.transcript.note(0, "web", f"{end}; output {end.output[:200]!r}")
        return end

    def succeeds(self, output: bytes = RESPONSE) -> None:
        """It ends with status 0, and has put out the response. Raises Departure."""
        end = self.ended()
        if end.status != 0:
            raise Departure("exit status 0", str(end))
        if output not in end.output:
            raise Departure(f"the output {output!r}", repr(end.output[:200]))

    def fails(self) -> None:
        """It takes the transaction for failed: its exit status is not 0. Raises Departure."""
        end = self.ended()
        if end.status <= 0:
            raise Departure("an exit status above 0", str(end))

    def _next(self, expected: str = "a request") -> Posted | None:
        """The next request; None once the client has ended and nothing is left."""
        while self._wire.now() < self._peer.until:
            has_ended = self._process.end is not None
            posted = self._look()
            if posted is not None or has_ended:
                return posted
        got = f"it asks on and on, {len(self.later)} times" if self.later else "it hangs"
        raise Departure(f"{expected} in time", got)

    def _look(self) -> Posted | None:
        """A request that is whole by now; waits a little for more."""
        opened = {one.socket: one for one in self._connections if one.is_open}
        ready, _, _ = select.select([self._process.listening, *opened], [], [], _LOOK)
        for one in ready:
            if one is self._process.listening:
                self._accept()
            else:
                opened[one].fill(self._most)
        for connection in self._connections:
            if connection.held:
                posted = self._posted(connection)
                if posted is not None:
                    self._last = connection, posted
                    return posted
        return None

    def _accept(self) -> None:
        made, _ = self._process.listening.accept()
        number = self._peer.next_line()
        self._peer.transcript.add(number, "web", "connected")
        try:
            self._connections.append(_Connection(made, self._wire, number))
        except OSError:
            made.close()

    def _posted(self, connection: _Connection) -> Posted | None:
        try:
            whole = _request_in(connection.held)
        except (ValueError, HTTPException):
            octets, connection.held = connection.held, b""
            event = self._note(connection, "received", octets)
            raise Departure("a request of HTTP", repr(octets[:80]), event=event) from None
        if whole is None:
            self._bound(connection)
            return None
        line, headers, body, connection.held = whole
        cookie = f"; Cookie: {headers['Cookie']}" if headers["Cookie"] else ""
        event = self._note(connection, "received", body, f"{line}{cookie}")
        wire = self._wire.profile.wire
        size = wire.web.size + wire.dispatcher.size
        if len(body) < size:
            got = f"{len(body)} octets"
            raise Departure(f"a body of both headers, {size} octets or more", got, event=event)
        fields = unpacked(self._wire.profile, "web", body)
        fields["web_session_key"] = fields.pop("session_key")
        fields |= unpacked(self._wire.profile, "dispatcher", body, wire.web.size)
        said = tuple(headers.items())
        return Posted(body, body[size:], fields, size, None, said, event, line)

    def _bound(self, connection: _Connection) -> None:
        """A request that has no end is none."""
        held = len(connection.held)
        if held > self._most:
            event = self._note(connection, "received", connection.held)
            raise Departure("a request of one frame at most", f"{held} octets", event=event)

    @property
    def _most(self) -> int:
        """Octets of a request, and the head of HTTP before it."""
        return self._wire.profile.frame_octets + _HEAD

    # What goes.

    def answer(self, status: int = 0, data: bytes = b"") -> Draft:
        """The correct reply to the last request, to be changed and sent."""
        asked = self._asked.fields
        is_over = status in _KEYLESS or asked["transaction"] == Transaction.LOGOFF
        key = "" if is_over else self.key
        web = {"transaction": asked["transaction"], "session_key": key}
        return Draft(self._wire.profile, (Layer("web", web), self._header(status)), data)

    def _header(self, status: int) -> Layer:
        asked = self._asked.fields
        is_read = status not in (Status.VERSION, Status.LENGTH)
        told = {name: asked[name] for name in ("target", "type") if is_read}
        return Layer(
            "dispatcher", {"version": self._wire.profile.version, "status": status, **told}
        )

    def reply(self, status: int = 0, data: bytes = b"", **changes: Any) -> None:
        """Answer; `changes` are as those of Draft.with_."""
        self.send(self.answer(status, data).with_(**changes).octets)

    def send(
        self, body: bytes, *, number: int = 200, chunks: Iterable[int] = (), part: int | None = None
    ) -> None:
        """Answer with that body, in chunks if there are cuts; of it only so many octets."""
        cuts = () if self._asked.is_old else tuple(chunks)
        lines = [f"HTTP/1.1 {number} {_NUMBERS[number]}", _HEADERS, *self._cookie(body, number)]
        lines.append("Transfer-Encoding: chunked" if cuts else f"Content-Length: {len(body)}")
        sent = body[:part]
        self._sent(
            sent, f"HTTP {number}" + (f", of {len(body)} octets" if part is not None else "")
        )
        self._write(_head(lines) + (chunked(sent, cuts) + LAST_CHUNK if cuts else sent))
        self._finish()

    def send_slowly(self, body: bytes) -> None:
        """The same, head and body octet by octet."""
        self._sent(body, "HTTP 200, octet by octet")
        for octet in _head(["HTTP/1.1 200 OK", _HEADERS, f"Content-Length: {len(body)}"]) + body:
            if not self._write(bytes([octet])):
                return
        self._finish()

    def run(self, *frames: tuple[int, dict[str, int], bytes], whole: bool = True) -> None:
        """Answer with the frames of a bulk run: status, bulk header ({} for none), payload of each.
        Not `whole`: the response does not end (WEB-08); close it."""
        profile, is_old = self._wire.profile, self._asked.is_old
        pieces = [self.answer().octets[: profile.wire.web.size]]
        for status, values, data in frames:
            bulk = (Layer("bulk", values),) if values else ()
            pieces.append(Draft(profile, (self._header(status), *bulk), data).octets)
        self._sent(b"".join(pieces), "HTTP 200")
        lines = ["HTTP/1.1 200 OK", _HEADERS]
        if is_old:
            self._write(_head(lines) + b"".join(pieces))
        else:
            sent = b"".join(chunked(piece, ()) for piece in pieces)
            end = LAST_CHUNK if whole else b""
            self._write(_head([*lines, "Transfer-Encoding: chunked"]) + sent + end)
        self._finish()

    def _finish(self) -> None:
        if self._asked.is_last:
            self._on.finish()

    def close(self) -> None:
        """Close the connection of the last request."""
        self._note(self._on, "note", text="closed by the tester")
        self._on.close()

    def end(self) -> None:
        """The case is over: nothing is left of the client."""
        self._process.stop()
        for connection in self._connections:
            connection.close()

    @property
    def _on(self) -> _Connection:
        """The connection of the last request."""
        assert self._last is not None
        return self._last[0]

    @property
    def _asked(self) -> Posted:
        """The last request."""
        assert self._last is not None
        return self._last[1]

    def _cookie(self, body: bytes, number: int) -> list[str]:
        profile = self._wire.profile
        if number != 200 or len(body) < profile.wire.web.size:
            return []
        key = unpacked(profile, "web", body)["session_key"]
        if not key:
            return []
        secure = "; Secure" if self._wire.is_secret else ""
        return [f"Set-Cookie: {profile.cookie}={key}; Path={profile.web_path}; HttpOnly{secure}"]

    def _sent(self, octets: bytes, text: str) -> None:
        self._note(self._on, "sent", octets, text)

    def _write(self, octets: bytes) -> bool:
        """Whether the client takes them."""
        try:
            self._on.line.write(octets)
        except (Reset, Silent, OSError):
            self._note(self._on, "reset")
            return False
        return True

    def _note(self, on: _Connection, what: Any, octets: bytes = b"", text: str = "") -> int:
        return self._peer.transcript.add(on.number, "web", what, octets, text)


def _head(lines: Iterable[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _request_in(held: bytes) -> tuple[str, HTTPMessage, bytes, bytes] | None:
    """Request line, headers, body and what is left; None before it is whole. Raises ValueError,
    HTTPException for what is no request of HTTP."""
    held = held.lstrip(b"\r\n")
    first, _, rest = held.partition(b"\r\n")
    if not first or b"\r\n\r\n" not in held:
        return None
    line = first.decode("latin-1")
    if len(line.split()) != 3 or not line.split()[2].startswith("HTTP/1."):
        raise ValueError(line)
    stream = io.BytesIO(rest)
    headers = parse_headers(stream)
    if (headers["Transfer-Encoding"] or "").lower() == "chunked":
        body = _chunks_in(stream)
    else:
        size = int(headers["Content-Length"] or 0)
        if size < 0:
            raise ValueError(size)
        octets = stream.read(size)
        body = octets if len(octets) == size else None
    return None if body is None else (line, headers, body, stream.read())


def _chunks_in(stream: io.BytesIO) -> bytes | None:
    """A body in chunks; None before it is whole. Raises ValueError."""
    body = b""
    while (line := stream.readline()).endswith(b"\n"):
        size = int(line.partition(b";")[0], 16)
        chunk = stream.read(size + 2)
        if len(chunk) != size + 2:
            break
        if not size:
            return body
        body += chunk[:size]
    return None
