"""pytest --starwire: the cases as items; and the fixtures that start emulators."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """pytest in a project of its own, where every warning is an error."""
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *words], cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_the_cases_are_items_beside_the_project_s_own(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    done = run(tmp_path, "--starwire", "memory:", "--starwire-case", "header.echo")
    assert done.returncode == 0, done.stdout
    # Six cases at four proxies, what they come after, and the project's own.
    found = re.search(r"^(\d+) passed", done.stdout, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > 6 * 4 + 1


def test_a_case_that_fails_shows_its_rule_and_the_command(tmp_path: Path) -> None:
    facts = tmp_path / "wrong.toml"
    facts.write_text('[requests]\nGRTL = "QQQ<>"\n')
    words = ("--starwire", "memory:", "--starwire-case", "status.success@rm")
    done = run(tmp_path, *words, "--starwire-facts", str(facts))
    assert done.returncode == 1
    assert "sanity.probe@rm: failed" in done.stdout
    assert "HDR-01: The fields and their order" in done.stdout
    assert "--case sanity.probe@rm" in done.stdout
    assert "51 51 51 3c" in done.stdout  # QQQ< of the transcript


def test_what_cannot_begin_is_told_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--starwire", "nowhere")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "'nowhere' is no target" in done.stderr


def test_the_fixtures_start_servers_within_a_moment(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(OWN)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


OWN = """
import time
import pytest

GRTL = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"

@pytest.fixture(scope="module")
def seconds():
    return []

@pytest.fixture
def begun(seconds):
    seconds.append(-time.perf_counter())

def test_client(starwire_client):
    assert starwire_client.send(GRTL).status == 0

@pytest.mark.parametrize("again", range(10))
def test_chain(begun, starwire_chain, seconds, again):
    seconds[-1] += time.perf_counter()
    assert starwire_chain.target("web").startswith("https://127.0.0.1:")
    assert starwire_chain.target("rm-native").startswith("native://")

def test_proxy(starwire_proxy):
    assert set(starwire_proxy.places) == {"jar", "staroe", "rm", "rs", "inbox"}

def test_each_takes_less_than_100_ms(seconds):
    assert min(seconds) < 0.1  # whatever else the machine does
"""
