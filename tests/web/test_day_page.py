import gzip
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from uuid_utils import uuid7

pytestmark = pytest.mark.browser

DIST = Path(__file__).parents[2] / "web" / "dist"
FIRST_SCREEN_BYTES = 100_000


def the_day(server: str) -> Any:
    with httpx.Client(base_url=server, timeout=30.0) as client:
        about = client.get("/api/v1/about").json()
        one = next(one for one in about["personas"] if one["role"] == "dispatcher")
        keys = {"login": one["login"], "password": one["password"]}
        client.post("/api/v1/session", json=keys).raise_for_status()
        return client.get("/api/v1/days/today").json()


def test_nothing_of_the_day_is_shown_before_signing_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="Sign in to see today")).to_be_visible()
    expect(page.get_by_role("heading", name="Technicians")).to_have_count(0)


def test_a_wrong_password_is_refused_in_words(page: Page) -> None:
    page.get_by_label("Login").fill("dispatch")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Login and password do not match.")


def test_a_technician_is_told_that_the_whole_day_is_not_theirs(page: Page, server: str) -> None:
    people = httpx.get(f"{server}/api/v1/about").json()["personas"]
    one = next(one for one in people if one["role"] == "technician")
    page.get_by_label("Login").fill(one["login"])
    page.get_by_label("Password").fill(one["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Your role does not see the whole day.")).to_be_visible()


def test_the_page_shows_the_figures_that_the_server_tells(day: Page, server: str) -> None:
    told = the_day(server)["summary"]
    figure = day.locator("dl > div", has=day.get_by_text("urgent in time"))
    expect(figure.locator("dd")).to_have_text(
        re.compile(rf"^\s*{told['urgent_in_time']}\s+of {told['urgent_total']}\s*$")
    )
    figure = day.locator("dl > div", has=day.get_by_text("jobs", exact=True))
    expect(figure.locator("dd")).to_have_text(str(told["jobs"]))
    expect(day.get_by_text("Travel times from the road network")).to_be_visible()
    expect(day.get_by_text("Checked: no rule broken")).to_be_visible()


def test_every_technician_and_every_urgent_job_is_listed(day: Page, server: str) -> None:
    told = the_day(server)
    expect(day.locator("[data-technician]")).to_have_count(len(told["technicians"]))
    rows = day.locator("section[aria-labelledby=urgent-title] ol > li")
    expect(rows).to_have_count(len(told["urgent"]))


def test_urgent_jobs_stand_in_the_order_of_their_slack(day: Page) -> None:
    rows = day.locator("section[aria-labelledby=urgent-title] .slack")
    minutes = []
    for words in rows.all_inner_texts():
        hours = re.search(r"(\d+) h", words)
        rest = re.search(r"(\d+) min", words)
        assert hours or rest, words
        sign = -1 if "late" in words else 1
        spent = 60 * int(hours[1] if hours else 0) + int(rest[1] if rest else 0)
        minutes.append(0 if "under" in words else sign * spent)
    assert len(minutes) > 1
    assert minutes == sorted(minutes)


def test_choosing_a_technician_opens_their_stops_in_order(day: Page, server: str) -> None:
    one = next(one for one in the_day(server)["technicians"] if len(one["stops"]) > 2)
    row = day.locator(f"[data-technician='{one['id']}']")
    row.get_by_role("button").click()
    expect(row.get_by_role("button")).to_have_attribute("aria-expanded", "true")
    times = row.locator("time")
    expect(times).to_have_count(len(one["stops"]))
    assert [time.get_attribute("datetime") for time in times.all()] == [
        stop["arrival"] for stop in one["stops"]
    ]
    expect(row.get_by_text(one["stops"][0]["address"])).to_be_visible()


def test_what_is_not_planned_says_why_and_what_would_help(day: Page, server: str) -> None:
    left = the_day(server)["unassigned"]
    assert all(one["reasons"] for one in left)
    box = day.locator("details", has=day.get_by_role("heading", name="Not planned today"))
    expect(box.locator(".number")).to_have_text(str(len(left)))
    box.locator("summary").click()
    expect(box.locator("li")).to_have_count(len(left))
    helped = sum(one["cure"] is not None for one in left)
    expect(box.locator("li .cure")).to_have_count(helped)


def test_what_a_technician_reports_appears_without_asking(day: Page, server: str) -> None:
    people = httpx.get(f"{server}/api/v1/about").json()["personas"]
    persona = next(one for one in people if one["role"] == "technician")
    told = the_day(server)
    one = next(one for one in told["technicians"] if one["name"] == persona["name"])
    visit = one["stops"][0]["visit"]
    row = day.locator(f"[data-technician='{one['id']}']")
    row.get_by_role("button").click()
    expect(day.get_by_text("Live", exact=True)).to_be_visible()
    expect(row.get_by_text("accepted")).to_have_count(0)
    with httpx.Client(base_url=f"{server}/api/v1", timeout=30.0) as phone:
        keys = {"login": persona["login"], "password": persona["password"]}
        phone.post("/session", json=keys).raise_for_status()
        event = {"id": str(uuid7()), "event": "accepted", "at": datetime.now(UTC).isoformat()}
        phone.post(f"/visits/{visit}/events", json=event).raise_for_status()
    expect(row.get_by_text("accepted")).to_be_visible()


def test_the_map_draws_and_nothing_is_asked_of_other_hosts(
    context: BrowserContext, server: str
) -> None:
    page = context.new_page()
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server)
    page.get_by_role("button", name="dispatch").first.click()
    page.locator("[data-drawn=true] canvas").wait_for(timeout=60_000)
    assert hosts <= {server.removeprefix("http://"), ""}
    assert errors == []


def test_the_language_switch_turns_every_word_and_is_remembered(day: Page) -> None:
    day.get_by_role("button", name="中文").click()
    expect(day.get_by_role("heading", name="工程师")).to_be_visible()
    expect(day.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(day.get_by_text("urgent in time")).to_have_count(0)
    day.reload()
    expect(day.get_by_role("heading", name="工程师")).to_be_visible()


def test_the_keyboard_alone_signs_in_and_opens_a_route(page: Page) -> None:
    dispatcher = page.get_by_role("button", name="dispatch").first
    dispatcher.wait_for()
    for _ in range(20):
        page.keyboard.press("Tab")
        if dispatcher.evaluate("one => one === document.activeElement"):
            break
    width = dispatcher.evaluate("one => getComputedStyle(one).outlineWidth")
    assert width == "3px"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Technicians").wait_for()
    page.get_by_role("searchbox").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("li.selected time").first).to_be_visible()


def test_it_fits_a_phone_without_scrolling_sideways(context: BrowserContext, server: str) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server)
    page.get_by_role("button", name="dispatch").first.click()
    page.get_by_role("heading", name="Technicians").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_twice_the_type_size_still_fits(context: BrowserContext, server: str) -> None:
    page = context.new_page()
    page.goto(server)
    page.get_by_role("button", name="dispatch").first.click()
    page.get_by_role("heading", name="Technicians").wait_for()
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400


def test_a_server_out_of_reach_is_said_and_found_again_without_help(day: Page) -> None:
    day.context.route("**/api/v1/**", lambda route: route.abort())
    day.reload()
    expect(day.get_by_role("alert")).to_contain_text("The server cannot be reached")
    day.context.unroute_all()
    expect(day.get_by_role("heading", name="Technicians")).to_be_visible()


def test_the_first_screen_is_light_without_the_map() -> None:
    names = re.findall(r'(?:src|href)="/(assets/[^"]+)"', (DIST / "index.html").read_text())
    assert names
    weight = sum(len(gzip.compress((DIST / name).read_bytes())) for name in ["index.html", *names])
    assert weight < FIRST_SCREEN_BYTES
