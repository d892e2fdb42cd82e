"""Telling users that an item has arrived (ERR-05): it is stored first, whoever can be told."""

from __future__ import annotations

import re
from typing import Literal

from ...transcript import Received
from ..case import case
from ..description import Use
from ..expecting import code, satisfies
from ..peer import Peer
from .conditions import changed

_HERE = ("inbox-native",)
_AFTER = "catalogue.A.good-told"
_RESTS = "CAT-06 HDR-11"
_FAULTS = (5170, 5178, 5183, 5184, 5185)
"""What a Z says when StarOE fails to tell where a user is reached."""
_STORED = re.compile(rb"Z<REQ=A,ERROR=(\d+),INBOXID=(\d{1,10})>")
_UNKNOWN: Use = "other"
"""Of whom StarOE knows neither an address nor a pager."""


def _message(peer: Peer, level: str, *without: str, **given: str) -> bytes:
    """An A that tells that user, without what is left to StarOE to know."""
    changes: dict[str, str | Literal[False]] = dict.fromkeys(without, False)
    form = changed(peer.grounds.form("A/told"), {**changes, "UNOTIFY": level})
    return peer.grounds.filled(form, _UNKNOWN, **given)


def _stored(peer: Peer, octets: bytes, number: int) -> None:
    """The item is there, and its Z has that code and its INBOXID."""

    def holds(reply: Received) -> bool:
        found = _STORED.fullmatch(reply.data)
        return found is not None and int(found[1]) == number

    words = f"Z<REQ=A,ERROR={number},INBOXID=..>"
    reply = peer.ask(octets, satisfies(words, holds, "data"))
    item = _STORED.sub(rb"\2", reply.data)
    peer.ask(b"F<INBOXID=%b>" % item, code(0))


@case("notify.page", rules="ERR-05", places=_HERE, after=_AFTER, rests=_RESTS)
def by_page_alone(peer: Peer) -> None:
    """With UNOTIFY=1 no address for an e-mail is needed."""
    peer.ask(_message(peer, "1", "MMADDR", "MMTEXT"), code(0))


@case("notify.email", rules="ERR-05", places=_HERE, after=_AFTER, rests=_RESTS)
def by_email_alone(peer: Peer) -> None:
    """With UNOTIFY=2 no pager is needed."""
    peer.ask(_message(peer, "2", "PGT", "PGPIN", "PGTXT"), code(0))


@case("notify.text", rules="ERR-05", places=_HERE, after=_AFTER, rests=_RESTS)
def title_for_text(peer: Peer) -> None:
    """Without MMTEXT and PGTXT the title is the text, and nothing is missing."""
    peer.ask(_message(peer, "3", "MMTEXT", "PGTXT"), code(0))


@case("notify.no-address", rules="ERR-05 CAT-04", places=_HERE, after=_AFTER, rests=_RESTS)
def no_address(peer: Peer) -> None:
    """Where there is no address for the e-mail the item is stored, and its Z has 5180 and the
    INBOXID."""
    for level in "23":
        _stored(peer, _message(peer, level, "MMADDR"), 5180)


@case("notify.no-pager", rules="ERR-05 CAT-04", places=_HERE, after=_AFTER, rests=_RESTS)
def no_pager(peer: Peer) -> None:
    """Where there is no pager type, or no PIN, the item is stored, and its Z has 5182 and the
    INBOXID."""
    for level in "13":
        for missing in ("PGT", "PGPIN"):
            _stored(peer, _message(peer, level, missing), 5182)


@case("notify.email-first", rules="ERR-05", places=_HERE, after=_AFTER, rests=_RESTS)
def email_first(peer: Peer) -> None:
    """Where neither can be sent the code is that of the e-mail."""
    peer.ask(_message(peer, "3", "MMADDR", "PGT", "PGPIN"), code(5180))


@case("notify.failed", rules="ERR-05 CAT-04", places=_HERE, after=_AFTER, rests=_RESTS)
def nobody_could_be_asked(peer: Peer) -> None:
    """Where StarOE fails to tell an address the item is stored, and its Z has that code and the
    INBOXID."""
    for number in _FAULTS:
        loc = peer.grounds.file(b"1,2")
        fault = {"kind": "notification", "code": number}
        aim = {"message": "A", "parameter": "LOC", "value": loc}
        with peer.grounds.fault({**fault, **aim}):
            _stored(peer, _message(peer, "3", loc=loc, size="3"), number)
