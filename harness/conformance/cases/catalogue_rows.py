"""Every line of the catalogue, at every door: missing, empty, at its limit, over it, wrong, twice.

The cases are made from the tables: a good request of the target file is changed in one place, and
what is owed for that stands in the line (`owed`). The ids are the line and the change:
`catalogue.GRTL.PRODUCT.missing@rm`, `catalogue.ARD-client.THRESHOLD.RANKING.above@rm-native`; on
another good request than the first that has the parameter its name stands behind it:
`catalogue.A.SEV.missing-news@inbox-native`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..case import Definition, family
from ..peer import Peer
from ..resting import rests_on
from ..rows import NOTHING_MADE, Change, Subject, changes_of, edited, subjects
from ..taking import refused, taken


@family
def rows() -> Iterator[Definition]:
    """For each request its good ones, and each change of each of its lines."""
    for subject in subjects():
        yield _good(subject)
        for change in changes_of(subject):
            yield _changed(subject, change)


def _good(subject: Subject) -> Definition:
    def script(peer: Peer) -> None:
        peer.ask(peer.good(subject.request), taken(subject.spec, subject.also))

    return Definition(
        name=subject.good,
        sentence=f"{subject.title} that is good is carried out.",
        rules=("CAT-01", "CAT-02", "ERR-03"),
        script=script,
        places=subject.places,
        after=("sanity.probe",),
        rests=partial(rests_on, subject.form),
        alone=subject.alone,
    )


def _changed(subject: Subject, change: Change) -> Definition:
    def script(peer: Peer) -> None:
        form = edited(peer, subject.request, change.edit)
        if change.code is None:
            octets = peer.grounds.filled(form)
            peer.ask(peer.request(octets), taken(subject.spec, (*subject.also, *change.also)))
        else:
            octets = peer.grounds.filled(form, "main", **NOTHING_MADE)
            peer.ask(peer.request(octets), refused(change.code))

    return Definition(
        name=f"catalogue.{change.row}.{change.kind}",
        sentence=f"{subject.title} {change.words}.",
        rules=change.rules,
        script=script,
        places=subject.places if change.everywhere else subject.places[:1],
        after=(subject.good,),
        row=change.row,
        rests=lambda: rests_on(change.edit(subject.form)),
        alone=subject.alone and change.code is None,
    )
