from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from starwire.grammar import Limits
from starwire.protocol.catalogue import catalogue
from starwire.servers import definitions, schema
from starwire.servers.customer import Customer
from starwire.servers.report_manager import ReportManager
from starwire.servers.store import COUNTERS, Store
from starwire.servers.user_reports import UserReport, find_report

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"

FIELDS = {
    "USERID": "jeanvnet2",
    "ENTPID": "00022924",
    "STDRPTID": "90",
    "NAME": "n",
    "PRODUCT": "S",
    "CATEGORY": "c",
    "SCHEDTYPE": "R",
    "TIMEZONE": "45",
    "BILLING": "INBOUND<<90000003,90000003>>",
    "EMAIL": "0",
    "PAGE": "0",
}
UNPRICED = {"STDRPTID": "1", "PRODUCT": "T", "NDIALED": "<8007243624>"}
AD_HOC = {
    "SCHEDULE": "A<START=199806020000,END=199807151200>",
    "SCHEDTYPE": "A",
    "RANGETYPE": "1",
    "ACTIVE": "1",
}


def ard(**changes: str | None) -> str:
    """An ARD of Appendix A; None leaves a parameter out."""
    fields = {name: value for name, value in {**FIELDS, **changes}.items() if value is not None}
    return "ARD<" + ",".join(f"{name}={value}" for name, value in fields.items()) + ">"


def stored(store: Store, number: int = 3416) -> UserReport | None:
    with store.read() as connection:
        return find_report(connection, number)


def requests(store: Store, report: int = 3416) -> list[tuple[int, str, float]]:
    table = schema.requests.c
    query = select(table.id, table.state, table.due).where(table.report == report)
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(table.id))]


def rows(store: Store) -> dict[str, int]:
    """How many rows the tables have that an ARD may add to, and how far the counters are."""
    found = {}
    with store.read() as connection:
        for table in (
            schema.user_reports,
            schema.user_report_parameters,
            schema.user_report_dates,
            schema.requests,
        ):
            found[table.name] = connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
        counters = select(schema.counters.c.name, schema.counters.c.last)
        found |= dict(map(tuple, connection.execute(counters)))
    return found


# -------------------------------------------------------------------------------------------- ARD


def test_the_printed_definition_is_stored_whole(rm, jeanvnet2: Customer, clock) -> None:
    message = (GOLDEN / "ard-client.printed.msg").read_bytes()
    assert rm(message, jeanvnet2) == "ARDA<ERROR=0,USERRPTID=3416>"
    assert stored(rm.store) == UserReport(
        id=3416,
        userid="jeanvnet2",
        entpid="00022924",
        template=90,
        product="S",
        name="City Summary Outbound",
        category="Analyze Traffic",
        active="1",
        schedule="A",
        status="R",
        status_time=clock.now,
        created=clock.now,
        parameters={
            "RECCOUNT": "20",
            "RANGETYPE": "1",
            "SCHEDTYPE": "A",
            "TIMEZONE": "45",
            "BILLING": "INBOUND<<90000003,90000003><NA,NA><NA,NA>>"
            "INBOUND<<90000004,90000004><NA,NA><NA,NA>>",
            "CARDNO": "<654654*~5465465465465465>",
            "IDAC": "<46546546*~1246>",
            "GEO": "GEO<<001,001 USA/WORLDZONE1><NA,NA><NA,NA><NA,NA><NA,NA>>"
            "GEO<<001,001 USA/WORLDZONE1><CO,CO><NA,NA><NA,NA><NA,NA>>",
            "OACCESS": "<4~1>",
            "ODISTRANGE": "<A~F>",
            "OUSAGE": "<5~4>",
            "SORTBY": "<54D>",
            "DESCRIPTION": "This report summarizes call detail by the terminating city and "
            "state (USA) / province (CA). The report is based on the date/time ranges and report "
            "criteria selected.",
            "COLUMNS": "<54~55~67~62~36~61~58~63~64~66~65>",
            "TOTALMODE": "0",
            "EMAIL": "0",
            "PAGE": "0",
            "LANG": "1234",
            "CURR": "2345",
        },
        dates=[("199806020000", "199807151200")],
    )
    assert requests(rm.store) == [(32198, "waiting", clock.now)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        # Step 7: the user, the template of the product.
        ({"USERID": "dorod"}, 6115),
        ({"ENTPID": "10324488"}, 6115),
        ({"STDRPTID": "9999"}, 6115),
        ({"PRODUCT": "H"}, 6115),
        ({"STDRPTID": "1", "NDIALED": "8007243624", "PRODUCT": "C"}, 6115),
        # What the tables of the Report Manager know.
        ({"TIMEZONE": "46"}, 6103),
        ({"COLUMNS": "<54~999>"}, 6103),
        ({"COLUMNS": "<54~17>"}, 6103),
        ({"SORTBY": "<17A>"}, 6103),
        ({"TOTALMODE": "1", "SUBTOTCOL": "<17>"}, 6103),
        ({"SCHEDULE": "H", "ACTIVE": "1"}, 6103),
        ({"STDRPTID": "94"}, 6811),
        ({"STDRPTID": "94", "DESCRIPTION": ""}, 6812),
        ({"DESCRIPTION": ""}, 6812),
        ({"BILLING": None}, 6701),
        ({**UNPRICED, "BILLING": None, "NDIALED": None}, 6601),
        ({**UNPRICED, "BILLING": None, "PRODUCT": "S"}, 6701),
    ],
)
def test_a_definition_that_is_refused_leaves_nothing(
    rm, jeanvnet2: Customer, changes: dict[str, str | None], code: int
) -> None:
    before = rows(rm.store)
    assert rm(ard(**changes), jeanvnet2) == f"ARDA<ERROR={code}>"
    assert rows(rm.store) == before


def test_toll_free_reports_of_tvs_need_no_billing(rm, jeanvnet2: Customer) -> None:
    assert rm(ard(**UNPRICED, BILLING=None), jeanvnet2) == "ARDA<ERROR=0,USERRPTID=3416>"


def test_a_server_that_is_not_configured_makes_no_report(
    rm, jeanvnet2: Customer, clock, file_root
) -> None:
    parts = {"catalogue": catalogue(), "limits": Limits(), "entpid_length": 8}
    rm.back_end = ReportManager(**parts, clock=clock, files=file_root, servers=frozenset({"TVS"}))
    assert rm(ard(), jeanvnet2) == "ARDA<ERROR=6116>"
    assert rm(ard(**UNPRICED, BILLING=None), jeanvnet2) == "ARDA<ERROR=0,USERRPTID=3416>"


def test_every_octet_of_a_name_is_kept(rm, jeanvnet2: Customer) -> None:
    # All that a message can carry; "=" stands before the comma, behind it would end a key.
    octets = "=" + bytes(set(range(256)) - set(b"<>=\x01")).decode("latin-1")
    names = ["\0\xb7\xff", *(octets[start : start + 100] for start in range(0, 256, 100))]
    for number, name in enumerate(names, start=3416):
        assert rm(ard(NAME=name), jeanvnet2) == f"ARDA<ERROR=0,USERRPTID={number}>"
        report = stored(rm.store, number)
        assert report is not None
        assert report.name == name


def test_the_same_definition_twice_is_two(rm, jeanvnet2: Customer) -> None:
    assert [rm(ard(), jeanvnet2) for _ in range(2)] == [
        "ARDA<ERROR=0,USERRPTID=3416>",
        "ARDA<ERROR=0,USERRPTID=3417>",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"ACTIVE": "1"}, []),
        ({**AD_HOC, "ACTIVE": "0"}, []),
        ({**AD_HOC, "ACTIVE": None}, []),
        (AD_HOC, [(32198, "waiting", 904_034_960.0)]),
        # 1998-08-26, 1998-08-31 (a Monday), 1998-09-01, each 00:00 in New York.
        ({"SCHEDULE": "D", "ACTIVE": "1"}, [(32198, "waiting", 904_107_600.0)]),
        ({"SCHEDULE": "W", "ACTIVE": "1"}, [(32198, "waiting", 904_539_600.0)]),
        ({"SCHEDULE": "M", "ACTIVE": "1"}, [(32198, "waiting", 904_626_000.0)]),
        (
            {**UNPRICED, "BILLING": None, "SCHEDULE": "H", "ACTIVE": "1"},
            [(32198, "waiting", 904_035_600.0)],
        ),
    ],
)
def test_a_scheduled_and_active_report_is_asked_for_when_due(
    rm, jeanvnet2: Customer, changes: dict[str, str | None], expected: list[tuple[int, str, float]]
) -> None:
    assert rm(ard(**changes), jeanvnet2) == "ARDA<ERROR=0,USERRPTID=3416>"
    assert requests(rm.store) == expected
    report = stored(rm.store)
    assert report is not None
    assert report.status == ("R" if expected else "S")


def test_several_ranges_are_kept_in_their_order(rm, jeanvnet2: Customer) -> None:
    ranges = "A<START=199807010000,END=199807020000,START=199806010000,END=199806020000>"
    rm(ard(**{**AD_HOC, "SCHEDULE": ranges}), jeanvnet2)
    report = stored(rm.store)
    assert report is not None
    assert report.dates == [("199807010000", "199807020000"), ("199806010000", "199806020000")]


def test_dates_of_a_recurring_report_count_for_nothing(rm, jeanvnet2: Customer) -> None:
    rm(ard(SCHEDULE="D<START=199807010000,END=199807020000>", ACTIVE="1"), jeanvnet2)
    report = stored(rm.store)
    assert report is not None
    assert report.dates == []


def test_on_the_native_port_a_customer_must_be_named(rm) -> None:
    assert rm.native(ard()) == "ARDA<ERROR=0,USERRPTID=3416>"
    assert rm.native(ard(USERID="nobody")) == "ARDA<ERROR=6115>"
    assert rm.native(ard(ENTPID="10324488")) == "ARDA<ERROR=6115>"


def test_the_last_id_is_given_and_then_none(rm, jeanvnet2: Customer) -> None:
    with rm.store.write() as connection:
        counter = update(schema.counters).where(schema.counters.c.name == "USERRPTID")
        connection.execute(counter.values(last=2_147_483_646))
    assert rm(ard(), jeanvnet2) == "ARDA<ERROR=0,USERRPTID=2147483647>"
    before = rows(rm.store)
    assert rm(ard(), jeanvnet2) == "ARDA<ERROR=6107>"
    assert rows(rm.store) == before


def test_a_definition_without_a_request_id_left_is_not_stored(rm, jeanvnet2: Customer) -> None:
    with rm.store.write() as connection:
        counter = update(schema.counters).where(schema.counters.c.name == "REQUESTID")
        connection.execute(counter.values(last=2_147_483_647))
    before = rows(rm.store)
    assert rm(ard(**AD_HOC), jeanvnet2) == "ARDA<ERROR=6107>"
    assert rows(rm.store) == before


def test_an_exception_in_the_middle_of_a_definition_leaves_nothing(
    rm, jeanvnet2: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*arguments: object) -> int:
        raise RuntimeError("behind the definition, before the request")

    before = rows(rm.store)
    monkeypatch.setattr(definitions, "add_request", break_down)
    with pytest.raises(RuntimeError, match="before the request"):
        rm(ard(**AD_HOC), jeanvnet2)
    assert rows(rm.store) == before


# -------------------------------------------------------------------------------------------- DRD


def test_a_deleted_report_is_gone_with_its_requests(rm, jeanvnet2: Customer) -> None:
    rm(ard(**AD_HOC), jeanvnet2)
    before = rows(rm.store)
    assert rm("DRD<USERID=jeanvnet2,USERRPTID=3416>", jeanvnet2) == "DRDA<ERROR=0,USERRPTID=3416>"
    assert stored(rm.store) is None
    assert requests(rm.store) == []
    after = rows(rm.store)
    assert {name: before[name] - after[name] for name in before} == {
        "user_reports": 1,
        "user_report_parameters": 6,
        "user_report_dates": 1,
        "requests": 1,
        **dict.fromkeys(COUNTERS, 0),
    }
    assert rm("DRD<USERID=jeanvnet2,USERRPTID=3416>", jeanvnet2) == "DRDA<ERROR=6109>"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("DRD<USERID=jeanvnet2,USERRPTID=3415>", 6109),
        ("DRD<USERID=jeanvnet2,USERRPTID=150>", 6109),
        ("DRD<USERID=jeanvnet2,USERRPTID=99999>", 6109),
        ("DRD<USERID=dorod,USERRPTID=3415>", 6115),
        ("DRD<USERID=dorod,USERRPTID=245>", 6115),
        ("DRD<USERID=jeanvnet2,USERRPTID=2147483648>", 6107),
    ],
)
def test_nobody_deletes_what_is_anothers(rm, jeanvnet2: Customer, message: str, code: int) -> None:
    before = rows(rm.store)
    assert rm(message, jeanvnet2) == f"DRDA<ERROR={code}>"
    assert rows(rm.store) == before


def test_on_the_native_port_the_user_must_be_the_owner(rm) -> None:
    assert rm.native("DRD<USERID=nobody,USERRPTID=245>") == "DRDA<ERROR=6115>"
    assert rm.native("DRD<USERID=dorod,USERRPTID=245>") == "DRDA<ERROR=6109>"
    assert rm.native("DRD<USERID=jeanvnet2,USERRPTID=245>") == "DRDA<ERROR=0,USERRPTID=245>"


def test_the_id_of_a_deleted_report_is_not_given_again(rm, jeanvnet2: Customer) -> None:
    rm(ard(), jeanvnet2)
    rm("DRD<USERID=jeanvnet2,USERRPTID=3416>", jeanvnet2)
    assert rm(ard(), jeanvnet2) == "ARDA<ERROR=0,USERRPTID=3417>"


# -------------------------------------------------------------------------------------------- CRD


def test_a_copy_is_like_its_model_but_for_name_and_schedule(rm, jeanvnet2: Customer, clock) -> None:
    rm((GOLDEN / "ard-client.printed.msg").read_bytes(), jeanvnet2)
    model = stored(rm.store)
    clock.now += 60
    assert rm("CRD<USERRPTID=3416,NAME=copy,of it>", jeanvnet2) == "CRDA<ERROR=0,USERRPTID=3417>"
    copy = stored(rm.store, 3417)
    assert model is not None
    assert copy is not None
    assert (copy.name, copy.active, copy.status) == ("copy,of it", "0", "S")
    assert (copy.created, copy.status_time) == (clock.now, clock.now)
    for name in ("template", "product", "category", "schedule", "parameters", "dates"):
        assert getattr(copy, name) == getattr(model, name)
    assert requests(rm.store, 3417) == []


@pytest.mark.parametrize("number", ["3415", "150", "99999"])
def test_nobody_copies_what_is_anothers(rm, jeanvnet2: Customer, number: str) -> None:
    before = rows(rm.store)
    assert rm(f"CRD<USERRPTID={number},NAME=n>", jeanvnet2) == "CRDA<ERROR=6109>"
    assert rows(rm.store) == before


# -------------------------------------------------------------------------------------------- URS


def test_a_saved_report_is_scheduled_and_taken_off_again(rm, jeanvnet2: Customer, clock) -> None:
    rm(ard(SCHEDULE="D", ACTIVE="0"), jeanvnet2)
    assert rm("URS<USERRPTID=3416,ACTIVE=1>", jeanvnet2) == "URSA<ERROR=0,USERRPTID=3416>"
    assert requests(rm.store) == [(32198, "waiting", 904_107_600.0)]
    report = stored(rm.store)
    assert report is not None
    assert (report.active, report.status, report.status_time) == ("1", "R", clock.now)
    assert rm("URS<USERRPTID=3416,ACTIVE=0>", jeanvnet2) == "URSA<ERROR=0,USERRPTID=3416>"
    assert requests(rm.store) == []
    report = stored(rm.store)
    assert report is not None
    assert (report.active, report.schedule) == ("0", "D")


def test_what_is_active_already_is_not_asked_for_twice(rm, jeanvnet2: Customer) -> None:
    rm(ard(**AD_HOC), jeanvnet2)
    assert rm("URS<USERRPTID=3416,ACTIVE=1>", jeanvnet2) == "URSA<ERROR=0,USERRPTID=3416>"
    assert [number for number, _, _ in requests(rm.store)] == [32198]


def test_a_run_under_way_goes_on(rm, jeanvnet2: Customer) -> None:
    rm(ard(**AD_HOC), jeanvnet2)
    with rm.store.write() as connection:
        connection.execute(update(schema.requests).values(state="published"))
    rm("URS<USERRPTID=3416,ACTIVE=0>", jeanvnet2)
    assert [state for _, state, _ in requests(rm.store)] == ["published"]


def test_a_report_without_schedule_may_be_active_and_is_never_due(rm, jeanvnet2: Customer) -> None:
    rm(ard(), jeanvnet2)
    assert rm("URS<USERRPTID=3416,ACTIVE=1>", jeanvnet2) == "URSA<ERROR=0,USERRPTID=3416>"
    assert requests(rm.store) == []


@pytest.mark.parametrize("number", ["3415", "150", "99999"])
def test_nobody_schedules_what_is_anothers(rm, jeanvnet2: Customer, number: str) -> None:
    assert rm(f"URS<USERRPTID={number},ACTIVE=0>", jeanvnet2) == "URSA<ERROR=6109>"


def test_the_scheduler_takes_urs_and_nothing_else(rm, jeanvnet2: Customer) -> None:
    def scheduler(message: str) -> bytes:
        return rm.answer(message, jeanvnet2, "rs").octets

    assert scheduler("URS<USERRPTID=245,ACTIVE=0>") == b"URSA<ERROR=0,USERRPTID=245>"
    assert scheduler("URS<USERRPTID=245>") == b"URSA<ERROR=6801>"
    assert scheduler("GURD<REPORTID=245>") == b"GURD<ERROR=6104>"
