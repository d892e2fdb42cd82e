"""How a process reaches the next hop: a connection for each request, or kept ones (DSP-04)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import Profile
from starwire.protocol.sealing import GREETING_OCTETS, LinkKeys, SealedLink
from starwire.protocol.status import MessageType

from .front import Forward
from .kept import FrameSource
from .link import Reply, exchange
from .multiplex import Multiplex
from .pool import Pool
from .readers import FrameRequests, SealedRequests
from .reading import Reader
from .stream import Stream, open_stream
from .trail import Trail

WEB, PROXY = "web", "proxy"
"""The links: web server to dispatcher, dispatcher to proxy."""


class Hops:
    """The links of one process, sealed where there are keys."""

    def __init__(self, reactor: Any, profile: Profile, keys: LinkKeys | None, trail: Trail) -> None:
        self._reactor = reactor
        self._profile = profile
        self._keys = keys
        self.sealed = keys is not None
        self._trail = trail
        self._multiplex = Multiplex(
            reactor,
            lambda: self.opens(PROXY),
            seconds=profile.reply_seconds,
            idle_seconds=profile.idle_seconds,
        )
        self._pools: list[Pool] = []

    def opens(self, link: str) -> FrameSource:
        """The reader of a connection that this side opens."""
        frames = self._frames(link)
        return SealedRequests(self._seal(link, opens=True), frames) if self.sealed else frames

    def accepts(self, link: str, tapped: Callable[[Reader], Reader]) -> Reader:
        """The reader of a connection that this side accepts; `tapped` stands inside the seal."""
        frames = tapped(self._frames(link))
        return SealedRequests(self._seal(link, opens=False), frames) if self.sealed else frames

    def _frames(self, link: str) -> FrameRequests:
        wire = self._profile.wire
        return FrameRequests(wire.dispatcher if link == WEB else wire.common, self._profile)

    def _seal(self, link: str, *, opens: bool) -> SealedLink:
        assert self._keys is not None
        key = self._keys.web if link == WEB else self._keys.proxy
        greeting = secrets.token_bytes(GREETING_OCTETS)
        return SealedLink(key, greeting, opens=opens, longest=self._profile.frame_octets)

    def to_proxy(
        self, address: str, header: CommonHeader, frame: bytes, transaction: str
    ) -> Awaitable[Reply]:
        """Raises Unreachable or TimedOut when it is awaited."""
        if self._profile.multiplex and header.type == MessageType.SYNC and not header.echo:
            return self._multiplex.exchange(address, header, frame)
        return self.once(PROXY, address, frame, transaction)

    def to_dispatcher(self, address: str) -> Forward:
        """What asks the dispatcher at that address."""
        if not self._profile.multiplex:
            return lambda frame, transaction: self.once(WEB, address, frame, transaction)
        pool = Pool(
            self._reactor,
            address,
            lambda: self.opens(WEB),
            self._trail,
            seconds=self._profile.reply_seconds,
            idle_seconds=self._profile.idle_seconds,
        )
        self._pools.append(pool)
        return pool.exchange

    async def once(
        self, link: str, address: str, frame: bytes, transaction: str, seconds: float = 0.0
    ) -> Reply:
        """On a connection of its own. Raises Unreachable; TimedOut after `seconds`, or those of the
        profile.
        """
        return await exchange(
            self._reactor,
            address,
            frame,
            self.opens(link),
            seconds=seconds or self._profile.reply_seconds,
            trail=self._trail,
            transaction=transaction,
        )

    async def stream(self, link: str, address: str, frame: bytes, transaction: str) -> Stream:
        """A bulk run, on a connection of its own. Raises Unreachable."""
        return await open_stream(
            self._reactor,
            address,
            frame,
            self.opens(link),
            seconds=self._profile.reply_seconds,
            trail=self._trail,
            transaction=transaction,
        )

    def stop(self) -> None:
        """Close what is kept."""
        self._multiplex.stop()
        for pool in self._pools:
            pool.stop()
