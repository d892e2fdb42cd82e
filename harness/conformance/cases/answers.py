"""What answers hold, octet for octet: those of success (CAT-04, CAT-05), and those of an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from importlib.resources import files

import msgspec

from .. import mutating
from ..case import Definition, case, family
from ..expecting import Expectation, begins, data, satisfies
from ..peer import Peer
from ..resting import rests_on
from ..rows import NOTHING_MADE, Subject, subjects

_FILLED = re.compile(r"\{([a-z]+)\}")


def table() -> dict[str, str]:
    """The patterns by request."""
    octets = files(__package__).joinpath("answers.toml").read_bytes()
    return msgspec.toml.decode(octets, type=dict[str, str])


@family
def successes() -> Iterator[Definition]:
    """A case for each pattern, at each door of its request."""
    by_request = {subject.request: subject for subject in subjects()}
    for request, pattern in table().items():
        subject = by_request[request]
        yield Definition(
            name=f"answer.{subject.name}.success{subject.suffix}",
            sentence=f"The answer to {subject.title} that is good has its one form.",
            rules=("CAT-04", "CAT-05"),
            script=partial(_succeeds, request=request, pattern=pattern),
            rests=partial(_rests, subject, pattern),
            places=subject.places,
            after=(subject.good,),
        )


def _rests(subject: Subject, pattern: str) -> tuple[str, ...]:
    """The answer to what names a request that there is not has the code for that (ERR-04); those of
    the Inbox have what it keeps (CAT-06)."""
    unknown = () if "ERROR=0" in pattern or "ERROR" not in pattern else ("ERR-04",)
    kept = ("CAT-06",) if "inbox" in subject.places else ()
    return (*rests_on(subject.form), *unknown, *kept)


def _succeeds(peer: Peer, request: str, pattern: str) -> None:
    form = peer.grounds.form(request)
    user = peer.grounds.user()
    made = {"userid": user.userid, "entpid": user.entpid}
    if "{report}" in form:
        made["report"] = peer.grounds.report()
    if "{item}" in form:
        made["item"] = peer.grounds.item()
    if request == "L":
        peer.grounds.item()
    wanted = _FILLED.sub(lambda name: re.escape(made[name[1]]), pattern)
    peer.ask(peer.request(peer.grounds.filled(form, "main", **made)), _like(wanted))


def _like(pattern: str) -> Expectation:
    """Data that are wholly of that pattern."""
    whole = re.compile(pattern.encode("latin-1"), re.DOTALL)
    words = f"an answer like {pattern if len(pattern) < 80 else pattern[:80] + '...'}"
    return satisfies(words, lambda reply: whole.fullmatch(reply.data) is not None, "data")


@family
def errors() -> Iterator[Definition]:
    """For each request the answer to it with an unknown token."""
    for subject in subjects():
        if not subject.suffix and not subject.spec.received:
            yield Definition(
                name=f"answer.{subject.name}.error",
                sentence=f"The answer to {subject.title} that fails has its code and no more.",
                rules=("ERR-02", "CAT-04"),
                script=partial(_fails, subject=subject),
                rests=partial(rests_on, subject.form),
                places=subject.places,
                after=("sanity.probe",),
            )


def _fails(peer: Peer, subject: Subject) -> None:
    form = mutating.added(peer.grounds.form(subject.request), "REGION=1")
    octets = peer.grounds.filled(form, "main", **NOTHING_MADE)
    acronym, token = subject.spec.acronym, subject.family.token
    answer = f"{subject.spec.reply}<ERROR={token}>"
    if subject.family.names_request:
        answer = f"Z<REQ={acronym},ERROR={token}>"
    if acronym == "NRL":
        answer = f"NRLA<ERROR={token},USERID={peer.grounds.user().userid}>"
    peer.ask(peer.request(octets), data(answer.encode("latin-1")))


# What errors repeat (CAT-04).


@case(
    "answer.NRL.ids",
    rules="CAT-04",
    places=("rm-native",),
    after="catalogue.NRL.good",
    rests="ERR-03",
)
def ids_of_a_notice(peer: Peer) -> None:
    """An NRLA repeats the ids that could be read, in an error too, and none that is wrong."""
    asked = b"NRL<USERID=dorod,USERRPTID=%b,REQUESTID=%b,REGION=1>"
    both = b"NRLA<ERROR=6610,USERID=dorod,USERRPTID=7,REQUESTID=8>"
    peer.ask(peer.request(asked % (b"7", b"8")), data(both))
    one = b"NRLA<ERROR=6610,USERID=dorod,REQUESTID=8>"
    peer.ask(peer.request(asked % (b"x", b"8")), data(one))
    past = b"NRLA<ERROR=6610,USERID=dorod,USERRPTID=7>"
    peer.ask(peer.request(asked % (b"7", b"2147483648")), data(past))


@case("answer.ARDA.ids", rules="CAT-04", places=("rm-native",), rests="ERR-03 ERR-04")
def ids_of_an_outcome(peer: Peer) -> None:
    """An ARDA is answered with an ARDA that repeats the ids that could be read."""
    for message, answer in (
        (b"ARDA<USERRPTID=7,REQUESTID=8>", b"ARDA<ERROR=6701,USERRPTID=7,REQUESTID=8>"),
        (b"ARDA<ERROR=0,USERRPTID=7>", b"ARDA<ERROR=6701,USERRPTID=7>"),
        (b"ARDA<ERROR=0,USERRPTID=x,REQUESTID=8>", b"ARDA<ERROR=6103,REQUESTID=8>"),
        (
            b"ARDA<ERROR=0,USERRPTID=7,REQUESTID=2147483647>",
            b"ARDA<ERROR=6707,USERRPTID=7,REQUESTID=2147483647>",
        ),
    ):
        peer.ask(peer.request(message), data(answer))


@case(
    "answer.L.inboxid", rules="CAT-04", places=("inbox", "inbox-native"), after="catalogue.L.good"
)
def inboxid_of_a_list(peer: Peer) -> None:
    """The Z to an L has the INBOXID of the request where that had one."""
    before = str(int(peer.grounds.item()) - 1)
    form = mutating.with_value(peer.grounds.form("L"), ("INBOXID",), before)
    answer = f"Z<REQ=L,ERROR=0,INBOXID={before},"
    peer.ask(peer.request(peer.grounds.filled(form)), begins(answer.encode()))


@case("answer.A.again", rules="CAT-04 CAT-06", places=("inbox-native",), after="catalogue.A.good")
def id_of_the_older_item(peer: Peer) -> None:
    """A Z with 5005 has the INBOXID of the older item."""
    loc = peer.grounds.file(b"1,2")
    older = peer.grounds.item_at(loc, 3)
    again = peer.grounds.filled(peer.grounds.form("A"), "main", loc=loc, size="3")
    peer.ask(peer.request(again), data(b"Z<REQ=A,ERROR=5005,INBOXID=%b>" % older.encode()))


@case(
    "answer.METADATA.nameless",
    rules="ERR-02 CAT-08",
    places=("rm-native",),
    rests="SYN-01 CAT-07",
)
def metadata_have_no_acronym(peer: Peer) -> None:
    """METADATA that succeeds is answered without an acronym, and with METADATA as first key."""
    peer.ask(peer.good("METADATA"), begins(b"<METADATA=<"))


# A few answers by hand, whose content every target with these first data has.


@case("answer.literal.nothing", rules="CAT-05 ERR-03", places=("rm", "rm-native"), rests="HDR-11")
def no_rows(peer: Peer) -> None:
    """A list without rows is 6109, and has no REPORTS."""
    form = "GURL<USERID={userid},RPTTMPID=2147483647,ENTPID={entpid},PRODUCT=T,DATACAT=U>"
    peer.ask(peer.request(peer.grounds.filled(form)), data(b"SURL<ERROR=6109>"))


@case("answer.literal.no-items", rules="CAT-06 ERR-03", places=("inbox", "inbox-native"))
def no_items(peer: Peer) -> None:
    """An L without items is 5100, and has no ITEMS."""
    form = "L<ENTPID={entpid},USERID={userid},CATEGORY=R,INBOXID=9999999999>"
    peer.ask(peer.request(peer.grounds.filled(form)), data(b"Z<REQ=L,ERROR=5100>"))


@case(
    "answer.literal.row",
    rules="CAT-05 CAT-07",
    places=("rm", "rm-native"),
    after="catalogue.ARD-client.good catalogue.GURL.good",
    rests="SYN-02 SYN-03 SYN-05 SYN-08 SYN-13",
)
def row_of_a_report(peer: Peer) -> None:
    """A report that was just added is a row of SURL under its own category, saved only."""
    word = peer.grounds.unique()
    form = mutating.with_value(peer.grounds.form("ARD"), ("NAME",), f"One={word}~, two")
    form = mutating.with_value(form, ("CATEGORY",), f"Kind {word}")
    number = peer.grounds.made(peer.place, peer.grounds.filled(form).decode("latin-1"), "USERRPTID")
    template = mutating.value(form, ("STDRPTID",))
    product = mutating.value(form, ("PRODUCT",))
    asked = f"GURL<USERID={{userid}},RPTTMPID={template},ENTPID={{entpid}},PRODUCT={product}"
    row = rf".*<Kind {word}=<One {word}   two,{number},0,R,\d{{4}}-\d\d-\d\d \d\d:\d\d>>.*"
    peer.ask(peer.request(peer.grounds.filled(asked + ",DATACAT=P>")), _like(row))
