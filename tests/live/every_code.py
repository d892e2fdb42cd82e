"""A case for every code of Appendix E: what is there before, what is sent where, what comes back.

`{id}` in a message or an answer is the INBOXID of the item that the case itself has added.
"""

from __future__ import annotations

from typing import Any

import msgspec

CHAIN = {"rm": "RM", "rs": "RS", "inbox": "INBOX", "staroe": "STAROE"}
"""Doors behind web server and dispatcher, and their targets; the others are native ports."""
_LIMIT = 64
"""Groups within groups that a message may have (SYN-11)."""


class Case(msgspec.Struct, frozen=True):
    """One code provoked."""

    door: str
    message: bytes
    answer: bytes
    """How the response message begins."""
    fault: dict[str, Any] | None = None
    before: tuple[bytes, ...] = ()
    """Messages that were sent to the native port of the same server, and taken."""
    files: tuple[str, ...] = ()
    """Files of three octets that lie below the Inbox's root."""
    gone: tuple[str, ...] = ()
    """Of them, those that are deleted before the message is sent."""
    user: str = "jeanvnet2"
    strict: bool = False
    """Whether the emulator is configured as `STRICT` says."""


STRICT = """
[rm]
fulserver = true
servers = ["ODS"]
"""
"""NRL must name a fulfilling server, and TVS is none."""


def message(acronym: str, base: dict[str, str], **changes: str | None) -> bytes:
    """A message of these parameters; None leaves one out."""
    fields = {name: value for name, value in {**base, **changes}.items() if value is not None}
    return f"{acronym}<{','.join(f'{name}={value}' for name, value in fields.items())}>".encode()


_GRTL = {"PRODUCT": "V", "DATATYPE": "R", "DATACAT": "P", "IO": "O"}
_GURL = {
    "USERID": "jeanvnet2",
    "RPTTMPID": "1",
    "ENTPID": "00022924",
    "PRODUCT": "T",
    "DATACAT": "P",
}
_ARD = {
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
_OF_TVS = {"STDRPTID": "1", "PRODUCT": "T", "NDIALED": "<8007243624>"}
_AD_HOC = {
    "SCHEDULE": "A<START=199806020000,END=199807151200>",
    "SCHEDTYPE": "A",
    "RANGETYPE": "1",
}
_NRL = {
    "TYPE": "Sim-Msg-40",
    "ENTPID": "00022924",
    "USERID": "dorod",
    "STDRPTID": "40",
    "COMPRESS": "0",
    "LOC": "/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV",
    "FSIZE": "389",
    "PRESORTED": "0",
    "REPORTTITLE": "Hours",
    "CATEGORY": "R",
    "PRIORITY": "1",
}
_REQUESTED = {
    "USERRPTID": "3415",
    "REQUESTID": "20341",
    "REPORTTITLE": None,
    "CATEGORY": None,
    "PRIORITY": None,
}
_A = {
    "CATEGORY": "R",
    "TYPE": "traffic",
    "USERID": "jeanvnet2",
    "RPTID": "150",
    "COMPRESS": "0",
    "RPTCATEGORY": "Hours",
    "LOC": "/codes/none.csv",
    "ENTPID": "00022924",
    "RQSTDT": "1998-01-02 15:18",
    "FSIZE": "3",
    "RPTTITLE": "Summary",
    "MSIZE": "0",
}
_TOLD = {"UNOTIFY": "3", "SEV": "1"}
_LYNNE = {"USERID": "LynneLevy2", "ENTPID": "10324488"}
_L = {"ENTPID": "00022924", "USERID": "jeanvnet2", "CATEGORY": "R"}
_U = {"ENTPID": "00022924", "USERID": "jeanvnet2", "INBOXID": "1", "TTL": "9"}


def grtl(answer: bytes, **changes: str | None) -> Case:
    return Case("rm", message("GRTL", _GRTL, **changes), answer)


def gurl(answer: bytes, fault: dict[str, Any] | None = None, **changes: str | None) -> Case:
    return Case("rm", message("GURL", _GURL, **changes), answer, fault)


def ard(answer: bytes, *, strict: bool = False, **changes: str | None) -> Case:
    return Case("rm", message("ARD", _ARD, **changes), answer, strict=strict)


def nrl(code: int, *, strict: bool = False, ids: bytes = b",USERID=dorod", **changes: Any) -> Case:
    answer = b"NRLA<ERROR=%d%b>" % (code, ids)
    return Case("rm-native", message("NRL", _NRL, **changes), answer, strict=strict)


def add(code: int, **changes: str | None) -> Case:
    answer = b"Z<REQ=A,ERROR=%d>" % code
    return Case("inbox-native", message("A", _A, **changes), answer)


def noticed(code: int, fault: int = 0, **changes: str | None) -> Case:
    """An item that is stored, though nobody can be told."""
    loc = f"/codes/n{code}.csv"
    return Case(
        "inbox-native",
        message("A", {**_A, **_TOLD}, LOC=loc, **changes),
        b"Z<REQ=A,ERROR=%d,INBOXID=" % code,
        {"kind": "notification", "code": fault, "message": "A"} if fault else None,
        files=(loc,),
    )


def inbox(code: int, acronym: str, base: dict[str, str], **changes: str | None) -> Case:
    answer = b"Z<REQ=%b,ERROR=%d>" % (acronym.encode(), code)
    return Case("inbox", message(acronym, base, **changes), answer)


def failing(code: int, **fault: Any) -> Case:
    return gurl(b"SURL<ERROR=%d>" % code, {**fault, "message": "GURL"})


def inbox_failing(code: int, **fault: Any) -> Case:
    answer = b"Z<REQ=L,ERROR=%d>" % code
    return Case("inbox", message("L", _L), answer, {**fault, "message": "L"})


def made(code: int) -> dict[str, Any]:
    """What puts an item of its own there for a case."""
    loc = f"/codes/i{code}.csv"
    return {"before": (message("A", _A, LOC=loc),), "files": (loc,)}


REPORT_MANAGER = {
    0: grtl(b"SRTL<ERROR=0,REPORTS=<"),
    6050: Case(
        "rm-native",
        message("NRL", {**_NRL, **_REQUESTED}),
        b"NRLA<ERROR=6050,USERID=dorod,USERRPTID=3415,REQUESTID=20341>",
        before=(message("NRL", {**_NRL, **_REQUESTED}),),
    ),
    6101: failing(6101, kind="general-failure"),
    6102: Case("rm", b"GRTL" + b"<" * (_LIMIT + 1) + b">" * (_LIMIT + 1), b"GRTL<ERROR=6102>"),
    6103: grtl(b"SRTL<ERROR=6103>", PRODUCT="F"),
    6104: Case("rm", b"DUR<USERRPTID=245>", b"DUR<ERROR=6104>"),
    6105: failing(6105, kind="database-down"),
    6106: failing(6106, kind="statement-failure"),
    6107: Case("rm", b"GURD<REPORTID=2147483648>", b"SURD<ERROR=6107>"),
    6108: nrl(6108, LOC="/../etc/passwd"),
    6109: Case("rm", b"GURD<REPORTID=2147483647>", b"SURD<ERROR=6109>"),
    6110: failing(6110, kind="statement-failure", stage="connection"),
    6111: failing(6111, kind="statement-failure", stage="procedure"),
    6112: failing(6112, kind="statement-failure", stage="cursor"),
    6113: gurl(b"SURL<ERROR=6113>", ENTPID="  "),
    6114: ard(b"ARDA<ERROR=6114>", THRESHOLD="<ANI=1>"),
    6115: gurl(b"SURL<ERROR=6115>", USERID="dorod"),
    6116: ard(b"ARDA<ERROR=6116>", strict=True, **_OF_TVS),
    6600: nrl(6600, REPORTTITLE=None),
    6601: ard(b"ARDA<ERROR=6601>", **{**_OF_TVS, "NDIALED": None}),
    6602: ard(b"ARDA<ERROR=6602>", **{**_AD_HOC, "SCHEDULE": "A<END=199807151200>"}),
    6603: ard(b"ARDA<ERROR=6603>", **{**_AD_HOC, "SCHEDULE": "A<START=199806020000>"}),
    6610: grtl(b"SRTL<ERROR=6610>", REGION="1"),
    6611: Case("rm", b"", b"<ERROR=6611>"),
    6612: Case("rm", b"GRTL<PRODUCT=V", b"GRTL<ERROR=6612>"),
    6701: ard(b"ARDA<ERROR=6701>", TIMEZONE=None),
    6702: nrl(6702, **{**_REQUESTED, "REQUESTID": ""}, ids=b",USERID=dorod,USERRPTID=3415"),
    6703: ard(b"ARDA<ERROR=6703>", TIMEZONE=""),
    6704: ard(b"ARDA<ERROR=6704>", CATEGORY=" "),
    6705: ard(b"ARDA<ERROR=6705>", **{**_AD_HOC, "RANGETYPE": None}),
    6706: gurl(b"SURL<ERROR=6706>", ENTPID="0002292"),
    6707: nrl(6707, FSIZE="388"),
    6801: Case("rm", b"URS<USERRPTID=245>", b"URSA<ERROR=6801>"),
    6802: Case("rs", b"URS<USERRPTID=245,ACTIVE=>", b"URSA<ERROR=6802>"),
    6803: ard(b"ARDA<ERROR=6803>", CATEGORY=None),
    6804: ard(b"ARDA<ERROR=6804>", CATEGORY=""),
    6805: nrl(6805, COMPRESS=None),
    6806: nrl(6806, COMPRESS=""),
    6807: grtl(b"SRTL<ERROR=6807>", DATACAT=None),
    6808: grtl(b"SRTL<ERROR=6808>", DATACAT=""),
    6809: grtl(b"SRTL<ERROR=6809>", DATATYPE=None),
    6810: grtl(b"SRTL<ERROR=6810>", DATATYPE=""),
    6811: ard(b"ARDA<ERROR=6811>", STDRPTID="94"),
    6812: ard(b"ARDA<ERROR=6812>", STDRPTID="94", DESCRIPTION=""),
    6813: ard(b"ARDA<ERROR=6813>", EMAIL=None),
    6814: ard(b"ARDA<ERROR=6814>", EMAIL=""),
    6815: gurl(b"SURL<ERROR=6815>", ENTPID=None),
    6816: gurl(b"SURL<ERROR=6816>", ENTPID=""),
    6817: nrl(6817, FSIZE=None),
    6818: nrl(6818, FSIZE=""),
    6819: nrl(6819, strict=True),
    6820: nrl(6820, FULSERVER=""),
    6821: nrl(6821, LOC=None),
    6822: nrl(6822, LOC=""),
    6823: Case("rm", b"CRD<USERRPTID=245>", b"CRDA<ERROR=6823>"),
    6824: Case("rm", b"CRD<USERRPTID=245,NAME=>", b"CRDA<ERROR=6824>"),
    6825: ard(b"ARDA<ERROR=6825>", PAGE=None),
    6826: ard(b"ARDA<ERROR=6826>", PAGE=""),
    6827: grtl(b"SRTL<ERROR=6827>", PRODUCT=None),
    6828: grtl(b"SRTL<ERROR=6828>", PRODUCT=""),
    6829: Case("rm", b"GRTD<>", b"SRTD<ERROR=6829>"),
    6830: Case("rm", b"GURD<REPORTID=>", b"SURD<ERROR=6830>"),
    6831: gurl(b"SURL<ERROR=6831>", RPTTMPID=None),
    6832: gurl(b"SURL<ERROR=6832>", RPTTMPID=""),
    6833: ard(b"ARDA<ERROR=6833>", SCHEDTYPE=None),
    6834: ard(b"ARDA<ERROR=6834>", SCHEDTYPE=""),
    6835: ard(b"ARDA<ERROR=6835>", STDRPTID=None),
    6836: ard(b"ARDA<ERROR=6836>", STDRPTID=""),
    6837: nrl(6837, TYPE=None),
    6838: nrl(6838, TYPE=""),
    6839: Case("staroe", b"GUA<>", b"GUAA<ERROR=6839>"),
    6840: Case("jar", b"CKM<USERID=,ENTPID=00022924>", b"CKMA<ERROR=6840>"),
    6841: Case("rm-native", b"METADATA<>", b"METADATA<ERROR=6841>"),
    6842: Case("rm", b"DRD<USERID=jeanvnet2,USERRPTID=>", b"DRDA<ERROR=6842>"),
    7000: Case(
        "rm-native",
        b"ARDA<ERROR=0,USERRPTID=3415,REQUESTID=20341>",
        b"ARDA<ERROR=7000",
        {"kind": "fulfilling-server", "code": 7000, "message": "ARDA"},
    ),
}

INBOX = {
    0: Case(
        "inbox",
        b"F<INBOXID={id}>",
        b"Z<REQ=F,ERROR=0,INBOXID={id},FSIZE=3>1,2",
        **made(0),
    ),
    5005: Case(
        "inbox-native",
        message("A", _A, LOC="/codes/i5005.csv"),
        b"Z<REQ=A,ERROR=5005,INBOXID={id}>",
        **made(5005),
    ),
    5100: inbox(5100, "L", _L, CATEGORY="D"),
    5101: inbox(5101, "L", _L, REGION="1"),
    5102: inbox(5102, "L", _L, ENTPID=None),
    5103: Case("inbox", message("A", _A), b"Z<REQ=A,ERROR=5103>"),
    5104: Case(
        "inbox",
        b"F<INBOXID={id}>",
        b"Z<REQ=F,ERROR=5104>",
        gone=("/codes/i5104.csv",),
        **made(5104),
    ),
    5105: inbox_failing(5105, kind="database-down"),
    5106: inbox_failing(5106, kind="statement-failure", stage="procedure"),
    5107: inbox_failing(5107, kind="statement-failure", stage="cursor"),
    5108: Case("inbox", b"F<INBOXID={id},WHAT=METADATA>", b"Z<REQ=F,ERROR=5108>", **made(5108)),
    5111: inbox(5111, "U", _U, INBOXID=None),
    5112: inbox(5112, "U", _U, TTL="0"),
    5113: inbox(5113, "U", _U, CATEGORY=""),
    5121: inbox(5121, "F", {}),
    5125: inbox(5125, "D", {}, INBOXID="9999999999"),
    5131: inbox(5131, "L", _L, USERID=None),
    5132: inbox(5132, "L", _L, CATEGORY="X"),
    5141: inbox(5141, "D", {}, USERID="", ENTPID="00022924"),
    5151: add(5151, CATEGORY=None),
    5152: add(5152, TYPE=""),
    5153: add(5153, USERID="nobody"),
    5154: add(5154, RPTID=None),
    5155: add(5155, COMPRESS="2"),
    5156: add(5156, UNOTIFY="1"),
    5157: add(5157, RPTCATEGORY=None),
    5158: add(5158, LOC=None),
    5159: add(5159, RQSTDT="yesterday"),
    5160: add(5160, FSIZE="2147483648"),
    5161: add(5161, RPTTITLE=None),
    5162: add(5162, MSIZE=None),
    5163: add(5163),
    5164: add(5164, **_TOLD, ENTPID=None),
    5165: add(5165, COMPRESS="1"),
    5166: Case(
        "inbox-native",
        message("A", _A, LOC="/codes/i5166.csv", MSIZE="4"),
        b"Z<REQ=A,ERROR=5166>",
        files=("/codes/i5166.csv",),
    ),
    5170: noticed(5170, fault=5170),
    5171: add(5171, **_TOLD, ENTPID=None, USERID=None),
    5172: add(5172, UNOTIFY=""),
    5174: add(5174, UNOTIFY="4"),
    5178: noticed(5178, fault=5178),
    5179: add(5179, **_TOLD, MMADDR="nowhere"),
    5180: noticed(5180, **_LYNNE),
    5182: noticed(5182, **_LYNNE, MMADDR="l@customer.example"),
    5183: noticed(5183, fault=5183),
    5184: noticed(5184, fault=5184),
    5185: noticed(5185, fault=5185),
}

CASES = {"RM": REPORT_MANAGER, "INBOX": INBOX}
