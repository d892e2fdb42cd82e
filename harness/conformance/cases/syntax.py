"""The syntax of messages (SYN-01 to SYN-13), message by message as written by hand, and its limits.

The messages are the lines of `syntax.toml`, each with the code that is owed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.resources import files

import msgspec

from ..case import Definition, case, family
from ..expecting import Expectation, code, satisfies
from ..peer import Peer
from ..resting import rests_on
from ..taking import reads_as_code

_SYNTAX_CODES = (6102, 6611, 6612)


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message and what is owed for it."""

    words: str
    octets: str
    code: int
    inbox: int = 0


def table() -> dict[str, dict[str, Line]]:
    """The messages by name, below the rules that they are about."""
    octets = files(__package__).joinpath("syntax.toml").read_bytes()
    return msgspec.toml.decode(octets, type=dict[str, dict[str, Line]])


@family
def lines() -> Iterator[Definition]:
    """A case for each message, at the Report Manager and, where it is said, at the others."""
    for rules, named in table().items():
        for name, line in named.items():
            yield _definition(name, rules, line, ("rm",), line.code)
            if line.inbox:
                yield _definition(f"{name}-inbox", rules, line, ("inbox",), line.inbox)
            if line.code in _SYNTAX_CODES:
                yield _definition(f"{name}-others", rules, line, ("staroe", "rs"), line.code)


def _definition(
    name: str, rules: str, line: Line, places: tuple[str, ...], number: int
) -> Definition:
    ending = f"refused with {number}" if number else "carried out"
    return Definition(
        name=f"syntax.{name}",
        sentence=f"A message with {line.words} is {ending}.",
        rules=tuple(rules.split()),
        script=partial(_asked, octets=line.octets.encode("latin-1"), number=number),
        places=places,
        after=("sanity.probe",),
        rests=partial(rests_on, line.octets),
    )


def _asked(peer: Peer, octets: bytes, number: int) -> None:
    peer.ask(peer.request(octets), code(number))


# SYN-11: the limits, at and over each. What is owed at the limit shows that the message was read.


_GRTL = b"GRTL<DATATYPE=R,DATACAT=P,IO=O,PRODUCT="
"""Nothing is wrong with it but what is put behind it."""
_L = b"L<ENTPID=00022924,USERID=a,CATEGORY="


def _nested(groups: int, before: bytes = _GRTL) -> bytes:
    """So many groups open at once."""
    return before + b"<" * (groups - 1) + b">" * groups


def _not_for_a_limit() -> Expectation:
    return satisfies(
        "a refusal, and not for a limit",
        lambda reply: reads_as_code(reply) not in (None, 0, 6102),
        "ERROR",
    )


@case("syntax.limit-nesting", rules="SYN-11", places=("rm", "rm-native"))
def nesting_at_its_limit(peer: Peer) -> None:
    """A message that opens 64 groups at once is read."""
    peer.ask(peer.request(_nested(64)), code(6103))


@case("syntax.over-nesting", rules="SYN-11 SYN-10", places=("rm", "rm-native"))
def nesting_over_its_limit(peer: Peer) -> None:
    """A message that opens 65 groups at once is refused with 6102."""
    peer.ask(peer.request(_nested(65)), code(6102))


@case("syntax.over-nesting-inbox", rules="SYN-11 SYN-10", places=("inbox", "inbox-native"))
def nesting_over_its_limit_at_the_inbox(peer: Peer) -> None:
    """A message that opens 65 groups at once is refused by the Inbox with 5101."""
    peer.ask(peer.request(_nested(65, _L)), code(5101))


@case("syntax.limit-before-brackets", rules="SYN-10 SYN-11", places=("rm",))
def limits_come_first(peer: Peer) -> None:
    """A message that passes a limit and whose brackets do not pair is refused for the limit."""
    peer.ask(peer.request(b"GRTL" + b"<" * 65), code(6102))


@case("syntax.closing-makes-no-room", rules="SYN-11", places=("rm",))
def closing_makes_no_room(peer: Peer) -> None:
    """A `>` that closes nothing makes no room for further groups."""
    peer.ask(peer.request(b"GRTL<>>>>" + b"<" * 65), code(6102))
    peer.ask(peer.request(b"GRTL<>>>>" + b"<" * 64), _not_for_a_limit())


@case("syntax.siblings", rules="SYN-11", places=("rm",))
def groups_side_by_side(peer: Peer) -> None:
    """Groups that stand side by side do not nest."""
    peer.ask(peer.request(_GRTL + b"<>" * 100 + b">"), code(6103))


@case("syntax.limit-marks", rules="SYN-11", places=("rm",), rests="SYN-03 SYN-05")
def marks_at_their_limit(peer: Peer) -> None:
    """A message of 65,536 separators and groups is read."""
    message = _GRTL + b"x," * (65_536 - 4) + b">"
    peer.ask(peer.request(message), code(6103))


@case("syntax.over-marks", rules="SYN-11", places=("rm",), rests="SYN-03 SYN-05")
def marks_over_their_limit(peer: Peer) -> None:
    """A message of 65,537 separators and groups is refused with 6102."""
    for mark in (b",", b"\x01"):
        message = _GRTL + (b"x" + mark) * (65_537 - 4) + b">"
        peer.ask(peer.request(message), code(6102))


@case("syntax.closing-is-no-mark", rules="SYN-11", places=("rm",), rests="SYN-03 SYN-05")
def closing_is_no_mark(peer: Peer) -> None:
    """A `>` is no mark: 32,768 groups side by side and as many separators are read."""
    message = _GRTL + b"<>" * 32_767 + b"x," * (32_768 - 3) + b">"
    peer.ask(peer.request(message), code(6103))


@case("syntax.limit-octets", rules="SYN-11", places=("rm",))
def octets_at_their_limit(peer: Peer) -> None:
    """A message of 1,048,576 octets is read."""
    message = _GRTL + b"x" * (1_048_575 - len(_GRTL)) + b">"
    peer.ask(peer.request(message), code(6103))


@case("syntax.over-octets", rules="SYN-11", places=("rm",))
def octets_over_their_limit(peer: Peer) -> None:
    """A message of 1,048,577 octets is refused with 6102."""
    message = _GRTL + b"x" * (1_048_576 - len(_GRTL)) + b">"
    peer.ask(peer.request(message), code(6102))


@case("syntax.over-octets-behind", rules="SYN-11", places=("rm",), rests="SYN-09")
def octets_behind_count(peer: Peer) -> None:
    """What stands behind a message counts among its octets."""
    message = _GRTL + b"x" * (1_048_575 - len(_GRTL)) + b">"
    peer.ask(peer.request(message + b" "), code(6102))


# SYN-12: the originals, as printed and as emended.

_ORIGINALS = {
    "grtl": (b"GRTL<PRODUCT=V,DATATYPE=R,DATA CAT=P,IO=O>", "rm"),
    "gurl": (
        b"GURL<USERID=jeanvnet2,RPTTMPID=1,ENTPID=00022924,PRODUCT=T,DATA CAT=U>",
        "rm-native",
    ),
    "ard": (
        b"ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=City Summary Outbound,PRODUCT=S,"
        b"CATEGORY=Analyze Traffic,THRESHOLD=<RECCOUNT=20>,SCHEDULE=A<START=199806020000,"
        b"END=199807151200>,RANGETYPE=1,SCHEDTYPE=A,TIMEZONE=45,BILLING=INBOUND<<90000003,90000003>"
        b"<NA,NA><NA,NA>>INBOUND<<90000004,90000004><NA,NA><NA,NA>>,"
        b"CARDNO=<654654*~5465465465465465>,IDAC=<46546546*~1246>,GEO=GEO<<001,001 USA/WORLDZONE1>"
        b"<NA,NA><NA,NA><NA,NA><NA,NA>>GEO<<001,001 USA/WORLDZONE1><CO,CO><NA,NA><NA,NA><NA,NA>>,"
        b"OACCESS=<4~1>,ODISTRANGE=<A~F>,OUSAGE=<5~4>,SORTBY=<54D>,DESCRIPTION=This report "
        b"summarizes call detail by the terminating city and state (USA) / province (CA). The "
        b"report is based on the date/time ranges and report criteria selected.,"
        b"COLUMNS=<54~55~67~62~36~61~58~63~64~66~65>,ACTIVE=1,TOTALMODE=0,EMAIL=0,PAGE=0,LANG=1234,"
        b" CURR=2345>",
        "rm-native",
    ),
    "nrl": (
        b"NRL<TYPE=Sim\xb7Msg\xb740,ENTPID=00022924,USERID=dorod,STDRPTID=40,USERRPTID=3415,"
        b"REQUESTID=20341,COMPRESS=0,LOC=/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV,"
        b"FSIZE=389,PRESORTED=0>",
        "rm-native",
    ),
    "add": (
        b"A<CATEGORY=R,TYPE=traffic,REQUESTID=32197,USERID=LynneLevy2,RPTID=150,PRIORITY=,"
        b"COMPRESS=0,UNOTIFY=0,MMADDR=,MMTEXT=,PGT=,PGPIN=,PGTXT=,RPTCATEGORY=Service Location & "
        b"Hour,LOC=/inbox/files/ods/902512294STD RPTID10.CSV,ENTPID=10324488,RQSTDT=1998-01-02 "
        b"15:18,FSIZE=3705,RPTTITLE=Summary by Service Location and Hour,MSIZE=3322>",
        "inbox-native",
    ),
}
"""As the seed prints them."""

_BROKEN = (
    b"ARD<ENTPID=00025677,USERID=1234,STDRPTID=101,USERRPTID=1234,REQUESTID=8855,PRODUCT=S,"
    b"THRESHOLD=<RECCOUNT=300>,COLUMNS<44,36,58,67,61,63,62,64,65,66>,FILTERS=<BILLING=<99920046,"
    b",>,>,>,SORTBY=<44A>,SCHEDULE=A<START=199807300000,END=199807302359>,TIMEZONE=<LABEL=MDT,"
    b"OFFSET=6>,TOTALMODE=2,SUETOTCOL=<>>|"
)
"""Printed with its brackets broken."""


@family
def originals() -> Iterator[Definition]:
    """A case for each original that is a request."""
    for name, (octets, place) in _ORIGINALS.items():
        yield Definition(
            name=f"syntax.original-{name}",
            sentence=f"The {name.upper()} that the seed prints passes the steps 1 to 6.",
            rules=("SYN-12",),
            script=partial(_original, octets=octets),
            places=(place,),
            after=("sanity.probe",),
            rests=partial(rests_on, octets.decode("latin-1")),
        )


def _original(peer: Peer, octets: bytes) -> None:
    """What it asks for need not be there, so that it is enough that nothing is wrong with it."""
    peer.ask(peer.request(octets), _past_step_6())


def _past_step_6() -> Expectation:
    return satisfies(
        "an answer of step 7 or later",
        lambda reply: reads_as_code(reply) in _BEHIND,
        "ERROR",
    )


_BEHIND = (0, 6050, 6107, 6108, 6109, 6115, 6116, 6707, 5005, 5153, 5163, 5166)


@case("syntax.original-broken", rules="SYN-12 SYN-10", places=("rm",), rests="SYN-09")
def broken_original(peer: Peer) -> None:
    """The ARD of the request table, whose brackets the print breaks, is refused with 6612."""
    peer.ask(peer.request(_BROKEN), code(6612))
