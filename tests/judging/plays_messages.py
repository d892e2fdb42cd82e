"""Messages and their answers."""

from pathlib import Path

from judging.playing import play
from judging.tape import GRTL, SRTL, Tape


def message(rule: str, question: bytes, good: bytes, bad: bytes, hop: str = "rm-native") -> None:
    """A message, with an answer that is right and one that is not."""

    @play(rule)
    def conversation(tape: Tape, broken: bool) -> None:
        answer = bad if broken else good
        if hop.endswith("-native"):
            tape.native(question, answer, hop)
            return
        line = tape.open(hop)
        line.asks(tape.common(question))
        line.says(tape.common(answer, status=0 if b"ERROR=0" in answer else 100))
        line.done()

    conversation.__name__ = question.decode("latin-1")[:40]


MANY = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=X>"
GURL = b"GURL<USERID=a,RPTTMPID=1,ENTPID=b,PRODUCT=V,DATACAT=P>"
Z_F = b"Z<REQ=F,ERROR=0,INBOXID=5,FSIZE=3>"
message("SYN-10", b"GRTL<PRODUCT=V>>", b"GRTL<ERROR=6612>", b"GRTL<ERROR=6611>", "rm")
message("ERR-03", MANY, b"SRTL<ERROR=6103>", b"SRTL<ERROR=6109>")
message("ERR-03", GRTL, SRTL, b"SRTL<ERROR=6103>")
message("CAT-01", b"XYZ<>", b"XYZ<ERROR=6104>", b"XYZ<ERROR=6103>")
message("CAT-01", GRTL, SRTL, SRTL.replace(b"SRTL", b"SURL"))
message("ERR-02", b"XYZ<>", b"XYZ<ERROR=6104>", b"<ERROR=6104>")
message("ERR-02", GRTL, SRTL, b"SRTL<>")
message("ERR-04", GURL, b"SURL<ERROR=6706>", b"SURL<ERROR=6109>")
message("CAT-04", GRTL, b"SRTL<ERROR=6109>", b"SRTL<ERROR=6109,REPORTS=>")
message("CAT-04", GRTL, SRTL, SRTL.replace(b",REP", b", REP"))
message("CAT-05", GRTL, SRTL, b"SRTL<ERROR=0,REPORTS=x>")
message("CAT-02", GRTL, SRTL, SRTL[:-1] + b",MORE=1>")
message("ERR-01", GRTL, b"SRTL<ERROR=6109>", b"SRTL<ERROR=4711>")
message("CAT-06", b"F<INBOXID=5>", Z_F + b"abc", Z_F + b"ab", "inbox")

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
ARD = (GOLDEN / "ard-client.printed.msg").read_bytes().strip()
SEV = b"A<CATEGORY=F,TYPE=t,USERID=a,COMPRESS=0,UNOTIFY=1,LOC=x,ENTPID=00022924,FSIZE=1,RPTTITLE=t>"
NEWS = SEV.replace(b"UNOTIFY=1", b"UNOTIFY=0,PRIORITY=1")
DEEP = b"GRTL<PRODUCT=" + 65 * b"<" + 65 * b">" + b">"
message("SYN-11", DEEP, b"GRTL<ERROR=6102>", b"GRTL<ERROR=6612>", "rm")
message("HDR-08", b"NRL<>", b"NRL<ERROR=6104>", b"NRL<ERROR=6701>", "rm")
message("DSP-02", GRTL, b"GRTL<ERROR=6104>", b"GRTL<ERROR=6109>", "rs")
message("ERR-05", SEV, b"Z<REQ=A,ERROR=5156>", b"Z<REQ=A,ERROR=5153>", "inbox-native")
message(
    "CAT-07",
    ARD.replace(b"RECCOUNT=20", b"RECCOUNT=x"),
    b"ARDA<ERROR=6103>",
    b"ARDA<ERROR=0,USERRPTID=7>",
)
message("SYN-13", GRTL[:-1] + b",IO=O>", b"SRTL<ERROR=6103>", b"SRTL<ERROR=6109>")
message("SYN-13", GRTL.replace(b",", b" , "), SRTL, b"SRTL<ERROR=6610>")
message("SYN-03", GRTL.replace(b",", b"\x01"), SRTL, b"SRTL<ERROR=6610>")
message(
    "SYN-04",
    b"L<ENTPID=00022924,USERID=a,INBOXID=<>CATEGORY=R>",
    b"Z<REQ=L,ERROR=5100>",
    b"Z<REQ=L,ERROR=5132>",
    "inbox-native",
)
message("SYN-05", b"GPL<PL_LANG>", b"GPLA<ERROR=0,PL_LANG=<1~EN>>", b"GPLA<ERROR=6701>")
message("SYN-06", GRTL.replace(b"PRODUCT", b"Product"), SRTL, b"SRTL<ERROR=6610>")
message("SYN-09", GRTL + b"\r\n", SRTL, b"SRTL<ERROR=6611>", "rm")
message("OCT-01", b"CRD<USERRPTID=1,NAME=\xe9>", b"CRDA<ERROR=6109>", b"CRDA<ERROR=6103>")
message("CAT-03", b"URS<USERRPTID=245,ACTIVE=1>", b"URSA<ERROR=6109>", b"URSA<ERROR=6610>")
URSA = b"URSA<ERROR=0,USERRPTID=%d>"
message("CAT-07", b"URS<USERRPTID=245,ACTIVE=1>", URSA % 245, URSA % 246)
message(
    "CAT-09",
    NEWS.replace(b"LOC=x", b"LOC=a/../x"),
    b"Z<REQ=A,ERROR=5163>",
    b"Z<REQ=A,ERROR=0,INBOXID=1>",
    "inbox-native",
)
TVS = (GOLDEN / "metadata-tvs.emended.msg").read_bytes().strip().replace(b",", b" ")
message("CAT-08", b"METADATA<USERRPTID=1>", TVS, TVS.replace(b"\x01", b",", 1))
message("ERR-07", GRTL, SRTL, b"SRTL<ERROR=0,REPORTS=<Traceback (most recent call last)=<a,2,R>>>")


@play("CAT-07")
def report_ids(tape: Tape, broken: bool) -> None:
    for number in (7, 7 if broken else 8):
        tape.native(b"CRD<USERRPTID=1,NAME=a>", b"CRDA<ERROR=0,USERRPTID=%d>" % number)


@play("CAT-06")
def item_ids(tape: Tape, broken: bool) -> None:
    for number in (7, 6 if broken else 8):
        tape.native(NEWS, b"Z<REQ=A,ERROR=0,INBOXID=%d>" % number, "inbox-native")


@play("CAT-06")
def items_in_order(tape: Tape, broken: bool) -> None:
    row = b"<%d~R~t~1~~0~c~2026-11-21 00:00~1~t~1~0~0~45>"
    rows = b"".join(row % number for number in ((9, 8) if broken else (8, 9)))
    question = b"L<ENTPID=00022924,USERID=a,CATEGORY=R>"
    tape.native(question, b"Z<REQ=L,ERROR=0,ITEMS=" + rows + b">", "inbox-native")
