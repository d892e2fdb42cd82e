"""What fulfilling servers may say of a request that the target has made: NRL and ARDA (CAT-01,
ERR-04, HDR-11)."""

from __future__ import annotations

from .. import mutating
from ..case import case
from ..expecting import code
from ..peer import Peer

_HERE = ("rm-native",)
_UNFINISHED = "NRL (unfinished)"
_REPEATED = "NRL/repeated"
_UNKNOWN = "2147483646"


@case("fulfilling.ids", rules="HDR-11", places=_HERE, after="catalogue.NRL.good")
def ids_of_the_request(peer: Peer) -> None:
    """An NRL whose ids are not those of its REQUESTID is 6115, whichever of them it is."""
    other = peer.grounds.user("colleague")
    line = peer.connect()
    for name, value in (
        ("USERID", other.userid),
        ("ENTPID", other.entpid),
        ("STDRPTID", "40"),
        ("USERRPTID", "1"),
    ):
        form = mutating.with_value(peer.grounds.form(_UNFINISHED), (name,), value)
        line.send(peer.request(peer.grounds.filled(form)))
        line.expect(code(6115))


@case("fulfilling.unknown", rules="ERR-04", places=_HERE, after="catalogue.ARDA-fulfilling.good")
def outcome_of_what_nobody_asked(peer: Peer) -> None:
    """An ARDA for a REQUESTID that there is not, or for another report than its request's, is
    6707."""
    number = mutating.value(peer.grounds.form(_UNFINISHED), ("REQUESTID",))
    line = peer.connect()
    for request in (_UNKNOWN, number):
        line.send(b"ARDA<ERROR=0,USERRPTID=1,REQUESTID=%b>" % request.encode())
        line.expect(code(6707))


@case("fulfilling.late", rules="CAT-01", places=_HERE, after="catalogue.GURD.good", rests="ERR-04")
def error_behind_the_report(peer: Peer) -> None:
    """An ARDA with an error that comes behind its NRL is acknowledged, and changes nothing."""
    notice = peer.grounds.filled(peer.grounds.form(_REPEATED))
    report = mutating.value(notice.decode("latin-1"), ("USERRPTID",))
    request = mutating.value(notice.decode("latin-1"), ("REQUESTID",))
    shown = b"GURD<REPORTID=%b>" % report.encode()
    line = peer.connect()
    line.send(notice)
    line.expect(code(0) | code(6050))
    line.send(shown)
    before = line.expect(code(0))
    line.send(f"ARDA<ERROR=6109,USERRPTID={report},REQUESTID={request}>".encode())
    line.expect(code(0))
    line.send(shown)
    after = line.expect(code(0))
    peer.must(after.data == before.data, repr(before.data), repr(after.data))
