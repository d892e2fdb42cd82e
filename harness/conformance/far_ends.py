"""The servers behind a target, for which the harness stands: what they are asked, and who answers.

A Book is all of that without I/O. Connections that the target made are fed to it; each frame goes
to the case whose session key it carries, and what no case wants to see is answered here: echoes,
the cookie jar's messages, GUA. What is nobody's goes to whoever is given as the last resort.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from starwire.grammar import MetadataError, build, parse
from starwire.protocol.endpoints import spoken_at
from starwire.protocol.profile import Profile

from ..transcript import Draft, request, unpacked
from .bare import BareMessages
from .description import User

BEHIND = {
    "web": ("jar", "dispatcher"),
    "dispatcher": ("jar", "staroe", "rm", "rs", "inbox"),
    **dict.fromkeys(("staroe", "rm", "rs", "inbox"), ("jar",)),
}
"""The places that a server at a place asks."""
_ACRONYM = re.compile(rb"[^<>]*(?=<)")
_NO_RECORD = "6109"
_MESSAGE = "6104"


class Outgoing(Protocol):
    """The way back to the target on one connection."""

    def write(self, octets: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class FarConnection:
    """A connection that the target made to a place where the harness stands."""

    def __init__(self, profile: Profile, place: str, instance: int, out: Outgoing) -> None:
        self.profile = profile
        self.place = place
        self.instance = instance
        """Which one of a proxy's, from 0."""
        self.out = out
        self.has_ended = False
        """Whether the target sends nothing more."""
        self.spoken = spoken_at(place)
        self._in = BareMessages()
        self._owed: deque[FarFrame] = deque()
        self._early: dict[int, bytes] = {}
        """Answers to messages behind others that have none yet: replies come in order (TRN-05)."""

    def feed(self, octets: bytes) -> list[FarFrame]:
        """The frames, or bare messages, that are complete now."""
        self._in.held += octets
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        if len(self._in.held) > self.profile.frame_octets:  # nothing of this wire is so long
            self._in.take(len(self._in.held))
            self.has_ended = True
            self.out.abort()
        return found

    def answer(self, frame: FarFrame, octets: bytes) -> None:
        """Answer a frame; a bare message when all before it are answered."""
        if frame not in self._owed:
            self.out.write(octets)
            return
        self._early[id(frame)] = octets
        while self._owed and id(self._owed[0]) in self._early:
            self.out.write(self._early.pop(id(self._owed.popleft())))

    def owes(self, frame: FarFrame) -> bool:
        """Whether it is a bare message that has no answer."""
        return frame in self._owed and id(frame) not in self._early

    def _next(self) -> FarFrame | None:
        if self.spoken == "native":
            if not (end := self._in.end()):
                return None
            message = self._in.take(end)
            self._owed.append(FarFrame(self, message, {}, message))
            return self._owed[-1]
        name = "common" if self.spoken == "common" else "dispatcher"
        codec = getattr(self.profile.wire, name)
        held = self._in.held
        if len(held) < codec.size:
            return None
        total = max(codec.integer("length").read(held, 0), codec.size)
        if len(held) < total:
            return None
        octets = self._in.take(total)
        return FarFrame(self, octets, unpacked(self.profile, name, octets), octets[codec.size :])


class FarFrame(msgspec.Struct, frozen=True, eq=False):
    """What the target asked."""

    connection: FarConnection
    octets: bytes
    fields: dict[str, Any]
    data: bytes

    @property
    def place(self) -> str:
        return self.connection.place

    @property
    def acronym(self) -> str:
        """Of the message in it; "" for none."""
        found = _ACRONYM.match(self.data)
        return found[0].decode("latin-1").strip() if found else ""

    def answer(self, status: int = 0, data: bytes = b"") -> Draft:
        """The correct reply with that status and data."""
        spoken = self.connection.spoken
        repeated: tuple[str, ...] = ("version", "type", "target")
        if spoken == "common":
            repeated = ("version", "type", "session_key", "serial")
        given = {name: self.fields[name] for name in repeated if name in self.fields}
        return request(self.connection.profile, spoken, data, status=status, **given)


class Inbox:
    """What has come for one case."""

    def __init__(self) -> None:
        self.frames: deque[FarFrame] = deque()
        self.taken: list[FarFrame] = []
        """All that the case has been given."""
        self.wanted: set[str] = set()
        """Acronyms that the case answers itself, though the book could."""


class Book:
    """Who answers what."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.news = threading.Condition(threading.RLock())
        self.last_resort: Callable[[FarFrame], None] | None = None
        """Takes the frames of nobody's."""
        self.echo: Callable[[FarFrame], bool] | None = None
        """Whether somebody answers that echo, or leaves it; None for nobody."""
        self._sessions: dict[str, User] = {}
        self._claims: dict[bytes, Inbox] = {}

    # Sessions.

    def mint(self, user: User) -> str:
        """The key of a new session of that user."""
        key = secrets.token_hex(self.profile.web.session_key.width)
        key = key[: self.profile.web.session_key.width]
        with self.news:
            self._sessions[key] = user
        return key

    # Claims.

    def claim(self, word: str, inbox: Inbox) -> None:
        """Frames under that key, and those with the word in their data, go to that inbox."""
        with self.news:
            self._claims[word.encode("latin-1")] = inbox

    def answer(self, frame: FarFrame, octets: bytes) -> None:
        """What a case answers. Others go on while a long reply goes out."""
        if frame.connection.spoken == "native":
            with self.news:
                frame.connection.answer(frame, octets)
        else:
            frame.connection.out.write(octets)

    def release(self, inbox: Inbox) -> None:
        """The case is over; what it leaves without an answer would hold up others, and the end."""
        with self.news:
            for frame in inbox.taken:
                if frame.connection.owes(frame):
                    frame.connection.answer(frame, self._of_jar(frame))
                elif frame.connection.spoken != "native" and not self.profile.multiplex:
                    frame.connection.out.close()
            self._claims = {word: one for word, one in self._claims.items() if one is not inbox}

    # What comes.

    def fed(self, connection: FarConnection, octets: bytes) -> None:
        """Octets of the target."""
        with self.news:
            for frame in connection.feed(octets):
                self._take(frame)
            self.news.notify_all()

    def ended(self, connection: FarConnection) -> None:
        """The target has closed it."""
        with self.news:
            connection.has_ended = True
            self.news.notify_all()

    def _take(self, frame: FarFrame) -> None:
        if frame.fields.get("echo"):
            if self.echo is None or not self.echo(frame):
                frame.connection.out.write(frame.octets)
            return
        inbox = self._inbox(frame)
        if inbox is None or frame.acronym not in inbox.wanted:
            answer = self._own_answer(frame)
            if answer is not None:
                frame.connection.answer(frame, answer)
                return
        if inbox is not None:
            inbox.taken.append(frame)
            inbox.frames.append(frame)
        elif self.last_resort is not None:
            self.last_resort(frame)
        else:
            frame.connection.out.write(frame.answer(105).octets)

    def _inbox(self, frame: FarFrame) -> Inbox | None:
        key = frame.fields.get("session_key", "")
        if key:
            return self._claims.get(key.encode("latin-1"))
        return next((one for word, one in self._claims.items() if word in frame.data), None)

    def _own_answer(self, frame: FarFrame) -> bytes | None:
        """What needs no server: the jar's messages, and GUA under a key of this book."""
        if frame.place == "jar":
            return self._of_jar(frame)
        user = self._sessions.get(frame.fields.get("session_key", ""))
        if frame.place == "staroe" and frame.acronym == "GUA" and user is not None:
            if _values(frame.data).get("USERID") != user.userid:
                return frame.answer(100, b"GUAA<ERROR=6115>").octets
            if not user.targets:
                return frame.answer(100, b"GUAA<ERROR=6109>").octets
            apps = "~".join(user.targets)
            return frame.answer(0, f"GUAA<ERROR=0,APPS=<{apps}>>".encode("latin-1")).octets
        return None

    def _of_jar(self, frame: FarFrame) -> bytes:
        asked, values = frame.acronym, _values(frame.data)
        key = values.get("KEY", "")
        user = self._sessions.get(key)
        told = [("ERROR", "0")]
        if asked == "CKM":
            made = User(use="main", userid=values["USERID"], entpid=values["ENTPID"])
            told.append(("KEY", self.mint(made)))
        elif asked not in ("CKG", "CKD"):
            told = [("ERROR", _MESSAGE)]
        elif user is None:
            told = [("ERROR", _NO_RECORD)]
        elif asked == "CKG":
            told += [("USERID", user.userid), ("ENTPID", user.entpid)]
        else:
            del self._sessions[key]
        return build(f"{asked}A", told)


def _values(message: bytes) -> dict[str, str]:
    try:
        return {field.name: field.value.scalar for field in parse(message)}
    except MetadataError:
        return {}


class Ends(Protocol):
    """A Book with its connections."""

    book: Book
    places: tuple[str, ...]
    """Where the harness stands."""
    several: bool
    """Whether a proxy has more than one instance."""

    def begin(self, places: tuple[str, ...]) -> None:
        """A case needs the harness there. Raises Unreachable."""
        ...

    def end(self) -> None:
        """It needs it no more."""
        ...

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Until it is ready, or the seconds, real or virtual, are over; whether it is."""
        ...
