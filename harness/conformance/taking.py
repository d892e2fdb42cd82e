"""Whether a message was taken or refused, judged by its answer and no more."""

from __future__ import annotations

from starwire.grammar import Message, MetadataError, parse
from starwire.protocol.catalogue import MessageSpec

from ..transcript import Received
from .expecting import Expectation, code, response_in, satisfies

NOTHING_THERE = (6109, 5100, 5125)
"""Codes which say that a message is in order, and that there is nothing for it."""


def taken(spec: MessageSpec, also: tuple[int, ...] = ()) -> Expectation:
    """A message of that table has passed the steps 1 to 6: it is carried out, or there is nothing
    for it, or it fails behind them with one of the codes that the case expects."""
    codes = {0, *NOTHING_THERE, *also}
    listed = ", ".join(map(str, sorted(codes & {0, *also})))

    def holds(reply: Received) -> bool:
        answer = _answer(reply)
        if answer is None or not answer.acronym:
            return answer is not None and "METADATA" in answer
        return answer.acronym == spec.reply and reads_as_code(reply) in codes

    return satisfies(f"{spec.reply} with ERROR {listed}, or that says that nothing is there", holds)


def refused(number: int) -> Expectation:
    """It is refused, with that code."""
    return code(number)


def reads_as_code(reply: Received) -> int | None:
    """The ERROR of an answer; None where there is none."""
    answer = _answer(reply)
    if answer is None or "ERROR" not in answer:
        return None
    text = answer["ERROR"].value.scalar
    return int(text) if text.isascii() and text.isdigit() else None


def _answer(reply: Received) -> Message | None:
    try:
        return parse(response_in(reply.data))
    except MetadataError:
        return None
