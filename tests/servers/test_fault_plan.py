"""What strikes, when and how often; and that one seed does the same in whatever order."""

import random
from typing import Any

import msgspec
import pytest

from starwire.servers import fault_plan
from starwire.servers.fault import Fault
from starwire.servers.fault_plan import FaultPlan, Subject, subject_of

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"


def fault(**given: Any) -> Fault:
    return msgspec.convert({"kind": "reset", "direction": "request"} | given, Fault)


def rm(octets: bytes = GRTL, **given: Any) -> Subject:
    return subject_of("rm", octets, **{"user": "jeanvnet2"} | given)


def struck(plan: FaultPlan, *subjects: Subject) -> list[bool]:
    return [bool(plan.strikes(subject)) for subject in subjects]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"kind": "reset", "secnds": 1}, "secnds"),
        ({"kind": "reset", "seconds": 1}, "seconds: reset has no such key"),
        ({"kind": "delay"}, "seconds: must be above 0"),
        ({"kind": "delay", "seconds": 1, "jitter": 2}, "jitter: must not be over seconds"),
        ({"kind": "delay", "seconds": 1e9}, "seconds: must be 0 to 86400"),
        ({"kind": "delay", "seconds": 1, "rate": 1}, "rate: delay has no such key"),
        ({"kind": "drip"}, "rate: must be above 0"),
        ({"kind": "drip", "rate": 1, "chunk": 0}, "chunk: must be 1 or more"),
        ({"kind": "drip", "rate": 1, "direction": "request"}, "direction: drip is done to replies"),
        ({"kind": "truncate", "octets": -1}, "octets: must be 0 or more"),
        ({"kind": "corrupt"}, "header: no such field"),
        ({"kind": "corrupt", "header": "cookie"}, "header: no such field"),
        ({"kind": "refuse"}, "hop: which port refuses?"),
        ({"kind": "refuse", "hop": "rm", "nth": 1}, "nth: refuse has no such key"),
        ({"kind": "refuse", "hop": "rm", "user": "dorod"}, "user: refuse has no such key"),
        ({"kind": "file-missing", "direction": "request"}, "direction: file-missing has no such"),
        ({"kind": "file-missing", "frame": 2}, "frame: file-missing has no such key"),
        ({"kind": "statement-failure", "stage": "end"}, "Invalid enum value 'end'"),
        ({"kind": "statement-failure", "statement": 0}, "statement: must be 1 or more"),
        ({"kind": "notification", "code": 5179}, "code: must be one of 5170, 5178"),
        ({"kind": "fulfilling-server"}, "code: must be one of 6116, 6707, 7000"),
        ({"kind": "dilly"}, "Invalid enum value 'dilly'"),
        ({"kind": "reset", "hop": "RM"}, "hop: no such port; there are web"),
        ({"kind": "reset", "hop": "control"}, "hop: no such port"),
        ({"kind": "reset", "value": "1"}, "value: of which parameter?"),
        ({"kind": "reset", "nth": -1}, "nth: must be 1 or more"),
        ({"kind": "reset", "frame": -1}, "frame: must be 1 or more"),
        ({"kind": "reset", "nth": 1, "every": 2}, "nth: give one of nth, first and every"),
        ({"kind": "reset", "probability": 0}, "probability: must be above 0"),
        ({"kind": "reset", "probability": 1.5}, "probability: must be above 0, and 1 at most"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_its_key(given: dict[str, Any], key: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(msgspec.json.encode(given), type=Fault)
    assert key in str(refused.value)


def test_a_fault_comes_back_from_json_as_it_was() -> None:
    given = fault(hop="rm", message="GRTL", nth=3)
    octets = msgspec.json.encode(given)
    assert octets == (b'{"kind":"reset","hop":"rm","direction":"request","message":"GRTL","nth":3}')
    assert msgspec.json.decode(octets, type=Fault) == given


@pytest.mark.parametrize(
    ("aim", "hit", "missed"),
    [
        ({}, rm(), rm().answered(b"SRTL<ERROR=0>")),
        ({"hop": "rm"}, rm(), subject_of("inbox", GRTL)),
        ({"direction": "reply"}, rm().answered(b""), rm()),
        ({"message": "GRTL"}, rm(), rm(b"GURL<PRODUCT=V>")),
        ({"message": "SRTL", "direction": "reply"}, rm().answered(b"SRTL<>"), rm().answered(b"")),
        ({"message": "GRTL", "direction": "reply"}, rm().answered(b"SRTL<>"), rm()),
        ({"user": "jeanvnet2"}, rm(), rm(user="dorod")),
        ({"user": "dorod"}, subject_of("rm-native", b"A<USERID=dorod>"), rm()),
        ({"parameter": "IO"}, rm(), rm(b"GRTL<PRODUCT=V>")),
        ({"parameter": "IO", "value": "O"}, rm(), rm(GRTL.replace(b"IO=O", b"IO=I"))),
        ({"parameter": "IO", "value": "O"}, rm(), rm(b"not a message <")),
        ({"type": 1}, rm(type=1), rm(type=0)),
        ({"type": 0}, rm(type=0), rm(type=1)),
        ({"frame": 2}, rm(frame=2), rm(frame=1)),
        ({"message": "echo"}, rm(b"", echo=True), rm()),
        ({"message": "poll"}, rm(b"00000000000000000017", type=2), rm(type=1)),
        ({}, rm(b"00000000000000000017", type=2), rm(b"", echo=True)),
    ],
)
def test_a_fault_strikes_what_it_aims_at_and_nothing_else(
    aim: dict[str, Any], hit: Subject, missed: Subject
) -> None:
    plan = FaultPlan()
    plan.add(fault(**aim))
    assert struck(plan, hit, missed) == [True, False]


def test_a_parameter_of_the_reply_can_be_aimed_at_though_a_file_follows() -> None:
    plan = FaultPlan()
    plan.add(fault(direction="reply", parameter="ERROR", value="0"))
    fetched = rm(b"F<INBOXID=1>").answered(b"Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=4>a>b<")
    assert struck(plan, fetched, rm().answered(b"SRTL<ERROR=6109>")) == [True, False]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 2}, [2]),
        ({"first": 2}, [1, 2]),
        ({"every": 3}, [3, 6]),
    ],
)
def test_matches_are_counted(counts: dict[str, int], expected: list[int]) -> None:
    plan = FaultPlan()
    plan.add(fault(message="GRTL", **counts))
    hits = [number for number in range(1, 7) if plan.strikes(rm()) or plan.strikes(rm(b"GURL<>"))]
    assert hits == expected
    assert [hits for _, _, hits in plan.listing()] == [len(expected)]


def test_matches_are_counted_for_each_user_unless_it_is_for_all() -> None:
    plan = FaultPlan()
    plan.add(fault(nth=2))
    apart = [struck(plan, rm(user=user))[0] for user in ("a", "b", "a", "b")]
    plan.clear()
    plan.add(fault(nth=2, per="all"))
    together = [struck(plan, rm(user=user))[0] for user in ("a", "b", "a", "b")]
    assert (apart, together) == ([False, False, True, True], [False, True, False, False])


def traffic() -> list[Subject]:
    """Of twenty users, each in an order of their own; some messages come more than once."""
    subjects = [
        rm(b"GURL<USERID=%d,IO=%d>" % (user, number % 3), user=f"user{user}", frame=number)
        for user in range(20)
        for number in range(1, 11)
    ]
    return subjects + [one.answered(b"SURL<ERROR=0>") for one in subjects]


def play(seed: int, order: int) -> tuple[list[str], dict[Any, int]]:
    """The log, and how often each of the messages was struck; `order` shuffles who comes when."""
    plan = FaultPlan(seed)
    plan.add(fault(probability=0.3))
    plan.add(fault(kind="delay", seconds=1, jitter=0.5, direction="reply", probability=0.5))
    plan.add(fault(kind="corrupt", header="serial", first=3))
    subjects = traffic()
    random.Random(order).shuffle(subjects)
    counts: dict[Any, int] = {}
    for one in subjects:
        key = (one.user, one.direction, one.request)
        counts[key] = counts.get(key, 0) + len(plan.strikes(one, "reset", "delay"))
    return plan.log, counts


def test_one_seed_does_the_same_in_whatever_order_and_another_does_not() -> None:
    log, counts = play(1, order=1)
    assert 100 < len(log) < 250
    assert play(1, order=2) == (log, counts)
    assert play(2, order=1)[0] != log


def test_the_seed_also_decides_what_is_drawn() -> None:
    drawn = []
    for seed in (1, 1, 2):
        plan = FaultPlan(seed)
        plan.add(fault(kind="delay", seconds=2, jitter=1))
        drawn.append([plan.strikes(rm())[0].seconds for _ in range(20)])
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(1 <= seconds <= 3 for seconds in drawn[0])
    assert len(set(drawn[0])) == 20


def test_about_as_many_are_struck_as_the_probability_says() -> None:
    plan = FaultPlan(3)
    plan.add(fault(probability=0.2))
    assert 150 < sum(struck(plan, *(rm() for _ in range(1000)))) < 250


def test_the_log_says_what_was_done_without_times_of_day_or_ports() -> None:
    plan = FaultPlan(7)
    plan.add(fault(kind="delay", seconds=1.5, direction="reply", message="GRTL"))
    plan.add(fault(kind="refuse", hop="inbox", direction="reply"))
    plan.strikes(rm(user="a b").answered(b"SRTL<ERROR=0>"))
    plan.strikes(rm(user="a b").answered(b"SRTL<ERROR=0>"))
    assert plan.log == [
        "fault=1 kind=delay hop=rm direction=reply user='a b' message=GRTL digest=c3d324b5d37c "
        "time=1 seconds=1.500000",
        "fault=1 kind=delay hop=rm direction=reply user='a b' message=GRTL digest=c3d324b5d37c "
        "time=2 seconds=1.500000",
        "fault=2 kind=refuse hop=inbox",
    ]


def test_a_session_key_is_no_part_of_what_a_message_is() -> None:
    logs = []
    for key in (b"0123", b"abcd"):
        plan = FaultPlan(7)
        plan.add(fault(hop="jar", probability=0.5))
        for _ in range(20):
            plan.strikes(subject_of("jar", b"CKG<KEY=%s>" % key, user="dorod"))
        logs.append(plan.log)
    assert logs[0] == logs[1] != []


def test_numbers_are_not_used_again_before_a_new_beginning() -> None:
    plan = FaultPlan()
    changes: list[bool] = []
    plan.on_change.append(lambda: changes.append(plan.is_empty))
    assert plan.add(fault()) == 1
    assert plan.remove(1)
    assert not plan.remove(1)
    assert plan.add(fault()) == 2
    assert struck(plan, rm()) == [True]
    plan.clear(seed=9)
    assert (plan.listing(), plan.log, plan.seed, plan.is_empty) == ([], [], 9, True)
    assert plan.add(fault()) == 1
    assert changes == [False, True, True, False, True, False]


def test_only_the_kinds_that_are_asked_for_strike() -> None:
    plan = FaultPlan()
    plan.add(fault())
    plan.add(fault(kind="file-missing", direction="reply"))
    assert [strike.number for strike in plan.strikes(rm())] == [1]
    assert [strike.number for strike in plan.strikes(rm(), "file-missing")] == [2]


def test_a_peer_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_plan, "_COUNTED", 10)
    monkeypatch.setattr(fault_plan, "_LOGGED", 5)
    plan = FaultPlan()
    plan.add(fault())
    for number in range(50):
        plan.strikes(rm(b"GURL<IO=%d>" % number, user=f"{number}"))
    assert len(plan._entries[1]._counters) == 11
    assert len(plan.log) == 6
    assert plan.log[-1] == "and 45 more"
