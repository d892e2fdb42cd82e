"""What shows each fault of `rule_faults.frames`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from starwire.protocol.headers import BulkHeader
from starwire.servers.configuration import Configuration, Native

from .chain import GRTL, KEY, PROFILE, WIRE, Chain
from .proving import Proof

BAD = b"GRTL<DATATYPE=R,DATACAT=P,IO=O>"
REFUSED = b"SRTL<ERROR=6827>"
COMMON = WIRE.common


def asked(data: bytes, place: str = "rm", **fields: Any) -> Callable[[Chain], Any]:
    """Status and data of the reply."""
    return lambda chain: chain.ask(place, data, **fields)


def header(
    name: str, data: bytes = BAD, place: str = "rm", **fields: Any
) -> Callable[[Chain], Any]:
    """A field of the reply's header."""
    return lambda chain: getattr(
        COMMON.decode(chain.say(place, chain.request(data, **fields))), name
    )


def bare(octets: bytes, status: int, key: str = "") -> bytes:
    """A reply of 101 or 102."""
    fields = COMMON.kind(version=1, length=COMMON.size, session_key=key, status=status)
    return COMMON.encode(fields)


def sent(*parts: bytes, place: str = "rm") -> Callable[[Chain], Any]:
    """What comes back on one connection, and whether it is closed."""

    def probe(chain: Chain) -> Any:
        line = chain.line(place)
        heard = line.send(*parts)
        return heard, line.closed

    return probe


def statuses(*parts: Callable[[Chain], bytes]) -> Callable[[Chain], Any]:
    """The statuses of the frames that come back on one connection, and whether it is closed."""

    def probe(chain: Chain) -> Any:
        line = chain.line("rm")
        frames = line.frames(*(part(chain) for part in parts))
        return [frame.header.status for frame in frames], line.closed

    return probe


def frame(data: bytes = BAD, **fields: Any) -> Callable[[Chain], bytes]:
    return lambda chain: chain.request(data, **fields)


def started(length: int, kind: int = 0, **fields: Any) -> Callable[[Chain], Any]:
    """What comes to a header that says it has so many octets."""
    return lambda chain: sent(chain.request(b"", length=length, type=kind, **fields))(chain)


def ended(octets: bytes) -> Callable[[Chain], Any]:
    """What comes when the peer closes its sending side behind these octets."""

    def probe(chain: Chain) -> Any:
        line = chain.line("rm")
        return line.send(octets) + line.end()

    return probe


def half_closed(chain: Chain) -> Any:
    """The status of a request behind which the peer closes its sending side at once."""
    line = chain.line("rm")
    line.wire.write(chain.request())
    line.wire.half_close()
    octets = line.heard()
    return COMMON.decode(octets).status if octets else None


def after(seconds: float, *parts: bytes) -> Callable[[Chain], Any]:
    """What comes, and whether the connection is closed, that long after these octets."""

    def probe(chain: Chain) -> Any:
        line = chain.line("rm")
        line.send(*parts)
        chain.advance(seconds)
        return line.heard(), line.closed

    return probe


def echoed(data: bytes = b"abc", **fields: Any) -> Callable[[Chain], Any]:
    """What comes of an echo: whether its own octets, or status, echo flag and data."""

    def probe(chain: Chain) -> Any:
        octets = chain.request(data, **{"echo": 1, "status": 3, **fields})
        heard = chain.say("rm", octets)
        if heard == octets:
            return "itself"
        told = COMMON.decode(heard)
        return told.status, told.echo, heard[COMMON.size :]

    return probe


LITTLE_BULK = WIRE.bulk.encode(BulkHeader(0)) + b"GPL<PL_LANG>"
TOO_LONG = PROFILE.frame_octets
STRANGERS = replace(Configuration(), native=Native(peers=("10.0.0.1",)))


def total_of_run(chain: Chain) -> Any:
    _, head, _ = chain.bulk("rm", 0, message=b"GPL<PL_LANG>")[0]
    assert head is not None
    return head.total < 2**32


def whole_bulk_frame(octets: int) -> Callable[[Chain], Any]:
    """The statuses for the header of a bulk frame of so many octets, and for all of it."""

    def probe(chain: Chain) -> Any:
        line = chain.line("rm")
        head = chain.request(b"", length=octets, type=3)
        first = [one.header.status for one in line.frames(head)]
        if first:
            return first, []
        return first, [one.header.status for one in line.frames(bytes(octets - COMMON.size))]

    return probe


def reply_octets(chain: Chain) -> Any:
    """How long the bare header is that answers one."""
    return len(chain.say("rm", chain.request(b"", type=9)))


PROOFS = {
    "nul-becomes-blank": Proof(
        asked(b"A\0B<>"), (100, b"A\0B<ERROR=6104>"), (100, b"A B<ERROR=6104>")
    ),
    "seven-bits": Proof(asked(b"\xe9<>"), (100, b"\xe9<ERROR=6104>"), (100, b"i<ERROR=6104>")),
    "utf-8-replies": Proof(
        asked(b"\xe9<>"), (100, b"\xe9<ERROR=6104>"), (100, b"\xc3\xa9<ERROR=6104>")
    ),
    "length-little-endian": Proof(asked(BAD), (100, REFUSED), (102, b"")),
    "status-little-endian": Proof(header("status"), 100, 100 << 8),
    "dispatcher-length-little-endian": Proof(
        lambda chain: chain.dispatch("RM", BAD), (100, REFUSED), (102, b"")
    ),
    "bulk-total-little-endian": Proof(total_of_run, True, False),
    "key-filled-with-blanks": Proof(
        asked(b"VUM<USERID=x,PASSWORD=y>", "staroe", session_key=""),
        (100, b"VUMA<ERROR=6115>"),
        (105, b""),
    ),
    "target-filled-with-nul": Proof(
        lambda chain: chain.dispatch("RM", BAD), (100, REFUSED), (103, b"")
    ),
    "status-before-serial": Proof(
        lambda chain: chain.say("rm", chain.request(BAD, serial=7))[39:49],
        bytes([0, 0, 0, 0, 0, 0, 0, 7, 0, 100]),
        bytes([0, 100, 0, 0, 0, 0, 0, 0, 0, 7]),
    ),
    "length-short-by-one": Proof(header("length"), 65, 64),
    "length-long-by-one": Proof(header("length"), 65, 66),
    "length-of-the-data": Proof(header("length"), 65, 16),
    "version-two": Proof(asked(BAD), (100, REFUSED), (101, b"")),
    "serial-narrower": Proof(reply_octets, 49, 48),
    "status-wider": Proof(reply_octets, 49, 50),
    "status-of-request-judged": Proof(asked(BAD, status=5), (100, REFUSED), (107, b"")),
    "type-4-taken-as-0": Proof(asked(BAD, type=4), (107, b""), (100, REFUSED)),
    "version-judged-late": Proof(sent(b"\x09"), (bare(b"", 101), True), (b"", False)),
    "length-before-version": Proof(
        lambda chain: chain.ask("rm", b"", version=9, length=0), (101, b""), (102, b"")
    ),
    "any-version-taken": Proof(asked(BAD, version=0), (101, b""), (100, REFUSED)),
    "greater-version-taken": Proof(asked(BAD, version=2), (101, b""), (100, REFUSED)),
    "echo-behind-type": Proof(echoed(b"", type=9, status=0), "itself", (107, 0, b"")),
    "session-before-type": Proof(asked(b"", type=9, session_key="f" * 32), (107, b""), (105, b"")),
    "data-before-session": Proof(
        asked(b"GRTL", session_key="f" * 32), (105, b""), (100, b"<ERROR=6611>")
    ),
    "length-below-header-taken": Proof(header("status", b"", length=48), 102, 100),
    "greatest-length-refused": Proof(started(TOO_LONG), (b"", False), (bare(b"", 102), True)),
    "length-beyond-maximum-taken": Proof(
        started(TOO_LONG + 1), (bare(b"", 102), True), (b"", False)
    ),
    "greatest-bulk-length-refused": Proof(started(2**20, 3), (b"", False), (bare(b"", 102), True)),
    "bulk-maximum-ignored": Proof(started(2**20 + 1, 3), (bare(b"", 102), True), (b"", False)),
    "bulk-maximum-judged-late": Proof(whole_bulk_frame(2**20 + 1), ([102], []), ([], [102])),
    "half-frame-answered": Proof(ended(bare(b"", 0)[:20]), b"", bare(b"", 102)),
    "half-close-closes": Proof(half_closed, 0, None),
    "unfinished-frame-kept": Proof(after(31, b"\x01"), (b"", True), (b"", False)),
    "quiet-connection-kept": Proof(after(1801), (b"", True), (b"", False)),
    "quiet-connection-told": Proof(after(1801), (b"", True), (bare(b"", 109), True)),
    "echo-without-data": Proof(echoed(), "itself", (3, 1, b"")),
    "echo-status-cleared": Proof(echoed(), "itself", (0, 1, b"abc")),
    "echo-flag-cleared": Proof(echoed(), "itself", (3, 0, b"abc")),
    "echo-needs-session": Proof(echoed(session_key=""), "itself", (105, 0, b"")),
    "echo-2-is-none": Proof(echoed(BAD, echo=2), "itself", (100, 0, REFUSED)),
    "echo-carried-out": Proof(echoed(BAD), "itself", (100, 0, REFUSED)),
    "101-keeps-connection": Proof(
        statuses(frame(version=9), frame()), ([101], True), ([101, 100], False)
    ),
    "102-keeps-connection": Proof(
        statuses(frame(b"", length=48), frame()), ([102], True), ([102, 100], False)
    ),
    "101-called-102": Proof(asked(BAD, version=9), (101, b""), (102, b"")),
    "mismatch-with-key": Proof(header("session_key", version=9), "", "0" * 8),
    "mismatch-with-data": Proof(asked(BAD, version=9), (101, b""), (101, b"refused")),
    "serial-not-repeated": Proof(header("serial", serial=41), 41, 42),
    "serial-cut-to-32-bits": Proof(header("serial", serial=2**32 + 5), 2**32 + 5, 5),
    "type-not-repeated": Proof(header("type", type=2), 2, 0),
    "key-not-repeated": Proof(header("session_key"), KEY, ""),
    "version-not-repeated": Proof(header("version"), 1, 0),
    "echo-flag-in-replies": Proof(header("echo"), 0, 1),
    "refusal-closes": Proof(
        statuses(frame(session_key="f" * 32), frame()), ([105, 100], False), ([105], True)
    ),
    "unknown-type-is-102": Proof(asked(BAD, type=9), (107, b""), (102, b"")),
    "any-host-admitted": Proof(
        lambda chain: chain.say("rm-native", BAD), b"", REFUSED, configuration=STRANGERS
    ),
    "second-frame-of-a-segment-lost": Proof(
        statuses(lambda chain: chain.request(BAD) * 2), ([100, 100], False), ([100], False)
    ),
    "cut-header-refused": Proof(
        lambda chain: sent(*(lambda f: (f[:10], f[10:]))(chain.request(BAD, serial=1)))(chain)[1],
        False,
        True,
    ),
    "status-always-0": Proof(asked(BAD), (100, REFUSED), (0, REFUSED)),
    "success-is-100": Proof(header("status", GRTL), 0, 100),
    "no-records-is-success": Proof(header("status", b"F<INBOXID=999>", "inbox"), 100, 0),
    "bare-status-with-data": Proof(asked(BAD, session_key="f" * 32), (105, b""), (105, b"refused")),
}
