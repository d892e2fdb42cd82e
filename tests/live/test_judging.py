"""Real chains recorded and judged: nothing that they do breaks a rule, and a broken rule shows."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from starwire.harness.cli import main

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
PROFILE = 'extends = "{}"\nname = "test"\nmid_frame_seconds = 1.5\n'
NATIVE = ("rm-native", "inbox-native", "jar")
Start = Callable[..., Any]


def judged(path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["judge", str(path), *options])


def checked(chain: Any, profile: Path, *options: str) -> None:
    """Ask it all that the conformance cases ask."""
    places = chain.emulator.places
    at = [
        f"--at={name}={place}" for name, place in places.items() if name not in ("web", "control")
    ]
    target = f"https://{places['web']}/nmci"
    words = ["check", target, *at, "--profile", str(profile), *options]
    command = [sys.executable, "-m", "starwire.harness.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert " cases in " in done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["default", "little"])
def test_whatever_a_server_is_asked_its_recording_holds(
    start_chain: Start, tmp_path: Path, profile: str
) -> None:
    path = tmp_path / "traffic"
    chain = start_chain(PROFILE.format(profile), "--record", str(path))
    checked(chain, tmp_path / "profile.toml", "--level", "must")
    assert chain.emulator.stop() == 0
    result = judged(path)
    assert ", 0 broken, " in result.stdout, result.stdout
    assert result.exit_code == 0
    held = int(result.stdout.partition(" rules held")[0].rpartition(" ")[2])
    assert held >= 50, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "rule", "found"),
    [
        ("data-offset-beyond", "TRN-03", "TRN-03"),
        ("unknown-target-is-106", "DSP-02", "DSP-03"),
        ("x01-is-text", "SYN-03", "SYN-03"),
        ("unbalanced-is-6611", "SYN-10", "SYN-10"),
        ("item-list-of-another-user", "HDR-11", "HDR-11"),
        ("serial-used-again", "DSP-05", "DSP-05"),
    ],
)
def test_a_rule_that_a_server_breaks_is_found(
    start_chain: Start, tmp_path: Path, broken: str, rule: str, found: str
) -> None:
    path = tmp_path / "traffic"
    chain = start_chain(PROFILE.format("default"), "--record", str(path), "--break", broken)
    checked(chain, tmp_path / "profile.toml", "--rule", rule)
    assert chain.emulator.stop() == 0
    told = json.loads(judged(path, "--json").stdout)
    assert {one["rule"] for one in told["findings"]} == {found}


def test_a_live_tap_is_judged_until_it_ends(start_chain: Start, tmp_path: Path) -> None:
    path = tmp_path / "traffic"
    chain = start_chain(PROFILE.format("default"), "--record", str(path))
    words = ["judge", "--follow", str(path)]
    command = [sys.executable, "-m", "starwire.harness.cli", *words]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with chain.customer() as client:
        for _ in range(3):
            client.send(GRTL)
    assert chain.emulator.stop() == 0
    told, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0, told
    assert told.startswith("judged ")
    assert ", 0 broken, " in told
