"""Which mistake is told when there are several (ERR-03, ERR-04), and in what words (ERR-02), from
the table `order.toml`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.resources import files

import msgspec

from ..case import Definition, family
from ..expecting import code, data
from ..peer import Peer
from ..resting import rests_on


class Judged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message, and the code or the whole answer that is owed."""

    words: str
    at: tuple[str, ...]
    send: str
    code: int = 0
    answer: str = ""
    rests: str = ""
    """Rules without which the mistake is none, beside those of its syntax."""


def table() -> dict[str, dict[str, Judged]]:
    """The messages by name, below the rule that they are about."""
    octets = files(__package__).joinpath("order.toml").read_bytes()
    return msgspec.toml.decode(octets, type=dict[str, dict[str, Judged]])


@family
def judged() -> Iterator[Definition]:
    """A case for each."""
    for rules, named in table().items():
        for name, one in named.items():
            ending = f"{one.answer!a}" if one.answer else f"{one.code}"
            yield Definition(
                name=f"order.{name}",
                sentence=f"A message with {one.words} is answered {ending}.",
                rules=tuple(rules.split()),
                script=partial(_judged, one=one),
                places=one.at,
                after=("sanity.probe",),
                rests=partial(_rests, one),
            )


def _rests(one: Judged) -> tuple[str, ...]:
    return (*rests_on(one.send), *one.rests.split())


def _judged(peer: Peer, one: Judged) -> None:
    draft = peer.request(peer.grounds.filled(one.send))
    peer.ask(draft, data(one.answer.encode("latin-1")) if one.answer else code(one.code))
