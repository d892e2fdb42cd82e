"""The page in a real browser: the matrix, its filters, its keys.

The fixture `show` fails a test in which a script fails or anything but the file is asked for.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from support_pages import OURS, THEIRS, press, rows

# The matrix.


def test_the_matrix_has_every_case_under_its_rule(show: Any) -> None:
    page = show([OURS, THEIRS])
    assert rows(page) == [
        "serial@rm",
        "header.length.short@rm",
        "header.length.short@rs",
        "echo@dispatcher",
        "session.unknown@rm",
        "only.theirs@web",
    ]
    table = page.get_by_role("table")
    heads = table.get_by_role("columnheader").all_text_contents()
    assert heads == ["Case", "starwire 0.1.0", "rewrite 2.1"]
    cells = page.locator("tr.case").nth(1).get_by_role("cell").all_inner_texts()
    assert cells == ["✓ passed", "✕ failed"]
    assert page.locator("tr.case").nth(5).get_by_role("cell").all_inner_texts() == [
        "· not run",
        "✓ passed",
    ]


def test_the_totals_of_a_rule_count_every_case_that_proves_it(show: Any) -> None:
    page = show([OURS, THEIRS])
    total = page.locator("tr.rule", has_text="HDR-04")
    assert total.get_by_role("cell").all_inner_texts() == ["3/3", "1/2 1 ✕"]
    press(page, "r")
    assert page.url.endswith("#/rules")
    expect(page.get_by_role("columnheader").first).to_have_text("6 rules")
    told = page.locator("table.rules tbody tr", has_text="HDR-04")
    assert told.get_by_role("cell").all_inner_texts() == ["3/3", "1/2 1 ✕"]
    told.get_by_text("Lengths and broken frames").click()
    expect(told.get_by_text("so is one above the maximum", exact=False)).to_be_visible()
    told.get_by_role("link", name="3 cases").click()
    expect(page.locator("#shown")).to_have_text("3 of 6 cases")
    assert len(rows(page)) == 3


def test_the_cards_say_how_each_run_ended(show: Any) -> None:
    page = show([OURS, THEIRS])
    ours, theirs = page.get_by_role("article").all()
    expect(ours.get_by_role("heading")).to_have_text("starwire 0.1.0")
    expect(ours.locator(".verdict")).to_have_text("failed 1 failed of 5 cases, of STS-01")
    assert ours.get_by_role("listitem").all_text_contents() == [
        "2 passed",
        "1 failed",
        "1 non-strict",
        "1 blocked",
    ]
    expect(theirs.locator(".cut")).to_have_text("Not complete: the target died")


# Filters.


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("#/?outcome=failed", ["header.length.short@rm", "session.unknown@rm"]),
        ("#/?outcome=blocked,missing", ["serial@rm", "echo@dispatcher", "only.theirs@web"]),
        ("#/?rule=HDR-04", ["header.length.short@rm", "header.length.short@rs", "echo@dispatcher"]),
        ("#/?rule=no+rule", ["only.theirs@web"]),
        ("#/?place=rs", ["header.length.short@rs"]),
        ("#/?level=should", ["header.length.short@rs"]),
        ("#/?q=UNKNOWN+sts", ["session.unknown@rm"]),
        ("#/?q=echo@rm+failed", ["serial@rm"]),
        ("#/?outcome=failed&place=rm&q=header", ["header.length.short@rm"]),
        ("#/?q=nothing+like+that", []),
    ],
)
def test_filters_stand_in_the_address(show: Any, address: str, seen: list[str]) -> None:
    page = show([OURS, THEIRS], address)
    assert rows(page) == seen
    expect(page.locator("#shown")).to_have_text(f"{len(seen)} of 6 cases")
    assert page.locator(".none").is_visible() is (not seen)


def test_filters_are_set_by_their_controls(show: Any) -> None:
    page = show([OURS, THEIRS])
    page.get_by_role("button", name="failed", exact=False).first.click()
    assert page.url.endswith("#/?outcome=failed")
    chip = page.locator("[data-outcome=failed]")
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(chip.locator("small")).to_have_text("2")
    # The others say what choosing them would add.
    expect(page.locator("[data-outcome=blocked] small")).to_have_text("1")
    page.locator("[data-outcome=blocked]").click()
    assert len(rows(page)) == 3
    page.get_by_label("All places").select_option("rm")
    page.get_by_label("Search").fill("session")
    assert rows(page) == ["session.unknown@rm"]
    page.get_by_role("button", name="Clear").click()
    assert len(rows(page)) == 6
    expect(page.get_by_label("Search")).to_have_value("")
    expect(chip).to_have_attribute("aria-pressed", "false")
    page.get_by_label("All rules").select_option("STS-01")
    page.get_by_label("All levels").select_option("should")
    assert rows(page) == []


def test_only_where_they_differ(show: Any) -> None:
    page = show([OURS, THEIRS])
    page.get_by_role("button", name="Only where they differ").click()
    assert "header.length.short@rs" not in rows(page)
    assert "session.unknown@rm" not in rows(page)
    assert len(rows(page)) == 4
    alone = show([OURS])
    assert alone.get_by_role("button", name="Only where they differ").count() == 0


def test_groups_without_a_case_are_gone(show: Any) -> None:
    page = show([OURS, THEIRS], "#/?place=web")
    assert page.locator("tr.rule:visible").count() == 1


# Keys.


def test_the_keys_of_the_matrix(show: Any) -> None:
    page = show([OURS, THEIRS])
    here = page.locator("tr.here th code")
    press(page, "j")
    expect(here).to_have_text("serial@rm")
    press(page, "j", "ArrowDown")
    expect(here).to_have_text("header.length.short@rs")
    press(page, "k", "ArrowUp", "k", "k")
    expect(here).to_have_text("serial@rm")
    assert page.evaluate("document.activeElement.closest('tr').className") == "case here"
    for _ in range(9):
        press(page, "j")
    expect(here).to_have_text("only.theirs@web")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator(".known code")).to_have_text("only.theirs@web")
    press(page, "Escape")
    expect(here).to_have_text("only.theirs@web")


def test_searching_by_keys(show: Any) -> None:
    page = show([OURS, THEIRS])
    press(page, "/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("jkf?")
    expect(page.get_by_label("Search")).to_have_value("jkf?")
    assert rows(page) == []
    press(page, "Escape")
    expect(page.get_by_label("Search")).to_have_value("")
    press(page, "/")
    page.keyboard.type("session")
    press(page, "Enter")
    expect(page.locator("tr.here th code")).to_have_text("session.unknown@rm")
    press(page, "Enter")
    expect(page.locator(".known code")).to_have_text("session.unknown@rm")
    press(page, "/")
    expect(page.get_by_label("Search")).to_be_focused()
    assert rows(page) == ["session.unknown@rm"]


def test_filters_by_keys(show: Any) -> None:
    page = show([OURS, THEIRS], viewport={"width": 390, "height": 800})
    assert not page.locator("#panel").is_visible()
    press(page, "f")
    expect(page.locator("#panel button").first).to_be_focused()
    press(page, "Tab", "Space")
    expect(page.locator("[data-outcome=failed]")).to_have_attribute("aria-pressed", "true")
    press(page, "Escape")
    assert len(rows(page)) == 6


def test_the_list_of_keys(show: Any) -> None:
    page = show([OURS])
    press(page, "?")
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "j")
    assert page.locator("tr.here").count() == 0
    press(page, "Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).not_to_be_visible()


def test_keys_with_others_held_are_the_browser_s(show: Any) -> None:
    page = show([OURS])
    press(page, "Control+j", "Alt+j", "Meta+j")
    assert page.locator("tr.here").count() == 0
