import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.result import Outcome
from starwire.harness.conformance.starting import (
    HOST,
    CannotStart,
    Implementation,
    filled,
    free_ports,
    profile_text,
    registry_of,
)
from starwire.harness.conformance.wiring import Asked, CannotCheck
from starwire.protocol.profile import load_profile, shipped

STARWIRE = f"{sys.executable} -m starwire.harness.cli"
DISPATCHER = (
    "starwire serve --only dispatcher --port dispatcher={port} --port jar={jar} "
    "--profile {profile} --state {state}"
)
PROXIES = (
    "starwire serve --only rm,rs,inbox,staroe --port rm={port} --port rs={rs} "
    "--port inbox={inbox} --port staroe={staroe} --port jar={jar} --state {state}"
)
WEB = (
    "starwire serve --only web --port web={port} --port dispatcher={dispatcher} "
    "--port jar={jar} --state {state}"
)


def check(target: str, start: str, *options: str) -> subprocess.CompletedProcess[str]:
    """`starwire check` in a process of its own, the emulator being what is started."""
    start = start.replace("starwire", STARWIRE, 1)
    words = ["check", target, "--start", start, *options]
    return subprocess.run(
        [sys.executable, "-m", "starwire.harness.cli", *words],
        capture_output=True,
        text=True,
        timeout=120,
    )


def totals(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """What the last but one line counts."""
    pairs = re.findall(r"([\d,]+) ([a-z][a-z -]*?)(?=,|$)", done.stdout.splitlines()[-2])
    return {word: int(count.replace(",", "")) for count, word in pairs}


@pytest.mark.parametrize("profile", ["default", "little"])
def test_a_dispatcher_with_both_ends_held(profile: str) -> None:
    done = check("dispatcher://127.0.0.1:{port}", DISPATCHER, "--profile", profile)
    assert done.returncode == 0, done.stdout
    assert totals(done)["passed"] > 90
    assert set(totals(done)) <= {"passed", "not applicable"}


def test_proxies_whose_jar_is_the_harness() -> None:
    cases = ("--case", "identity", "--case", "jar", "--case", "session", "--case", "header")
    done = check("proxy://127.0.0.1:{port}", PROXIES, "--as", "proxy", *cases)
    assert done.returncode == 0, done.stdout
    assert totals(done)["passed"] > 100
    assert set(totals(done)) <= {"passed", "not applicable"}


def test_a_web_server_whose_dispatcher_is_the_harness() -> None:
    done = check("https://127.0.0.1:{port}/nmci", WEB)
    assert done.returncode == 0, done.stdout
    assert totals(done)["passed"] > 80
    assert set(totals(done)) <= {"passed", "not applicable"}


def test_a_broken_rule_of_a_started_dispatcher_is_found() -> None:
    start = f"{DISPATCHER} --break data-trimmed-on-the-way"
    options = ("--case", "dispatcher.data", "--case", "dispatcher.serial", "--retries", "0")
    done = check("dispatcher://127.0.0.1:{port}", start, *options)
    assert done.returncode == 1
    assert "1 failed" in done.stdout.splitlines()[-2]
    assert "dispatcher.data @ dispatcher" in done.stdout


STAYS = """
import os, pathlib, socket, sys, time
pathlib.Path(sys.argv[2]).write_text(str(os.getpid()))
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)
"""
"""An implementation that accepts connections, and answers nothing."""


def test_who_ends_the_run_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "stays.py").write_text(STAYS)
    start = f"{sys.executable} {tmp_path / 'stays.py'} {{port}} {tmp_path / 'pid'} {{jar}}"
    words = ["check", "proxy://127.0.0.1:{port}", "--start", start, "--patience", "30"]
    with subprocess.Popen(
        [sys.executable, "-m", "starwire.harness.cli", *words], stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert b"cases" in run.stdout.readline()
        started = int((tmp_path / "pid").read_text())
        os.kill(started, 0)
        run.terminate()
        assert run.wait(60) in (2, 3), "nothing can be said, or the run is not complete"
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)


def test_what_does_not_start_is_said_with_its_last_words(tmp_path: Path) -> None:
    start = f"{sys.executable} -c 'import sys; sys.exit(\"no such licence\")'"
    with pytest.raises(CannotCheck, match=r"--start: it has ended with exit status 1; .*licence"):
        begin(
            Asked(target="dispatcher://127.0.0.1:{port}", profile=shipped("default"), start=start)
        )


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("/no/such/command {port}", "/no/such/command: no such file"),
        ("x {nowhere}", r"\{nowhere\} stands for nothing; there are \{port\}, "),
        ("x 'y", "cannot be split"),
        (" ", "the command is empty"),
    ],
)
def test_a_command_that_cannot_be(start: str, reason: str) -> None:
    with pytest.raises(CannotCheck, match=reason):
        begin(Asked(target="proxy://127.0.0.1:{port}", profile=shipped("default"), start=start))


ONCE = """
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    made, _ = listening.accept()
    if made.recv(100):
        sys.exit("cannot bear a request")
"""
"""An implementation that ends at the first octet it is sent."""


def test_who_ends_is_noticed_named_and_started_again(tmp_path: Path) -> None:
    script = tmp_path / "once.py"
    script.write_text(ONCE)
    start = f"{sys.executable} {script} {{port}}"
    asked = Asked(
        target="proxy://127.0.0.1:{port}",
        profile=shipped("default"),
        start=f"{start} {{jar}}",
        names=("sanity", "header.echo"),
        workers=1,
    )
    run = begin(asked)
    try:
        results = {result.case: result for result in run.results()}
    finally:
        run.close()
    failed = results["sanity.wire@rm"]
    assert failed.outcome is Outcome.FAILED
    ended = "the implementation ends: it has ended with exit status 1; "
    assert failed.reason == f"{ended}its last words: ready / cannot bear a request"
    assert results["sanity.connect@rm"].outcome is Outcome.PASSED


def test_it_is_ready_when_it_says_so_or_when_its_ports_accept(tmp_path: Path) -> None:
    says = f"{sys.executable} -u -c 'import time; print(\"ready\"); time.sleep(60)'"
    port = free_ports(["port"])["port"]
    implementation = Implementation(says, {}, [port], tmp_path / "log")
    assert implementation.ended == ""
    implementation.stop()
    assert implementation.ended.startswith("it has ended with signal SIGTERM")
    silent = (
        f"{sys.executable} -c 'import socket, time; "
        f'one = socket.create_server(("{HOST}", {port})); time.sleep(60)\''
    )
    listening = Implementation(silent, {}, [port], tmp_path / "other")
    socket.create_connection((HOST, port)).close()
    listening.restart()
    assert (listening.starts, listening.ended) == (2, "")
    listening.stop()
    with pytest.raises(CannotStart, match=r"not ready after 0.2 seconds; it has said nothing"):
        Implementation(
            f"{sys.executable} -c 'import time; time.sleep(60)'",
            {},
            [],
            tmp_path / "no",
            seconds=0.2,
        )


def test_braces_are_filled_and_others_named() -> None:
    assert filled("a{port}b{port}{}", {"port": "1"}) == "a1b1{}"
    with pytest.raises(CannotStart, match=r"\{nobody\} stands for nothing"):
        filled("{nobody}", {"port": "1"})


@pytest.mark.parametrize("name", ["default", "little"])
def test_the_profile_that_is_written_is_the_one_of_the_run(name: str) -> None:
    profile = shipped(name)
    registry = registry_of({"rm": [1, 2], "staroe": [3], "jar": [4]})
    read = load_profile(profile_text(profile, registry))
    assert read.registry == {"RM": (f"{HOST}:1", f"{HOST}:2"), "STAROE": (f"{HOST}:3",)}
    assert (read.common, read.dispatcher, read.web, read.bulk, read.limits) == (
        *(profile.common, profile.dispatcher, profile.web, profile.bulk),
        profile.limits,
    )
