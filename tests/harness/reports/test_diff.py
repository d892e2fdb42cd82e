"""What changed between two runs: which list each pair of outcomes stands in, and what is worse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from support_reports import CLAUSES, failed, report, result

from starwire.harness.conformance.result import Divergence, Outcome
from starwire.harness.reports.diff import Changes, change_lines, compare, encode_changes

NAMES = {outcome.name: outcome for outcome in Outcome}
KINDS = [name for name in Changes.__struct_fields__ if name != "no_longer_complete"]

TABLE = {
    "new_failures": "PASSED>FAILED PASSED>FLAKY NON_STRICT>FAILED BLOCKED>FAILED"
    " NOT_APPLICABLE>FAILED KNOWN_FAILURE>FAILED STALE>FAILED INFORMATIONAL>FLAKY",
    "weaker": "PASSED>NON_STRICT PASSED>INFORMATIONAL",
    "newly_blocked": "PASSED>BLOCKED FAILED>BLOCKED PASSED>SET_UP_FAILED PASSED>HARNESS_ERROR"
    " NON_STRICT>NOT_APPLICABLE KNOWN_FAILURE>BLOCKED STALE>BLOCKED",
    "fixed": "FAILED>PASSED FLAKY>PASSED KNOWN_FAILURE>PASSED KNOWN_FAILURE>STALE"
    " FAILED>NON_STRICT",
    "otherwise": "BLOCKED>PASSED NON_STRICT>PASSED FAILED>KNOWN_FAILURE FAILED>FLAKY"
    " BLOCKED>SET_UP_FAILED PASSED>STALE PASSED>KNOWN_FAILURE HARNESS_ERROR>INFORMATIONAL",
    "": " ".join(f"{name}>{name}" for name in NAMES),
}
ROWS = [(kind, *pair.split(">")) for kind, pairs in TABLE.items() for pair in pairs.split()]


def kinds(changes: Changes) -> dict[str, list[str]]:
    told = {kind: [one.case for one in getattr(changes, kind)] for kind in KINDS[:-1]}
    return {kind: cases for kind, cases in told.items() if cases}


@pytest.mark.parametrize(("kind", "before", "after"), ROWS)
def test_where_a_change_of_outcome_stands(kind: str, before: str, after: str) -> None:
    old = report(result("a@rm", outcome=NAMES[before]))
    new = report(result("a@rm", outcome=NAMES[after]))
    changes = compare(old, new)
    assert kinds(changes) == ({kind: ["a@rm"]} if kind else {})
    assert changes.status == int(kind in ("new_failures", "weaker", "newly_blocked"))
    if kind:
        [change] = getattr(changes, kind)
        assert (change.before, change.after) == (NAMES[before], NAMES[after])


def test_every_outcome_was_looked_at_from_both_sides() -> None:
    assert {row[1] for row in ROWS} == {row[2] for row in ROWS} == set(NAMES)


@pytest.mark.parametrize(
    ("changed", "is_change"),
    [
        ({"reason": "closed"}, True),
        ({"got": "status 17"}, True),
        ({"expected": "status 106"}, True),
        ({"divergence": Divergence(event=2, offset=46, field="type")}, True),
        ({"divergence": Divergence(event=3, offset=49, field="status")}, False),
        ({"sentence": "Said otherwise.", "seconds": 9.0, "rerun": "x"}, False),
        ({"outcome": Outcome.KNOWN_FAILURE, "got": "nothing"}, True),
    ],
)
def test_the_way_it_fails(changed: dict[str, Any], is_change: bool) -> None:
    changes = compare(report(failed()), report(failed(**changed)))
    assert kinds(changes) == ({"changed_reason": ["session.unknown@rm"]} if is_change else {})
    assert not changes.is_worse


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("key 0123456789abcdef", "key 89ABCDEF01234567", True),
        ("after 0.123 s", "after 12.5 s", True),
        ("serial 4711471147", "serial 4712471247", True),
        ("status 105", "status 106", False),
        ("code 6612", "code 6613", False),
        ("deadbeef!", "ok!", False),
    ],
)
def test_keys_and_times_are_no_other_way(one: str, other: str, same: bool) -> None:
    changes = compare(report(failed(got=one)), report(failed(got=other)))
    assert (kinds(changes) == {}) is same


def test_cases_that_came_and_went() -> None:
    old = report(result("a@rm"), failed("b@rm"))
    new = report(result("a@rm"), failed("c@rm"), result("a@rm", seat="dispatcher"))
    changes = compare(old, new)
    assert kinds(changes) == {"added": ["c@rm", "a@rm"], "removed": ["b@rm"]}
    assert [change.seat for change in changes.added] == ["proxy", "dispatcher"]
    assert not changes.is_worse


def test_rules_whose_text_changed() -> None:
    old = report(result(), failed())
    changed = replace(CLAUSES["STS-01"], hash="new")
    new = report(result(), failed(), clauses={**old.clauses, "STS-01": changed})
    changes = compare(old, new)
    assert [(rule.id, rule.after) for rule in changes.rules_changed] == [("STS-01", "new")]
    assert not changes.is_worse
    assert compare(report(result()), new).rules_changed == ()


def test_a_run_that_is_no_longer_complete_is_worse() -> None:
    whole, cut = report(result()), report(result(), complete=False, stopped="it died")
    assert compare(whole, cut).status == 1
    assert list(change_lines(compare(whole, cut))) == [
        "the new run is not complete: it died",
        "WORSE than before",
    ]
    assert compare(cut, cut).status == 0
    assert compare(cut, whole).status == 0


def test_two_runs_that_are_alike() -> None:
    changes = compare(report(result(), failed()), report(result(), failed()))
    assert changes == Changes()
    assert list(change_lines(changes)) == ["NOTHING CHANGED"]


def test_the_lines() -> None:
    old = report(result("a@rm"), failed("b@rm"), failed("c@rm"), failed("d@rm", reason=""))
    new = report(
        failed("a@rm"),
        result("b@rm"),
        failed("c@rm", reason="closed"),
        failed("d@rm", reason="", got="\x1b[2Jnothing"),
        failed("e@rm"),
        clauses={},
    )
    assert list(change_lines(compare(old, new))) == [
        "new failures: 1",
        "  a@rm as proxy: passed -> failed",
        "    now: status 0 came, and 105 is due",
        "",
        "the way it fails changed: 2",
        "  c@rm as proxy: failed -> failed",
        "    was: status 0 came, and 105 is due",
        "    now: closed",
        "  d@rm as proxy: failed -> failed",
        "    was: expected a bare header with status 105 (no session), "
        "got a bare header with status 0 (ok)",
        "    now: expected a bare header with status 105 (no session), got \\x1b[2Jnothing",
        "",
        "fixed: 1",
        "  b@rm as proxy: failed -> passed",
        "    was: status 0 came, and 105 is due",
        "",
        "cases added: 1",
        "  e@rm as proxy: failed",
        "    now: status 0 came, and 105 is due",
        "",
        "WORSE than before",
    ]


def test_long_lists_are_cut_and_nothing_acts_on_a_terminal() -> None:
    new = report(*(failed(f"\x1b[2J{n}@rm", reason="\x07\n") for n in range(25)))
    lines = list(change_lines(compare(report(), new)))
    assert "  ... and 5 cases more" in lines
    assert len(lines) == 1 + 20 * 2 + 1 + 1 + 1
    assert all(line.isprintable() for line in lines)
    assert lines[-1] == "NO WORSE than before"


def test_json_has_every_list() -> None:
    told = json.loads(
        encode_changes(compare(report(result()), report(result(outcome=Outcome.FAILED))))
    )
    assert list(told) == ["worse", *KINDS, "no_longer_complete"]
    assert told["worse"] is True
    assert told["new_failures"] == [
        {
            "case": "header.length.short@rm",
            "seat": "proxy",
            "before": "passed",
            "after": "failed",
            "told_before": "",
            "told_after": "",
        }
    ]
