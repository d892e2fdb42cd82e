"""The rules of the wire as the program knows them: text, hash, and whether cases prove them.

`rules.json` is made from docs/protocol.md by `./dev docs`. `reviewed.toml` holds the hash that each
rule had when its cases were last held against its text: where it differs, the rule was changed
since, and all its cases are flagged. `unproved.toml` says why a rule has no case.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec

from .result import Clause


@cache
def clauses() -> dict[str, Clause]:
    """Every rule by its id, in the order of docs/protocol.md."""
    listed = msgspec.json.decode(
        (files(__package__) / "rules.json").read_bytes(), type=list[Clause]
    )
    return {clause.id: clause for clause in listed}


@cache
def reviewed() -> dict[str, str]:
    """The hash of each rule when its cases were last held against it."""
    return _table("reviewed.toml")


@cache
def unproved() -> dict[str, str]:
    """Why a rule has no case, by its id."""
    return _table("unproved.toml")


def changed(rules: Iterable[str]) -> tuple[str, ...]:
    """A flag for each of these rules that was changed since its cases were reviewed."""
    return tuple(
        f"rule changed since this case was reviewed: {rule}"
        for rule in rules
        if rule in clauses() and clauses()[rule].hash != reviewed().get(rule)
    )


def _table(name: str) -> dict[str, str]:
    text = (files(__package__) / name).read_text("utf-8")
    return msgspec.toml.decode(text, type=dict[str, str])
