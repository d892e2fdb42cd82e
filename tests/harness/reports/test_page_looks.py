"""The page in a real browser: light, dark, narrow, printed; hostile data, and much of it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support_pages import CASE, OURS, THEIRS, press, rows
from support_reports import (
    ASKED,
    BREAKOUT,
    event,
    failed,
    hostile_report,
    outcomes,
    report,
    result,
)

from starwire.harness.conformance.result import Divergence, Outcome
from starwire.harness.reports.html import html_page

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
    page = show([hostile_report(BREAKOUT)])
    assert page.locator("img, iframe, object, embed").count() == 0
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("</script><script>alert(1)")
    press(page, "Escape", "r")
    page.locator("details summary").first.click()
    assert page.locator("script").count() == 3
    assert page.locator("img").count() == 0
    page.locator("th a").first.click()
    expect(page.locator(".matrix.cases")).to_be_visible()
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
    expect(page.locator("tr.case")).to_have_count(3000)
    spent = page.evaluate(
        "() => { const begun = performance.now(); setFilter('q', 'last.one');"
        " document.body.offsetHeight; return performance.now() - begun }"
    )
    assert rows(page) == ["last.one@rm"]
    assert spent < 2000
    press(page, "j", "Enter")
    expect(page.locator(".reason b")).to_have_text("✕ failed")
    assert base64.b64encode(ASKED).decode() in page.content()
