"""The running day on the page: a call, its offers, a commit and its undo; somebody is out."""

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
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


def opened(browser: Browser, address: str) -> Page:
    """The day page on a desk's screen, as the demo's dispatcher sees it."""
    page = browser.new_context(
        viewport={"width": 1400, "height": 900}, locale="en-GB", color_scheme="light"
    ).new_page()
    page.set_default_timeout(30_000)
    page.goto(address)
    page.get_by_role("button", name="dispatch").first.click()
    page.get_by_role("heading", name="Technicians").wait_for()
    return page


@pytest.fixture
def day(browser: Browser, server: str) -> Iterator[Page]:
    page = opened(browser, server)
    yield page
    page.context.close()


def shot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    folder = os.environ.get("ZHUNDA_TEST_SHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def take_call(page: Page) -> None:
    """Fill the call in and ask who could come; labels are looked for inside the call's box."""
    page.get_by_role("button", name="Take a call").click()
    box = page.get_by_role("region", name="A call", exact=True)
    box.get_by_label("Product").select_option("fridge")
    box.get_by_label("Fault").select_option("not-cooling")
    fill(page, place="-29.9077, -71.2541")
    box.get_by_role("button", name="Who could come?").click()


def fill(page: Page, place: str, name: str = "Rosa Araya Soto") -> None:
    box = page.get_by_role("region", name="A call", exact=True)
    box.get_by_label("Name", exact=True).fill(name)
    box.get_by_label("Phone", exact=True).fill("+56 9 0000 0042")
    box.get_by_label("Address", exact=True).fill("Avenida Balmaceda 1234")
    box.get_by_label("Place (latitude, longitude)").fill(place)


def stops_of(page: Page, technician: str | None) -> Locator:
    return page.locator(f"[data-technician='{technician}'] .when")


def test_a_call_gets_offers_is_committed_and_taken_back(day: Page) -> None:
    take_call(day)
    offers = day.locator("[data-offer]")
    expect(offers.first).to_be_visible()
    assert 1 <= offers.count() <= 3
    shot(day, "offers")
    technician = offers.first.get_attribute("data-offer")
    count = stops_of(day, technician).inner_text()
    offers.first.get_by_role("button", name=re.compile("^Send ")).click()
    expect(day.get_by_text("The phone shows it.")).to_be_visible()
    expect(stops_of(day, technician)).not_to_have_text(count)
    shot(day, "committed")
    day.get_by_role("button", name="Undo").click()
    expect(day.get_by_text("Taken back.")).to_be_visible()
    expect(offers.first).to_be_visible()
    expect(stops_of(day, technician)).to_have_text(count, use_inner_text=True)


def test_a_place_that_is_none_is_refused_in_words_and_nothing_is_lost(day: Page) -> None:
    take_call(day)
    expect(day.locator("[data-offer]").first).to_be_visible()
    day.keyboard.press("Escape")
    box = day.get_by_role("region", name="A call", exact=True)
    expect(box).to_have_count(0)
    day.get_by_role("button", name="Take a call").click()
    fill(day, place="somewhere", name="Rosa")
    day.keyboard.press("Enter")
    expect(box.get_by_role("alert")).to_contain_text("two numbers")
    expect(box.get_by_label("Name", exact=True)).to_have_value("Rosa")
    expect(box.get_by_label("Place (latitude, longitude)")).to_have_value("somewhere")
    shot(day, "badplace")


def test_what_another_dispatcher_sends_appears_without_asking(day: Page, browser: Browser) -> None:
    other = opened(browser, day.url)
    take_call(other)
    offer = other.locator("[data-offer]").first
    technician = offer.get_attribute("data-offer")
    expect(day.get_by_text("Live", exact=True)).to_be_visible()
    count = stops_of(day, technician).inner_text()
    offer.get_by_role("button", name=re.compile("^Send ")).click()
    expect(stops_of(day, technician)).not_to_have_text(count)


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


def test_a_visit_is_left_out_by_hand_put_back_and_taken_back(day: Page) -> None:
    row = day.locator("[data-technician]", has_text=re.compile(r"\d+ stops?")).first
    technician = row.get_attribute("data-technician")
    row.get_by_role("button").first.click()
    box = day.locator("details", has_text="Change by hand")
    box.locator("summary").click()
    count = stops_of(day, technician).inner_text()
    box.get_by_role("button", name="Show what happens").click()
    expect(box.get_by_text("Driving")).to_be_visible()
    expect(stops_of(day, technician)).to_have_text(count, use_inner_text=True)
    shot(day, "by-hand")
    box.get_by_role("button", name="Do it").click()
    expect(box.get_by_text("Done.")).to_be_visible()
    expect(stops_of(day, technician)).not_to_have_text(count, use_inner_text=True)
    box.get_by_role("button", name="Undo").click()
    expect(box.get_by_text("Taken back.")).to_be_visible()
    expect(stops_of(day, technician)).to_have_text(count, use_inner_text=True)


def test_a_call_fits_a_phone_and_speaks_chinese(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport=PHONE, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(server)
    page.get_by_role("button", name="dispatch").first.click()
    page.get_by_role("button", name="接报修电话").click()
    box = page.get_by_role("region", name="报修电话")
    expect(box).to_be_in_viewport()
    shot(page, "phone")
    box.get_by_label("姓名").fill("Rosa")
    box.get_by_label("电话", exact=True).fill("+56 9 0000 0042")
    box.get_by_label("地址").fill("Avenida Balmaceda 1234")
    box.get_by_label("位置").fill("-29.9077, -71.2541")
    box.get_by_role("button", name="谁能上门?").click()
    expect(page.locator("[data-offer]").first).to_be_in_viewport()
    shot(page, "phone-offers")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()
