"""A unit in words, for people who look at traffic: names, statuses, the message's parameters.

What a recording has beside its octets. It is short on purpose, and never evidence: values and lists
that are long are cut, which their last character, an ellipsis of three points, says.
"""

from __future__ import annotations

from functools import lru_cache
from re import compile as pattern
from typing import Any, Literal

import msgspec
from msgspec import Struct

from starwire.grammar import Limits, Message, MetadataError, parse, strip

from .endpoints import Spoken
from .frames import NEED_DATA
from .headers import BulkHeader, CommonHeader, DispatcherHeader, WebHeader
from .profile import Profile
from .recording import Sender
from .status import MessageType, Operation, Status, Transaction
from .units import Unit, UnitError, units

LAYERS = {
    WebHeader: "web",
    DispatcherHeader: "dispatcher",
    CommonHeader: "common",
    BulkHeader: "bulk",
}
"""What each header is called."""
WORDS: dict[str, type[Any]] = {
    "transaction": Transaction,
    "type": MessageType,
    "operation": Operation,
    "status": Status,
}
"""The fields whose numbers have names."""
_LONGEST_MESSAGE = 512
"""Octets of a message that is read for its parameters; that of 8 KiB would take longer to explain
than to answer. Of a longer one acronym, ERROR and beginning are told."""
_BEGINNING = pattern(rb"([A-Za-z0-9_ ]{1,32})<(?:ERROR=([0-9]{1,9})[,>])?")
_LONGEST_VALUE = 120
_MOST_PARAMETERS = 64


class Explained(Struct, frozen=True, omit_defaults=True):
    """One unit."""

    octets: int
    """How long it is, all headers included."""
    headers: dict[str, dict[str, int | str]] = {}
    """By layer: web, dispatcher, common, bulk; outermost first."""
    words: dict[str, str] = {}
    """The names of the numbers: transaction, type, operation, and of a reply the status."""
    acronym: str = ""
    parameters: list[tuple[str, str]] = []
    """Name and value in the order of the message; the name is "" for a value without one."""
    error: str = ""
    """The ERROR of a response message."""
    data: str = ""
    """The beginning of what stands behind the headers, where it is no message or a long one."""
    file: int = 0
    """Octets of the file behind a native reply to F."""
    problem: str = ""
    """Why the octets are no unit; then nothing else is told, and nothing of what follows."""


class Explainer:
    """Explains what one side of a connection says, as it becomes whole."""

    def __init__(self, spoken: Spoken, sender: Sender, profile: Profile) -> None:
        self._units = units(spoken, sender, profile)
        self._sender = sender
        self._limits = profile.limits
        self._failed = False

    def feed(self, octets: bytes) -> list[Explained]:
        """What became whole with these octets."""
        if self._failed:
            return []
        self._units.feed(octets)
        told = []
        try:
            while (unit := self._units.pull()) is not NEED_DATA:
                told.append(explained(unit, self._sender, self._limits))
        except UnitError as error:
            self._failed = True
            told.append(Explained(len(octets), problem=str(error)))
        return told

    @property
    def waiting(self) -> int:
        """Octets of a unit that is not whole."""
        return self._units.waiting


def explained(unit: Unit, sender: Sender, limits: Limits) -> Explained:
    """One unit in words."""
    headers = {LAYERS[type(one)]: msgspec.structs.asdict(one) for one in unit.headers}
    words = dict(_words(unit, sender))
    if len(unit.data) > _LONGEST_MESSAGE:
        return _explained_briefly(unit, headers, words)
    message = message_of(unit, limits)
    if message is None:
        return Explained(len(unit.octets), headers, words, data=_excerpt(unit.data))
    acronym = strip(message.acronym)
    pairs = parameters_of(message)
    error = next((value for name, value in pairs if name == "ERROR"), "")
    shown = [(_short(name), _short(value)) for name, value in pairs[:_MOST_PARAMETERS]]
    if len(pairs) > _MOST_PARAMETERS:
        shown.append(("", "..."))
    return Explained(
        len(unit.octets), headers, words, acronym, shown, error=error, file=len(unit.file)
    )


def _explained_briefly(
    unit: Unit, headers: dict[str, dict[str, int | str]], words: dict[str, str]
) -> Explained:
    """What is too long to be read: its beginning, and what that shows."""
    found = None if _is_no_message(unit) else _BEGINNING.match(unit.data)
    acronym, error = ("", "")
    if found:
        acronym, error = strip(found[1].decode("ascii")), (found[2] or b"").decode("ascii")
    return Explained(
        len(unit.octets),
        headers,
        words,
        acronym,
        error=error,
        data=_excerpt(unit.data),
        file=len(unit.file),
    )


def message_of(unit: Unit, limits: Limits) -> Message | None:
    """The message of a unit; None where it has none, as a poll or a piece of a file."""
    if not unit.data or _is_no_message(unit):
        return None
    try:
        return parse(unit.data, limits)
    except MetadataError:
        return None


def parameters_of(message: Message) -> list[tuple[str, str]]:
    """Name and value of what stands in the message's own group, positional values first."""
    alone = [("", strip(value.text)) for value in message.body.positional]
    return alone + [(field.name, strip(field.value.text)) for field in message.body.fields]


@lru_cache(256)
def word_for(name: str, value: int) -> str:
    """What the number of that header field stands for; "" where it is just a number."""
    kind = WORDS.get(name)
    if kind is None:
        return ""
    try:
        return str(kind(value).name.lower().replace("_", " "))
    except ValueError:
        return "unknown"


def _is_no_message(unit: Unit) -> bool:
    """A piece of a bulk run may happen to look like a message, and is none."""
    bulk = unit.headers[-1] if unit.headers else None
    return isinstance(bulk, BulkHeader) and bulk.operation not in (Operation.OPEN, Operation.END)


def _words(unit: Unit, sender: Literal["client", "server"]) -> list[tuple[str, str]]:
    told = []
    for header in unit.headers:
        for name in WORDS:
            value = getattr(header, name, None)
            if value is not None and (name != "status" or sender == "server"):
                told.append((name, word_for(name, value)))
    return told


def _excerpt(data: bytes) -> str:
    return _short(data[: _LONGEST_VALUE + 1].decode("latin-1"))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
