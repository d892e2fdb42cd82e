"""How long `starwire serve` takes on an existing state, beside a bare reactor with TLS listening.

Both are timed from their start to the line `ready`, in turns; the figure is the median of the
rounds' ratios: `python benchmarks/startup.py [--json] [--quick]`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Claim, Figure, options, report

from starwire.protocol.endpoints import DEFAULT_PORTS

STARTED = Claim("serve on an existing state, its time by a bare reactor's", "x", most=3)

BARE = """
import sys
from twisted.internet import reactor, ssl
from twisted.web.server import Site
from twisted.web.resource import Resource
context = ssl.DefaultOpenSSLContextFactory(sys.argv[1], sys.argv[2])
reactor.listenSSL(0, Site(Resource()), context, interface="127.0.0.1")
print("ready", flush=True)
reactor.run()
"""


def ready_after(command: list[str]) -> float:
    """Seconds from the start of `command` to its line `ready`; then it is ended."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready":
                took = time.perf_counter() - began
                process.terminate()
                return took
    raise RuntimeError(f"{command} was never ready")


def started(rounds: int) -> Figure:
    """Start both in turns."""
    with tempfile.TemporaryDirectory(prefix="starwire-startup-") as folder:
        state = Path(folder)
        at_any_port = [word for name in DEFAULT_PORTS for word in ("--port", f"{name}=0")]
        serve = [sys.executable, "-m", "starwire.harness.cli", "serve", "--quiet"]
        serve += ["--state", str(state), *at_any_port]
        ready_after(serve)  # makes the state
        bare = [sys.executable, "-c", BARE, str(state / "web.key"), str(state / "web.crt")]
        ready_after(bare)
        ratios = []
        for _ in range(rounds):
            alone = ready_after(bare)
            ratios.append(ready_after(serve) / alone)
    return Figure(STARTED, statistics.median(ratios))


def main() -> int:
    chosen = options(str(__doc__).splitlines()[0])
    return report("startup", [started(3 if chosen.quick else 7)], chosen.json)


if __name__ == "__main__":
    sys.exit(main())
