"""What shows each fault of `rule_faults.messages`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from sqlalchemy.exc import SQLAlchemyError

from starwire.servers.configuration import (
    AuditSettings,
    CapacitySettings,
    Configuration,
    Logon,
    ReportManagerSettings,
)
from starwire.servers.fault import Fault
from starwire.servers.memory.emulator import CHEAP

from .chain import GRTL, PROFILE, Chain
from .proofs_of_frames import BAD, REFUSED, asked
from .proofs_of_syntax import ARD, GURL, L, code, code_in
from .proving import Proof

NRL = (
    b"NRL<TYPE=t,ENTPID=00022924,USERID=dorod,STDRPTID=40,USERRPTID=3415,REQUESTID=20341,"
    b"COMPRESS=0,LOC=/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV,FSIZE=389,PRESORTED=0>"
)
A = (
    b"A<CATEGORY=R,TYPE=t,USERID=jeanvnet2,RPTID=1,COMPRESS=0,RPTCATEGORY=c,"
    b"LOC=/inbox/files/testODS/STDRPTID43TM_082598_084920.CSV,ENTPID=00022924,"
    b"RQSTDT=1998-01-02 15:18,FSIZE=389,RPTTITLE=t,MSIZE=0>"
)
LYNNE = (b"USERID=jeanvnet2", b"USERID=LynneLevy2"), (b"ENTPID=00022924", b"ENTPID=10324488")


def changed(message: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    for old, new in pairs:
        assert old in message
        message = message.replace(old, new)
    return message


def native(message: bytes, door: str = "rm-native") -> Callable[[Chain], Any]:
    """The response on a native port."""
    return lambda chain: chain.say(door, message)


def native_code(message: bytes, door: str = "rm-native") -> Callable[[Chain], Any]:
    return lambda chain: code_in(chain.say(door, message))


def added(pairs: tuple[tuple[bytes, bytes], ...] = ()) -> Callable[[Chain], Any]:
    """The Z to an A."""
    return native(changed(A, *pairs), "inbox-native")


def added_twice(chain: Chain) -> Any:
    chain.say("inbox-native", A)
    return chain.say("inbox-native", A)


def told_twice(chain: Chain) -> Any:
    chain.say("rm-native", NRL)
    return code_in(chain.say("rm-native", NRL))


def late_arda(chain: Chain) -> Any:
    """The status of a report that is complete, behind an ARDA with an error."""
    chain.say("rm-native", NRL)
    chain.say("rm-native", b"ARDA<ERROR=6101,REQUESTID=20341>")
    shown = chain.say("rm-native", b"GURD<REPORTID=3415>")
    return shown.partition(b"<STATUS,")[2][:1]


def with_fault(**fault: Any) -> Configuration:
    return Configuration(
        logon=Logon(cost=CHEAP),
        audit=AuditSettings(enabled=False),
        faults=(Fault(**fault),),
    )


PLAIN = Configuration(logon=Logon(cost=CHEAP), audit=AuditSettings(enabled=False))
FULL = replace(PLAIN, capacity=CapacitySettings(transactions=1))
WITHOUT_TVS = replace(PLAIN, rm=ReportManagerSettings(servers=("ODS",)))
DOWN = with_fault(kind="database-down", message="GURD")
GURD = b"GURD<REPORTID=245>"


def beside_another(**fields: Any) -> Callable[[Chain], Any]:
    """The status of a frame while another is under way that is all that is taken on."""

    def probe(chain: Chain) -> Any:
        chain.stand_in("rm", lambda octets: b"")
        chain.line("dispatcher").wire.write(chain.envelope("RM", BAD))
        chain.settle()
        return chain.dispatch("RM", BAD)[0]

    return probe


def echo_beside_another(chain: Chain) -> Any:
    """Whether an echo comes back from a proxy that has as much to do as it takes on."""
    capacity: Any = chain.emulator._emulator._capacity
    capacity._under_way["rm"] = 1
    octets = chain.request(b"", echo=1)
    return chain.say("rm", octets) == octets


def jar_without_store(chain: Chain) -> Any:
    def gone(work: Any) -> Any:
        def run(connection: Any) -> Any:
            raise SQLAlchemyError("gone")

        return run

    database: Any = chain.emulator._emulator._database
    database.troubled = gone
    return chain.say("jar", b"CKM<USERID=a,ENTPID=00022924>")


WITH_OVERLAY = replace(
    PROFILE,
    overlay={
        "parameters": [{"message": "GRTL", "name": "FOO", "title": "added", "required": "no"}]
    },
)

PROOFS = {
    "overlay-ignored": Proof(code(GRTL.replace(b">", b",FOO=1>")), 0, 6610, profile=WITH_OVERLAY),
    "a-through-dispatcher": Proof(code(A, "inbox"), 5103, 0),
    "metadata-through-dispatcher": Proof(
        lambda chain: chain.ask("rm", b"METADATA<USERRPTID=245>")[1][:10],
        b"METADATA<E",
        b"<METADATA=",
    ),
    "nrl-through-dispatcher": Proof(code(NRL), 6104, 0),
    "lists-for-one-enterprise": Proof(native_code(changed(L, *LYNNE), "inbox-native"), 5100, 6115),
    "jar-at-native-ports": Proof(native_code(b"CKG<>"), 6104, 6701),
    "grtl-at-scheduler": Proof(code(GRTL, "rs"), 6104, 0),
    "urs-at-report-manager-only": Proof(code(b"URS<USERRPTID=245,ACTIVE=0>", "rs"), 0, 6104),
    "dur-is-drd": Proof(code(b"DUR<USERRPTID=245,USERID=jeanvnet2>"), 6104, 0),
    "late-arda-counts": Proof(late_arda, b"C", b"F"),
    "length-before-greatest-id": Proof(code(b"URS<USERRPTID=21474836470,ACTIVE=0>"), 6107, 6103),
    "greatest-id-is-6103": Proof(code(b"URS<USERRPTID=2147483648,ACTIVE=0>"), 6107, 6103),
    "corporation-not-needed": Proof(
        code(ARD.replace(b"<<90000003,90000003>>", b"<<NA,NA>>")), 6103, 0
    ),
    "rqstdt-of-12": Proof(native_code(A, "inbox-native"), 0, 5159),
    "priority-always-needed": Proof(native_code(A, "inbox-native"), 0, 5102),
    "requestid-of-a-unknown": Proof(
        native_code(A.replace(b"RPTID=1", b"REQUESTID=5,RPTID=1"), "inbox-native"), 0, 5101
    ),
    "category-of-u-unknown": Proof(
        code(L.replace(b"L<", b"U<TTL=9,INBOXID=1,"), "inbox"), 5100, 5101
    ),
    "product-f-taken": Proof(code(GRTL.replace(b"=V", b"=F")), 6103, 6109),
    "blanks-in-answers": Proof(
        asked(b"CRD<USERRPTID=245,NAME=n>"),
        (0, b"CRDA<ERROR=0,USERRPTID=3416>"),
        (0, b"CRDA<ERROR=0, USERRPTID=3416>"),
    ),
    "error-last": Proof(
        asked(b"CRD<USERRPTID=245,NAME=n>"),
        (0, b"CRDA<ERROR=0,USERRPTID=3416>"),
        (0, b"CRDA<USERRPTID=3416,ERROR=0>"),
    ),
    "fields-of-answer-reversed": Proof(
        asked(b"VUM<USERID=jeanvnet2,PASSWORD=interact>", "staroe", session_key=""),
        (0, b"VUMA<ERROR=0,USERID=jeanvnet2,ENTPID=00022924>"),
        (0, b"VUMA<ERROR=0,ENTPID=00022924,USERID=jeanvnet2>"),
    ),
    "ids-left-out-of-answers": Proof(
        asked(b"CRD<USERRPTID=245,NAME=n>"),
        (0, b"CRDA<ERROR=0,USERRPTID=3416>"),
        (0, b"CRDA<ERROR=0>"),
    ),
    "inboxid-left-out-of-z": Proof(added(), b"Z<REQ=A,ERROR=0,INBOXID=1>", b"Z<REQ=A,ERROR=0>"),
    "error-with-more": Proof(asked(BAD), (100, REFUSED), (100, b"SRTL<ERROR=6827,TEXT=refused>")),
    "ids-of-nrl-not-repeated": Proof(
        native(NRL.replace(b"389", b"388")),
        b"NRLA<ERROR=6707,USERID=dorod,USERRPTID=3415,REQUESTID=20341>",
        b"NRLA<ERROR=6707>",
    ),
    "older-inboxid-not-told": Proof(
        added_twice, b"Z<REQ=A,ERROR=5005,INBOXID=1>", b"Z<REQ=A,ERROR=5005>"
    ),
    "new-inboxid-not-told-with-51xx": Proof(
        added((*LYNNE, (b"MSIZE=0", b"MSIZE=0,UNOTIFY=2,SEV=1"))),
        b"Z<REQ=A,ERROR=5180,INBOXID=1>",
        b"Z<REQ=A,ERROR=5180>",
    ),
    "arda-answered-by-nrla": Proof(
        lambda chain: chain.say("rm-native", b"ARDA<ERROR=0,REQUESTID=20341>")[:5],
        b"ARDA<",
        b"NRLA<",
    ),
    "error-under-the-asked-acronym": Proof(asked(BAD), (100, REFUSED), (100, b"GRTL<ERROR=6827>")),
    "unknown-acronym-not-echoed": Proof(
        asked(b"X<>"), (100, b"X<ERROR=6104>"), (100, b"<ERROR=6104>")
    ),
    "something-echoed-for-nothing": Proof(
        asked(b""), (100, b"<ERROR=6611>"), (100, b"NONE<ERROR=6611>")
    ),
    "inbox-does-not-say-what-it-refuses": Proof(
        asked(b"L<", place="inbox"), (100, b"Z<REQ=L,ERROR=5101>"), (100, b"Z<ERROR=5101>")
    ),
    "unreadable-acronym-not-echoed": Proof(
        asked(b"X<"), (100, b"X<ERROR=6612>"), (100, b"<ERROR=6612>")
    ),
    "long-acronym-echoed": Proof(
        asked(b"ABCDEFGHI<>"), (100, b"<ERROR=6104>"), (100, b"ABCDEFGHI<ERROR=6104>")
    ),
    "long-acronym-cut": Proof(
        asked(b"ABCDEFGHI<>"), (100, b"<ERROR=6104>"), (100, b"ABCDEFGH<ERROR=6104>")
    ),
    "unknown-at-inbox-is-6104": Proof(
        asked(b"X<>", "inbox"), (100, b"Z<REQ=X,ERROR=5103>"), (100, b"X<ERROR=6104>")
    ),
    "metadata-fails-without-acronym": Proof(
        native(b"METADATA<USERRPTID=9>"), b"METADATA<ERROR=6109>", b"<ERROR=6109>"
    ),
    "metadata-under-its-acronym": Proof(
        lambda chain: chain.say("rm-native", b"METADATA<USERRPTID=245>")[:10],
        b"<METADATA=",
        b"METADATA<M",
    ),
    "acronym-before-syntax": Proof(code(b"X<"), 6612, 6104),
    "token-before-acronym": Proof(code(b"X<A=1>"), 6104, 6610),
    "missing-before-token": Proof(code(BAD.replace(b">", b",FOO=1>")), 6610, 6827),
    "empty-before-missing": Proof(code(b"GRTL<DATATYPE=,DATACAT=P,IO=O>"), 6827, 6810),
    "wrong-before-empty": Proof(code(b"GRTL<PRODUCT=,DATATYPE=X,DATACAT=P,IO=O>"), 6828, 6103),
    "identity-before-form": Proof(
        code(changed(GURL, (b"=jeanvnet2", b"=dorod"), (b"=S", b"=X"))), 6103, 6115
    ),
    "items-before-identity": Proof(code(L.replace(b"=jeanvnet2", b"=dorod"), "inbox"), 5131, 5100),
    "template-before-identity": Proof(
        code(changed(GURL, (b"=jeanvnet2", b"=dorod"), (b"=90", b"=999"))), 6115, 6109
    ),
    "table-judged-backwards": Proof(code(b"GRTL<DATACAT=P,DATATYPE=R>"), 6827, 6701),
    "value-before-repetition": Proof(
        code(L.replace(b"CATEGORY=R", b"CATEGORY=X,CATEGORY=X"), "inbox"), 5101, 5132
    ),
    "only-first-occurrence-judged": Proof(
        code(b"GRTL<PRODUCT=V,PRODUCT=,DATATYPE=R,DATACAT=P,IO=O>"), 6828, 6103
    ),
    "empty-optional-refused": Proof(code(L.replace(b">", b",INBOXID=>"), "inbox"), 5100, 5102),
    "no-rows-is-7000": Proof(code(GURL), 6109, 7000),
    "blanks-only-are-empty": Proof(code(ARD.replace(b"NAME=n", b"NAME= ")), 6113, 6824),
    "size-of-file-unchecked": Proof(native_code(NRL.replace(b"389", b"388")), 6707, 0),
    "nrl-taken-twice": Proof(told_twice, 6050, 0),
    "unknown-request-acknowledged": Proof(native_code(b"ARDA<ERROR=0,REQUESTID=9>"), 6707, 0),
    "file-before-request": Proof(
        native_code(changed(NRL, (b"20341", b"9"), (b"STDRPTID43", b"none"))), 6707, 6108
    ),
    "server-of-template-unchecked": Proof(
        code(
            changed(
                ARD,
                (b"STDRPTID=90", b"STDRPTID=1"),
                (b"PRODUCT=S", b"PRODUCT=T"),
                (b"PAGE=0", b"PAGE=0,NDIALED=<8007243624>"),
            )
        ),
        6116,
        0,
        configuration=WITHOUT_TVS,
    ),
    "store-failure-is-6101": Proof(code(GURD), 6105, 6101, configuration=DOWN),
    "jar-without-store-is-6101": Proof(jar_without_store, b"CKMA<ERROR=6105>", b"CKMA<ERROR=6101>"),
    "failure-told-in-full": Proof(
        lambda chain: chain.ask("rm", GURD)[1] == b"SURD<ERROR=6105>",
        True,
        False,
        configuration=DOWN,
    ),
    "failure-closes": Proof(asked(GURD), (100, b"SURD<ERROR=6105>"), (-1, b""), configuration=DOWN),
    "overload-is-106": Proof(beside_another(), 111, 106, configuration=FULL),
    "overload-refuses-echo": Proof(echo_beside_another, True, False, configuration=FULL),
    "everything-taken-on": Proof(beside_another(), 111, -1, configuration=FULL),
}
