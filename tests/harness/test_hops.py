"""The way of a message, out of the log of an emulator."""

from __future__ import annotations

import pytest

from starwire.harness.hops import Passed

MESSAGE = b"GRTL<IO=O>"
DIGEST = "1daebbd46c8b1a7c"
"""What sha256sum says of it."""

LOG = [
    "hop=staroe txn=ab-1 in=127.0.0.1:1 serial=3 type=0 status=0 error=0 digest=0000000000000000",
    "hop=web txn=xx-9 in=127.0.0.1:5 transaction=2 http=200 target=STAROE status=0",
    f"hop=rm txn=ab-1 in=127.0.0.1:2 serial=4 type=0 status=0 error=0 digest={DIGEST}",
    "hop=dispatcher txn=ab-1 in=127.0.0.1:3 user=jeanvnet2 target=RM status=0 serial=4",
    "something else is said",
    "hop=web txn=ab-1 in=127.0.0.1:4 transaction=1 http=200 target=RM user=jeanvnet2",
]


def test_the_way_is_told_from_the_outside_in() -> None:
    passed = Passed(MESSAGE)
    assert passed.all_in(LOG)
    assert str(passed) == f"web > dispatcher > staroe > rm, serial 4, digest {DIGEST}, id ab-1"


@pytest.mark.parametrize("count", range(len(LOG)))
def test_the_way_is_not_all_in_before_the_web_server_s_line(count: int) -> None:
    assert not Passed(MESSAGE).all_in(LOG[:count])


def test_a_native_port_is_a_way_of_its_own() -> None:
    passed = Passed(MESSAGE)
    assert passed.all_in([f"hop=rm-native txn=ab-2 in=127.0.0.1:1 error=0 digest={DIGEST}"])
    assert str(passed) == f"rm-native, digest {DIGEST}, id ab-2"


def test_another_message_s_way_is_not_this_one_s() -> None:
    passed = Passed(b"GRTL<IO=I>")
    assert not passed.all_in(LOG)
    assert str(passed) == "no server has logged it"
