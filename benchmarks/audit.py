"""What the audit trail costs each transaction (ENC-02).

    python benchmarks/audit.py [--json] [--quick]

A record is measured beside the three bare SHA-256 that it cannot do without; the whole, from the
answer to the operating system, as the time that a port's answers take longer with the trail. GRTL
and its answer, 90 and 600 octets. What the heads' store does is left out: it is done in threads.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measure import Claim, Figure, options, ratio, report, rounds
from twisted.internet import reactor

from starwire.protocol.audit import Chain
from starwire.protocol.frames import Frame
from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped
from starwire.servers.adapter import Answer, Hop
from starwire.servers.audit import Audit

RECORD = Claim("a record, its time by three bare SHA-256's", "x", most=2.5)
IN_A_CROWD = Claim("a transaction, 32 in a turn of the reactor, takes longer by", "us", most=6)
ALONE = Claim("a transaction, alone in its turn, takes longer by", "us", most=20)

CODEC = shipped("default").wire.common
OCTETS = CODEC.frame(CommonHeader(1, serial=4711), b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>")
REQUEST = Frame(CODEC.decode(OCTETS), OCTETS, CODEC.size)
REPLY = Answer(bytes(600), user="jeanvnet2")
HOP = Hop("3f2a1c-7", "127.0.0.1:4711")
CROWD = 32


class NoStore:
    """The store of the heads, left out."""

    async def write(self, work: Any) -> None:
        pass


async def in_thread(work: Any) -> None:
    """Nor is it waited until records are durable."""


async def answer(request: Any, hop: Hop) -> Answer:
    return REPLY


def run(coroutine: Awaitable[Any]) -> Any:
    """As the port drives what waits for nothing."""
    try:
        coroutine.send(None)  # type: ignore[attr-defined]
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


def turn(answering: Callable[[Any, Hop], Awaitable[Answer]], count: int) -> Callable[[], None]:
    """One turn of the reactor in which so many requests are answered."""

    def work() -> None:
        for _ in range(count):
            run(answering(REQUEST, HOP))
        reactor.runUntilCurrent()  # type: ignore[attr-defined]

    return work


def of_a_record(span: float) -> Figure:
    chain = Chain("19980825t084920z-0123abcd", bytes(32))

    def record() -> bytes:
        return chain.record(904034960000000, "rm", "b-7", 7, "dorod", OCTETS, REPLY.octets)

    line = record()[:-66] + bytes(32)

    def bare() -> None:
        sha256(OCTETS).hexdigest()
        sha256(REPLY.octets).hexdigest()
        sha256(line).hexdigest()

    return Figure(
        RECORD, ratio(rounds({"record": record, "bare": bare}, 9, span), "record", "bare")
    )


def of_a_transaction(folder: Path, span: float) -> list[Figure]:
    audit = Audit(reactor, NoStore(), folder, Ed25519PrivateKey.generate(), in_thread=in_thread)
    run(audit.open())
    audited = audit.interpose("rm", answer)
    figures = []
    for claim, count in ((IN_A_CROWD, CROWD), (ALONE, 1)):
        works = {"audited": turn(audited, count), "not": turn(answer, count)}
        measured = rounds(works, 9, span)
        longer = [
            (one - other) / count * 1e6
            for one, other in zip(measured["audited"], measured["not"], strict=True)
        ]
        figures.append(Figure(claim, statistics.median(longer)))
    return figures


def main() -> int:
    chosen = options(str(__doc__).splitlines()[0])
    span = 0.05 if chosen.quick else 0.2
    with tempfile.TemporaryDirectory(prefix="starwire-bench-") as folder:
        figures = [of_a_record(span), *of_a_transaction(Path(folder), span)]
        return report("audit", figures, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
