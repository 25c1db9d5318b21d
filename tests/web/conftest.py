"""The real server with the real demo, and a real Chromium to look at it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.api.supervisor import whole
from tests.web.browser import LEFT_OUT, find

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-background-networking",
    "--no-first-run",
    # WebGL without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of a whole Zhunda: started, today planned; stopped at the end."""
    if not (whole.ROOT / "web" / "dist" / "index.html").is_file():
        pytest.fail("the pages are not built; `python3 run.py test` builds them first")
    with whole.data_folder() as data:
        running = whole.start(data)
        try:
            running.wait_for("plan version")
            yield running.url
        finally:
            running.stop(signal.SIGINT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium; the tests are left out, and say so, where there is none.

    Not for the whole session: Playwright's event loop would stay on the thread, and tests of the
    worker that come later could not run theirs.
    """
    path = find()
    if not path:
        if os.environ.get("ZHUNDA_BROWSER_REQUIRED"):
            pytest.fail(LEFT_OUT)
        pytest.skip(LEFT_OUT)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # a machine with two busy cores
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A new profile on a desk's screen, in English and light."""
    made = browser.new_context(
        viewport={"width": 1400, "height": 900}, locale="en-GB", color_scheme="light"
    )
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, server: str) -> Page:
    """The day page, not signed in; an error of the page's own fails the test that has it."""
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    opened.goto(server)
    return opened


@pytest.fixture
def day(page: Page) -> Page:
    """The day page as the demo's dispatcher sees it."""
    page.get_by_role("button", name="dispatch").first.click()
    page.get_by_role("heading", name="Technicians").wait_for()
    return page
