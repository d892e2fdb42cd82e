"""The builders: table order, canonical names, the shapes of CAT-05, and refusals (SYN-08)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from starwire.grammar import Block, BuildError, parse
from starwire.protocol.catalogue import MessageSpec, ParameterSpec, catalogue
from starwire.protocol.messages import build_message, content_of, member, write
from starwire.protocol.validation import validate

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"


def built(acronym: str, values: Mapping[str, Any], **more: Any) -> str:
    return build_message(acronym, values, **more).decode("latin-1")


def answered(acronym: str, values: Mapping[str, Any], **more: Any) -> str:
    return built(acronym, values, direction="response", **more)


# ---- what is written -----------------------------------------------------------------------------


def test_fields_stand_in_table_order_whatever_the_caller_has() -> None:
    values = {"IO": "O", "DATACAT": "P", "DATATYPE": "R", "PRODUCT": "V"}
    assert built("GRTL", values) == "GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"


def test_names_are_found_by_alias_and_written_canonically() -> None:
    """SYN-06: the last name of a row."""
    assert built("GURL", {"data cat": "U", "RPTTMPLID": "1"}) == "GURL<RPTTMPID=1,DATACAT=U>"
    assert built("ARD", {"PGTXL": "x"}, variant="client") == "ARD<PGTXT=x>"
    assert built("A", {"COMP": "0", "RPTCATEGORIES": "c"}) == "A<COMPRESS=0,RPTCATEGORY=c>"
    ods = built("ARD", {"SUBTOTALCOLUMNS": ["5", "6"]}, variant="fulfilling")
    assert ods == "ARD<SUBTOTCOL=<5,6>>"


def test_the_client_example_is_built_as_printed() -> None:
    """But for its blank before CURR, and the order of the table."""
    values = {
        "USERID": "jeanvnet2",
        "ENTPID": "00022924",
        "STDRPTID": "90",
        "NAME": "City Summary Outbound",
        "PRODUCT": "S",
        "CATEGORY": "Analyze Traffic",
        "THRESHOLD": {"RECCOUNT": "20"},
        "SCHEDULE": ("A", {"START": ["199806020000"], "END": ["199807151200"]}),
        "RANGETYPE": "1",
        "SCHEDTYPE": "A",
        "TIMEZONE": "45",
        "BILLING": [
            ("INBOUND", [("90000003", "90000003"), ("NA", "NA"), ("NA", "NA")]),
            ("INBOUND", [("90000004", "90000004"), ("NA", "NA"), ("NA", "NA")]),
        ],
        "CARDNO": ["654654*", "5465465465465465"],
        "IDAC": ["46546546*", "1246"],
        "GEO": [
            ("GEO", [("001", "001 USA/WORLDZONE1"), *[("NA", "NA")] * 4]),
            ("GEO", [("001", "001 USA/WORLDZONE1"), ("CO", "CO"), *[("NA", "NA")] * 3]),
        ],
        "OACCESS": ["4", "1"],
        "ODISTRANGE": ["A", "F"],
        "OUSAGE": ["5", "4"],
        "SORTBY": ["54D"],
        "DESCRIPTION": (
            "This report summarizes call detail by the terminating city and state (USA) / province"
            " (CA). The report is based on the date/time ranges and report criteria selected."
        ),
        "COLUMNS": ["54", "55", "67", "62", "36", "61", "58", "63", "64", "66", "65"],
        "ACTIVE": "1",
        "TOTALMODE": "0",
        "EMAIL": "0",
        "PAGE": "0",
        "LANG": "1234",
        "CURR": "2345",
    }
    printed = (GOLDEN / "ard-client.printed.msg").read_text("latin-1")
    assert built("ARD", values, variant="client") == printed.replace(", CURR", ",CURR")


def test_the_example_of_the_scheduler_is_built_as_emended() -> None:
    """But for TIMEZONE, which stands before SCHEDULE in the table."""
    values = {
        "ENTPID": "00025677",
        "USERID": "1234",
        "STDRPTID": "101",
        "USERRPTID": "1234",
        "REQUESTID": "8855",
        "PRODUCT": "S",
        "THRESHOLD": {"RECCOUNT": "300"},
        "COLUMNS": ["44", "36", "58", "67", "61", "63", "62", "64", "65", "66"],
        "FILTERS": {"BILLING": [("", [("99920046", ""), ("", ""), ("", "")])]},
        "SORTBY": ["44A"],
        "SCHEDULE": ("A", {"START": ["199807300000"], "END": ["199807302359"]}),
        "TIMEZONE": {"LABEL": "MDT", "OFFSET": "6"},
        "TOTALMODE": "2",
        "SUBTOTCOL": [],
    }
    emended = (GOLDEN / "ard-fulfilling.emended.msg").read_text("latin-1")
    zone = "TIMEZONE=<LABEL=MDT,OFFSET=6>,"
    in_order = emended.replace(zone, "").replace("SCHEDULE", zone + "SCHEDULE")
    assert built("ARD", values, variant="fulfilling") == in_order


def test_several_ranges_of_a_schedule_stand_in_pairs() -> None:
    ranges = {"START": ["199806020000", "199808020000"], "END": ["199807020000", "199809020000"]}
    assert built("ARD", {"SCHEDULE": ("A", ranges)}, variant="client") == (
        "ARD<SCHEDULE=A<START=199806020000,END=199807020000,START=199808020000,END=199809020000>>"
    )


def test_a_schedule_without_ranges_is_a_text() -> None:
    assert built("ARD", {"SCHEDULE": "D"}, variant="client") == "ARD<SCHEDULE=D>"


def test_a_headed_value_whose_members_are_no_pairs() -> None:
    member_ = {"name": "N", "title": "N", "required": "no"}
    line = {"message": "GRTL", "name": "V", "title": "V", "required": "no"}
    headed = {**line, "form": "headed", "values": {"A": "a"}, "members": [member_]}
    own = catalogue().with_overlay({"parameters": [headed]})
    assert built("GRTL", {"V": ("A", {"N": "1"})}, catalogue=own) == "GRTL<V=A<N=1>>"


def test_free_text_keeps_its_commas() -> None:
    assert built("CRD", {"NAME": "north, south"}) == "CRD<NAME=north, south>"


def test_a_pick_list_by_name() -> None:
    assert built("GPL", {"PL_LANG": ""}) == "GPL<PL_LANG=>"
    assert built("GPL", {"io": "I", "pl_access": "PL_ACCESS"}) == "GPL<PL_ACCESS=PL_ACCESS,IO=I>"


@pytest.mark.parametrize(
    ("values", "octets"),
    [
        ({"REQ": "L", "ERROR": "5131"}, "Z<REQ=L,ERROR=5131>"),
        ({"ERROR": "0", "REQ": "A", "INBOXID": "7"}, "Z<REQ=A,ERROR=0,INBOXID=7>"),
        ({"ERROR": "5103", "REQ": "XYZ"}, "Z<REQ=XYZ,ERROR=5103>"),
    ],
)
def test_the_variant_goes_by_the_values(values: Mapping[str, Any], octets: str) -> None:
    assert answered("Z", values) == octets


def test_the_variant_goes_by_what_is_there() -> None:
    assert built("D", {"INBOXID": "1"}) == "D<INBOXID=1>"
    assert built("D", {"USERID": "a", "ENTPID": "00022924"}) == "D<USERID=a,ENTPID=00022924>"


@pytest.mark.parametrize(
    ("acronym", "variant", "reason"),
    [
        ("ARD", "", "ARD: 2 variants, name one"),
        ("GPL", "", "GPL: 0 variants, name one"),
        ("XYZ", "", "XYZ: 0 variants, name one"),
        ("ARD", "none", "ARD none request"),
    ],
)
def test_no_such_message_or_too_many(acronym: str, variant: str, reason: str) -> None:
    with pytest.raises(KeyError) as caught:
        build_message(acronym, {}, variant=variant)
    assert caught.value.args == (reason,)


def test_another_catalogue_than_the_shipped_one() -> None:
    line = {"message": "GRTL", "name": "REGION", "title": "Region", "required": "no"}
    own = catalogue().with_overlay({"parameters": [line]})
    assert built("GRTL", {"REGION": "west"}, catalogue=own) == "GRTL<REGION=west>"


# ---- shapes (CAT-05) -----------------------------------------------------------------------------


def test_categories_are_divided_by_commas() -> None:
    reports = [
        ("Financial", [("Longest Calls", "2", "P"), ("Usage", "3", "P")]),
        ("Marketing", [("State Summary", "4", "P")]),
        ("Other", [("Rest", "5", "U")]),
    ]
    assert answered("SRTL", {"ERROR": "0", "REPORTS": reports}) == (
        "SRTL<ERROR=0,REPORTS=<Financial=<Longest Calls,2,P>,<Usage,3,P>>,"
        "<Marketing=<State Summary,4,P>>,<Other=<Rest,5,U>>>"
    )


def test_one_category_needs_no_comma() -> None:
    assert answered("SURL", {"ERROR": "0", "REPORTS": [("C", [("T", "1", "1", "A", "")])]}) == (
        "SURL<ERROR=0,REPORTS=<C=<T,1,1,A,>>>"
    )


def test_nodes_are_numbered() -> None:
    nodes = [
        ("1", "General", "10", [("5", "text", "db"), ("6", "", "")]),
        ("1", "Report Name", "11", []),
    ]
    assert answered("SRTD", {"ERROR": "0", "ID": "44", "NODE": nodes}) == (
        "SRTD<ERROR=0,ID=44,NODE1=<1,General,10,<5,text,db>,<6,,>>,NODE2=<1,Report Name,11>>"
    )


def test_rows_stand_back_to_back() -> None:
    rows = [("1", "SHARED"), ("2", "DIAL-1")]
    assert answered("GPLA", {"ERROR": "0", "PL_ACCESS": rows}) == (
        "GPLA<ERROR=0,PL_ACCESS=<1~SHARED><2~DIAL-1>>"
    )


def test_a_list_in_an_answer() -> None:
    assert answered("GUAA", {"ERROR": "0", "APPS": ["RM", "RS", "INBOX"]}) == (
        "GUAA<ERROR=0,APPS=<RM~RS~INBOX>>"
    )


def test_totals_are_built_as_appendix_i_prints_them() -> None:
    totals = [("36", "3491.70"), ("58", "236.90"), ("67", "580")]
    printed = (GOLDEN / "nrl-totals.printed.msg").read_text("latin-1")
    assert built("NRL", {"TOTAL": totals}) == f"NRL<TOTAL={printed}>"


@pytest.mark.parametrize(
    ("text", "sent"),
    [("a,b", "a b"), ("a~b", "a b"), ("a=b", "a b"), ("a b", "a b"), ("\xa7", "\xa7"), ("", "")],
)
def test_a_member_has_a_blank_where_a_separator_would_be_read(text: str, sent: str) -> None:
    assert member(text) == sent


def test_members_of_every_row_are_sent_so() -> None:
    odd = "a,b~c=d"
    blank = "a b c d"
    assert answered("SRTL", {"REPORTS": [(odd, [(odd, "1", "P"), (odd, "2", "P")])]}) == (
        f"SRTL<REPORTS=<{blank}=<{blank},1,P>,<{blank},2,P>>>"
    )
    assert answered("GPLA", {"PL_LANG": [("1", odd)]}) == f"GPLA<PL_LANG=<1~{blank}>>"
    assert answered("SRTD", {"NODE": [("1", odd, "2", [("3", odd, "")])]}) == (
        f"SRTD<NODE1=<1,{blank},2,<3,{blank},>>>"
    )
    assert built("ARD", {"GEO": [("GEO", [("1", odd)])]}, variant="client") == (
        f"ARD<GEO=GEO<<1,{blank}>>>"
    )


# ---- metadata (CAT-08) ---------------------------------------------------------------------------

COLUMN = {
    "META_COLUMN_ID": "105",
    "COLUMN_LABEL": "Usage, Description",
    "DATATYPE": "S",
    "CALCULATE_EXPRESSION": "",
}


def test_metadata_has_soh_everywhere_but_before_the_graph_mode() -> None:
    values = {
        "METADATA": {
            "METACOLUMN": [COLUMN, {"META_COLUMN_ID": "114"}],
            "SORT_COLUMNS": ["105A"],
            "DEFAULT_Y_COLUMNS": [],
            "COLUMN_DISPLAY_ORDER": ["105", "114"],
            "DEFAULT_GRAPH_TYPE": "0",
            "DEFAULT_GRAPH_MODE": "0",
            "CRITERIA": {
                "DESCRIPTION": "By type, all",
                "NAME": "Usage",
                "REPORT_LEVEL": Block(["INBOUND", Block(Block("1", "1"))]),
                "TIMEZONE": "EST",
            },
        }
    }
    assert answered("METADATA", values) == (
        "<METADATA=<CRITERIA=<Name=Usage\x01Description=By type  all\x01"
        "Report_Level=<INBOUND<<1,1>>>\x01Time_zone=EST>DEFAULT_GRAPH_MODE=0\x01"
        "DEFAULT_GRAPH_TYPE=0\x01DEFAULT_Y_COLUMN=<>\x01COLUMN_DISPLAY_ORDER=<105\x01114>\x01"
        "SORT_COLUMNS=<105A>\x01METACOLUMN=<META_COLUMN_ID=105\x01"
        "COLUMN_LABEL=Usage  Description\x01DATATYPE=S\x01CALCULATE_EXPRESSION=>\x01"
        "METACOLUMN=<META_COLUMN_ID=114>>>"
    )


def test_metadata_without_criteria_begins_with_the_graph_mode() -> None:
    values = {"METADATA": {"DEFAULT_GRAPH_MODE": "0", "SORT_ALLOWED": "1"}}
    assert answered("METADATA", values) == "<METADATA=<DEFAULT_GRAPH_MODE=0\x01SORT_ALLOWED=1>>"


def test_metadata_that_fails_has_its_acronym() -> None:
    """ERR-02."""
    assert answered("METADATA", {"error": "6109"}) == "METADATA<ERROR=6109>"
    assert built("METADATA", {"USERRPTID": "1"}) == "METADATA<USERRPTID=1>"


# ---- sending again -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("20", "20"),
        (" 20 ", " 20 "),
        ("", ""),
        ("<54~55>", "<54~55>"),
        ("<54,55>", "<54,55>"),
        ("A<START=1,END=2>", "A<START=1,END=2>"),
        ("<<1,a><NA,NA>>", "<<1,a><NA,NA>>"),
        ("<<1,a>,<NA,NA>>", "<<1,a>,<NA,NA>>"),
        ("<1> , <2>", "<1>,<2>"),
        ("<1>,,<2>,", "<1><2>"),
        ("INBOUND<<1,a>> , INBOUND<<2,b>>", "INBOUND<<1,a>>INBOUND<<2,b>>"),
        ("<1> tail", "<1>tail"),
        ("<A=1><B=<C=2>>", "<A=1><B=<C=2>>"),
        ("<a<b>c>", "<a<b>c>"),
    ],
)
def test_a_value_that_was_received_can_be_sent_again(value: str, sent: str) -> None:
    received = parse(f"X<V={value}>".encode("latin-1"))["V"].value
    line = {"message": "GRTL", "name": "V", "title": "V", "required": "no", "form": "any"}
    [spec] = catalogue().with_overlay({"parameters": [line]}).find("rm", "GRTL")
    expected = f"GRTL<V={sent}>"
    assert write(spec, {"V": received}).decode("latin-1") == expected
    assert write(spec, {"V": content_of(received)}).decode("latin-1") == expected


def test_a_string_or_block_is_sent_as_it_is() -> None:
    assert built("ARD", {"COLUMNS": "54", "SORTBY": Block("54A")}, variant="client") == (
        "ARD<SORTBY=<54A>,COLUMNS=54>"
    )
    assert answered("SRTD", {"NODE": Block("1", "x", "2")}) == "SRTD<NODE=<1,x,2>>"


# ---- refusals (SYN-08) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acronym", "values", "parameter", "reason"),
    [
        ("GRTL", {"COLOUR": "red"}, "COLOUR", "is no parameter of GRTL at its place"),
        ("GRTL", {"IO": "<"}, "IO", "'<' cannot be data"),
        ("GRTL", {"IO": "\x01"}, "IO", "'\\x01' cannot be data"),
        ("GRTL", {"IO": "a,b"}, "IO", "',' cannot be data outside free text"),
        ("GRTL", {"IO": "\u20ac"}, "IO", "'\u20ac' is not ISO 8859-1"),
        ("GRTL", {"IO": ["a", "b"]}, "IO", "['a', 'b'] is no text"),
        ("CRD", {"NAME": "a>b"}, "NAME", "'>' cannot be data"),
        ("CRD", {"NAME": "a,b=c"}, "NAME", "'b=c' would be read as a key"),
    ],
)
def test_what_would_parse_differently_is_not_built(
    acronym: str, values: Mapping[str, Any], parameter: str, reason: str
) -> None:
    with pytest.raises(BuildError) as caught:
        build_message(acronym, values)
    assert (caught.value.parameter, caught.value.reason) == (parameter, reason)


def test_a_refusal_names_the_parameter_inside_a_group_or_list() -> None:
    for values, parameter in (
        ({"THRESHOLD": {"COUNT": "1"}}, "COUNT"),
        ({"THRESHOLD": {"RECCOUNT": "1,2"}}, "RECCOUNT"),
        ({"COLUMNS": ["5~6"]}, "COLUMNS"),
        ({"COLUMNS": ["5,6"]}, "COLUMNS"),
    ):
        with pytest.raises(BuildError) as caught:
            build_message("ARD", values, variant="client")
        assert caught.value.parameter == parameter


def test_pairs_that_are_none_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="shorter"):
        build_message("ARD", {"SCHEDULE": ("A", {"START": ["1"], "END": []})}, variant="client")


# ---- every message -------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "digits": "1",
    "id": "1",
    "number": "7",
    "mmss": "0130",
    "offset": "-5",
    "datetime": "1998-01-02 15:18",
    "entpid": "00022924",
    "list": ["4", "1"],
    "columns": ["54", "55"],
    "sort": ["54D"],
    "hierarchy": [("INBOUND", [("1", "Ann"), ("NA", "NA")]), ("", [("2", "")])],
    "reports": [("Cat", [("Title", "1", "P")]), ("Dog", [("Title", "2", "P")])],
    "node": [("1", "Label", "10", [("5", "x", "db")])],
    "totals": [("36", "3491.70")],
    "any": "anything",
}


def example(line: ParameterSpec) -> Any:
    if line.form == "group":
        members = {one.name: example(one) for one in line.members}
        return [members] if line.repeats else members
    if line.form == "headed":
        return "A", {"START": ["199806020000"], "END": ["199806030000"]}
    if line.values:
        return next(iter(line.values))
    if line.form == "rows":
        return [line.columns, line.columns]
    if line.free:
        return "a, b" if line.length is None or line.length > 3 else "a"
    if line.name in ("ERROR", "MMADDR"):
        return {"ERROR": "0", "MMADDR": "a@b"}[line.name]
    return VALUES.get(line.form, "y" * min(line.length or 3, 3))


@pytest.mark.parametrize("spec", catalogue().messages, ids=lambda spec: "-".join(spec.key))
def test_what_is_built_is_in_order(spec: MessageSpec) -> None:
    """Every parameter of every message, through the builder and the validation."""
    values = {line.name: example(line) for line in spec.parameters}
    if spec.nameless:
        del values["ERROR"]
    if spec.chosen_by.startswith("REQ="):
        values["REQ"] = spec.chosen_by[-1]
    if spec.variant == "refusal":
        values["ERROR"] = "5101"
    octets = write(spec, values)
    door = spec.doors[-1]
    read = validate(octets, door, catalogue=catalogue(), direction=spec.direction)
    assert read.spec is spec
    order = [read.reading.scope.names[field.name.rstrip("1")].name for field in read.message]
    assert order == [line.folded for line in spec.parameters if line.name in values]
