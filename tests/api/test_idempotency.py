from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from api.db.models import IdempotencyKey, Job
from api.services import idempotency
from tests.api.world import World, report


def jobs(world: World) -> int:
    with world.sessions() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def test_the_same_key_and_request_get_the_same_answer_and_change_nothing(
    world: World, dispatcher: FlaskClient
) -> None:
    key = {"Idempotency-Key": "once"}
    first = dispatcher.post("/api/v1/requests", json=report(), headers=key)
    before = jobs(world)
    again = dispatcher.post("/api/v1/requests", json=report(), headers=key)
    assert again.status_code == first.status_code == 201
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert jobs(world) == before


def test_the_same_key_with_another_body_is_refused(world: World, dispatcher: FlaskClient) -> None:
    key = {"Idempotency-Key": "other body"}
    assert dispatcher.post("/api/v1/requests", json=report(), headers=key).status_code == 201
    before = jobs(world)
    answer = dispatcher.post("/api/v1/requests", json=report(channel="web"), headers=key)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
    assert jobs(world) == before


def test_a_key_belongs_to_its_person(world: World, dispatcher: FlaskClient) -> None:
    key = {"Idempotency-Key": "shared"}
    first = dispatcher.post("/api/v1/requests", json=report(), headers=key).get_json()
    other = world.client("admin").post("/api/v1/requests", json=report(), headers=key).get_json()
    assert first["id"] != other["id"]


def test_a_refused_request_does_not_use_up_its_key(dispatcher: FlaskClient) -> None:
    key = {"Idempotency-Key": "second try"}
    bad = dispatcher.post("/api/v1/requests", json=report(channel="fax"), headers=key)
    assert bad.status_code == 422
    assert dispatcher.post("/api/v1/requests", json=report(), headers=key).status_code == 201


def test_a_key_that_is_none_is_refused(dispatcher: FlaskClient) -> None:
    for key in ("", "k" * 201, "é"):
        answer = dispatcher.post(
            "/api/v1/requests", json=report(), headers={"Idempotency-Key": key}
        )
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid"), key


def test_of_threads_that_race_with_one_key_one_does_the_work_and_all_get_its_answer(
    world: World,
) -> None:
    racers = 6
    clients = [world.client("dispatch") for _ in range(racers)]
    start = Barrier(racers)
    before = jobs(world)

    def race(client: FlaskClient) -> tuple[int, bytes, bool]:
        start.wait()
        answer = client.post("/api/v1/requests", json=report(), headers={"Idempotency-Key": "race"})
        return answer.status_code, answer.data, "Idempotency-Replayed" in answer.headers

    with ThreadPoolExecutor(racers) as pool:
        answers = list(pool.map(race, clients))
    assert {(status, body) for status, body, _ in answers} == {answers[0][:2]}
    assert answers[0][0] == 201
    assert sorted(replayed for _, _, replayed in answers) == [False] + [True] * (racers - 1)
    assert jobs(world) == before + 1


def test_answers_are_forgotten_after_a_week_and_not_before(
    world: World, dispatcher: FlaskClient
) -> None:
    now = datetime.now(UTC)
    for name, age in (("young", timedelta(days=6)), ("old", timedelta(days=8))):
        headers = {"Idempotency-Key": name}
        assert (
            dispatcher.post("/api/v1/requests", json=report(), headers=headers).status_code == 201
        )
        with world.sessions.begin() as session:
            session.execute(
                update(IdempotencyKey)
                .where(IdempotencyKey.key == name)
                .values(created_at=now - age)
            )
    with world.sessions.begin() as session:
        assert idempotency.forget(session, now) == 1
    before = jobs(world)
    for name, made in (("young", 0), ("old", 1)):
        headers = {"Idempotency-Key": name}
        assert (
            dispatcher.post("/api/v1/requests", json=report(), headers=headers).status_code == 201
        )
        assert jobs(world) == before + made
        before = jobs(world)
