"""`starwire recording show`: a line for each event, its octets decoded anew."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from starwire.grammar import Limits
from starwire.protocol.codes import text_of
from starwire.protocol.conversations import Conversations, Said
from starwire.protocol.explaining import Explained, explained, message_of, parameters_of
from starwire.protocol.recording import (
    Closed,
    End,
    Ended,
    Event,
    Header,
    Opened,
    Piece,
    Request,
    Response,
    Segment,
    encode,
    sender_of,
)
from starwire.protocol.units import Unit

from .display import header_words, shown
from .recordings import Recording, kept

_LONGEST_VALUE = 60
_MOST_FIELDS = 12
_ARROWS = {"client": ">", "server": "<"}


def shown_lines(
    recording: Recording, *, hops: Collection[str], connections: Collection[str], as_json: bool
) -> Iterator[str]:
    """The lines for people, or with `as_json` a recording of the chosen events. Raises NoRecording,
    RecordingError.
    """
    conversations = Conversations()
    for event in kept(recording, hops=hops, connections=connections):
        said = conversations.read(event)
        profile = conversations.profile
        assert profile is not None
        if as_json:
            yield encode(_with_decoded(event, said, profile.limits)).decode("ascii").rstrip("\n")
        else:
            yield event_line(event, said, profile.limits)


def event_line(event: Event, said: Said, limits: Limits) -> str:
    """One event in one line."""
    if isinstance(event, Header):
        return (
            f"recording by {event.source} {event.starwire}, begun {event.started},"
            f" profile {shown(str(event.profile.get('name', '')))}, part {event.part}"
        )
    place = f"{event.at / 1_000_000:12.6f}"
    if isinstance(event, End):
        return f"{place} end: {event.reason}"
    return f"{place} {event.hop:<12} {event.connection:<12} {_words(event, said, limits)}"


def _words(event: Event, said: Said, limits: Limits) -> str:
    if isinstance(event, Opened):
        marks = [word for word, on in (("tls", event.tls), ("sealed", event.sealed)) if on]
        return ", ".join([f"+ opened by {event.peer} at {event.own}", *marks])
    if isinstance(event, Ended):
        reason = f": {shown(event.reason)}" if event.reason else ""
        return f"{_ARROWS[event.sender]} ended{reason}"
    if isinstance(event, Closed):
        rest = f", {event.unfinished} octets unfinished" if event.unfinished else ""
        return f"- {event.reason} by the {event.by}{rest}"
    assert isinstance(event, Segment | Request | Response)
    return _piece_words(event, said, limits)


def _piece_words(piece: Piece, said: Said, limits: Limits) -> str:
    told = [f"{_ARROWS[sender_of(piece)]} {_beginning(piece)}{len(piece.octets)} octets"]
    if isinstance(piece, Segment) and piece.unread:
        told.append("not read")
    if isinstance(piece, Response) and piece.status != 200:
        told.append(shown(piece.octets[:_LONGEST_VALUE].decode("latin-1").strip()))
    told += (unit_words(unit, limits) for unit in said.units)
    if said.problem:
        told.append(f"no more frames or messages: {said.problem}")
    if said.waiting:
        told.append(f"{said.waiting} octets wait for the rest")
    return "; ".join(told)


def _beginning(piece: Piece) -> str:
    if isinstance(piece, Request):
        return f"{shown(piece.method)} {shown(piece.path)}, "
    return f"HTTP {piece.status}, " if isinstance(piece, Response) else ""


def unit_words(unit: Unit, limits: Limits) -> str:
    """A frame or message in a few words."""
    told = [header_words(header) for header in unit.headers]
    message = message_of(unit, limits)
    if message is None:
        if unit.data:
            more = "..." if len(unit.data) > _LONGEST_VALUE else ""
            told.append(f"{unit.data[:_LONGEST_VALUE]!r}{more}")
        return "; ".join(told)
    pairs = parameters_of(message)
    words = [shown(message.acronym), *(_pair(*pair) for pair in pairs[:_MOST_FIELDS])]
    if len(pairs) > _MOST_FIELDS:
        words.append("...")
    error = dict(pairs).get("ERROR", "0")
    if error.isascii() and error.isdigit() and int(error):
        words.append(f"({text_of(int(error))})")
    if unit.file:
        words.append(f"and a file of {len(unit.file)} octets")
    return "; ".join([*told, " ".join(words)])


def _pair(name: str, value: str) -> str:
    short = value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 3] + "..."
    return f"{shown(name)}={shown(short)}" if name else shown(short)


def _with_decoded(event: Event, said: Said, limits: Limits) -> Event:
    """The event with what stands decoded beside its octets made anew."""
    if not isinstance(event, Segment | Request | Response):
        return event
    told = [explained(unit, sender_of(event), limits) for unit in said.units]
    if said.problem:
        told.append(Explained(len(event.octets), problem=said.problem))
    decoded = msgspec.Raw(msgspec.json.encode(told)) if told else msgspec.UNSET
    return msgspec.structs.replace(event, decoded=decoded)
