"""Frozen sets: which cases a release is held to, so that new cases change no old verdict.

`check --freeze FILE` writes the cases that are wanted, with the hash that each of their rules has;
`check --frozen FILE` runs those of them that apply, and no others. A result whose rule has another
text by now is flagged; a case that is gone stops the run, since ids are for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from starwire.grammar import __version__

from .case import Case
from .clauses import clauses

FORMAT = 1


class FrozenError(ValueError):
    """A file that is no frozen set, or does not fit this version; the text says why."""


class Frozen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cases of a release, and the rules that they proved then."""

    format: int
    version: str
    """Of starwire, when it was written."""
    rules: dict[str, str]
    """The hash of each rule's text."""
    cases: tuple[str, ...]

    def among(self, cases: Sequence[Case]) -> set[str]:
        """Their ids. Raises FrozenError where some are not among those that there are."""
        gone = sorted(set(self.cases) - {case.id for case in cases})
        if gone:
            more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
            raise FrozenError(f"this version has no case {', '.join(gone[:3])}{more}")
        return set(self.cases)

    def flags(self, rules: Iterable[str]) -> tuple[str, ...]:
        """A flag for each of these rules whose text was another then."""
        return tuple(
            f"rule changed since the cases were frozen: {rule}"
            for rule in rules
            if rule in self.rules and clauses()[rule].hash != self.rules[rule]
        )


def freeze(cases: Iterable[Case]) -> Frozen:
    """These cases as they are now."""
    wanted = tuple(cases)
    named = {rule for case in wanted for rule in case.rules}
    rules = {id: clause.hash for id, clause in clauses().items() if id in named}
    return Frozen(FORMAT, __version__, rules, tuple(case.id for case in wanted))


def write_frozen(path: Path, frozen: Frozen) -> None:
    """Write a set as JSON. Raises FrozenError."""
    octets = msgspec.json.format(msgspec.json.encode(frozen), indent=1) + b"\n"
    try:
        path.write_bytes(octets)
    except OSError as error:
        raise FrozenError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def read_frozen(path: Path) -> Frozen:
    """The set in a file. Raises FrozenError."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Frozen)
    except OSError as error:
        raise FrozenError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except msgspec.DecodeError as error:
        raise FrozenError(f"{path} is no frozen set: {error}") from None
    if found.format != FORMAT:
        raise FrozenError(f"{path} has format {found.format}; this version reads {FORMAT}")
    return found
