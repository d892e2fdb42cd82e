"""The page of a case in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from support_pages import CASE, OURS, THEIRS, press, rows
from support_reports import (
    ASKED,
    CLAUSES,
    EXAMPLES,
    NO_SESSION,
    POSTED,
    event,
    exchange,
    failed,
    report,
    result,
)

from starwire.harness.conformance.result import Clause, Divergence, Outcome, widths_of
from starwire.protocol.profile import shipped

# The page of a case.


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


def test_octets_that_end_too_early_are_marked_where_they_end(show: Any) -> None:
    short = exchange(ASKED, EXAMPLES["an application error, default"][:-1])
    case = failed("a@rm", events=short, divergence=Divergence(event=2, offset=64, field="the data"))
    page = show([report(case)], "#/case/a%40rm/proxy/0")
    marked = page.locator(".octet-diff").all_text_contents()
    assert marked == ["ends at octet 64, where more was due"]


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
    expect(page.locator(".matrix.cases")).to_be_visible()
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


def test_what_is_very_long_stands_in_the_json_only(show: Any) -> None:
    long = event("received", bytes(20_000))
    case = result("a@rm", events=(long, event("received", ASKED)))
    page = show([report(case)], "#/case/a%40rm/proxy/0")
    first = page.locator(".event").first
    expect(first.locator("header")).to_contain_text("20,000 octets")
    expect(first.locator(".left")).to_have_text("11,808 octets more: they stand in report.json")
    assert page.locator(".left").count() == 1
    far = Divergence(event=0, offset=19_000, field="data")
    page = show([report(failed("a@rm", events=(long,), divergence=far))], "#/case/a%40rm/proxy/0")
    assert page.locator(".left").count() == 0
    assert page.locator(".octet-diff").count() == 2


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
    expect(page.locator(".matrix.cases")).to_be_visible()
    assert len(rows(page)) == 5
