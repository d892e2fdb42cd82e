"""The triggers of the codes: one for each, and none that takes more than it must."""

import pytest

from starwire.harness.conformance.cases.codes import table
from starwire.protocol.codes import Code, codes


def test_each_code_has_a_trigger_and_each_trigger_a_code() -> None:
    triggers = {(proxy, code) for proxy, named in table().items() for code in named}
    assert triggers == {(row.proxy, row.code) for row in codes()}


@pytest.mark.parametrize("row", codes(), ids=lambda row: f"{row.proxy}-{row.code}")
def test_what_a_message_provokes_takes_no_fault(row: Code) -> None:
    trigger = table()[row.proxy][row.code]
    if row.reach in ("success", "message"):
        assert not any((trigger.fault, trigger.twice, trigger.gone))
    if row.reach == "fault":
        assert all((trigger.fault, trigger.aim))
