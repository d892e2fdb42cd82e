"""The README keeps its word: what its examples print is what the commands print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")
CONSOLES = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Each command of the consoles that needs no server, and the output behind it."""
    found = []
    for console in CONSOLES:
        for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith(("starwire parse", "starwire codes")):
                found.append((command, output.rstrip("\n")))
    return found


def profile_of_the_readme() -> str:
    return CONSOLES_WITH_PROFILE[0].split("$ cat ours.toml\n")[1].split("$ ")[0]


CONSOLES_WITH_PROFILE = [console for console in CONSOLES if "$ cat ours.toml" in console]


@pytest.mark.parametrize(("command", "output"), examples())
def test_what_the_examples_print(command: str, output: str, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    (tmp_path / "wrong.toml").write_text(
        'extends = "default"\nname = "wrong"\n[common]\nserial = { width = 9 }\n'
    )
    words = [sys.executable, "-m", "starwire.harness.cli", *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.stdout + done.stderr).rstrip("\n") == output


def test_the_profile_of_the_example_is_one(tmp_path: Path) -> None:
    from starwire.protocol.profile import load_profile

    profile = load_profile(profile_of_the_readme())
    assert (profile.name, profile.common.session_key.width) == ("ours", 16)


def test_there_are_examples() -> None:
    assert len(examples()) >= 4


def test_every_file_that_is_linked_is_there() -> None:
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "docs/client.md",
        "docs/configuration.md",
        "docs/control.md",
    ):
        page = ROOT / name
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{name} links {target}"


def test_ci_installs_what_the_readme_lists() -> None:
    listed = re.findall(r"^    apt-get install (.*)$", TEXT, re.MULTILINE)
    assert len(listed) == 1
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    expression = re.search(r"packages=\$\((sed .*? README\.md) \|", script)
    assert expression is not None
    found = subprocess.check_output(shlex.split(expression[1]), cwd=ROOT, text=True)
    assert found.strip() == listed[0]
    assert os.access(ROOT / "dev", os.X_OK)
