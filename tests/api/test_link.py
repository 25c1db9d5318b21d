from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from api.db.models import ConsumerLink
from tests.api.cases import get, new_job, post, quote
from tests.api.ownership import Bearer, consumer
from tests.api.world import World


def holder(world: World, url: str) -> Bearer:
    client = Bearer(world.app, world.app.response_class)
    client.secret = url.partition("#")[2]
    return client


def test_a_link_comes_with_a_qr_code_and_only_its_hash_is_kept(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    made = post(desk, f"/jobs/{job['id']}/links", {"days": 7})
    assert made["qr_svg"].startswith("<svg")
    assert "/c/#zhl_" in made["url"]
    secret = made["url"].partition("#")[2]
    with world.sessions() as session:
        row = session.get_one(ConsumerLink, UUID(made["id"]))
        assert secret.encode() not in row.secret_hash
        left = row.expires_at - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert get(holder(world, made["url"]), "/link")["number"] == job["number"]


def test_a_repeat_under_the_same_key_does_not_tell_the_secret_again(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    path, headers = f"/api/v1/jobs/{job['id']}/links", {"Idempotency-Key": "link-1"}
    first = desk.post(path, json={}, headers=headers).get_json()
    again = desk.post(path, json={}, headers=headers).get_json()
    assert again == {**first, "url": None, "qr_svg": None}


def test_a_new_link_ends_the_old_one_and_closing_ends_both(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    old, new = (post(desk, f"/jobs/{job['id']}/links", {})["url"] for _ in range(2))
    answer = holder(world, old).get("/api/v1/link")
    assert (answer.status_code, answer.get_json()["code"]) == (410, "link_expired")
    assert get(holder(world, new), "/link")["job_id"] == job["id"]
    assert desk.delete(f"/api/v1/jobs/{job['id']}/links").status_code == 204
    assert holder(world, new).get("/api/v1/link").status_code == 410
    made_up = holder(world, "#zhl_nothing").get("/api/v1/link")
    assert (made_up.status_code, made_up.get_json()["code"]) == (401, "not_signed_in")


def test_a_consumer_reaches_nothing_but_the_own_job(world: World) -> None:
    desk = world.client("dispatch")
    mine, other = new_job(desk), new_job(desk)
    own = consumer(world, UUID(mine["id"]))
    one = quote(desk, other["id"])
    assert own.get(f"/api/v1/jobs/{other['id']}/quotes").status_code == 404
    sent = {"sha256": one["sha256"], "agreed": True}
    foreign = own.post(f"/api/v1/jobs/{other['id']}/quotes/{one['id']}/decision", json=sent)
    assert foreign.status_code == 404
    for path in ("/jobs", "/requests", "/complaints", "/breaches"):
        assert own.get(f"/api/v1{path}").status_code == 403


def test_a_time_in_the_past_or_too_far_ahead_is_refused_and_nothing_changes(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    own = consumer(world, UUID(job["id"]))
    for days in (-1, 90):
        start = datetime.now(UTC) + timedelta(days=days)
        end = start + timedelta(hours=2)
        sent = {
            "id": str(uuid7()),
            "start": start.isoformat(),
            "end": end.isoformat(),
            "reason": "away",
        }
        assert post(own, "/link/postponements", sent, 422)["code"] == "invalid"
    assert get(desk, f"/jobs/{job['id']}")["windows"] == []
    assert len(get(own, "/link")["deadlines"]) == 1


def test_whoever_asks_too_often_is_told_to_wait(world: World) -> None:
    world.app.config["LINK_LIMIT"] = "2 per minute"
    try:
        stranger = holder(world, "#zhl_guess")
        codes = [stranger.get("/api/v1/link").status_code for _ in range(4)]
    finally:
        world.app.config["LINK_LIMIT"] = "10000 per minute"
    assert codes[-1] == 429


def test_every_link_is_kept(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    for _ in range(3):
        post(desk, f"/jobs/{job['id']}/links", {})
    with world.sessions() as session:
        rows = session.scalars(
            select(ConsumerLink).where(ConsumerLink.job_id == UUID(job["id"]))
        ).all()
    assert len(rows) == 3
    assert sum(row.revoked_at is None for row in rows) == 1
