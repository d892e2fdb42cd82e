"""Pieces of results in words, for every rendering that is text."""

from __future__ import annotations

from collections.abc import Iterator

from starwire.harness.conformance.result import Divergence, Event, Result
from starwire.harness.display import shown

_MOST_OCTETS = 1024
"""Of one event; the rest is in the JSON."""
_ARROWS = {"sent": ">", "received": "<", "connected": "+", "closed": "-", "reset": "-"}


def one_line(text: str) -> str:
    """Text without line ends, what cannot be printed written out."""
    return shown(" ".join(text.split()))


def divergence_words(divergence: Divergence, result: Result) -> str:
    """`event 3, octet 48, status: expected 105, got 0`; events count from 1, octets from 0. What
    the result says anyway is left out.
    """
    place = [f"event {divergence.event + 1}"]
    if divergence.offset >= 0:
        place.append(f"octet {divergence.offset}")
    if divergence.field:
        place.append(one_line(divergence.field))
    if (divergence.expected, divergence.got) == (result.expected, result.got):
        return ", ".join(place)
    told = f"expected {one_line(divergence.expected)}, got {one_line(divergence.got)}"
    return f"{', '.join(place)}: {told}"


def attempts_words(result: Result) -> str:
    """`failed 2 of 3 times`; "" where it was tried once."""
    return "failed {} of {} times".format(*result.attempts) if result.attempts else ""


def fact_lines(result: Result) -> Iterator[tuple[str, str]]:
    """What is to be known of a result that is not good: what it is, and the text."""
    # A reason that only joins the two lines below it is not told twice.
    joins = result.expected and result.got and result.reason.endswith(result.got)
    facts = (
        ("reason", "" if joins and result.expected in result.reason else result.reason),
        ("expected", result.expected),
        ("got", result.got),
        ("differs", divergence_words(result.divergence, result) if result.divergence else ""),
        ("tried", attempts_words(result)),
        *(("note", flag) for flag in result.flags),
        ("rerun", result.rerun),
    )
    for name, text in facts:
        if text:
            yield name, one_line(text)


def transcript_lines(result: Result) -> Iterator[str]:
    """Every event with its octets, what diverges marked."""
    for number, event in enumerate(result.events, 1):
        yield event_line(number, event)
        divergence = result.divergence
        here = divergence is not None and divergence.event == number - 1
        yield from hex_lines(event.octets, divergence.offset if divergence and here else -1)


def event_line(number: int, event: Event) -> str:
    """`3  0.003100 < rm/1 received 49 octets`"""
    told = [f"{number:>3} {event.at:10.6f} {_ARROWS.get(event.what, ' ')} "]
    told.append(f"{one_line(event.place)}/{event.line} {event.what}")
    if event.octets:
        told.append(f" {len(event.octets):,} octets")
    if event.text:
        told.append(f": {one_line(event.text)}")
    return "".join(told)


def hex_lines(octets: bytes, marked: int = -1) -> Iterator[str]:
    """Sixteen octets a line; a line under the one that is marked points at it."""
    for start in range(0, min(len(octets), _MOST_OCTETS), 16):
        row = octets[start : start + 16]
        letters = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in row)
        yield f"      {start:04x}  {row.hex(' '):<47}  {letters}"
        if start <= marked < start + 16:
            yield f"      {'':4}  {'   ' * (marked - start)}^^ the first that differs"
    if len(octets) > _MOST_OCTETS:
        yield f"      ... {len(octets) - _MOST_OCTETS:,} more octets"
