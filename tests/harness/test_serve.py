"""`starwire serve`, and `send` to it, as processes: what a shell sees of them."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from starwire.harness.client import Client
from starwire.harness.emulator import EmulatorError, EmulatorProcess
from starwire.protocol.endpoints import DEFAULT_PORTS

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
STARWIRE = [sys.executable, "-m", "starwire.harness.cli"]
CHEAP = "[logon.cost]\nn = 16\n"


def starwire(*arguments: str, **options: Any) -> subprocess.CompletedProcess[Any]:
    options = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run([*STARWIRE, *arguments], **options)


def cannot_serve(folder: Path, *arguments: str) -> str:
    """Why nothing is served, in one line."""
    state = [] if "--state" in arguments else ["--state", str(folder / "state")]
    done = starwire("serve", "--only", "jar", "--port", "jar=0", *state, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("starwire: ")
    assert done.stderr.count("\n") == 1
    return str(done.stderr).removeprefix("starwire: ").rstrip("\n")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("emulator")
    (folder / "config.toml").write_text(CHEAP)
    with EmulatorProcess(folder / "state", "--config", str(folder / "config.toml")) as emulator:
        yield emulator


# Broken rules.


def test_serve_breaks_the_rules_that_it_is_told(tmp_path: Path) -> None:
    told = ["--break", "any-version-taken", "--break", "echo-flag-cleared"]
    echo = bytes([9, 0, 0, 0, 49, 1, *bytes(43)])
    with EmulatorProcess(tmp_path, "--only", "jar,rm", *told) as broken:
        host, _, port = broken.places["rm"].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(echo)
            assert connection.recv(49, socket.MSG_WAITALL) == echo[:5] + bytes(44)


def test_serve_breaks_no_rule_that_it_does_not_know(tmp_path: Path) -> None:
    said = cannot_serve(tmp_path, "--break", "echo-2-is-none", "--break", "everything")
    assert said == "--break everything: there is no such fault; `starwire faults` lists them"


# Starting and stopping.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_listens_and_ends_when_told(tmp_path: Path, number: int) -> None:
    zeros = [word for name in DEFAULT_PORTS for word in ("--port", f"{name}=0")]
    process = subprocess.Popen(
        [*STARWIRE, "serve", "--state", str(tmp_path), *zeros],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "ready\n":
            break
    places = [re.fullmatch(r"listening (\S+) 127\.0\.0\.1 (\d+)\n", line) for line in lines[:-1]]
    found = {place[1]: int(place[2]) for place in places if place}
    assert len(found) == len(lines) - 1
    assert set(found) == set(DEFAULT_PORTS)
    for port in found.values():
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_serve_runs_only_what_it_is_told_to(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path, "--only", "rm-native,jar", "--host", "127.0.0.1") as emulator:
        assert set(emulator.places) == {"rm-native", "jar"}
        done = starwire("send", "GRTL<PRODUCT=V>", "--to", emulator.target("rm-native"))
        assert (done.returncode, done.stdout) == (1, "SRTL<ERROR=6809>\n")


def test_serve_is_quiet_if_told_to(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path, "--only", "rm-native", "--quiet") as emulator:
        starwire("send", "GPL<PL_TIMEZONE>", "--to", emulator.target("rm-native"))
        assert emulator.stop() == 0
    assert emulator.log == []


def test_a_line_of_the_log_can_be_waited_for(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path, "--only", "rm-native") as emulator:
        assert not emulator.await_log(bool, 0.05)
        client = Client(emulator.target("rm-native"), seconds=10)
        later = threading.Timer(0.2, client.send, [b"GPL<PL_CURR>"])
        later.start()
        assert emulator.await_log(lambda log: "hop=rm-native" in log[0] if log else False, 10)
        later.join()
        client.close()


# What cannot be served.


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = cannot_serve(tmp_path, "--port", f"jar={port}")
    assert told == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another with --port NAME=N"
    )


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    told = cannot_serve(tmp_path, "--host", "192.0.2.1")
    assert told.startswith("cannot listen on 192.0.2.1:0: ")


def test_a_state_store_of_a_newer_starwire(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "state", "--only", "jar") as emulator:
        assert emulator.stop() == 0
    with sqlite3.connect(tmp_path / "state" / "starwire.db") as store:
        store.execute("update store set version = version + 1")
    store.close()
    told = cannot_serve(tmp_path)
    assert re.search(r"has tables of version \d+, this starwire knows version \d+: use the", told)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "'nonsense' is no URL of a store"),
        ("mysql://h/x", "a store is sqlite:///path or postgresql://..."),
        ("sqlite://", "a store in memory would lose what it answered for; name a file"),
        ("sqlite:////no/such/folder/x.db", "cannot be opened: unable to open database file"),
    ],
)
def test_a_database_that_is_none(tmp_path: Path, url: str, told: str) -> None:
    assert told in cannot_serve(tmp_path, "--database", url)


def test_a_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = cannot_serve(tmp_path, "--state", str(tmp_path / "file" / "state"))
    assert "Not a directory" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, ": No such file or directory"),
        (b"foo = 1\n", ": foo: no such key"),
        (b"[logon.cost]\nn = 3\n", ": logon.cost: n is no power of two above 1"),
        (b"[rm]\nfulserver = 1\n", ": rm.fulserver: must be true or false"),
        (b"a =", ": not TOML: "),
        (b"# \xff", ": is not UTF-8 text"),
    ],
)
def test_a_configuration_that_is_none(tmp_path: Path, text: bytes | None, told: str) -> None:
    path = tmp_path / "config.toml"
    if text is not None:
        path.write_bytes(text)
    line = cannot_serve(tmp_path, "--config", str(path))
    assert line.startswith(f"{path}: ")
    assert told in line


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    files = ["--tls-cert", __file__, "--tls-key", __file__]
    told = cannot_serve(tmp_path, "--only", "web", "--port", "web=0", *files)
    assert "are no certificate and key" in told


def test_a_process_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError) as refused:
        EmulatorProcess(tmp_path, "--config", str(tmp_path / "nofile"))
    told = f"the emulator does not start: {tmp_path / 'nofile'}: No such file or directory"
    assert str(refused.value) == told


def test_a_process_that_is_not_ready_in_time(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="the emulator does not start: it says nothing"):
        EmulatorProcess(tmp_path, seconds=0.01)


# Sending to it.


def examples() -> list[str]:
    """The examples of `send --help`, each in one line, as a shell takes them."""
    told = starwire("send", "--help").stdout
    joined = re.sub(r" \\\n +", " ", told)
    return re.findall(r"^  \$ (starwire send .*)$", joined, re.MULTILINE)


def test_the_examples_of_the_help_do_what_they_say(
    emulator: EmulatorProcess, tmp_path: Path
) -> None:
    by_port = {str(DEFAULT_PORTS[name]): place for name, place in emulator.places.items()}
    (tmp_path / "message.msg").write_bytes((GOLDEN / "nrl.emended.msg").read_bytes())
    printed = []
    for example in examples():
        port = re.search(r"127\.0\.0\.1:(\d+)", example)
        assert port
        line = example.replace(port[0], by_port[port[1]])
        line = line.replace("starwire", " ".join(STARWIRE), 1)
        done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=tmp_path, timeout=60)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert len(printed) == 3
    assert printed[0].startswith(b"SRTL<ERROR=0,REPORTS=<Financial=")
    assert printed[1] == b"NRLA<ERROR=0,USERID=dorod,USERRPTID=3415,REQUESTID=20341>\n"
    assert printed[2] == b""
    assert (tmp_path / "languages.msg").read_bytes().startswith(b"GPLA<ERROR=0,PL_LANG=<")


def test_the_first_users_of_the_help_are_there(emulator: EmulatorProcess) -> None:
    told = " ".join(starwire("serve", "--help").stdout.split())
    match = re.search(r"first users are (.*), each with the password `(\w+)`", told)
    assert match
    users = re.split(r", | and ", match[1])
    assert len(users) == 3
    for user in users:
        done = starwire(
            *["send", f"GUA<USERID={user}>", "--proxy", "STAROE", "--to", emulator.target("web")],
            *["--user", user, "--password", match[2]],
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "GUAA<ERROR=0,APPS=<RM~RS~INBOX>>\n"


def test_the_certificate_of_the_state_folder_is_the_one_to_trust(
    emulator: EmulatorProcess,
) -> None:
    certificate = emulator.state / "web.crt"
    arguments = ["--to", emulator.target("web"), "--user", "dorod", "--password", "interact"]
    done = starwire("send", "GPL<PL_CURR>", *arguments, "--ca", str(certificate))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("GPLA<ERROR=0,PL_CURR=<")


def test_a_logon_at_the_web_server_serves_the_inner_seats(emulator: EmulatorProcess) -> None:
    for target, proxy in (("dispatcher", "RM"), ("rm", "-")):
        done = starwire(
            *["send", "GPL<PL_CURR>", "--to", emulator.target(target), "--proxy", proxy],
            *["--logon", emulator.target("web"), "--user", "dorod", "--password", "interact"],
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("GPLA<ERROR=0,PL_CURR=<")


def test_a_refusal_of_the_emulator(emulator: EmulatorProcess) -> None:
    done = starwire("send", "GPL<PL_CURR>", "--to", emulator.target("web"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "refused: status 105, no session\n"


def test_octets_that_the_shell_does_not_know(emulator: EmulatorProcess) -> None:
    """ISO 8859-1 typed in a UTF-8 shell, and the other way round."""
    target = emulator.target("rm-native")
    told = [
        starwire("send", message, "--to", target, "--trace").stderr.splitlines()[2]
        for message in ("GRTL<PRODUCT=\udce9>", "GRTL<PRODUCT=é>")
    ]
    assert told == [">   PRODUCT = é"] * 2


# What a shell does with what is printed.


def test_a_reader_that_has_seen_enough_is_no_mishap() -> None:
    line = f"{' '.join(STARWIRE)} codes | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_letters_that_the_terminal_does_not_know() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "iso8859-7"}
    done = starwire("parse", input="A<B=é>", encoding="latin-1", env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "A\n  B = \\xe9\n", "")
