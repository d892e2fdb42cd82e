"""The cases with both ends held, in memory: they pass, and find what they say they find."""

import pytest

from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome, Result
from starwire.harness.conformance.wiring import Asked
from starwire.protocol.profile import shipped
from starwire.servers.rule_faults import switched_on

HELD = ("dispatcher.", "relay.", "front.", "jar.", "restart.")


def results(*names: str, profile: str = "default") -> dict[str, Result]:
    run = begin(Asked(target="memory:", profile=shipped(profile), names=names))
    try:
        return {result.case: result for result in run.results()}
    finally:
        run.close()


@pytest.mark.parametrize("profile", ["default", "little"])
def test_all_pass(profile: str) -> None:
    found = results(*HELD, profile=profile)
    assert len(found) > 100
    good = (Outcome.PASSED, Outcome.NOT_APPLICABLE)
    bad = {one.case: one.reason for one in found.values() if one.outcome not in good}
    assert bad == {}


@pytest.mark.parametrize(
    ("fault", "case", "reason"),
    [
        ("ard-asked-again", "dispatcher.lost.write", "status 106 (unavailable); got "),
        ("grtl-not-asked-again", "dispatcher.lost.read", "the frame to be sent on; got nothing"),
        ("serials-begin-anew", "dispatcher.serial.restart", "another serial than 2; got 2"),
        ("foreign-reply-passed-on", "dispatcher.reply.foreign", "status 106 (unavailable); got "),
        ("no-connectivity-test", "dispatcher.ping", "2 echoes at staroe; got 0"),
        ("entitlements-asked-each-time", "dispatcher.entitlements", "and no second GUA; got "),
    ],
)
def test_a_broken_rule_is_found_for_its_reason(fault: str, case: str, reason: str) -> None:
    with switched_on(fault):
        found = results(case)[f"{case}@dispatcher"]
    assert found.outcome is Outcome.FAILED
    assert reason in found.reason
