"""JUnit XML: what each outcome becomes, and the rules of the strictest schema in use.

The rules are those of junit-10.xsd, which Jenkins' xunit plugin holds files to: no element and no
attribute but these, these of them required, times as digits.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from support_reports import failed, hostile_report, outcomes, report, result

from starwire.harness.conformance.result import Outcome, Report
from starwire.harness.reports.junit import junit_xml

CHILDREN: dict[str, frozenset[str] | set[str]] = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
    **dict.fromkeys(("skipped", "error", "failure", "system-out", "system-err"), frozenset()),
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "property": {"name", "value"},
    "testcase": {"name"},
}
ALLOWED: dict[str, frozenset[str] | set[str]] = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": REQUIRED["testsuite"] | {"time", "skipped", "timestamp"},
    "property": REQUIRED["property"],
    "testcase": {"name", "time", "classname"},
    **dict.fromkeys(("skipped", "error", "failure"), frozenset({"type", "message"})),
}
TEXT = {"skipped", "error", "failure", "system-out", "system-err"}
TIME = re.compile(r"[0-9]+\.[0-9]{3}")


def check(element: Element) -> None:
    """The rules, for an element and all within it."""
    given = set(element.keys())
    assert REQUIRED.get(element.tag, set()) <= given <= ALLOWED.get(element.tag, set())
    if "time" in given:
        assert TIME.fullmatch(element.get("time", ""))
    for total in given & {"tests", "failures", "errors", "skipped"}:
        assert element.get(total, "").isdecimal()
    if element.tag not in TEXT:
        assert not (element.text or "").strip()
    assert not (element.tail or "").strip()
    for inner in element:
        assert inner.tag in CHILDREN[element.tag]
        check(inner)
    if element.tag == "testsuite":
        counted = {
            "tests": len(element.findall("testcase")),
            "failures": len(element.findall("testcase/failure")),
            "errors": len(element.findall("testcase/error")),
            "skipped": len(element.findall("testcase/skipped")),
        }
        assert {name: int(element.get(name, "")) for name in counted} == counted
    if element.tag == "testcase":
        assert sum(inner.tag in ("skipped", "error", "failure") for inner in element) <= 1


def read(whole: Report) -> Element:
    octets = junit_xml(whole)
    assert octets.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
    root = ElementTree.fromstring(octets)
    assert root.tag == "testsuites"
    check(root)
    return root


def case_named(root: Element, name: str) -> Element:
    [found] = [one for one in root.iter("testcase") if one.get("name") == name]
    return found


def test_a_suite_for_each_place_and_one_for_the_run() -> None:
    root = read(report(result("a@rm"), failed("b@web"), result("c@rm", seconds=0.25)))
    suites = [(s.get("name"), s.get("tests"), s.get("failures"), s.get("time")) for s in root]
    assert suites == [
        ("rm", "2", "0", "0.254"),
        ("web", "1", "1", "0.004"),
        ("the run", "1", "0", "0.000"),
    ]
    assert root.get("name") == "starwire check proxy://127.0.0.1:8412"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "0")
    assert root.get("time") == "1.500"
    assert root[0].get("timestamp") == "2026-11-21T01:02:03"


def test_properties_name_the_target_and_the_rules() -> None:
    root = read(report(result("a@rm"), failed("b@rm")))
    assert [(p.get("name"), p.get("value")) for p in root[0].iter("property")] == [
        ("implementation", "starwire 0.1.0"),
        ("target", "proxy://127.0.0.1:8412"),
        ("seats", "proxy"),
        ("profile", "default"),
        ("starwire", "0.1.0"),
        ("rules", "HDR-04 STS-01"),
    ]


def test_a_failure_says_what_came_instead() -> None:
    case = case_named(read(report(failed())), "session.unknown@rm")
    assert case.get("classname") == "STS-01"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "failed"
    assert failure.get("message") == "failed: status 0 came, and 105 is due"
    lines = (failure.text or "").splitlines()
    assert lines[:7] == [
        "A session key that nobody gave out is answered with status 105.",
        "reason    status 0 came, and 105 is due",
        "expected  a bare header with status 105 (no session)",
        "got       a bare header with status 0 (ok)",
        "differs   event 3, octet 48, status: expected 105, got 0",
        "rerun     starwire check proxy://127.0.0.1:8412 --case session.unknown@rm",
        "",
    ]
    assert lines[7] == "  1   0.000400 + rm/1 connected: 127.0.0.1:8412"
    assert lines[-2].endswith("^^ the first that differs")
    assert case.findtext("system-out") == "rules     STS-01 HDR-06\nlevel     must\nseat      proxy"


@pytest.mark.parametrize(
    ("outcome", "kind", "message"),
    [
        (Outcome.PASSED, None, None),
        (Outcome.FAILED, "failure", "failed: why"),
        (Outcome.NON_STRICT, None, None),
        (Outcome.INFORMATIONAL, None, None),
        (Outcome.NOT_APPLICABLE, "skipped", "not applicable: why"),
        (Outcome.BLOCKED, "skipped", "blocked: why"),
        (Outcome.SET_UP_FAILED, "error", "set-up failed: why"),
        (Outcome.HARNESS_ERROR, "error", "harness error: why"),
        (Outcome.FLAKY, "failure", "flaky: why"),
        (Outcome.KNOWN_FAILURE, "skipped", "known failure: why"),
        (Outcome.STALE, "failure", "stale: passes, and the baseline says that it fails"),
    ],
)
def test_what_each_outcome_becomes(outcome: Outcome, kind: str | None, message: str | None) -> None:
    case = case_named(read(report(*outcomes((outcome, "why")))), "case.n0@rm")
    kinds = [inner.tag for inner in case if inner.tag != "system-out"]
    assert kinds == ([] if kind is None else [kind])
    if kind is not None:
        assert case[0].get("message") == message
        assert case[0].get("type") == outcome
    if kind in (None, "skipped"):
        assert f"outcome   {outcome}\nreason    why\n" in (case.findtext("system-out") or "")


def test_every_outcome_was_looked_at() -> None:
    marks = test_what_each_outcome_becomes.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(Outcome)


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        (report(), "NOTHING RAN: no case judged the implementation"),
        (
            report(failed(), complete=False, stopped="the target died"),
            "FAILED: 1 failed of 1 case, of STS-01; not complete: the target died",
        ),
    ],
)
def test_a_run_that_is_not_whole_is_an_error(whole: Report, message: str) -> None:
    error = case_named(read(whole), "the run is whole").find("error")
    assert error is not None
    assert error.get("message") == message


def test_a_whole_run_is_none() -> None:
    assert list(case_named(read(report(failed())), "the run is whole")) == []


HOSTILE = "".join(map(chr, range(256))) + "\ud800\udfff\ufffe\uffff\U0010ffff]]><!--&amp;</failure>"


def test_no_character_breaks_it() -> None:
    others = outcomes(*((each, HOSTILE) for each in Outcome))
    root = read(hostile_report(HOSTILE, result("a@rm"), *others))
    whole = "".join(root.itertext()) + "".join(v for e in root.iter() for _, v in e.items())
    assert "<!--&amp;</failure>" in whole
    assert "\\x1b" in whole
    assert [letter for letter in whole if not letter.isprintable() and letter != "\n"] == []
