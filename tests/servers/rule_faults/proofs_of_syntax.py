"""What shows each fault of `rule_faults.syntax`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .chain import GRTL, Chain
from .proving import Proof

ARD = (
    b"ARD<USERID=jeanvnet2,ENTPID=00022924,STDRPTID=90,NAME=n,PRODUCT=S,CATEGORY=c,SCHEDTYPE=R,"
    b"TIMEZONE=45,BILLING=INBOUND<<90000003,90000003>>,EMAIL=0,PAGE=0>"
)
L = b"L<ENTPID=00022924,USERID=jeanvnet2,CATEGORY=R>"
GURL = b"GURL<USERID=jeanvnet2,RPTTMPID=90,ENTPID=00022924,PRODUCT=S,DATACAT=P>"


def code_in(octets: bytes) -> int:
    """The value of ERROR."""
    found = re.search(rb"ERROR=([0-9]+)", octets)
    return int(found[1]) if found else -1


def code(data: bytes, place: str = "rm") -> Callable[[Chain], Any]:
    """The value of ERROR of the response."""
    return lambda chain: code_in(chain.ask(place, data)[1])


def grtl(old: bytes, new: bytes) -> Callable[[Chain], Any]:
    """The code of a GRTL that says it otherwise."""
    assert old in GRTL
    return code(GRTL.replace(old, new))


def ard(old: bytes, new: bytes) -> Callable[[Chain], Any]:
    assert old in ARD
    return code(ARD.replace(old, new))


def listed_name(name: bytes) -> Callable[[Chain], Any]:
    """How a list of reports shows a report of that name."""

    def probe(chain: Chain) -> Any:
        assert code(ARD.replace(b"NAME=n", b"NAME=" + name))(chain) == 0
        return chain.ask("rm", GURL)[1].partition(b"=<c=<")[2].partition(b",")[0]

    return probe


def listed_row(chain: Chain) -> Any:
    """The places of a row whose name has a comma."""
    assert ard(b"NAME=n", b"NAME=a,b")(chain) == 0
    row = chain.ask("rm", GURL)[1].partition(b"=<c=<")[2].partition(b">")[0]
    return row.count(b",")


DEEP = 64
MARKS = 65_536
OCTETS = 1_048_576


def nested(depth: int) -> bytes:
    return b"X" + b"<" * depth + b">" * depth


def marked(marks: int) -> bytes:
    return b"X<" + b"," * (marks - 1) + b">"


def long(octets: int) -> bytes:
    return b"X<" + b"a" * (octets - 3) + b">"


COLUMNS = b"PAGE=0,COLUMNS="

PROOFS = {
    "long-acronym-is-no-message": Proof(code(b"ABCDE<>"), 6104, 6611),
    "acronym-needed": Proof(code(b"<A=1>"), 6104, 6611),
    "blanks-in-text-collapsed": Proof(listed_name(b"a  b"), b"a  b", b"a b"),
    "high-octets-refused": Proof(grtl(b"=V", b"=\xe9"), 6103, 6611),
    "nul-in-text-refused": Proof(grtl(b"=V", b"=\0V"), 6103, 6611),
    "second-equals-refused": Proof(grtl(b"=V", b"=V=W"), 6103, 6611),
    "equals-ends-the-value": Proof(grtl(b"=V", b"=V=W"), 6103, 0),
    "x01-is-text": Proof(grtl(b"V,", b"V\x01"), 0, 6809),
    "caret-a-is-x01": Proof(grtl(b"V,", b"V^A"), 6809, 0),
    "tilde-separates-parameters": Proof(grtl(b"V,", b"V~"), 6809, 0),
    "separator-needed-behind-group": Proof(ard(b">>,EMAIL", b">>EMAIL"), 0, 6611),
    "one-group-for-each-value": Proof(ard(b">>,", b">>OUTBOUND<<90000003,90000003>>,"), 0, 6610),
    "comma-ends-free-text": Proof(listed_name(b"a,b"), b"a b", b"a"),
    "keyless-slot-unknown": Proof(ard(b"NAME=n", b"NAME=a,b"), 0, 6610),
    "last-empty-slot-dropped": Proof(code(GRTL.replace(b">", b",>")), 6103, 0),
    "name-with-group-unknown": Proof(ard(b"PAGE=0", b"PAGE=0,COLUMNS<36>"), 0, 6610),
    "bare-list-name-unknown": Proof(code(b"GPL<PL_LANG>"), 0, 6610),
    "error-in-gpl-unknown": Proof(code(b"GPL<PL_LANG,ERROR=0>"), 0, 6610),
    "leading-text-ignored": Proof(grtl(b"<", b"<,"), 6610, 0),
    "keys-with-case": Proof(grtl(b"PRODUCT", b"product"), 0, 6610),
    "acronyms-without-case": Proof(grtl(b"GRTL", b"grtl"), 6104, 0),
    "values-without-case": Proof(grtl(b"=V", b"=v"), 6103, 0),
    "blanks-round-keys-kept": Proof(grtl(b"PRODUCT", b" PRODUCT "), 0, 6610),
    "blanks-round-values-kept": Proof(grtl(b"=V", b"= V"), 0, 6103),
    "blanks-round-acronym-kept": Proof(grtl(b"GRTL", b" GRTL"), 0, 6104),
    "line-end-is-no-blank": Proof(grtl(b"V,", b"V,\r\n"), 0, 6610),
    "tab-is-no-blank": Proof(grtl(b"=V", b"=\tV"), 0, 6103),
    "nul-is-a-blank": Proof(grtl(b"=V", b"=\0V"), 6103, 0),
    "xa0-is-a-blank": Proof(grtl(b"=V", b"=\xa0V"), 6103, 0),
    "blanks-in-keys-dropped": Proof(grtl(b"PRODUCT", b"PROD UCT"), 6610, 0),
    "aliases-unknown": Proof(grtl(b"DATACAT", b"DATA CAT"), 0, 6610),
    "commas-sent-in-rows": Proof(listed_row, 4, 5),
    "line-end-behind-message-refused": Proof(code(GRTL + b"\r\n"), 0, 6611),
    "bar-behind-message-refused": Proof(code(GRTL + b"|"), 0, 6611),
    "second-bar-taken": Proof(code(GRTL + b"||"), 6611, 0),
    "anything-behind-message-taken": Proof(code(GRTL + b"x"), 6611, 0),
    "unbalanced-is-6611": Proof(code(b"GRTL<"), 6612, 6611),
    "nothing-is-6612": Proof(code(b""), 6611, 6612),
    "first-fault-decides": Proof(code(b"GRTL<>x>"), 6612, 6611),
    "inbox-syntax-is-6611": Proof(code(b"L<", "inbox"), 5101, 6611),
    "nesting-limit-less": Proof(code(nested(DEEP)), 6104, 6102),
    "nesting-limit-more": Proof(code(nested(DEEP + 1)), 6102, 6104),
    "closed-groups-nest": Proof(code(b"X<" + b"<>" * DEEP + b">"), 6104, 6102),
    "marks-limit-less": Proof(code(marked(MARKS)), 6104, 6102),
    "marks-limit-more": Proof(code(marked(MARKS + 1)), 6102, 6104),
    "octets-limit-less": Proof(code(long(OCTETS)), 6104, 6102),
    "octets-limit-more": Proof(code(long(OCTETS + 1)), 6102, 6104),
    "limits-judged-last": Proof(code(b"X" + b"<" * 70), 6102, 6612),
    "empty-group-is-a-value": Proof(grtl(b"=V", b"=<>"), 6828, 6103),
    "blank-group-is-a-value": Proof(grtl(b"=V", b"=< >"), 6828, 6103),
    "group-of-blanks-is-blanks": Proof(
        code(GURL.replace(b"ENTPID=00022924", b"ENTPID=< >")), 6816, 6113
    ),
    "empty-member-taken": Proof(ard(b"PAGE=0", COLUMNS + b"<36,,54>"), 6103, 0),
    "last-empty-member-refused": Proof(ard(b"PAGE=0", COLUMNS + b"<36,>"), 0, 6103),
    "bare-list-refused": Proof(ard(b"PAGE=0", COLUMNS + b"36~54"), 0, 6103),
    "order-of-parameters-judged": Proof(
        code(b"GRTL<DATATYPE=R,PRODUCT=V,DATACAT=P,IO=O>"), 0, 6103
    ),
    "repeated-parameter-taken": Proof(grtl(b"IO=O", b"IO=O,IO=O"), 6103, 0),
}
