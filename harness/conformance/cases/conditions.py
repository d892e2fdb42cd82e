"""What holds between the parameters of a message, from the table `conditions.toml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from importlib.resources import files
from typing import Literal

import msgspec

from .. import mutating
from ..case import Definition, family
from ..expecting import code
from ..peer import Peer
from ..resting import rests_on
from ..rows import NOTHING_MADE, Subject, edited, subjects
from ..taking import taken

_LATE = (5100, 5108)
"""Codes of what is stored, so that it must be there."""


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters otherwise than in a good request, and what is owed."""

    words: str
    code: int
    """0 where it must be taken."""
    changes: dict[str, str | Literal[False]]
    """By name: the value; False for a parameter that is left out."""
    rules: str
    row: str = ""


@family
def conditions() -> Iterator[Definition]:
    """A case for each line of the table."""
    by_request = {subject.request: subject for subject in subjects()}
    for request, lines in table().items():
        for name, condition in lines.items():
            yield _definition(by_request[request], name, condition)


def table() -> dict[str, dict[str, Condition]]:
    """The conditions by request and name."""
    octets = files(__package__).joinpath("conditions.toml").read_bytes()
    return msgspec.toml.decode(octets, type=dict[str, dict[str, Condition]])


def changed(form: str, changes: Mapping[str, str | Literal[False]]) -> str:
    """The request with these parameters otherwise; "+" is a slot more at its end."""
    for name, value in changes.items():
        if value is False:
            form = mutating.without(form, (name,))
        elif name == "+":
            form = mutating.added(form, value)
        else:
            form = mutating.with_value(form, (name,), value)
    return form


def _definition(subject: Subject, name: str, condition: Condition) -> Definition:
    def script(peer: Peer) -> None:
        form = edited(peer, subject.request, partial(changed, changes=condition.changes))
        if condition.code:
            made = {} if condition.code in _LATE else NOTHING_MADE
            peer.ask(peer.request(peer.grounds.filled(form, "main", **made)), code(condition.code))
        else:
            octets = peer.grounds.filled(form)
            peer.ask(peer.request(octets), taken(subject.spec, subject.also))

    ending = f"is refused with {condition.code}" if condition.code else "is carried out"
    return Definition(
        name=f"condition.{subject.name}.{name}",
        sentence=f"{subject.title} with {condition.words} {ending}.",
        rules=tuple(condition.rules.split()),
        script=script,
        places=subject.places,
        after=(subject.good,),
        row=condition.row,
        rests=lambda: rests_on(changed(subject.form, condition.changes)),
    )
