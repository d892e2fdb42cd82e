"""The page as text: whole, self-contained, its data no markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import Any

import pytest
from support_reports import (
    ASKED,
    BREAKOUT,
    CLAUSES,
    failed,
    hostile_report,
    outcomes,
    report,
    result,
)

from starwire.harness.conformance.result import Clause, Outcome
from starwire.harness.reports.html import html_page

PARTS = files("starwire.harness.reports") / "page"
SCRIPTS = [one for one in PARTS.iterdir() if one.name.endswith(".js")]


def data(page: str, name: str) -> Any:
    pattern = rf'<script type="application/json" id="{name}-data">(.*?)</script>'
    [text] = re.findall(pattern, page, re.DOTALL)
    return json.loads(text)


def test_the_data_are_those_of_the_report() -> None:
    page = html_page([report(result("a@rm"), failed("b@rs"))])
    matrix, details = data(page, "matrix"), data(page, "details")
    assert [row["id"] for row in matrix["cases"]] == ["a@rm", "b@rs"]
    [[outcome, reason, number]] = matrix["cases"][1]["results"]
    assert (matrix["outcomes"][outcome], reason) == ("failed", "status 0 came, and 105 is due")
    found = details["results"][number]
    assert found["divergence"]["offset"] == 48
    at, line, place, what, octets, length, text, marks, trees = found["events"][1]
    assert (at, line, place, matrix["whats"][what], text) == (0.0006, 1, "rs", "sent", "")
    assert length == 90
    assert base64.b64decode(details["octets"][octets]) == ASKED
    assert marks == [[0, "common", 49]]
    assert details["trees"][trees[0][1]].startswith("GRTL\n  PRODUCT = V\n")
    assert matrix["clauses"]["STS-01"]["title"] == "The values"


def test_octets_and_trees_stand_once() -> None:
    page = html_page([report(result("a@rm"), result("b@rm")), report(result("a@rm"))])
    assert len(data(page, "details")["octets"]) == 2
    assert len(data(page, "details")["trees"]) == 2


def test_a_column_for_each_report_and_a_row_for_each_case() -> None:
    page = html_page(
        [report(result("a@rm")), report(result("b@rm")), report(target="t", results=())]
    )
    matrix = data(page, "matrix")
    assert [column["name"] for column in matrix["columns"]] == [
        "starwire 0.1.0",
        "starwire 0.1.0 (2)",
        "starwire 0.1.0 (3)",
    ]
    assert [[bool(one) for one in row["results"]] for row in matrix["cases"]] == [
        [True, False, False],
        [False, True, False],
    ]


def test_a_rule_whose_text_differs_is_said_to() -> None:
    other = Clause(id="STS-01", title="x", text="y", hash="z")
    old = report(failed())
    new = report(failed(), clauses={**CLAUSES, "STS-01": other})
    clauses = data(html_page([old, new]), "matrix")["clauses"]
    assert clauses["STS-01"]["differs"] is True
    assert clauses["STS-01"]["title"] == "The values"
    assert clauses["HDR-06"]["differs"] is False


def test_the_policy_names_what_may_act_and_nothing_else_does() -> None:
    page = html_page([report(failed())])
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in html.unescape(policy).split(";"))
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)

    def digest(text: str) -> str:
        made = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        return f"'sha256-{made}'"

    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": digest(style),
        "script-src": digest(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_nothing_in_it_names_another_place() -> None:
    page = html_page([report(failed())])
    attributes = re.findall(r'\b(?:src|href|action|data|poster|srcset)="([^"]*)"', page)
    assert attributes
    assert [one for one in attributes if not one.startswith(("#", "data:image/svg+xml,"))] == []
    for part in (*SCRIPTS, PARTS / "style.css"):
        text = part.read_text("utf-8").replace('"http://www.w3.org/2000/svg"', "")
        assert re.findall(r"@import|url\(|\bfetch\(|XMLHttp|WebSocket|://", text) == [], part.name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.name)
def test_the_scripts_never_make_markup_of_text(script: Any) -> None:
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
        r"|srcdoc|DOMParser|createContextualFragment|setHTML"
    )
    assert re.findall(banned, script.read_text("utf-8")) == []


def test_nothing_of_the_data_is_markup() -> None:
    page = html_page([hostile_report(BREAKOUT)])
    assert len(re.findall(r"<script", page)) == 3
    assert len(re.findall(r"</script", page)) == 3
    assert "<img" not in page
    assert "onerror=alert(2)&gt;" in page
    assert "\u2028" not in page.partition('id="matrix-data"')[2]
    [row] = data(page, "matrix")["cases"]
    assert row["sentence"] == BREAKOUT


def test_text_that_no_encoding_takes_is_written_out() -> None:
    page = html_page([report(result(reason="\udcff"), target="\udcff")])
    assert data(page, "matrix")["cases"][0]["results"][0][1] == "\\udcff"
    page.encode("utf-8")


def test_every_outcome_has_its_sign_and_its_colour() -> None:
    base, style = (PARTS / "base.js").read_text("utf-8"), (PARTS / "style.css").read_text("utf-8")
    for outcome in Outcome:
        assert f'"{outcome}": ' in base
        assert re.search(rf"\.o-{outcome.replace(' ', '-')}\b[^{{]*{{ --o:", style), outcome


def test_an_empty_report_has_a_page() -> None:
    page = html_page([report()])
    assert data(page, "matrix")["cases"] == []
    assert "NOTHING RAN" not in page
    assert "no case judged the implementation" in page


def test_the_size_of_three_thousand_cases() -> None:
    """A case of three implementations takes some 2 KB: the page can be mailed."""
    found = [(Outcome.PASSED, "")] * 3000
    page = html_page([report(*outcomes(*found), implementation=name) for name in "abc"])
    assert len(page) < 6_000_000
