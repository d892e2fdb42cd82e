"""What a judge says of a moment, and how judges are registered.

A judge is a function of a moment and of what is known by then. It answers None where its rule has
nothing to say or too little was seen, HELD, or an Objection. It never guesses: what was recorded
from its middle, or with a hole, is not judged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal, TypeAlias, TypeVar

from msgspec import Struct

Level: TypeAlias = Literal["must", "should"]
About: TypeAlias = Literal["server", "client"]
"""Whom the rule binds: who answers (or passes on), or who asks."""

HELD: Final = True


class Objection(Struct, frozen=True):
    """Why a rule does not hold."""

    expected: str
    got: str
    field: str = ""
    """The header field at fault, with its layer: `common.serial`; or a parameter."""
    offset: int = -1
    """Where in the octets it shows, if no header field says so."""


Verdict: TypeAlias = Objection | Literal[True] | None
Check: TypeAlias = Callable[[Any, Any], Verdict]
C = TypeVar("C", bound=Check)


class Judge(Struct, frozen=True):
    """One sentence of a rule, and what holds traffic to it."""

    rule: str
    sentence: str
    """Without its full stop."""
    level: Level
    about: About
    moments: tuple[type, ...]
    check: Check
    of_messages: bool = False
    """Whether it looks at answers only of which both messages are known (`Answered.talk`)."""


JUDGES: list[Judge] = []
"""All of them, in the order of their modules."""


def judge(
    rule: str,
    sentence: str,
    *moments: type,
    level: Level = "must",
    about: About = "server",
    of_messages: bool = False,
) -> Callable[[C], C]:
    """Register a function that judges moments of these classes."""

    def register(check: C) -> C:
        JUDGES.append(Judge(rule, sentence, level, about, moments, check, of_messages))
        return check

    return register


judge_messages = partial(judge, of_messages=True)
"""The same, for a judge of two messages."""
