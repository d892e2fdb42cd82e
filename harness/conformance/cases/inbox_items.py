"""The life of an item of the Inbox (CAT-06): added, listed, seen, fetched, deleted, over."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...transcript import Received
from ..case import case
from ..description import Use
from ..expecting import Expectation, begins, code
from ..peer import Peer

_BOTH = ("inbox", "inbox-native")
_DAY = 86_400.0
_CATEGORIES = {"R": "A", "D": "A/data", "F": "A/news"}
"""The good request that adds an item of each."""
_ROWS = re.compile(rb"<(\d+)~(?:[^<>~]*~){10}([01])~[01]~(\d+)>")
"""The rows of L: INBOXID, and behind ten other members ACK, ERRFLAG and TTL (CAT-05)."""
_RESTS = "CAT-05 HDR-11 SYN-08"
"""The rows of a list can be read, and users find their own."""


class _Row(NamedTuple):
    """What these cases read of a row of L."""

    ack: str
    ttl: str


def _ask(peer: Peer, text: str, *expected: Expectation, use: Use = "main") -> Received:
    return peer.ask(peer.request(text.encode("latin-1"), use=use), *expected)


def _whose(peer: Peer, use: Use = "main") -> str:
    user = peer.grounds.user(use)
    return f"ENTPID={user.entpid},USERID={user.userid}"


def _added(peer: Peer, request: str = "A", use: Use = "main") -> str:
    """The INBOXID of a new item."""
    grounds = peer.grounds
    octets = grounds.filled(grounds.form(request), use)
    return grounds.made("inbox-native", octets.decode("latin-1"), "INBOXID", use)


def _listed(peer: Peer, after: str, *, category: str = "R", use: Use = "main") -> dict[str, _Row]:
    """The rows of L behind an id, in the order in which they stand there."""
    text = f"L<{_whose(peer, use)},CATEGORY={category},INBOXID={after}>"
    reply = _ask(peer, text, code(0) | code(5100), use=use)
    rows = _ROWS.findall(reply.data)
    return {item.decode(): _Row(ack.decode(), ttl.decode()) for item, ack, ttl in rows}


def _row(peer: Peer, item: str) -> _Row:
    """The row of an item that must be there."""
    rows = _listed(peer, _before(item))
    peer.must(item in rows, f"the item {item} in the list", f"{', '.join(rows) or 'no items'}")
    return rows[item]


def _before(item: str) -> str:
    return str(int(item) - 1)


def _there(peer: Peer, item: str, use: Use = "main") -> None:
    _ask(peer, f"F<INBOXID={item}>", code(0), use=use)


def _gone(peer: Peer, item: str, use: Use = "main") -> None:
    _ask(peer, f"F<INBOXID={item}>", code(5100), use=use)


def _set(peer: Peer, item: str, what: str) -> None:
    _ask(peer, f"U<{_whose(peer)},INBOXID={item},{what}>", code(0))


# ---- added and listed ----------------------------------------------------------------------------


@case("item.order", rules="CAT-05 CAT-06", places=_BOTH, rests=_RESTS)
def oldest_first(peer: Peer) -> None:
    """Each new item has a greater INBOXID than those before, and L lists them oldest first."""
    items = [_added(peer) for _ in range(3)]
    told = [item for item in _listed(peer, _before(items[0])) if item in items]
    peer.must(told == sorted(items, key=int), "rising ids", f"{', '.join(told)}")
    peer.must(told == items, f"{', '.join(items)}, as they were added", f"{', '.join(told)}")


@case("item.later", rules="CAT-06", places=_BOTH, rests=_RESTS)
def later_than_the_given(peer: Peer) -> None:
    """L with an INBOXID lists the items of greater ids, and not the one of that id."""
    earlier, given, later = (_added(peer) for _ in range(3))
    rows = _listed(peer, given)
    told = [item for item in (earlier, given, later) if item in rows]
    peer.must(told == [later], f"{later} alone of the three items", f"{', '.join(told)}")


@case("item.later.number", rules="CAT-06", places=_BOTH, rests=_RESTS)
def compared_as_a_number(peer: Peer) -> None:
    """The INBOXID of L is a number, whatever zeros stand before it."""
    given, later = _added(peer), _added(peer)
    rows = _listed(peer, given.zfill(25))
    told = [item for item in (given, later) if item in rows]
    peer.must(told == [later], f"{later} alone of the two items", f"{', '.join(told)}")


@case("item.category", rules="CAT-06", places=_BOTH, rests=_RESTS)
def of_the_asked_category(peer: Peer) -> None:
    """L lists the items of the asked CATEGORY alone."""
    items = {category: _added(peer, request) for category, request in _CATEGORIES.items()}
    for category, item in items.items():
        rows = _listed(peer, _before(items["R"]), category=category)
        told = [one for one in items.values() if one in rows]
        peer.must(told == [item], f"{item} alone of the three items", f"{', '.join(told)}")


@case("item.new", rules="CAT-06", places=_BOTH, rests=_RESTS)
def new_item(peer: Peer) -> None:
    """A new item is not acknowledged, and lives for 45 days."""
    row = _row(peer, _added(peer))
    peer.must(row.ack == "0", "ACK 0 of a new item", f"ACK {row.ack}")
    peer.must(row.ttl == "45", "TTL 45 of a new item", f"TTL {row.ttl}")


@case("item.again.gone", rules="CAT-06", places=("inbox-native",), after="answer.A.again")
def repetition_before_the_file(peer: Peer) -> None:
    """A repeated A is 5005 also when its file is gone."""
    loc = peer.grounds.file(b"1,2")
    peer.grounds.item_at(loc, 3)
    peer.grounds.remove_file(loc)
    _ask(peer, peer.grounds.filled(peer.grounds.form("A"), loc=loc, size="3").decode(), code(5005))


# ---- acknowledged --------------------------------------------------------------------------------


@case("item.update.ack", rules="CAT-06", places=_BOTH, after="item.new", rests=_RESTS)
def acknowledged(peer: Peer) -> None:
    """U with a TTL and no ACK acknowledges the item."""
    item = _added(peer)
    _set(peer, item, "TTL=9")
    row = _row(peer, item)
    peer.must(row.ack == "1", "ACK 1", f"ACK {row.ack}")
    peer.must(row.ttl == "9", "TTL 9", f"TTL {row.ttl}")


@case("item.update.ttl", rules="CAT-06", places=_BOTH, after="item.new", rests=_RESTS)
def days_kept(peer: Peer) -> None:
    """U with an ACK and no TTL leaves the TTL as it is."""
    item = _added(peer)
    _set(peer, item, "TTL=9,ACK=1")
    _set(peer, item, "ACK=0")
    row = _row(peer, item)
    peer.must(row.ack == "0", "ACK 0", f"ACK {row.ack}")
    peer.must(row.ttl == "9", "TTL 9", f"TTL {row.ttl}")


# ---- fetched -------------------------------------------------------------------------------------


@case("item.file.gone", rules="CAT-06", places=_BOTH, rests="HDR-11")
def file_is_gone(peer: Peer) -> None:
    """F of an item whose file cannot be opened is 5104."""
    loc = peer.grounds.file(b"1,2")
    item = peer.grounds.item_at(loc, 3)
    peer.grounds.remove_file(loc)
    _ask(peer, f"F<INBOXID={item}>", code(5104))


@case("item.file.size", rules="CAT-06", places=_BOTH, rests="HDR-11")
def size_of_the_file(peer: Peer) -> None:
    """A does not compare FSIZE with the file, and F tells the size that the file has."""
    item = peer.grounds.item_at(peer.grounds.file(b"1,2,3,4"), 3)
    head = f"Z<REQ=F,ERROR=0,INBOXID={item},FSIZE=7>"
    _ask(peer, f"F<INBOXID={item}>", begins(head.encode() + b"1,2,3,4"))


@case("item.metadata", rules="CAT-06", places=_BOTH, rests="HDR-11 CAT-08")
def metadata_of_an_item(peer: Peer) -> None:
    """F with WHAT=METADATA gives the metadata of an item, and with WHAT=DATA its file."""
    word = peer.grounds.unique()
    loc = peer.grounds.file(b"1,2", word)
    peer.grounds.file(b"<METADATA=>", word, ".mtd")
    form = peer.grounds.form("A").replace("MSIZE=0", "MSIZE=11")
    text = peer.grounds.filled(form, loc=loc, size="3").decode("latin-1")
    item = peer.grounds.made("inbox-native", text, "INBOXID")
    for what, held in (("METADATA", b"<METADATA=>"), ("DATA", b"1,2")):
        head = f"Z<REQ=F,ERROR=0,INBOXID={item},FSIZE={len(held)}>"
        _ask(peer, f"F<INBOXID={item},WHAT={what}>", begins(head.encode() + held))


# ---- deleted -------------------------------------------------------------------------------------


@case("item.delete", rules="CAT-06", places=_BOTH, rests=_RESTS)
def one_is_deleted(peer: Peer) -> None:
    """D with an INBOXID deletes that item, which is then as one that there is not, and no other."""
    item, other = _added(peer), _added(peer)
    _ask(peer, f"D<INBOXID={item}>", code(0))
    _gone(peer, item)
    rows = _listed(peer, _before(item))
    peer.must(item not in rows, f"a list without {item}", f"{', '.join(rows)}")
    peer.must(other in rows, f"a list with {other}", f"{', '.join(rows) or 'no items'}")


@case("item.delete.again", rules="CAT-06", places=_BOTH, rests="HDR-11")
def nothing_to_delete(peer: Peer) -> None:
    """D of an item that was deleted is 5125."""
    item = _added(peer)
    _ask(peer, f"D<INBOXID={item}>", code(0))
    _ask(peer, f"D<INBOXID={item}>", code(5125))


@case("item.delete.all", rules="CAT-06", places=_BOTH, rests="HDR-11", alone=True)
def all_are_deleted(peer: Peer) -> None:
    """D with USERID and ENTPID deletes all items of that user, of every category, and nobody
    else's; then there is nothing to delete."""
    theirs = _added(peer)
    items = [_added(peer, request, "colleague") for request in _CATEGORIES.values()]
    message = peer.grounds.filled(peer.grounds.form("D (all)"), "colleague").decode("latin-1")
    _ask(peer, message, code(0), use="colleague")
    for item in items:
        _gone(peer, item, "colleague")
    _there(peer, theirs)
    _ask(peer, message, code(5125), use="colleague")


@case("item.delete.file", rules="CAT-06", places=_BOTH, rests="HDR-11")
def files_are_left(peer: Peer) -> None:
    """Deleting an item leaves its file, which another user's item may be of."""
    loc = peer.grounds.file(b"1,2")
    item, theirs = (peer.grounds.item_at(loc, 3, use) for use in ("main", "colleague"))
    _ask(peer, f"D<INBOXID={item}>", code(0))
    _there(peer, theirs, "colleague")


@case("item.delete.id", rules="CAT-06", places=_BOTH, rests="HDR-11")
def ids_rise_on(peer: Peer) -> None:
    """An INBOXID is not given again when its item was deleted."""
    item = _added(peer)
    _ask(peer, f"D<INBOXID={item}>", code(0))
    later = _added(peer)
    peer.must(int(later) > int(item), f"an INBOXID greater than {item}", later)


# ---- over ----------------------------------------------------------------------------------------


@case("item.over", rules="CAT-06", places=_BOTH, takes=45.1 * _DAY, rests=_RESTS)
def days_are_over(peer: Peer) -> None:
    """An item is there for 45 days, and then is for every message as if it did not exist."""
    item = _added(peer)
    peer.pass_time(44.9 * _DAY)
    _there(peer, item)
    peer.pass_time(0.2 * _DAY)
    _gone(peer, item)
    rows = _listed(peer, _before(item))
    peer.must(item not in rows, f"a list without {item}", f"{', '.join(rows)}")
    _ask(peer, f"U<{_whose(peer)},INBOXID={item},TTL=99>", code(5100))
    _ask(peer, f"D<INBOXID={item}>", code(5125))


@case("item.over.again", rules="CAT-06", places=("inbox-native",), takes=45.1 * _DAY)
def file_of_an_item_that_is_over(peer: Peer) -> None:
    """An A with the LOC of an item whose days are over is no repetition."""
    loc = peer.grounds.file(b"1,2")
    peer.grounds.item_at(loc, 3)
    peer.pass_time(45.1 * _DAY)
    _ask(peer, peer.grounds.filled(peer.grounds.form("A"), loc=loc, size="3").decode(), code(0))


@case("item.over.ttl", rules="CAT-06", places=_BOTH, takes=60.2 * _DAY, rests="HDR-11")
def days_of_a_new_ttl(peer: Peer) -> None:
    """A new TTL counts from the arrival of the item, be it shorter or longer."""
    brief, long = _added(peer), _added(peer)
    peer.pass_time(5.1 * _DAY)
    _set(peer, brief, "TTL=5")
    _gone(peer, brief)
    _set(peer, long, "TTL=60")
    peer.pass_time(54.8 * _DAY)
    _there(peer, long)
    peer.pass_time(0.2 * _DAY)
    _gone(peer, long)
