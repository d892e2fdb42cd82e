"""What a script may expect of what comes back.

An Expectation judges a reply, or the ending that came in its place; alternatives are joined by `|`,
and `tolerating` names an outcome that is not what the rule says and still no failure.

    line.expect(status(100), code(6827))
    line.expect(status(106) | status(109))
    line.expect(status(102).tolerating(closed(), "closes without the reply"))
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from starwire.grammar import MetadataError, parse
from starwire.protocol.status import Status

from ..transcript import Draft, Received

_BRACKETS = re.compile(b"[<>]")

EndingKind = Literal["closed", "reset", "silent"]


class Ending(msgspec.Struct, frozen=True):
    """What came in place of a reply, with the octets of an unfinished one."""

    kind: EndingKind
    octets: bytes = b""
    event: int = -1

    def __str__(self) -> str:
        words = {
            "closed": "the connection is closed",
            "reset": "the connection is reset",
            "silent": "no reply in time",
        }[self.kind]
        return f"{words} after {len(self.octets)} octets of a reply" if self.octets else words


Outcome = Received | Ending


class Mismatch(msgspec.Struct, frozen=True):
    """What was expected and what was got instead, and where."""

    expected: str
    got: str
    field: str = ""
    offset: int = -1


class Expectation:
    """Words for people, and a judgement: None if it holds."""

    def __init__(self, words: str, judge: Callable[[Outcome], Mismatch | None]) -> None:
        self.words = words
        self.judge = judge
        self.tolerated: tuple[tuple[Expectation, str], ...] = ()

    def __or__(self, other: Expectation) -> Expectation:
        def either(outcome: Outcome) -> Mismatch | None:
            first = self.judge(outcome)
            if first is None or other.judge(outcome) is None:
                return None
            return Mismatch(f"{self.words}, or {other.words}", first.got, first.field, first.offset)

        return Expectation(f"{self.words}, or {other.words}", either)

    def tolerating(self, other: Expectation, why: str) -> Expectation:
        """The same; if `other` holds in its place the case is non-strict, with the reason."""
        made = Expectation(self.words, self.judge)
        made.tolerated = (*self.tolerated, (other, why))
        return made


def _of_reply(words: str, judge: Callable[[Received], Mismatch | None]) -> Expectation:
    def whole(outcome: Outcome) -> Mismatch | None:
        if isinstance(outcome, Ending):
            return Mismatch(words, str(outcome))
        return judge(outcome)

    return Expectation(words, whole)


def told(outcome: Outcome) -> str:
    """A reply in a few words."""
    if isinstance(outcome, Ending):
        return str(outcome)
    words = [] if outcome.http in (None, 200) else [f"HTTP {outcome.http}"]
    if outcome.status is not None:
        words.append(_status_words(outcome.status))
    if outcome.data:
        words.append(repr(outcome.data[:120])[1:] + ("..." if len(outcome.data) > 120 else ""))
    return ", ".join(words) or "an empty reply"


def _status_words(number: int) -> str:
    known = number in tuple(Status)
    return f"status {number}" + (f" ({Status(number).name.lower()})" if known else "")


def status(number: int) -> Expectation:
    """The status of the innermost header (STS-01)."""
    words = _status_words(number)

    def judge(reply: Received) -> Mismatch | None:
        if reply.status == number:
            return None
        return Mismatch(words, told(reply), "status")

    return _of_reply(words, judge)


def closed() -> Expectation:
    """The other side closes the connection, without a reply. A reset is closed too."""
    return ending("closed", "reset")


def ending(*kinds: EndingKind) -> Expectation:
    """One of these endings in place of a reply."""
    words = " or ".join(str(Ending(kind)) for kind in kinds)

    def judge(outcome: Outcome) -> Mismatch | None:
        if isinstance(outcome, Ending) and outcome.kind in kinds and not outcome.octets:
            return None
        return Mismatch(words, told(outcome))

    return Expectation(words, judge)


def field(name: str, value: Any) -> Expectation:
    """One field of the headers; `web_session_key` and the like mean the outer header's."""
    words = f"{name} {value!r}"

    def judge(reply: Received) -> Mismatch | None:
        got = reply.fields.get(name)
        return None if got == value else Mismatch(words, f"{name} {got!r}", name)

    return _of_reply(words, judge)


def repeats(sent: Draft, *names: str) -> Expectation:
    """The fields come back as they were sent (HDR-06)."""
    words = f"{', '.join(names)} of the request"

    def judge(reply: Received) -> Mismatch | None:
        for name in names:
            wanted, got = sent.values[name], reply.fields.get(name)
            if got != wanted:
                return Mismatch(f"{name} {wanted!r}, as sent", f"{name} {got!r}", name)
        return None

    return _of_reply(words, judge)


def bare() -> Expectation:
    """A header without data."""

    def judge(reply: Received) -> Mismatch | None:
        if not reply.data:
            return None
        return Mismatch("a bare header", f"{len(reply.data)} octets of data", "data")

    return _of_reply("a bare header", judge)


def octets(wanted: bytes) -> Expectation:
    """The whole reply, octet for octet."""
    return _same("the reply", wanted, lambda reply: reply.octets, 0)


def data(wanted: bytes) -> Expectation:
    """What stands behind the headers, octet for octet."""
    return _same("the data", wanted, lambda reply: reply.data, 1)


_SHOWN = 8
"""Octets that are shown from where two differ."""


def _same(
    what: str, wanted: bytes, part: Callable[[Received], bytes], behind_header: int
) -> Expectation:
    words = f"{what} {wanted[:120]!r}"

    def judge(reply: Received) -> Mismatch | None:
        got = part(reply)
        if got == wanted:
            return None
        pairs = enumerate(zip(got, wanted, strict=False))
        shorter = min(len(got), len(wanted))
        at = next((place for place, (one, two) in pairs if one != two), shorter)
        expected, found = (_from(octets, at) for octets in (wanted, got))
        place = at + behind_header * reply.header_size
        words = f"{expected} at octet {at} of {what}, {len(wanted)} octets"
        return Mismatch(words, f"{found}, {len(got)} octets", what, place)

    return _of_reply(words, judge)


def _from(octets: bytes, at: int) -> str:
    """The octets from a place on, in hex."""
    more = " .." if len(octets) > at + _SHOWN else ""
    return f"{octets[at : at + _SHOWN].hex(' ')}{more}" or "nothing"


def begins(start: bytes) -> Expectation:
    """How the data begin."""
    words = f"data that begin {start[:120]!r}"

    def judge(reply: Received) -> Mismatch | None:
        return None if reply.data.startswith(start) else Mismatch(words, told(reply), "data")

    return _of_reply(words, judge)


def message(acronym: str, **parameters: str) -> Expectation:
    """A response message of that acronym, which has these parameters with these values.

    Further parameters do not matter. Names are compared as the wire does (SYN-06).
    """
    listed = ",".join(f"{name}={value}" for name, value in parameters.items())
    words = f"{acronym}<{listed}>" if listed else f"a message {acronym}"

    def judge(reply: Received) -> Mismatch | None:
        try:
            got = parse(response_in(reply.data))
        except MetadataError as error:
            return Mismatch(words, f"{told(reply)}: {error}", "data")
        if got.acronym != acronym:
            return Mismatch(words, f"the acronym {got.acronym!r}: {told(reply)}", "acronym")
        for name, value in parameters.items():
            found = got[name].value.text.strip() if name in got else None
            if found != value:
                place = got[name].value.offset + reply.header_size if name in got else -1
                return Mismatch(f"{name}={value} in {words}", told(reply), name, place)
        return None

    return _of_reply(words, judge)


def code(number: int) -> Expectation:
    """The ERROR of the response message (ERR-02)."""
    words = f"ERROR={number}"

    def judge(reply: Received) -> Mismatch | None:
        try:
            got = parse(response_in(reply.data))
        except MetadataError as error:
            return Mismatch(words, f"{told(reply)}: {error}", "data")
        found = got["ERROR"].value.scalar if "ERROR" in got else None
        if found == str(number):
            return None
        where = got["ERROR"].value.offset + reply.header_size if found is not None else -1
        return Mismatch(words, told(reply), "ERROR", where)

    return _of_reply(words, judge)


def http(number: int) -> Expectation:
    """The status of HTTP (WEB-06)."""
    words = f"HTTP {number}"

    def judge(reply: Received) -> Mismatch | None:
        return None if reply.http == number else Mismatch(words, told(reply), "http")

    return _of_reply(words, judge)


def satisfies(words: str, holds: Callable[[Received], bool], field: str = "") -> Expectation:
    """Anything else that can be said of a reply."""

    def judge(reply: Received) -> Mismatch | None:
        return None if holds(reply) else Mismatch(words, told(reply), field)

    return _of_reply(words, judge)


def response_in(octets: bytes) -> bytes:
    """The response message at the front of data: up to the `>` that closes its first `<`."""
    depth = 0
    for bracket in _BRACKETS.finditer(octets):
        depth += 1 if bracket[0] == b"<" else -1
        if depth <= 0:
            return octets[: bracket.end()]
    return octets
