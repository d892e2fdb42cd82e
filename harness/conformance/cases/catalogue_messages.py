"""Every message of the catalogue as a whole: its doors, the order of its parameters, a token that
it does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from starwire.protocol.catalogue import catalogue

from .. import mutating
from ..case import Definition, case, family
from ..expecting import code, message, satisfies
from ..peer import Peer
from ..resting import rests_on
from ..rows import DOORS, NOTHING_MADE, Subject, edited, subjects
from ..taking import taken


@family
def messages() -> Iterator[Definition]:
    """For each good request: reversed, and with a token more at each of its ends."""
    for subject in subjects():
        if not subject.suffix:
            yield from _whole(subject)
        elif subject.suffix in ("-whole", "-told"):
            yield _reversed(subject)


@family
def strangers() -> Iterator[Definition]:
    """Each acronym at each door where it is no request."""
    acronyms = dict.fromkeys(subject.spec.acronym for subject in subjects())
    for acronym in (*acronyms, "SRTL", "DUR", "GRD", "ZZZZ"):
        doors = [door for door in DOORS if not catalogue().find(door, acronym)]
        yield _stranger(acronym, tuple(door for door in doors if "inbox" not in door), 6104)
        yield _stranger(acronym, tuple(door for door in doors if "inbox" in door), 5103)


@case("catalogue.scheduler", rules="DSP-02 CAT-01", places=("rs",), after="sanity.wire")
def scheduler_takes_urs(peer: Peer) -> None:
    """The Report Scheduler takes URS."""
    answered = satisfies("an answer URSA<..>", lambda reply: reply.data[:5] == b"URSA<", "data")
    peer.ask(peer.request(b"URS<USERRPTID=1>"), answered)


def _whole(subject: Subject) -> Iterator[Definition]:
    token = subject.family.token
    if mutating.reversed_order(subject.form) != subject.form:  # one parameter has one order
        yield _reversed(subject)
    first = partial(mutating.added, text="REGION=1", first=True)
    yield _refused(
        subject, "unknown-first", "with an unknown token before all others", first, token
    )
    last = partial(mutating.added, text="REGION=1")
    yield _refused(subject, "unknown-last", "with an unknown token behind all others", last, token)
    if subject.spec.acronym != "GPL":
        text = partial(mutating.added, text="REGION", first=True)
        yield _refused(subject, "text-first", "with text before its first key", text, token)
    lower = _lower_acronym
    code = subject.family.message
    yield _refused(subject, "lower-case", "with its acronym in lower case", lower, code)


def _reversed(subject: Subject) -> Definition:
    def script(peer: Peer) -> None:
        form = mutating.reversed_order(peer.grounds.form(subject.request))
        draft = peer.request(peer.grounds.filled(form))
        peer.ask(draft, taken(subject.spec, subject.also))

    return Definition(
        name=f"catalogue.{subject.name}.reversed{subject.suffix}",
        sentence=f"{subject.title} with its parameters from the last to the first is carried out.",
        rules=("SYN-13",),
        script=script,
        places=subject.places,
        after=(subject.good,),
        rests=lambda: rests_on(mutating.reversed_order(subject.form)),
        alone=subject.alone,
    )


def _refused(
    subject: Subject, kind: str, words: str, edit: Callable[[str], str], number: int
) -> Definition:
    def script(peer: Peer) -> None:
        form = edited(peer, subject.request, edit)
        peer.ask(peer.request(peer.grounds.filled(form, "main", **NOTHING_MADE)), code(number))

    return Definition(
        name=f"catalogue.{subject.name}.{kind}",
        sentence=f"{subject.title} {words} is refused with {number}.",
        rules=("SYN-06", "CAT-01") if kind == "lower-case" else ("ERR-03", "SYN-05"),
        script=script,
        places=subject.places,
        after=(subject.good,),
        rests=lambda: rests_on(edit(subject.form)),
    )


def _lower_acronym(form: str) -> str:
    acronym, bracket, rest = form.partition("<")
    return acronym.lower() + bracket + rest


def _stranger(acronym: str, doors: tuple[str, ...], number: int) -> Definition:
    octets = f"{acronym}<USERID=a>".encode()
    answer = {"ERROR": str(number)}
    if number == 5103:
        answer = {"REQ": acronym, **answer}

    def script(peer: Peer) -> None:
        echoed = "Z" if number == 5103 else acronym
        peer.ask(peer.request(octets), message(echoed, **answer))

    at = "inbox" if number == 5103 else "others"
    return Definition(
        name=f"catalogue.unknown.{acronym}-{at}",
        sentence=f"{acronym} where it is no request is refused with {number}, and echoed.",
        rules=("CAT-01", "ERR-02", "ERR-03"),
        script=script,
        places=doors,
        after=("sanity.probe",),
        rests=partial(rests_on, octets.decode("latin-1")),
    )
