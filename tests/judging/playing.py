"""Conversations that keep a rule, and the same ones with that rule broken."""

from collections.abc import Callable

from judging.tape import Tape

Play = Callable[[Tape, bool], None]
PLAYS: list[tuple[str, str, Play]] = []


def play(rule: str, *, profile: str = "") -> Callable[[Play], Play]:
    """A conversation in which the rule is kept, or with `broken` is not, and nothing else is."""

    def register(function: Play) -> Play:
        PLAYS.append((rule, profile, function))
        return function

    return register
