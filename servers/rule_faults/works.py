"""What a rule fault can change of an emulator, and how all of it is put back.

Three places are the emulator's own: the profile and the catalogue that it gets, and what stands at
its ports (`breaking.BREAKING`). The fourth is a function of a servers module, exchanged for the
time that the fault is on. Nothing of `grammar` or `protocol` is ever exchanged: whoever tests in
the same process uses them too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeAlias

from msgspec.structs import replace

from starwire.protocol.catalogue import Catalogue, MessageSpec
from starwire.protocol.frames import Frame
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile

from .. import backend, emulator, jar, services
from ..answering import Answer, Answerer, Hop, Interposer
from ..breaking import BREAKING, PageInterposer
from ..faults import through
from ..front import Page, PostAnswerer

PROXIES = ("rm", "rs", "inbox", "staroe")
NATIVE = ("rm-native", "inbox-native")
_VALIDATING = (backend, emulator, jar, services)
"""The servers modules that judge messages."""

Around: TypeAlias = Callable[[Answerer, Any, Hop], Awaitable[Answer]]
"""What answers at a port, a request and where it came from, to the answer."""
AroundPage: TypeAlias = Callable[[PostAnswerer, bytes, str, Hop], Awaitable[Page]]


class Works:
    """Gathers what the faults that are on change."""

    def __init__(self, undo: ExitStack) -> None:
        self._undo = undo

    def exchange(self, owner: Any, name: str, made: Callable[[Any], Any]) -> None:
        """`made` of what `owner`, a class, module or dictionary, has by that name, in its place."""
        if isinstance(owner, MutableMapping):
            old = owner[name]
            owner[name] = made(old)
            self._undo.callback(owner.__setitem__, name, old)
            return
        if name not in vars(owner):  # a class that inherits it
            setattr(owner, name, made(getattr(owner, name)))
            self._undo.callback(delattr, owner, name)
            return
        old = vars(owner)[name]
        inner = old.__func__ if isinstance(old, staticmethod) else old
        setattr(owner, name, made(inner))
        self._undo.callback(setattr, owner, name, old)

    def profile(self, change: Callable[[Profile], Profile]) -> None:
        """Let emulators get another profile."""
        self._gather(BREAKING.profiles, change)

    def catalogue(self, change: Callable[[Catalogue], Catalogue]) -> None:
        """Let their servers judge and answer by another catalogue."""
        self._gather(BREAKING.catalogues, change)

    def specs(self, change: Callable[[MessageSpec], MessageSpec]) -> None:
        """Let them have other tables of the messages."""
        self.catalogue(lambda catalogue: remade(catalogue, map(change, catalogue.messages)))

    def validation(self, around: Callable[..., Any]) -> None:
        """Let `around(validate, octets, door, **options)` judge messages in place of `validate`."""
        for module in _VALIDATING:
            self.exchange(module, "validate", lambda validate: partial(around, validate))

    def responses(self, change: Callable[[bytes, bytes, str], bytes]) -> None:
        """Let the back ends answer `change(response message, request's octets, door)`."""

        def made(answer: Any) -> Any:
            def answered(
                self: Any, connection: Any, octets: bytes, door: str, *rest: Any, **named: Any
            ) -> Any:
                told = answer(self, connection, octets, door, *rest, **named)
                return replace(told, octets=change(told.octets, octets, door))

            return answered

        self.exchange(backend.Reception, "answer", made)

    def port(self, ports: Iterable[str], made: Callable[[Profile], Around]) -> None:
        """Let what `made` gives for the emulator's profile answer at these ports."""
        names = tuple(ports)

        def interposer(profile: Profile) -> Interposer:
            around = made(profile)
            return lambda name, answer: _asking(around, answer) if name in names else answer

        self._gather(BREAKING.ports, interposer)

    def web(self, made: Callable[[Profile], AroundPage]) -> None:
        """Let what `made` gives answer POSTs."""

        def interposer(profile: Profile) -> PageInterposer:
            around = made(profile)
            return lambda answer: _posting(around, answer)

        self._gather(BREAKING.web, interposer)

    def replies(self, ports: Iterable[str], change: Callable[[Profile, bytes, Any], bytes]) -> None:
        """Send `change(profile, octets, request)` for every reply frame or message there."""

        def made(profile: Profile) -> Around:
            async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
                answered = await answer(request, hop)
                return through(answered, lambda octets: change(profile, octets, request))

            return around

        self.port(ports, made)

    def headers(self, ports: Iterable[str], change: Callable[[Any, Any], Any]) -> None:
        """Send `change(header, request's header)` as the header of every reply frame there. The
        length is as it was unless it is changed too.
        """
        for port in ports:
            self.replies((port,), _header_changed(port, change))

    def _gather(self, listed: list[Any], made: Any) -> None:
        listed.append(made)
        self._undo.callback(listed.remove, made)


@contextmanager
def works() -> Iterator[Works]:
    """Works whose changes are undone at the end, the last first."""
    with ExitStack() as undo:
        yield Works(undo)


def remade(catalogue: Catalogue, messages: Iterable[MessageSpec]) -> Catalogue:
    """A catalogue with these messages in place of its own."""
    return catalogue.with_messages(messages)


def with_header(frame: Frame[Any], **fields: Any) -> Frame[Any]:
    """A request as if these fields of its header had been otherwise."""
    return Frame(replace(frame.header, **fields), frame.octets, frame.header_size)


def codec_at(profile: Profile, port: str) -> HeaderCodec[Any]:
    """The codec of the frames of a port."""
    return profile.wire.dispatcher if port == "dispatcher" else profile.wire.common


def _header_changed(
    port: str, change: Callable[[Any, Any], Any]
) -> Callable[[Profile, bytes, Any], bytes]:
    def changed(profile: Profile, octets: bytes, request: Any) -> bytes:
        codec = codec_at(profile, port)
        header = change(codec.decode(octets), request.header)
        return codec.encode(header) + octets[codec.size :]

    return changed


def _asking(around: Around, answer: Answerer) -> Answerer:
    async def answered(request: Any, hop: Hop) -> Answer:
        return await around(answer, request, hop)

    return answered


def _posting(around: AroundPage, answer: PostAnswerer) -> PostAnswerer:
    async def answered(body: bytes, cookie: str, hop: Hop) -> Page:
        return await around(answer, body, cookie, hop)

    return answered
