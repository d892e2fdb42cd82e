"""The demo: it runs to the end under both profiles, and every step is answered as it must be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from starwire.harness import demo
from starwire.harness.cli import main
from starwire.harness.emulator import EmulatorError
from starwire.harness.envelopes import Reply
from starwire.harness.failures import ClientError
from starwire.protocol.profile import shipped


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "starwire.harness.cli", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "FORCE_COLOR": "1"},
    )


@pytest.fixture(scope="module", params=["default", "little"])
def told(request: pytest.FixtureRequest) -> str:
    done = run("--plain", "--profile", request.param)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def steps(told: str) -> list[list[str]]:
    """The lines of each step, its title first."""
    blocks = [block.splitlines() for block in told.split("\n\n")]
    return [block for block in blocks if any(line.startswith("  > ") for line in block)]


def test_every_step_is_answered_as_it_must_be(told: str) -> None:
    days = (demo._MORNING, demo._NIGHT, demo._NEXT_DAY)
    told_steps = steps(told)
    # Two customers log on.
    assert len(told_steps) == sum(map(len, days)) + 2
    errors = [re.findall(r"^  <   ERROR = (\S+)$", "\n".join(one), re.M) for one in told_steps]
    logon = [["0"]]
    expected = [[[step.error] for step in day] for day in days]
    assert errors == logon + expected[0] + expected[1] + logon + expected[2]
    assert [one for one in errors if one not in (["0"], ["6827"], ["6109"])] == []
    assert f"\n{len(told_steps)} steps, each answered as docs/protocol.md says.\n" in told


def test_the_demo_keeps_to_a_page_a_step(told: str) -> None:
    for step in steps(told):
        assert len(step) <= 2 * (1 + demo._MOST + 1) + 2
    assert "\n\n\n" not in told
    assert re.search(r"^  < \.\.\. \d+ more lines$", told, re.M)


def test_the_first_exchange_shows_every_field_and_the_others_few(told: str) -> None:
    first, second, *_ = steps(told)
    assert sum("header: version=1 length=" in line for line in first) == 2
    assert sum(" session_key=" in line for line in first) == 4
    assert re.fullmatch(
        r"  > web: transaction, key [0-9a-f]{8}\.\.\. \| dispatcher: to STAROE, sync, \d+ octets",
        second[1],
    )


def test_every_step_names_the_servers_it_has_passed(told: str) -> None:
    ways = [
        re.search(r"^    ([a-z >-]+), (serial \d+, )?digest [0-9a-f]{16}, id \S+$", text, re.M)
        for text in map("\n".join, steps(told))
    ]
    passed = [way[1] for way in ways if way]
    assert len(passed) == len(ways)
    assert passed[0] == "web > dispatcher > staroe"
    assert "web > dispatcher > rm" in passed
    assert passed[-6:-4] == ["inbox-native", "web > dispatcher > staroe"]
    assert passed[-1] == "web > dispatcher > inbox"


def test_plain_has_no_colours_whatever_the_terminal_can(told: str) -> None:
    assert "\x1b" not in told


def test_colours_where_the_terminal_can() -> None:
    done = run()
    assert done.returncode == 0
    assert "\x1b[36m>\x1b[0m" in done.stdout


class Answering:
    """A client whose replies are all the same."""

    def __init__(self, data: bytes) -> None:
        self.received = Reply(data, data)
        self.layers = ()
        self.sent = b"A<>"


@pytest.mark.parametrize("data", [b"A<ERROR=6101>", b"A<B=1>", b"", b"A<"])
def test_a_step_that_is_not_answered_as_it_must_be_fails_the_demo(
    data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    class Logless:
        log: tuple[str, ...] = ()

        def await_log(self, *_: Any) -> bool:
            return False

    day = demo._Day(demo.Console(color_system=None), Logless(), shipped("default"))  # type: ignore[arg-type]
    day._tell(demo.Step("?", "inbox-native", "", ""), Answering(data))  # type: ignore[arg-type]
    assert day.end() == 1
    told = capsys.readouterr().out
    assert "    It must be ERROR = 0.\n" in told
    assert "1 of 1 steps were not answered as they must be." in told
    assert ("6101 means: general failure" in told) is (b"6101" in data)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EmulatorError("it does not start"), "starwire: it does not start\n"),
        (ClientError("native://h:1: nobody"), "starwire: native://h:1: nobody\n"),
        (OSError(28, "No space left on device"), "starwire: [Errno 28] No space left on device\n"),
    ],
)
def test_a_demo_that_cannot_be_given_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def failing(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(demo, "EmulatorProcess", failing)
    result = CliRunner().invoke(main, ["demo"])
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)
