"""Where files may lie (CAT-09)."""

from __future__ import annotations

from ..case import case
from ..expecting import code
from ..peer import Peer

_OUTSIDE = "/../../../../../../../../../../../../etc/passwd"
"""A file that every system of the kind has, and no Inbox."""
_MISSING = "/checks/no-such-file.csv"


def _changed(peer: Peer, form: str, loc: str) -> bytes:
    return peer.grounds.filled(peer.grounds.form(form), loc=loc, size="3")


@case("file.outside.item", rules="CAT-09", places=("inbox-native",))
def item_outside(peer: Peer) -> None:
    """An item whose LOC leads out of the Inbox's files is refused as one that does not exist."""
    for loc in (_MISSING, _OUTSIDE, "/checks/../checks/../../etc/passwd"):
        peer.ask(_changed(peer, "A", loc), code(5163))


@case("file.outside.report", rules="CAT-09", places=("rm-native",))
def report_outside(peer: Peer) -> None:
    """A report whose LOC leads out is refused as one that does not exist."""
    for loc in (_MISSING, _OUTSIDE):
        peer.ask(_changed(peer, "NRL", loc), code(6108))
