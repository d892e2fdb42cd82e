"""What the other servers make of the cookie jar's replies (HDR-11)."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from starwire.grammar import Limits
from starwire.servers.jar_client import JarClient, JarUnreachable, _values

IDS = ("USERID", "ENTPID")


@pytest.mark.parametrize(
    "reply",
    [
        b"CKGA<ERROR=0,USERID=dorod,ENTPID=00022924>",
        b"CKGA<ENTPID=00022924,USERID=dorod,ERROR=0>",
        b"CKGA<ERROR=0,USERID=dorod,ENTPID=00022924,MORE=1>",
    ],
)
def test_the_values_are_those_of_their_names(reply: bytes) -> None:
    assert _values(reply, "CKGA", IDS) == ["dorod", "00022924"]


def test_only_a_key_that_is_not_there_is_nobodys() -> None:
    assert _values(b"CKGA<ERROR=6109>", "CKGA", IDS) is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"CKGA<ERROR=6105>", "answers with error 6105"),
        (b"CKDA<ERROR=0>", "does not answer the question"),
        (b"CKGA<USERID=dorod>", "does not answer the question"),
        (b"CKGA<", "is no message"),
        (b"CKGA<ERROR=0>", "lacks USERID or ENTPID"),
        (b"CKGA<ERROR=0,USERID=,ENTPID=>", "lacks USERID or ENTPID"),
        (b"CKGA<ERROR=0,ENTPID=00022924>", "lacks USERID or ENTPID"),
        (b"CKGA<ERROR=0,USERID=a,USERID=b,ENTPID=00022924>", "or has it twice"),
    ],
)
def test_any_other_reply_is_that_of_a_jar_that_cannot_be_asked(reply: bytes, reason: str) -> None:
    with pytest.raises(JarUnreachable, match=reason):
        _values(reply, "CKGA", IDS)


@pytest.mark.parametrize("key", ["a,b", "<a>", "a\x01"])
def test_what_no_question_can_carry_is_nobodys_key(key: str) -> None:
    client = JarClient(Clock(), "127.0.0.1:1", Limits(), 1.0)
    answered = Deferred.fromCoroutine(client.customer(key))
    assert answered.result is None
