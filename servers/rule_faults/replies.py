"""What a proxy replies with: echo, the header of a reply, the status: HDR-05, HDR-06, STS."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from starwire.protocol.profile import Profile
from starwire.protocol.status import Status

from .. import proxy, readers
from ..adapter import Answering
from ..answering import Answer, Answerer, Hop
from .fault import breaks
from .works import PROXIES, Works, with_header

# ---- HDR-05: echo --------------------------------------------------------------------------------


def _echo(works: Works, change: Any) -> None:
    """Change the reply to an echo: `change(header)` gives other fields, or None for no data."""

    def made(profile: Profile) -> Any:
        codec = profile.wire.common

        async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
            if not request.header.echo:
                return await answer(request, hop)
            return Answer(change(request, codec))

        return around

    works.port(PROXIES, made)


@breaks("echo-without-data", "HDR-05")
def _(works: Works) -> None:
    """The data of an echo do not come back."""
    _echo(works, lambda request, codec: codec.frame(request.header, b""))


@breaks("echo-status-cleared", "HDR-05")
def _(works: Works) -> None:
    """The reply to an echo has status 0, whatever the request had."""
    _echo(
        works, lambda request, codec: codec.frame(replace(request.header, status=0), request.data)
    )


@breaks("echo-flag-cleared", "HDR-05")
def _(works: Works) -> None:
    """The reply to an echo has echo 0."""
    _echo(works, lambda request, codec: codec.frame(replace(request.header, echo=0), request.data))


@breaks("echo-needs-session", "HDR-05", "HDR-11")
def _(works: Works) -> None:
    """An echo without a session is refused: 105."""

    def made(answer: Any) -> Any:
        async def answered(self: Any, frame: Any, hop: Hop) -> Any:
            if frame.header.echo:
                customer = await self._customer(frame.header.session_key)
                if isinstance(customer, Status):
                    header = replace(frame.header.reply(customer), length=self._codec.size)
                    return Answer(self._codec.encode(header))
            return await answer(self, frame, hop)

        return answered

    works.exchange(proxy.Proxy, "answer", made)


@breaks("echo-2-is-none", "HDR-05")
def _(works: Works) -> None:
    """Only 1 is an echo: a frame with echo 2 is a request."""

    async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
        if request.header.echo != 1:
            request = with_header(request, echo=0)
        return await answer(request, hop)

    works.port(PROXIES, lambda profile: around)


@breaks("echo-carried-out", "HDR-05")
def _(works: Works) -> None:
    """An echo is passed on to the back end."""

    async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
        return await answer(with_header(request, echo=0), hop)

    works.port(PROXIES, lambda profile: around)


# ---- HDR-06: the header of a reply ---------------------------------------------------------------


@breaks("101-keeps-connection", "HDR-06", "HDR-03")
def _(works: Works) -> None:
    """After 101 the connection stays open, and what follows is read as frames."""
    _keeping_open(works, Status.VERSION)


@breaks("102-keeps-connection", "HDR-06", "HDR-03")
def _(works: Works) -> None:
    """After 102 the connection stays open, and what follows is read as frames."""
    _keeping_open(works, Status.LENGTH)


def _keeping_open(works: Works, status: Status) -> None:
    def made(refuse: Any) -> Any:
        def refused(self: Any, why: Any) -> None:
            reader = self._reader
            is_it = isinstance(reader, readers.FrameRequests) and not self._under_way
            if is_it and reader._codec.decode(why.octets).status == status:
                self._write(why.octets)
                self._reader = self.factory._make_reader()
                return
            refuse(self, why)

        return refused

    works.exchange(Answering, "_refuse", made)


@breaks("101-called-102", "HDR-06")
def _(works: Works) -> None:
    """A wrong version is answered with 102."""
    _mismatch(works, lambda header: replace(header, status=Status.LENGTH))


@breaks("mismatch-with-key", "HDR-06")
def _(works: Works) -> None:
    """101 and 102 are answered under a session key of zeros in place of NULs."""
    _mismatch(works, lambda header: replace(header, session_key="0" * 8))


@breaks("mismatch-with-data", "STS-01")
def _(works: Works) -> None:
    """101 and 102 say in their data what is wrong."""

    def made(mismatch: Any) -> Any:
        def frame(codec: Any, version: int, status: int) -> Any:
            bare = codec.decode(mismatch(codec, version, status))
            return codec.frame(bare, b"refused")

        return frame

    works.exchange(readers, "mismatch_frame", made)


def _mismatch(works: Works, change: Any) -> None:
    def made(mismatch: Any) -> Any:
        def frame(codec: Any, version: int, status: int) -> Any:
            return codec.encode(change(codec.decode(mismatch(codec, version, status))))

        return frame

    works.exchange(readers, "mismatch_frame", made)


@breaks("serial-not-repeated", "HDR-06", "HDR-02")
def _(works: Works) -> None:
    """The serial in the reply of a proxy is one more than that of the request."""
    works.headers(PROXIES, lambda header, _: replace(header, serial=header.serial + 1))


@breaks("serial-cut-to-32-bits", "HDR-02", "HDR-06")
def _(works: Works) -> None:
    """Of the serial only the low half comes back."""

    def changed(profile: Profile, octets: bytes, request: Any) -> bytes:
        codec = profile.wire.common
        header = codec.decode(octets)
        half = 256 ** (codec.integer("serial").width // 2)
        return codec.encode(replace(header, serial=header.serial % half)) + octets[codec.size :]

    works.replies(PROXIES, changed)


@breaks("type-not-repeated", "HDR-06", "TRN-02")
def _(works: Works) -> None:
    """Every reply of a proxy has type 0."""
    works.headers(PROXIES, lambda header, _: replace(header, type=0))


@breaks("key-not-repeated", "HDR-06")
def _(works: Works) -> None:
    """The session key in the reply of a proxy is empty."""
    works.headers(PROXIES, lambda header, _: replace(header, session_key=""))


@breaks("version-not-repeated", "HDR-06")
def _(works: Works) -> None:
    """The version in the reply of a proxy is 0."""
    works.headers(PROXIES, lambda header, _: replace(header, version=0))


@breaks("echo-flag-in-replies", "HDR-06")
def _(works: Works) -> None:
    """Every reply of a proxy has echo 1."""
    works.headers(PROXIES, lambda header, _: replace(header, echo=1))


@breaks("refusal-closes", "HDR-06")
def _(works: Works) -> None:
    """The connection to a proxy is closed after 105."""

    def made(profile: Profile) -> Any:
        async def around(answer: Answerer, request: Any, hop: Hop) -> Answer:
            answered = await answer(request, hop)
            octets = answered.octets
            status = profile.wire.common.decode(octets).status if octets else 0
            return replace(answered, close=answered.close or status == Status.NO_SESSION)

        return around

    works.port(PROXIES, made)


@breaks("unknown-type-is-102", "HDR-06")
def _(works: Works) -> None:
    """An unknown type is answered with 102 rather than 107."""
    _status(works, lambda status, header: 102 if status == Status.UNKNOWN_TYPE else status)


# ---- STS -----------------------------------------------------------------------------------------


def _status(works: Works, change: Any) -> None:
    """Let the replies of proxies have the status `change(status, request's header)`."""
    works.headers(
        PROXIES,
        lambda header, request: (
            header if request.echo else replace(header, status=change(header.status, request))
        ),
    )


@breaks("status-always-0", "STS-01")
def _(works: Works) -> None:
    """A message that is refused has status 0."""
    _status(works, lambda status, _: 0 if status == Status.APPLICATION_ERROR else status)


@breaks("success-is-100", "STS-01")
def _(works: Works) -> None:
    """A message that was carried out has status 100."""
    _status(works, lambda status, _: 100 if status == Status.OK else status)


@breaks("no-records-is-success", "STS-01")
def _(works: Works) -> None:
    """The codes 5005, 5100 and 6050 have status 0."""

    def made(outcome: Any) -> Any:
        def found(done: Any) -> Any:
            status, data, error = outcome(done)
            return (Status.OK if error in (5005, 5100, 6050) else status), data, error

        return found

    works.exchange(proxy, "_outcome", made)


@breaks("bare-status-with-data", "STS-01", "HDR-06")
def _(works: Works) -> None:
    """A refusal by status, such as 105, brings a text."""

    def changed(profile: Profile, octets: bytes, request: Any) -> bytes:
        codec = profile.wire.common
        header = codec.decode(octets)
        if header.status in (Status.NO_SESSION, Status.UNKNOWN_TYPE, Status.UNKNOWN_ID):
            return codec.frame(header, b"refused")
        return octets

    works.replies(PROXIES, changed)
