"""The planner's page in a real browser: a candidate on the map, an answer, outlets, and back."""

from __future__ import annotations

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("ZHUNDA_SHOTS", "")


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture
def planner(context: BrowserContext, server: str) -> Page:
    """The page as the demo's planner sees it; an error of its own fails the test."""
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{server}/planner")
    page.get_by_role("button", name="planner").first.click()
    page.get_by_role("heading", name="Scenarios").wait_for()
    return page


def test_a_planner_places_an_outlet_has_it_answered_adopts_it_and_takes_it_back(
    planner: Page, server: str
) -> None:
    errors: list[str] = []
    planner.on("pageerror", lambda error: errors.append(str(error)))
    expect(planner.get_by_text("No scenario yet.")).to_be_visible()
    planner.get_by_role("button", name="New scenario").click()
    planner.locator("[data-drawn=true]").wait_for()
    planner.get_by_label("Name").first.fill("South")
    box = planner.locator("section[aria-label='Map of outlets and districts']").bounding_box()
    assert box is not None
    planner.mouse.click(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.45)
    expect(planner.get_by_label("Latitude")).to_have_count(1)
    planner.get_by_role("button", name="Add a candidate").click()
    expect(planner.get_by_label("Latitude")).to_have_count(2)
    planner.get_by_role("button", name="Remove South 2").click()
    # The click may have hit the sea: the place of a street is typed, as one can without a mouse.
    planner.get_by_label("Latitude").fill("-29.97379")
    planner.get_by_label("Longitude").fill("-71.25243")
    planner.get_by_label("New outlets").fill("2")
    planner.get_by_label("Days replayed").fill("3")
    planner.get_by_label(re.compile("People to hire")).fill("3")
    shoot(planner, "planner-new")
    planner.get_by_role("button", name="Freeze the question").click()
    expect(planner.get_by_role("alert")).to_contain_text("there are only 1 candidates")
    planner.get_by_label("New outlets").fill("1")
    planner.get_by_role("button", name="Freeze the question").click()
    planner.get_by_role("button", name="Quick screening").click()
    expect(planner.get_by_role("heading", name="Urgent, within 24 h")).to_be_visible(
        timeout=120_000
    )
    planner.locator("[data-drawn=true]").wait_for()
    shoot(planner, "planner-answer")

    names = {one["name"] for one in outlets(server)}
    planner.get_by_role("button", name="Adopt", exact=True).click()
    expect(planner.get_by_text("Opens 1 outlets and 3 posts on record.")).to_be_visible()
    assert {one["name"] for one in outlets(server)} == names, "asking changes nothing"
    planner.get_by_role("button", name="Yes, adopt").click()
    expect(planner.get_by_text("Adopted: 1 outlets, 3 posts, 0 filled.")).to_be_visible()
    assert {one["name"] for one in outlets(server)} == names | {"South 1"}
    planner.get_by_role("button", name="Undo the adoption").click()
    expect(planner.get_by_role("button", name="Adopt", exact=True)).to_be_visible()
    assert {one["name"] for one in outlets(server)} == names

    planner.set_viewport_size({"width": 390, "height": 844})
    wide = planner.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, "nothing sticks out on a phone"
    planner.get_by_role("button", name="中文").click()
    expect(planner.get_by_role("heading", name="紧急，24 小时内")).to_be_visible()
    planner.emulate_media(color_scheme="dark")
    shoot(planner, "planner-phone-dark")
    planner.get_by_role("link", name="全部方案").click()
    planner.get_by_role("checkbox").first.check()
    planner.get_by_role("button", name="比较所选 (1)").click()
    expect(planner.get_by_role("heading", name="比较")).to_be_visible()
    shoot(planner, "planner-compare")
    assert errors == []


def outlets(server: str) -> list[dict[str, str]]:
    with httpx.Client(base_url=f"{server}/api/v1", timeout=30.0) as client:
        people = client.get("/about").json()["personas"]
        one = next(one for one in people if one["role"] == "planner")
        keys = {"login": one["login"], "password": one["password"]}
        client.post("/session", json=keys).raise_for_status()
        return list(client.get("/outlets?limit=500").json()["items"])
