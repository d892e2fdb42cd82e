"""Links that are encrypted: ENC-01."""

from __future__ import annotations

from typing import Any

from starwire.protocol.frames import NEED_DATA
from starwire.protocol.headers import mismatch_frame
from starwire.protocol.sealing import SealedLink, SealError
from starwire.protocol.status import Status

from .. import emulator, hops
from ..readers import SealedRequests
from ..reading import Refused
from .fault import breaks
from .works import Works


def _link(works: Works, **methods: Any) -> None:
    """Let links be sealed by a class that has these methods in place of its own."""
    works.exchange(hops, "SealedLink", lambda kind: type("SealedLink", (kind,), methods))


@breaks("links-not-encrypted", "ENC-01")
def _(works: Works) -> None:
    """The key file is not looked at, and frames go in the clear."""
    works.exchange(emulator, "read_link_keys", lambda _: lambda configuration: None)


@breaks("link-keys-exchanged", "ENC-01")
def _(works: Works) -> None:
    """The link to the proxies has the key of the web server's, and the reverse."""
    other = {hops.WEB: hops.PROXY, hops.PROXY: hops.WEB}
    works.exchange(
        hops.Hops,
        "_seal",
        lambda seal: lambda self, link, *, opens: seal(self, other[link], opens=opens),
    )


@breaks("nonce-from-1", "ENC-01")
def _(works: Works) -> None:
    """The nonces of a link begin at 1."""

    def init(self: Any, *arguments: Any, **options: Any) -> None:
        SealedLink.__init__(self, *arguments, **options)
        self._sealed = self._opened = 1

    _link(works, __init__=init)


@breaks("salt-from-the-acceptor", "ENC-01")
def _(works: Works) -> None:
    """In the salt the acceptor's octets stand before the opener's."""

    def derive(self: Any, theirs: bytes) -> None:
        own, self.greeting = self.greeting, theirs
        SealedLink._derive(self, own)
        self.greeting = own

    _link(works, _derive=derive)


@breaks("directions-exchanged", "ENC-01")
def _(works: Works) -> None:
    """Each direction of a link has the key of the other."""

    def derive(self: Any, theirs: bytes) -> None:
        SealedLink._derive(self, theirs)
        self._sealing, self._opening = self._opening, self._sealing

    _link(works, _derive=derive)


@breaks("bad-record-answered", "ENC-01")
def _(works: Works) -> None:
    """A record that does not authenticate is answered with 102."""

    def made(pull: Any) -> Any:
        def pulled(self: Any) -> Any:
            try:
                return pull(self)
            except Refused as refused:
                if refused.octets:
                    raise
                frames = self._inner
                owed = mismatch_frame(frames._codec, frames._version, Status.LENGTH)
                raise Refused(owed, refused.reason) from None

        return pulled

    works.exchange(SealedRequests, "pull", made)


@breaks("bad-record-passed-over", "ENC-01")
def _(works: Works) -> None:
    """A record that does not authenticate is passed over, and the connection stays open."""

    def refuse(self: Any, reason: str) -> None:
        raise SealError(reason)

    def pull(self: Any) -> Any:
        try:
            return SealedLink.pull(self)
        except SealError:
            return NEED_DATA

    _link(works, _refuse=refuse, pull=pull)
