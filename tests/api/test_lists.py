"""Lists that are worked out rather than stored page like all others."""

from __future__ import annotations

from typing import Any

import pytest

from api.services.paging import page_of_rows
from api.services.refusals import Refusal
from tests.api.world import World, report

V1 = "/api/v1"


@pytest.mark.parametrize(
    "path",
    [
        "/exceptions",
        "/breaches?lead_s=604800",
        "/stock",
        "/equipment/due",
        "/webhooks",
        "/audit-actions",
        "/follow-ups?from=2026-01-01&to=2199-12-31",
    ],
)
def test_a_list_told_page_by_page_is_the_list(world: World, path: str) -> None:
    admin, step = world.client("admin"), f"{V1}{path}{'&' if '?' in path else '?'}"
    if path == "/webhooks":
        for number in range(3):
            made = admin.post(f"{V1}/webhooks", json={"url": f"http://8.8.8.8/{number}"})
            assert made.status_code == 201, made.text
    whole = admin.get(f"{step}limit=500").get_json()
    assert whole["next"] is None
    size = max(1, -(-len(whole["items"]) // 4))
    found: list[Any] = []
    query = f"{step}limit={size}"
    while True:
        page = admin.get(query).get_json()
        found += page["items"]
        if page["next"] is None:
            break
        assert len(page["items"]) == size
        query = f"{step}limit={size}&cursor={page['next']}"
    assert found == whole["items"]
    refused = admin.get(f"{step}cursor=nonsense")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "invalid")


def test_a_report_from_beyond_the_region_is_taken_and_listed(world: World) -> None:
    desk = world.client("desk")
    swapped = desk.post("/api/v1/requests", json=report(place={"lat": -71.25, "lon": -29.9}))
    right = desk.post("/api/v1/requests", json=report())
    assert (swapped.status_code, right.status_code) == (201, 201)
    rows = desk.get(f"{V1}/exceptions?limit=500").get_json()["items"]
    outside = [one["subject_id"] for one in rows if one["kind"] == "place_outside"]
    assert outside == [swapped.get_json()["id"]]


def test_a_page_stays_right_while_rows_are_added_and_removed() -> None:
    def page(rows: list[str], cursor: str | None) -> tuple[list[str], str | None]:
        return page_of_rows(rows, lambda row: (row,), 1, cursor, 2)

    first, cursor = page(["b", "d", "f"], None)
    assert first == ["b", "d"]
    assert page(["a", "b", "c", "f", "g", "h"], cursor)[0] == ["f", "g"]
    with pytest.raises(Refusal):
        page_of_rows(["a"], lambda row: (row, row), 2, cursor, 2)
