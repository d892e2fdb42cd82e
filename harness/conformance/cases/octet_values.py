"""Every value that an octet can have, as data (OCT-01, SYN-03, SYN-08): taken, kept, given back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from starwire.grammar import parse

from .. import mutating
from ..case import Definition, case, family
from ..expecting import code, data, satisfies
from ..peer import Peer

_DELIMITERS = b"<>\x01"
"""What cannot be data anywhere."""
_ROWS = b",~="
"""What can be data and stands in no row of an answer: a blank is sent in its place (CAT-05)."""
_DATA = b"=" + bytes(value for value in range(256) if value not in _DELIMITERS + b"=")
"""`=` first: behind a comma it would make a key of what is before it (SYN-05)."""
_PLAIN = bytes(value for value in _DATA if value not in _ROWS)
_TEXT = bytes(value for value in _PLAIN if value not in b" \t\r\n")
"""What stays as it is also at the ends of a value."""
_AROUND = "CAT-05 CAT-07 SYN-02 SYN-03 SYN-05 SYN-06 SYN-08"
"""What is broken where an octet is taken for a delimiter, or a row is written otherwise, or
what was added cannot be read back."""
_REFUSED = {ord("<"): 6612, ord(">"): 6612, 0x01: 6103}


@family
def values() -> Iterator[Definition]:
    """A case for each octet value within the name of a report."""
    for value in range(256):
        refused = value in _REFUSED
        yield Definition(
            name=f"octets.name.{value:02x}",
            sentence=f"The octet 0x{value:02x} within free text {_ending(value)}.",
            rules=_rules(value),
            script=partial(_refuses if refused else _gives_back, value=value),
            places=("rm",),
            after=("catalogue.ARD-client.good", "catalogue.GURD.good"),
            rests=partial(_rests, value),
        )


def _rules(value: int) -> tuple[str, ...]:
    if value in _REFUSED:
        return ("SYN-08",)
    if value == ord(","):
        return ("SYN-05", "SYN-08", "CAT-05")
    return ("CAT-05",) if value in _ROWS else ("OCT-01",)


def _rests(value: int) -> tuple[str, ...]:
    unpaired = ("SYN-10",) if _REFUSED.get(value) == 6612 else ()
    return (*_AROUND.split(), *unpaired)


def _ending(value: int) -> str:
    if value in _REFUSED:
        return f"is refused with {_REFUSED[value]}"
    if value in _ROWS:
        return "is taken, and sent as a blank where rows are"
    return "is taken and given back"


def _ard(peer: Peer, name: str, text: bytes) -> bytes:
    """The good ARD with another value, octets as they are."""
    value = mutating.literal(text.decode("latin-1"))
    return peer.grounds.filled(mutating.with_value(peer.grounds.form("ARD"), (name,), value))


def _refuses(peer: Peer, value: int) -> None:
    peer.ask(peer.request(_ard(peer, "NAME", b"a%cb" % value)), code(_REFUSED[value]))


def _gives_back(peer: Peer, value: int) -> None:
    sent = b" " if value in _ROWS else b"%c" % value
    _given_back(peer, "NAME", b"a%cb" % value, b"a%bb" % sent)


def _made(peer: Peer, message: bytes, name: str) -> bytes:
    """What the answer has under that name, to a request that must succeed."""
    reply = peer.ask(peer.request(message), code(0))
    return parse(reply.data)[name].value.scalar.encode()


def _given_back(peer: Peer, name: str, text: bytes, sent: bytes) -> None:
    """An ARD with that text, and what GURD then shows of it."""
    number = _made(peer, _ard(peer, name, text), "USERRPTID")
    control = b"<%b,%b," % (name.encode(), sent)
    shown = satisfies(f"the control {control!a}", lambda reply: control in reply.data, "data")
    peer.ask(peer.request(b"GURD<REPORTID=%b>" % number), shown)


@case(
    "octets.category.all",
    rules="OCT-01",
    places=("rm", "rm-native"),
    after="catalogue.ARD-client.good catalogue.GURD.good",
    rests=_AROUND,
)
def all_in_one_text(peer: Peer) -> None:
    """All octets that are no delimiters come back unchanged from one text."""
    _given_back(peer, "CATEGORY", b"a%bb" % _PLAIN, b"a%bb" % _PLAIN)


@case(
    "octets.category.ends",
    rules="OCT-01 SYN-06 SYN-13",
    places=("rm", "rm-native"),
    after="catalogue.ARD-client.good catalogue.GURD.good",
    rests=_AROUND,
)
def no_octet_but_blanks_is_stripped(peer: Peer) -> None:
    """Blank, TAB, CR and LF are taken from the ends of a value, NUL, 0xA0 and others are not."""
    _given_back(peer, "CATEGORY", b" \t\r\n\x00a\xa0 \t\r\n", b"\x00a\xa0")
    _given_back(peer, "CATEGORY", _TEXT, _TEXT)


@case(
    "octets.category.blanks",
    rules="OCT-01 SYN-07",
    places=("rm", "rm-native"),
    after="catalogue.ARD-client.good catalogue.GURD.good",
    rests=_AROUND,
)
def blanks_within_a_text(peer: Peer) -> None:
    """Blanks within a text, several together too, come back as they were sent."""
    _given_back(peer, "CATEGORY", b"a  b \t c\r\n\r\nd", b"a  b \t c\r\n\r\nd")


@case(
    "octets.acronym.all",
    rules="OCT-01 ERR-02",
    places=("rm", "rs", "staroe", "rm-native", "jar"),
    rests=f"{_AROUND} SYN-01 CAT-01",
)
def acronyms(peer: Peer) -> None:
    """Every octet of an unknown acronym comes back unchanged."""
    line = peer.connect()
    for part in _parts(bytes(value for value in _TEXT if value not in b",="), 6):
        line.send(peer.request(b"Z%bZ<>" % part))
        answer = b"Z%bZ<ERROR=6104>" % part
        line.expect(data(answer))


@case(
    "octets.acronym.inbox",
    rules="OCT-01 ERR-02",
    places=("inbox", "inbox-native"),
    rests=f"{_AROUND} SYN-01 CAT-01",
)
def acronyms_at_the_inbox(peer: Peer) -> None:
    """Every octet of an acronym that the Inbox does not know comes back unchanged."""
    line = peer.connect()
    for part in _parts(bytes(value for value in _TEXT if value not in b",="), 6):
        line.send(peer.request(b"Z%bZ<>" % part))
        line.expect(data(b"Z<REQ=Z%bZ,ERROR=5103>" % part))


@case(
    "octets.title.all",
    rules="OCT-01",
    places=("inbox", "inbox-native"),
    after="catalogue.A.good catalogue.L.good",
    rests=f"{_AROUND} CAT-06",
)
def titles(peer: Peer) -> None:
    """All octets that are no delimiters come back unchanged from the title of an item."""
    text = b"a%bb" % _PLAIN[1:]
    before = int(_item(peer, text)) - 1
    form = f"L<ENTPID={{entpid}},USERID={{userid}},CATEGORY=R,INBOXID={before}>"
    shown = satisfies("the title", lambda reply: b"~%b~" % text in reply.data, "data")
    peer.ask(peer.request(peer.grounds.filled(form)), shown)


def _item(peer: Peer, title: bytes) -> str:
    """A new item with that title."""
    value = mutating.literal(title.decode("latin-1"))
    form = mutating.with_value(peer.grounds.form("A"), ("RPTTITLE",), value)
    if "inbox-native" not in peer.wire.places:
        peer.not_applicable("there is no inbox-native, where an item could be added")
    line = peer.connect("inbox-native")
    line.send(peer.grounds.filled(form))
    return parse(line.expect(code(0)).data)["INBOXID"].value.scalar


@case("octets.user.all", rules="OCT-01", places=("jar",), after="catalogue.CKM.good", rests=_AROUND)
def users(peer: Peer) -> None:
    """Every octet of a user id comes back unchanged from a session."""
    for part in _parts(_TEXT, 18):
        user = b"a%bb" % part
        key = _made(peer, b"CKM<USERID=%b,ENTPID=00022924>" % user, "KEY")
        answer = b"CKGA<ERROR=0,USERID=%b,ENTPID=00022924>" % user
        peer.ask(peer.request(b"CKG<KEY=%b>" % key), data(answer))


@case(
    "octets.password.all",
    rules="OCT-01 SYN-08",
    places=("staroe",),
    after="catalogue.VUM.good",
    rests="SYN-02 SYN-03 SYN-05 WEB-04",
)
def passwords(peer: Peer) -> None:
    """Every octet of a password is data: a wrong password is wrong, and nothing else."""
    for part in _parts(_DATA, 62):
        message = b"VUM<USERID=nobody%b,PASSWORD=a%bb>" % (peer.grounds.unique().encode(), part)
        peer.ask(peer.request(message), code(6115))


def _parts(values: Iterable[int], size: int) -> Iterator[bytes]:
    octets = bytes(values)
    for start in range(0, len(octets), size):
        yield octets[start : start + size]
