"""The judges of recorded traffic: silent where all is well, and each finds its own fault only."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import (
    plays_connections,
    plays_hops,
    plays_messages,
    plays_sessions,
    plays_transports,
    plays_web,
)
from judging.playing import PLAYS, Play
from judging.tape import GRTL, SRTL, Tape, ended, judged

from starwire.harness.cli import main
from starwire.harness.judging.judge import JUDGES, Judge
from starwire.harness.recordings import Recording
from starwire.protocol.profile import load_profile
from starwire.protocol.recording import Event, Octets, Opened, Segment

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "fixtures" / "recordings" / "v1"
DEFAULT = KEPT / "default.jsonl"
MODULES = (
    *(plays_connections, plays_messages, plays_sessions),
    *(plays_web, plays_hops, plays_transports),
)
"""Whose plays are registered."""


@pytest.mark.parametrize(
    ("rule", "profile", "conversation"),
    [pytest.param(*one, id=f"{one[0]}-{one[2].__name__}") for one in PLAYS],
)
def test_each_judge_is_silent_where_all_is_well_and_finds_its_own_fault(
    rule: str, profile: str, conversation: Play
) -> None:
    good = Tape(load_profile(profile) if profile else None)
    conversation(good, False)
    found, judge = judged(list(ended(good)))
    assert found == []
    assert judge.tallies[rule].held
    bad = Tape(load_profile(profile) if profile else None)
    conversation(bad, True)
    found, judge = judged(list(ended(bad)))
    assert {one.rule for one in found} == {rule}
    assert judge.tallies[rule].broken == len(found)


def test_every_judge_has_a_play_in_which_it_finds_a_fault() -> None:
    found = set()
    for _, profile, conversation in PLAYS:
        bad = Tape(load_profile(profile) if profile else None)
        conversation(bad, True)
        found |= {one.sentence for one in judged(list(ended(bad)))[0]}
    told = {one.sentence for one in JUDGES if one.about == "server"}
    assert told - found == set()


def test_those_who_ask_are_judged_where_that_is_wanted() -> None:
    tape = Tape()
    line = tape.open("rm")
    line.asks(tape.common(GRTL, status=3))
    line.says(tape.common(SRTL))
    line.done()
    assert judged(tape.events)[0] == []
    (finding,) = judged(tape.events, clients=True)[0]
    assert (finding.rule, finding.got, finding.field) == ("HDR-02", "3", "common.status")
    assert finding.offset == tape.wire.common.size - 2


@pytest.mark.parametrize("path", [DEFAULT, KEPT / "little"], ids=["default", "little"])
def test_the_kept_recordings_hold(path: Path) -> None:
    result = CliRunner().invoke(main, ["judge", str(path)])
    assert result.stdout.startswith("judged 2")
    assert ", 0 broken, " in result.stdout
    assert result.exit_code == 0


EVENTS = list(Recording(DEFAULT))


PIECES = [
    number
    for number, event in enumerate(EVENTS)
    if isinstance(event, Segment) and not event.unread and event.hop != "web" and event.octets
]
PLACES = st.tuples(st.sampled_from(PIECES), st.integers(0, 400))


@settings(deadline=None)
@given(changed=st.lists(PLACES, max_size=3), cuts=st.lists(PLACES, max_size=8))
def test_how_octets_were_cut_decides_nothing(
    changed: list[tuple[int, int]], cuts: list[tuple[int, int]]
) -> None:
    """HDR-09, of a recording in which octets are changed here and there."""
    events = list(EVENTS)
    for number, place in changed:
        octets = bytearray(events[number].octets)  # type: ignore[union-attr]
        octets[place % len(octets)] ^= 1
        events[number] = replaced(events[number], bytes(octets))
    cut: list[Event] = []
    for number, event in enumerate(events):
        if number not in PIECES:
            cut.append(event)
            continue
        octets = bytes(event.octets)  # type: ignore[union-attr]
        places = sorted({0, *(place % len(octets) for one, place in cuts if one == number)})
        pieces = zip(places, [*places[1:], len(octets)], strict=True)
        cut += [replaced(event, octets[one:two]) for one, two in pieces]
    assert told(events) == told(cut)


NUMBERS = st.integers(1, len(EVENTS) - 1)


@settings(deadline=None)
@given(
    changed=st.lists(PLACES, max_size=5),
    dropped=st.sets(NUMBERS, max_size=20),
    moved=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=10),
)
def test_whatever_is_recorded_it_is_judged(
    changed: list[tuple[int, int]], dropped: set[int], moved: list[tuple[int, int]]
) -> None:
    """Findings, or none; never an error."""
    events = list(EVENTS)
    for number, place in changed:
        octets = bytearray(events[number].octets)  # type: ignore[union-attr]
        octets[place % len(octets)] ^= 1 + place % 255
        events[number] = replaced(events[number], bytes(octets))
    for one, two in moved:
        events[one], events[two] = events[two], events[one]
    left = [event for number, event in enumerate(events) if number not in dropped]
    known = {one.rule for one in JUDGES}
    assert {rule for rule, *_ in told(left)} <= known


def replaced(event: Event, octets: bytes) -> Segment:
    assert isinstance(event, Segment)
    return Segment(
        *(event.at, event.hop, event.connection, event.sender, Octets(octets)),
        transaction=event.transaction,
    )


def told(events: list[Event]) -> list[tuple[object, ...]]:
    judge = Judge()  # the lines of a recording that was cut anew are others, and not looked at
    found = [finding for event in events for finding in judge.take(event)]
    return [(one.rule, one.where.at, one.expected, one.got, one.octets) for one in found]


def test_what_began_before_the_recording_is_not_judged() -> None:
    tape = Tape()
    line = tape.open("rm")
    line.asks(b"the rest of a frame")
    line.says(tape.common(SRTL, serial=9, status=77))
    line.closed_by_server()
    events = [event for event in tape.events if not isinstance(event, Opened)]
    found, judge = judged(events)
    assert found == []
    assert (judge.connections.judged, judge.connections.blind) == (0, 1)
