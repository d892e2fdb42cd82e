"""The dispatcher's connectivity test: an echo to each proxy instance, time and again (HDR-07)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import Profile

from .link import Reply, TimedOut, Unreachable
from .registry import Registry
from .serials import SerialsExhausted
from .trail import Trail

_ECHO = 1


class Pinger:
    """Takes an instance that does not answer its echo out of the turn, until it answers one."""

    def __init__(
        self,
        profile: Profile,
        registry: Registry,
        serials: Callable[[], Awaitable[int]],
        exchange: Callable[[str, bytes, str], Awaitable[Reply]],
        trail: Trail,
    ) -> None:
        self._profile = profile
        self._registry = registry
        self._serials = serials
        self._exchange = exchange
        self._trail = trail

    async def ping(self, address: str) -> bool:
        """Send one echo; whether it came back octet for octet."""
        transaction = self._trail.new()
        try:
            header = CommonHeader(self._profile.version, echo=_ECHO, serial=await self._serials())
            echo = self._profile.wire.common.frame(header, b"")
            reply = await self._exchange(address, echo, transaction)
            well = bool(reply.answer.octets == echo)
        except SerialsExhausted:
            return True  # of the instance this says nothing
        except (TimedOut, Unreachable):
            well = False
        if self._registry.answered(address, well=well):
            event = "answers-again" if well else "does-not-answer"
            self._trail.line("dispatcher", transaction, {"event": event, "proxy": address})
        return well
