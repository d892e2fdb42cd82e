"""Sets of cases that are frozen: `check --freeze` and `check --frozen`."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from starwire.harness.conformance.case import all_cases
from starwire.harness.conformance.checking import begin
from starwire.harness.conformance.frozen import FrozenError, freeze, read_frozen, write_frozen
from starwire.harness.conformance.wiring import Asked, CannotCheck
from starwire.protocol.profile import shipped


def starwire(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "starwire.harness.cli", *words],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_set_is_run_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    done = starwire("check", "memory:", "--case", "header.echo.*@rm", "--freeze", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    cases = json.loads(path.read_bytes())["cases"]
    assert {"sanity.probe@rm", "header.echo.values@rm"} < set(cases)
    assert done.stderr == f"{len(cases)} cases frozen in {path}\n"
    report = starwire("check", "memory:", "--frozen", str(path), "--json")
    ran = {one["case"]: one for one in json.loads(report.stdout)["results"]}
    assert set(ran) - {"sanity.last@rm"} == set(cases)
    assert {tuple(one["flags"]) for one in ran.values()} == {()}
    assert "--frozen" not in ran["header.echo.values@rm"]["rerun"]


def test_a_rule_that_was_changed_since_is_flagged(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    case = next(one for one in all_cases() if one.id == "header.echo.values@rm")
    frozen = freeze([case])
    assert case.rules == tuple(frozen.rules)
    changed = msgspec.structs.replace(frozen, rules={**frozen.rules, "HDR-05": "another"})
    write_frozen(path, changed)
    report = starwire("check", "memory:", "--frozen", str(path), "--json")
    flags = {one["case"]: one["flags"] for one in json.loads(report.stdout)["results"]}
    assert flags[case.id] == ["rule changed since the cases were frozen: HDR-05"]
    assert flags["sanity.connect@rm"] == []


def test_a_case_that_is_gone_is_named() -> None:
    frozen = msgspec.structs.replace(freeze([]), cases=("header.gone@rm", "sanity.probe@rm"))
    with pytest.raises(CannotCheck, match=r"--frozen: this version has no case header\.gone@rm$"):
        begin(Asked(target="memory:", profile=shipped("default"), frozen=frozen))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no frozen set: Input data was truncated"),
        ('{"format": 1}', "is no frozen set: Object missing required field `version`"),
        (
            '{"format": 2, "version": "9", "rules": {}, "cases": []}',
            "has format 2; this version reads 1",
        ),
    ],
)
def test_a_file_that_is_none(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(FrozenError) as refused:
        read_frozen(path)
    assert str(refused.value) == f"{path} {reason}"


def test_a_file_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(FrozenError, match=r"none\.json: no such file or directory$"):
        read_frozen(tmp_path / "none.json")
    with pytest.raises(FrozenError, match=r"set\.json: no such file or directory$"):
        write_frozen(tmp_path / "none" / "set.json", freeze([]))
