"""What an idle customer costs: the server's memory for each of 5,000 connections.

    python benchmarks/idle.py [--json] [--quick]

Each connection has had one reply and waits for its next request, over HTTPS at the web server and
as plain frames at a proxy. What is counted is the growth of the server's resident memory, beside
that of a bare Twisted server under the same clients.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from load import post
from measure import Claim, Figure, options, report
from throughput import GRTL, Chain, running

HERE = Path(__file__).parent
HTTPS = Claim("memory of an idle customer on HTTPS", "KiB", most=36)
PLAIN = Claim("memory of an idle customer on plain frames", "KiB", most=6)


def resident(process: int) -> int:
    """Kibibytes of memory that the process has in use."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def each(process: int, port: int, count: int, request: bytes, *words: str) -> float:
    """Kibibytes that an idle connection costs: the last four fifths of `count`.

    The first fifth fills what memory the process has taken and does not use.
    """
    with holding(port, count // 5, request, *words):
        before = resident(process)
        with holding(port, count - count // 5, request, *words):
            return (resident(process) - before) / (count - count // 5)


@contextmanager
def holding(port: int, count: int, request: bytes, *words: str) -> Iterator[None]:
    command = [sys.executable, str(HERE / "holder.py"), str(port), str(count), request.hex()]
    with subprocess.Popen(
        [*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        if holder.stdout.readline().strip() != "ready":
            raise RuntimeError("the holder could not open its connections")
        yield
        holder.communicate()


def measured(count: int) -> list[Figure]:
    with ExitStack() as held:
        chain = Chain(held, multiplex=False)
        frame, body = chain.frames(GRTL)[0], chain.bodies(GRTL)[0]
        request = post("/nmci", body)
        process = chain.emulator.process_id
        figures = [
            Figure(PLAIN, each(process, chain.port("rm"), count, frame)),
            Figure(HTTPS, each(process, chain.port("web"), count, request, "tls")),
        ]
        echo = held.enter_context(running(HERE / "bare_echo.py"))
        pair = (chain.state / "web.key", chain.state / "web.crt")
        web = held.enter_context(running(HERE / "bare_web.py", *pair, body.hex()))
        plain = each(*echo, count, frame)
        https = each(*web, count, request, "tls")
        print(f"bare Twisted: plain {plain:.1f} KiB, HTTPS {https:.1f} KiB", file=sys.stderr)
        return figures


def main() -> int:
    chosen = options(__doc__ or "")
    return report("idle", measured(1000 if chosen.quick else 5000), chosen.json)


if __name__ == "__main__":
    sys.exit(main())
