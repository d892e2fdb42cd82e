"""Two reports whose page tests of a browser look at, and how they look."""

from __future__ import annotations

from playwright.sync_api import Page
from support_reports import failed, report, result

from starwire.harness.conformance.result import Outcome

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


CASE = "#/case/session.unknown%40rm/proxy/0"
"""The address of a case that failed, within `OURS`."""


def rows(page: Page) -> list[str]:
    """The cases that are seen, in their order."""
    return page.locator("tr.case:visible th code").all_text_contents()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
