"""An implementation that is started for each connection, on standard input and output."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.conformance import stdio
from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome, Result
from starwire.harness.conformance.stdio import StdioWire
from starwire.harness.conformance.wiring import Asked, CannotCheck
from starwire.harness.emulator import in_thread
from starwire.protocol.profile import shipped

RELAY = """
import os, socket, sys, threading

line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))

def back():
    while octets := line.recv(65536):
        while octets:
            octets = octets[os.write(1, octets):]
    os._exit(0)

threading.Thread(target=back, daemon=True).start()
while octets := os.read(0, 65536):
    line.sendall(octets)
line.shutdown(socket.SHUT_WR)
threading.Event().wait(5)
"""
"""A proxy on standard input: it has another behind it do its work."""


@pytest.fixture
def emulator() -> Iterator[Any]:
    running = in_thread(shipped("default"), ("rm", "jar"))
    yield running
    running.stop()


@pytest.fixture
def relay(tmp_path: Path) -> str:
    path = tmp_path / "relay.py"
    path.write_text(RELAY)
    return f"{sys.executable} -S {path}"


def checked(target: str, start: str, *names: str, **options: Any) -> tuple[str, dict[str, Result]]:
    asked = Asked(target=target, start=start, names=names, profile=shipped("default"), **options)
    run = begin(asked)
    try:
        results = {result.case: result for result in run.results()}
    finally:
        run.close()
    return run.stopped, results


def test_each_connection_is_a_process(emulator: Any, relay: str) -> None:
    jar, rm = (emulator.places[name] for name in ("jar", "rm"))
    start = f"{relay} {rm[1]}"
    at = (f"jar={jar[0]}:{jar[1]}",)
    stopped, results = checked("stdio:rm", start, "header.length", "sanity", places=at)
    assert stopped == ""
    assert {one.outcome for one in results.values()} == {Outcome.PASSED}
    assert len(results) > 8
    # Nothing of it runs any more.
    running = subprocess.run(["pgrep", "-f", relay.split()[-1]], capture_output=True, text=True)
    assert running.stdout == ""


def test_a_program_that_speaks_something_else() -> None:
    other = f"{sys.executable} -c 'print(\"HTTP/1.0 400 Bad\" * 9)'"
    stopped, results = checked("stdio:rm", other, "sanity")
    assert results["sanity.wire@rm"].outcome is Outcome.FAILED
    assert "expected a length of 49 to 16777216; got length 1414811695; if its header" in stopped


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (
            f"{sys.executable} -c 'raise SystemExit(\"no licence\")'",
            "; its last words: no licence",
        ),
        ("no-such-program --inetd", "got no-such-program: no such file or directory"),
    ],
)
def test_who_does_not_answer_is_told_with_its_last_words(start: str, reason: str) -> None:
    stopped, results = checked("stdio:rm", start, "header.length")
    assert stopped.startswith("rm does not speak this wire: expected ")
    assert reason in stopped
    assert sum(one.outcome is Outcome.FAILED for one in results.values()) == 1


@pytest.mark.parametrize(
    ("target", "start", "reason"),
    [
        ("stdio:rm", "", "stdio:rm needs --start CMD, which is run for each connection"),
        ("stdio:rm", "'", "--start: the command cannot be split into words: No closing quotation"),
        ("stdio:rm", " ", "--start: the command is empty"),
        ("stdio:rm", "mine {nothing}", "--start: {nothing} stands for nothing; there are "),
        ("stdio:mars", "mine", "stdio:mars: give stdio:PLACE, PLACE one of web, dispatcher, "),
    ],
)
def test_what_cannot_be_run(target: str, start: str, reason: str) -> None:
    with pytest.raises(CannotCheck) as refused:
        checked(target, start)
    assert str(refused.value).startswith(reason)


def test_who_does_not_end_with_its_input_is_ended(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(stdio, "_END_SECONDS", 0.1)
    command = f"{sys.executable} -S -c 'import time; time.sleep(600)'"
    wire = StdioWire("rm", command, {}, tmp_path / "log", {}, None)
    for _ in range(3):
        wire.connect("rm").close()
        time.sleep(0.15)
    line = wire.connect("rm")
    running = [process for process in wire._running if process.poll() is None]
    assert len(running) == 1
    line.close()
    wire.close()
    assert [process.returncode for process in running] == [-9]
