"""Which faults strike what, and how: no I/O, no clock, and no randomness but that of the seed.

Strategy: two runs over the same traffic must do the same, in whatever order concurrent connections
happen to be served. So nothing is drawn from a sequence that all share. Each match has a generator
of its own, made from the seed, the number of the fault, what was matched (port, direction, user,
message) and how often just that was matched before; and matches are counted for each user at each
port, unless a fault asks for one count (`per = "all"`). For the same reason no line of the log has
a time of day or a port number in it, and the log is sorted.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec

from starwire.grammar import MetadataError, parse, strip
from starwire.protocol.status import MessageType

from .fault import OF_PORTS, Fault

_COUNTED = 100_000
"""Counters that a fault keeps; what is matched beyond shares one. A peer chooses users and
messages, and must not be able to fill the memory."""
_LOGGED = 100_000
_LONGEST_ACRONYM = 32
_KEY = re.compile(rb"(?<=KEY=)[^,>]*")
"""The session key in a message of the cookie jar: random, so no part of what the message is."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault may strike: a frame or message on its way, or what a server does for one."""

    hop: str
    direction: str = "request"
    message: str = ""
    """The acronym of the request; `echo` and `poll` for frames that have none."""
    user: str = ""
    type: int = 0
    frame: int = 0
    fields: frozenset[str] = frozenset()
    """The fields of its header."""
    request: bytes = b""
    """The request message."""
    reply: bytes = b""

    def answered(self, reply: bytes) -> Subject:
        """The reply to it, on its way back."""
        return msgspec.structs.replace(self, direction="reply", reply=reply)


def subject_of(
    hop: str,
    octets: bytes,
    *,
    user: str = "",
    type: int = 0,
    echo: bool = False,
    frame: int = 0,
    fields: frozenset[str] = frozenset(),
) -> Subject:
    """What the octets of a request are, as far as faults ask; nothing is judged."""
    if echo:
        message, octets = "echo", b""
    elif type == MessageType.POLL:
        message, octets = "poll", b""
    else:
        message = _acronym(octets)
    return Subject(
        hop=hop,
        message=message,
        user=user or _first_value(octets, "USERID"),
        type=type,
        frame=frame,
        fields=fields,
        request=octets,
    )


class Strike(msgspec.Struct, frozen=True):
    """A fault that strikes, and what was drawn for it."""

    number: int
    fault: Fault
    seconds: float
    """How long, jitter included."""
    draw: int
    """32 random bits."""


class _Line(msgspec.Struct, frozen=True, order=True):
    """A line of the log, in the order in which it is shown."""

    number: int
    hop: str
    direction: str
    user: str
    message: str
    digest: str
    time: int
    kind: str
    told: str

    def __str__(self) -> str:
        words = [f"fault={self.number}", f"kind={self.kind}"]
        for name in ("hop", "direction", "user", "message", "digest"):
            if text := getattr(self, name):
                words.append(
                    f"{name}={text if text.isprintable() and ' ' not in text else ascii(text)}"
                )
        if self.time:
            words.append(f"time={self.time}")
        return " ".join([*words, self.told] if self.told else words)


class _Entry:
    """One fault of a plan, and what it has seen."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.hits = 0
        self._counters: dict[tuple[str, ...], int] = {}

    def count(self, *what: str) -> int:
        """How often this was counted, this time included."""
        if what not in self._counters and len(self._counters) >= _COUNTED:
            what = ()
        number = self._counters[what] = self._counters.get(what, 0) + 1
        return number


class FaultPlan:
    """The faults that are switched on. Safe to use from several threads."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.on_change: list[Callable[[], None]] = []
        """Called after each change."""
        self.is_empty = True
        """Whether nothing can strike: what stands in the way of every request asks this first."""
        self._entries: dict[int, _Entry] = {}
        self._last = 0
        self._lines: list[_Line] = []
        self._unlogged = 0
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> int:
        """Switch a fault on; gives its number, which no other one gets before `clear`."""
        with self._lock:
            self._last += 1
            number = self._last
            self._entries[number] = _Entry(fault)
            if fault.is_standing:
                self._write(number, fault, Subject(hop=fault.hop, direction=""), "", 0, "")
            self.is_empty = False
        self._changed()
        return number

    def remove(self, number: int) -> bool:
        """Switch it off; whether it was on. The log stays."""
        with self._lock:
            found = self._entries.pop(number, None)
            self.is_empty = not self._entries
        self._changed()
        return found is not None

    def clear(self, seed: int | None = None) -> None:
        """Begin anew, with another seed if given: no faults, no log, numbers from 1."""
        with self._lock:
            self._entries.clear()
            self._lines.clear()
            self._last = self._unlogged = 0
            self.is_empty = True
            if seed is not None:
                self.seed = seed
        self._changed()

    def listing(self) -> list[tuple[int, Fault, int]]:
        """Number, fault and hits of each that is on."""
        with self._lock:
            return [(number, one.fault, one.hits) for number, one in self._entries.items()]

    def has(self, number: int) -> bool:
        """Whether that one is still on."""
        return number in self._entries

    def standing(self, *kinds: str) -> list[tuple[int, Fault]]:
        """Number and fault of those of these kinds that are of a port or the store as a whole.

        Whoever asks is struck. That counts as a hit, and is not logged: such a fault is in the log
        once, from when it was switched on.
        """
        with self._lock:
            found = []
            for number, entry in self._entries.items():
                if entry.fault.is_standing and entry.fault.kind in kinds:
                    entry.hits += 1
                    found.append((number, entry.fault))
            return found

    @property
    def log(self) -> list[str]:
        """What was done, one line each, sorted: the same for one seed over the same traffic."""
        with self._lock:
            lines = [str(line) for line in sorted(self._lines)]
            return [*lines, f"and {self._unlogged} more"] if self._unlogged else lines

    def strikes(self, subject: Subject, *kinds: str) -> list[Strike]:
        """What strikes it, in the order of the numbers; of these kinds, or of those of ports."""
        if self.is_empty:
            return []
        with self._lock:
            return [
                strike
                for number, entry in self._entries.items()
                if (entry.fault.kind in kinds if kinds else entry.fault.kind in OF_PORTS)
                and (strike := self._strike(number, entry, subject)) is not None
            ]

    def _strike(self, number: int, entry: _Entry, subject: Subject) -> Strike | None:
        fault = entry.fault
        if fault.is_standing or not _is_aimed_at(fault, subject):
            return None
        one = (subject.hop, subject.direction, subject.user) if fault.per == "user" else ()
        counted = entry.count("match", *one)
        digest = _digest(subject)
        what = (subject.hop, subject.direction, subject.user, subject.message, digest)
        time = entry.count("draw", *what)
        drawn = random.Random("\0".join([str(self.seed), str(number), *what, str(time)]))
        chance, spread, draw = drawn.random(), drawn.uniform(-1, 1), drawn.getrandbits(32)
        if not _is_its_turn(fault, counted) or chance >= fault.probability:
            return None
        entry.hits += 1
        seconds = fault.seconds + fault.jitter * spread
        self._write(number, fault, subject, digest, time, _told(fault, seconds, draw))
        return Strike(number, fault, seconds, draw)

    def _write(
        self, number: int, fault: Fault, subject: Subject, digest: str, time: int, told: str
    ) -> None:
        if len(self._lines) >= _LOGGED:
            self._unlogged += 1
            return
        direction = subject.direction if fault.kind in OF_PORTS else ""
        place = (subject.hop, direction, subject.user, subject.message)
        self._lines.append(_Line(number, *place, digest, time, fault.kind, told))

    def _changed(self) -> None:
        for call in list(self.on_change):
            call()


def _is_aimed_at(fault: Fault, subject: Subject) -> bool:
    if fault.hop not in ("", subject.hop) or fault.user not in ("", subject.user):
        return False
    if fault.kind in OF_PORTS:
        if fault.direction != subject.direction or fault.frame not in (0, subject.frame):
            return False
        if fault.type is not None and fault.type != subject.type:
            return False
        if fault.field and fault.field not in subject.fields:
            return False
    if fault.message:
        if fault.message not in (subject.message, _acronym(subject.reply)):
            return False
    elif subject.message == "echo":
        # The dispatchers' tests come by the clock: what strikes any message leaves them alone.
        return False
    return not fault.parameter or _has(fault, subject)


def _has(fault: Fault, subject: Subject) -> bool:
    for octets in (subject.request, subject.reply):
        values = _values(octets, fault.parameter) if octets else []
        if values and fault.value in (None, *values):
            return True
    return False


def _is_its_turn(fault: Fault, counted: int) -> bool:
    if fault.nth:
        return counted == fault.nth
    if fault.first:
        return counted <= fault.first
    return not fault.every or counted % fault.every == 0


def _told(fault: Fault, seconds: float, draw: int) -> str:
    """What a line of the log says of how it was done."""
    if fault.kind == "delay":
        return f"seconds={seconds:.6f}"
    if fault.kind in ("corrupt", "wrong-serial"):
        return f"header={fault.field}" + (f" draw={draw:08x}" if fault.to is None else "")
    if fault.kind == "statement-failure":
        return f"stage={fault.stage} statement={fault.statement}"
    return f"code={fault.code}" if fault.code else ""


def _digest(subject: Subject) -> str:
    if not subject.request:
        return ""
    octets = subject.request
    if subject.hop == "jar":
        octets = _KEY.sub(b"", octets)
    return hashlib.sha256(octets).hexdigest()[:12]


def _acronym(octets: bytes) -> str:
    name, bracket, _ = octets[: _LONGEST_ACRONYM + 1].partition(b"<")
    return strip(name.decode("latin-1")) if bracket else ""


def _values(octets: bytes, name: str) -> list[str]:
    """The values of a parameter at the top of a message; none of octets that are no message."""
    flat = octets[: octets.find(b">") + 1]  # the answer to F, which has a file behind it
    for message in (octets, flat):
        with suppress(MetadataError):
            return [strip(field.value.text) for field in parse(message).fields().getall(name)]
    return []


def _first_value(octets: bytes, name: str) -> str:
    return next(iter(_values(octets, name)), "")
