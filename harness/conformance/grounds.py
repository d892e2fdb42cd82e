"""What cases stand on: sessions, reports, items and files that are made at the target when they are
first wanted, over the wire, as any client would.

One Grounds serves all cases of a run, from many threads.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from string import Formatter
from typing import Any

from starwire.grammar import MetadataError, parse
from starwire.protocol.catalogue import Catalogue
from starwire.protocol.endpoints import PROXY_OF_TARGET, spoken_at
from starwire.protocol.profile import Profile
from starwire.protocol.sealing import LinkKeys
from starwire.protocol.status import Transaction

from ..transcript import Received, request
from .control import ControlError, Switch
from .description import Description, Use, User

_PROBES = {
    "rm": "GRTL",
    "inbox": "L",
    "staroe": "GUA",
    "rm-native": "GRTL",
    "inbox-native": "L",
    "jar": "CKG",
}
_SCHEDULER_PROBE = b"URS<USERRPTID=1>"
"""Lacks ACTIVE: the scheduler must answer it, and has nothing to change."""
_FIRST = ("rm", "staroe", "inbox", "rs")
"""Whose probe goes through the chain: the first that the target has."""
_MANAGERS = ("rm-native", "rm", "dispatcher", "web")
"""Where a report can be made, the simplest first."""
THREE_OCTETS = b"1,2"
"""The file of a case that needs one, whatever it holds."""

PutFile = Callable[[str, bytes | None], None]
"""Puts a file where messages name it so; None takes it away."""


class Wanting(Exception):
    """The target has not what a case needs; the text says what."""


class Refused(Exception):
    """What a case needs could not be made; the text says what came instead."""


class Grounds:
    """Makes what cases need, and remembers what may be shared."""

    def __init__(
        self,
        profile: Profile,
        catalogue: Catalogue,
        description: Description,
        ask: Callable[[str, bytes], Received],
        places: tuple[str, ...],
        clock: Callable[[], float],
        *,
        put_file: PutFile | None = None,
        switch: Switch | None = None,
        mint: Callable[[User], str] | None = None,
        seed: str = "",
        keys: LinkKeys | None = None,
    ) -> None:
        """`ask` sends octets to a place and gives the reply; `clock` is the wire's. `mint` makes a
        session key where the harness stands for the cookie jar. `seed` sets the words of this run
        apart from others. `keys` are those of links that are sealed.
        """
        self.keys = keys
        self.profile = profile
        self.catalogue = catalogue
        self.description = description
        self.places = places
        self._ask = ask
        self._clock = clock
        self._put_file = put_file
        self._switch = switch
        self._mint = mint
        # Far from those that a dispatcher beside us gives, which count from 1.
        width = profile.wire.common.integer("serial").width
        self._serials = itertools.count(1 << (8 * width - 2))
        self._words = itertools.count(1)
        self._seed = seed
        self._lock = threading.RLock()
        self._sessions: dict[str, tuple[str, float]] = {}
        """The key of the session of each use, and when it was last given to a case."""

    def next_serial(self) -> int:
        """A serial that no other frame of this run has, within the width of the field."""
        width = self.profile.wire.common.integer("serial").width
        return next(self._serials) % (1 << 8 * width)

    def user(self, use: Use = "main") -> User:
        """The account of that use. Raises Wanting."""
        found = self.description.account(use)
        if found is None:
            raise Wanting(f"the target file names no user for {use!r}")
        return found

    def limit(self, name: str) -> int:
        """How much the target takes on at a time. Raises Wanting."""
        found = self.description.limits.get(name)
        if found is None:
            raise Wanting(f"the target file tells no limit of {name}")
        return found

    def number(self) -> int:
        """A small number that nobody else of this run gets."""
        return next(self._words)

    def unique(self) -> str:
        """A word that nobody else uses."""
        return f"{self._seed}{next(self._words)}"

    # Sessions.

    def session(self, use: Use = "main") -> str:
        """The key of the user's session that all cases share. Raises Wanting, Refused."""
        with self._lock:
            key, last = self._sessions.get(use, ("", 0.0))
            if not key or self._clock() - last > self.profile.idle_seconds / 2:
                key = self.new_session(use)
            self._sessions[use] = key, self._clock()
            return key

    def forget_sessions(self) -> None:
        """Whoever asks next opens new ones: the target was started again."""
        with self._lock:
            self._sessions.clear()

    def new_session(self, use: Use = "main") -> str:
        """The key of a session of its own. Raises Wanting, Refused."""
        user = self.user(use)
        if self._mint is not None:
            return self._mint(user)
        if "jar" in self.places:
            return self.made("jar", f"CKM<USERID={user.userid},ENTPID={user.entpid}>", "KEY")
        if "web" in self.places:
            return self._logon(user)
        raise Wanting("no session can be made: give --logon URL or --native jar=HOST:PORT")

    def _spare_session(self, use: Use) -> str:
        """The key of a session to end. Where a user can have but one it is not the one that all
        cases share."""
        return self.new_session("visitor" if self.description.account("visitor") else use)

    def _logon(self, user: User) -> str:
        message = f"VUM<USERID={user.userid},PASSWORD={user.password}>".encode("latin-1")
        draft = request(
            self.profile, "web", message, transaction=Transaction.LOGON, target="STAROE", type=0
        )
        reply = self._ask("web", draft.octets)
        key: str = reply.fields.get("web_session_key", "")
        if not key:
            raise Refused(f"the logon of {user.userid} gives no session key: {reply.data[:80]!r}")
        return key

    # Requests that succeed.

    def good(self, name: str, use: Use = "main") -> bytes:
        """The request of that name, with all that it needs made. Raises Wanting, Refused."""
        return self.filled(self.form(name), use)

    def form(self, name: str) -> str:
        """The request of that name as the target file has it. Raises Wanting."""
        form = self.description.requests.get(name)
        if form is None:
            raise Wanting(f"the target file has no request {name}")
        return form

    def filled(self, form: str, use: Use = "main", **given: str) -> bytes:
        """A request of a target file with its braces filled. Raises Wanting, Refused."""
        user = self.user(use)
        wanted = {name for _, name, _, _ in Formatter().parse(form) if name} - set(given)
        values: dict[str, str] = {"userid": user.userid, "entpid": user.entpid, **given}
        values["password"] = user.password
        makers: dict[str, Callable[[Use], str]] = {
            "report": self.report,
            "item": self.item,
            "key": self.session,
            "newkey": self._spare_session,
            "unique": lambda use: self.unique(),
        }
        for name in wanted & makers.keys():
            values[name] = makers[name](use)
        if wanted & {"loc", "size"}:
            values["loc"] = self.file(THREE_OCTETS)
            values["size"] = str(len(THREE_OCTETS))
        try:
            return form.format_map(values).encode("latin-1")
        except KeyError as error:
            raise Wanting(f"nothing is known as {{{error.args[0]}}} in {form[:60]!r}") from None

    def report(self, use: Use = "main") -> str:
        """The USERRPTID of a new report of the user."""
        door = next((one for one in _MANAGERS if one in self.places), "")
        if not door:
            raise Wanting("there is no Report Manager where a report could be made")
        return self.made(door, self.good("ARD", use).decode("latin-1"), "USERRPTID", use)

    def item(self, use: Use = "main", octets: bytes = THREE_OCTETS, **changes: str) -> str:
        """The INBOXID of a new item of the user, whose file holds these octets."""
        return self.item_at(self.file(octets), len(octets), use, **changes)

    def item_at(self, loc: str, size: int, use: Use = "main", **changes: str) -> str:
        """The same, with a file that is there already."""
        if "inbox-native" not in self.places:
            raise Wanting("there is no inbox-native, where an item could be added")
        text = self.filled(self.form("A"), use, loc=loc, size=str(size), **changes)
        return self.made("inbox-native", text.decode("latin-1"), "INBOXID", use)

    def file(self, octets: bytes, name: str = "", suffix: str = ".csv") -> str:
        """The LOC of a new file of the Inbox."""
        if self._put_file is None:
            raise Wanting("no folder is given in which the Inbox finds files: --files DIR")
        loc = f"/checks/{name or self.unique()}{suffix}"
        self._put_file(loc, octets)
        return loc

    def remove_file(self, loc: str) -> None:
        """Take a file away that was made."""
        if self._put_file is not None:
            self._put_file(loc, None)

    @contextmanager
    def fault(self, fault: Mapping[str, Any]) -> Iterator[None]:
        """A fault of the target itself (docs/faults.md) that is on meanwhile. Raises Wanting,
        Refused."""
        if self._switch is None:
            raise Wanting("it takes a fault of the implementation, which --control URL switches on")
        try:
            with self._switch(fault):
                yield
        except ControlError as error:
            raise Refused(str(error)) from None

    def made(self, place: str, message: str, name: str, use: Use = "main") -> str:
        """What the reply to a message at that place says under a name. Raises Refused."""
        spoken = spoken_at(place)
        octets = message.encode("latin-1")
        if spoken != "native":
            user = self.user(use)
            fields: dict[str, Any] = {"session_key": self.session(use), "target": "RM"}
            fields |= {"serial": self.next_serial(), "user_id": user.userid}
            draft = request(self.profile, spoken, octets, enterprise_id=user.entpid, **fields)
            octets = draft.octets
        reply = self._ask(place, octets)
        try:
            found = parse(reply.data)
            if found["ERROR"].value.scalar == "0":
                return str(found[name].value.scalar)
        except (MetadataError, KeyError):
            pass
        raise Refused(f"{message[:60]} at {place} is answered {reply.data[:80]!r}")

    # Probes.

    def probe(self, place: str) -> bytes:
        """The least message that a place must answer. Raises Wanting, Refused."""
        door = self._door_behind(place)
        return _SCHEDULER_PROBE if door == "rs" else self.good(_PROBES[door])

    def probe_reply(self, place: str) -> str:
        """The acronym of what answers the probe."""
        door = self._door_behind(place)
        acronym = "URS" if door == "rs" else _PROBES[door]
        return self.catalogue.find(door, acronym)[0].reply

    def _door_behind(self, place: str) -> str:
        if place not in ("web", "dispatcher"):
            return place
        listed = {PROXY_OF_TARGET[target] for target in self.user().targets} | {"staroe"}
        return next(door for door in _FIRST if door in listed)

    def target_of(self, message: bytes) -> str:
        """The target whose proxy takes a message; RM for what none takes."""
        acronym = _ACRONYM.match(message)
        name = acronym[0].decode("latin-1").strip() if acronym else ""
        for target, door in PROXY_OF_TARGET.items():
            if door in self.catalogue.doors and self.catalogue.find(door, name):
                return target
        return "RM"


_ACRONYM = re.compile(rb"[^<>]*(?=<)")
