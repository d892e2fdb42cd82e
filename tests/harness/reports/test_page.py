"""The page in a real browser: filters, keys, the page of a case, light and dark, hostile data.

The fixture `show` fails a test in which a script fails or anything but the file is asked for.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support_reports import (
    ASKED,
    CLAUSES,
    EXAMPLES,
    NO_SESSION,
    POSTED,
    event,
    exchange,
    failed,
    hostile_report,
    outcomes,
    report,
    result,
)

from starwire.harness.conformance.result import Clause, Divergence, Outcome, widths_of
from starwire.harness.reports.html import html_page
from starwire.protocol.profile import shipped

OURS = report(
    result("header.length.short@rm"),
    result("header.length.short@rs", level="should"),
    failed("session.unknown@rm"),
    result("echo@dispatcher", rules=("HDR-05", "HDR-04"), outcome=Outcome.NON_STRICT),
    result("serial@rm", rules=("DSP-05",), outcome=Outcome.BLOCKED, reason="echo@rm failed"),
)
THEIRS = report(
    failed("header.length.short@rm"),
    result("header.length.short@rs", level="should"),
    failed("session.unknown@rm", got="the connection was closed"),
    result("serial@rm", rules=("DSP-05",)),
    result("only.theirs@web", rules=()),
    implementation="rewrite 2.1",
    complete=False,
    stopped="the target died",
)


def rows(page: Page) -> list[str]:
    """The cases that are seen, in their order."""
    return page.locator("tr.case:visible th code").all_text_contents()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


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


# The page of a case.

CASE = "#/case/session.unknown%40rm/proxy/0"


def test_a_case_has_all_that_there_is_to_know(show: Any) -> None:
    page = show([OURS, THEIRS], CASE)
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "A session key that nobody gave out is answered with status 105."
    )
    text = page.locator("main").text_content()
    for told in (
        "level must",
        "status 0 came, and 105 is due",
        "a bare header with status 105 (no session)",
        "a bare header with status 0 (ok)",
        "event 3, octet 48 (0x30), status: expected 105, got 0",
        "starwire check proxy://127.0.0.1:8412 --case session.unknown@rm",
        "The common header has a status field",
        "HDR-06",
    ):
        assert told in text
    assert page.title() == "session.unknown@rm: failed"


def test_the_fields_of_a_header_are_marked_and_named(show: Any) -> None:
    page = show([OURS], CASE)
    sent = page.get_by_label("event 2", exact=True)
    legend = sent.get_by_role("list", name="common header").get_by_role("listitem")
    assert legend.all_text_contents() == [
        "common",
        "version 1",
        "length 90",
        "echo 0",
        "session_key 0123456789abcdef0123456789abcdef",
        "type 0 sync",
        "serial 4711",
        "status 0 ok",
    ]
    serial = sent.locator('.dump .band[title*="serial"]:not(.plain)')
    assert serial.all_text_contents() == ["00 00 00 00 00 00 12 67"]
    assert serial.get_attribute("title") == "common header: serial = 4711"
    expect(sent.locator(".tree")).to_have_text(re.compile(r"GRTL\s+PRODUCT = V"))
    dump = sent.locator(".dump").inner_text().splitlines()
    assert dump[0] == "0000  01 00 00 00 5a 00 30 31 32 33 34 35 36 37 38 39  ....Z.0123456789"
    assert dump[-1].rstrip() == (
        "0050  41 54 3d 50 2c 49 4f 3d 4f 3e                    AT=P,IO=O>"
    )
    serial.hover()
    assert sent.locator(".lit").all_text_contents() == [
        "serial 4711",
        "00 00 00 00 00 00 12 67",
        ".......g",
    ]
    page.mouse.move(0, 0)
    assert sent.locator(".lit").count() == 0


@pytest.mark.parametrize(
    ("name", "place", "octets", "lists"),
    [
        (
            "default",
            "web",
            POSTED,
            {
                "web": ["transaction 1 transaction", f"session_key {'0123456789abcdef' * 2}"],
                "dispatcher": [
                    *("version 1", "length 117", "target RM", "type 0 sync", "user_id empty"),
                    *("enterprise_id empty", "session_key empty", "status 0 ok"),
                ],
            },
        ),
        (
            "little",
            "rm",
            EXAMPLES["GRTL to a proxy, little"],
            {
                "common": [
                    *("version 1", "length 69", "echo 0", "session_key 0123456789abcdef"),
                    *("type 0 sync", "serial 4711", "status 0 ok"),
                ]
            },
        ),
        (
            "default",
            "inbox",
            EXAMPLES["data, default"],
            {
                "common": [
                    *("version 1", "length 79", "echo 0"),
                    *(f"session_key {'0123456789abcdef' * 2}", "type 3 bulk"),
                    *("serial 4716", "status 3 bulk"),
                ],
                "bulk": ["operation 1 data", "transfer 9", "offset 0", "total 5"],
            },
        ),
    ],
)
def test_every_layout(
    show: Any, name: str, place: str, octets: bytes, lists: dict[str, list[str]]
) -> None:
    case = result(f"a@{place}", events=(event("sent", octets, place=place),))
    page = show([report(case, widths=widths_of(shipped(name)))], f"#/case/a%40{place}/proxy/0")
    found = {
        found.get_attribute("aria-label").removesuffix(" header"): [
            item.text_content() for item in found.locator("li:not(.layer)").all()
        ]
        for found in page.locator(".legend").all()
    }
    assert found == lists


def test_the_first_divergence_is_marked(show: Any) -> None:
    page = show([OURS], CASE)
    assert page.locator(".octet-diff").all_text_contents() == ["00", "."]
    assert page.locator(".event.bad").get_attribute("aria-label") == "event 3"
    assert page.locator(".legend .wrong").text_content() == "status 0 ok"
    page.set_viewport_size({"width": 1280, "height": 400})
    press(page, "n")
    expect(page.locator(".octet-diff").first).to_be_in_viewport()


def test_a_parameter_that_differs_is_marked_in_the_tree(show: Any) -> None:
    answer = EXAMPLES["an application error, default"]
    case = failed(
        "a@rm",
        divergence=Divergence(event=2, offset=-1, field="ERROR", expected="0", got="6827"),
        events=exchange(ASKED, answer),
    )
    page = show([report(case)], "#/case/a%40rm/proxy/0")
    assert page.locator(".tree .diff").text_content() == "  ERROR = 6827"
    assert page.locator(".octet-diff").count() == 0


def test_a_header_that_came_in_pieces(show: Any) -> None:
    pieces = event("received", NO_SESSION[33:90]), event("received", NO_SESSION[90:] + b"\x01")
    case = result("a@dispatcher", events=tuple(event("received", one.octets, place="dispatcher")
                                              for one in pieces))  # fmt: skip
    page = show([report(case)], "#/case/a%40dispatcher/proxy/0")
    first, second = page.get_by_label(re.compile("^event ")).all()
    assert "session_key cut off" in first.inner_text()
    told = second.locator(".legend li:not(.layer)").all_text_contents()
    assert told == ["session_key empty", "status 105 no session", "version 1"]


def test_from_case_to_case(show: Any) -> None:
    page = show([OURS, THEIRS], "#/?outcome=failed")
    press(page, "j", "Enter")
    known = page.locator(".known code")
    expect(known).to_have_text("header.length.short@rm")
    expect(page.locator(".bread span")).to_have_text("1 of 2")
    # It opens at the implementation that failed.
    expect(page.get_by_role("tab", selected=True)).to_have_text("rewrite 2.1✕ failed")
    press(page, "j", "j")
    expect(known).to_have_text("session.unknown@rm")
    assert "the connection was closed" in page.locator(".versus").inner_text()
    press(page, "ArrowLeft", "ArrowLeft")
    assert "a bare header with status 0" in page.locator(".versus").inner_text()
    press(page, "ArrowRight")
    expect(page.get_by_role("tab", selected=True)).to_have_text("rewrite 2.1✕ failed")
    press(page, "k")
    expect(known).to_have_text("header.length.short@rm")
    page.get_by_role("tab", name="starwire").click()
    expect(page.locator(".reason b")).to_have_text("✓ passed")
    page.get_by_role("link", name="All cases").click()
    assert rows(page) == ["header.length.short@rm", "session.unknown@rm"]
    page.go_back()
    expect(known).to_have_text("header.length.short@rm")


def test_an_implementation_that_did_not_run_it_cannot_be_chosen(show: Any) -> None:
    page = show([OURS, THEIRS], "#/case/only.theirs%40web/proxy/0")
    expect(page.get_by_role("tab", name="starwire")).to_be_disabled()
    expect(page.get_by_role("tab", selected=True)).to_contain_text("rewrite 2.1")


def test_the_command_is_copied(show: Any) -> None:
    page = show([OURS], CASE, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    expect(page.locator("#said")).to_have_text("Copied")
    told = page.evaluate("navigator.clipboard.readText()")
    assert told == "starwire check proxy://127.0.0.1:8412 --case session.unknown@rm"


def test_flags_attempts_and_changed_rules_are_told(show: Any) -> None:
    flag = "rule changed since this case was reviewed: STS-01"
    one = failed(outcome=Outcome.FLAKY, attempts=(2, 3), flags=(flag,))
    other = report(one, clauses={"STS-01": Clause(id="STS-01", title="t", text="x", hash="y")})
    page = show([report(one), other], CASE)
    text = page.locator("main").inner_text()
    assert "failed 2 of 3 times" in text
    assert flag in text
    assert text.count("Its text differs between these runs") == 1


def test_long_rules_are_folded(show: Any) -> None:
    assert len(CLAUSES["STS-01"].text) > 900 > len(CLAUSES["HDR-05"].text)
    long, short = failed("a@rm", rules=("STS-01",)), failed("b@rm", rules=("HDR-05",))
    page = show([report(long, short)], "#/case/a%40rm/proxy/0")
    assert page.locator(".clause details").get_attribute("open") is None
    press(page, "k")
    expect(page.locator(".clause details")).to_have_attribute("open", "")
    press(page, "j")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".clause details")).to_have_attribute("open", "")
    assert not page.get_by_role("button", name="Copy").is_visible()


def test_much_is_shown_on_demand(show: Any) -> None:
    case = result("a@rm", events=(event("received", ASKED + bytes(5000)),))
    page = show([report(case)], "#/case/a%40rm/proxy/0")
    assert page.locator(".dump .off").count() == 32
    page.get_by_role("button", name="Show 4,578 more octets").click()
    assert page.locator(".dump .off").count() == 319


def test_a_divergence_far_behind_is_shown_at_once(show: Any) -> None:
    case = failed(
        "a@rm",
        events=(event("received", ASKED + bytes(5000)),),
        divergence=Divergence(event=0, offset=4000, field="data", expected="1", got="0"),
    )
    page = show([report(case)], "#/case/a%40rm/proxy/0")
    assert page.locator(".octet-diff").all_text_contents() == ["00", "."]


@pytest.mark.parametrize("address", ["#/case/nobody/proxy/0", "#/case", "#/case/%E0%A4%A/x/y"])
def test_an_address_of_no_case(show: Any, address: str) -> None:
    page = show([OURS], address)
    expect(page.locator(".none")).to_contain_text("No such case")
    page.locator(".none a").click()
    assert len(rows(page)) == 5


# Light, dark, narrow, printed.


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


LIGHT, DARK = "rgb(247, 247, 244)", "rgb(18, 19, 23)"


def test_light_and_dark(show: Any) -> None:
    assert ground(show([OURS], color_scheme="light")) == LIGHT
    page = show([OURS], color_scheme="dark")
    assert ground(page) == DARK
    press(page, "t")
    assert ground(page) == LIGHT
    # A browser writes down what is to be kept when it has the time.
    for _ in range(20):
        page.reload()
        if ground(page) == LIGHT:
            break
        page.wait_for_timeout(50)
    assert ground(page) == LIGHT
    page.get_by_role("button", name="Theme").click()
    assert ground(page) == DARK


CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const part = (value) =>
    value <= 10.02 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const bright = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const over = (ground, [r, g, b, a = 1]) =>
    [r, g, b].map((value, place) => value * a + ground[place] * (1 - a));
  const unread = ".unseen, .skip, [aria-disabled], option, :disabled, noscript, script";
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(unread)) continue;
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.unshift(parse(getComputedStyle(at).backgroundColor));
    }
    const ground = bright(layers.reduce(over, [255, 255, 255]));
    const ink = bright(parse(getComputedStyle(element).color));
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    const name = `${element.tagName}.${element.className}`;
    if (ratio < 4.5) poor.push([ratio.toFixed(2), name, element.textContent.slice(0, 30)]);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["", "#/rules", CASE, "#/?outcome=failed"])
def test_all_text_can_be_read(show: Any, scheme: str, address: str) -> None:
    """A contrast of 4.5 to 1 at least, WCAG's level AA."""
    every = outcomes(*((one, "why") for one in Outcome))
    assert (
        show([report(*OURS.results, *every)], address, color_scheme=scheme).evaluate(CONTRAST) == []
    )


@pytest.mark.parametrize("address", ["", "#/rules", CASE])
def test_on_a_telephone_nothing_is_wider_than_it(show: Any, address: str) -> None:
    page = show([OURS, THEIRS, OURS], address, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if address == CASE:
        first = page.locator(".dump").first.inner_text().splitlines()[0]
        assert first.split("  ")[1] == "01 00 00 00 5a 00 30 31"


def test_printed_the_controls_are_gone(show: Any) -> None:
    page = show([OURS, THEIRS])
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible()
    assert len(rows(page)) == 6


# Hostile data, and much of it.


def test_nothing_that_a_peer_says_acts(show: Any) -> None:
    page = show([hostile_report()])
    assert page.locator("img, iframe, object, embed").count() == 0
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("</script><script>alert(1)")
    press(page, "Escape", "r")
    page.locator("details summary").first.click()
    assert page.locator("script").count() == 3
    assert page.locator("img").count() == 0
    page.locator("th a").first.click()
    assert len(rows(page)) == 1


def test_every_octet_and_letter_is_shown_and_none_acts(show: Any) -> None:
    octets = bytes(range(256)) * 2
    text = "".join(map(chr, range(0x20))) + "\u202egnp.exe\u200b\ufeff\x9b31m"
    message = b"A<B=" + bytes(range(0x20, 0x3C)) + b"\x7f\x9b\xff>"
    case = failed(
        "a@rm",
        reason=text,
        events=(
            event("received", octets, text),
            event("note", text=text),
            event("received", message, place="rm-native"),
        ),
        divergence=None,
    )
    page = show([report(case)], "#/case/a%40rm/proxy/0")
    whole = page.locator("main").inner_text()
    assert "\\x202egnp.exe\\x200b\\xfeff\\x9b31m" in whole
    assert re.findall("[\u202e\u200b\ufeff\x9b\x00-\x08\x0b-\x1f]", whole) == []
    dump = page.locator(".dump").first.inner_text()
    assert "00f0  f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff  ................" in dump


def test_the_policy_stops_what_should_not_be_there(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_page([OURS]), "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    blocked = page.evaluate(
        """() => new Promise((done) => {
          const told = [];
          document.addEventListener("securitypolicyviolation", (event) => {
            told.push(event.effectiveDirective);
            if (told.length === 3) done(told.sort());
          });
          const script = document.createElement("script");
          script.textContent = "window.broken = true";
          const style = document.createElement("style");
          style.textContent = "body { color: red }";
          document.body.append(script, style);
          new Image().src = "http://127.0.0.1:9/x.png";
        })"""
    )
    assert blocked == ["img-src", "script-src-elem", "style-src-elem"]
    assert page.evaluate("window.broken") is None
    page.close()


@pytest.mark.parametrize(
    "change",
    [
        {"divergence": Divergence(event=99, offset=4, field="x")},
        {"divergence": Divergence(event=-1, offset=-5)},
        {"divergence": Divergence(event=2, offset=1_000_000, field="status")},
        {"events": (event("sent", ASKED, place="elsewhere", line=-1, at=-1.0),)},
        {"events": (event("received"), event("reset"), event("silent", ASKED))},
        {"seconds": -1.0, "attempts": (-1, 0), "rules": ("A-1", "A-1")},
    ],
)
def test_a_report_that_makes_no_sense_is_shown(show: Any, change: dict[str, Any]) -> None:
    page = show([report(failed(**change), clauses={})])
    press(page, "j", "Enter", "n", "c")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_widths_that_make_no_sense_are_shown(show: Any) -> None:
    page = show([report(failed(), widths={})], CASE)
    assert page.locator(".band").count() == 0
    expect(page.locator(".dump").first).to_be_visible()


def test_three_thousand_cases_of_three_implementations(show: Any) -> None:
    """The bounds are many times what it takes, since machines differ."""
    found = [result(f"case.n{n}@rm", rules=(f"R-{n // 40}",)) for n in range(2999)]
    reports = [report(*found, failed("last.one@rm"), implementation=name) for name in "abc"]
    page = show(reports)
    seen = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
    )
    assert seen < 5000
    page.wait_for_function("document.querySelectorAll('tr.case').length === 3000")
    spent = page.evaluate(
        "() => { const begun = performance.now(); setFilter('q', 'last.one');"
        " document.body.offsetHeight; return performance.now() - begun }"
    )
    assert rows(page) == ["last.one@rm"]
    assert spent < 2000
    press(page, "j", "Enter")
    expect(page.locator(".reason b")).to_have_text("✕ failed")
    assert base64.b64encode(ASKED).decode() in page.content()
