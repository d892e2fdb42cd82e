"""What the families of the catalogue say is owed, against the validation: two opinions."""

from collections import defaultdict
from typing import Any

import pytest

from starwire.harness.conformance.case import Definition
from starwire.harness.conformance.cases.catalogue_rows import rows
from starwire.harness.conformance.rows import Subject, changes_of, facts_of, subjects
from starwire.protocol.catalogue import catalogue
from starwire.protocol.validation import Refusal, validate

_FILLED = {
    "userid": "jeanvnet2",
    "entpid": "00022924",
    "loc": "/checks/1.csv",
    "size": "3",
    "password": "interact",
    "key": "k",
    "newkey": "k",
    "unique": "1",
}
_CHECKED_BEHIND = {5165, 5179}
"""Codes of checks between parameters, which come behind all lines."""


def judged(subject: Subject, form: str, place: str) -> int:
    """The code of the validation; 0 for a message that it takes."""
    filled: Any = defaultdict(lambda: "1", _FILLED)
    try:
        validate(
            form.format_map(filled).encode("latin-1"),
            place,
            catalogue=catalogue(),
            facts={**facts_of(subject), "timezones": "45"},
            direction="request",
        )
    except Refusal as refusal:
        return refusal.code
    return 0


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.good)
def test_what_is_owed_is_what_the_validation_says(subject: Subject) -> None:
    assert judged(subject, subject.form, subject.places[0]) == 0
    wrong = [
        (change.row, change.kind, change.code, code)
        for change in changes_of(subject)
        for code in [judged(subject, change.edit(subject.form), subject.places[0])]
        if code != (change.code or 0) and not (change.code is None and code in _CHECKED_BEHIND)
    ]
    assert wrong == []


def test_no_request_of_the_catalogue_is_left_out() -> None:
    named = {(subject.spec.key, place) for subject in subjects() for place in subject.places}
    doors = {place for _, place in named}
    every = {
        (spec.key, door)
        for spec in catalogue().messages
        for door in (*(spec.doors if spec.direction == "request" else ()), *spec.received)
        if door in doors
    }
    assert named == every


def test_no_line_of_a_request_is_left_out() -> None:
    tried = {definition.row for definition in rows() if isinstance(definition, Definition)}
    lines = {
        f"{subject.name}.{'.'.join(path)}"
        for subject in subjects()
        for path in paths(subject.spec.parameters)
    }
    assert lines - tried == set()


def paths(lines: Any, around: tuple[str, ...] = ()) -> Any:
    for line in lines:
        yield (*around, line.name)
        yield from paths(line.members, (*around, line.name))
