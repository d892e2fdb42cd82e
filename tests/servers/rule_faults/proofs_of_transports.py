"""What shows each fault of `rule_faults.transports` and `rule_faults.bulk_runs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from starwire.protocol.headers import BulkHeader
from starwire.servers.configuration import AuditSettings, Configuration, Logon
from starwire.servers.fault import Fault
from starwire.servers.memory.emulator import CHEAP

from .chain import DOROD, GRTL, PROFILE, WIRE, Chain, Line, bulk_parts, digest
from .proofs_of_frames import BAD, REFUSED, statuses
from .proving import Proof

COMMON = WIRE.common
LANGUAGES = b"GPL<PL_LANG>"
OPEN, CANCEL, RESUME = 0, 3, 5
DAY = 86_400


def accepted(chain: Chain, data: bytes = BAD, **fields: Any) -> bytes:
    """The identifier of a request."""
    return chain.ask("rm", data, type=1, **fields)[1]


def polled(place: str = "rm", data: bytes = BAD, **fields: Any) -> Callable[[Chain], Any]:
    """What a poll of such a request gives."""
    return lambda chain: chain.ask(place, accepted(chain, data), type=2, **fields)


def identifier(chain: Chain) -> Any:
    return accepted(chain)


def twice(chain: Chain) -> Any:
    told = accepted(chain)
    return [chain.ask("rm", told, type=2) for _ in range(2)]


def short(chain: Chain) -> Any:
    return chain.ask("rm", accepted(chain).lstrip(b"0"), type=2)


def of_other_session(chain: Chain) -> Any:
    """A poll in another session of the same user."""
    made = chain.say("jar", b"CKM<USERID=jeanvnet2,ENTPID=00022924>")
    key = made.partition(b"KEY=")[2][:32].decode()
    return chain.ask("rm", accepted(chain), type=2, session_key=key)


def restarted(chain: Chain) -> Any:
    told = accepted(chain)
    chain.emulator.restart()
    return chain.ask("rm", told, type=2)


def later(seconds: int) -> Callable[[Chain], Any]:
    """A poll that long after the result was ready."""

    def probe(chain: Chain) -> Any:
        told = accepted(chain)
        chain.emulator._world.began += seconds
        return chain.ask("rm", told, type=2)

    return probe


def equal(kind: int) -> Callable[[Chain], Any]:
    """Whether two equal frames get equal replies."""

    def probe(chain: Chain) -> Any:
        octets = chain.request(b"CRD<USERRPTID=245,NAME=n>", type=kind, serial=77)
        return chain.say("rm", octets) == chain.say("rm", octets)

    return probe


def closed_behind(kind: int, data: bytes = BAD, **fields: Any) -> Callable[[Chain], Any]:
    def probe(chain: Chain) -> Any:
        line = chain.line("rm")
        line.send(chain.request(data, type=kind, **fields))
        return line.closed

    return probe


def order(chain: Chain) -> Any:
    """The echo flags of the replies to a request and an echo behind it."""
    line = chain.line("rm")
    line.wire.write(chain.request(LANGUAGES) + chain.request(b"", echo=1))
    return [frame.header.echo for frame in line.frames()]


def native(*parts: bytes, end: bool = False) -> Callable[[Chain], Any]:
    """What comes back on a native port, and whether it is closed."""

    def probe(chain: Chain) -> Any:
        line = chain.line("rm-native")
        heard = line.send(*parts)
        if end:
            return heard + line.end()
        return heard, line.closed

    return probe


HANGING = Configuration(
    logon=Logon(cost=CHEAP),
    audit=AuditSettings(enabled=False),
    faults=(Fault(kind="database-hang", message="GRTL", user="jeanvnet2"),),
)

# ---- files and runs ------------------------------------------------------------------------------

FILE = b"0123456789" * 20
LARGE = bytes(600_000)
SMALL = replace(PROFILE, bulk_chunk=64)


def stored(chain: Chain, octets: bytes = FILE, name: str = "/rule/f.csv") -> bytes:
    """The F that fetches a file."""
    chain.emulator.put_file(name, octets)
    told = chain.say(
        "inbox-native",
        b"A<CATEGORY=R,TYPE=t,USERID=jeanvnet2,RPTID=1,COMPRESS=0,RPTCATEGORY=c,LOC=%b,"
        b"ENTPID=00022924,RQSTDT=1998-01-02 15:18,FSIZE=1,RPTTITLE=t,MSIZE=0>" % name.encode(),
    )
    assert told.startswith(b"Z<REQ=A,ERROR=0,"), told
    return b"F<INBOXID=%b>" % told.partition(b"INBOXID=")[2].rstrip(b">")


def fetched(chain: Chain, octets: bytes = FILE) -> list[Any]:
    """The frames of a whole run."""
    return chain.bulk("inbox", OPEN, message=stored(chain, octets))


def of_frames(part: Callable[[Any], Any], octets: bytes = FILE) -> Callable[[Chain], Any]:
    """That of each frame of a run."""
    return lambda chain: [part(frame) for frame in fetched(chain, octets)]


def heads(name: str) -> Callable[[Chain], Any]:
    """A field of the bulk header of each frame."""
    return of_frames(lambda frame: getattr(frame[1], name))


def end_payload(chain: Chain) -> Any:
    return fetched(chain)[-1][2]


def resumed(offset: int, **fields: Any) -> Callable[[Chain], Any]:
    """Status, offset and payload of each frame of a resume, and whether it is the same transfer."""

    def probe(chain: Chain) -> Any:
        first = fetched(chain)[-1][1]
        frames = chain.bulk("inbox", RESUME, first.transfer, offset, 0, **fields)
        return [
            (status, head and head.offset, head and head.transfer == first.transfer, len(payload))
            for status, head, payload in frames
        ]

    return probe


def digest_of_resume(chain: Chain) -> Any:
    number = fetched(chain)[-1][1].transfer
    with chain.emulator._store.write() as connection:
        connection.exec_driver_sql("UPDATE bulk_transfers SET digest = NULL")
    return chain.bulk("inbox", RESUME, number, 150, 0)[-1][2]


def after_opening(act: Callable[[Chain, int], Any]) -> Callable[[Chain], Any]:
    """What `act(chain, transfer)` sees once a run is over."""
    return lambda chain: act(chain, fetched(chain)[-1][1].transfer)


def resume_again(chain: Chain, number: int) -> Any:
    return [one[0] for one in chain.bulk("inbox", RESUME, number, 0, 0)]


def resume_elsewhere(chain: Chain, number: int) -> Any:
    return [one[0] for one in chain.bulk("rm", RESUME, number, 0, 0)]


def resume_by_dorod(chain: Chain, number: int) -> Any:
    return [one[0] for one in chain.bulk("inbox", RESUME, number, 0, 0, session_key=DOROD)]


def resume_after_restart(chain: Chain, number: int) -> Any:
    chain.emulator.restart()
    return resume_again(chain, number)


def resume_later(seconds: int) -> Callable[[Chain, int], Any]:
    def act(chain: Chain, number: int) -> Any:
        chain.emulator._world.began += seconds
        return resume_again(chain, number)

    return act


def running(chain: Chain, **fields: Any) -> tuple[Line, int]:
    """A run that waits for its reader; its serial is 1."""
    line = chain.line("inbox")
    line.wire.read(False)
    fetch = stored(chain, LARGE)
    data = WIRE.bulk.encode(BulkHeader(OPEN)) + fetch
    line.wire.write(chain.request(data, type=3, serial=1, **fields))
    chain.settle()
    return line, 1


def bulk_request(chain: Chain, operation: int, *numbers: int, **fields: Any) -> bytes:
    return chain.request(WIRE.bulk.encode(BulkHeader(operation, *numbers)), type=3, **fields)


def ends_of(line: Line) -> Any:
    """Serial and status of each frame that is no data frame, once it is read."""
    line.wire.read(True)
    frames = line.frames()
    return [(one.header.serial, one.header.status) for one in frames if one.header.status != 3]


def cancelled(chain: Chain) -> Any:
    line, number = running(chain)
    line.wire.write(bulk_request(chain, CANCEL, number, serial=2))
    chain.settle()
    return ends_of(line)


def cancelled_elsewhere(chain: Chain) -> Any:
    line, number = running(chain)
    other = chain.line("inbox")
    told = other.frames(bulk_request(chain, CANCEL, number, serial=2))
    return [one.header.status for one in told], ends_of(line)


def resumed_elsewhere(chain: Chain) -> Any:
    line, number = running(chain)
    other = chain.line("inbox")
    other.send(bulk_request(chain, RESUME, number, len(LARGE), 0, serial=2))
    return ends_of(line)


def cancelled_offset(chain: Chain) -> Any:
    line, number = running(chain)
    line.wire.write(bulk_request(chain, CANCEL, number, serial=2))
    chain.settle()
    line.wire.read(True)
    _, head, _ = bulk_parts(line.frames()[-1])
    assert head is not None
    return head.offset < head.total


def cancel_with_total(chain: Chain) -> Any:
    number = fetched(chain)[-1][1].transfer
    return [one[0] for one in chain.bulk("inbox", CANCEL, number, 0, 5)]


def second_run(chain: Chain) -> Any:
    running(chain)
    return [one[0] for one in chain.bulk("rm", OPEN, message=LANGUAGES)]


def unread(chain: Chain) -> Any:
    """Whether most of the file waits for a reader that does not read."""
    line, _ = running(chain)
    return len(line.wire._transport.other.outgoing) > len(LARGE) // 2


def unread_for_long(chain: Chain) -> Any:
    line, _ = running(chain)
    chain.advance(1801)
    line.wire.read(True)
    return line.closed


def opened(*numbers: int, message: bytes = BAD) -> Callable[[Chain], Any]:
    """Status, transfer id and payload of the frames that answer an open."""
    return lambda chain: [
        (status, head and head.transfer, payload)
        for status, head, payload in chain.bulk("rm", OPEN, *numbers, message=message)
    ]


def in_short_data(chain: Chain) -> Any:
    return chain.ask("rm", b"X<>", type=3)[0]


PROOFS_OF_REQUESTS = {
    "answered-as-ready": Proof(order, [0, 1], [1, 0]),
    "type-0-closes": Proof(closed_behind(0), False, True),
    "type-1-keeps-connection": Proof(closed_behind(1), True, False),
    "type-2-keeps-connection": Proof(closed_behind(2), True, False),
    "refused-type-1-keeps-connection": Proof(closed_behind(1, session_key="f" * 32), True, False),
    "frame-behind-type-1-read": Proof(
        statuses(lambda chain: chain.request(BAD, type=1) + chain.request(BAD)),
        ([1], True),
        ([1, 100], False),
    ),
    "identifier-of-19-digits": Proof(identifier, b"%020d" % 1, b"%019d" % 1),
    "identifier-filled-with-blanks": Proof(identifier, b"%020d" % 1, b"%20d" % 1),
    "short-identifier-taken": Proof(short, (108, b""), (100, REFUSED)),
    "type-1-judged-at-once": Proof(
        lambda chain: chain.ask("rm", BAD, type=1), (1, b"%020d" % 1), (100, REFUSED)
    ),
    "in-progress-is-0": Proof(polled(data=GRTL), (2, b""), (0, b""), configuration=HANGING),
    "in-progress-with-data": Proof(
        polled(data=GRTL), (2, b""), (2, b"wait"), configuration=HANGING
    ),
    "unknown-identifier-is-100": Proof(
        lambda chain: chain.ask("rm", b"%020d" % 9, type=2), (108, b""), (100, b"")
    ),
    "result-lost-after-poll": Proof(twice, [(100, REFUSED)] * 2, [(100, REFUSED), (108, b"")]),
    "result-for-anybody": Proof(polled(session_key=DOROD), (108, b""), (100, REFUSED)),
    "result-at-any-door": Proof(polled("inbox"), (108, b""), (100, REFUSED)),
    "result-of-one-session": Proof(of_other_session, (100, REFUSED), (108, b"")),
    "results-lost-by-restart": Proof(restarted, (100, REFUSED), (108, b"")),
    "results-kept-an-hour": Proof(later(DAY - 1), (100, REFUSED), (108, b"")),
    "results-kept-two-days": Proof(later(DAY + 1), (108, b""), (100, REFUSED)),
    "equal-request-done-again": Proof(equal(1), True, False),
    "equal-type-0-not-done": Proof(equal(0), False, True),
    "result-without-its-status": Proof(polled(), (100, REFUSED), (0, REFUSED)),
    "nul-between-messages-refused": Proof(
        native(b"\0" + BAD), (REFUSED, False), (b"<ERROR=6611>", True)
    ),
    "bar-between-messages-refused": Proof(
        native(b"|" + BAD), (REFUSED, False), (b"<ERROR=6611>", True)
    ),
    "message-needs-line-end": Proof(native(BAD), (REFUSED, False), (b"", False)),
    "syntax-error-keeps-connection": Proof(
        native(b">", BAD), (b"<ERROR=6612>", True), (b"<ERROR=6612>" + REFUSED, False)
    ),
    "any-refusal-closes": Proof(
        native(b"X<>"), (b"X<ERROR=6104>", False), (b"X<ERROR=6104>", True)
    ),
    "refused-at-the-end": Proof(native(b">"), (b"<ERROR=6612>", True), (b"", False)),
    "end-of-stream-answered": Proof(native(end=True), b"", b"<ERROR=6611>"),
    "last-message-first": Proof(
        native(BAD + b"X<>"),
        (REFUSED + b"X<ERROR=6104>", False),
        (b"X<ERROR=6104>" + REFUSED, False),
    ),
    "unfinished-message-unanswered": Proof(native(b"GRTL<A", end=True), b"GRTL<ERROR=6612>", b""),
    "unfinished-message-is-6611": Proof(
        native(b"GRTL<A", end=True), b"GRTL<ERROR=6612>", b"GRTL<ERROR=6611>"
    ),
    "file-one-octet-short": Proof(
        lambda chain: chain.say("inbox-native", stored(chain)).endswith(FILE), True, False
    ),
}

PROOFS_OF_RUNS = {
    "data-offset-beyond": Proof(heads("offset"), [0, 200], [1, 200]),
    "data-offset-from-0": Proof(
        heads("offset"), [0, 64, 128, 192, 200], [0, 0, 0, 0, 200], profile=SMALL
    ),
    "total-of-the-frame": Proof(heads("total"), [200] * 5, [64, 64, 64, 8, 200], profile=SMALL),
    "transfer-id-0": Proof(heads("transfer"), [1, 1], [0, 0]),
    "end-offset-0": Proof(heads("offset"), [0, 200], [0, 0]),
    "end-without-digest": Proof(end_payload, digest(FILE), b""),
    "digest-of-16-octets": Proof(end_payload, digest(FILE), digest(FILE)[:16]),
    "digest-of-nothing": Proof(end_payload, digest(FILE), digest(b"")),
    "data-changed": Proof(
        of_frames(lambda frame: frame[2][:4]),
        [b"0123", digest(FILE)[:4]],
        [b"1123", digest(FILE)[:4]],
    ),
    "error-in-transfer-1": Proof(opened(), [(100, 0, REFUSED)], [(100, 1, REFUSED)]),
    "cancelled-at-total": Proof(cancelled_offset, True, False),
    "end-status-0": Proof(of_frames(lambda frame: frame[0]), [3, 4], [3, 0]),
    "data-status-0": Proof(of_frames(lambda frame: frame[0]), [3, 4], [0, 4]),
    "unknown-transfer-is-110": Proof(
        lambda chain: [one[0] for one in chain.bulk("rm", RESUME, 9)], [108], [110]
    ),
    "bad-operation-is-107": Proof(
        lambda chain: [one[0] for one in chain.bulk("rm", 9)], [110], [107]
    ),
    "chunk-too-large": Proof(
        of_frames(lambda frame: len(frame[2])),
        [64, 64, 64, 8, 32],
        [65, 65, 65, 5, 32],
        profile=SMALL,
    ),
    "digest-of-the-run": Proof(digest_of_resume, digest(FILE), digest(FILE[150:])),
    "resume-from-0": Proof(
        resumed(150),
        [(3, 150, True, 50), (4, 200, True, 32)],
        [(3, 0, True, 200), (4, 200, True, 32)],
    ),
    "resume-one-late": Proof(
        resumed(150),
        [(3, 150, True, 50), (4, 200, True, 32)],
        [(3, 151, True, 49), (4, 200, True, 32)],
    ),
    "offset-beyond-total-taken": Proof(resumed(201), [(110, None, None, 0)], [(4, 200, True, 32)]),
    "resume-carries-out-again": Proof(
        resumed(200), [(4, 200, True, 32)], [(3, 0, False, 200), (4, 200, False, 32)]
    ),
    "cancel-ignored": Proof(cancelled, [(1, 5)], [(1, 4)]),
    "cancel-under-its-own-serial": Proof(cancelled, [(1, 5)], [(2, 5)]),
    "cancel-answered-twice": Proof(cancelled, [(1, 5)], [(1, 5), (2, 5)]),
    "cancel-elsewhere-ignored": Proof(cancelled_elsewhere, ([5], [(1, 5)]), ([5], [(1, 4)])),
    "resume-leaves-the-older-run": Proof(resumed_elsewhere, [(1, 5)], [(1, 4)]),
    "transfer-of-anybody": Proof(after_opening(resume_by_dorod), [108], [3, 4]),
    "transfer-at-any-target": Proof(after_opening(resume_elsewhere), [108], [3, 4]),
    "transfers-lost-by-restart": Proof(after_opening(resume_after_restart), [3, 4], [108]),
    "transfers-kept-an-hour": Proof(after_opening(resume_later(DAY - 1)), [3, 4], [108]),
    "transfers-kept-two-days": Proof(after_opening(resume_later(DAY + 1)), [108], [3, 4]),
    "short-bulk-data-opened": Proof(in_short_data, 110, 100),
    "fields-of-open-judged": Proof(opened(7), [(100, 0, REFUSED)], [(110, None, b"")]),
    "total-of-cancel-judged": Proof(cancel_with_total, [5], [110]),
    "fetch-in-bulk-with-z": Proof(
        of_frames(lambda frame: frame[2][:7]),
        [b"0123456", digest(FILE)[:7]],
        [b"Z<REQ=F", digest(b"Z<REQ=F,ERROR=0,INBOXID=1,FSIZE=200>" + FILE)[:7]],
    ),
    "empty-file-has-data": Proof(of_frames(lambda frame: frame[0], b""), [4], [3, 4]),
    "one-run-at-a-time": Proof(second_run, [3, 4], [111]),
    "reader-not-waited-for": Proof(unread, False, True),
    "silent-reader-kept": Proof(unread_for_long, True, False),
}
PROOFS = {**PROOFS_OF_REQUESTS, **PROOFS_OF_RUNS}
