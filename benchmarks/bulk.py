"""Bulk over one hop, proxy to client, beside a bare Twisted producer and consumer that hash too.

    python benchmarks/bulk.py [--json] [--quick]

The ends are processes of their own (`bulk_ends.py`). The pairs take turns, round after round; the
figure is the median of the rounds' ratios. Memory is what fresh processes have held at most: of a
large transfer, above that of one of 4 MiB.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from measure import Claim, Figure, options, report

from starwire.harness.client import Client

HERE = Path(__file__).parent
MIB = 2**20
RATE = Claim("bulk over one hop, by a bare producer and consumer that hash", "x", least=0.6)
ADD = (
    b"A<CATEGORY=R,TYPE=D,REQUESTID=1,USERID=jeanvnet2,RPTID=3415,PRIORITY=1,COMPRESS=0,"
    b"UNOTIFY=0,MMADDR=,MMTEXT=,PGT=,PGPIN=,PGTXT=,RPTCATEGORY=X,LOC=/made.csv,ENTPID=00022924,"
    b"RQSTDT=1998-08-24 10:00,FSIZE=1,RPTTITLE=t,MSIZE=0,ERRFLAG=0>"
)


class End:
    """One process of `bulk_ends.py`."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "bulk_ends.py"), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("an end of the transfer has failed")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def order(self, size: int) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{size}\n")
        self._process.stdin.flush()
        return self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


class Pair:
    """A server and its client."""

    def __init__(self, server: End, client: End) -> None:
        self.server = server
        self.client = client
        self.seconds: list[float] = []

    def turn(self, size: int) -> None:
        self.server.order(size)
        self.seconds.append(self.client.order(size)["seconds"])


def starwire(held: ExitStack) -> Pair:
    """An emulator, and its client with a session and something to fetch."""
    state = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="starwire-bulk-")))
    server = held.enter_context(End("serve", str(state)))
    ports = {name: port for name, _, port in server.hear()["places"]}
    (state / "files" / "made.csv").write_bytes(b"x")
    with Client(f"native://127.0.0.1:{ports['inbox-native']}") as native:
        item = native.send(ADD).message()["INBOXID"].value.scalar
    with Client(f"https://127.0.0.1:{ports['web']}/nmci") as web:
        key = web.logon("jeanvnet2", "interact").key
    words = ("fetch", str(ports["inbox"]), key, f"F<INBOXID={item}>")
    return Pair(server, held.enter_context(End(*words)))


def bare(held: ExitStack) -> Pair:
    server = held.enter_context(End("bare-serve"))
    port = server.hear()["port"]
    return Pair(server, held.enter_context(End("bare-fetch", str(port))))


def rate(size: int, rounds: int) -> Figure:
    with ExitStack() as held:
        ours, theirs = starwire(held), bare(held)
        for pair in (ours, theirs):
            pair.turn(64 * MIB)  # warm
            pair.seconds.clear()
        for _ in range(rounds):
            for pair in (theirs, ours):
                pair.turn(size)
    ratios = [one / other for one, other in zip(theirs.seconds, ours.seconds, strict=True)]
    return Figure(RATE, statistics.median(ratios))


def peaks(size: int) -> list[int]:
    """KiB that fresh ends have held at most after one transfer: of the server, of the client."""
    with ExitStack() as held:
        pair = starwire(held)
        pair.server.order(size)
        client = pair.client.order(size)["memory"]
        return [pair.server.order(0)["memory"], client]


def memory(size: int) -> list[Figure]:
    small, large = peaks(4 * MIB), peaks(size)
    told = f"{size // MIB // 1024} GiB" if size >= 1024 * MIB else f"{size // MIB} MiB"
    return [
        Figure(
            Claim(f"peak memory of the {end}, {told} above 4 MiB", "MiB", most=8),
            (many - few) / 1024,
        )
        for end, few, many in zip(("server", "client"), small, large, strict=True)
    ]


def main() -> int:
    chosen = options(str(__doc__).splitlines()[0])
    size, rounds = (256 * MIB, 3) if chosen.quick else (1024 * MIB, 5)
    figures = [rate(size, rounds), *memory(512 * MIB if chosen.quick else 4096 * MIB)]
    return report("bulk", figures, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
