"""docs/control.md keeps its word: its examples run, in their order, and give what they say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from starwire.harness.emulator import EmulatorProcess

PAGE = Path(__file__).parents[2] / "docs" / "control.md"
EXAMPLES = [
    part.partition("\n")
    for console in re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
]
OF_THE_RUN = {"transaction", "peer", "began", "seconds", "port", "url"}
"""What differs from run to run."""


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        kept = value.keys() - (OF_THE_RUN if "kind" not in value else set())
        return {key: comparable(value[key]) for key in kept}
    return [comparable(one) for one in value] if isinstance(value, list) else value


def test_the_examples_are_there() -> None:
    assert len(EXAMPLES) >= 12
    assert {command.split()[0] for command, _, _ in EXAMPLES} == {"curl", "starwire"}


def test_what_the_examples_print(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "state") as emulator:
        for command, _, output in EXAMPLES:
            line = command.replace("127.0.0.1:8400", emulator.places["control"])
            line = line.replace("127.0.0.1:8443", emulator.places["web"])
            line = re.sub("^starwire", f"{sys.executable} -m starwire.harness.cli", line)
            done = subprocess.run(
                line, shell=True, capture_output=True, text=True, timeout=30, check=False
            )
            said = (done.stdout + done.stderr).rstrip("\n")
            if output.startswith(("{", "[")):
                assert comparable(json.loads(said)) == comparable(json.loads(output)), command
            elif "/metrics" in command:
                assert "# TYPE starwire_transactions_total counter" in said
            else:
                assert said == output.rstrip("\n"), command
