"""The control API keeps its own description: Schemathesis asks all that it says may be asked.

Data that the description allows and data that it forbids, on every route, all checks on. Faults are
asked apart from the rest, since those that are switched on would strike it.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from starwire.harness.emulator import EmulatorProcess

CONFIGURATION = """
# What has the described form and contradicts itself is refused with 422, an id that is not there
# with 404.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "422"]
[checks.negative_data_rejection]
expected-statuses = ["400", "404", "405", "413", "415", "422"]
"""
CHEAP = "[logon.cost]\nn = 16\n"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("schema")
    (folder / "config.toml").write_text(CHEAP)
    options = ["--quiet", "--config", f"{folder / 'config.toml'}"]
    with EmulatorProcess(folder / "state", *options) as emulator:
        yield emulator
        connection = http.client.HTTPConnection(emulator.places["control"], timeout=10)
        connection.request("DELETE", "/faults")
        assert connection.getresponse().status == 204
        connection.close()
    assert emulator.log == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "only",
    [["--exclude-path-regex", "^/faults"], ["--include-path-regex", "^/faults"]],
    ids=["without faults", "faults"],
)
def test_the_description_is_kept(
    emulator: EmulatorProcess, only: list[str], tmp_path: Path
) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    command = [str(Path(sys.executable).parent / "schemathesis")]
    command += ["--config-file", "schemathesis.toml", "--no-color"]
    command += ["run", f"http://{emulator.places['control']}/openapi.json", *only]
    command += ["--checks", "all", "--mode", "all", "--max-examples", "10", "--seed", "1"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, "COLUMNS": "100"},
    )
    said = "\n".join(line[:300] for line in done.stdout.splitlines())
    assert done.returncode == 0, said
    [(generated, passed)] = re.findall(r"(\d+) generated, (\d+) passed", said)
    assert generated == passed
    assert int(generated) > 200
