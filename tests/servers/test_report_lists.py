from pathlib import Path

import pytest
from sqlalchemy import update

from starwire.servers import schema
from starwire.servers.customer import Customer

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"

ARD = (
    "ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME={name},PRODUCT=S,CATEGORY={category},"
    "SCHEDTYPE=R,TIMEZONE=45,BILLING=INBOUND<<90000003,90000003>>,EMAIL=0,PAGE=0>"
)
LIST = "GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>"


# ------------------------------------------------------------------------------------------- GRTL


@pytest.mark.parametrize(
    ("message", "response"),
    [
        (
            "GRTL<PRODUCT=T,DATATYPE=R,DATACAT=U,IO=I>",
            "SRTL<ERROR=0,REPORTS=<Telecommunications=<Call Duration Summary,3,R>>,"
            "<Call Center=<Hourly Distribution,4,R>>,<Monitor Usage=<Longest Calls,1,R>>,"
            "<Analyze Traffic=<Area Code Summary,6,R>>,"
            "<Check Calling Frequencies=<Frequent Numbers,2,R>>>",
        ),
        (
            "GRTL<PRODUCT=C,DATATYPE=D,DATACAT=P,IO=B>",
            "SRTL<ERROR=0,REPORTS=<Call Detail=<Priced Call Detail,110,D>>>",
        ),
        # Toll free is inbound only, the unpriced reports of Vision are outbound only.
        ("GRTL<PRODUCT=T,DATATYPE=R,DATACAT=P,IO=O>", "SRTL<ERROR=6109>"),
        ("GRTL<PRODUCT=S,DATATYPE=A,DATACAT=U,IO=I>", "SRTL<ERROR=6109>"),
        # CVNS has no unpriced reports, Broadband none at all.
        ("GRTL<PRODUCT=C,DATATYPE=A,DATACAT=U,IO=B>", "SRTL<ERROR=6109>"),
        ("GRTL<PRODUCT=H,DATATYPE=A,DATACAT=P,IO=B>", "SRTL<ERROR=6109>"),
        ("GRTL<PRODUCT=F,DATATYPE=A,DATACAT=P,IO=B>", "SRTL<ERROR=6103>"),
        ("GRTL<DATATYPE=R,DATACAT=P,IO=O>", "SRTL<ERROR=6827>"),
    ],
)
def test_templates_are_listed_by_category(
    rm, jeanvnet2: Customer, message: str, response: str
) -> None:
    assert rm(message, jeanvnet2) == response


def test_the_printed_request_finds_every_category_of_reports(rm, jeanvnet2: Customer) -> None:
    response = rm((GOLDEN / "grtl.emended.msg").read_bytes(), jeanvnet2)
    places = [
        response.index(f"<{category}=<")
        for category in (
            "Financial",
            "Marketing",
            "Telecommunications",
            "Call Center",
            "Monitor Usage",
            "Analyze Traffic",
            "Check Calling Frequencies",
        )
    ]
    assert places == sorted(places)
    assert "<City Summary,90,R>" in response
    assert "Call Detail" not in response


@pytest.mark.parametrize(("io", "found"), [("I", ["B"]), ("O", ["B", "O"]), ("B", ["B", "O"])])
def test_both_directions_are_listed_with_either(
    rm, jeanvnet2: Customer, io: str, found: list[str]
) -> None:
    # For Vision template 81 is for both directions, template 90 is outbound.
    response = rm(f"GRTL<PRODUCT=S,DATATYPE=R,DATACAT=P,IO={io}>", jeanvnet2)
    assert ("<Area Code Summary,81,R>" in response) == ("B" in found)
    assert ("<City Summary,90,R>" in response) == ("O" in found)


def test_all_data_types_are_reports_and_call_detail(rm, jeanvnet2: Customer) -> None:
    response = rm("GRTL<PRODUCT=T,DATATYPE=A,DATACAT=U,IO=I>", jeanvnet2)
    assert "<Frequent Numbers,2,R>>,<Call Detail=<Real Time Call Detail,8,D>>>" in response


# ------------------------------------------------------------------------------------- GRTD, GURD


TREE_44 = (
    "SRTD<ERROR=0,ID=44,"
    "NODE1=<1,General,100,<USERRPTID,,>,<STDRPTID,44,>,<PRODUCT,,>,<CATEGORY,Call Center,>,"
    "<ACTIVE,0,>,<STATUS,,>,<STATUSDATE,,>>,"
    "NODE2=<2,Report Name,110,<NAME,,>>,"
    "NODE3=<2,Report Description,120,"
    "<DESCRIPTION,This report summarizes calls by country code.,>>,"
    "NODE4=<2,Time Zone,130,<TIMEZONE,,PL_TIMEZONE>>,"
    "NODE5=<2,Language and Currency,140,<LANG,,PL_LANG>,<CURR,,PL_CURR>>,"
    "NODE6=<1,Layout,200>,"
    "NODE7=<2,Report Columns,210,<COLUMNS,23 67 62 36 61 58 63 64 66 65,PL_FIELDS>>,"
    "NODE8=<2,Sort Order,220,<SORTBY,23A,PL_FIELDS>>,"
    "NODE9=<2,Number of Rows,230,<RECCOUNT,1000,>>,"
    "NODE10=<2,Totals,240,<TOTALMODE,0,>,<SUBTOTCOL,,PL_FIELDS>>,"
    "NODE11=<1,Access,300>,"
    "NODE12=<2,Access Types,310,<IACCESS,,PL_ACCESS>,<OACCESS,,PL_ACCESS>>,"
    "NODE13=<2,Ranges,320,<IDISTRANGE,,PL_RANGE>,<ODISTRANGE,,PL_RANGE>,"
    "<DURRANGE,,PL_DURATION>>,"
    "NODE14=<2,Usages,330,<IUSAGE,,PL_USAGE>,<OUSAGE,,PL_USAGE>>,"
    "NODE15=<2,Cards and Codes,340,<CARDNO,,>,<IDAC,,>>,"
    "NODE16=<2,Numbers Dialed,350,<NDIALED,,>>,"
    "NODE17=<1,Billing Hierarchy,400,<BILLING,,PL_HIER>>,"
    "NODE18=<1,Geographic Hierarchy,500,<GEO,,PL_GEO>>,"
    "NODE19=<1,Scheduled Execution,600,<SCHEDULE,,>,<SCHEDTYPE,,>,<RANGETYPE,,>,<START,,>,"
    "<END,,>>,"
    "NODE20=<1,Notification,700>,"
    "NODE21=<2,E-mail,710,<EMAIL,0,>,<MMADDR,,>,<MMTEXT,,>>,"
    "NODE22=<2,Paging,720,<PAGE,0,>,<PGT,,>,<PGPIN,,>,<PGTXT,,>>>"
)


def test_a_template_is_shown_as_a_tree_of_screens(rm, jeanvnet2: Customer) -> None:
    assert rm("GRTD<REPORTID=44>", jeanvnet2) == TREE_44


def test_a_template_of_tvs_has_its_thresholds(rm, jeanvnet2: Customer) -> None:
    tree = rm("GRTD<REPORTID=2>", jeanvnet2)
    thresholds = "<RECCOUNT,1000,>,<RANKING,50,>,<DURATION,5959,>,<ANI,50,>>"
    assert f"NODE9=<2,Thresholds,250,{thresholds}" in tree
    assert "PL_ACCESS" not in tree


@pytest.mark.parametrize("number", ["9999", "0", "2147483647", "3415"])
def test_an_unknown_template_has_no_tree(rm, jeanvnet2: Customer, number: str) -> None:
    assert rm(f"GRTD<REPORTID={number}>", jeanvnet2) == "SRTD<ERROR=6109>"


def test_a_user_report_is_shown_with_its_own_values(rm, jeanvnet2: Customer) -> None:
    rm((GOLDEN / "ard-client.printed.msg").read_bytes(), jeanvnet2)
    assert rm("GURD<REPORTID=3416>", jeanvnet2) == (
        "SURD<ERROR=0,ID=90,"
        "NODE1=<1,General,100,<USERRPTID,3416,>,<STDRPTID,90,>,<PRODUCT,S,>,"
        "<CATEGORY,Analyze Traffic,>,<ACTIVE,1,>,<STATUS,R,>,<STATUSDATE,1998-08-25 08:49,>>,"
        "NODE2=<2,Report Name,110,<NAME,City Summary Outbound,>>,"
        "NODE3=<2,Report Description,120,<DESCRIPTION,This report summarizes call detail by the "
        "terminating city and state (USA) / province (CA). The report is based on the date/time "
        "ranges and report criteria selected.,>>,"
        "NODE4=<2,Time Zone,130,<TIMEZONE,45,PL_TIMEZONE>>,"
        "NODE5=<2,Language and Currency,140,<LANG,1234,PL_LANG>,<CURR,2345,PL_CURR>>,"
        "NODE6=<1,Layout,200>,"
        "NODE7=<2,Report Columns,210,<COLUMNS,54 55 67 62 36 61 58 63 64 66 65,PL_FIELDS>>,"
        "NODE8=<2,Sort Order,220,<SORTBY,54D,PL_FIELDS>>,"
        "NODE9=<2,Number of Rows,230,<RECCOUNT,20,>>,"
        "NODE10=<2,Totals,240,<TOTALMODE,0,>,<SUBTOTCOL,,PL_FIELDS>>,"
        "NODE11=<1,Access,300>,"
        "NODE12=<2,Access Types,310,<IACCESS,,PL_ACCESS>,<OACCESS,4 1,PL_ACCESS>>,"
        "NODE13=<2,Ranges,320,<IDISTRANGE,,PL_RANGE>,<ODISTRANGE,A F,PL_RANGE>,"
        "<DURRANGE,,PL_DURATION>>,"
        "NODE14=<2,Usages,330,<IUSAGE,,PL_USAGE>,<OUSAGE,5 4,PL_USAGE>>,"
        "NODE15=<2,Cards and Codes,340,<CARDNO,654654* 5465465465465465,>,"
        "<IDAC,46546546* 1246,>>,"
        "NODE16=<2,Numbers Dialed,350,<NDIALED,,>>,"
        "NODE17=<1,Billing Hierarchy,400,<BILLING,INBOUND<<90000003,90000003><NA,NA><NA,NA>>"
        "INBOUND<<90000004,90000004><NA,NA><NA,NA>>,PL_HIER>>,"
        "NODE18=<1,Geographic Hierarchy,500,<GEO,GEO<<001,001 USA/WORLDZONE1>"
        "<NA,NA><NA,NA><NA,NA><NA,NA>>GEO<<001,001 USA/WORLDZONE1><CO,CO>"
        "<NA,NA><NA,NA><NA,NA>>,PL_GEO>>,"
        "NODE19=<1,Scheduled Execution,600,<SCHEDULE,A,>,<SCHEDTYPE,A,>,<RANGETYPE,1,>,"
        "<START,199806020000,>,<END,199807151200,>>,"
        "NODE20=<1,Notification,700>,"
        "NODE21=<2,E-mail,710,<EMAIL,0,>,<MMADDR,,>,<MMTEXT,,>>,"
        "NODE22=<2,Paging,720,<PAGE,0,>,<PGT,,>,<PGPIN,,>,<PGTXT,,>>>"
    )


def test_several_ranges_stand_with_blanks_between_them(rm, lynne: Customer) -> None:
    tree = rm("GURD<REPORTID=150>", lynne)
    assert "<START,199712010000 199712080000 199712150000 199712220000,>" in tree
    assert "<END,199712072359 199712142359 199712212359 199712312359,>" in tree


def test_what_would_divide_a_member_is_shown_as_a_blank(rm, jeanvnet2: Customer) -> None:
    rm(ARD.format(name="a=d,b~c", category="x"), jeanvnet2)
    assert "<NAME,a d b c,>" in rm("GURD<REPORTID=3416>", jeanvnet2)


def test_another_customers_report_is_as_if_it_did_not_exist(
    rm, jeanvnet2: Customer, lynne: Customer
) -> None:
    assert rm("GURD<REPORTID=3415>", jeanvnet2) == "SURD<ERROR=6109>"
    assert rm("GURD<REPORTID=150>", jeanvnet2) == "SURD<ERROR=6109>"
    assert rm("GURD<REPORTID=99999>", jeanvnet2) == "SURD<ERROR=6109>"
    assert rm("GURD<REPORTID=150>", lynne).startswith("SURD<ERROR=0,ID=10,")
    assert rm.native("GURD<REPORTID=150>").startswith("SURD<ERROR=0,ID=10,")


# ------------------------------------------------------------------------------------------- GURL


def test_the_printed_request_finds_the_first_report(rm, jeanvnet2: Customer) -> None:
    message = (GOLDEN / "gurl.emended.msg").read_bytes()
    assert rm(message, jeanvnet2) == (
        "SURL<ERROR=0,REPORTS=<Monitor Usage=<My Longest Calls,245,0,R,1998-06-02 00:00>>>"
    )


def test_user_reports_are_listed_by_the_category_that_the_user_gave(
    rm, jeanvnet2: Customer, clock
) -> None:
    assert rm(LIST, jeanvnet2) == "SURL<ERROR=6109>"
    for name, category in (("first", "Mine"), ("second", "Yours"), ("third", "Mine")):
        rm(ARD.format(name=name, category=category), jeanvnet2)
        clock.now += 60
    assert rm(LIST, jeanvnet2) == (
        "SURL<ERROR=0,REPORTS=<Mine=<first,3416,0,R,1998-08-25 08:49>,"
        "<third,3418,0,R,1998-08-25 08:51>>,"
        "<Yours=<second,3417,0,R,1998-08-25 08:50>>>"
    )


@pytest.mark.parametrize(
    ("name", "category", "shown"),
    [
        ("\0\xb7\xff", "x", "<x=<\0\xb7\xff,3416,"),
        ("a,b~c", "x", "<x=<a b c,3416,"),
        ("n", "a=d,b~c", "<a d b c=<n,3416,"),
        ("n", "\xa0\x85", "<\xa0\x85=<n,3416,"),
    ],
)
def test_octets_survive_and_dividers_become_blanks(
    rm, jeanvnet2: Customer, name: str, category: str, shown: str
) -> None:
    assert rm(ARD.format(name=name, category=category), jeanvnet2) == (
        "ARDA<ERROR=0,USERRPTID=3416>"
    )
    assert shown in rm(LIST, jeanvnet2)


@pytest.mark.parametrize(
    ("message", "response"),
    [
        # Whose reports they are.
        (LIST.replace("jeanvnet2", "dorod"), "SURL<ERROR=6115>"),
        (LIST.replace("00022924", "10324488"), "SURL<ERROR=6115>"),
        # Made from that template, for that product, of that data category.
        (LIST.replace("=90", "=91"), "SURL<ERROR=6109>"),
        (LIST.replace("=90", "=81"), "SURL<ERROR=6109>"),
        (LIST.replace("=S", "=V"), "SURL<ERROR=6109>"),
        (LIST.replace("=P", "=U"), "SURL<ERROR=6109>"),
        (LIST.replace("jeanvnet2", "jeanvnet"), "SURL<ERROR=6115>"),
    ],
)
def test_a_list_holds_what_was_asked_for_only(
    rm, jeanvnet2: Customer, message: str, response: str
) -> None:
    rm(ARD.format(name="n", category="x"), jeanvnet2)
    assert rm(message, jeanvnet2) == response
    assert rm(LIST, jeanvnet2).startswith("SURL<ERROR=0,")


def test_on_the_native_port_the_ids_name_a_customer(rm, jeanvnet2: Customer) -> None:
    rm(ARD.format(name="n", category="x"), jeanvnet2)
    assert rm.native(LIST).startswith("SURL<ERROR=0,REPORTS=<x=<n,3416,")
    assert rm.native(LIST.replace("jeanvnet2", "nobody")) == "SURL<ERROR=6115>"
    assert rm.native(LIST.replace("00022924", "10324488")) == "SURL<ERROR=6115>"


def test_a_user_of_the_same_enterprise_sees_none_of_it(
    rm, jeanvnet2: Customer, dorod: Customer
) -> None:
    rm(ARD.format(name="n", category="x"), jeanvnet2)
    assert rm(LIST.replace("jeanvnet2", "dorod"), dorod) == "SURL<ERROR=6109>"


def test_a_user_who_moved_to_another_enterprise_leaves_the_reports_behind(
    rm, jeanvnet2: Customer
) -> None:
    rm(ARD.format(name="n", category="x"), jeanvnet2)
    with rm.store.write() as connection:
        moved = update(schema.users).where(schema.users.c.userid == "jeanvnet2")
        connection.execute(moved.values(entpid="10324488"))
    there = Customer("jeanvnet2", "10324488")
    assert rm(LIST.replace("00022924", "10324488"), there) == "SURL<ERROR=6109>"
    assert rm("GURD<REPORTID=3416>", there) == "SURD<ERROR=6109>"
