"""How messages are answered, what a request holds, how responses are judged (ERR-02, CAT-04)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from starwire.grammar import Limits
from starwire.protocol.catalogue import Reading, catalogue
from starwire.protocol.validation import Refusal, Request, validate

Facts = Mapping[str, str]

BASE: Any = tomllib.loads((Path(__file__).parent / "base_messages.toml").read_text("utf-8"))
ODS: Facts = BASE["ODS"]
TVS: Facts = BASE["TVS"]
GRTL, GURL, ARD, ARD_D = BASE["GRTL"], BASE["GURL"], BASE["ARD"], BASE["ARD_D"]
NRL, ADD, METADATA = BASE["NRL"], BASE["ADD"], BASE["METADATA"]
DEEP = "GRTL<" + "A=<" * 64 + ">" * 65


def judged(octets: str | bytes, door: str, **more: Any) -> Request:
    sent = octets if isinstance(octets, bytes) else octets.encode("latin-1")
    return validate(sent, door, catalogue=catalogue(), **more)


def refusal(octets: str, door: str, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judged(octets, door, **more)
    return caught.value


def but(message: str, old: str, new: str = "") -> str:
    """The message with a change, which must be one."""
    assert message.count(old) == 1, (old, message)
    return message.replace(old, new)


@pytest.mark.parametrize(
    ("message", "door", "reply"),
    [
        # ERR-02, step 1: what stands before the first "<", if it is a NAME of 1 to 8 octets.
        ("GRTL<", "rm", b"GRTL<ERROR=6612>"),
        (" GRTL <", "rm", b"GRTL<ERROR=6612>"),
        ("GRTL", "rm", b"<ERROR=6611>"),
        ("", "rm", b"<ERROR=6611>"),
        (" <", "rm", b"<ERROR=6612>"),
        ("A=B<C=D>", "rm", b"<ERROR=6611>"),
        ("EIGHTLNG<", "rm", b"EIGHTLNG<ERROR=6612>"),
        ("NINELONGS<", "rm", b"<ERROR=6612>"),
        ("L<", "inbox", b"Z<REQ=L,ERROR=5101>"),
        ("NINELONGS<", "inbox", b"Z<REQ=,ERROR=5101>"),
        ("", "inbox-native", b"Z<REQ=,ERROR=5101>"),
        (DEEP, "staroe", b"GRTL<ERROR=6102>"),
        ("\xa7\xb2<", "jar", b"\xa7\xb2<ERROR=6612>"),
        # Step 2: the acronym.
        ("XYZ<A=1>", "rm", b"XYZ<ERROR=6104>"),
        (" XYZ <A=1>", "rs", b"XYZ<ERROR=6104>"),
        ("<A=1>", "bus", b"<ERROR=6104>"),
        ("NINELONGS<>", "rm", b"<ERROR=6104>"),
        ("<METADATA=<>>", "rm", b"METADATA<ERROR=6104>"),
        ("XYZ<A=1>", "inbox", b"Z<REQ=XYZ,ERROR=5103>"),
        ("<A=1>", "inbox", b"Z<REQ=,ERROR=5103>"),
        # Later ones: the response, with nothing else (CAT-04).
        ("GRTL<>", "rm", b"SRTL<ERROR=6827>"),
        ("GPL<>", "rm", b"GPLA<ERROR=6701>"),
        ("GPL<PL_GEO>", "rm", b"GPLA<ERROR=6841>"),
        ("URS<COLOUR=red>", "rs", b"URSA<ERROR=6610>"),
        (but(ARD, "PAGE=0", "PAGE=2"), "rm", b"ARDA<ERROR=6103>"),
        ("METADATA<>", "rm-native", b"METADATA<ERROR=6841>"),
        ("VUM<>", "staroe", b"VUMA<ERROR=6839>"),
        ("CKD<>", "jar", b"CKDA<ERROR=6701>"),
        ("A<>", "inbox-native", b"Z<REQ=A,ERROR=5151>"),
        ("D<>", "inbox", b"Z<REQ=D,ERROR=5141>"),
        ("D<INBOXID=>", "inbox", b"Z<REQ=D,ERROR=5102>"),
        ("L<>", "inbox", b"Z<REQ=L,ERROR=5102>"),
        ("F<>", "inbox", b"Z<REQ=F,ERROR=5121>"),
        ("U<>", "inbox", b"Z<REQ=U,ERROR=5102>"),
        # Two responses repeat the ids that could be read, wherever they stand.
        (
            but(NRL, "TYPE=traffic,", "COLOUR=red,"),
            *("bus", b"NRLA<ERROR=6610,USERID=dorod,USERRPTID=3415,REQUESTID=20341>"),
        ),
        (
            but(but(NRL, "USERID=dorod,"), "3415", "x"),
            *("bus", b"NRLA<ERROR=6839,REQUESTID=20341>"),
        ),
        (but(NRL, "3415", "9999999999"), "bus", b"NRLA<ERROR=6107,USERID=dorod,REQUESTID=20341>"),
        ("NRL<>", "rm-native", b"NRLA<ERROR=6837>"),
        ("NRL<USERID=<>>", "rm-native", b"NRLA<ERROR=6837>"),
        ("NRL<USERID=a", "rm-native", b"NRL<ERROR=6612>"),
        (
            but(ARD_D, "TOTALMODE=2", "TOTALMODE=9"),
            *("bus", b"ARDA<ERROR=6103,USERRPTID=1234,REQUESTID=8855>"),
        ),
        ("ARDA<REQUESTID=7,COLOUR=red>", "bus", b"ARDA<ERROR=6610,REQUESTID=7>"),
    ],
)
def test_the_reply_to_a_refused_message(message: str, door: str, reply: bytes) -> None:
    assert refusal(message, door, facts=ODS).reply == reply


def test_a_refusal_says_what_is_wrong() -> None:
    refused = refusal(but(GRTL, "PRODUCT=V", "PRODUCT=F"), "rm")
    assert str(refused) == "6103 in step 6: PRODUCT: is none of V, C, S, T, H"
    assert str(refusal("GRTL<", "rm")).startswith("6612 in step 1: message: octet 5: ")
    assert str(refusal("XYZ<>", "rm")) == "6104 in step 2: message: 'XYZ' is not known at rm"


def test_the_length_of_an_enterprise_id_is_configured() -> None:
    """ERR-01."""
    short = but(GURL, "00022924", "0002")
    assert judged(short, "rm", entpid_length=4).scalar("ENTPID") == "0002"
    assert refusal(GURL, "rm", entpid_length=4).code == 6706


def test_limits_come_from_the_caller() -> None:
    assert refusal(GRTL, "rm", limits=Limits(marks=3)).code == 6102
    assert judged(GRTL, "rm", limits=Limits(marks=4)).spec.acronym == "GRTL"


def test_an_unknown_door_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="cellar"):
        judged(GRTL, "cellar")


class Counted:
    """Facts that count how often they are asked for."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.asked: list[str] = []

    def __call__(self, reading: Reading) -> Facts:
        self.asked.append(reading.scalar("STDRPTID"))
        return self.facts


def test_facts_may_depend_on_what_was_read() -> None:
    facts = Counted(ODS)
    judged(ARD, "rm", facts=facts)
    assert facts.asked == ["90"]
    missing = but(ARD, "NDIALED=<8005551212>,")
    assert refusal(missing, "rm", facts=Counted(TVS)).code == 6601


@pytest.mark.parametrize(
    ("message", "code"), [(but(ARD, "PAGE=0", "COLOUR=red"), 6610), (GRTL, 0), ("ARD<", 6612)]
)
def test_facts_are_asked_for_behind_step_3_and_only_where_the_table_asks(
    message: str, code: int
) -> None:
    facts = Counted(ODS)
    if code:
        assert refusal(message, "rm", facts=facts).code == code
    else:
        judged(message, "rm", facts=facts)
    assert facts.asked == []


def test_answers_of_later_steps() -> None:
    """CAT-04: ids by the caller, ERROR and what is repeated by the request."""
    copy = judged("CRD<USERRPTID=5,NAME=x>", "rm")
    assert copy.reply({"USERRPTID": "6"}) == b"CRDA<ERROR=0,USERRPTID=6>"
    assert copy.refuse(6109) == b"CRDA<ERROR=6109>"

    add = judged(ADD, "inbox-native")
    assert add.reply({"INBOXID": "7"}) == b"Z<REQ=A,ERROR=0,INBOXID=7>"
    assert add.refuse(5163) == b"Z<REQ=A,ERROR=5163>"
    assert add.refuse(5005, {"INBOXID": "3"}) == b"Z<REQ=A,ERROR=5005,INBOXID=3>"

    nrl = judged(NRL, "bus")
    repeated = b",USERID=dorod,USERRPTID=3415,REQUESTID=20341>"
    assert nrl.reply() == b"NRLA<ERROR=0" + repeated
    assert nrl.refuse(6050) == b"NRLA<ERROR=6050" + repeated

    metadata = judged("METADATA<USERRPTID=1>", "rm-native")
    assert metadata.reply({"METADATA": {"SORT_ALLOWED": "1"}}) == b"<METADATA=<SORT_ALLOWED=1>>"
    assert metadata.refuse(6109) == b"METADATA<ERROR=6109>"

    both = judged("ARDA<ERROR=0,REQUESTID=7>", "rm-native")
    assert both.reply() == b"ARDA<ERROR=0,REQUESTID=7>"


def test_what_a_request_holds() -> None:
    request = judged(but(ARD, "1200>,RAN", "1200,START=199808010000,END=199808020000>,RAN"), "rm")
    [schedule] = request.groups("SCHEDULE")
    assert [one.scalar for one in schedule.getall("START")] == ["199806020000", "199808010000"]
    assert [one.scalar for one in request.getall("NAME")] == ["City Summary"]
    assert request.getall("NONSENSE") == []
    assert request.get("MMADDR") is None
    assert request.scalar("MMADDR", "none") == "none"
    assert request.octets.startswith(b"ARD<")
    assert request.message.acronym == "ARD"


# ---- responses, judged by who asked --------------------------------------------------------------

RESPONSES = [
    ("SRTL<ERROR=0,REPORTS=<Cat=<A,1,P>,<B,2,P>>,<Dog=<C,3,P>>>", "rm", 0),
    ("SRTL<ERROR=0>", "rm", 0),
    ("SRTL<ERROR=6827>", "rm", 0),
    ("SRTL<>", "rm", 6701),
    ("SRTL<ERROR=x>", "rm", 6103),
    ("SRTL<ERROR=0,REPORTS=A>", "rm", 6103),
    ("SRTL<ERROR=0,REPORTS=<A>>", "rm", 6103),
    ("SRTL<ERROR=0,REPORTS=<Cat=<A,1>,Dog=<B,2>>>", "rm", 6103),
    ("SRTL<ERROR=0,REPORTS=<x,Cat=<A,1,P>>>", "rm", 6103),
    ("SRTL<ERROR=0,REPORTS=<Cat=A>>", "rm", 6103),
    ("SRTL<ERROR=0,REPORTS=<Cat=<A,1,P,Q>>>", "rm", 6103),
    ("SRTL<ERROR=0,REPORTS=<Cat=<>>>", "rm", 6103),
    ("SRTD<ERROR=0,ID=1,NODE1=<1,General,10,<5,x,db>,<6,,db>>,NODE2=<1,Name,11>>", "rm", 0),
    ("SRTD<ERROR=0,REPORT TEMPLATE ID=1>", "rm", 0),
    ("SRTD<ERROR=6109>", "rm", 0),
    ("SRTD<ERROR=0>", "rm", 6701),
    ("SRTD<ERROR=0,ID=1,NODE=<1,a,b>>", "rm", 0),
    ("SRTD<ERROR=0,ID=1,NODEX=<1,a,b>>", "rm", 6610),
    ("SRTD<ERROR=0,ID=1,NODE1=<1,a,b>,NODE2=<1,a,b>,NODE1=<1,a,b>>", "rm", 6103),
    ("SRTD<ERROR=0,ID=1,NODE1=x>", "rm", 6103),
    ("SRTD<ERROR=0,ID=1,NODE1=<1,a>>", "rm", 6103),
    ("SRTD<ERROR=0,ID=1,NODE1=<1,a,<b>>>", "rm", 6103),
    ("SRTD<ERROR=0,ID=1,NODE1=<1,a,b,c>>", "rm", 6103),
    ("SRTD<ERROR=0,ID=1,NODE1=<1,a,b,<1,2,3,4>>>", "rm", 6103),
    ("GPLA<ERROR=0,PL_ACCESS=<1~SHARED><2~DIAL-1>>", "rm", 0),
    ("GPLA<ERROR=6109>", "rm", 0),
    ("GPLA<ERROR=0>", "rm", 6701),
    ("GPLA<ERROR=0,PL_FOO=<1>>", "rm", 6610),
    ("GPLA<ERROR=0,PL_ACCESS=1~SHARED>", "rm", 6103),
    ("GPLA<ERROR=0,PL_ACCESS=<1~SHARED~x>>", "rm", 6103),
    ("GPLA<ERROR=0,PL_ACCESS=<1~<SHARED>>>", "rm", 6103),
    ("GPLA<ERROR=0,PL_HIER=INBOUND<<1,Corp><NA,NA>>>", "rm", 0),
    ("GPLA<ERROR=0,PL_HIER=<1~Corp>>", "rm", 6103),
    ("ARDA<ERROR=0,USERRPTID=245>", "rm", 0),
    ("ARDA<ERROR=0,USERRPTID=245,REQUESTID=1>", "rm", 6610),
    ("ARDA<ERROR=0,USERRPTID=245,REQUESTID=1>", "bus", 0),
    ("Z<REQ=A,ERROR=0,INBOXID=1>", "inbox-native", 0),
    ("Z<REQ=D,ERROR=0,INBOXID=1>", "inbox", 5101),
    ("Z<REQ=L,ERROR=5131>", "inbox", 0),
    ("Z<REQ=L,ERROR=0,ITEMS=<1~R~t~5~~0~c~d~1~t~1~0~0~45>>", "inbox", 0),
    ("Z<REQ=L,ERROR=0,ITEMS=<1~R>>", "inbox", 5101),
    ("Z<REQ=F,ERROR=0,INBOXID=1>", "inbox", 5102),
    ("Z<REQ=GRTL,ERROR=5103>", "inbox", 0),
    ("Z<REQ=,ERROR=5101>", "inbox", 0),
    ("Z<REQ=Q,ERROR=0>", "inbox", 5101),
    ("Z<ERROR=0>", "inbox", 5101),
    ("Z<REQ=NINELONGS,ERROR=5103>", "inbox", 5101),
    (METADATA, "rm-native", 0),
    ("METADATA<ERROR=6109>", "rm-native", 0),
    (but(METADATA, "Name=My Report,"), "rm-native", 6114),
    (but(METADATA, "Name=My Report", "Name="), "rm-native", 6703),
    (but(METADATA, "X_AXIS_COLUMN=2", "X_AXIS_COLUMN="), "rm-native", 6702),
    (but(but(METADATA, "X_AXIS=1", "X_AXIS=0"), "COLUMN=2", "COLUMN="), "rm-native", 0),
    (but(but(METADATA, "TOTALMODE=3", "TOTALMODE=0"), ",SUBTOTCOL=<5>"), "rm-native", 6114),
    (but(METADATA, ",CALCULATE_EXPRESSION=<4 / 7>"), "rm-native", 6114),
    (but(METADATA, "WIDTH=10", "WIDTH=wide"), "rm-native", 6103),
    (but(METADATA, ">>>>", ">>,METACOLUMN=<A=1>>>"), "rm-native", 6610),
    (but(METADATA, ">>>>", ">>,METACOLUMN=<>>>"), "rm-native", 0),
    ("<METADATA=<>>", "rm-native", 6703),
    ("<METADATA=x>", "rm-native", 6103),
    ("ARDA<ERROR=0,REQUESTID=x>", "bus", 6103),
    ("GRTL<>", "rm", 6104),
    ("SRTL<", "rm", 6612),
]


@pytest.mark.parametrize(("message", "door", "code"), RESPONSES, ids=lambda one: str(one)[:50])
def test_a_response_is_judged_by_its_table(message: str, door: str, code: int) -> None:
    if code:
        refused = refusal(message, door, direction="response")
        assert refused.code == code
        assert refused.reply == b""
    else:
        judged(message, door, direction="response")


def test_nobody_answers_a_response() -> None:
    response = judged("SRTL<ERROR=0>", "rm", direction="response")
    with pytest.raises(ValueError, match="SRTL is a response, nothing answers it"):
        response.reply()
