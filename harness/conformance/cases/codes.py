"""Every code of Appendix E, provoked (ERR-06): by the octets of a message, by what is stored, or by
a fault of the target that its control API switches on.

`codes.toml` tells how; a test compares it with the codes that there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from importlib.resources import files
from typing import Any, Literal

import msgspec

from starwire.protocol.codes import Code, codes

from .. import mutating
from ..case import Definition, family
from ..description import Use
from ..expecting import code
from ..peer import Peer
from ..resting import rests_on
from ..rows import NOTHING_MADE, edited, subjects
from .conditions import changed

_NUMBERS = 1_000_000_000


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a code is provoked."""

    request: str = ""
    octets: str = ""
    """By hand, where there is no request."""
    changes: dict[str, str | Literal[False]] = {}
    at: str = ""
    use: Use = "main"
    """Whose request it is."""
    fault: dict[str, str | int] = {}
    aim: str = ""
    twice: bool = False
    gone: bool = False
    rests: str = ""
    """The rules that say when this code comes, where it is not the steps that say it."""


def table() -> dict[str, dict[int, Trigger]]:
    """The triggers by proxy and code."""
    octets = files(__package__).joinpath("codes.toml").read_bytes()
    return msgspec.toml.decode(octets, type=dict[str, dict[int, Trigger]], strict=False)


@family
def provoked() -> Iterator[Definition]:
    """A case for each code."""
    firsts = {subject.request: subject for subject in subjects()}
    triggers = table()
    for row in codes():
        trigger = triggers[row.proxy][row.code]
        subject = firsts.get(trigger.request) or firsts.get(trigger.request.partition("/")[0])
        after = [subject.good] if subject is not None and not trigger.at else []
        yield Definition(
            name=f"codes.{row.proxy}.{row.code}",
            sentence=f"{row.code}: {row.trigger}",
            rules=("ERR-01", "ERR-06", "ERR-04", *_RULES.get(row.reach, ())),
            script=partial(_provoke, trigger=trigger, row=row),
            places=(trigger.at or (subject.places[0] if subject else "rm-native"),),
            after=("sanity.probe", *after),
            row=_row(subject.name, trigger) if subject is not None else "",
            rests=partial(_rests, trigger, subject.form if subject is not None else ""),
        )


_RULES = {"message": ("ERR-03", "CAT-02"), "state": ("ERR-03",)}


def _rests(trigger: Trigger, form: str) -> tuple[str, ...]:
    own = tuple(trigger.rests.split())
    if not trigger.request:
        return (*rests_on(trigger.octets), *own)
    if trigger.fault:
        own = (*own, "ERR-07")
    try:
        return (*rests_on(changed(form, trigger.changes)), *own)
    except mutating.NoPlace:
        return own


def _row(name: str, trigger: Trigger) -> str:
    """The line of the catalogue that a trigger breaks; "" where it breaks none."""
    lines = [line for line in trigger.changes if line != "+"]
    return f"{name}.{lines[0]}" if len(lines) == 1 else ""


def _provoke(peer: Peer, trigger: Trigger, row: Code) -> None:
    octets = _message(peer, trigger, row)
    aimed: dict[str, Any] = {}
    if trigger.fault:
        acronym, _, _ = trigger.request.partition("/")
        value = mutating.value(octets.decode("latin-1"), (trigger.aim,))
        aimed = {**trigger.fault, "message": acronym, "parameter": trigger.aim, "value": value}
    with peer.grounds.fault(aimed) if aimed else nullcontext():
        line = peer.connect()
        for _ in range(trigger.twice):
            line.send(peer.request(octets, use=trigger.use))
            line.expect()
        line.send(peer.request(octets, use=trigger.use))
        line.expect(code(row.code))


def _message(peer: Peer, trigger: Trigger, row: Code) -> bytes:
    if not trigger.request:
        return trigger.octets.encode("latin-1")
    form = edited(peer, trigger.request, partial(changed, changes=trigger.changes))
    given = {"number": str(_NUMBERS + peer.grounds.number())}
    if row.reach == "message":
        given |= NOTHING_MADE
    if trigger.gone:
        loc = peer.grounds.file(b"1,2")
        given["item"] = peer.grounds.item_at(loc, 3, trigger.use)
        peer.grounds.remove_file(loc)
    return peer.grounds.filled(form, trigger.use, **given)
