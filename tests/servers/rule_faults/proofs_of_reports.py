"""What shows each fault of `rule_faults.reports` and `rule_faults.items`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .chain import DOROD, GRTL, LYNNE, Chain
from .proofs_of_messages import NRL, changed
from .proofs_of_messages import A as ADDED
from .proofs_of_syntax import ARD, GURL, L, code, code_in
from .proving import Proof

GURD = b"GURD<REPORTID=245>"
CRD = b"CRD<USERRPTID=245,NAME=n>"
METADATA = b"METADATA<USERRPTID=245>"
DAY = 86_400
FILE = b"abcde"


def said(data: bytes, pattern: bytes, place: str = "rm", **fields: Any) -> Callable[[Chain], Any]:
    """What of the response is found by a regular expression; None for nothing."""

    def probe(chain: Chain) -> Any:
        found = re.search(pattern, chain.ask(place, data, **fields)[1], re.DOTALL)
        return found and found[0]

    return probe


def native(data: bytes, pattern: bytes) -> Callable[[Chain], Any]:
    """The same, on the native port of the Report Manager."""

    def probe(chain: Chain) -> Any:
        found = re.search(pattern, chain.say("rm-native", data), re.DOTALL)
        return found and found[0]

    return probe


def codes(*messages: bytes, place: str = "rm") -> Callable[[Chain], Any]:
    """The codes of messages, one after the other."""
    return lambda chain: [code_in(chain.ask(place, one)[1]) for one in messages]


def native_codes(*messages: bytes, door: str = "rm-native") -> Callable[[Chain], Any]:
    return lambda chain: [code_in(chain.say(door, one)) for one in messages]


def then(before: bytes, probe: Callable[[Chain], Any]) -> Callable[[Chain], Any]:
    """What is seen once a message was taken."""

    def seen(chain: Chain) -> Any:
        assert code_in(chain.ask("rm", before)[1]) == 0
        return probe(chain)

    return seen


def of_user(data: bytes, key: str, place: str = "rm") -> Callable[[Chain], Any]:
    return lambda chain: code_in(chain.ask(place, data, session_key=key)[1])


AD_HOC = changed(
    ARD,
    (b"SCHEDTYPE=R", b"SCHEDTYPE=A,RANGETYPE=1,SCHEDULE=A<START=199806020000,END=199807151200>"),
)
OVERLAP = changed(AD_HOC, (b"1200>", b"1200,START=199806030000,END=199807161200>"))
LISTED = rb"<n,[0-9]+,[01YN]"

PROOFS_OF_REPORTS = {
    "ids-of-another-user-taken": Proof(code(GURL.replace(b"jeanvnet2", b"dorod")), 6115, 6109),
    "enterprise-of-message-unchecked": Proof(
        code(GURL.replace(b"00022924", b"10324488")), 6115, 6109
    ),
    "anybody-on-native-port": Proof(
        native_codes(GURL.replace(b"jeanvnet2", b"nobody")), [6115], [6109]
    ),
    "report-of-another-shown": Proof(of_user(GURD, DOROD), 6109, 0),
    "report-of-another-told": Proof(of_user(GURD, DOROD), 6109, 6115),
    "template-of-any-product": Proof(code(ARD.replace(b"PRODUCT=S", b"PRODUCT=H")), 6115, 0),
    "ids-of-nrl-unchecked": Proof(native_codes(NRL.replace(b"dorod", b"nobody")), [6115], [0]),
    "drd-of-any-owner": Proof(native_codes(b"DRD<USERRPTID=245,USERID=dorod>"), [6109], [0]),
    "categories-in-a-group": Proof(said(GRTL, b"REPORTS=<+"), b"REPORTS=<", b"REPORTS=<<"),
    "categories-back-to-back": Proof(said(GRTL, b".<Marketing"), b",<Marketing", b"><Marketing"),
    "entries-divided-by-tildes": Proof(said(GRTL, b"Calls.11"), b"Calls,11", b"Calls~11"),
    "id-before-title": Proof(
        said(GRTL, b"=<[^>]*>"),
        b"=<Financial=<Longest Calls,11,R>",
        b"=<Financial=<11,Longest Calls,R>",
    ),
    "type-missing-in-entries": Proof(said(GRTL, b"Calls,11.*?>"), b"Calls,11,R>", b"Calls,11>"),
    "status-date-without-time": Proof(
        then(ARD, said(GURL, b"1998-[0-9 :-]*")), b"1998-08-25 08:49", b"1998-08-25"
    ),
    "names-masked": Proof(
        then(ARD.replace(b"NAME=n", b"NAME=abc"), said(GURL, b"<a.c,3416")),
        b"<abc,3416",
        b"<a?c,3416",
    ),
    "active-as-letter": Proof(then(ARD, said(GURL, LISTED)), b"<n,3416,0", b"<n,3416,N"),
    "category-of-template-in-surl": Proof(
        then(ARD, said(GURL, b"REPORTS=<[^=]*")), b"REPORTS=<c", b"REPORTS=<Analyze Traffic"
    ),
    "no-rows-is-an-empty-list": Proof(code(GURL), 6109, 0),
    "first-node-is-0": Proof(said(GURD, b"NODE[0-9]+"), b"NODE1", b"NODE0"),
    "lists-in-controls-with-tildes": Proof(
        said(GURD, b"COLUMNS,[^,]*"), b"COLUMNS,1 2 3 4 6", b"COLUMNS,1~2~3~4~6"
    ),
    "id-of-report-in-surd": Proof(said(GURD, b",ID=[0-9]+"), b",ID=1", b",ID=245"),
    "value-of-template-not-shown": Proof(
        said(GURD, b"RECCOUNT,[0-9]*"), b"RECCOUNT,1000", b"RECCOUNT,"
    ),
    "pick-list-rows-with-commas": Proof(
        said(b"GPL<PL_LANG>", b"=<[A-Z0-9]+."), b"=<1234~", b"=<1234,"
    ),
    "pick-list-rows-divided": Proof(said(b"GPL<PL_LANG>", b">,?<"), b"><", b">,<"),
    "pick-list-rows-in-a-group": Proof(said(b"GPL<PL_LANG>", b"LANG=<+"), b"LANG=<", b"LANG=<<"),
    "rows-of-either-direction-missing": Proof(code(b"GPL<PL_LANG>"), 0, 6109),
    "hierarchy-without-open-levels": Proof(
        said(b"GPL<PL_HIER,USERRPTID=245>", b"INBOUND.*?>>"),
        b"INBOUND<<90000001,90000001><NA,NA><NA,NA>>",
        b"INBOUND<<90000001,90000001>>",
    ),
    "columns-of-any-template": Proof(code(ARD.replace(b"PAGE=0", b"PAGE=0,COLUMNS=<99>")), 6103, 0),
    "equal-ard-replaces": Proof(
        then(ARD, said(ARD, b"USERRPTID=[0-9]+")), b"USERRPTID=3417", b"USERRPTID=3416"
    ),
    "ard-active-by-default": Proof(then(ARD, said(GURL, LISTED)), b"<n,3416,0", b"<n,3416,1"),
    "copy-is-active": Proof(
        then(CRD, said(b"GURD<REPORTID=3416>", b"<ACTIVE,.")), b"<ACTIVE,0", b"<ACTIVE,1"
    ),
    "copy-keeps-the-name": Proof(
        then(CRD, said(b"GURD<REPORTID=3416>", b"<NAME,..")), b"<NAME,n,", b"<NAME,My"
    ),
    "copy-has-the-id-of-its-original": Proof(
        said(CRD, b"USERRPTID=[0-9]+"), b"USERRPTID=3416", b"USERRPTID=245"
    ),
    "copy-without-its-values": Proof(
        then(CRD, said(b"GURD<REPORTID=3416>", b"NDIALED,[0-9 ]*")),
        b"NDIALED,8007243624 8887243624",
        b"NDIALED,",
    ),
    "urs-without-effect": Proof(
        then(b"URS<USERRPTID=245,ACTIVE=1>", said(GURD, b"<ACTIVE,.")), b"<ACTIVE,1", b"<ACTIVE,0"
    ),
    "drd-without-effect": Proof(then(b"DRD<USERRPTID=245,USERID=jeanvnet2>", code(GURD)), 6109, 0),
    "ard-without-effect": Proof(then(ARD, code(GURL)), 0, 6109),
    "request-outlives-its-report": Proof(
        native_codes(b"DRD<USERRPTID=3415,USERID=dorod>", NRL), [0, 6707], [0, 0]
    ),
    "schedule-type-unchecked": Proof(code(AD_HOC.replace(b"SCHEDTYPE=A", b"SCHEDTYPE=R")), 6103, 0),
    "ranges-may-overlap": Proof(code(OVERLAP), 6103, 0),
    "template-list-of-any-category": Proof(
        said(GRTL.replace(b"=V", b"=T").replace(b"=O", b"=I"), b"Calls,1,"), None, b"Calls,1,"
    ),
    "reports-of-every-user-listed": Proof(
        then(ARD, said(GURL, b"Hours of August")), None, b"Hours of August"
    ),
    "unknown-template-is-6115": Proof(code(b"GRTD<REPORTID=999>"), 6109, 6115),
    "metadata-with-commas": Proof(
        native(METADATA, b"DISPLAY_ORDER=<1."), b"DISPLAY_ORDER=<1\x01", b"DISPLAY_ORDER=<1,"
    ),
    "separator-behind-criteria": Proof(
        native(METADATA, b".DEFAULT_GRAPH_MODE"), b">DEFAULT_GRAPH_MODE", b"\x01DEFAULT_GRAPH_MODE"
    ),
    "metadata-in-folded-names": Proof(
        native(METADATA, b"CRITERIA=<...."), b"CRITERIA=<Name", b"CRITERIA=<NAME"
    ),
    "metadata-dates-as-stamps": Proof(
        native(b"METADATA<USERRPTID=3415>", b"Dates=<[0-9/]{4}"), b"Dates=<08/0", b"Dates=<1998"
    ),
    "columns-stored-as-displayed": Proof(
        then(
            ARD.replace(b"PAGE=0", b"PAGE=0,COLUMNS=<36,54>"),
            native(b"METADATA<USERRPTID=3416>", b"STORED_ORDER=<.."),
        ),
        b"STORED_ORDER=<54",
        b"STORED_ORDER=<36",
    ),
    "subtotals-always-written": Proof(
        native(METADATA, b"SELECTED_SECTION=."), b"SELECTED_SECTION=0", b"SELECTED_SECTION=1"
    ),
    "empty-column-expression-left-out": Proof(
        native(METADATA, b"CALCULATE_EXPRESSION"), b"CALCULATE_EXPRESSION", None
    ),
}

# ---- the Inbox -----------------------------------------------------------------------------------

ITEM = ADDED.replace(b"STDRPTID43TM_082598_084920.CSV", b"%b.csv").replace(b"testODS", b"rules")


def item(name: bytes = b"one", *pairs: tuple[bytes, bytes]) -> bytes:
    """The A of a file of that name."""
    return changed(ITEM % name, *pairs)


def with_items(*messages: bytes, probe: Callable[[Chain], Any]) -> Callable[[Chain], Any]:
    """What is seen when these A were taken; their files are there."""

    def seen(chain: Chain) -> Any:
        for message in messages or (item(),):
            loc = message.partition(b"LOC=")[2].partition(b",")[0].decode()
            chain.emulator.put_file(loc, FILE)
            told = chain.say("inbox-native", message)
            assert b"ERROR=0" in told, told
        return probe(chain)

    return seen


def inbox(
    data: bytes, pattern: bytes = b"(?<=ERROR=)[0-9]+", **fields: Any
) -> Callable[[Chain], Any]:
    return said(data, pattern, "inbox", **fields)


def one_after_the_other(*probes: Callable[[Chain], Any]) -> Callable[[Chain], Any]:
    return lambda chain: [probe(chain) for probe in probes]


def ids(chain: Chain) -> Any:
    """The INBOXIDs of a list."""
    told = chain.ask("inbox", L)[1]
    return [int(found) for found in re.findall(rb"<([0-9]+)[~,]", told)]


def ids_behind(number: int) -> Callable[[Chain], Any]:
    def probe(chain: Chain) -> Any:
        told = chain.ask("inbox", L.replace(b">", b",INBOXID=%d>" % number))[1]
        return [int(found) for found in re.findall(rb"<([0-9]+)[~,]", told)]

    return probe


def days_later(days: int, probe: Callable[[Chain], Any]) -> Callable[[Chain], Any]:
    def seen(chain: Chain) -> Any:
        chain.emulator._world.began += days * DAY
        return probe(chain)

    return seen


F1, D1 = b"F<INBOXID=1>", b"D<INBOXID=1>"
U1 = b"U<ENTPID=00022924,USERID=jeanvnet2,INBOXID=1,TTL=9>"
D_ALL = b"D<USERID=jeanvnet2,ENTPID=00022924>"
TWO = (item(b"one"), item(b"two"))
OF_DOROD = item(b"two", (b"jeanvnet2", b"dorod"))
NEWS = item(b"two", (b"CATEGORY=R", b"CATEGORY=F,PRIORITY=1"))
ROW = rb"<1[^>]*>"
TOLD = (b"MSIZE=0", b"MSIZE=0,UNOTIFY=3,SEV=1")
BY_EMAIL = (b"MSIZE=0", b"MSIZE=0,UNOTIFY=2,SEV=3,MMADDR=lynne@customer.example")
TO_LYNNE = ((b"jeanvnet2", b"LynneLevy2"), (b"00022924", b"10324488"))
L_LYNNE = changed(L, *TO_LYNNE)


def added(*pairs: tuple[bytes, bytes]) -> Callable[[Chain], Any]:
    """The code of an A whose file is there."""

    def probe(chain: Chain) -> Any:
        chain.emulator.put_file("/inbox/files/rules/one.csv", FILE)
        chain.emulator.put_file("/inbox/files/rules/one.CSV_ZIP", FILE)
        return code_in(chain.say("inbox-native", item(b"one", *pairs)))

    return probe


def not_told(chain: Chain) -> Any:
    """The code for a user who cannot be told, and whether the item is there."""
    return added(*TO_LYNNE, TOLD)(chain), of_user(L_LYNNE, LYNNE, "inbox")(chain)


def again(*, file: bool = True) -> Callable[[Chain], Any]:
    """The code of an A that was taken before."""

    def probe(chain: Chain) -> Any:
        if not file:
            chain.emulator.remove_file("/inbox/files/rules/one.csv")
        return code_in(chain.say("inbox-native", item()))

    return with_items(probe=probe)


def eleven(probe: Callable[[Chain], Any]) -> Callable[[Chain], Any]:
    return with_items(*(item(b"%d" % number) for number in range(11)), probe=probe)


def file_lost(chain: Chain) -> Any:
    chain.emulator.remove_file("/inbox/files/rules/one.csv")
    return inbox(F1)(chain)


def outside(chain: Chain) -> Any:
    """The code of an A whose LOC leads out of the root, to a file that is there."""
    Path(chain.emulator._files.state, "secret.csv").write_bytes(FILE)
    message = re.sub(b"LOC=[^,]*", b"LOC=/../secret.csv", item())
    return code_in(chain.say("inbox-native", message))


def taken_up_again(chain: Chain) -> Any:
    """The INBOXID of an item that comes behind one that was deleted."""
    chain.ask("inbox", D1)
    return chain.say("inbox-native", item(b"one"))[-4:]


PROOFS_OF_ITEMS = {
    "item-list-of-another-user": Proof(inbox(L.replace(b"jeanvnet2", b"dorod")), b"5131", b"5100"),
    "item-of-another-fetched": Proof(with_items(probe=inbox(F1, session_key=DOROD)), b"5100", b"0"),
    "item-of-another-told": Proof(with_items(probe=inbox(F1, session_key=DOROD)), b"5100", b"5121"),
    "item-for-nobody": Proof(added((b"jeanvnet2", b"nobody")), 5153, 0),
    "newest-item-first": Proof(with_items(*TWO, probe=ids), [1, 2], [2, 1]),
    "item-without-ttl": Proof(
        with_items(probe=lambda chain: len(inbox(L, ROW)(chain).split(b"~"))), 14, 13
    ),
    "items-with-commas": Proof(with_items(probe=inbox(L, b"<1..")), b"<1~R", b"<1,R"),
    "ttl-in-z-to-l": Proof(
        with_items(probe=inbox(L, b"ERROR=0,...")), b"ERROR=0,ITE", b"ERROR=0,TTL"
    ),
    "inboxid-always-in-z-to-l": Proof(
        with_items(probe=inbox(L, b"ERROR=0,...")), b"ERROR=0,ITE", b"ERROR=0,INB"
    ),
    "item-of-given-id-listed": Proof(with_items(*TWO, probe=ids_behind(1)), [2], [1, 2]),
    "given-id-ignored": Proof(with_items(*TWO, probe=ids_behind(2)), [], [1, 2]),
    "ids-compared-as-text": Proof(eleven(ids_behind(9)), [10, 11], []),
    "items-of-every-category": Proof(with_items(item(), NEWS, probe=ids), [1], [1, 2]),
    "no-items-is-success": Proof(inbox(L), b"5100", b"0"),
    "nothing-deleted-is-success": Proof(inbox(D1), b"5125", b"0"),
    "d-without-effect": Proof(
        with_items(probe=one_after_the_other(inbox(D1), ids)), [b"0", []], [b"0", [1]]
    ),
    "d-of-all-deletes-one": Proof(
        with_items(*TWO, probe=one_after_the_other(inbox(D_ALL), ids)), [b"0", []], [b"0", [2]]
    ),
    "d-deletes-of-everybody": Proof(
        with_items(
            item(),
            OF_DOROD,
            probe=one_after_the_other(
                inbox(D_ALL),
                of_user(L.replace(b"jeanvnet2", b"dorod"), DOROD, "inbox"),
            ),
        ),
        [b"0", 0],
        [b"0", 5100],
    ),
    "d-with-user-and-id-taken": Proof(
        with_items(probe=inbox(b"D<INBOXID=1,USERID=jeanvnet2,ENTPID=00022924>")), b"5101", b"0"
    ),
    "d-deletes-the-file": Proof(
        with_items(
            probe=one_after_the_other(
                inbox(D1), lambda chain: code_in(chain.say("inbox-native", item()))
            )
        ),
        [b"0", 0],
        [b"0", 5163],
    ),
    "u-without-effect": Proof(
        with_items(probe=one_after_the_other(inbox(U1), inbox(L, b"[0-9]~0~[0-9]+>"))),
        [b"0", b"1~0~9>"],
        [b"0", b"0~0~45>"],
    ),
    "u-does-not-acknowledge": Proof(
        with_items(probe=one_after_the_other(inbox(U1), inbox(L, b"[0-9]~0~9>"))),
        [b"0", b"1~0~9>"],
        [b"0", b"0~0~9>"],
    ),
    "ttl-counts-from-update": Proof(
        with_items(probe=days_later(5, one_after_the_other(inbox(U1), days_later(5, ids)))),
        [b"0", []],
        [b"0", [1]],
    ),
    "category-of-u-ignored": Proof(
        with_items(probe=inbox(U1.replace(b">", b",CATEGORY=D>"))), b"5100", b"0"
    ),
    "new-item-acknowledged": Proof(
        with_items(probe=inbox(L, b"[01]~0~45>")), b"0~0~45>", b"1~0~45>"
    ),
    "item-lives-30-days": Proof(with_items(probe=days_later(31, ids)), [1], []),
    "ttl-ignored": Proof(with_items(probe=days_later(46, ids)), [], [1]),
    "repeated-item-stored": Proof(again(), 5005, 0),
    "file-before-repetition": Proof(again(file=False), 5005, 5163),
    "what-ignored": Proof(with_items(probe=inbox(b"F<INBOXID=1,WHAT=METADATA>")), b"5108", b"0"),
    "metadata-of-news-is-5104": Proof(
        with_items(probe=inbox(b"F<INBOXID=1,WHAT=METADATA>")), b"5108", b"5104"
    ),
    "lost-file-is-5100": Proof(with_items(probe=file_lost), b"5104", b"5100"),
    "fsize-as-announced": Proof(
        with_items(probe=inbox(F1, b"FSIZE=[0-9]+")), b"FSIZE=5", b"FSIZE=389"
    ),
    "inbox-ids-begin-anew": Proof(with_items(probe=taken_up_again), b"D=2>", b"D=1>"),
    "loc-outside-the-root": Proof(outside, 5163, 0),
    "way-out-told": Proof(outside, 5163, 5106),
    "item-lost-where-nobody-is-told": Proof(not_told, (5180, 0), (5180, 5100)),
    "page-before-email": Proof(not_told, (5180, 0), (5182, 0)),
    "notification-failure-is-success": Proof(not_told, (5180, 0), (0, 0)),
    "one-way-is-both": Proof(added(*TO_LYNNE, BY_EMAIL), 0, 5182),
    "title-is-no-text": Proof(added(*TO_LYNNE, BY_EMAIL), 0, 5180),
    "address-always-judged": Proof(added((b"MSIZE=0", b"MSIZE=0,MMADDR=nowhere")), 0, 5179),
    "zip-name-with-case": Proof(
        added((b"one.csv", b"one.CSV_ZIP"), (b"COMPRESS=0", b"COMPRESS=1")), 0, 5165
    ),
}
PROOFS = {**PROOFS_OF_REPORTS, **PROOFS_OF_ITEMS}
