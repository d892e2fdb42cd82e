"""Our dispatcher to an echoing proxy, beside a bare Twisted dispatcher to the same proxy.

Both chains are a dispatcher and the same proxy in one process; the load client, in another, is
their front. In the legacy way there is a connection for each transaction on both hops; multiplexed,
the clients keep theirs and the dispatcher shares one. Ours checks session and entitlement of each
frame and keeps the audit trail. Rates are for a second of the chain's processor time, as those of
`throughput.py`: `python benchmarks/dispatching.py [--json] [--quick]`.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from load import Load
from measure import Claim, Figure, options, report
from throughput import Subject, ratio, take_turns

from starwire.harness.client import Client
from starwire.protocol.headers import DispatcherHeader
from starwire.protocol.profile import shipped

LEGACY = Claim("a connection for each transaction, its rate by the bare chain's", "x", least=0.7)
MULTIPLEXED = Claim("multiplexed, its rate by the bare chain's", "x", least=0.5)

HERE = Path(__file__).parent
CODEC = shipped("default").wire.dispatcher
USER, ENTERPRISE = "jeanvnet2", "00022924"
MESSAGE = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>".ljust(300)


@contextlib.contextmanager
def chain(*words: str) -> Iterator[tuple[int, list[int]]]:
    """A chain of servers: its process, and the ports that it prints."""
    command = [sys.executable, str(HERE / words[0]), *words[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, [int(port) for port in process.stdout.readline().split()]
        finally:
            process.kill()


def session(jar: int) -> str:
    """The key of a new session."""
    with Client(f"native://127.0.0.1:{jar}") as client:
        made = client.send(f"CKM<USERID={USER},ENTPID={ENTERPRISE}>".encode())
    return made.message()["KEY"].value.scalar


def load(port: int, key: str, *, persistent: bool) -> Load:
    header = DispatcherHeader(
        1, target="RM", user_id=USER, enterprise_id=ENTERPRISE, session_key=key
    )
    length, status = CODEC.integer("length"), CODEC.integer("status")
    return Load(
        port,
        [CODEC.frame(header, MESSAGE)],
        length=(length.offset, length.end),
        good=(status.offset, bytes(status.width) + MESSAGE[:40]),
        connections=32,
        persistent=persistent,
    )


def measured(way: str, claim: Claim, rounds: int, seconds: float) -> Figure:
    """The median over the rounds of our rate by the bare one's; both take turns."""
    with (
        tempfile.TemporaryDirectory(prefix="starwire-dispatching-") as folder,
        chain("bare_chain.py", way) as (beside, [bare_port]),
        chain("own_chain.py", way, folder) as (process, [port, jar]),
    ):
        key, persistent = session(jar), way == "multiplexed"
        bare = Subject(beside, load(bare_port, key, persistent=persistent))
        own = Subject(process, load(port, key, persistent=persistent))
        take_turns({f"bare {way}": bare, way: own}, rounds, seconds, lambda: None)
    return Figure(claim, ratio(own, bare))


def main() -> int:
    chosen = options(str(__doc__).splitlines()[0])
    rounds, seconds = (3, 0.7) if chosen.quick else (5, 2.0)
    figures = [
        measured("legacy", LEGACY, rounds, seconds),
        measured("multiplexed", MULTIPLEXED, rounds, seconds),
    ]
    return report("dispatching", figures, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
