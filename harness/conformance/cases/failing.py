"""What is said while the store fails (ERR-06, ERR-07, DSP-05): faults that the target switches on,
aimed at a message of the case's own, or at the store as a whole while nothing else runs.
"""

from __future__ import annotations

import re

from .. import mutating
from ..case import case
from ..expecting import Expectation, bare, code, satisfies, status
from ..peer import Peer

_GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
_STORE_IS_GONE = {"kind": "database-down"}
_FAILURES = ("general-failure", "database-down", "statement-failure")
_ASKED = {"rm": ("GURL", "RPTTMPID"), "inbox": ("L", "INBOXID")}
"""A message that reads the store, and a parameter whose value is this case's alone."""
_BEYOND = 1_000_000_000


@case("failing.told", rules="ERR-07", places=("rm", "rm-native", "inbox", "inbox-native"))
def told_by_a_code(peer: Peer) -> None:
    """A failure of the store is answered with a response message and nothing more, and the
    connection is served on."""
    name, parameter = _ASKED[peer.place.removesuffix("-native")]
    line = peer.connect()
    for kind in _FAILURES:
        value = str(_BEYOND + peer.grounds.number())
        form = mutating.with_value(peer.grounds.form(name), (parameter,), value)
        aim = {"message": name, "parameter": parameter, "value": value}
        with peer.grounds.fault({"kind": kind, **aim}):
            line.send(peer.request(peer.grounds.filled(form)))
            line.expect(_an_error_alone())
        peer.still_served(line)


def _an_error_alone() -> Expectation:
    whole = re.compile(rb"[A-Z]+<[A-Z]+=[A-Z0-9]+(,[A-Z]+=[A-Z0-9]+)*>")
    words = "a response message with a code, and nothing of what failed"
    return satisfies(words, lambda reply: whole.fullmatch(reply.data) is not None, "data")


@case("failing.jar", rules="ERR-06 WEB-09", places=("jar",), alone=True)
def jar_without_its_store(peer: Peer) -> None:
    """While its store cannot be reached the cookie jar makes no session: 6105. Then it does."""
    with peer.grounds.fault(_STORE_IS_GONE):
        peer.ask(b"CKM<USERID=a,ENTPID=00022924>", code(6105))
    peer.ask(b"CKM<USERID=a,ENTPID=00022924>", code(0))


@case("failing.serials", rules="DSP-05", places=("dispatcher",), alone=True)
def no_serial(peer: Peer) -> None:
    """A dispatcher that can get no serial answers a bare 111, and asks no proxy; as soon as it can
    get one all is well."""
    far = peer.far()
    peer.restart()
    line = peer.connect()
    with peer.grounds.fault(_STORE_IS_GONE):
        line.send(far.request(_GRTL))
        line.expect(status(111), bare())
        far.expect_nothing()
    line.send(far.request(_GRTL))
    far.receive().reply(data=b"SRTL<ERROR=6109>")
    line.expect(status(0))
