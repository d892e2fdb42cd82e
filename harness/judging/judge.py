"""The judge: events go in, findings come out. No I/O.

judge = Judge()
for file, number, event in recording.placed():
    for finding in judge.take(event, file, number):
        ...
judge.tallies["HDR-04"].seen      how often the rule could be looked at
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from starwire.protocol.catalogue import CatalogueError
from starwire.protocol.headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.layout import Slot
from starwire.protocol.packing import HeaderCodec
from starwire.protocol.profile import Profile
from starwire.protocol.recording import Event, Header, RecordingError

from . import endings as _endings
from . import headers as _headers
from . import hops as _hops
from . import messages as _messages
from . import sessions as _sessions
from . import stored as _stored
from . import transfers as _transfers
from . import web as _web
from .connections import Connections
from .known import Known
from .moments import Answered, Asked, Moment, Overdue, Where
from .verdicts import HELD, JUDGES, Level, Objection
from .verdicts import Judge as Sentence

MODULES = (_headers, _messages, _endings, _sessions, _web, _hops, _transfers, _stored)
"""Whose judges register themselves, in this order."""
_KEPT = 512
"""Octets of a frame that a finding keeps."""


class Finding(Struct, frozen=True):
    """A rule that does not hold at one place of a recording."""

    rule: str
    sentence: str
    level: Level
    where: Where
    expected: str
    got: str
    octets: bytes
    """Of the reply, or the request where that is at fault; their beginning."""
    request: bytes = b""
    """What was asked, where that is known; its beginning."""
    field: str = ""
    offset: int = -1
    """Where in the octets the fault stands; -1 where there is no place to point at."""
    width: int = 0


class Tally:
    """How one rule fared."""

    def __init__(self) -> None:
        self.held = 0
        self.broken = 0


class Judge:
    """Judges one recording, or several."""

    def __init__(
        self,
        profile: Profile | None = None,
        rules: Sequence[str] = (),
        *,
        clients: bool = False,
    ) -> None:
        """With a `profile` that one counts, not the recording's; `rules` are patterns of the ids
        to be judged, all if there are none; with `clients` those who ask are judged too.
        """
        self.connections = Connections(profile)
        self.frames = 0
        """Frames, messages and HTTP bodies that were looked at."""
        self.judges = [
            one
            for one in JUDGES
            if (clients or one.about == "server")
            and (not rules or any(fnmatchcase(one.rule, rule) for rule in rules))
        ]
        self.tallies = {one.rule: Tally() for one in self.judges}
        self._by_moment: dict[tuple[type, bool], list[Sentence]] = {}
        """By the class of the moment, and whether both messages are known."""
        for one in self.judges:
            for kind in one.moments:
                self._by_moment.setdefault((kind, True), []).append(one)
                if not one.of_messages:
                    self._by_moment.setdefault((kind, False), []).append(one)
        self._known: Known | None = None

    def take(self, event: Event, file: str = "", number: int = 0) -> Iterator[Finding]:
        """What an event shows to be wrong. Raises RecordingError for a header whose profile cannot
        be used.
        """
        run = self.connections.run
        for moment in self.connections.read(event, file, number):
            assert self._known is not None
            if isinstance(moment, Asked):
                self._known.journeys.adopt(moment)
            elif isinstance(moment, Answered):
                self._known.transports.receive(moment)
                moment.talk = self._known.talk(moment)
                if moment.talk is not None:
                    moment.rules = _messages.rules_of(moment.talk, self._known)
            yield from self._judged(moment, self._known)
            self._known.learn(moment)
        if isinstance(event, Header) and (self._known is None or event.run != run):
            assert self.connections.profile is not None
            self._known = _known(self.connections.profile)

    def _judged(self, moment: Moment, known: Known) -> Iterator[Finding]:
        self.frames += isinstance(moment, Asked | Answered)
        has_messages = isinstance(moment, Answered) and moment.talk is not None
        for one in self._by_moment.get((type(moment), has_messages), ()):
            verdict = one.check(moment, known)
            if verdict is None:
                continue
            tally = self.tallies[one.rule]
            if verdict is HELD:
                tally.held += 1
            else:
                tally.broken += 1
                yield _finding(one, moment, verdict)


def _known(profile: Profile) -> Known:
    try:
        return Known(profile)
    except CatalogueError as error:
        raise RecordingError(1, "profile.overlay", str(error)) from None


def _finding(one: Sentence, moment: Any, objection: Objection) -> Finding:
    asked = getattr(moment, "asked", None)
    offset, width = _place(moment, objection)
    return Finding(
        rule=one.rule,
        sentence=one.sentence,
        level=one.level,
        where=moment.where,
        expected=objection.expected,
        got=objection.got,
        octets=getattr(moment, "octets", b"")[:_KEPT],
        request=asked.octets[:_KEPT] if asked is not None else b"",
        field=objection.field,
        offset=offset,
        width=width,
    )


def _place(moment: Any, objection: Objection) -> tuple[int, int]:
    """Offset and width of what is at fault, in the octets of the moment."""
    layer, _, name = objection.field.partition(".")
    if objection.offset >= 0 or not name or isinstance(moment, Overdue):
        return objection.offset, 1 if objection.offset >= 0 else 0
    unit = getattr(moment, "reply", None) or getattr(moment, "unit", None)
    wire = moment.profile.wire
    codecs: dict[Any, HeaderCodec[Any]] = {
        WebHeader: wire.web,
        DispatcherHeader: wire.dispatcher,
        CommonHeader: wire.common,
        BulkHeader: wire.bulk,
    }
    start = 0
    for header in unit.headers if unit else ():
        codec = codecs[type(header)]
        if codec.name == layer:
            slot: Slot = next(one for one in codec.slots if one.name == name)
            return start + slot.offset, slot.width
        start += codec.size
    return -1, 0
