"""The two shipped profiles lay out other headers around the same responses."""

import re

from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Result
from starwire.harness.conformance.wiring import Asked
from starwire.protocol.endpoints import spoken_at
from starwire.protocol.profile import Profile, shipped

NAMES = ("answer", "catalogue", "codes", "condition", "octets", "order", "status", "syntax")
_ASSIGNED = re.compile(rb"[0-9a-f]{16,}|(?<=ID=)[0-9]+")
"""Keys and ids, which other cases that one profile has move on, and widths."""


def responses(profile: Profile) -> dict[str, list[bytes]]:
    """The response messages of each case, headers taken off."""
    run = begin(Asked(target="memory:", names=NAMES, profile=profile))
    try:
        return {result.case: _data(result, profile) for result in run.results()}
    finally:
        run.close()


def _data(result: Result, profile: Profile) -> list[bytes]:
    wire = profile.wire
    sizes = {
        "web": wire.web.size + wire.dispatcher.size,
        "dispatcher": wire.dispatcher.size,
        "common": wire.common.size,
        "native": 0,
    }
    received = [event for event in result.events if event.what == "received"]
    return [event.octets[sizes[spoken_at(event.place)] :] for event in received]


def test_the_same_response_under_both_profiles() -> None:
    default, little = responses(shipped("default")), responses(shipped("little"))
    alike = [case for case in default if default[case] and little.get(case)]
    assert len(alike) > 3_500
    differ = [
        case
        for case in alike
        if [_ASSIGNED.sub(b"*", one) for one in default[case]]
        != [_ASSIGNED.sub(b"*", one) for one in little[case]]
    ]
    assert differ == []
