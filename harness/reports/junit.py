"""Reports as JUnit XML, for whatever shows test results.

A suite for each place, a test for each case, its class the rule that it stands under. What the
schemas of JUnit allow differs from tool to tool; this keeps to the strictest, that of Jenkins.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from starwire.harness.conformance.result import Outcome, Report, Result
from starwire.harness.display import shown

from .summary import rule_of, verdict
from .words import fact_lines, one_line, transcript_lines

_KINDS = {
    Outcome.FAILED: "failure",
    Outcome.FLAKY: "failure",
    # The run fails by it, and a test that is passed would hide that.
    Outcome.STALE: "failure",
    Outcome.HARNESS_ERROR: "error",
    Outcome.SET_UP_FAILED: "error",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.BLOCKED: "skipped",
    Outcome.KNOWN_FAILURE: "skipped",
}
"""The element within the test; none for what is good."""
_STALE = "passes, and the baseline says that it fails"


def junit_xml(report: Report) -> bytes:
    """The XML, UTF-8, with a line end."""
    root = Element("testsuites")
    for place in dict.fromkeys(result.place for result in report.results):
        chosen = [result for result in report.results if result.place == place]
        root.append(_suite(_text(place), (_test(result) for result in chosen), report))
    root.append(_suite("the run", [_test_of_run(report)], report))
    root.set("name", _text(f"starwire check {report.target}"))
    root.set("time", f"{max(report.seconds, 0):.3f}")
    for total in ("tests", "failures", "errors"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ElementTree.indent(root, " ")
    octets: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return octets + b"\n"


def _suite(name: str, tests: Iterator[Element] | list[Element], report: Report) -> Element:
    suite = Element("testsuite", name=name)
    properties = SubElement(suite, "properties")
    suite.extend(tests)
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for total, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(total, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    suite.set("timestamp", _text(report.started.removesuffix("Z")))
    rules = sorted({case.get("classname", "") for case in cases if name != "the run"})
    facts = (
        ("implementation", report.implementation),
        ("target", report.target),
        ("seats", " ".join(report.seats)),
        ("profile", report.profile),
        ("starwire", report.version),
        ("rules", " ".join(rules)),
    )
    for key, value in facts:
        SubElement(properties, "property", name=key, value=_text(value))
    return suite


def _test(result: Result) -> Element:
    test = Element(
        "testcase",
        name=_text(result.case),
        classname=_text(rule_of(result)),
        time=f"{max(result.seconds, 0):.3f}",
    )
    kind = _KINDS.get(result.outcome)
    if kind:
        reason = _STALE if result.outcome is Outcome.STALE else result.reason
        message = f"{result.outcome}: {reason}" if reason else str(result.outcome)
        inner = SubElement(test, kind, type=str(result.outcome), message=_text(message))
        if kind != "skipped":
            inner.text = _text("\n".join(_told(result)), keep="\n")
    SubElement(test, "system-out").text = _text("\n".join(_known(result)), keep="\n")
    return test


def _told(result: Result) -> Iterator[str]:
    """What failed, as a person reads it."""
    yield one_line(result.sentence)
    for name, text in fact_lines(result):
        yield f"{name:<10}{text}"
    yield ""
    yield from transcript_lines(result)


def _known(result: Result) -> Iterator[str]:
    """What the attributes of a test have no room for; of what is not shown as failed, why."""
    yield f"rules     {one_line(' '.join(result.rules))}"
    yield f"level     {result.level}"
    yield f"seat      {one_line(result.seat)}"
    if _KINDS.get(result.outcome) in (None, "skipped"):
        yield f"outcome   {result.outcome}"
        for name, text in fact_lines(result):
            yield f"{name:<10}{text}"


def _test_of_run(report: Report) -> Element:
    """What is wrong with the run as a whole would be seen nowhere else."""
    test = Element("testcase", name="the run is whole", classname="starwire", time="0.000")
    found = verdict(report)
    if not report.complete or found.word == "nothing ran":
        SubElement(test, "error", type=found.word, message=_text(found.line))
    return test


def _text(text: str, keep: str = "") -> str:
    """Text that a terminal can show, which is text that XML can hold; line ends only where they
    are kept.
    """
    return keep.join(map(shown, text.split("\n") if keep else [text]))
