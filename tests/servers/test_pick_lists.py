import pytest
from sqlalchemy import insert

from starwire.servers import schema
from starwire.servers.customer import Customer


@pytest.mark.parametrize(
    ("message", "response"),
    [
        (
            "GPL<PL_ACCESS=PL_ACCESS,IO=O,PRODUCT=S,DATACAT=P>",
            "GPLA<ERROR=0,PL_ACCESS=<1~SHARED><2~DIAL-1><3~CARD><4~DEDICATED ACCESS>"
            "<6~DIRECT DIAL FAX CALLS><7~STORE/FORWARD FAX CALL><8~CELLULAR><9~LOCAL>>",
        ),
        (
            "GPL<PL_ACCESS,IO=I,PRODUCT=T,DATACAT=B>",
            "GPLA<ERROR=0,PL_ACCESS=<1~SHARED><4~DEDICATED ACCESS><5~800 REMOTE ACCESS>"
            "<7~STORE/FORWARD FAX CALL><10~800 BUSINESS LINE><A~800 WATTS LINE>"
            "<B~800 DEDICATED LINE><C~800 INTERSWITCH NETWORK CALL REDIRECT/DTO>>",
        ),
        ("GPL<PL_ACCESS,IO=I,PRODUCT=H,DATACAT=U>", "GPLA<ERROR=6109>"),
        ("GPL<PL_ACCESS,IO=B,PRODUCT=T,DATACAT=U>", "GPLA<ERROR=6103>"),
        ("GPL<PL_ACCESS,IO=I,PRODUCT=T>", "GPLA<ERROR=6807>"),
        (
            "GPL<RPTTMPID=101,PL_FIELDS>",
            "GPLA<ERROR=0,PL_FIELDS=<44~Day of Week~1~1><67~Calls~1~1><62~% Calls~1~1>"
            "<36~Minutes~1~1><61~% Min~1~1><58~Amount~1~1><63~% Amt~1~1><64~Avg Min/Call~1~1>"
            "<66~Avg Amt/Call~1~1><65~Avg Amt/Min~1~1>>",
        ),
        (
            "GPL<PL_FIELDS=,RPTTMPLID=6>",
            "GPLA<ERROR=0,PL_FIELDS=<17~Area Code~1~1><67~Calls~1~1><62~% Calls~1~1>"
            "<36~Minutes~1~1><61~% Min~1~1><68~Avg Duration~1~0>>",
        ),
        ("GPL<PL_FIELDS,RPTTMPID=9999>", "GPLA<ERROR=6109>"),
        ("GPL<PL_FIELDS,RPTTMPID=2147483648>", "GPLA<ERROR=6107>"),
        (
            "GPL<PL_DURATION>",
            "GPLA<ERROR=0,PL_DURATION=<0.0 to 0.1><0.1 to 0.5><0.5 to 1.0><1.0 to 2.0>"
            "<2.0 to 5.0><5.0 to 10.0><10.0 to 30.0><30.0 to 60.0><60.0 to 9999999.9>>",
        ),
        (
            "GPL<PL_TIMEZONE>",
            "GPLA<ERROR=0,PL_TIMEZONE=<5~GREENWICH MEAN TIME><10~BRITISH SUMMER TIME>"
            "<15~CENTRAL EUROPEAN TIME><20~JAPAN STANDARD TIME><25~NEW ZEALAND DAYLIGHT TIME>"
            "<30~INTERNATIONAL DATE LINE WEST><40~EASTERN DAYLIGHT TIME>"
            "<45~EASTERN STANDARD TIME><50~CENTRAL DAYLIGHT TIME><55~CENTRAL STANDARD TIME>"
            "<60~MOUNTAIN DAYLIGHT TIME><65~MOUNTAIN STANDARD TIME><70~PACIFIC DAYLIGHT TIME>"
            "<75~PACIFIC STANDARD TIME><80~ALASKA STANDARD TIME><85~HAWAII STANDARD TIME>>",
        ),
        (
            "GPL<PL_RANGE,IO=O,PRODUCT=S,DATACAT=P>",
            "GPLA<ERROR=0,PL_RANGE=<A~BAND A><B~BAND B><C~BAND C><D~BAND D><E~BAND E><F~BAND F>>",
        ),
        (
            "GPL<PL_RANGE,IO=I,PRODUCT=T,DATACAT=U,ERROR=0>",
            "GPLA<ERROR=0,PL_RANGE=<1~BAND 1><2~BAND 2><3~BAND 3><4~BAND 4><5~BAND 5>"
            "<6~BAND 6><7~BAND 7><8~BAND 8><9~BAND 9>>",
        ),
        (
            "GPL<PL_USAGE,IO=I,PRODUCT=V,DATACAT=P>",
            "GPLA<ERROR=0,PL_USAGE=<1~INTERSTATE><2~INTRASTATE><3~INTERNATIONAL>"
            "<4~INTRASTATE-INTRALATA><5~INTRACITY-INTL><6~INTRALATA><7~800 INTL-INBOUND>>",
        ),
        (
            "GPL<PL_LANG>",
            "GPLA<ERROR=0,PL_LANG=<1234~AMERICAN ENGLISH><1235~CANADIAN FRENCH><1236~SPANISH>>",
        ),
        (
            "GPL<PL_CURR=>",
            "GPLA<ERROR=0,PL_CURR=<2345~AMERICAN DOLLAR><2346~CANADIAN DOLLAR>"
            "<2347~MEXICAN PESO><2348~POUND STERLING>>",
        ),
        (
            "GPL<PL_HIER,USERRPTID=245>",
            "GPLA<ERROR=0,PL_HIER=INBOUND<<90000001,90000001><NA,NA><NA,NA>>"
            "INBOUND<<90000002,90000002><NA,NA><NA,NA>>"
            "INBOUND<<90000003,90000003><NA,NA><NA,NA>>"
            "INBOUND<<90000004,90000004><NA,NA><NA,NA>>"
            "OUTBOUND<<90000003,90000003><NA,NA><NA,NA>>"
            "OUTBOUND<<90000004,90000004><NA,NA><NA,NA>>"
            "OUTBOUND<<90000004,90000004><Y0000001,HEAD OFFICE><NA,NA>>"
            "OUTBOUND<<90000004,90000004><Y0000001,HEAD OFFICE><N0000001,DENVER>>>",
        ),
        (
            "GPL<PL_GEO,USERRPTID=245>",
            "GPLA<ERROR=0,PL_GEO=GEO<<001,001 USA/WORLDZONE1><NA,NA><NA,NA><NA,NA><NA,NA>>"
            "GEO<<001,001 USA/WORLDZONE1><CO,CO><NA,NA><NA,NA><NA,NA>>"
            "GEO<<001,001 USA/WORLDZONE1><CO,CO><719,719><NA,NA><NA,NA>>"
            "GEO<<001,001 USA/WORLDZONE1><CO,CO><719,719><COLO SPGS,COLO SPGS><NA,NA>>"
            "GEO<<001,001 USA/WORLDZONE1><CO,CO><719,719><COLO SPGS,COLO SPGS><535,535>>"
            "GEO<<001,001 USA/WORLDZONE1><NY,NY><NA,NA><NA,NA><NA,NA>>"
            "GEO<<001,001 USA/WORLDZONE1><NY,NY><212,212><NA,NA><NA,NA>>"
            "GEO<<044,044 UNITED KINGDOM><NA,NA><NA,NA><NA,NA><NA,NA>>>",
        ),
    ],
)
def test_a_pick_list(rm, jeanvnet2: Customer, message: str, response: str) -> None:
    assert rm(message, jeanvnet2) == response


def test_the_access_codes_of_the_examples_are_there(rm, jeanvnet2: Customer) -> None:
    # OACCESS=<4~1> in the ARD example, IACCESS 7 in Appendix A.
    outbound = rm("GPL<PL_ACCESS,IO=O,PRODUCT=S,DATACAT=P>", jeanvnet2)
    inbound = rm("GPL<PL_ACCESS,IO=I,PRODUCT=S,DATACAT=P>", jeanvnet2)
    assert "<4~" in outbound
    assert "<1~" in outbound
    assert "<7~" in inbound


@pytest.mark.parametrize("name", ["PL_HIER", "PL_GEO"])
@pytest.mark.parametrize("number", ["3415", "150", "99999"])
def test_a_hierarchy_needs_a_report_of_ones_own(
    rm, jeanvnet2: Customer, name: str, number: str
) -> None:
    assert rm(f"GPL<{name},USERRPTID={number}>", jeanvnet2) == "GPLA<ERROR=6109>"


def test_a_hierarchy_is_that_of_the_reports_enterprise(rm, lynne: Customer) -> None:
    expected = "GPLA<ERROR=0,PL_HIER=INBOUND<<99920046,99920046><NA,NA><NA,NA>>"
    assert rm("GPL<PL_HIER,USERRPTID=150>", lynne).startswith(expected)
    assert rm.native("GPL<PL_HIER,USERRPTID=150>").startswith(expected)


def test_a_row_of_a_hierarchy_can_be_put_into_an_ard(rm, jeanvnet2: Customer) -> None:
    rows = rm("GPL<PL_HIER,USERRPTID=245>", jeanvnet2)[len("GPLA<ERROR=0,PL_HIER=") : -1]
    places = rm("GPL<PL_GEO,USERRPTID=245>", jeanvnet2)[len("GPLA<ERROR=0,PL_GEO=") : -1]
    assert (
        rm(
            "ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=n,PRODUCT=S,CATEGORY=c,"
            f"SCHEDTYPE=R,TIMEZONE=45,BILLING={rows},GEO={places},EMAIL=0,PAGE=0>",
            jeanvnet2,
        )
        == "ARDA<ERROR=0,USERRPTID=3416>"
    )
    assert f"<BILLING,{rows},PL_HIER>" in rm("GURD<REPORTID=3416>", jeanvnet2)


@pytest.mark.parametrize(
    ("datacat", "rows"),
    [("P", "<p~priced>"), ("U", "<u~unpriced>"), ("B", "<p~priced><u~unpriced>")],
)
def test_a_data_category_chooses_its_own_rows_and_those_of_both(
    rm, jeanvnet2: Customer, datacat: str, rows: str
) -> None:
    place = {"list": "PL_USAGE", "product": "H", "io": "B"}
    with rm.store.write() as connection:
        connection.execute(
            insert(schema.pick_list_values),
            [
                {**place, "position": 0, "datacat": "P", "code": "p", "description": "priced"},
                {**place, "position": 1, "datacat": "U", "code": "u", "description": "unpriced"},
                {**place, "position": 2, "datacat": "B", "code": "b", "description": "both"},
            ],
        )
    message = f"GPL<PL_USAGE,IO=O,PRODUCT=H,DATACAT={datacat}>"
    assert rm(message, jeanvnet2) == f"GPLA<ERROR=0,PL_USAGE={rows}<b~both>>"
