"""Which code a message gets, and in which step (ERR-02 to ERR-05): by hand, then all others.

The first part is a list by hand. The second takes every message and parameter from the tables,
breaks them in every way, and compares with a plain reading of the rules that knows nothing of
octets: a message is a tree of cells that are known to be good, empty, blank, wrong or past.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from time import process_time
from typing import Any, Literal, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starwire.grammar import Limits
from starwire.protocol.catalogue import (
    InsteadSpec,
    MessageSpec,
    ParameterSpec,
    Reading,
    catalogue,
)
from starwire.protocol.codes import codes
from starwire.protocol.validation import Refusal, Request, validate

Facts = Mapping[str, str]

ODS = {"server": "ODS", "io": "O", "datacat": "P", "description": "yes", "timezones": "45 46"}
TVS = {"server": "TVS", "io": "I", "datacat": "U", "description": "no", "timezones": "45"}

GRTL = "GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
GURL = "GURL<USERID=jeanvnet2,RPTTMPID=1,ENTPID=00022924,PRODUCT=T,DATACAT=U>"
ARD = (
    "ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=City Summary,PRODUCT=S,"
    "CATEGORY=Analyze Traffic,THRESHOLD=<RECCOUNT=20>,"
    "SCHEDULE=A<START=199806020000,END=199807151200>,RANGETYPE=1,SCHEDTYPE=A,TIMEZONE=45,"
    "NDIALED=<8005551212>,BILLING=INBOUND<<90000003,90000003><NA,NA><NA,NA>>,SORTBY=<54D>,"
    "DESCRIPTION=Calls by city,COLUMNS=<54~55>,ACTIVE=1,TOTALMODE=0,SUBTOTCOL=<>,EMAIL=0,PAGE=0>"
)
ARD_D = (
    "ARD<ENTPID=00025677,USERID=1234,STDRPTID=101,USERRPTID=1234,REQUESTID=8855,PRODUCT=S,"
    "THRESHOLD=<RECCOUNT=300>,COLUMNS=<44,36>,FILTERS=<BILLING=<<99920046,><,><,>>>,"
    "SORTBY=<44A>,SCHEDULE=A<START=199807300000,END=199807302359>,"
    "TIMEZONE=<LABEL=MDT,OFFSET=6>,TOTALMODE=2,SUBTOTCOL=<>>"
)
NRL = (
    "NRL<TYPE=traffic,ENTPID=00022924,USERID=dorod,STDRPTID=40,USERRPTID=3415,REQUESTID=20341,"
    "COMPRESS=0,LOC=/inbox/files/a.csv,FSIZE=389,PRESORTED=0>"
)
ADD = (
    "A<CATEGORY=R,TYPE=traffic,USERID=LynneLevy2,RPTID=150,PRIORITY=,COMPRESS=0,UNOTIFY=0,"
    "RPTCATEGORY=Location,LOC=/inbox/files/a.csv,ENTPID=10324488,RQSTDT=1998-01-02 15:18,"
    "FSIZE=3705,RPTTITLE=Summary,MSIZE=3322>"
)
METADATA = (
    "<METADATA=<CRITERIA=<Name=My Report,Description=Mine,Dates=Monthly>DEFAULT_GRAPH_MODE=1,"
    "DEFAULT_GRAPH_TYPE=1,DEFINE_X_AXIS=1,X_AXIS_COLUMN=2,COLUMN_DISPLAY_ORDER=<1,2>,"
    "SORT_ALLOWED=1,PRESORTED=1,TOTALMODE=3,SUBTOTCOL=<5>,SELECTED_SECTION=1,"
    "METACOLUMN=<META_COLUMN_ID=1,COLUMN_LABEL=name,DATATYPE=S,HIDEABLE=1,GRAPHABLE=0,WIDTH=10,"
    "CALCULATE=1,CALCULATE_EXPRESSION=<4 / 7>>>>"
)


def judged(octets: str | bytes, door: str, **more: Any) -> Request:
    sent = octets if isinstance(octets, bytes) else octets.encode("latin-1")
    return validate(sent, door, catalogue=catalogue(), **more)


def refusal(octets: str | bytes, door: str, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judged(octets, door, **more)
    return caught.value


def but(message: str, old: str, new: str = "") -> str:
    """The message with a change, which must be one."""
    assert message.count(old) == 1, (old, message)
    return message.replace(old, new)


# ---- by hand -------------------------------------------------------------------------------------


class Case(NamedTuple):
    message: str
    door: str
    code: int
    step: int
    parameter: str | None = None
    facts: Facts = ODS


DEEP = "GRTL<" + "A=<" * 64 + ">" * 65
CASES = [
    # Step 1: syntax and limits.
    Case("", "rm", 6611, 1),
    Case("GRTL", "rm", 6611, 1),
    Case("GRTL<>x", "rm", 6611, 1),
    Case("GRTL<PRODUCT=V", "rm", 6612, 1),
    Case("GRTL<PRODUCT=V>>", "rm", 6612, 1),
    Case(DEEP, "rm", 6102, 1),
    Case("L<", "inbox", 5101, 1),
    Case("L>", "inbox", 5101, 1),
    Case("L", "inbox-native", 5101, 1),
    Case(DEEP, "inbox", 5101, 1),
    # Step 2: the acronym.
    Case("XYZ<>", "rm", 6104, 2),
    Case("grtl<PRODUCT=V>", "rm", 6104, 2),
    Case("<PRODUCT=V>", "rm", 6104, 2),
    Case("DUR<USERRPTID=1>", "rm", 6104, 2),
    Case("GRD<REPORTID=1>", "rm", 6104, 2),
    Case(GRTL, "rs", 6104, 2),
    Case(GRTL, "bus", 6104, 2),
    Case(NRL, "rm", 6104, 2),
    Case("METADATA<USERRPTID=1>", "rm", 6104, 2),
    Case("CKG<KEY=1>", "staroe", 6104, 2),
    Case(ADD, "inbox", 5103, 2),
    Case("GRTL<>", "inbox-native", 5103, 2),
    Case("Z<REQ=L,ERROR=0>", "inbox", 5103, 2),
    # Step 3: tokens.
    Case(but(GRTL, "IO=O", "IO=O,COLOUR=red"), "rm", 6610, 3, "COLOUR"),
    Case("GRTL<COLOUR=red>", "rm", 6610, 3, "COLOUR"),
    Case("GRTL<V,PRODUCT=V>", "rm", 6610, 3, "V"),
    Case("GRTL<,>", "rm", 6610, 3, ","),
    Case("GPL<PL_LANG,PL_CURR>", "rm", 6610, 3, "PL_CURR"),
    Case("GPL<PL_FOO=PL_FOO>", "rm", 6610, 3, "PL_FOO"),
    Case("GPL<PL_DURATION,IO=I>", "rm", 6610, 3, "IO"),
    Case(but(ARD, "<RECCOUNT=20>", "<COUNT=20>"), "rm", 6610, 3, "COUNT"),
    Case(but(ARD, "<54~55>", "<A=54~55>"), "rm", 6610, 3, "A"),
    Case(but(ARD, "<<90000003,90000003>", "<<A=9>"), "rm", 6610, 3, "A"),
    Case(but(ARD, "EMAIL=0", "EMAIL=0,REQUESTID=1"), "rm", 6610, 3, "REQUESTID"),
    Case(but(ARD, "EMAIL=0", "EMAIL=0,FILTERS=<>"), "rm", 6610, 3, "FILTERS"),
    Case(but(ARD, "<RECCOUNT=20>", "<<A=1>,RECCOUNT=20>"), "rm", 6610, 3, "A"),
    Case(but(ARD, "NAME=City", "NAME=<A=1>City"), "rm", 6610, 3, "A"),
    Case(but(ARD_D, "TOTALMODE=2", "TOTALMODE=2,NAME=x"), "bus", 6610, 3, "NAME"),
    Case(but(ARD_D, "TOTALMODE=2", "TOTALMODE=2,BILLING=<>"), "bus", 6610, 3, "BILLING"),
    Case("METADATA<METADATA=1>", "rm-native", 6610, 3, "METADATA"),
    Case(METADATA, "rm-native", 6610, 3, "METADATA"),
    Case("L<COLOUR=red>", "inbox", 5101, 3, "COLOUR"),
    Case("D<INBOXID=1,USERID=a>", "inbox", 5101, 3, "USERID"),
    Case(but(ADD, "MSIZE=3322", "MSIZE=3322,NAME=x"), "inbox-native", 5101, 3, "NAME"),
    # Step 4: missing.
    Case("GRTL<>", "rm", 6827, 4, "PRODUCT"),
    Case(but(GRTL, "PRODUCT=V,"), "rm", 6827, 4, "PRODUCT"),
    Case(but(GRTL, "DATATYPE=R,"), "rm", 6809, 4, "DATATYPE"),
    Case(but(GRTL, "DATACAT=P,"), "rm", 6807, 4, "DATACAT"),
    Case(but(GRTL, ",IO=O"), "rm", 6701, 4, "IO"),
    Case("GRTD<>", "rm", 6829, 4, "REPORTID"),
    Case(but(GURL, "USERID=jeanvnet2,"), "rm", 6839, 4, "USERID"),
    Case(but(GURL, "RPTTMPID=1,"), "rm", 6831, 4, "RPTTMPID"),
    Case(but(GURL, "ENTPID=00022924,"), "rm", 6815, 4, "ENTPID"),
    Case("DRD<USERID=a>", "rm", 6841, 4, "USERRPTID"),
    Case("CRD<USERRPTID=1>", "rm", 6823, 4, "NAME"),
    Case("URS<USERRPTID=1>", "rs", 6801, 4, "ACTIVE"),
    Case("URS<USERRPTID=,ACTIVE=>", "rs", 6842, 5, "USERRPTID"),
    Case("GPL<>", "rm", 6701, 4, "PL_ACCESS"),
    Case("GPL<IO=I,PRODUCT=>", "rm", 6701, 4, "PL_ACCESS"),
    Case("GPL<PL_FIELDS>", "rm", 6831, 4, "RPTTMPID"),
    Case("GPL<PL_HIER>", "rm", 6841, 4, "USERRPTID"),
    Case(but(ARD, "NAME=City Summary,"), "rm", 6823, 4, "NAME"),
    Case(but(ARD, "CATEGORY=Analyze Traffic,"), "rm", 6803, 4, "CATEGORY"),
    Case(but(ARD, "STDRPTID=90,"), "rm", 6835, 4, "STDRPTID"),
    Case(but(ARD, "<RECCOUNT=20>", "<RANKING=20>"), "rm", 6114, 4, "RECCOUNT"),
    Case(but(ARD, "START=199806020000,"), "rm", 6602, 4, "START"),
    Case(but(ARD, ",END=199807151200"), "rm", 6603, 4, "END"),
    Case(but(ARD, "<START=199806020000,END=199807151200>"), "rm", 6602, 4, "START"),
    Case(but(ARD, "1200>,RAN", "1200,START=199901010000>,RAN"), "rm", 6603, 4, "END"),
    Case(but(ARD, "1200>,RAN", "1200,END=199901010000>,RAN"), "rm", 6602, 4, "START"),
    Case(but(ARD, "RANGETYPE=1,"), "rm", 6705, 4, "RANGETYPE"),
    Case(but(ARD, "SCHEDTYPE=A,"), "rm", 6833, 4, "SCHEDTYPE"),
    Case(but(ARD, "TIMEZONE=45,"), "rm", 6701, 4, "TIMEZONE"),
    Case(but(ARD, "NDIALED=<8005551212>,"), "rm", 6601, 4, "NDIALED", TVS),
    Case(but(ARD, "BILLING=INBOUND<<90000003,90000003><NA,NA><NA,NA>>,"), "rm", 6701, 4, "BILLING"),
    Case(but(ARD, "DESCRIPTION=Calls by city,"), "rm", 6811, 4, "DESCRIPTION", TVS),
    Case(but(but(ARD, "TOTALMODE=0", "TOTALMODE=1"), ",SUBTOTCOL=<>"), "rm", 6701, 4, "SUBTOTCOL"),
    Case(but(ARD, "EMAIL=0,"), "rm", 6813, 4, "EMAIL"),
    Case(but(ARD, ",PAGE=0"), "rm", 6825, 4, "PAGE"),
    Case(but(ARD_D, "REQUESTID=8855,"), "bus", 6701, 4, "REQUESTID"),
    Case(but(ARD_D, "LABEL=MDT,"), "bus", 6114, 4, "LABEL"),
    Case(but(ARD_D, "FILTERS=<BILLING=<<99920046,><,><,>>>,"), "bus", 6701, 4, "FILTERS"),
    Case(but(ARD_D, "BILLING=<<99920046,><,><,>>", "GEO=<<1,a>>"), "bus", 6114, 4, "BILLING"),
    Case(but(ARD_D, "BILLING=<<99920046,><,><,>>", "GEO=<<1,a>>"), "bus", 6601, 4, "NDIALED", TVS),
    Case(but(ARD_D, "TOTALMODE=2,"), "bus", 6701, 4, "TOTALMODE"),
    Case(but(NRL, "TYPE=traffic,"), "bus", 6837, 4, "TYPE"),
    Case(but(NRL, "USERRPTID=3415,REQUESTID=20341,"), "bus", 6600, 4, "USERRPTID"),
    Case(but(NRL, "3415,REQUESTID=20341"), "bus", 6600, 4, "REPORTTITLE"),
    Case(but(NRL, "REQUESTID=20341,"), "bus", 6701, 4, "REQUESTID"),
    Case(but(NRL, "COMPRESS=0,"), "bus", 6805, 4, "COMPRESS"),
    Case(but(NRL, "LOC=/inbox/files/a.csv,"), "bus", 6821, 4, "LOC"),
    Case(but(NRL, "FSIZE=389,"), "bus", 6817, 4, "FSIZE"),
    Case(but(NRL, ",PRESORTED=0"), "bus", 6701, 4, "PRESORTED"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,CATEGORY=F"), "bus", 6701, 4, "PRIORITY"),
    Case(NRL, "rm-native", 6803, 4, "CATEGORY", {"sender": "STAROE"}),
    Case(NRL, "rm-native", 6819, 4, "FULSERVER", {"fulserver": "on"}),
    Case("ARDA<ERROR=0>", "rm-native", 6701, 4, "REQUESTID"),
    Case("ARDA<>", "bus", 6701, 4, "ERROR"),
    Case("METADATA<>", "rm-native", 6841, 4, "USERRPTID"),
    Case("VUM<USERID=a>", "staroe", 6701, 4, "PASSWORD"),
    Case("GUA<>", "staroe", 6839, 4, "USERID"),
    Case("CKM<USERID=a>", "jar", 6815, 4, "ENTPID"),
    Case("CKG<>", "jar", 6701, 4, "KEY"),
    Case("L<USERID=a,CATEGORY=R>", "inbox", 5102, 4, "ENTPID"),
    Case("L<ENTPID=00022924,CATEGORY=R>", "inbox", 5131, 4, "USERID"),
    Case("L<ENTPID=00022924,USERID=a>", "inbox", 5132, 4, "CATEGORY"),
    Case("D<>", "inbox", 5141, 4, "USERID"),
    Case("D<ENTPID=00022924>", "inbox", 5141, 4, "USERID"),
    Case("D<USERID=a>", "inbox", 5102, 4, "ENTPID"),
    Case("F<>", "inbox", 5121, 4, "INBOXID"),
    Case("F<WHAT=DATA>", "inbox", 5121, 4, "INBOXID"),
    Case("U<USERID=a,INBOXID=1,ACK=1>", "inbox", 5102, 4, "ENTPID"),
    Case("U<ENTPID=00022924,INBOXID=1,ACK=1>", "inbox", 5111, 4, "USERID"),
    Case("U<ENTPID=00022924,USERID=a,ACK=1>", "inbox", 5111, 4, "INBOXID"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1>", "inbox", 5112, 4, "TTL"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,ACK=>", "inbox", 5112, 4, "TTL"),
    Case("A<>", "inbox-native", 5151, 4, "CATEGORY"),
    Case(but(ADD, "TYPE=traffic,"), "inbox-native", 5152, 4, "TYPE"),
    Case(but(ADD, "USERID=LynneLevy2,"), "inbox-native", 5153, 4, "USERID"),
    Case(but(ADD, "ENTPID=10324488,"), "inbox-native", 5153, 4, "ENTPID"),
    Case(but(ADD, "RPTID=150,"), "inbox-native", 5154, 4, "RPTID"),
    Case(but(ADD, "COMPRESS=0,"), "inbox-native", 5155, 4, "COMPRESS"),
    Case(but(ADD, "RPTCATEGORY=Location,"), "inbox-native", 5157, 4, "RPTCATEGORY"),
    Case(but(ADD, "LOC=/inbox/files/a.csv,"), "inbox-native", 5158, 4, "LOC"),
    Case(but(ADD, "RQSTDT=1998-01-02 15:18,"), "inbox-native", 5159, 4, "RQSTDT"),
    Case(but(ADD, "FSIZE=3705,"), "inbox-native", 5160, 4, "FSIZE"),
    Case(but(ADD, "RPTTITLE=Summary,"), "inbox-native", 5161, 4, "RPTTITLE"),
    Case(but(ADD, ",MSIZE=3322"), "inbox-native", 5162, 4, "MSIZE"),
    Case(
        but(but(ADD, "CATEGORY=R,", "CATEGORY=F,"), "PRIORITY=,"),
        "inbox-native",
        5102,
        4,
        "PRIORITY",
    ),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=1"), "inbox-native", 5156, 4, "SEV"),
    Case(
        but(but(ADD, "UNOTIFY=0", "UNOTIFY=1,SEV=1"), "ENTPID=10324488,"),
        *("inbox-native", 5164, 4, "ENTPID"),
    ),
    Case(
        but(but(ADD, "UNOTIFY=0", "UNOTIFY=1,SEV=1"), "USERID=LynneLevy2,"),
        *("inbox-native", 5153, 4, "USERID"),
    ),
    Case(
        but(
            but(but(ADD, "UNOTIFY=0", "UNOTIFY=3,SEV=1"), "ENTPID=10324488,"), "USERID=LynneLevy2,"
        ),
        *("inbox-native", 5171, 4, "USERID"),
    ),
    Case(
        but(but(but(ADD, "UNOTIFY=0", "UNOTIFY=2,SEV=1"), "ENTPID=10324488,"), "LynneLevy2"),
        *("inbox-native", 5171, 4, "ENTPID"),
    ),
    # Step 5: without a value.
    Case(but(GRTL, "PRODUCT=V", "PRODUCT="), "rm", 6828, 5, "PRODUCT"),
    Case(but(GRTL, "PRODUCT=V", "PRODUCT=<>"), "rm", 6828, 5, "PRODUCT"),
    Case(but(GRTL, "PRODUCT=V", "PRODUCT= < > "), "rm", 6828, 5, "PRODUCT"),
    Case(but(GRTL, "DATATYPE=R", "DATATYPE="), "rm", 6810, 5, "DATATYPE"),
    Case(but(GRTL, "DATACAT=P", "DATA CAT="), "rm", 6808, 5, "DATACAT"),
    Case(but(GRTL, "IO=O", "IO="), "rm", 6703, 5, "IO"),
    Case("GURD<REPORTID=>", "rm", 6830, 5, "REPORTID"),
    Case(but(GURL, "RPTTMPID=1", "RPTTMPLID="), "rm", 6832, 5, "RPTTMPID"),
    Case(but(GURL, "00022924", ""), "rm", 6816, 5, "ENTPID"),
    Case(but(GURL, "00022924", " \t"), "rm", 6113, 5, "ENTPID"),
    Case(but(GURL, "00022924", "< >"), "rm", 6816, 5, "ENTPID"),
    Case(but(GURL, "jeanvnet2", ""), "rm", 6840, 5, "USERID"),
    Case("CRD<USERRPTID=1,NAME=>", "rm", 6824, 5, "NAME"),
    Case("CRD<USERRPTID=1,NAME= >", "rm", 6113, 5, "NAME"),
    Case(but(ARD, "City Summary", "\r\n"), "rm", 6113, 5, "NAME"),
    Case(but(ARD, "Analyze Traffic"), "rm", 6804, 5, "CATEGORY"),
    Case(but(ARD, "Analyze Traffic", "  "), "rm", 6704, 5, "CATEGORY"),
    Case(but(ARD, "STDRPTID=90", "STDRPTID="), "rm", 6836, 5, "STDRPTID"),
    Case(but(ARD, "199806020000"), "rm", 6602, 5, "START"),
    Case(but(ARD, "199807151200"), "rm", 6603, 5, "END"),
    Case(but(ARD, "RANGETYPE=1", "RANGETYPE="), "rm", 6705, 5, "RANGETYPE"),
    Case(but(ARD, "SCHEDTYPE=A", "SCHEDTYPE="), "rm", 6834, 5, "SCHEDTYPE"),
    Case(but(ARD, "<8005551212>", "<>"), "rm", 6601, 5, "NDIALED", TVS),
    Case(but(ARD, "INBOUND<<90000003,90000003><NA,NA><NA,NA>>"), "rm", 6702, 5, "BILLING"),
    Case(but(ARD, "TOTALMODE=0", "TOTALMODE=3"), "rm", 6702, 5, "SUBTOTCOL"),
    Case(but(ARD, "Calls by city"), "rm", 6812, 5, "DESCRIPTION"),
    Case(but(ARD, "ACTIVE=1", "ACTIVE="), "rm", 6802, 5, "ACTIVE"),
    Case(but(ARD, "EMAIL=0", "EMAIL="), "rm", 6814, 5, "EMAIL"),
    Case(but(ARD, "PAGE=0", "PAGE="), "rm", 6826, 5, "PAGE"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT="), "rm", 6703, 5, "RECCOUNT"),
    Case(but(ARD_D, "<RECCOUNT=300>", "<>"), "bus", 6703, 5, "THRESHOLD"),
    Case(but(ARD_D, "<BILLING=<<99920046,><,><,>>>", "<>"), "bus", 6702, 5, "FILTERS"),
    Case(but(ARD_D, "<LABEL=MDT,OFFSET=6>", "< >"), "bus", 6703, 5, "TIMEZONE"),
    Case(but(NRL, "TYPE=traffic", "TYPE="), "bus", 6838, 5, "TYPE"),
    Case(but(NRL, "COMPRESS=0", "COMP="), "bus", 6806, 5, "COMPRESS"),
    Case(but(NRL, "/inbox/files/a.csv"), "bus", 6822, 5, "LOC"),
    Case(but(NRL, "FSIZE=389", "FSIZE="), "bus", 6818, 5, "FSIZE"),
    Case(but(NRL, "3415,", ",REPORTTITLE=x,"), "bus", 6842, 5, "USERRPTID"),
    Case(but(NRL, "USERRPTID=3415,REQUESTID=20341", "REPORTTITLE="), "bus", 6600, 4, "USERRPTID"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,CATEGORY="), "bus", 6804, 5, "CATEGORY"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,CATEGORY= "), "bus", 6704, 5, "CATEGORY"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,FULSERVER="), "bus", 6820, 5, "FULSERVER"),
    Case("L<ENTPID=,USERID=a,CATEGORY=R>", "inbox", 5102, 5, "ENTPID"),
    Case("L<ENTPID=00022924,USERID=,CATEGORY=R>", "inbox", 5131, 5, "USERID"),
    Case("L<ENTPID=00022924,USERID=a,CATEGORY=>", "inbox", 5132, 5, "CATEGORY"),
    Case("D<INBOXID=>", "inbox", 5102, 5, "INBOXID"),
    Case("D<USERID=,ENTPID=00022924>", "inbox", 5141, 5, "USERID"),
    Case("F<INBOXID=<>>", "inbox", 5121, 5, "INBOXID"),
    Case("U<ENTPID=00022924,USERID=,INBOXID=1,ACK=1>", "inbox", 5111, 5, "USERID"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=,ACK=1>", "inbox", 5112, 5, "TTL"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=9,CATEGORY=>", "inbox", 5113, 5, "CATEGORY"),
    Case(but(ADD, "CATEGORY=R,", "CATEGORY=,"), "inbox-native", 5151, 5, "CATEGORY"),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY="), "inbox-native", 5172, 5, "UNOTIFY"),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=1,SEV="), "inbox-native", 5156, 5, "SEV"),
    Case(but(ADD, "LynneLevy2"), "inbox-native", 5153, 5, "USERID"),
    Case(
        but(but(but(ADD, "UNOTIFY=0", "UNOTIFY=1,SEV=1"), "LynneLevy2"), "10324488"),
        *("inbox-native", 5171, 5, "USERID"),
    ),
    Case(
        but(but(ADD, "UNOTIFY=0", "UNOTIFY=1,SEV=1"), "10324488"),
        *("inbox-native", 5164, 5, "ENTPID"),
    ),
    # Step 6: form and acceptable values.
    Case(but(GRTL, "PRODUCT=V", "PRODUCT=F"), "rm", 6103, 6, "PRODUCT"),
    Case(but(GRTL, "PRODUCT=V", "PRODUCT=v"), "rm", 6103, 6, "PRODUCT"),
    Case(but(GRTL, "PRODUCT=V", "PRODUCT=V,PRODUCT=V"), "rm", 6103, 6, "PRODUCT"),
    Case(but(GRTL, "DATACAT=P", "DATACAT=P,DATA CAT=P"), "rm", 6103, 6, "DATACAT"),
    Case(but(GRTL, "IO=O", "IO=O,"), "rm", 6103, 6, "IO"),
    Case(but(GRTL, "IO=O", "IO=<O>"), "rm", 6103, 6, "IO"),
    Case("GPL<PL_LANG=PL_CURR>", "rm", 6103, 6, "PL_LANG"),
    Case("GPL<PL_LANG=pl_lang>", "rm", 6103, 6, "PL_LANG"),
    Case("GPL<PL_LANG,PL_LANG>", "rm", 6103, 6, "PL_LANG"),
    Case("GRTD<REPORTID=2147483648>", "rm", 6107, 6, "REPORTID"),
    Case("GRTD<REPORTID=99999999999999999999>", "rm", 6107, 6, "REPORTID"),
    Case("GRTD<REPORTID=00000000002>", "rm", 6103, 6, "REPORTID"),
    Case("GRTD<REPORTID=-1>", "rm", 6103, 6, "REPORTID"),
    Case("GRTD<REPORTID=\xb2>", "rm", 6103, 6, "REPORTID"),
    Case(but(GURL, "jeanvnet2", "jeanvnet2jeanvnet2jea"), "rm", 6103, 6, "USERID"),
    Case(but(GURL, "jeanvnet2", "jean,vnet2"), "rm", 6103, 6, "USERID"),
    Case(but(GURL, "00022924", "0002292"), "rm", 6706, 6, "ENTPID"),
    Case(but(GURL, "00022924", "000229245"), "rm", 6706, 6, "ENTPID"),
    Case(but(GURL, "00022924", "0002,924"), "rm", 6706, 6, "ENTPID"),
    Case("CRD<USERRPTID=1,NAME=" + "x" * 51 + ">", "rm", 6103, 6, "NAME"),
    Case(but(ARD, "City Summary", "x" * 101), "rm", 6103, 6, "NAME"),
    Case(but(ARD, "City Summary", "City<Summary>"), "rm", 6103, 6, "NAME"),
    Case(but(ARD, "City Summary", "City\x01Summary"), "rm", 6103, 6, "NAME"),
    Case(but(ARD, "STDRPTID=90", "STDRPTID=2147483648"), "rm", 6107, 6, "STDRPTID"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20000"), "rm", 6103, 6, "RECCOUNT"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=many"), "rm", 6103, 6, "RECCOUNT"),
    Case(but(ARD, "<RECCOUNT=20>", "20"), "rm", 6103, 6, "THRESHOLD"),
    Case(but(ARD, "<RECCOUNT=20>", "x<RECCOUNT=20>"), "rm", 6103, 6, "THRESHOLD"),
    Case(but(ARD, "<RECCOUNT=20>", "<5,RECCOUNT=20>"), "rm", 6103, 6, "THRESHOLD"),
    Case(but(ARD, "<RECCOUNT=20>", "<RECCOUNT=20><RECCOUNT=20>"), "rm", 6103, 6, "THRESHOLD"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,RANKING=0"), "rm", 6103, 6, "RANKING"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,RANKING=401"), "rm", 6103, 6, "RANKING"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,DURATION=60"), "rm", 6103, 6, "DURATION"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,DURATION=0"), "rm", 6103, 6, "DURATION"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,DURATION=6000"), "rm", 6103, 6, "DURATION"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,ANI=1000"), "rm", 6103, 6, "ANI"),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,RECCOUNT=20"), "rm", 6103, 6, "RECCOUNT"),
    Case(but(ARD, "SCHEDULE=A<", "SCHEDULE=Q<"), "rm", 6103, 6, "SCHEDULE"),
    Case(but(ARD, "1200>,RAN", "1200>B,RAN"), "rm", 6103, 6, "SCHEDULE"),
    Case(but(ARD, "SCHEDULE=A<", "SCHEDULE=A<x,"), "rm", 6103, 6, "SCHEDULE"),
    Case(but(ARD, "199806020000", "19980602000"), "rm", 6103, 6, "START"),
    Case(but(ARD, "199806020000", "199806310000"), "rm", 6103, 6, "START"),
    Case(but(ARD, "199806020000", "199806022400"), "rm", 6103, 6, "START"),
    Case(but(ARD, "199806020000", "000006020000"), "rm", 6103, 6, "START"),
    Case(but(ARD, "199806020000", "1998O6020000"), "rm", 6103, 6, "START"),
    Case(but(ARD, "199807151200", "199806020000"), "rm", 6103, 6, "SCHEDULE"),
    Case(but(ARD, "199807151200", "199806010000"), "rm", 6103, 6, "SCHEDULE"),
    Case(
        but(ARD, "1200>,RAN", "1200,START=199807010000,END=199808010000>,RAN"),
        *("rm", 6103, 6, "SCHEDULE"),
    ),
    Case(but(ARD, "RANGETYPE=1", "RANGETYPE=2"), "rm", 6103, 6, "RANGETYPE"),
    Case(but(ARD, "SCHEDTYPE=A", "SCHEDTYPE=B"), "rm", 6103, 6, "SCHEDTYPE"),
    Case(but(ARD, "SCHEDTYPE=A", "SCHEDTYPE=R"), "rm", 6103, 6, "SCHEDTYPE"),
    Case(but(ARD, "SCHEDULE=A", "SCHEDULE=D"), "rm", 6103, 6, "SCHEDTYPE"),
    Case(
        but(but(ARD, "SCHEDULE=A", "SCHEDULE=H"), "SCHEDTYPE=A", "SCHEDTYPE=R"),
        *("rm", 6103, 6, "SCHEDULE"),
    ),
    Case(but(ARD, "TIMEZONE=45", "TIMEZONE=47"), "rm", 6103, 6, "TIMEZONE"),
    Case(but(ARD, "TIMEZONE=45", "TIMEZONE=4567"), "rm", 6103, 6, "TIMEZONE", {}),
    Case(but(ARD, "TIMEZONE=45", "TIMEZONE=<LABEL=MDT,OFFSET=6>"), "rm", 6103, 6, "TIMEZONE"),
    Case(but(ARD, "INBOUND<<90000003,90000003>", "INBOUND<<,>"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "INBOUND<<90000003,90000003>", "INBOUND<<NA,NA>"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "INBOUND<<90000003,90000003>", "INBOUND<<1,2,3>"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "INBOUND<<90000003,90000003>", "INBOUND<<<1>,2>"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "<90000003,90000003>", "90000003"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "<NA,NA>>,SORT", "<NA,NA>>tail,SORT"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "BILLING=INBOUND<", "BILLING=IN,BOUND<"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "INBOUND<<90000003,90000003><NA,NA><NA,NA>>", "<x>"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "INBOUND<<90000003,90000003><NA,NA><NA,NA>>", "x"), "rm", 6103, 6, "BILLING"),
    Case(but(ARD, "<8005551212>", "<1~~2>"), "rm", 6103, 6, "NDIALED"),
    Case(but(ARD, "<8005551212>", "<1~<2>>"), "rm", 6103, 6, "NDIALED"),
    Case(but(ARD, "SORTBY=<54D>", "SORTBY=<54>"), "rm", 6103, 6, "SORTBY"),
    Case(but(ARD, "SORTBY=<54D>", "SORTBY=<54d>"), "rm", 6103, 6, "SORTBY"),
    Case(but(ARD, "COLUMNS=<54~55>", "COLUMNS=<54~~55>"), "rm", 6103, 6, "COLUMNS"),
    Case(but(ARD, "COLUMNS=<54~55>", "COLUMNS=<54~x>"), "rm", 6103, 6, "COLUMNS"),
    Case(but(ARD, "ACTIVE=1", "ACTIVE=2"), "rm", 6103, 6, "ACTIVE"),
    Case(
        but(ARD, "SUBTOTCOL=<>", "SUBTOTCOL=<1~2~3~4~5~6~7~8~9~10~11>"), "rm", 6103, 6, "SUBTOTCOL"
    ),
    Case(but(ARD_D, "LABEL=MDT,OFFSET=6", "LABEL=MDT,OFFSET=14"), "bus", 6103, 6, "OFFSET"),
    Case(but(ARD_D, "LABEL=MDT,OFFSET=6", "LABEL=MDT,OFFSET=-13"), "bus", 6103, 6, "OFFSET"),
    Case(but(ARD_D, "LABEL=MDT,OFFSET=6", "LABEL=MDT,OFFSET=+6.5"), "bus", 6103, 6, "OFFSET"),
    Case(but(ARD_D, "LABEL=MDT", "LABEL=MDT "), "bus", 0, 0),
    Case(but(ARD_D, "LABEL=MDT", "LABEL=MDTX"), "bus", 6103, 6, "LABEL"),
    Case(but(ARD_D, "<LABEL=MDT,OFFSET=6>", "45"), "bus", 6103, 6, "TIMEZONE"),
    Case(but(ARD_D, "COLUMNS=<44,36>", "COLUMNS=<,>"), "bus", 6103, 6, "COLUMNS"),
    Case(but(ARD_D, "SCHEDULE=A", "SCHEDULE=H"), "bus", 6103, 6, "SCHEDULE"),
    Case(but(ARD_D, "REQUESTID=8855", "REQUESTID=2147483648"), "bus", 6107, 6, "REQUESTID"),
    Case(but(NRL, "FSIZE=389", "FSIZE=2147483648"), "bus", 6103, 6, "FSIZE"),
    Case(but(NRL, "FSIZE=389", "FSIZE=00000000389"), "bus", 6103, 6, "FSIZE"),
    Case(but(NRL, "COMPRESS=0", "COMPRESS=2"), "bus", 6103, 6, "COMPRESS"),
    Case(but(NRL, "USERRPTID=3415", "USERRPTID=4294967296"), "bus", 6107, 6, "USERRPTID"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,TOTAL=<36,1>"), "bus", 6103, 6, "TOTAL"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,TOTAL=<<36,1><x,1>>"), "bus", 6103, 6, "TOTAL"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,TOTAL=<<36,1.>>"), "bus", 6103, 6, "TOTAL"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,TOTAL=<<36>>"), "bus", 6103, 6, "TOTAL"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,TOTAL=<<36,1>><<36,1>>"), "bus", 6103, 6, "TOTAL"),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,TOTAL=5"), "bus", 6103, 6, "TOTAL"),
    Case("VUM<USERID=a,PASSWORD=" + "x" * 65 + ">", "staroe", 6103, 6, "PASSWORD"),
    Case("L<ENTPID=1,USERID=a,CATEGORY=R>", "inbox", 5101, 6, "ENTPID"),
    Case("L<ENTPID=00022924,USERID=" + "a" * 21 + ",CATEGORY=R>", "inbox", 5131, 6, "USERID"),
    Case("L<ENTPID=00022924,USERID=a,CATEGORY=A>", "inbox", 5132, 6, "CATEGORY"),
    Case("L<ENTPID=00022924,USERID=a,CATEGORY=R,INBOXID=x>", "inbox", 5101, 6, "INBOXID"),
    Case(
        "L<ENTPID=00022924,USERID=a,CATEGORY=R,INBOXID=" + "1" * 26 + ">",
        "inbox",
        5101,
        6,
        "INBOXID",
    ),
    Case("L<ENTPID=00022924,USERID=a,USERID=a,CATEGORY=R>", "inbox", 5101, 6, "USERID"),
    Case("D<INBOXID=12345678901>", "inbox", 5101, 6, "INBOXID"),
    Case("D<INBOXID=1,INBOXID=1>", "inbox", 5101, 6, "INBOXID"),
    Case("D<USERID=" + "a" * 21 + ",ENTPID=00022924>", "inbox", 5141, 6, "USERID"),
    Case("F<INBOXID=x>", "inbox", 5121, 6, "INBOXID"),
    Case("F<INBOXID=1,WHAT=ALL>", "inbox", 5101, 6, "WHAT"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=x,ACK=1>", "inbox", 5111, 6, "INBOXID"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=0>", "inbox", 5112, 6, "TTL"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=1000>", "inbox", 5112, 6, "TTL"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=x>", "inbox", 5112, 6, "TTL"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,ACK=2>", "inbox", 5101, 6, "ACK"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=1,ACK=2>", "inbox", 5101, 6, "ACK"),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=1,CATEGORY=Q>", "inbox", 5113, 6, "CATEGORY"),
    Case(but(ADD, "CATEGORY=R,", "CATEGORY=Q,"), "inbox-native", 5151, 6, "CATEGORY"),
    Case(but(ADD, "TYPE=traffic", "TYPE=" + "x" * 31), "inbox-native", 5152, 6, "TYPE"),
    Case(but(ADD, "10324488", "1032448"), "inbox-native", 5153, 6, "ENTPID"),
    Case(but(ADD, "RPTID=150", "RPTID=" + "1" * 31), "inbox-native", 5154, 6, "RPTID"),
    Case(but(ADD, "PRIORITY=", "PRIORITY=6"), "inbox-native", 5101, 6, "PRIORITY"),
    Case(but(ADD, "COMPRESS=0", "COMPRESS=2"), "inbox-native", 5155, 6, "COMPRESS"),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=4"), "inbox-native", 5174, 6, "UNOTIFY"),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=1,SEV=4"), "inbox-native", 5156, 6, "SEV"),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=0,SEV=4"), "inbox-native", 5101, 6, "SEV"),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=0,PGPIN=x"), "inbox-native", 5101, 6, "PGPIN"),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=2,SEV=1,MMADDR=me"), "inbox-native", 5179, 6, "MMADDR"),
    Case(but(ADD, "LOC=/inbox/files/a.csv", "LOC=" + "x" * 256), "inbox-native", 5158, 6, "LOC"),
    Case(but(ADD, "COMPRESS=0", "COMPRESS=1"), "inbox-native", 5165, 6, "LOC"),
    Case(but(ADD, "a.csv", "a.CSV_ZIP"), "inbox-native", 5165, 6, "LOC"),
    Case(but(ADD, "1998-01-02 15:18", "1998-01-02"), "inbox-native", 5159, 6, "RQSTDT"),
    Case(but(ADD, "1998-01-02 15:18", "1998-13-02 15:18"), "inbox-native", 5159, 6, "RQSTDT"),
    Case(but(ADD, "FSIZE=3705", "FSIZE=2147483648"), "inbox-native", 5160, 6, "FSIZE"),
    Case(
        but(ADD, "RPTTITLE=Summary", "RPTTITLE=" + "x" * 256), "inbox-native", 5161, 6, "RPTTITLE"
    ),
    Case(but(ADD, "MSIZE=3322", "MSIZE=x"), "inbox-native", 5162, 6, "MSIZE"),
    Case(
        but(ADD, "RPTCATEGORY=Location", "RPTCATEGORY=<x>"), "inbox-native", 5157, 6, "RPTCATEGORY"
    ),
    Case(
        but(ADD, "MSIZE=3322", "MSIZE=3322,REQUESTID=2147483648"),
        "inbox-native",
        5101,
        6,
        "REQUESTID",
    ),
    # In order.
    Case(GRTL, "rm", 0, 0),
    Case(" \tGRTL < product = V ,\r\nDataType=R,DATA CAT=P,IO=O>\r\n", "rm", 0, 0),
    Case(but(GRTL, ",DATATYPE=R", "\x01DATATYPE=R"), "rm-native", 0, 0),
    Case("GPL<PL_LANG>", "rm", 0, 0),
    Case("GPL<PL_LANG=>", "rm", 0, 0),
    Case("GPL<PL_LANG=PL_LANG>", "rm", 0, 0),
    Case("GPL<ERROR=0,ERROR=,PL_LANG,>", "rm", 6103, 6, "ERROR"),
    Case("GPL<ERROR=<x>,PL_LANG>", "rm", 0, 0),
    Case("GPL<IO=I,PRODUCT=V,PL_ACCESS,DATACAT=B,ERROR=0>", "rm", 0, 0),
    Case("GRTD<REPORTID=2147483647>", "rm", 0, 0),
    Case(ARD, "rm", 0, 0),
    Case(ARD, "rm", 0, 0, None, TVS),
    Case(ARD, "rm", 0, 0, None, {}),
    Case(but(ARD, "City Summary", "City,=Summary"), "rm", 0, 0),
    Case(but(ARD, "COLUMNS=<54~55>", "COLUMNS<54~55>"), "rm", 0, 0),
    Case(but(ARD, "COLUMNS=<54~55>", "COLUMNS=54,55"), "rm", 0, 0),
    Case(but(ARD, "COLUMNS=<54~55>", "COLUMNS=<,>"), "rm", 0, 0),
    Case(but(ARD, "<NA,NA>>,SORT", "<NA,NA>>,OUTBOUND<<1>>,SORT"), "rm", 0, 0),
    Case(but(ARD, "1200>,RAN", "1200,START=199807151200,END=199808010000>,RAN"), "rm", 0, 0),
    Case(but(ARD, "1200>,RAN", "1200,END=199712012359,START=199712010000>,RAN"), "rm", 0, 0),
    Case(
        but(
            but(ARD, "A<START=199806020000,END=199807151200>,RANGETYPE=1", "D,RANGETYPE="),
            *("SCHEDTYPE=A", "SCHEDTYPE=R"),
        ),
        *("rm", 0, 0),
    ),
    Case(
        but(but(ARD, "A<START=199806020000,END=199807151200>", "H"), "SCHEDTYPE=A", "SCHEDTYPE=R"),
        *("rm", 0, 0, None, TVS),
    ),
    Case(but(ARD, "SCHEDULE=A<START=199806020000,END=199807151200>,"), "rm", 0, 0),
    Case(but(ARD, "SCHEDULE=A<START=199806020000,END=199807151200>", "SCHEDULE="), "rm", 0, 0),
    Case(but(ARD, "THRESHOLD=<RECCOUNT=20>", "THRESHOLD=<>"), "rm", 0, 0),
    Case(but(ARD, "NDIALED=<8005551212>", "NDIALED="), "rm", 0, 0),
    Case(but(ARD, "RECCOUNT=20", "RECCOUNT=20,DURATION=5959,ANI=1,RANKING=400"), "rm", 0, 0),
    Case(but(ARD, "TOTALMODE=0,SUBTOTCOL=<>", "TOTALMODE=1,SUBTOTALCOLUMNS=54"), "rm", 0, 0),
    Case(ARD_D, "bus", 0, 0),
    Case(but(ARD_D, "OFFSET=6", "OFFSET=+13"), "bus", 0, 0),
    Case(but(ARD_D, "OFFSET=6", "OFFSET=-12"), "bus", 0, 0),
    Case(but(ARD_D, "FILTERS=<BILLING=<<99920046,><,><,>>>,"), "bus", 0, 0, None, {}),
    Case(NRL, "bus", 0, 0),
    Case(but(NRL, "USERRPTID=3415,REQUESTID=20341", "REPORTTITLE=News"), "bus", 0, 0),
    Case(but(NRL, "PRESORTED=0", "PRESORTED=0,TOTAL=<<36,3491.70><67,-5>>"), "bus", 0, 0),
    Case("ARDA<ERROR=0,REQUESTID=1>", "rm-native", 0, 0),
    Case("ARDA<ERROR=6610>", "bus", 0, 0),
    Case(ADD, "inbox-native", 0, 0),
    Case(but(but(ADD, "COMPRESS=0", "COMP=1"), "a.csv", "a.csv_zip"), "inbox-native", 0, 0),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=0,MMADDR=me"), "inbox-native", 0, 0),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=2,SEV=3,MMADDR="), "inbox-native", 0, 0),
    Case(but(ADD, "UNOTIFY=0", "UNOTIFY=3,SEV=3,MMADDR=a@b"), "inbox-native", 0, 0),
    Case(
        "A<CATEGORY=F,TYPE=outage,USERID=a,RPTID=,PRIORITY=1,COMPRESS=0,RPTCATEGORY=,LOC=/a,"
        "ENTPID=10324488,RQSTDT=,FSIZE=0,RPTTITLE=News,MSIZE=>",
        *("inbox-native", 0, 0),
    ),
    Case("D<INBOXID=1234567890>", "inbox", 0, 0),
    Case("D<USERID=a,ENTPID=00022924>", "inbox", 0, 0),
    Case("L<ENTPID=00022924,USERID=a,CATEGORY=R,INBOXID=" + "0" * 24 + "7>", "inbox", 0, 0),
    Case("F<INBOXID=1>", "inbox", 0, 0),
    Case("F<INBOXID=1,WHAT=METADATA>", "inbox-native", 0, 0),
    Case("F<INBOXID=1,WHAT=>", "inbox", 0, 0),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,ACK=0>", "inbox", 0, 0),
    Case("U<ENTPID=00022924,USERID=a,INBOXID=1,TTL=999,CATEGORY=F>", "inbox", 0, 0),
    Case("METADATA<USERRPTID=1>", "rm-native", 0, 0),
    Case("VUM<USERID=a,PASSWORD=p,=w>", "staroe", 0, 0),
    Case("CKD<KEY=0123>", "jar", 0, 0),
]


def told(case: Case) -> tuple[int, int, str | None]:
    try:
        judged(case.message, case.door, facts=case.facts)
    except Refusal as refused:
        return refused.code, refused.step, refused.parameter
    return 0, 0, None


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.message[:40]}")
def test_the_first_failing_step_decides(case: Case) -> None:
    assert told(case) == (case.code, case.step, case.parameter)


def test_every_step_has_cases_of_both_proxies() -> None:
    steps = {(case.code // 1000, case.step) for case in CASES}
    assert steps == {(family, step) for family in (5, 6) for step in range(1, 7)} | {(0, 0)}


def test_every_code_that_a_message_alone_provokes_has_a_case() -> None:
    alone = {code.code for code in codes() if code.reach == "message"}
    assert alone == {case.code for case in CASES} - {0}


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
    assert told(Case(message, "rm", code, 0, None, facts)) if code else judged(message, "rm")  # type: ignore[arg-type]
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
    ("GRTL<>", "rm", 6104),
]


@pytest.mark.parametrize(("message", "door", "code"), RESPONSES, ids=lambda one: str(one)[:50])
def test_a_response_is_judged_by_its_table(message: str, door: str, code: int) -> None:
    if code:
        refused = refusal(message, door, direction="response")
        assert refused.code == code
        assert refused.reply == (b"GRTL<ERROR=6104>" if code == 6104 else b"")
    else:
        judged(message, door, direction="response")


def test_nobody_answers_a_response() -> None:
    response = judged("SRTL<ERROR=0>", "rm", direction="response")
    with pytest.raises(ValueError, match="SRTL is a response, nothing answers it"):
        response.reply()


# ---- every message and parameter, broken in every way --------------------------------------------
#
# A cell is a value whose kind is known; its text is made to fit. The oracle below judges cells.

Kind = Literal["good", "empty", "blank", "bad", "past"]


class Cell(NamedTuple):
    kind: Kind
    text: str
    members: Level | None = None


Level = dict[str, list[Cell]]

GOOD = {
    "digits": "1",
    "id": "1",
    "mmss": "0130",
    "offset": "-5",
    "datetime": "1998-01-02 15:18",
    "entpid": "00022924",
    "list": "<4~1>",
    "columns": "<54~55>",
    "sort": "<54D~55A>",
    "hierarchy": "INBOUND<<1,Ann><NA,NA>>",
    "reports": "<Cat=<Title,1,P>>",
    "node": "<1,Label,10,<5,x,db>>",
    "totals": "<<36,3491.70>>",
    "any": "<1 / 2>",
}
BAD = {
    "text": "a<b>",
    "list": "<a~<b>>",
    "columns": "<x>",
    "sort": "<54>",
    "hierarchy": "<x>",
    "rows": "x",
    "reports": "<x>",
    "node": "<x>",
    "totals": "<x>",
    "group": "x",
    "entpid": "0002292",
}
FACTS: dict[str, Facts] = {
    "none": {},
    "ods": {**ODS, "sender": "ODS", "fulserver": "off", "timezones": "yyy"},
    "tvs": {**TVS, "io": "B", "sender": "STAROE", "fulserver": "on", "timezones": "yyy"},
}


def good(line: ParameterSpec) -> Cell:
    if line.form in ("group", "headed"):
        members = {one.name: [good(one)] for one in line.members}
        return Cell("good", next(iter(line.values)) if line.values else "", members)
    if line.values:
        return Cell("good", next(iter(line.values)))
    if line.name in ("ERROR", "MMADDR"):
        return Cell("good", {"ERROR": "0", "MMADDR": "a@b"}[line.name])
    if line.form == "stamp":
        return Cell("good", "199806020000" if line.name == "START" else "199806030000")
    if line.form == "number":
        return Cell("good", str(line.minimum or 7))
    if line.form == "rows":
        return Cell("good", f"<{'~'.join(line.columns)}>")
    return Cell("good", GOOD.get(line.form, "y" * min(line.length or 3, 3)))


def wholly_good(spec: MessageSpec) -> Level:
    """Every parameter of the table, once, all in order."""
    level = {line.name: [good(line)] for line in spec.parameters}
    name, _, value = spec.chosen_by.partition("=")
    if value:
        level[name] = [Cell("good", value)]
    if spec.variant == "refusal":
        level["ERROR"] = [Cell("good", "5101")]
    return level


def too_long(line: ParameterSpec) -> str | None:
    if line.length is None or line.values or line.members:
        return None
    longer = {"text": "y", "entpid": "0", "id": "0", "digits": "1", "number": "1"}
    if line.form == "columns":
        return f"<{'1~' * line.length}1>"
    return longer.get(line.form, "1") * (line.length + 1)


def ways(line: ParameterSpec) -> Iterator[tuple[str, list[Cell]]]:
    """The ways to break a parameter, by name."""
    whole = good(line)
    bad = Cell("bad", "?" if line.values else BAD.get(line.form, "?"))
    yield "missing", []
    yield "empty", [Cell("empty", "")]
    yield "brackets", [Cell("empty", "< >")]
    yield "blank", [Cell("blank", " \t ")]
    yield "twice", [whole, whole]
    if line.form != "any":
        yield "bad", [bad]
    if line.form == "id":
        yield "past", [Cell("past", "2147483648")]
    if line.maximum is not None and len(str(line.maximum + 1)) <= (line.length or 0):
        yield "over", [Cell("bad", str(line.maximum + 1))]
    if line.minimum is not None:
        yield "under", [Cell("bad", str(line.minimum - 1))]
    long = too_long(line)
    if long is not None:
        yield "long", [Cell("bad", long)]


def octets_of(spec: MessageSpec, level: Level) -> str:
    return f"{spec.acronym}<{written(spec.parameters, level)}>"


def written(lines: tuple[ParameterSpec, ...], level: Level) -> str:
    table = {line.name: line for line in lines}
    fields = []
    for name, cells in level.items():
        line = table.get(name)
        for cell in cells:
            inner = f"<{written(line.members, cell.members)}>" if line and cell.members else ""
            fields.append(f"{name}={cell.text}{inner}")
    return ",".join(fields)


class Oracle:
    """A plain reading of ERR-03 for cells; returns code and step, or (0, 0)."""

    def __init__(self, spec: MessageSpec, level: Level, facts: Facts) -> None:
        self.spec = spec
        self.level = level
        self.facts = facts
        self.inbox = spec.family == "INBOX"

    def verdict(self) -> tuple[int, int]:
        top = (self.level,)
        for step, judge in (
            (3, self.unknown),
            (4, self.missing),
            (5, self.empty),
            (6, self.wrong),
        ):
            code = judge(self.spec.parameters, top)
            if code:
                return code, step
        return 0, 0

    # Conditions.

    def holds(self, line: ParameterSpec | InsteadSpec, levels: tuple[Level, ...]) -> bool:
        return any(
            all(self.passes(name, accepted, levels) for name, accepted in tests.items())
            for tests in line.when
        )

    def passes(self, name: str, accepted: tuple[str, ...], levels: tuple[Level, ...]) -> bool:
        if name.startswith("@"):
            return self.facts.get(name[1:]) in accepted
        cells = next((level[name] for level in levels if level.get(name)), [])
        if not cells or cells[0].kind in ("empty", "blank"):
            return "-" in accepted
        return "*" in accepted or cells[0].text in accepted

    def required(self, line: ParameterSpec, levels: tuple[Level, ...]) -> bool:
        if line.required == "when":
            return self.holds(line, levels)
        return line.required == "yes"

    def own(self, line: ParameterSpec, levels: tuple[Level, ...], *kinds: str) -> int | None:
        """The code of the line's own, from those that apply instead first."""
        places: list[Any] = [one for one in line.instead if self.holds(one, levels)]
        if not line.only or self.holds(line, levels):
            places.append(line)
        for place in places:
            for kind in kinds:
                if getattr(place, kind) is not None:
                    return int(getattr(place, kind))
        return None

    # Steps.

    def inner(self, line: ParameterSpec, levels: tuple[Level, ...]) -> Iterator[tuple[Level, ...]]:
        for cell in levels[0].get(line.name, ()):
            if cell.kind == "good" and line.members:
                yield (cell.members or {}, *levels)
            elif cell.kind == "bad" and line.form == "headed":
                yield ({}, *levels)

    def unknown(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        names = {line.name for line in lines}
        if set(levels[0]) - names:
            return 5101 if self.inbox else 6610
        return self.first(self.unknown, lines, levels)

    def first(
        self,
        judge: Callable[[tuple[ParameterSpec, ...], tuple[Level, ...]], int],
        lines: tuple[ParameterSpec, ...],
        levels: tuple[Level, ...],
    ) -> int:
        codes_ = (judge(line.members, one) for line in lines for one in self.inner(line, levels))
        return next(filter(None, codes_), 0)

    def missing(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        error = self.level.get("ERROR") or [Cell("empty", "")]
        failed = error[0].kind in ("good", "bad") and error[0].text != "0"
        for line in lines:
            if not levels[0].get(line.name):
                may_lack = self.spec.direction == "response" and failed and len(levels) == 1
                if may_lack and line.name not in ("ERROR", "REQ"):
                    continue
                if self.required(line, levels):
                    return self.lacking(line, levels)
            for one in self.inner(line, levels):
                code = self.missing(line.members, one) or self.lone(line, one)
                if code:
                    return code
        return 0

    def lacking(self, line: ParameterSpec, levels: tuple[Level, ...]) -> int:
        general = 5102 if self.inbox else 6701 if len(levels) == 1 else 6114
        return self.own(line, levels, "missing") or general

    def lone(self, line: ParameterSpec, levels: tuple[Level, ...]) -> int:
        if not line.pairs:
            return 0
        start, end = line.members
        counts = [len(levels[0].get(one.name, ())) for one in (start, end)]
        if not self.required(start, levels) or counts[0] == counts[1]:
            return 0
        return self.lacking(end if counts[0] > counts[1] else start, levels)

    def empty(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        for line in lines:
            for cell in levels[0].get(line.name, ()):
                if cell.kind in ("empty", "blank") and not (line.bare or line.ignored):
                    kinds = ("blank", "empty") if cell.kind == "blank" else ("empty",)
                    code = self.own(line, levels, *kinds)
                    if code is None and self.required(line, levels):
                        general = 6703 if line.required == "yes" else 6702
                        code = 5102 if self.inbox else general
                    if code:
                        return code
            for one in self.inner(line, levels):
                code = self.empty(line.members, one)
                if code:
                    return code
        return 0

    def wrong(self, lines: tuple[ParameterSpec, ...], levels: tuple[Level, ...]) -> int:
        general = 5101 if self.inbox else 6103
        for line in lines:
            cells = levels[0].get(line.name, [])
            if len(cells) > 1 and not line.repeats:
                return general
            for cell in cells:
                if cell.kind in ("bad", "past") and not line.ignored:
                    past = 6107 if cell.kind == "past" and not self.inbox else general
                    return self.own(line, levels, "wrong") or past
            for one in self.inner(line, levels):
                code = self.wrong(line.members, one) or self.crossed(line, one, general)
                if code:
                    return code
        return 0 if len(levels) > 1 else self.contradiction(levels, general)

    def crossed(self, line: ParameterSpec, levels: tuple[Level, ...], general: int) -> int:
        """The cells hold one and the same range, so that two of them overlap."""
        if not line.pairs or not self.required(line.members[0], levels):
            return 0
        return general if len(levels[0].get("START", ())) > 1 else 0

    def contradiction(self, levels: tuple[Level, ...], general: int) -> int:
        for check in self.spec.checks:
            if check.check == "never" and self.holds(check, levels):  # type: ignore[arg-type]
                return check.code or general
        return 0


def where_it_comes_in(spec: MessageSpec) -> tuple[str, Any]:
    return spec.doors[-1], spec.direction


def compared(spec: MessageSpec, level: Level, facts: Facts) -> str:
    """Empty if validation and oracle agree, otherwise what they say."""
    door, direction = where_it_comes_in(spec)
    octets = octets_of(spec, level)
    expected = Oracle(spec, level, facts).verdict()
    try:
        judged(octets, door, facts=facts, direction=direction)
    except Refusal as refused:
        found = (refused.code, refused.step)
    else:
        found = (0, 0)
    return "" if found == expected else f"{octets}: {found}, the rules say {expected}"


SPECS = {
    " ".join(filter(None, (spec.acronym, spec.variant, spec.direction))): spec
    for spec in catalogue().messages
}


def bases(spec: MessageSpec) -> Iterator[Level]:
    """A message in order, and others in order of which other conditions hold."""
    yield wholly_good(spec)
    for line in spec.walk():
        for value in list(line.values or ())[1:]:
            changed = wholly_good(spec)
            if line.name in changed and line.name != "COMPRESS":
                changed[line.name] = [changed[line.name][0]._replace(text=value)]
                yield changed


def broken(spec: MessageSpec, level: Level) -> Iterator[Level]:
    """The message with one parameter broken, or one that is unknown, on every level."""
    chosen = spec.chosen_by.partition("=")[0]
    yield {**level, "COLOUR": [Cell("good", "red")]}
    for line in spec.parameters:
        for _, cells in ways(line):
            if line.name != chosen:
                yield {**level, line.name: cells}
        [cell, *_] = level[line.name]
        if cell.members is not None:
            nested = msgspec.structs.replace(spec, parameters=line.members, chosen_by="")
            for members in broken(nested, cell.members):
                yield {**level, line.name: [cell._replace(members=members)]}


@pytest.mark.parametrize("facts", FACTS)
@pytest.mark.parametrize("name", SPECS)
def test_every_parameter_broken_in_every_way(name: str, facts: str) -> None:
    spec = SPECS[name]
    found = [
        compared(spec, level, FACTS[facts])
        for base in bases(spec)
        for level in (base, *broken(spec, base))
    ]
    assert list(filter(None, found)) == []


def test_a_message_that_is_wholly_good_is_in_order() -> None:
    for spec in SPECS.values():
        assert Oracle(spec, wholly_good(spec), FACTS["ods"]).verdict() == (0, 0)
        assert compared(spec, wholly_good(spec), FACTS["ods"]) == ""


@st.composite
def damaged(draw: st.DrawFn) -> tuple[MessageSpec, Level, Facts]:
    """A message of the table with several parameters broken at once, in any order."""
    spec = SPECS[draw(st.sampled_from(sorted(SPECS)))]
    level = draw(st.sampled_from(list(bases(spec))))
    chosen = spec.chosen_by.partition("=")[0]
    for line in draw(st.lists(st.sampled_from(spec.parameters), max_size=5)):
        if line.name != chosen:
            level = {**level, line.name: draw(st.sampled_from([way for _, way in ways(line)]))}
    order = draw(st.permutations(list(level)))
    if spec.acronym in ("GPL", "GPLA"):
        order = list(level)
    facts = FACTS[draw(st.sampled_from(sorted(FACTS)))]
    return spec, {name: level[name] for name in order}, facts


@given(damaged())
def test_of_several_mistakes_the_first_step_decides(case: tuple[MessageSpec, Level, Facts]) -> None:
    assert compared(*case) == ""


# ---- hostile -------------------------------------------------------------------------------------


def filled(start: str, piece: str, end: str, size: int) -> bytes:
    return (start + piece * ((size - len(start) - len(end)) // len(piece)) + end).encode("latin-1")


HOSTILE = {
    "unknown fields": ("GRTL<", "A=1,", ">", "rm", 6610),
    "one field, over and over": (
        "GRTL<PRODUCT=V",
        ",PRODUCT=V",
        ",DATATYPE=R,DATACAT=P,IO=O>",
        "rm",
        6103,
    ),
    "commas in a text": (ARD.partition("City")[0], ",,,", ARD.partition("City")[2], "rm", 6103),
    "members of a list": (ARD.partition("54~55")[0], "5~", ARD.partition("54~55")[2], "rm", 0),
    "levels of a hierarchy": (
        ARD.partition("<NA,NA>")[0],
        "<1,2>",
        ARD.partition("<NA,NA>")[2],
        *("rm", 0),
    ),
    "rows of a hierarchy": (
        ARD.partition("INBOUND")[0],
        "OUT<<1,2>>",
        ARD.partition("<NA,NA><NA,NA>>")[2],
        *("rm", 0),
    ),
    "ranges": (
        ARD.partition("START=")[0],
        "START=199806020000,END=199807151200,",
        ARD.partition("END=")[1] + ARD.partition("END=")[2],
        *("rm", 6602),
    ),
    "keys in groups": (ARD.partition("54~55")[0], "<A=1>", ARD.partition("54~55")[2], "rm", 6610),
    "digits of an id": ("GRTD<REPORTID=", "9", ">", "rm", 6107),
    "digits of a size": (
        ADD.partition("3705")[0],
        "9",
        ADD.partition("3705")[2],
        "inbox-native",
        5160,
    ),
    "blanks": ("GRTL<PRODUCT=", " ", "V,DATATYPE=R,DATACAT=P,IO=O>", "rm", 0),
    "an acronym": ("", "A", "<", "rm", 6612),
    "a name of a pick list": ("GPL<", "PL_LANG,", "PL_LANG>", "rm", 6103),
    "metadata columns": (
        METADATA.partition("METACOLUMN")[0],
        "METACOLUMN=<>,",
        "A=1>>",
        "rm-native",
        6610,
    ),
}


def seconds(octets: bytes, door: str, code: int) -> float:
    direction: Any = "response" if octets[:1] == b"<" else "request"
    gc.collect()
    gc.disable()  # Its work grows with what the other tests left behind.
    found, start = 0, process_time()
    try:
        judged(octets, door, facts=ODS, direction=direction, limits=Limits(marks=1 << 20))
    except Refusal as refused:
        found = refused.code
    finally:
        taken = process_time() - start
        gc.enable()
    assert found == code
    return taken


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_length_and_no_faster(name: str) -> None:
    """SYN-11. A quadratic judgement would take 256 times as long for 16 times the octets."""
    start, piece, end, door, code = HOSTILE[name]
    short, long = (filled(start, piece, end, size) for size in (16_384, 262_144))
    fast = min(seconds(short, door, code) for _ in range(3))
    slow = min(seconds(long, door, code) for _ in range(2))
    assert slow < 64 * max(fast, 0.002)
