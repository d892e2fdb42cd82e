from pathlib import Path

import pytest

from starwire.grammar import parse
from starwire.protocol.catalogue import catalogue
from starwire.protocol.validation import validate
from starwire.servers.customer import Customer
from starwire.servers.files import FileRoot
from starwire.servers.metadata import report_metadata
from starwire.servers.reference import load_reference
from starwire.servers.store import Store

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
NRL = (GOLDEN / "nrl.emended.msg").read_text("latin-1")

MTD_3415 = (
    "<METADATA=<CRITERIA=<Name=Hours of August^"
    "Description=This report shows calls by hour of the day.^"
    "Report_Level=<INBOUND<<90000003^90000003><NA^NA><NA^NA>>>^Options=^"
    "Scheduling_Information=^One_Time=^Dates=<08/01/1998 00:00/~08/25/1998 00:00>^Time_zone=MDT>"
    "DEFAULT_GRAPH_MODE=1^DEFAULT_GRAPH_TYPE=2^DEFINE_X_AXIS=1^X_AXIS_COLUMN=40^"
    "DEFAULT_Y_COLUMN=<67^36>^COLUMN_DISPLAY_ORDER=<40^67^62^36^61^58^63^64^66^65>^"
    "COLUMN_STORED_ORDER=<40^67^62^36^61^58^63^64^66^65>^SORT_ALLOWED=1^PRESORTED=0^"
    "TOTALMODE=2^SORT_COLUMNS=<40A>^SUBTOTCOL=<>^SELECTED_SECTION=0^"
    "METACOLUMN=<META_COLUMN_ID=40^COLUMN_LABEL=Hour^DATATYPE=I^DECIMAL=0^HIDEABLE=1^"
    "GRAPHABLE=0^WIDTH=5^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=67^COLUMN_LABEL=Calls^DATATYPE=I^DECIMAL=0^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=7^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=62^COLUMN_LABEL=% Calls^DATATYPE=N^DECIMAL=1^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=7^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=36^COLUMN_LABEL=Minutes^DATATYPE=N^DECIMAL=1^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=8^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=61^COLUMN_LABEL=% Min^DATATYPE=N^DECIMAL=1^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=5^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=58^COLUMN_LABEL=Amount^DATATYPE=C^DECIMAL=2^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=7^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=63^COLUMN_LABEL=% Amt^DATATYPE=N^DECIMAL=1^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=5^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=64^COLUMN_LABEL=Avg Min/Call^DATATYPE=N^DECIMAL=2^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=12^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=66^COLUMN_LABEL=Avg Amt/Call^DATATYPE=N^DECIMAL=2^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=12^CALCULATE=0^CALCULATE_EXPRESSION=>^"
    "METACOLUMN=<META_COLUMN_ID=65^COLUMN_LABEL=Avg Amt/Min^DATATYPE=N^DECIMAL=2^HIDEABLE=1^"
    "GRAPHABLE=1^WIDTH=11^CALCULATE=0^CALCULATE_EXPRESSION=>>>"
).replace("^", "\x01")


def ard(**changes: str) -> str:
    fields = {
        "USERID": "jeanvnet2",
        "ENTPID": "00022924",
        "STDRPTID": "90",
        "NAME": "n",
        "PRODUCT": "S",
        "CATEGORY": "c",
        "SCHEDTYPE": "R",
        "TIMEZONE": "45",
        "BILLING": "<<90000003,Acme>>",
        "EMAIL": "0",
        "PAGE": "0",
        **changes,
    }
    return "ARD<" + ",".join(f"{name}={value}" for name, value in fields.items() if value) + ">"


@pytest.fixture
def described(rm, jeanvnet2: Customer):
    """The metadata of a report that is added with these parameters, 0x01 shown as ^."""

    def describe(**changes: str) -> str:
        assert rm(ard(**changes), jeanvnet2) == "ARDA<ERROR=0,USERRPTID=3416>"
        octets = rm.native("METADATA<USERRPTID=3416>")
        answer = validate(
            octets.encode("latin-1"), "rm-native", catalogue=catalogue(), direction="response"
        )
        assert answer.spec.acronym == "METADATA"
        return octets.replace("\x01", "^")

    return describe


def test_the_metadata_of_a_report(rm) -> None:
    assert rm.native("METADATA<USERRPTID=3415>") == MTD_3415


def test_the_file_of_the_add_example_is_the_metadata_of_its_report(rm, file_root: FileRoot) -> None:
    path = file_root.folder / "inbox/files/ods/902512294STDRPTID10.mtd"
    octets = rm.native("METADATA<USERRPTID=150>").encode("latin-1")
    assert octets == path.read_bytes()
    assert parse(octets).render() == octets
    assert len(octets) == 3322


@pytest.mark.parametrize(
    ("number", "response"),
    [
        ("99999", "METADATA<ERROR=6109>"),
        ("2147483648", "METADATA<ERROR=6107>"),
        ("", "METADATA<ERROR=6842>"),
    ],
)
def test_without_a_report_there_is_no_metadata(rm, number: str, response: str) -> None:
    assert rm.native(f"METADATA<USERRPTID={number}>") == response


def test_the_totals_of_the_latest_run_are_told_by_direction(rm) -> None:
    rm.native(
        NRL.replace(">", ",TOTAL=<<36,302.90><58,32.17><67,97><62,1>>>").replace(
            "PRESORTED=0", "PRESORTED=1"
        )
    )
    metadata = rm.native("METADATA<USERRPTID=3415>").replace("\x01", "^")
    assert (
        "Name=Hours of August^Total_Amount=<58^32.17>^Total_Minutes=<36^302.90>^"
        "Total_Calls=<67^97>^Description="
    ) in metadata
    assert "^PRESORTED=1^" in metadata


def test_totals_of_inbound_and_outbound_reports_are_named_so(
    rm, jeanvnet2: Customer, file_root: FileRoot
) -> None:
    (file_root.folder / "a.csv").write_bytes(b"1")
    for number, product, direction in ((3416, "T", "Inbound"), (3417, "S", "Outbound")):
        ad_hoc = "A<START=199801010000,END=199801020000>"
        rm(
            ard(PRODUCT=product, SCHEDTYPE="A", RANGETYPE="1", ACTIVE="1", SCHEDULE=ad_hoc),
            jeanvnet2,
        )
        assert rm.native(
            "NRL<TYPE=t,ENTPID=00022924,USERID=jeanvnet2,STDRPTID=90,"
            f"USERRPTID={number},REQUESTID={number + 28782},COMPRESS=0,LOC=a.csv,FSIZE=1,"
            "PRESORTED=0,TOTAL=<<58,-1.50>>>"
        ).startswith("NRLA<ERROR=0,")
        metadata = rm.native(f"METADATA<USERRPTID={number}>").replace("\x01", "^")
        assert f"^Total_{direction}_Amount=<58^-1.50>^Description=" in metadata


def test_a_report_of_tvs_has_its_totals_in_the_data(described) -> None:
    metadata = described(
        STDRPTID="6", PRODUCT="T", BILLING="", NDIALED="<8007243624~8887243624>", SCHEDULE="D"
    )
    assert "Name=n^Total=Totals are located at the bottom of the report.^Description=" in metadata
    assert "^Report_Level=All Levels^" in metadata
    assert "^Number_Dialed=<8007243624^8887243624>^" in metadata
    assert "^CALCULATE=1^CALCULATE_EXPRESSION=<36 / 67>>>>" in metadata


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SCHEDULE": "D"}, "^Recurring=^Dates=Daily^Time_zone=EST>"),
        ({"SCHEDULE": "W"}, "^Recurring=^Dates=Weekly^"),
        ({"SCHEDULE": "M"}, "^Recurring=^Dates=Monthly^"),
        ({}, "^Recurring=^Dates=Not scheduled^"),
        ({"SCHEDTYPE": "A", "RANGETYPE": "1"}, "^One_Time=^Dates=Not scheduled^"),
        (
            {
                "SCHEDTYPE": "A",
                "RANGETYPE": "1",
                "SCHEDULE": "A<START=199801020304,END=199802030405,START=199803040506,"
                "END=199804050607>",
            },
            "^One_Time=^Dates=<01/02/1998 03:04/~02/03/1998 04:05"
            "^03/04/1998 05:06/~04/05/1998 06:07>^",
        ),
        ({"BILLING": "<<90000003,Acme>>"}, "^Report_Level=<<<90000003^Acme>>>^"),
        (
            {"IACCESS": "<7>", "OACCESS": "<4~1~Z>"},
            "^Access_Type=<STORE/FORWARD FAX CALL^DEDICATED ACCESS^SHARED^Z>^",
        ),
        ({"CARDNO": "654654*"}, "^Card_Number=<654654*>^"),
        ({"IDAC": "<1~2>"}, "^ID/Accounting_Codes=<1^2>^"),
        ({"IDISTRANGE": "<2>", "ODISTRANGE": "<A>"}, "^Range=<BAND 2^BAND A>^"),
        ({"IUSAGE": "<5>", "OUSAGE": "<2>"}, "^Usage=<INTRACITY-INTL^INTRASTATE>^"),
        ({"LANG": "1234", "CURR": "2345"}, "^Lang=1234^Curr=2345>DEFAULT_GRAPH_MODE=0^"),
        ({"NAME": "a, b"}, "<Name=a  b^"),
        ({"DESCRIPTION": "x" * 120}, f"^Description={'x' * 100}^Report_Level="),
        (
            {"COLUMNS": "<67~54>", "SORTBY": "<67D~54A>"},
            "^COLUMN_DISPLAY_ORDER=<67^54>^COLUMN_STORED_ORDER=<54^67>^SORT_ALLOWED=1^"
            "PRESORTED=0^TOTALMODE=0^SORT_COLUMNS=<67D^54A>^",
        ),
        (
            {"TOTALMODE": "3", "SUBTOTCOL": "<54~55>"},
            "^TOTALMODE=3^SORT_COLUMNS=<54A>^SUBTOTCOL=<54^55>^SELECTED_SECTION=1^",
        ),
        (
            {"TOTALMODE": "2", "SUBTOTCOL": "<54>"},
            "^TOTALMODE=2^SORT_COLUMNS=<54A>^SUBTOTCOL=<>^SELECTED_SECTION=0^",
        ),
    ],
)
def test_what_the_user_chose_is_told(described, changes: dict[str, str], expected: str) -> None:
    assert expected in described(**changes)


def test_an_axis_that_is_not_shown_is_not_drawn(described) -> None:
    metadata = described(STDRPTID="92", COLUMNS="<67>")
    assert "^DEFINE_X_AXIS=0^X_AXIS_COLUMN=^DEFAULT_Y_COLUMN=<67>^" in metadata
    assert metadata.count("METACOLUMN=") == 1


def test_a_file_for_no_report_is_a_mistake_of_the_caller(store: Store) -> None:
    with store.read() as connection, pytest.raises(KeyError):
        report_metadata(connection, load_reference(connection), 99999)
