"""The technician's page in a real browser, on the real server with the demo's day."""

from __future__ import annotations

import io
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, expect

from tests.api.world import jpeg

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
DOOR = {"latitude": -29.9077, "longitude": -71.2541, "accuracy": 12}
SHOTS = os.environ.get("ZHUNDA_SHOTS", "")
PHOTO: FilePayload = {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": jpeg(320, 240)}


def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


class Technicians:
    """The demo's technicians, each with a day of its own: a test takes one that nobody has used."""

    def __init__(self, server: str, clients: ExitStack) -> None:
        self.server = server
        self.clients = clients
        people = told(self.client().get("/about"))["personas"]
        keys = next(one for one in people if one["role"] == "dispatcher")
        self.password = next(one for one in people if one["role"] == "technician")["password"]
        self.desk = self.client()
        told(self.sign_in(self.desk, keys["login"], keys["password"]))
        self.free = iter([f"t{number:02d}" for number in range(1, 41)])

    def client(self) -> httpx.Client:
        made = httpx.Client(base_url=f"{self.server}/api/v1", timeout=30.0)
        return self.clients.enter_context(made)

    def sign_in(self, client: httpx.Client, login: str, password: str) -> httpx.Response:
        return client.post("/session", json={"login": login, "password": password})

    def take(self) -> tuple[str, httpx.Client, dict[str, Any]]:
        """A login, a client that is signed in with it, and its route, of which nothing is done."""
        for login in self.free:
            client = self.client()
            told(self.sign_in(client, login, self.password))
            route = client.get("/me/route")
            if route.is_success and route.json()["stops"]:
                stops = route.json()["stops"]
                if stops[0]["state"] == "published" and stops[0]["crew"] == 1:
                    return login, client, route.json()
        pytest.fail("no technician with a route is left")


@pytest.fixture(scope="module")
def technicians(server: str) -> Iterator[Technicians]:
    with ExitStack() as clients:
        yield Technicians(server, clients)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(
        viewport=PHONE,
        locale="en-GB",
        color_scheme="light",
        has_touch=True,
        is_mobile=True,
        geolocation=DOOR,
        permissions=["geolocation"],
    )
    yield made
    made.close()


@pytest.fixture
def enter(server: str, technicians: Technicians) -> Callable[[BrowserContext, str], Page]:
    def act(context: BrowserContext, login: str) -> Page:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{server}/phone")
        page.get_by_label(re.compile("^(Login|账号)")).fill(login)
        page.locator("input[type=password]").fill(technicians.password)
        page.locator("form button.primary").click()
        page.locator("article").first.wait_for()
        return page

    return act


def large_photo() -> FilePayload:
    """A photo that no compression makes small, above what is sent at once."""
    out = io.BytesIO()
    Image.frombytes("L", (1000, 1000), random.Random(1).randbytes(10**6)).save(out, "JPEG")
    assert len(out.getvalue()) > 3 * 128 * 1024
    return {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"phone-page-{name}.png"), full_page=True)


def press(card: Locator, name: str) -> None:
    card.get_by_role("button", name=name, exact=True).click()


def tick_everything(card: Locator) -> None:
    for box in card.get_by_role("checkbox").all():
        box.check()


def dossier_of(technicians: Technicians, stop: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told(technicians.desk.get(f"/jobs/{stop['job_id']}/dossier"))
    return found


def door_code(technicians: Technicians, stop: dict[str, Any]) -> str:
    """What the consumer's page shows, with the space between the digits."""
    url = told(technicians.desk.post(f"/jobs/{stop['job_id']}/links", json={}))["url"]
    bearer = {"Authorization": f"Bearer {url.rpartition('#')[2]}"}
    code = told(technicians.client().get("/link", headers=bearer))["arrival"]["door_code"]
    return f"{code[:3]} {code[3:]}"


def arrival_clock(technicians: Technicians, stop: dict[str, Any]) -> dict[str, Any]:
    clocks = told(technicians.desk.get(f"/jobs/{stop['job_id']}/clocks"))["items"]
    return dict(next(one for one in clocks if one["name"] == "arrival"))


def signed_events(technicians: Technicians, stop: dict[str, Any]) -> int:
    """How many events of a visit the record holds with the phone's signature."""
    visits = dossier_of(technicians, stop)["visits"]
    mine = next(visit for visit in visits if visit["id"] == stop["visit_id"])
    return sum(event["signed"] for event in mine["events"])


def state_of(client: httpx.Client, visit: str) -> str:
    stops = told(client.get("/me/route"))["stops"]
    return str(next(stop["state"] for stop in stops if stop["visit_id"] == visit))


def test_a_visit_is_done_on_the_phone_from_accepting_to_the_result(
    phone: BrowserContext, technicians: Technicians, enter: Callable[..., Page]
) -> None:
    login, client, route = technicians.take()
    stop = route["stops"][0]
    page = enter(phone, login)
    expect(page.locator("article")).to_have_count(len(route["stops"]))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    shoot(page, "route")
    card = page.locator("article").first
    expect(card.get_by_role("link", name="Navigate")).to_have_attribute(
        "href", re.compile(rf"^geo:{stop['place']['lat']},{stop['place']['lon']}")
    )
    expect(card.get_by_role("link", name=re.compile("^Call "))).to_have_attribute(
        "href", re.compile(r"^tel:\+\d+$")
    )
    press(card, "Accept")
    press(card, "On the way")
    code = card.get_by_label("Code on the consumer's page, if they have it")
    code.fill(door_code(technicians, stop))
    press(card, "I am at the door")
    press(card, "Finish")
    press(card, "Finish the visit")
    expect(card.get_by_role("alert")).to_contain_text("Still to do")
    tick_everything(card)
    card.get_by_label("Result, for the consumer").fill("New seal; it runs dry")
    shoot(page, "finish")
    press(card, "Finish the visit")
    expect(card).to_have_attribute("data-state", "done")
    expect(page.get_by_text("Everything has arrived")).to_be_visible()
    assert state_of(client, stop["visit_id"]) == "done"
    assert signed_events(technicians, stop) == 4
    assert "door_code" in str(arrival_clock(technicians, stop)["trace"])
    page.reload()
    expect(page.locator("article").first).to_have_attribute("data-state", "done")


def test_without_a_network_nothing_is_lost_and_everything_arrives_once_and_in_order(
    phone: BrowserContext, technicians: Technicians, enter: Callable[..., Page]
) -> None:
    login, client, route = technicians.take()
    stop = route["stops"][0]
    page = enter(phone, login)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.set_offline(True)
    card = page.locator("article").first
    press(card, "Accept")
    press(card, "On the way")
    press(card, "I am at the door")
    press(card, "Finish")
    tick_everything(card)
    # The page is gone and opened again without any network: the half-filled form is there.
    expect(card.get_by_role("checkbox").first).to_be_checked()
    page.wait_for_timeout(300)
    page.reload()
    card = page.locator("article").first
    expect(card).to_have_attribute("data-state", "arrived")
    expect(page.get_by_text(re.compile("^No connection. You see the route"))).to_be_visible()
    press(card, "Finish")
    expect(card.get_by_role("checkbox").first).to_be_checked()
    card.get_by_label("Photo of the result").set_input_files(PHOTO)
    expect(card.get_by_text("1 kept")).to_be_visible()
    press(card, "Finish the visit")
    expect(card).to_have_attribute("data-state", "done")
    expect(page.get_by_text("5 waiting to be sent")).to_be_visible()
    shoot(page, "offline")
    assert state_of(client, stop["visit_id"]) == "published"
    page.close()

    page = phone.new_page()
    page.goto(f"{technicians.server}/phone")
    page.get_by_role("button", name=re.compile("^Outbox")).click()
    expect(page.locator("li[data-status=waiting]")).to_have_count(5)
    shoot(page, "outbox")
    phone.set_offline(False)
    expect(page.locator("li[data-status=sent]")).to_have_count(5)
    expect(page.get_by_text("Everything has arrived")).to_be_visible()
    assert state_of(client, stop["visit_id"]) == "done"
    found = dossier_of(technicians, stop)
    visit = next(one for one in found["visits"] if one["id"] == stop["visit_id"])
    events = [one["event"] for one in visit["events"]]
    assert events == ["accepted", "on_the_way", "arrived", "done"]
    assert [one["kind"] for one in found["photos"]] == ["result"]


def test_nobody_opens_and_the_photo_goes_before_the_report_that_rests_on_it(
    phone: BrowserContext, technicians: Technicians, enter: Callable[..., Page]
) -> None:
    login, client, route = technicians.take()
    stop = route["stops"][0]
    page = enter(phone, login)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.set_offline(True)
    card = page.locator("article").first
    press(card, "Accept")
    press(card, "On the way")
    press(card, "I am at the door")
    press(card, "Nobody opens")
    press(card, "Report: nobody opened")
    expect(card.get_by_role("alert")).to_contain_text("Take a photo, or wait")
    card.get_by_label("Photo of the door").set_input_files(large_photo())
    card.get_by_label("What you found").fill("Rang twice")
    press(card, "Report: nobody opened")
    expect(card).to_have_attribute("data-state", "no_access")
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if "/photos?" in one.url else None)
    phone.set_offline(False)
    expect(page.get_by_text("Everything has arrived")).to_be_visible()
    assert len([url for url in sent if "offset=" in url]) > 2, "a large photo goes in pieces"
    assert state_of(client, stop["visit_id"]) == "no_access"


def test_a_refused_event_is_shown_with_words_and_can_be_mended(
    phone: BrowserContext, technicians: Technicians, enter: Callable[..., Page]
) -> None:
    login, client, route = technicians.take()
    stop = route["stops"][0]
    page = enter(phone, login)
    card = page.locator("article").first
    press(card, "Accept")
    press(card, "On the way")
    press(card, "I am at the door")
    press(card, "Finish")
    tick_everything(card)
    press(card, "＋ Add a part")
    card.get_by_label("Part", exact=True).fill("NO-SUCH-PART")
    press(card, "Finish the visit")
    alert = card.get_by_role("alert")
    expect(alert).to_contain_text("does not know this part number")
    # What the server has not taken is not shown as done.
    expect(card).to_have_attribute("data-state", "arrived")
    shoot(page, "refused")
    page.get_by_role("button", name=re.compile("^Outbox")).click()
    row = page.locator("li[data-status=refused]")
    expect(row).to_contain_text("unknown_reference")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Remove from the list").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Route", exact=True).click()
    press(card, "Finish")
    tick_everything(card)
    press(card, "Finish the visit")
    expect(card).to_have_attribute("data-state", "done")
    expect(page.get_by_text("Everything has arrived")).to_be_visible()
    assert state_of(client, stop["visit_id"]) == "done"


def test_signing_out_asks_first_and_keeps_what_waits_for_its_owner(
    phone: BrowserContext, technicians: Technicians, enter: Callable[..., Page]
) -> None:
    login, client, route = technicians.take()
    other, _, _ = technicians.take()
    stop = route["stops"][0]
    page = enter(phone, login)
    page.route("**/api/v1/me/events", lambda request: request.abort())
    press(page.locator("article").first, "Accept")
    expect(page.get_by_text("1 waiting to be sent")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("1 entries have not been sent yet")
    page.get_by_role("alertdialog").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text(re.compile("1 entries of .+ wait on this phone"))).to_be_visible()
    expect(page.locator("article")).to_have_count(0)
    page.unroute("**/api/v1/me/events")
    page.close()
    # Somebody else on the same phone does not send it.
    page = enter(phone, other)
    expect(page.get_by_text(re.compile("1 entries of .+ wait on this phone"))).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("article")).to_have_count(0)
    page.close()
    assert state_of(client, stop["visit_id"]) == "published"
    page = enter(phone, login)
    expect(page.locator("article").first).to_have_attribute("data-state", "accepted")
    expect(page.get_by_text("Everything has arrived")).to_be_visible()
    assert state_of(client, stop["visit_id"]) == "accepted"


def test_an_added_item_is_agreed_to_on_the_screen_with_its_text(
    phone: BrowserContext, technicians: Technicians, enter: Callable[..., Page]
) -> None:
    login, _, route = technicians.take()
    stop = route["stops"][0]
    page = enter(phone, login)
    card = page.locator("article").first
    for item, wanted in (("VISIT", "initial"), ("DOOR-SEAL", "added")):
        if wanted == "initial":
            card.get_by_text("Prices and consent").click()
        card.get_by_role("combobox", name="Item").select_option(item)
        press(card, "Show the price")
        expect(card.get_by_text("Turn the phone to the consumer")).to_be_visible()
        shoot(page, f"quote-{wanted}")
        card.get_by_role("button", name=re.compile("^I agree:")).click()
        expect(card.get_by_role("button", name=re.compile("^I agree:"))).to_have_count(0)
    quotes = told(technicians.desk.get(f"/jobs/{stop['job_id']}/quotes"))["items"]
    assert [(one["kind"], one["status"]) for one in quotes[-2:]] == [
        ("initial", "accepted"),
        ("added", "accepted"),
    ]


def test_it_speaks_chinese_in_the_dark_and_fits_twice_the_type(
    browser: Browser, technicians: Technicians, enter: Callable[..., Page]
) -> None:
    login, _, _ = technicians.take()
    context = browser.new_context(
        viewport=PHONE, locale="zh-CN", color_scheme="dark", is_mobile=True, has_touch=True
    )
    page = enter(context, login)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("button", name="接单").first).to_be_visible()
    shoot(page, "zh-dark")
    small = page.evaluate(
        """[...document.querySelectorAll("button, a.button, summary, select, input")]
            .map((one) => [one.textContent.trim(), one.getBoundingClientRect()])
            .filter(([, box]) => box.width > 1 && (box.height < 44 || box.width < 44))
            .map(([text]) => text)"""
    )
    assert small == []
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    shoot(page, "zh-large")
    page.get_by_role("button", name="奖惩").click()
    expect(page.get_by_text("合计")).to_be_visible()
    shoot(page, "zh-merits")
    context.close()
