"""What a script speaks to: one place of a target, seen from the right seat.

A script is a function over a Peer. It opens connections, sends drafts, says what it expects, and
raises nothing itself: what is not as expected ends it with Departure, what cannot be tried with
NotApplicable, what could not be made ready with SetUpFailed.
"""

from __future__ import annotations

import itertools
from typing import Any, NoReturn

from starwire.protocol.catalogue import Catalogue
from starwire.protocol.endpoints import spoken_at
from starwire.protocol.status import MessageType

from ..transcript import Draft, Received, request
from . import talking
from .asker import Asker, Departure
from .client_wire import ClientWire, Given, Kind
from .connection import Connection
from .description import Use
from .expecting import Expectation, satisfies
from .far import Far
from .grounds import Grounds
from .starting import CannotStart
from .talking import Talk
from .transcribing import Transcript
from .wire import Line, Unreachable, Wire

__all__ = ["Departure", "NotApplicable", "Peer", "SetUpFailed"]


class NotApplicable(Exception):
    """The target has not what the case needs; the text says what."""


class SetUpFailed(Exception):
    """What the case begins with could not be made."""


class Peer(Asker):
    """One place of a target, for one case."""

    def __init__(
        self, place: str, wire: Wire, grounds: Grounds, transcript: Transcript, patience: float
    ) -> None:
        """`patience` is how many seconds a reply may take."""
        super().__init__(wire, grounds.profile, patience, grounds.keys)
        self.place = place
        self.spoken = spoken_at(place)
        self.grounds = grounds
        self.transcript = transcript
        self.notes: list[str] = []
        """Why the case is non-strict."""
        self.told: list[str] = []
        """What an informational case has seen."""
        self.case = ""
        """The id of the case."""
        self._connections: list[Connection | Line] = []
        self._lines = itertools.count(1)
        self._far: Far | None = None
        self._talk: Talk | None = None

    # What it is.

    @property
    def catalogue(self) -> Catalogue:
        return self.grounds.catalogue

    @property
    def header_size(self) -> int:
        """The octets of the header that frames begin with here; 0 where there are none."""
        name = {"common": "common", "dispatcher": "dispatcher", "web": "dispatcher"}
        if self.spoken not in name:
            return 0
        size: int = getattr(self.profile.wire, name[self.spoken]).size
        return size

    # Making requests.

    def request(
        self, message: bytes, *, use: Use = "main", key: str | None = None, **fields: Any
    ) -> Draft:
        """A correct request for this place, in a session of that user.

        Fields are by name; `type`, `target` and `transaction` are those that are often given. `key`
        is another session key than the user's; "" for one of NULs.
        """
        given: dict[str, Any] = {"type": MessageType.SYNC, **fields}
        if self.spoken != "native":
            given.setdefault("session_key", self.key(use) if key is None else key)
        if self.spoken in ("dispatcher", "web"):
            given.setdefault("target", self.grounds.target_of(message))
        if self.spoken == "dispatcher" and given["session_key"]:
            user = self.grounds.user(use)
            given.setdefault("user_id", user.userid)
            given.setdefault("enterprise_id", user.entpid)
        given.setdefault("serial", self.grounds.next_serial())
        return request(self.profile, self.spoken, message, **given)

    def good(self, name: str, *, use: Use = "main", **fields: Any) -> Draft:
        """A request that succeeds, by its name in the target file; what it needs is made."""
        return self.request(self.grounds.good(name, use), use=use, **fields)

    def probe(self, **fields: Any) -> Draft:
        """The least request that this place must answer."""
        return self.request(self.grounds.probe(self.place), **fields)

    def answered(self) -> Expectation:
        """What answers `probe`: a response message, whatever it says."""
        acronym = self.grounds.probe_reply(self.place)
        start = acronym.encode() + b"<"

        def holds(reply: Received) -> bool:
            return reply.status in (None, 0, 100) and reply.data.startswith(start)

        return satisfies(f"an answer {acronym}<..>", holds, "data")

    def key(self, use: Use = "main") -> str:
        """The key of a session of that user, which other cases use too."""
        return self.grounds.session(use)

    def new_key(self, use: Use = "main") -> str:
        """The key of a session that is this case's alone."""
        return self.grounds.new_session(use)

    # Speaking.

    def connect(self, place: str | None = None, *, source: str = "") -> Connection:
        """A connection to this place, or another of the target; from that address, or any."""
        made = Connection(self, place or self.place, self.next_line(), source=source)
        self._connections.append(made)
        return made

    def bare_line(self) -> Line:
        """A line to this place on which nothing is sealed, written down or judged."""
        line = self.wire.connect(self.place)
        self._connections.append(line)
        return line

    def next_line(self) -> int:
        """The number of the next connection of this case."""
        return next(self._lines)

    def far(self, target: str = "RM", *, use: Use = "main") -> Far:
        """The servers behind this place, the harness standing for them; once in a case."""
        if self.keys is not None:
            self.not_applicable(
                "the links behind it are sealed, and the harness stands in the clear"
            )
        try:
            self._far = Far(self, self.wire.behind(self.profile), target, use)
        except Unreachable as error:
            self.not_applicable(str(error))
        return self._far

    def run(
        self, message: bytes = talking.REQUEST, *, kind: Kind = "sync", proxy: str = "RM"
    ) -> Talk:
        """The client, started for that message; the harness is its web server. Once in a case."""
        assert isinstance(self.wire, ClientWire)
        missing = self.wire.missing(kind, proxy)
        if missing:
            self.not_applicable(f"the command does not tell the client its {missing}")
        given = Given(self.case, message, kind, proxy, self.grounds.user())
        try:
            self._talk = Talk(self, self.wire, given)
        except CannotStart as error:
            raise SetUpFailed(str(error)) from None
        return self._talk

    def ask(self, draft: Draft | bytes, *expected: Expectation, within: float = 0.0) -> Received:
        """One request on a connection of its own, and its reply."""
        line = self.connect()
        line.send(draft)
        reply = line.expect(*expected, within=within)
        line.close()
        return reply

    def still_served(self, line: Connection) -> None:
        """The connection is served on: a probe on it is answered."""
        line.send(self.probe())
        line.expect(self.answered())

    def alive(self) -> None:
        """The place still answers on a new connection."""
        self.ask(self.probe(), self.answered())

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass; over sockets only where the run allows it."""
        self.transcript.note(0, self.place, f"{seconds:g} seconds pass")
        self.wire.pass_time(seconds)

    def restart(self) -> None:
        """Kill the target, and start it again on what it has stored; sessions are opened anew."""
        self.transcript.note(0, self.place, "killed, and started again")
        try:
            self.wire.restart()
        except Unreachable as error:
            self.not_applicable(str(error))
        self.grounds.forget_sessions()

    def end(self) -> None:
        """Close whatever is open."""
        for connection in self._connections:
            connection.close()
        if self._far is not None:
            self._far.end()
        if self._talk is not None:
            self._talk.end()

    # Saying that something is otherwise.

    def not_strict(self, why: str) -> None:
        """It is allowed, and not what the rule prefers."""
        self.notes.append(why)

    def tell(self, what: str) -> None:
        """Something that no rule decides, for who reads the report."""
        self.told.append(what)

    def not_applicable(self, why: str) -> NoReturn:
        """The target has not what the case needs."""
        raise NotApplicable(why)

    def must(self, holds: bool, expected: str, got: str) -> None:
        """Depart unless it holds, for what is no single reply."""
        if not holds:
            raise Departure(expected, got)
