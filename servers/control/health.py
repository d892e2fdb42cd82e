"""What runs here, and whether it can work."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import select
from twisted.internet.defer import Deferred

from starwire.grammar import __version__
from starwire.protocol.profile import Profile
from starwire.servers import schema

from .routing import Asked, Coded, route

ANSWER_SECONDS = 2.0
"""How long the state store may take to answer before it counts as not reachable."""


class Endpoint(Struct, frozen=True):
    """A port of this process."""

    name: str
    host: str
    port: int


class StoreState(Struct, frozen=True):
    """Whether the state store answers; `reason` says why not."""

    url: str
    reachable: bool
    reason: str


class Health(Struct, frozen=True):
    """The state of this process."""

    ready: bool
    version: str
    profile: str
    endpoints: list[Endpoint]
    store: StoreState


class Readable(Protocol):
    """The state store."""

    store: Any

    async def read(self, work: Callable[[Any], Any]) -> Any:
        """The result of `work`."""


class StoreProbe:
    """Asks the state store for its version; one question at a time, since a hanging one stays."""

    def __init__(self, reactor: Any, database: Readable) -> None:
        self._reactor = reactor
        self._database = database
        self._asking: Deferred[None] | None = None
        self._failure = ""
        self._since = 0.0

    async def state(self) -> StoreState:
        """Never takes longer than ANSWER_SECONDS."""
        if self._asking is None:
            self._since = self._reactor.seconds()
            asking = self._asking = Deferred.fromCoroutine(self._ask())
            asking.addBoth(self._asked)
        if self._asking is not None:
            await self._answer_or_time(self._asking)
        reason = self._failure
        if self._asking is not None:
            waited = self._reactor.seconds() - self._since
            reason = f"no answer for {waited:.0f} seconds"
        return StoreState(str(self._database.store), not reason, reason)

    async def _ask(self) -> None:
        try:
            await self._database.read(lambda c: c.execute(select(schema.store.c.version)).scalar())
            self._failure = ""
        except Exception as error:
            self._failure = next(iter(str(error).splitlines()), "") or type(error).__name__

    def _asked(self, outcome: Any) -> None:
        self._asking = None

    async def _answer_or_time(self, asking: Deferred[None]) -> None:
        done: Deferred[None] = Deferred()
        timer = self._reactor.callLater(ANSWER_SECONDS, done.callback, None)

        def answered(outcome: Any) -> None:
            if timer.active():
                timer.cancel()
                done.callback(None)

        asking.addCallback(answered)
        await done


class HealthDesk:
    """Health, endpoints, profile."""

    def __init__(
        self, profile: Profile, probe: StoreProbe, endpoints: Callable[[], list[Endpoint]]
    ) -> None:
        self._profile = profile
        self._probe = probe
        self._endpoints = endpoints

    @route("GET", "/health", result=Health, others={HTTPStatus.SERVICE_UNAVAILABLE: Health})
    async def health(self, asked: Asked) -> Any:
        """Whether this process can work: 200 if it can, 503 if the state store does not answer."""
        store = await self._probe.state()
        told = Health(store.reachable, __version__, self._profile.name, self._endpoints(), store)
        return told if told.ready else Coded(HTTPStatus.SERVICE_UNAVAILABLE, told)

    @route("GET", "/endpoints", result=list[Endpoint])
    async def endpoints(self, asked: Asked) -> list[Endpoint]:
        """The ports of this process."""
        return self._endpoints()

    @route("GET", "/profile", result=dict[str, Any])
    async def profile(self, asked: Asked) -> dict[str, Any]:
        """The wire profile that is spoken here, in the words of a profile's file."""
        names = self._profile.__struct_fields__
        return {name: getattr(self._profile, name) for name in names}
