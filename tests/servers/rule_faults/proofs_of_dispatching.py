"""What shows each fault of `rule_faults.dispatching`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from sqlalchemy import delete, update

from starwire.servers import schema

from .chain import GRTL, KEY, PROFILE, WIRE, Chain
from .proofs_of_frames import BAD, REFUSED, asked
from .proving import Proof

VUM = b"VUM<USERID=x,PASSWORD=y>"
GUA = b"GUA<USERID=jeanvnet2>"
ARD = b"DRD<USERRPTID=1,USERID=jeanvnet2>"
STRANGER = "f" * 32
COMMON = WIRE.common


def dispatched(target: str, data: bytes = BAD, **fields: Any) -> Callable[[Chain], Any]:
    """Status and data of the dispatcher's reply."""
    return lambda chain: chain.dispatch(target, data, **fields)


def header(name: str, target: str = "RM", **fields: Any) -> Callable[[Chain], Any]:
    """A field of its header."""
    return lambda chain: getattr(
        WIRE.dispatcher.decode(chain.say("dispatcher", chain.envelope(target, BAD, **fields))),
        name,
    )


def not_entitled(chain: Chain) -> Any:
    """The status for a user who may reach the Inbox only."""
    with chain.emulator._store.write() as connection:
        entitled = schema.entitlements.c
        one = (entitled.userid == "jeanvnet2") & (entitled.target != "INBOX")
        connection.execute(delete(schema.entitlements).where(one))
    return chain.dispatch("RM", BAD)


def seen_by_proxy(*envelopes: Callable[[Chain], bytes]) -> Callable[[Chain], list[Any]]:
    """What reaches a Report Manager that answers nothing but closes, of these frames."""

    def probe(chain: Chain) -> list[Any]:
        proxy = chain.stand_in("rm", lambda octets: None)
        for envelope in envelopes:
            chain.say("dispatcher", envelope(chain))
        return [frame.data for frame in proxy.asked]

    return probe


def replying(change: Callable[[Any, bytes], bytes | None]) -> Callable[[bytes], bytes | None]:
    """A proxy's answer made from the header and data of the request."""
    return lambda octets: change(COMMON.decode(octets), octets[COMMON.size :])


def reply_of_proxy(
    change: Callable[[Any, bytes], bytes | None], data: bytes = BAD, **fields: Any
) -> Callable[[Chain], Any]:
    """What the dispatcher makes of it."""

    def probe(chain: Chain) -> Any:
        chain.stand_in("rm", replying(change))
        return chain.dispatch("RM", data, **fields)

    return probe


def two_instances(
    data: bytes, first: Callable[[Any, bytes], bytes | None], **fields: Any
) -> Callable[[Chain], Any]:
    """The status where the first of two instances answers so, and the second well; and how often
    each was asked.
    """

    def probe(chain: Chain) -> Any:
        registry: Any = chain.emulator._emulator.registry
        registry._addresses["RM"] = ["127.0.0.1:8412", "127.0.0.1:8413"]
        registry._turn["RM"] = 0
        one = chain.stand_in("rm", replying(first))
        two = chain.stand_in("rs", replying(lambda head, _: COMMON.frame(head.reply(0), b"")))
        status, _ = chain.dispatch("RM", data, **fields)
        return status, len(one.asked), len(two.asked)

    return probe


def asked_of(times: int) -> Callable[[Chain], Any]:
    """How often each of two instances is asked of so many requests."""

    def probe(chain: Chain) -> Any:
        ask = two_instances(GRTL, lambda head, _: COMMON.frame(head.reply(0), b""))
        counts = ask(chain)
        for _ in range(times - 1):
            chain.dispatch("RM", GRTL)
        return counts[0], [len(one.asked) for one in chain.standing]

    return probe


def hang_up(head: Any, data: bytes) -> None:
    """A proxy that is gone before its reply."""


def half_reply(chain: Chain) -> Any:
    """As `two_instances`, where the first is lost inside its reply."""

    def first(head: Any, data: bytes) -> bytes:
        return COMMON.frame(head.reply(0), b"")[:10]

    registry: Any = chain.emulator._emulator.registry
    registry._addresses["RM"] = ["127.0.0.1:8412", "127.0.0.1:8413"]
    one = chain.stand_in("rm", replying(first))
    two = chain.stand_in("rs", replying(lambda head, _: COMMON.frame(head.reply(0), b"")))
    line = chain.line("dispatcher")
    line.send(chain.envelope("RM", GRTL))
    chain.settle()
    one._lines[0][0].half_close()
    chain.settle()
    status = WIRE.dispatcher.decode(line.heard()).status
    return status, len(one.asked), len(two.asked)


def serials(*, restart: bool = False) -> Callable[[Chain], Any]:
    """Whether the serials of two frames differ."""

    def probe(chain: Chain) -> Any:
        proxy = chain.stand_in("rm", lambda octets: None)
        chain.dispatch("RM", BAD)
        if restart:
            chain.emulator.restart()
        chain.dispatch("RM", BAD)
        first, second = (frame.header.serial for frame in proxy.asked)
        return first != second

    return probe


def no_serial(chain: Chain) -> Any:
    with chain.emulator._store.write() as connection:
        counter = schema.counters.c.name == "SERIAL"
        connection.execute(update(schema.counters).where(counter).values(last=2**63 - 1))
    return chain.dispatch("STAROE", VUM, session_key="")


def without_reply(seconds: float) -> Callable[[Chain], Any]:
    """The status after so many seconds without a reply of the proxy; None for none."""

    def probe(chain: Chain) -> Any:
        line = chain.line("dispatcher")
        chain.stand_in("rm", lambda octets: octets if COMMON.decode(octets).echo else b"")
        line.send(chain.envelope("RM", BAD))
        for _ in range(int(seconds)):
            chain.advance(1)
            chain.settle()
        octets = line.heard()
        return WIRE.dispatcher.decode(octets).status if octets else None

    return probe


def connections(requests: int) -> Callable[[Chain], Any]:
    """How many connections so many requests at the same time take."""

    def probe(chain: Chain) -> Any:
        proxy = chain.stand_in("rm", lambda octets: b"")
        chain.dispatch("INBOX", b"L<>")  # the entitlements are there
        for _ in range(requests):
            chain.line("dispatcher").send(chain.envelope("RM", BAD))
        chain.settle()
        return proxy.connections

    return probe


def guas(chain: Chain) -> Any:
    """How often StarOE is asked for the entitlements of a session."""
    said = b"GUAA<ERROR=0,APPS=<RM>>"
    order_entry = chain.stand_in("staroe", replying(lambda h, _: COMMON.frame(h.reply(0), said)))
    first, second = chain.dispatch("RM", BAD), chain.dispatch("RM", BAD)
    assert first == second == (100, REFUSED)
    return len(order_entry.asked)


def closed_behind_type_1(chain: Chain) -> Any:
    line = chain.line("dispatcher")
    status = WIRE.dispatcher.decode(line.send(chain.envelope("RM", BAD, type=1))).status
    return status, line.closed


def pings(chain: Chain) -> Any:
    """The keys of the echoes that a Report Manager gets within a minute."""
    proxy = chain.stand_in("rm", lambda octets: octets)
    for _ in range(60):
        chain.advance(1)
        chain.settle()
    return [frame.header.session_key for frame in proxy.asked]


def silent(chain: Chain) -> Any:
    """How many requests reach an instance that does not answer its echoes."""
    proxy = chain.stand_in("rm", lambda octets: b"")
    for _ in range(70):
        chain.advance(1)
        chain.settle()
    before = len(proxy.asked)
    chain.dispatch("RM", BAD)
    return len(proxy.asked) - before


NARROW = replace(PROFILE, frame_octets=4096, bulk_frame_octets=4096, bulk_chunk=2048)


def large_reply(chain: Chain) -> Any:
    data = b"x" * (NARROW.frame_octets - COMMON.size)
    chain.stand_in("rm", replying(lambda head, _: COMMON.frame(head.reply(0), data)))
    status, got = chain.dispatch("RM", BAD)
    return status, len(got)


LINE_END = b"A<>\r\n"

PROOFS = {
    "dispatcher-length-short": Proof(header("length"), 92, 91),
    "dispatcher-repeats-identity": Proof(header("user_id"), "", "jeanvnet2"),
    "dispatcher-repeats-key": Proof(header("session_key"), "", KEY),
    "target-not-repeated": Proof(header("target"), "RM", ""),
    "dispatcher-type-not-repeated": Proof(header("type", type=2), 2, 0),
    "forged-identity-taken": Proof(dispatched("RM", user_id="dorod"), (105, b""), (100, REFUSED)),
    "identity-without-key-judged": Proof(
        dispatched("STAROE", VUM, session_key="", user_id="dorod"),
        (100, b"VUMA<ERROR=6115>"),
        (105, b""),
    ),
    "unknown-target-is-106": Proof(dispatched("XX"), (103, b""), (106, b"")),
    "target-in-any-case": Proof(dispatched("rm"), (103, b""), (100, REFUSED)),
    "target-stripped": Proof(dispatched(" RM"), (103, b""), (100, REFUSED)),
    "ods-is-no-target": Proof(dispatched("ODS"), (104, b""), (103, b"")),
    "instances-not-in-turn": Proof(asked_of(4), (0, [2, 2]), (0, [4, 0])),
    "target-before-type": Proof(dispatched("XX", type=9), (107, b""), (103, b"")),
    "session-before-target": Proof(dispatched("XX", session_key=STRANGER), (103, b""), (105, b"")),
    "address-before-entitlement": Proof(dispatched("ODS"), (104, b""), (106, b"")),
    "session-unchecked-at-dispatcher": Proof(
        dispatched("RM", session_key=STRANGER), (105, b""), (106, b"")
    ),
    "entitlement-unchecked": Proof(not_entitled, (104, b""), (100, REFUSED)),
    "entitlements-asked-each-time": Proof(guas, 1, 2),
    "entitlements-asked-without-key": Proof(dispatched("RM"), (100, REFUSED), (106, b"")),
    "staroe-needs-entitlement": Proof(
        dispatched("STAROE", GUA), (0, b"GUAA<ERROR=0,APPS=<RM~RS~INBOX>>"), (104, b"")
    ),
    "no-logon-without-session": Proof(
        dispatched("STAROE", VUM, session_key=""), (100, b"VUMA<ERROR=6115>"), (105, b"")
    ),
    "frame-without-session-passed-on": Proof(
        seen_by_proxy(lambda chain: chain.envelope("RM", BAD, session_key="")), [], [BAD]
    ),
    "vum-needs-session": Proof(
        asked(VUM, "staroe", session_key=""), (100, b"VUMA<ERROR=6115>"), (105, b"")
    ),
    "gua-without-session": Proof(
        asked(GUA, "staroe", session_key=""), (105, b""), (100, b"GUAA<ERROR=6115>")
    ),
    "data-trimmed-on-the-way": Proof(
        seen_by_proxy(lambda chain: chain.envelope("RM", LINE_END)), [LINE_END], [b"A<>"]
    ),
    "reply-trimmed-on-the-way": Proof(
        reply_of_proxy(lambda head, _: COMMON.frame(head.reply(0), LINE_END)),
        (0, LINE_END),
        (0, b"A<>"),
    ),
    "connections-shared-unasked": Proof(connections(3), 3, 1),
    "too-many-in-flight": Proof(connections(65), 2, 1, profile=replace(PROFILE, multiplex=True)),
    "dispatcher-closes-behind-type-1": Proof(closed_behind_type_1, (1, False), (1, True)),
    "serial-used-again": Proof(serials(), True, False),
    "serials-begin-anew": Proof(serials(restart=True), True, False),
    "no-serial-is-106": Proof(no_serial, (111, b""), (106, b"")),
    "ard-asked-again": Proof(two_instances(ARD, hang_up), (106, 1, 0), (0, 1, 1)),
    "grtl-not-asked-again": Proof(two_instances(GRTL, hang_up), (0, 1, 1), (106, 1, 0)),
    "type-1-not-asked-again": Proof(two_instances(ARD, hang_up, type=1), (0, 1, 1), (106, 1, 0)),
    "asked-again-inside-reply": Proof(half_reply, (106, 1, 0), (0, 1, 1)),
    "foreign-reply-passed-on": Proof(
        reply_of_proxy(lambda head, _: COMMON.frame(replace(head, serial=99), b"x")),
        (106, b""),
        (0, b"x"),
    ),
    "late-reply-is-106": Proof(without_reply(61), 109, 106),
    "reply-awaited-too-long": Proof(without_reply(61), 109, None),
    "status-translated": Proof(
        reply_of_proxy(lambda head, _: COMMON.frame(head.reply(77), b"x")), (77, b"x"), (106, b"x")
    ),
    "mismatch-of-proxy-is-106": Proof(
        reply_of_proxy(lambda head, _: COMMON.frame(COMMON.kind(version=1, status=101), b"")),
        (101, b""),
        (106, b""),
    ),
    "too-large-reply-passed-on": Proof(
        large_reply, (110, 0), (0, NARROW.frame_octets - COMMON.size), profile=NARROW
    ),
    "no-connectivity-test": Proof(pings, ["", ""], []),
    "silent-instance-asked": Proof(silent, 0, 1),
    "connectivity-test-under-a-key": Proof(pings, ["", ""], ["0" * 8] * 2),
}
