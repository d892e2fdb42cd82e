"""Stubs applied: requests that are as a stub describes get its reply, and no server sees them.

Stubs are looked up by the acronym of the request, so that a request is compared with those of its
own and with those that name none. The first that describes it and whose turn it is answers. Without
any stub the server is called at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from starwire.grammar import Limits, Message, MetadataError, fold, parse, strip
from starwire.protocol.packing import HeaderError
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType, Status

from .answering import Answer, Answerer, Hop
from .backend import acronym_of
from .customer import Customer
from .jar_client import JarUnreachable
from .ports import BARE, Port, ports_of
from .stub import Condition, Stub

_ON_THEIR_OWN = (MessageType.REQUEST, MessageType.POLL)

Sleep = Callable[[float], Awaitable[Any]]


class Sessions(Protocol):
    """Whose session a key is."""

    async def customer(self, key: str) -> Customer | None:
        """None for nobody's. Raises JarUnreachable."""


class Question:
    """A request as far as stubs ask about it; what costs something is found out when asked."""

    def __init__(self, hop: str, data: bytes, limits: Limits) -> None:
        self.hop = hop
        self.acronym = acronym_of(data) or ""
        self.type: int | None = None
        self.serial: int | None = None
        self.user = ""
        self._data = data
        self._limits = limits
        self._message: Message | None = None

    def value(self, name: str) -> str | None:
        """The first value of a parameter, None where there is none."""
        if self._message is None:
            try:
                self._message = parse(self._data, self._limits)
            except MetadataError:
                return None
        field = self._message.fields().get(fold(name))
        return None if field is None else strip(field.value.text)


class Mismatch(msgspec.Struct, frozen=True):
    """A condition that does not hold."""

    condition: str
    wanted: str
    found: str


def mismatches(stub: Stub, asked: Question) -> Iterator[Mismatch]:
    """Each condition of a stub that a request does not meet, the turn left aside."""
    for name, has in (
        ("hop", asked.hop),
        ("acronym", asked.acronym),
        ("type", asked.type),
        ("serial", asked.serial),
        ("user", asked.user),
    ):
        wanted = getattr(stub, name)
        if wanted is not UNSET and wanted != has:
            yield Mismatch(name, str(wanted), "none" if has in (None, "") else str(has))
    if asked.hop in BARE and stub.reply.answers and not stub.reply.has_message:
        yield Mismatch("hop", "one with a header, for a status", asked.hop)
    if stub.type is UNSET and asked.type == MessageType.BULK:
        yield Mismatch("type", "no bulk transfer", str(asked.type))
    for name, given in stub.parameters.items():
        condition = Condition(equals=given) if isinstance(given, str) else given
        value = asked.value(name)
        if not condition.holds(value):
            told = "none" if value is None else repr(value)
            yield Mismatch(f"parameters.{name}", str(condition), told)


class Kept(msgspec.Struct):
    """A stub in use."""

    number: int
    stub: Stub
    data: bytes
    described: int = 0
    """Requests that were as it describes."""
    used: int = 0
    """Those that it answered, or delayed: it was its turn."""


class Stubs:
    """The stubs of one process."""

    def __init__(self, profile: Profile, sleep: Sleep, sessions: Callable[[], Sessions]) -> None:
        self._ports = ports_of(profile)
        self._limits = profile.limits
        self._sleep = sleep
        self._sessions = sessions
        self._kept: dict[int, Kept] = {}
        self._by_acronym: dict[str, list[Kept]] = {}
        self._last = 0

    def add(self, stub: Stub) -> int:
        """Use a stub from now on; gives its number.

        Raises grammar.BuildError for fields that no message can have, ValueError for a reply that
        its port cannot carry.
        """
        data = stub.reply.data()
        self._check(stub)
        self._last += 1
        self._kept[self._last] = Kept(self._last, stub, data)
        self._index()
        return self._last

    def remove(self, number: int) -> bool:
        """Whether there was such a stub."""
        found = self._kept.pop(number, None)
        self._index()
        return found is not None

    def clear(self) -> None:
        """Remove all; numbers go on."""
        self._kept.clear()
        self._index()

    def listing(self) -> list[Kept]:
        """Those in use, in the order in which they are tried."""
        return list(self._kept.values())

    def find(self, number: int) -> Kept | None:
        return self._kept.get(number)

    def question(self, hop: str, data: bytes) -> Question:
        """A request that nobody sent."""
        return Question(hop, data, self._limits)

    def interpose(self, name: str, answer: Answerer) -> Answerer:
        """See `answering.Interposer`."""
        port = self._ports[name]

        def stubbed(request: Any, hop: Hop) -> Coroutine[Any, Any, Answer]:
            if not self._by_acronym:
                return answer(request, hop)
            return self._answer(port, request, hop, answer)

        return stubbed

    async def _answer(self, port: Port, request: Any, hop: Hop, answer: Answerer) -> Answer:
        if port.is_echo(request):
            return await answer(request, hop)
        asked = Question(port.name, port.data(request), self._limits)
        header = port.header(request)
        if header is not None:
            asked.type = header.type
            asked.serial = getattr(header, "serial", None)
        found = await self._find(asked, header)
        if found is None:
            return await answer(request, hop)
        reply = found.stub.reply
        if reply.delay:
            await self._sleep(reply.delay)
        if not reply.answers:
            return await answer(request, hop)
        asked.user = asked.user or await self._user(asked, header)
        return self._reply(port, header, found, asked)

    async def _find(self, asked: Question, header: Any) -> Kept | None:
        known = False
        for kept in self._candidates(asked.acronym):
            if kept.stub.user is not UNSET and not known:
                asked.user, known = await self._user(asked, header), True
            if any(mismatches(kept.stub, asked)):
                continue
            kept.described += 1
            if kept.stub.is_its_turn(kept.described):
                kept.used += 1
                return kept
        return None

    async def _user(self, asked: Question, header: Any) -> str:
        """Whose session the request has; without one whom it names itself."""
        named = getattr(header, "user_id", "")
        key = getattr(header, "session_key", "")
        if named or not key:
            return named or asked.value("USERID") or ""
        try:
            customer = await self._sessions().customer(key)
        except JarUnreachable:
            return ""
        return "" if customer is None else customer.userid

    def _reply(self, port: Port, header: Any, kept: Kept, asked: Question) -> Answer:
        if port.codec is None:
            return Answer(kept.data, user=asked.user)
        octets = port.codec.frame(header.reply(self._status(port, kept)), kept.data)
        alone = port.name != "dispatcher" and header.type in _ON_THEIR_OWN
        return Answer(octets, close=alone, user=asked.user)

    def _status(self, port: Port, kept: Kept) -> int:
        status = kept.stub.reply.status
        if status is not UNSET:
            return status
        _, code = port.outcome(bytes(port.size) + kept.data)
        return Status.APPLICATION_ERROR if code.strip("0") else Status.OK

    def _check(self, stub: Stub) -> None:
        """Whether every port that it may answer at can carry its reply."""
        reply = stub.reply
        if not reply.answers:
            return
        for name in self._ports if stub.hop is UNSET else [stub.hop]:
            port = self._ports[name]
            if port.codec is None:
                if not reply.has_message and stub.hop is not UNSET:
                    raise ValueError(f"status: {name} carries bare messages, which have none")
            elif reply.status is not UNSET:
                try:
                    port.codec.encode(port.codec.kind(version=0, status=reply.status))
                except HeaderError as error:
                    raise ValueError(f"status: {error.reason}") from None

    def _candidates(self, acronym: str) -> list[Kept]:
        return self._by_acronym.get(acronym) or self._by_acronym.get("", [])

    def _index(self) -> None:
        """For each acronym that is named its stubs and those for any, under "" the latter alone."""
        named: defaultdict[str, list[Kept]] = defaultdict(list)
        acronyms = [kept.stub.acronym for kept in self._kept.values()]
        names = {"", *(one for one in acronyms if one is not UNSET)}
        for kept, own in zip(self._kept.values(), acronyms, strict=True):
            for name in names if own is UNSET else [own]:
                named[name].append(kept)
        self._by_acronym = dict(named)
