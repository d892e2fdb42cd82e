"""Asynchronous requests and native ports: TRN-01, TRN-02, TRN-05."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from msgspec.structs import replace

from starwire.protocol.frames import Frame
from starwire.protocol.native import NativeReader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status
from starwire.protocol.validation import Refusal, validate

from .. import deferral, emulator, services
from ..adapter import Answering, AnsweringFactory
from ..answering import Answer, Answerer, Hop
from ..deferral import Deferral
from ..proxy import Done, Proxy
from ..readers import NativeRequests
from ..services import Services
from .fault import breaks
from .works import NATIVE, PROXIES, Around, Works

# ---- TRN-01 --------------------------------------------------------------------------------------


@breaks("answered-as-ready", "TRN-01", "TRN-05")
def _(works: Works) -> None:
    """The requests of a connection are answered as soon as their answers are ready."""

    def made(build: Any) -> Any:
        def built(self: Any, addr: Any) -> Any:
            self._shares = lambda request: True
            return build(self, addr)

        return built

    works.exchange(AnsweringFactory, "buildProtocol", made)


@breaks("type-0-closes", "TRN-01")
def _(works: Works) -> None:
    """A proxy closes the connection behind the reply to a type 0 frame."""
    _closing(works, lambda kind, status, closes: closes or kind == MessageType.SYNC)


def _closing(works: Works, decide: Any) -> None:
    """Let `decide(type, status, closes)` say whether a proxy closes behind its reply."""

    def made(profile: Profile) -> Around:
        async def around(answer: Answerer, request: Frame[Any], hop: Hop) -> Answer:
            answered = await answer(request, hop)
            if not answered.octets or request.header.echo:
                return answered
            status = profile.wire.common.decode(answered.octets).status
            return replace(answered, close=decide(request.header.type, status, answered.close))

        return around

    works.port(PROXIES, made)


# ---- TRN-02 --------------------------------------------------------------------------------------


@breaks("type-1-keeps-connection", "TRN-02")
def _(works: Works) -> None:
    """The connection stays open behind the reply to a type 1 frame."""
    _closing(works, lambda kind, status, closes: closes and kind != MessageType.REQUEST)


@breaks("type-2-keeps-connection", "TRN-02")
def _(works: Works) -> None:
    """The connection stays open behind the reply to a type 2 frame."""
    _closing(works, lambda kind, status, closes: closes and kind != MessageType.POLL)


@breaks("refused-type-1-keeps-connection", "TRN-02")
def _(works: Works) -> None:
    """The connection stays open behind a type 1 or type 2 frame that is refused."""
    _closing(works, lambda kind, status, closes: closes and status < Status.APPLICATION_ERROR)


@breaks("frame-behind-type-1-read", "TRN-02")
def _(works: Works) -> None:
    """What stands behind a type 1 or type 2 frame is read as another frame."""

    def made(answered: Any) -> Any:
        def told(self: Any, answer: Answer) -> None:
            close = answer.close and not self._reader.held
            answered(self, replace(answer, close=close))

        return told

    works.exchange(Answering, "_answered", made)


@breaks("identifier-of-19-digits", "TRN-02")
def _(works: Works) -> None:
    """An identifier has 19 digits."""
    works.exchange(services, "identifier", lambda _: lambda number: b"%019d" % number)


@breaks("identifier-filled-with-blanks", "TRN-02")
def _(works: Works) -> None:
    """An identifier is filled up with blanks."""
    works.exchange(services, "identifier", lambda _: lambda number: b"%20d" % number)


@breaks("short-identifier-taken", "TRN-02")
def _(works: Works) -> None:
    """A poll may leave out the zeros before an identifier."""
    _polling(works, lambda self, poll, data, customer: poll(self, data.zfill(20), customer))


@breaks("type-1-judged-at-once", "TRN-02")
def _(works: Works) -> None:
    """A type 1 frame with a wrong message is refused at once: 100."""

    def made(later: Any) -> Any:
        async def judged(self: Any, header: Any, data: bytes, customer: Any) -> Any:
            desk = self._desk
            if header.type == MessageType.REQUEST:
                try:
                    validate(data, self._spec.name, catalogue=desk._catalogue)
                except Refusal as refusal:
                    return Status.APPLICATION_ERROR, refusal.reply, refusal.code
            return await later(self, header, data, customer)

        return judged

    works.exchange(Proxy, "_later", made)


@breaks("in-progress-is-0", "TRN-02", "STS-01")
def _(works: Works) -> None:
    """While the work goes on a poll is answered with status 0 and no data."""
    _status_of_type_2(works, {Status.IN_PROGRESS: Status.OK})


@breaks("unknown-identifier-is-100", "TRN-02", "STS-01")
def _(works: Works) -> None:
    """An unknown identifier is answered with 100 rather than 108."""
    _status_of_type_2(works, {Status.UNKNOWN_ID: Status.APPLICATION_ERROR})


def _status_of_type_2(works: Works, instead: dict[Status, Status]) -> None:
    works.headers(
        PROXIES, lambda header, _: replace(header, status=instead.get(header.status, header.status))
    )


def _polling(works: Works, around: Any) -> None:
    """Let `around(self, poll, data, customer)` find what became of a request."""
    works.exchange(
        Deferral,
        "poll",
        lambda poll: lambda self, data, customer: around(self, poll, data, customer),
    )


@breaks("in-progress-with-data", "TRN-02", "STS-01")
def _(works: Works) -> None:
    """While the work goes on a poll brings a text."""

    def changed(profile: Profile, octets: bytes, request: Any) -> bytes:
        codec = profile.wire.common
        header = codec.decode(octets)
        return codec.frame(header, b"wait") if header.status == Status.IN_PROGRESS else octets

    works.replies(PROXIES, changed)


@breaks("result-lost-after-poll", "TRN-02")
def _(works: Works) -> None:
    """A result can be polled once."""
    told: set[bytes] = set()

    async def around(self: Deferral, poll: Any, data: bytes, customer: Any) -> Any:
        found = None if data in told else await poll(self, data, customer)
        if isinstance(found, deferral.Finished):
            told.add(data)
        return found

    _polling(works, around)


@breaks("result-for-anybody", "TRN-02")
def _(works: Works) -> None:
    """Whoever knows an identifier gets the result."""

    async def around(self: Deferral, poll: Any, data: bytes, customer: Any) -> Any:
        row = await self._database.read(lambda c: deferral._find(c, int(data)))
        if row is not None:
            customer = type(customer)(row.userid, row.entpid)
        return await poll(self, data, customer)

    _polling(works, around)


@breaks("result-at-any-door", "TRN-02")
def _(works: Works) -> None:
    """Every proxy knows the identifiers of all."""

    def made(poll: Any) -> Any:
        async def polled(self: Services, identifier: bytes, door: str, customer: Any) -> Any:
            for each in self._back_ends:
                found = await poll(self, identifier, each, customer)
                if found != Status.UNKNOWN_ID:
                    break
            return found

        return polled

    works.exchange(Services, "poll", made)


@breaks("result-of-one-session", "TRN-02")
def _(works: Works) -> None:
    """A result is there for the session only that asked."""
    keys: dict[bytes, str] = {}

    def made(later: Any) -> Any:
        async def judged(self: Any, header: Any, data: bytes, customer: Any) -> Any:
            if header.type == MessageType.POLL and keys.get(data) != header.session_key:
                return Status.UNKNOWN_ID, b"", "-"
            found = await later(self, header, data, customer)
            if header.type == MessageType.REQUEST:
                keys[found[1]] = header.session_key
            return found

        return judged

    works.exchange(Proxy, "_later", made)


@breaks("results-lost-by-restart", "TRN-02")
def _(works: Works) -> None:
    """A proxy that is started again knows no identifier of before."""

    def made(accept: Any) -> Any:
        async def accepted(self: Any, *arguments: Any) -> Any:
            number, is_new = await accept(self, *arguments)
            self.__dict__.setdefault("accepted", set()).add(b"%020d" % number)
            return number, is_new

        return accepted

    async def around(self: Any, poll: Any, data: bytes, customer: Any) -> Any:
        known = data in self.__dict__.get("accepted", ())
        return await poll(self, data, customer) if known else None

    works.exchange(Deferral, "accept", made)
    _polling(works, around)


@breaks("results-kept-an-hour", "TRN-02")
def _(works: Works) -> None:
    """A result can be polled for an hour."""
    works.exchange(deferral, "KEPT_SECONDS", lambda _: 3600.0)


@breaks("results-kept-two-days", "TRN-02")
def _(works: Works) -> None:
    """A result can be polled for two days."""
    works.exchange(deferral, "KEPT_SECONDS", lambda seconds: 2 * seconds)


@breaks("equal-request-done-again", "DSP-06")
def _(works: Works) -> None:
    """A type 1 frame that is equal to one before gets another identifier."""
    numbers = count()

    def made(accept: Any) -> Any:
        async def accepted(self: Any, serial: int, key: str, *rest: Any) -> Any:
            return await accept(self, serial, f"{key} {next(numbers)}", *rest)

        return accepted

    works.exchange(Deferral, "accept", made)


@breaks("equal-type-0-not-done", "DSP-06")
def _(works: Works) -> None:
    """A type 0 frame that is equal to one before gets the reply of that one."""
    known: dict[bytes, Answer] = {}

    async def around(answer: Answerer, request: Frame[Any], hop: Hop) -> Answer:
        if request.header.type != MessageType.SYNC:
            return await answer(request, hop)
        if request.octets not in known:
            known[request.octets] = await answer(request, hop)
        return known[request.octets]

    works.port(PROXIES, lambda profile: around)


@breaks("result-without-its-status", "TRN-02")
def _(works: Works) -> None:
    """The result of a message that was refused has status 0."""

    def polled(later: Any) -> Any:
        async def told(self: Any, header: Any, data: bytes, customer: Any) -> Any:
            status, octets, error = await later(self, header, data, customer)
            is_wrong = status == Status.APPLICATION_ERROR
            return (Status.OK if is_wrong else status), octets, error

        return told

    works.exchange(Proxy, "_later", polled)


# ---- TRN-05 --------------------------------------------------------------------------------------


def _native_reader(works: Works, **methods: Any) -> None:
    works.exchange(emulator, "NativeReader", lambda kind: type("NativeReader", (kind,), methods))


@breaks("nul-between-messages-refused", "TRN-05")
def _(works: Works) -> None:
    """A NUL before a message is an error."""
    _native_reader(works, _skip=_refusing_to_skip(b"\0"))


@breaks("bar-between-messages-refused", "TRN-05")
def _(works: Works) -> None:
    """A `|` before a message is an error."""
    _native_reader(works, _skip=_refusing_to_skip(b"|"))


def _refusing_to_skip(octet: bytes) -> Any:
    def skip(self: Any) -> None:
        if bytes(self._held[self._start : self._start + 1]) == octet:
            self._refuse(1)
        NativeReader._skip(self)

    return skip


@breaks("message-needs-line-end", "TRN-05")
def _(works: Works) -> None:
    """A message is read when the line ends."""

    def end(self: Any) -> int | None:
        return NativeReader._end(self) if b"\n" in self._held[self._start :] else None

    _native_reader(works, _end=end)


@breaks("syntax-error-keeps-connection", "TRN-05")
def _(works: Works) -> None:
    """After a syntax error on a native port the connection stays open."""

    def made(refuse: Any) -> Any:
        def refused(self: Any, why: Any) -> None:
            if isinstance(self._reader, NativeRequests) and not self._under_way:
                self._write(why.octets)
                self._reader = self.factory._make_reader()
            else:
                refuse(self, why)

        return refused

    works.exchange(Answering, "_refuse", made)


@breaks("any-refusal-closes", "TRN-05")
def _(works: Works) -> None:
    """A native port closes the connection behind every message that it does not know."""

    def made(profile: Profile) -> Around:
        async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
            done = await answer(request, hop)
            unknown = re.search(rb"ERROR=(6104|5103)>", done.octets)
            return replace(done, close=True) if unknown else done

        return around

    works.port((*NATIVE, "jar"), made)


@breaks("refused-at-the-end", "TRN-05")
def _(works: Works) -> None:
    """Octets with which no message can begin are refused only when a `<` or the end comes."""

    def end(self: Any) -> int | None:
        waits = not self._closed and b"<" not in self._held[self._start :]
        return None if waits else NativeReader._end(self)

    _native_reader(works, _end=end)


@breaks("end-of-stream-answered", "TRN-05")
def _(works: Works) -> None:
    """The end of the stream is answered as a message that is none."""
    works.exchange(
        NativeRequests, "finish", lambda finish: lambda self: finish(self) or b"<ERROR=6611>"
    )


@breaks("last-message-first", "TRN-05")
def _(works: Works) -> None:
    """Of the messages that have come together the last is answered first."""

    def made(pull: Any) -> Any:
        def pulled(self: Any) -> bytes | None:
            held: list[bytes] = self.__dict__.setdefault("pulled", [])
            while (message := pull(self)) is not None:
                held.append(message)
            return held.pop() if held else None

        return pulled

    works.exchange(NativeRequests, "pull", made)


@breaks("unfinished-message-unanswered", "TRN-05")
def _(works: Works) -> None:
    """A message that the end of the stream cuts off is not answered."""
    works.exchange(NativeRequests, "finish", lambda _: lambda self: b"")


@breaks("unfinished-message-is-6611", "TRN-05", "SYN-10")
def _(works: Works) -> None:
    """A message that the end of the stream cuts off is told 6611 rather than 6612."""

    def made(finish: Any) -> Any:
        return lambda self: finish(self).replace(b"6612", b"6611")

    works.exchange(NativeRequests, "finish", made)


@breaks("file-one-octet-short", "TRN-05", "CAT-06")
def _(works: Works) -> None:
    """Behind the reply to F stands one octet less than it says."""

    def made(whole: Any) -> Any:
        async def shorter(self: Services, answer: Any, octets: bytes, door: str) -> Done:
            done: Done = await whole(self, answer, octets, door)
            return Done(done.error, done.octets[:-1]) if answer.file and not done.error else done

        return shorter

    works.exchange(Services, "_whole", made)
