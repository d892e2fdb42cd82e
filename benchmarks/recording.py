"""What a recording costs each transaction, and one proxy's throughput.

    python benchmarks/recording.py [--json] [--quick]

A transaction is a GRTL and its answer of 1,369 octets at one port: two lines, explained and written
to a file. The throughput is that of one proxy, recorded, by the same one unrecorded, on connections
that are kept, as `throughput.py` measures it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from measure import Claim, Figure, options, report, rounds
from throughput import GRTL, Chain, ratio, take_turns

from starwire.protocol.headers import CommonHeader
from starwire.protocol.profile import shipped
from starwire.servers.recorder import Recorder
from starwire.servers.trail import Trail

TRANSACTION = Claim("a transaction that is recorded takes longer by", "us", most=60)
OCTETS = Claim("a mebibyte of a transfer takes longer by", "ms", most=20)
PROXY = Claim("one proxy, GRTL, recorded by not recorded", "x", least=0.3)

PROFILE = shipped("default")
REPORTS = b",".join(b"<Monitor Usage=<Longest Calls,%d,R>>" % n for n in range(36))
FRAMES = [
    PROFILE.wire.common.frame(CommonHeader(1, serial=4711), message)
    for message in (GRTL[0], b"SRTL<ERROR=0,REPORTS=" + REPORTS + b">")
]
PIECE = PROFILE.wire.common.frame(CommonHeader(1, type=3), bytes(25) + bytes(range(256)) * 256)


def of_a_transaction(folder: Path, span: float) -> list[Figure]:
    trail = Trail(None)
    path = folder / "x.jsonl"
    recorder = Recorder(path, PROFILE, trail, part_octets=1 << 30, source="a benchmark")
    recorder.begin()
    tap = recorder.tap("rm")
    tap.opened("127.0.0.1:1", "127.0.0.1:2")

    def transaction() -> None:
        tap.received(FRAMES[0])
        tap.sent(FRAMES[1])

    measured = rounds({"one": transaction, "piece": lambda: tap.sent(PIECE)}, 5, span)
    recorder.end()
    return [
        Figure(TRANSACTION, statistics.median(measured["one"]) * 1e6),
        Figure(OCTETS, statistics.median(measured["piece"]) * 1e3 * (1 << 20) / len(PIECE)),
    ]


def of_a_proxy(count: int, seconds: float) -> Figure:
    with ExitStack() as held:
        subjects = {
            name: Chain(held, multiplex=False, record=name == "recorded").proxy(GRTL)
            for name in ("recorded", "unrecorded")
        }
        take_turns(subjects, count, seconds, lambda: None)
        return Figure(PROXY, ratio(subjects["recorded"], subjects["unrecorded"]))


def main() -> int:
    chosen = options(str(__doc__).splitlines()[0])
    count, seconds, span = (3, 0.5, 0.05) if chosen.quick else (5, 1.0, 0.2)
    with tempfile.TemporaryDirectory(prefix="starwire-bench-") as folder:
        figures = of_a_transaction(Path(folder), span)
    return report("recording", [*figures, of_a_proxy(count, seconds)], chosen.json)


if __name__ == "__main__":
    sys.exit(main())
