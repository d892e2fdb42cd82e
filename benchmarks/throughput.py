"""How many transactions a second the servers answer, beside bare servers that only move octets.

    python benchmarks/throughput.py [--json] [--quick]

Every server is a process of its own and so is the client that loads it (`load.py`). The subjects
take turns, round after round; a figure is the median of the rounds' ratios. Its rates are those of
the clock. A client that cannot load the fastest servers fully flatters the others, so
the ratios by the servers' processor time are printed beside them. The emulator runs with the audit
trail on; nothing is recorded, neither by `--record` nor by the journal of the control API, and its
log is off.

A whole HTTPS transaction is measured beside bare servers with the same hops, since most of its time
goes into moving octets from hop to hop: bare servers that check nothing reach some 0.6 of a POST
that goes no further where the hops keep their connections, and some 0.2 where they do not.

During the rounds a second process changes a row again and again: the next reply must show it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from load import Load
from measure import Claim, Figure, options, report

from starwire.harness.client import Client
from starwire.harness.emulator import EmulatorProcess
from starwire.protocol.endpoints import DEFAULT_PORTS
from starwire.protocol.headers import CommonHeader, DispatcherHeader, WebHeader
from starwire.protocol.profile import load_profile, shipped

HERE = Path(__file__).parent
PROFILE = shipped("default")
FROM_MEMORY = Claim("a proxy, GRTL from rows in memory, by a bare frame echo", "x", least=0.4)
MOUNTEBANK = Claim("a proxy, GRTL from rows in memory, by mountebank's static reply", "x", least=1)
QUERY = Claim("a proxy, GURL with a query each, by a bare frame echo", "x", least=0.15)
SAME_HOPS = Claim("HTTPS, hops multiplexed, by bare servers with the same hops", "x", least=0.6)
SAME_HOPS_LEGACY = Claim(
    "HTTPS, a connection at each hop, by bare servers with the same hops", "x", least=0.6
)
GRTL = [f"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO={io}>".encode() for io in "OIB"]
GURL = [b"GURL<USERID=jeanvnet2,RPTTMPID=1,ENTPID=00022924,PRODUCT=T,DATACAT=U>"]
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(process: int) -> float:
    """Of user and system together, all threads."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Subject:
    """A server under a load."""

    def __init__(self, process: int, load: Load) -> None:
        self.process = process
        self.load = load
        self.rates: list[float] = []
        """For a second of its processor time."""
        self.walls: list[float] = []
        """For a second of the clock, in which the client may be the one that is slow."""

    def turn(self, seconds: float) -> None:
        """Note how many replies a second of its processor time brings."""
        before = processor_seconds(self.process)
        rate = self.load.measure(seconds)
        self.walls.append(rate)
        self.rates.append(rate * seconds / max(processor_seconds(self.process) - before, 1 / TICKS))


def ratio(subject: Subject, baseline: Subject) -> float:
    """By processor time: the median over the rounds, in which both had their turn."""
    pairs = zip(subject.rates, baseline.rates, strict=True)
    return statistics.median(one / other for one, other in pairs)


def by_the_clock(subject: Subject, baseline: Subject) -> float:
    """The same by the clock."""
    pairs = zip(subject.walls, baseline.walls, strict=True)
    return statistics.median(one / other for one, other in pairs)


def figure(claim: Claim, subject: Subject, baseline: Subject) -> Figure:
    """By the clock; the ratio by processor time is printed."""
    value, by_processor = by_the_clock(subject, baseline), ratio(subject, baseline)
    print(f"{claim.text}: {value:.2f}, by processor time {by_processor:.2f}", file=sys.stderr)
    return Figure(claim, value)


# ---- the servers ---------------------------------------------------------------------------------


@contextmanager
def running(*command: str | Path) -> Iterator[tuple[int, int]]:
    """A bare server: its process and the port that it prints."""
    with subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def mountebank(reply: bytes) -> Iterator[tuple[int, int] | None]:
    """mountebank with a static reply; None where npm is missing."""
    place = HERE / "mountebank"
    if shutil.which("npm") is None:
        yield None
        return
    if not (place / "node_modules").exists():
        install = ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run([*install, "--silent"], cwd=place, check=True, stdout=sys.stderr)
    port, control = free_port(), free_port()
    response = {"is": {"data": base64.b64encode(reply).decode()}}
    imposter = {"port": port, "protocol": "tcp", "mode": "binary", "host": "127.0.0.1"}
    imposter["stubs"] = [{"responses": [response]}]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "imposters.json"
        config.write_text(json.dumps({"imposters": [imposter]}))
        command = ["node", str(place / "node_modules/@mbtest/mountebank/bin/mb"), "start"]
        command += ["--port", str(control), "--host", "127.0.0.1", "--configfile", str(config)]
        command += ["--nologfile", "--loglevel", "error", "--pidfile", f"{folder}/mb.pid"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
            try:
                await_port(port)
                yield process.pid, port
            finally:
                process.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def await_port(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")


class Chain:
    """An emulator and a session in it."""

    def __init__(self, held: ExitStack, *, multiplex: bool, record: bool = False) -> None:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="starwire-bench-")))
        profile = folder / "profile.toml"
        profile.write_text(
            f'extends = "default"\nname = "bench"\nmultiplex = {str(multiplex).lower()}\n'
        )
        self.state = folder / "state"
        only = ",".join(name for name in DEFAULT_PORTS if name != "control")
        options = ["--quiet", "--profile", str(profile), "--only", only]
        options += ["--record", str(folder / "recording.jsonl")] if record else []
        self.emulator = held.enter_context(EmulatorProcess(self.state, *options))
        with Client(
            self.emulator.target("web"), profile=load_profile(profile.read_text())
        ) as client:
            client.logon("jeanvnet2", "interact")
            assert client.session is not None
            self.key = client.session.key

    def port(self, name: str) -> int:
        return int(self.emulator.places[name].rpartition(":")[2])

    def frames(self, messages: list[bytes]) -> list[bytes]:
        """To a proxy, under the session."""
        codec = PROFILE.wire.common
        return [
            codec.frame(CommonHeader(PROFILE.version, session_key=self.key, serial=serial), message)
            for serial, message in enumerate(messages, 1)
        ]

    def bodies(self, messages: list[bytes]) -> list[bytes]:
        """Of POSTs to the web server."""
        web = PROFILE.wire.web.encode(WebHeader(1, self.key))
        header = DispatcherHeader(PROFILE.version, target="RM")
        return [web + PROFILE.wire.dispatcher.frame(header, message) for message in messages]

    def proxy(self, messages: list[bytes]) -> Subject:
        return self.subject(framed(self.port("rm"), self.frames(messages)))

    def web(self) -> Subject:
        return self.subject(posted(self.port("web"), self.bodies(GRTL)))

    def subject(self, load: Load) -> Subject:
        return Subject(self.emulator.process_id, load)


def place_of(codec_name: str, field: str, before: int = 0) -> tuple[int, int]:
    slot = getattr(PROFILE.wire, codec_name).integer(field)
    return before + slot.offset, before + slot.end


def framed(port: int, frames: list[bytes]) -> Load:
    status = place_of("common", "status")[0]
    return Load(port, frames, length=place_of("common", "length"), good=(status, b"\0\0"))


def posted(port: int, bodies: list[bytes]) -> Load:
    before = PROFILE.wire.web.size
    status = place_of("dispatcher", "status", before)[0]
    length = place_of("dispatcher", "length", before)
    good = (status, b"\0\0")
    return Load(port, bodies, length=length, good=good, connections=16, path=PROFILE.web_path)


# ---- what is measured ----------------------------------------------------------------------------


def proxies(rounds: int, seconds: float) -> list[Figure]:
    """One proxy on persistent connections."""
    with ExitStack() as held:
        chain = Chain(held, multiplex=False)
        reply = one_reply(chain)
        echo_process, echo_port = held.enter_context(running(HERE / "bare_echo.py"))
        # The echo sends what it receives: frames of the replies' size, in both directions.
        subjects = {
            "echo": Subject(echo_process, framed(echo_port, [reply])),
            "memory": chain.proxy(GRTL),
            "query": chain.proxy(GURL),
        }
        static = held.enter_context(mountebank(reply))
        if static:
            subjects["mountebank"] = Subject(static[0], framed(static[1], chain.frames(GRTL[:1])))
        else:
            print("mountebank is not measured: npm is missing", file=sys.stderr)
        take_turns(subjects, rounds, seconds, lambda: change_is_seen(chain))
        echo, memory = subjects["echo"], subjects["memory"]
        figures = [figure(FROM_MEMORY, memory, echo)]
        if static:
            figures.append(figure(MOUNTEBANK, memory, subjects["mountebank"]))
        return [*figures, figure(QUERY, subjects["query"], echo)]


def web(rounds: int, seconds: float) -> list[Figure]:
    """The whole chain over HTTPS, on connections that are kept."""
    with ExitStack() as held:
        shared = Chain(held, multiplex=True)
        legacy = Chain(held, multiplex=False)
        body = PROFILE.wire.web.encode(WebHeader(1, shared.key)) + PROFILE.wire.dispatcher.frame(
            DispatcherHeader(PROFILE.version, target="RM"), one_reply(shared)[49:]
        )
        pair = (shared.state / "web.key", shared.state / "web.crt")
        process, port = held.enter_context(running(HERE / "bare_web.py", *pair, body.hex()))
        subjects = {
            "bare": Subject(process, posted(port, shared.bodies(GRTL))),
            "shared": shared.web(),
            "legacy": legacy.web(),
        }
        # These give back what they get: bodies of the replies' size, in both directions.
        for way in ("multiplexed", "legacy"):
            process, port = held.enter_context(running(HERE / "bare_web_chain.py", *pair, way))
            subjects[f"bare {way}"] = Subject(process, posted(port, [body]))
        take_turns(subjects, rounds, seconds, lambda: change_is_seen(shared))
        for name in ("shared", "bare multiplexed", "legacy", "bare legacy"):
            beside = by_the_clock(subjects[name], subjects["bare"])
            print(f"{name}: {beside:.2f} of a POST that goes no further", file=sys.stderr)
        return [
            figure(SAME_HOPS, subjects["shared"], subjects["bare multiplexed"]),
            figure(SAME_HOPS_LEGACY, subjects["legacy"], subjects["bare legacy"]),
        ]


def take_turns(
    subjects: dict[str, Subject], rounds: int, seconds: float, between: Callable[[], None]
) -> None:
    for subject in subjects.values():
        subject.load.measure(seconds / 2)
    for _ in range(rounds):
        between()
        for subject in subjects.values():
            subject.turn(seconds)
    for name, subject in subjects.items():
        subject.load.close()
        rates = ", ".join(f"{rate:,.0f}" for rate in subject.rates)
        wall = statistics.median(subject.walls)
        told = f"{rates} a second of processor time; {wall:,.0f} a second of the clock"
        print(f"{name}: {told}", file=sys.stderr)


def one_reply(chain: Chain) -> bytes:
    """The frame that answers the first GRTL at the proxy."""
    with socket.create_connection(("127.0.0.1", chain.port("rm"))) as connection:
        connection.sendall(chain.frames(GRTL)[0])
        start, end = place_of("common", "length")
        held = b""
        while len(held) < end or len(held) < int.from_bytes(held[start:end], "big"):
            held += connection.recv(65_536)
        return held


def change_is_seen(chain: Chain) -> None:
    """Another process's change of a row is in the very next reply."""
    title = f"Calls of {time.monotonic_ns() % 1_000_000:06}"
    script = (
        "import sqlite3, sys; store = sqlite3.connect(sys.argv[1], timeout=10);"
        "store.execute('UPDATE templates SET title = ? WHERE id = 11', sys.argv[2:]);"
        "store.commit()"
    )
    store = chain.state / "starwire.db"
    subprocess.run([sys.executable, "-c", script, str(store), title], check=True)
    if f"<{title},11,R>".encode() not in one_reply(chain):
        raise RuntimeError("a changed row is not in the next reply")


def main() -> int:
    chosen = options(__doc__ or "")
    rounds, seconds = (3, 0.5) if chosen.quick else (5, 2.0)
    return report(
        "throughput", proxies(rounds, seconds) + web(rounds, seconds), as_json=chosen.json
    )


if __name__ == "__main__":
    sys.exit(main())
