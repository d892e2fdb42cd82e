"""Every rule has a case that proves it, or a stated reason for none; and every case has a rule."""

from __future__ import annotations

import subprocess
import sys

import pytest

from starwire.harness.conformance.case import all_cases
from starwire.harness.conformance.clauses import changed, clauses, reviewed, unproved
from starwire.harness.conformance.traceability import by_rule


def test_a_rule_has_cases_or_a_reason_and_not_both() -> None:
    without = {rule for rule, cases in by_rule().items() if not cases}
    assert without == set(unproved())


def test_every_case_names_rules_that_there_are() -> None:
    wrong = {case.id: case.rules for case in all_cases() if not set(case.rules) <= set(clauses())}
    assert wrong == {}
    assert [case.id for case in all_cases() if not case.rules] == []


def test_what_a_case_comes_after_is_a_case() -> None:
    """At its own place, or at others only: then it is no condition there."""
    names = {case.name for case in all_cases()}
    after = {(case.id, one) for case in all_cases() for one in case.after}
    assert [pair for pair in sorted(after) if pair[1] not in names] == []


@pytest.mark.parametrize("rule", clauses())
def test_the_cases_of_a_rule_were_held_against_its_text(rule: str) -> None:
    """If this fails, read the rule and its cases, then `./dev docs --reviewed RULE`."""
    assert reviewed().get(rule) == clauses()[rule].hash


def test_a_rule_that_was_changed_flags_its_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(reviewed())
    monkeypatch.setitem(reviewed(), "HDR-05", "another")
    assert changed(("HDR-05", "HDR-06")) == ("rule changed since this case was reviewed: HDR-05",)
    monkeypatch.setitem(reviewed(), "HDR-05", before["HDR-05"])
    assert changed(("HDR-05",)) == ()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "starwire.harness.cli", "rules", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command_shows_a_rule_with_its_cases() -> None:
    done = run("HDR-05")
    assert done.returncode == 0
    assert done.stdout.startswith("HDR-05: Echo\n")
    assert "header.echo.octets@rm  must  An echo comes back octet for octet" in done.stdout


def test_no_such_rule_is_told_in_one_line() -> None:
    done = run("HDR-99")
    assert done.returncode == 2
    assert done.stderr == "starwire: HDR-99: no such rule; `starwire rules` lists them\n"
