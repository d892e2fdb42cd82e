"""A real browser, where there is one: Debian's Chromium, driven by playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from starwire.harness.conformance.result import Report
from starwire.harness.reports.html import html_page

Show = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium; on Debian: apt-get install chromium")
    with sync_playwright() as driver:
        # Its sandbox does not work for root, which a container's user often is.
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens the page of these reports; fails if a script fails, or if anything is asked for beside
    the file itself.
    """
    contexts: list[Any] = []
    wrong: list[str] = []

    def shown(reports: Sequence[Report], address: str = "", **options: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_text(html_page(reports), "utf-8")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        file = path.as_uri()

        def asked(url: str) -> None:
            if url.partition("#")[0] != file and not url.startswith("data:image/svg+xml,"):
                wrong.append(f"asked for {url}")

        page.on("request", lambda request: asked(request.url))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("dialog", lambda dialog: (wrong.append("dialog"), dialog.dismiss()))
        page.on("popup", lambda other: wrong.append(f"popup: {other.url}"))
        page.goto(file + address)
        return page

    yield shown
    for context in contexts:
        context.close()
    assert wrong == []
