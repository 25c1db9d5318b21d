"""The running day on the page: a call, its offers, a commit and its undo; somebody is out."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from tests.api.world import World
from tests.web.browser import LEFT_OUT, find

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[str]:
    """A small day of its own: what happens here is not seen by other tests of pages."""
    made = make_server("127.0.0.1", 0, world.app, threaded=True)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find()
    if not path:
        if os.environ.get("ZHUNDA_BROWSER_REQUIRED"):
            pytest.fail(LEFT_OUT)
        pytest.skip(LEFT_OUT)
    expect.set_options(timeout=30_000)
    flags = ["--headless", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=flags)
        yield found
        found.close()


@pytest.fixture
def day(browser: Browser, server: str) -> Page:
    """The day page as the demo's dispatcher sees it."""
    page = browser.new_context(
        viewport={"width": 1400, "height": 900}, locale="en-GB", color_scheme="light"
    ).new_page()
    page.set_default_timeout(30_000)
    page.goto(server)
    page.get_by_role("button", name="dispatch").first.click()
    page.get_by_role("heading", name="Technicians").wait_for()
    return page


def shot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    folder = os.environ.get("ZHUNDA_TEST_SHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_who_is_out_is_shown_first_done_and_taken_back(day: Page) -> None:
    row = day.locator("[data-technician]").nth(3)
    row.get_by_role("button").first.click()
    day.get_by_role("button", name="Out for the rest of the day").click()
    expect(day.get_by_role("button", name="Do it")).to_be_visible()
    shot(day, "out")
    day.get_by_role("button", name="Do it").click()
    expect(day.get_by_text("Done. The phones show it.")).to_be_visible()
    day.get_by_role("button", name="Undo").click()
    expect(day.get_by_text("Taken back.")).to_be_visible()


def test_a_call_fits_a_phone_and_speaks_chinese(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport=PHONE, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(server)
    page.get_by_role("button", name="dispatch").first.click()
    page.get_by_role("button", name="接报修电话").click()
    expect(page.get_by_role("heading", name="报修电话")).to_be_visible()
    shot(page, "phone")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    context.close()
