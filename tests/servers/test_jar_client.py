"""What the other servers make of the cookie jar's replies."""

import pytest

from starwire.servers.jar_client import JarUnreachable, _values


def test_the_values_behind_the_error_come_in_their_order() -> None:
    reply = b"CKGA<ERROR=0,USERID=dorod,ENTPID=00022924>"
    assert _values(reply, "CKGA") == ["dorod", "00022924"]


def test_only_a_key_that_is_not_there_is_nobodys() -> None:
    assert _values(b"CKGA<ERROR=6109>", "CKGA") is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"CKGA<ERROR=6105>", "answers with error 6105"),
        (b"CKDA<ERROR=0>", "does not answer the question"),
        (b"CKGA<USERID=dorod>", "does not answer the question"),
        (b"CKGA<", "is no message"),
    ],
)
def test_any_other_reply_is_that_of_a_jar_that_cannot_be_asked(reply: bytes, reason: str) -> None:
    with pytest.raises(JarUnreachable, match=reason):
        _values(reply, "CKGA")
