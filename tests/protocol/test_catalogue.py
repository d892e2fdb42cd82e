"""The tables of Appendices A to G, as a second, literal list, and the loader's refusals."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import pytest

from starwire.grammar import fold
from starwire.protocol.catalogue import (
    MessageSpec,
    ParameterSpec,
    catalogue,
)
from starwire.protocol.catalogue.loading import FILES
from starwire.protocol.checks import CHECKS
from starwire.protocol.codes import codes
from starwire.protocol.forms import FORMS

TABLES = {
    # Name, ! for required and ? for required when, : and the length; + is no line of the print.
    "GRTL request": "PRODUCT!:1 DATATYPE!:1 DATACAT!:1 IO!:1",
    "SRTL response": "ERROR!:4 REPORTS",
    "GRTD request": "REPORTID!:10",
    "SRTD response": "ERROR!:4 ID!:10 NODE",
    "GURL request": "USERID!:20 RPTTMPID!:10 ENTPID!:8 PRODUCT!:1 DATACAT!:1",
    "SURL response": "ERROR!:4 REPORTS",
    "GURD request": "REPORTID!:10",
    "SURD response": "ERROR!:4 ID!:10 NODE",
    "ARD client request": (
        "USERID!:20 ENTPID!:8 STDRPTID!:10 NAME!:100 PRODUCT!:1 CATEGORY! "
        "THRESHOLD(RECCOUNT!:4 RANKING:3 DURATION:4 ANI:3) SCHEDULE(START?:12 END?:12) "
        "RANGETYPE?:1 SCHEDTYPE!:1 TIMEZONE!:3 NDIALED? BILLING? CARDNO IDAC GEO IACCESS "
        "OACCESS IDISTRANGE IUSAGE ODISTRANGE OUSAGE SORTBY DESCRIPTION? COLUMNS ACTIVE:1 "
        "DURRANGE TOTALMODE:1 SUBTOTCOL?:20 MMADDR:75 MMTEXT:500 PGT:15 PGPIN:8 PGTXT:240 "
        "EMAIL!:1 PAGE!:1 LANG:4 CURR:4"
    ),
    "ARDA client response": "ERROR!:4 USERRPTID:10",
    "DRD request": "USERID!:20 USERRPTID!:10",
    "DRDA response": "ERROR!:4 USERRPTID:10",
    "CRD request": "USERRPTID!:10 NAME!:50",
    "CRDA response": "ERROR!:4 USERRPTID:10",
    "URS request": "USERRPTID!:10 ACTIVE!:1",
    "URSA response": "ERROR!:4 USERRPTID:10",
    "GPL PL_ACCESS request": "PL_ACCESS! IO!:1 PRODUCT!:1 DATACAT!:1 +ERROR:4",
    "GPLA PL_ACCESS response": "ERROR!:4 PL_ACCESS!",
    "GPL PL_FIELDS request": "PL_FIELDS! RPTTMPID!:10 +ERROR:4",
    "GPLA PL_FIELDS response": "ERROR!:4 PL_FIELDS!",
    "GPL PL_DURATION request": "PL_DURATION! +ERROR:4",
    "GPLA PL_DURATION response": "ERROR!:4 PL_DURATION!",
    "GPL PL_TIMEZONE request": "PL_TIMEZONE! +ERROR:4",
    "GPLA PL_TIMEZONE response": "ERROR!:4 PL_TIMEZONE!",
    "GPL PL_HIER request": "PL_HIER! USERRPTID!:10 +ERROR:4",
    "GPLA PL_HIER response": "ERROR!:4 PL_HIER!",
    "GPL PL_GEO request": "PL_GEO! USERRPTID!:10 +ERROR:4",
    "GPLA PL_GEO response": "ERROR!:4 PL_GEO!",
    "GPL PL_RANGE request": "ERROR:4 PL_RANGE! IO!:1 PRODUCT!:1 DATACAT!:1",
    "GPLA PL_RANGE response": "ERROR!:4 PL_RANGE!",
    "GPL PL_USAGE request": "ERROR:4 PL_USAGE! IO!:1 PRODUCT!:1 DATACAT!:1",
    "GPLA PL_USAGE response": "ERROR!:4 PL_USAGE!",
    "GPL PL_LANG request": "ERROR:4 PL_LANG!",
    "GPLA PL_LANG response": "ERROR!:4 PL_LANG!",
    "GPL PL_CURR request": "ERROR:4 PL_CURR!",
    "GPLA PL_CURR response": "ERROR!:4 PL_CURR!",
    "ARD fulfilling request": (
        "ENTPID!:8 USERID!:20 STDRPTID!:10 USERRPTID!:10 REQUESTID!:10 PRODUCT!:1 "
        "THRESHOLD!(RECCOUNT:10 RANKING:3 DURATION:4 ANI:3) COLUMNS! FILTERS?(NDIALED? "
        "BILLING? DURRANGE CARDNO IDISTRANGE ODISTRANGE IUSAGE OUSAGE IDAC GEO IACCESS "
        "OACCESS) SORTBY! TIMEZONE!(LABEL!:3 OFFSET!:5) SCHEDULE!(START?:12 END?:12) "
        "TOTALMODE?:1 SUBTOTCOL?"
    ),
    "ARDA fulfilling response": "ERROR!:4 USERRPTID:10 REQUESTID!:10",
    "NRL request": (
        "TYPE!:30 ENTPID!:8 USERID!:20 STDRPTID!:10 USERRPTID?:10 REQUESTID?:10 PRIORITY?:1 "
        "COMPRESS!:1 LOC!:255 FSIZE!:10 REPORTTITLE?:100 PRESORTED!:1 ERR:1 TOTAL CATEGORY?:1 "
        "+FULSERVER?:8"
    ),
    "NRLA response": "ERROR!:4 USERID!:20 USERRPTID:10 REQUESTID:10",
    "A request": (
        "SEV?:1 CATEGORY!:1 TYPE!:30 +REQUESTID:10 USERID!:20 RPTID?:30 PRIORITY?:1 "
        "COMPRESS!:1 UNOTIFY:1 MMADDR:75 MMTEXT:500 PGT:1 PGPIN:8 PGTXT:240 RPTCATEGORY?:50 "
        "LOC!:255 ENTPID!:8 RQSTDT?:16 FSIZE!:10 RPTTITLE!:255 MSIZE?:10 ERRFLAG:1"
    ),
    "Z A response": "REQ!:1 ERROR! INBOXID:10",
    "D one request": "INBOXID!:10",
    "D all request": "USERID!:20 ENTPID!:8",
    "Z D response": "REQ!:1 ERROR!:4",
    "L request": "ENTPID!:8 USERID!:20 CATEGORY!:1 INBOXID:25",
    "Z L response": "REQ!:1 ERROR!:4 INBOXID:25 TTL:3 +ITEMS",
    "F request": "INBOXID!:10 +WHAT",
    "Z F response": "+REQ!:1 +ERROR!:4 +INBOXID!:10 +FSIZE!:10",
    "U request": "ENTPID!:8 USERID!:20 INBOXID!:10 TTL?:3 ACK:1 +CATEGORY:1",
    "Z U response": "REQ!:1 ERROR!",
    "Z refusal response": "+REQ:8 +ERROR!:4",
    "METADATA request": "+USERRPTID!:10",
    "METADATA response": (
        "+ERROR:4 METADATA!(CRITERIA!(Name!:100 Total_Inbound_Amount Total_Outbound_Amount "
        "Total_Amount Total_Inbound_Minutes Total_Outbound_Minutes Total_Minutes "
        "Total_Inbound_Calls Total_Outbound_Calls Total_Calls Total Description!:100 "
        "Report_Level Options Supp_Code Access_Type Card_Number ID/Accounting_Codes "
        "Number_Dialed Range Usage Scheduling_Information One_Time Recurring Dates! Time_zone "
        "Lang:4 Curr:4) DEFAULT_GRAPH_MODE!:1 DEFAULT_GRAPH_TYPE!:1 DEFINE_X_AXIS!:1 "
        "X_AXIS_COLUMN? DEFAULT_Y_COLUMN COLUMN_DISPLAY_ORDER! COLUMN_STORED_ORDER "
        "SORT_ALLOWED!:1 PRESORTED!:1 +PRESUBTOTALED:1 TOTALMODE!:1 +SORT_COLUMNS SUBTOTCOL? "
        "SELECTED_SECTION!:1 METACOLUMN(META_COLUMN_ID! COLUMN_LABEL! DATATYPE! DECIMAL "
        "HIDEABLE!:1 GRAPHABLE!:1 WIDTH! CALCULATE!:1 CALCULATE_EXPRESSION?))"
    ),
    "VUM request": "+USERID!:20 +PASSWORD!:64",
    "VUMA response": "+ERROR!:4 +USERID!:20 +ENTPID!:8",
    "GUA request": "+USERID!:20",
    "GUAA response": "+ERROR!:4 +APPS!",
    "CKM request": "+USERID!:20 +ENTPID!:8",
    "CKMA response": "+ERROR!:4 +KEY!",
    "CKG request": "+KEY!",
    "CKGA response": "+ERROR!:4 +USERID!:20 +ENTPID!:8",
    "CKD request": "+KEY!",
    "CKDA response": "+ERROR!:4",
}

MARKS = {"yes": "!", "no": "", "when": "?"}


def name_of(spec: MessageSpec) -> str:
    return " ".join(filter(None, (spec.acronym, spec.variant, spec.direction)))


def outline(lines: tuple[ParameterSpec, ...]) -> str:
    return " ".join(map(outlined, lines))


def outlined(line: ParameterSpec) -> str:
    added = "+" if line.source == "C" else ""
    length = f":{line.length}" if line.length else ""
    members = f"({outline(line.members)})" if line.members else ""
    return f"{added}{line.name}{MARKS[line.required]}{length}{members}"


MESSAGES = {name_of(spec): spec for spec in catalogue().messages}
LINES = [
    pytest.param(spec, line, id=f"{name}-{line.name}")
    for name, spec in MESSAGES.items()
    for line in spec.walk()
]


# ---- what the appendices print -------------------------------------------------------------------


def test_every_message_is_there_and_no_other() -> None:
    assert list(MESSAGES) == list(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_the_table_of_a_message(name: str) -> None:
    assert outline(MESSAGES[name].parameters) == TABLES[name]


def test_how_much_the_appendices_print() -> None:
    """Delete's acknowledgment is printed twice, alike; Appendix F is the answer to METADATA."""
    printed = Counter(spec.where for spec in MESSAGES.values())
    assert printed == {
        "Appendix A": 36,
        "Appendix B": 2,
        "Appendix C": 2,
        "Appendix D": 2,
        "Appendix F": 1,
        "Appendix G": 8,
        "CAT-06": 1,
        "CAT-08": 1,
        "ERR-02": 1,
        "WEB-04": 4,
        "WEB-09": 6,
    }


def test_ten_pick_lists_with_their_answers() -> None:
    lists = {spec.variant for spec in MESSAGES.values() if spec.acronym == "GPL"}
    assert lists == {
        *("PL_ACCESS", "PL_FIELDS", "PL_DURATION", "PL_TIMEZONE", "PL_HIER"),
        *("PL_GEO", "PL_RANGE", "PL_USAGE", "PL_LANG", "PL_CURR"),
    }
    for variant in lists:
        request = catalogue().message("GPL", variant)
        assert catalogue().answer(request) is catalogue().message("GPLA", variant, "response")


VALUES = {
    ("GRTL request", "PRODUCT"): "V C S T H",
    ("GRTL request", "DATATYPE"): "R D A",
    ("GRTL request", "DATACAT"): "P U",
    ("GRTL request", "IO"): "I O B",
    ("GURL request", "PRODUCT"): "V C S T H",
    ("GURL request", "DATACAT"): "P U",
    ("GPL PL_ACCESS request", "PL_ACCESS"): "PL_ACCESS",
    ("GPL PL_ACCESS request", "IO"): "I O",
    ("GPL PL_ACCESS request", "DATACAT"): "U P B",
    ("GPL PL_RANGE request", "DATACAT"): "U P B",
    ("GPL PL_USAGE request", "IO"): "I O",
    ("ARD client request", "PRODUCT"): "V C S T H",
    ("ARD client request", "SCHEDULE"): "A H D W M",
    ("ARD client request", "RANGETYPE"): "1 0",
    ("ARD client request", "SCHEDTYPE"): "A R",
    ("ARD client request", "ACTIVE"): "0 1",
    ("ARD client request", "TOTALMODE"): "0 1 2 3",
    ("ARD client request", "EMAIL"): "0 1",
    ("ARD client request", "PAGE"): "0 1",
    ("URS request", "ACTIVE"): "0 1",
    ("ARD fulfilling request", "PRODUCT"): "V C S T H",
    ("ARD fulfilling request", "SCHEDULE"): "A H D W M",
    ("ARD fulfilling request", "TOTALMODE"): "0 1 2 3",
    ("NRL request", "PRIORITY"): "1 2 3 4 5",
    ("NRL request", "COMPRESS"): "0 1",
    ("NRL request", "PRESORTED"): "0 1",
    ("NRL request", "ERR"): "0 1",
    ("NRL request", "CATEGORY"): "R D F",
    ("A request", "SEV"): "1 2 3",
    ("A request", "CATEGORY"): "R D F",
    ("A request", "PRIORITY"): "1 2 3 4 5",
    ("A request", "COMPRESS"): "0 1",
    ("A request", "UNOTIFY"): "0 1 2 3",
    ("A request", "ERRFLAG"): "0 1",
    ("L request", "CATEGORY"): "R D F",
    ("F request", "WHAT"): "DATA METADATA",
    ("U request", "ACK"): "0 1",
    ("U request", "CATEGORY"): "R D F",
    ("METADATA response", "DEFAULT_GRAPH_MODE"): "0 1 2",
    ("METADATA response", "DEFAULT_GRAPH_TYPE"): "0 1 2 3 4",
    ("METADATA response", "DEFINE_X_AXIS"): "0 1",
    ("METADATA response", "TOTALMODE"): "0 1 2 3",
    ("METADATA response", "SELECTED_SECTION"): "0 1",
    ("METADATA response", "DATATYPE"): "S C I N D L",
    ("METADATA response", "CALCULATE"): "0 1",
}


@pytest.mark.parametrize(("name", "parameter"), VALUES)
def test_acceptable_values(name: str, parameter: str) -> None:
    [line] = [line for line in MESSAGES[name].walk() if line.name == parameter]
    assert " ".join(line.values or ()) == VALUES[name, parameter]


CONDITIONS = {
    ("ARD client request", "START"): [{"SCHEDULE": ("A",)}],
    ("ARD client request", "RANGETYPE"): [{"SCHEDTYPE": ("A",)}],
    ("ARD client request", "NDIALED"): [{"@server": ("TVS",)}],
    ("ARD client request", "BILLING"): [
        {"@server": ("ODS",)},
        {"@server": ("TVS",), "@io": ("O", "B")},
    ],
    ("ARD client request", "DESCRIPTION"): [{"@description": ("no",)}],
    ("ARD client request", "SUBTOTCOL"): [{"TOTALMODE": ("1", "3")}],
    ("ARD fulfilling request", "BILLING"): [
        {"@server": ("ODS",)},
        {"@server": ("TVS",), "PRODUCT": ("S", "V"), "@io": ("O", "B")},
    ],
    ("ARD fulfilling request", "TOTALMODE"): [{"@server": ("ODS",)}],
    ("NRL request", "USERRPTID"): [{"REPORTTITLE": ("-",)}],
    ("NRL request", "REQUESTID"): [{"USERRPTID": ("*",)}],
    ("NRL request", "PRIORITY"): [{"CATEGORY": ("F",)}],
    ("NRL request", "REPORTTITLE"): [{"USERRPTID": ("-",)}],
    ("NRL request", "CATEGORY"): [{"@sender": ("STAROE",)}],
    ("NRL request", "FULSERVER"): [{"@fulserver": ("on",)}],
    ("A request", "SEV"): [{"UNOTIFY": ("1", "2", "3")}],
    ("A request", "RPTID"): [{"CATEGORY": ("R", "D")}],
    ("A request", "PRIORITY"): [{"CATEGORY": ("F",)}],
    ("A request", "RPTCATEGORY"): [{"CATEGORY": ("R",)}],
    ("A request", "RQSTDT"): [{"CATEGORY": ("R", "D")}],
    ("A request", "MSIZE"): [{"CATEGORY": ("R", "D")}],
    ("U request", "TTL"): [{"ACK": ("-",)}],
    ("METADATA response", "X_AXIS_COLUMN"): [{"DEFINE_X_AXIS": ("1",)}],
    ("METADATA response", "SUBTOTCOL"): [{"TOTALMODE": ("1", "3")}, {"SELECTED_SECTION": ("1",)}],
    ("METADATA response", "CALCULATE_EXPRESSION"): [{"CALCULATE": ("1",)}],
}


@pytest.mark.parametrize(("name", "parameter"), CONDITIONS)
def test_required_when(name: str, parameter: str) -> None:
    [line] = [line for line in MESSAGES[name].walk() if line.name == parameter]
    assert list(line.when) == CONDITIONS[name, parameter]


def test_reads_that_may_be_asked_twice() -> None:
    """DSP-06; METADATA is asked on a native port, where no dispatcher stands between."""
    reads = {"GRTL", "GRTD", "GURL", "GURD", "GPL", "L", "F", "VUM", "GUA", "METADATA"}
    assert {spec.acronym for spec in MESSAGES.values() if spec.read} == reads
    assert catalogue().reads == reads


DOORS = {
    "rm": "GRTL GRTD GURL GURD ARD DRD CRD URS GPL",
    "rs": "URS",
    "inbox": "D L F U",
    "staroe": "VUM GUA",
    "rm-native": "GRTL GRTD GURL GURD ARD DRD CRD URS GPL ARDA NRL METADATA",
    "inbox-native": "A D L F U",
    "jar": "CKM CKG CKD",
    "bus": "ARD ARDA NRL",
}


@pytest.mark.parametrize("door", DOORS)
def test_what_comes_in_by_a_door(door: str) -> None:
    acronyms = {spec.acronym for spec in MESSAGES.values()}
    known = {acronym for acronym in acronyms if catalogue().find(door, acronym)}
    assert known == set(DOORS[door].split())


def test_the_doors() -> None:
    assert set(catalogue().doors) == set(DOORS)
    families = {name: door.family for name, door in catalogue().doors.items()}
    assert {name for name, family in families.items() if family == "INBOX"} == {
        "inbox",
        "inbox-native",
    }


@pytest.mark.parametrize("acronym", ["DUR", "GRD", "", "grtl"])
def test_no_messages(acronym: str) -> None:
    assert not any(catalogue().find(door, acronym) for door in DOORS)


def test_an_unknown_door_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="cellar"):
        catalogue().find("cellar", "GRTL")


def test_the_dialect_of_ard_goes_by_the_door() -> None:
    found = {door: [one.variant for one in catalogue().find(door, "ARD")] for door in DOORS}
    assert found["rm"] == found["rm-native"] == ["client"]
    assert found["bus"] == ["fulfilling"]
    assert [one.variant for one in catalogue().find("rm", "ARDA", "response")] == ["client"]


def test_answers() -> None:
    answers = {
        name_of(spec): name_of(catalogue().answer(spec)).removesuffix(" response")
        for spec in MESSAGES.values()
        if spec.reply and spec.acronym != "GPL"
    }
    assert answers == {
        "GRTL request": "SRTL",
        "GRTD request": "SRTD",
        "GURL request": "SURL",
        "GURD request": "SURD",
        "ARD client request": "ARDA client",
        "ARD fulfilling request": "ARDA fulfilling",
        "ARDA fulfilling response": "ARDA fulfilling",
        "DRD request": "DRDA",
        "CRD request": "CRDA",
        "URS request": "URSA",
        "NRL request": "NRLA",
        "A request": "Z A",
        "D one request": "Z D",
        "D all request": "Z D",
        "L request": "Z L",
        "F request": "Z F",
        "U request": "Z U",
        "METADATA request": "METADATA",
        "VUM request": "VUMA",
        "GUA request": "GUAA",
        "CKM request": "CKMA",
        "CKG request": "CKGA",
        "CKD request": "CKDA",
    }


def test_ids_that_an_error_repeats() -> None:
    """CAT-04."""
    echoed = {
        name: [line.name for line in spec.walk() if line.echoed] for name, spec in MESSAGES.items()
    }
    assert {name: names for name, names in echoed.items() if names} == {
        "ARDA fulfilling response": ["USERRPTID", "REQUESTID"],
        "NRLA response": ["USERID", "USERRPTID", "REQUESTID"],
    }


def test_names_that_stand_for_others() -> None:
    """SYN-06."""
    aliases = {alias.name: (alias.others, alias.only) for alias in catalogue().aliases}
    assert aliases == {
        "DATACAT": (("DATA CAT",), ()),
        "RPTTMPID": (("RPTTMPLID",), ()),
        "SUBTOTCOL": (("SUBTOTALCOLUMNS", "SUBTOTAL_COLUMNS"), ()),
        "PGTXT": (("PGTXL",), ()),
        "RPTCATEGORY": (("RPTCATEGORIES",), ()),
        "SORT_COLUMNS": (("SORT_COLUMN S",), ()),
        "DEFAULT_Y_COLUMNS": (("DEFAULT_Y_COLUMN",), ()),
        "TIME_ZONE": (("TIMEZONE",), ("METADATA",)),
        "ID": (("REPORT TEMPLATE ID",), ()),
        "COMPRESS": (("COMP",), ()),
    }
    assert all(alias.ground for alias in catalogue().aliases)


def test_an_alias_reaches_the_lines_that_it_is_for() -> None:
    def names(message: str, parameter: str) -> set[str]:
        [line] = [line for line in MESSAGES[message].walk() if line.name == parameter]
        return set(line.names)

    assert names("GRTL request", "DATACAT") == {"DATACAT", "DATA CAT"}
    assert names("METADATA response", "Time_zone") == {"TIME_ZONE", "TIMEZONE"}
    assert names("ARD client request", "TIMEZONE") == {"TIMEZONE"}
    assert names("METADATA response", "DEFAULT_Y_COLUMN") == {
        "DEFAULT_Y_COLUMN",
        "DEFAULT_Y_COLUMNS",
    }


def test_metadata_is_spelled_as_printed() -> None:
    """CAT-08."""
    [criteria] = [line for line in MESSAGES["METADATA response"].walk() if line.name == "CRITERIA"]
    names = [line.name for line in criteria.members]
    assert names[:3] == ["Name", "Total_Inbound_Amount", "Total_Outbound_Amount"]
    assert "ID/Accounting_Codes" in names


# ---- that the tables are sound -------------------------------------------------------------------


@pytest.mark.parametrize(("spec", "line"), LINES)
def test_every_line_is_titled_and_every_addition_has_its_ground(
    spec: MessageSpec, line: ParameterSpec
) -> None:
    assert line.title
    assert line.source == "S" or line.ground


def test_every_correction_has_its_ground() -> None:
    """CAT-03: where the line says something else than the print."""
    corrected = {
        ("CRD request", "USERRPTID"),
        ("URS request", "USERRPTID"),
        ("A request", "RQSTDT"),
        ("A request", "SEV"),
        ("A request", "REQUESTID"),
        ("U request", "CATEGORY"),
        ("U request", "TTL"),
        ("U request", "INBOXID"),
        ("F request", "INBOXID"),
        ("F request", "WHAT"),
        ("NRL request", "FULSERVER"),
        ("NRL request", "USERRPTID"),
        ("NRLA response", "USERRPTID"),
        ("ARD client request", "START"),
        ("ARD client request", "DESCRIPTION"),
        ("ARD client request", "RANGETYPE"),
        ("ARD client request", "TIMEZONE"),
        ("ARD fulfilling request", "FILTERS"),
        ("ARD fulfilling request", "OFFSET"),
        ("GPL PL_RANGE request", "ERROR"),
        ("GPL PL_DURATION request", "ERROR"),
        ("METADATA response", "PRESUBTOTALED"),
        ("METADATA response", "SORT_COLUMNS"),
        ("METADATA response", "Total"),
        ("METADATA response", "Report_Level"),
        ("METADATA response", "Options"),
        ("METADATA response", "One_Time"),
        ("METADATA response", "Recurring"),
        ("METADATA response", "Time_zone"),
        ("METADATA response", "COLUMN_STORED_ORDER"),
        ("Z L response", "ITEMS"),
    }
    grounds = {
        (name, line.name): line.ground for name, spec in MESSAGES.items() for line in spec.walk()
    }
    assert all(grounds[one] for one in corrected)


def test_every_message_that_is_not_printed_has_its_ground() -> None:
    printed = {name for name, spec in MESSAGES.items() if spec.where.startswith("Appendix")}
    assert all(spec.ground for name, spec in MESSAGES.items() if name not in printed)


def test_every_form_and_check_and_fact_is_used() -> None:
    lines = [line for spec in MESSAGES.values() for line in spec.walk()]
    checks = [check for spec in MESSAGES.values() for check in spec.checks]
    conditions = [*(line.when for line in lines), *(check.when for check in checks)]
    asked = {name for condition in conditions for tests in condition for name in tests}
    listed = {line.listed for line in lines if line.listed}
    assert {line.form for line in lines} == set(FORMS)
    assert {check.check for check in checks} == set(CHECKS)
    assert {name[1:] for name in asked if name[0] == "@"} | listed == set(catalogue().facts)


def test_own_codes_name_their_parameter() -> None:
    """The texts of 6801 to 6842 name one, which is the line's, by one of its names."""
    named = {code.code: code.text.split()[0] for code in codes() if 6801 <= code.code <= 6842}
    for spec in MESSAGES.values():
        for line in spec.walk():
            for code in (line.missing, line.empty):
                if code in named:
                    assert named[code] in line.names


def test_a_line_by_name_or_alias() -> None:
    grtl = MESSAGES["GRTL request"]
    assert grtl.parameter("data cat") is grtl.parameter("DATACAT")
    with pytest.raises(KeyError, match="IACCESS"):
        grtl.parameter("IACCESS")


def test_the_catalogue_is_made_once() -> None:
    assert catalogue() is catalogue()


def test_an_unknown_message() -> None:
    with pytest.raises(KeyError, match="ARD request"):
        catalogue().message("ARD")


def test_every_file_is_read() -> None:
    there = {one.name for one in files("starwire.protocol.catalogue").iterdir()}
    assert {name for name in there if name.endswith(".toml")} == {*FILES, "vocabulary.toml"}


def test_folded_names_are_unique_in_every_table() -> None:
    for spec in MESSAGES.values():
        names = [name for line in spec.parameters for name in line.names]
        assert len(set(map(fold, names))) == len(names)
