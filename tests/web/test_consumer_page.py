"""The consumer's page in a real browser, on the real server with the demo's day."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
SHOTS = os.environ.get("ZHUNDA_SHOTS", "")


@pytest.fixture
def desk(server: str) -> Iterator[httpx.Client]:
    """The demo's dispatcher, signed in."""
    with httpx.Client(base_url=f"{server}/api/v1", timeout=30.0) as client:
        people = client.get("/about").json()["personas"]
        one = next(one for one in people if one["role"] == "dispatcher")
        keys = {"login": one["login"], "password": one["password"]}
        client.post("/session", json=keys).raise_for_status()
        yield client


def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def job(desk: httpx.Client) -> str:
    """A planned job's id: somebody is named for it."""
    page = told(desk.get("/jobs?status=planned&limit=50"))
    return str(page["items"][-1]["id"])


def quote(desk: httpx.Client, job: str, *codes: str) -> Any:
    lines = [{"code": code, "quantity": 1 + (code == "LABOUR")} for code in codes]
    made = told(desk.post(f"/jobs/{job}/quotes", json={"lines": lines, "language": "en"}))
    return made["items"][-1]


def address(desk: httpx.Client, job: str) -> str:
    return str(told(desk.post(f"/jobs/{job}/links", json={}))["url"])


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport=PHONE, locale="en-GB", color_scheme="light")
    yield made
    made.close()


def open_page(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(url)
    return page


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_a_consumer_sees_who_comes_agrees_to_a_quote_and_asks_for_later(
    phone: BrowserContext, desk: httpx.Client, job: str, server: str
) -> None:
    first = quote(desk, job, "VISIT", "INSPECT", "LABOUR")
    hosts: set[str] = set()
    phone.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page = open_page(phone, address(desk, job))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your repair")
    expect(page.get_by_role("status").first).to_contain_text(re.compile(r"comes \w+"))
    expect(page.get_by_text("First deadline", exact=True)).to_be_visible()
    door = page.get_by_role("region", name="Code for the technician")
    expect(door).to_contain_text(re.compile(r"\d{3} \d{3}"))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    shoot(page, "phone")
    page.get_by_role("button", name="I agree: CN¥170.00").click()
    expect(page.get_by_text("You agreed", exact=True)).to_be_visible()
    kept = told(desk.get(f"/jobs/{job}/quotes"))["items"][-1]
    assert (kept["id"], kept["status"], kept["total_fen"]) == (first["id"], "accepted", 17_000)

    page.get_by_label("Why?").fill("I am away until then")
    page.get_by_role("button", name="Ask for this time").click()
    expect(page.get_by_text("You asked for", exact=True)).to_be_visible()
    expect(page.get_by_text("First deadline", exact=True)).to_be_visible()
    kinds = [d["kind"] for d in told(desk.get(f"/jobs/{job}/clocks"))["items"][0]["deadlines"]]
    assert kinds == ["first", "agreed"]
    shoot(page, "phone-later")
    assert hosts == {server.removeprefix("http://")}


def test_every_added_item_is_asked_for_by_itself_and_one_may_be_refused(
    phone: BrowserContext, desk: httpx.Client, job: str
) -> None:
    url = address(desk, job)
    page = open_page(phone, url)
    page.get_by_role("heading", level=1).wait_for()
    if page.get_by_text("You agreed", exact=True).count() == 0:
        quote(desk, job, "VISIT")
        page.reload()
        page.get_by_role("button", name=re.compile("I agree:")).click()
        page.get_by_text("You agreed", exact=True).wait_for()
    quote(desk, job, "DOOR-SEAL", "AUX")
    page.reload()
    added = page.get_by_role("region", name=re.compile("One thing more"))
    expect(added).to_have_count(2)
    added.first.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("You said no")).to_be_visible()
    page.get_by_role("button", name="I agree: CN¥15.00").click()
    expect(page.get_by_role("button", name=re.compile("I agree:"))).to_have_count(0)


def test_a_complaint_is_filed_with_its_deadline_and_its_file_can_be_saved(
    phone: BrowserContext, desk: httpx.Client, job: str
) -> None:
    page = open_page(phone, address(desk, job))
    page.get_by_text("Send the complaint").first.click()
    page.get_by_label("What is wrong?").fill("It leaks again")
    page.get_by_label("What do you want?").fill("A repair that holds")
    page.get_by_role("button", name="Send the complaint").click()
    expect(page.get_by_text("accepted or refused by").first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="File for 12315 (PDF)").first.click()
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF-")


def test_once_the_work_is_done_the_page_asks_how_it_was_and_once_only(
    phone: BrowserContext, desk: httpx.Client
) -> None:
    waiting = told(desk.get("/jobs?status=open&limit=500"))["items"]
    job = waiting[0]["id"]
    page = open_page(phone, address(desk, job))
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_role("heading", name="How was it?")).to_have_count(0)
    solved = {"event": "remote_solved", "reason": "Reset by telephone"}
    told(desk.post(f"/jobs/{job}/events", json=solved))
    page.reload()
    page.get_by_label("4 of 5").check(force=True)
    page.get_by_label("was polite").check()
    shoot(page, "phone-survey")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Thank you")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Thank you")).to_be_visible()


def test_alternatives_are_shown_with_prices_and_the_rule_of_their_order(
    phone: BrowserContext, desk: httpx.Client
) -> None:
    waiting = told(desk.get("/jobs?status=open&limit=500"))["items"]
    page = open_page(phone, address(desk, waiting[-1]["id"]))
    page.get_by_role("button", name="Show what there is").click()
    box = page.get_by_role("region", name="Another time, place or way")
    expect(box.get_by_role("listitem").first).to_be_visible()
    box.get_by_text("How this list is ordered").click()
    expect(box.get_by_text("Nothing about you goes")).to_be_visible()
    shoot(page, "phone-alternatives")


def test_it_speaks_chinese_and_fits_a_desk_and_twice_the_type(
    browser: Browser, desk: httpx.Client, job: str
) -> None:
    url = address(desk, job)
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="zh-CN", color_scheme="dark"
    )
    page = open_page(context, url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("您的报修")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_text("最初期限", exact=True)).to_be_visible()
    shoot(page, "desk-zh")
    page.set_viewport_size(PHONE)
    page.evaluate("document.documentElement.style.fontSize = '150%'")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    context.close()


def test_a_link_that_was_replaced_says_so_and_one_that_is_made_up_opens_nothing(
    phone: BrowserContext, desk: httpx.Client, job: str, server: str
) -> None:
    old = address(desk, job)
    address(desk, job)
    page = open_page(phone, old)
    expect(page.get_by_role("alert")).to_contain_text("This link has ended")
    stranger = open_page(phone, f"{server}/c/#zhl_nothing")
    expect(stranger.get_by_role("alert")).to_contain_text("not complete")


def test_the_keyboard_alone_gives_the_consent(phone: BrowserContext, desk: httpx.Client) -> None:
    waiting = told(desk.get("/jobs?status=planned&limit=50"))["items"]
    job = waiting[0]["id"]
    quote(desk, job, "VISIT")
    page = open_page(phone, address(desk, job))
    button = page.get_by_role("button", name=re.compile("I agree:"))
    button.wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("You agreed", exact=True)).to_be_visible()
