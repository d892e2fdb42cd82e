"""What a run of the conformance cases found, as values: results, their transcripts, the report.

`harness/reports/` writes and reads them. Nothing here judges, and nothing does I/O.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

from msgspec import Struct

from starwire.protocol.layout import IntegerSlot, slots
from starwire.protocol.profile import Profile

FORMAT: Literal[1] = 1
"""The version of the report that is written here, and the only one that is read."""

Level: TypeAlias = Literal["must", "should", "may"]
What: TypeAlias = Literal["connected", "sent", "received", "closed", "reset", "silent", "note"]


class Outcome(StrEnum):
    """How a case ended at one place."""

    PASSED = "passed"
    FAILED = "failed"
    NON_STRICT = "non-strict"
    """Not what the rule prefers, and allowed by it."""
    INFORMATIONAL = "informational"
    """Seen and told; the rules say nothing about it."""
    NOT_APPLICABLE = "not applicable"
    BLOCKED = "blocked"
    """The case that has to pass before it did not."""
    SET_UP_FAILED = "set-up failed"
    HARNESS_ERROR = "harness error"
    """The fault is ours: nothing is said about the implementation."""
    FLAKY = "flaky"
    """Failed `attempts[0]` times of `attempts[1]`."""
    KNOWN_FAILURE = "known failure"
    """Failed, as the baseline says."""
    STALE = "stale"
    """The baseline says that it fails, and it passed."""


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a transcript."""

    at: float
    """Seconds since the case began."""
    line: int
    """The connection within the case, counted from 1."""
    place: str
    """The port, one of `endpoints.DEFAULT_PORTS`."""
    what: What
    octets: bytes = b""
    text: str = ""
    """What there is to say beside the octets, or nothing."""


class Divergence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where what came first departs from what was expected."""

    event: int
    """The index, within the events of the result, of the one that was received."""
    offset: int = -1
    """Of the first octet that differs, within that event's; -1 where none can be named."""
    field: str = ""
    """What it belongs to: `status`, `ERROR`, .."""
    expected: str = ""
    got: str = ""


class Result(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case at one place."""

    case: str
    """Its id, with the place: `header.length.short@rm`."""
    sentence: str
    rules: tuple[str, ...]
    level: Level
    place: str
    seat: str
    outcome: Outcome
    reason: str = ""
    """One line; "" for a case that passed and has nothing to tell."""
    expected: str = ""
    got: str = ""
    divergence: Divergence | None = None
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    rerun: str = ""
    """The command line that runs this case alone."""
    attempts: tuple[int, int] | None = None
    """Failed k of n times."""
    flags: tuple[str, ...] = ()
    """What else a reader must know: "rule changed since this case was reviewed: HDR-04"."""


class Clause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as the run knew it."""

    id: str
    title: str
    text: str
    hash: str


class HeaderField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field of a header, in wire order."""

    name: str
    width: int
    """Octets."""
    kind: Literal["big", "little", "text"]
    """The octet order of an integer; or text."""


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run against one implementation."""

    format: Literal[1]
    target: str
    """Where it was, as given to `starwire check`."""
    implementation: str
    """What it is called in a matrix."""
    seats: tuple[str, ...]
    profile: str
    """The name of the wire profile."""
    widths: dict[str, tuple[HeaderField, ...]]
    """The profile's headers by name: common, dispatcher, web, bulk. See `widths_of`."""
    version: str
    """Of starwire."""
    started: str
    """ISO 8601, UTC."""
    seconds: float
    complete: bool
    stopped: str = ""
    """Why it is not complete."""
    clauses: dict[str, Clause]
    """By id, of every rule that a result names."""
    results: tuple[Result, ...]


def widths_of(profile: Profile) -> dict[str, tuple[HeaderField, ...]]:
    """The headers of a profile as a report carries them, so that a reader can mark their fields."""
    layouts = (
        ("common", profile.common),
        ("dispatcher", profile.dispatcher),
        ("web", profile.web),
        ("bulk", profile.bulk),
    )
    return {
        name: tuple(
            HeaderField(
                name=slot.name,
                width=slot.width,
                kind=slot.order if isinstance(slot, IntegerSlot) else "text",
            )
            for slot in slots(layout, profile.byte_order)
        )
        for name, layout in layouts
    }
