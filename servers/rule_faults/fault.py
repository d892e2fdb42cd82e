"""What a rule fault is, and the table of those that are written by hand."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import TypeAlias

import msgspec

from .works import Works

Break: TypeAlias = Callable[[Works], None]


class RuleFault(msgspec.Struct, frozen=True):
    """A rule that is broken while the fault is on."""

    name: str
    rules: tuple[str, ...]
    """The ids of docs/protocol.md that it breaks."""
    sentence: str
    """What an emulator does while it is on."""
    breaks: Break
    """Puts it into the works of emulators."""
    generated: bool = False
    """Whether it is one of those that are made for each row or code."""


RULE_FAULTS: dict[str, RuleFault] = {}
"""By name, those of one module behind each other."""


def breaks(name: str, *rules: str) -> Callable[[Break], Break]:
    """Enter a function as the fault of that name; its docstring is the sentence."""

    def enter(function: Break) -> Break:
        if name in RULE_FAULTS:
            raise ValueError(f"{name}: there are two rule faults of that name")
        sentence = " ".join(cleandoc(function.__doc__ or "").split())
        RULE_FAULTS[name] = RuleFault(name, rules, sentence, function)
        return function

    return enter
