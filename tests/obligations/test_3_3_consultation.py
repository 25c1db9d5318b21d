"""Row 3.3: several parties consult."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from api.access import V1
from api.db.models import Job, Suggestion
from api.services.consultation import policy_on
from domain.consultation import consultation_policy
from tests.api.finished import finished_jobs
from tests.api.ownership import consumer
from tests.api.world import World

PATH = f"{V1}/consultation"


@pytest.fixture(scope="module")
def parties(world: World) -> dict[str, FlaskClient]:
    with world.sessions() as session:
        job_id = session.scalars(select(Job.id).order_by(Job.number).limit(1)).one()
    return {
        "regulator": world.client("regulator"),
        "association": world.client("association"),
        "assessor": world.client("assessor"),
        "consumer": consumer(world, job_id),
    }


def test_3_3_consult_no_suggestion_is_unanswered_past_its_date_without_being_listed(
    world: World, parties: dict[str, FlaskClient]
) -> None:
    auditor = world.client("auditor")
    item = auditor.post(f"{PATH}/agenda", json={"title": "evenings", "text": "More of them?"})
    assert item.status_code == 201, item.text
    made: dict[str, dict[str, Any]] = {}
    for party, client in parties.items():
        assert client.get(f"{PATH}/agenda").get_json()["items"][0]["title"] == "evenings"
        sent = {"text": f"said by the {party}", "agenda_item_id": item.get_json()["id"]}
        answer = client.post(f"{PATH}/suggestions", json=sent)
        assert answer.status_code == 201, answer.text
        made[party] = answer.get_json()
        promised = date.fromisoformat(made[party]["due_on"])
        wait = policy_on(promised).answer_within_days[party]
        assert abs((promised - datetime.now(UTC).date()).days - wait) <= 1

    def late() -> set[str]:
        return {one["party"] for one in auditor.get(f"{PATH}/suggestions?late=true").json["items"]}

    assert late() == set()
    reply = f"{PATH}/suggestions/{made['regulator']['id']}/answer"
    assert auditor.post(reply, json={"text": "From March on."}).status_code == 200
    assert auditor.post(reply, json={"text": "Never."}).get_json()["code"] == "already_decided"
    with world.sessions.begin() as session:
        session.execute(
            update(Suggestion).values(due_on=datetime.now(UTC).date() - timedelta(days=3))
        )
    assert late() == set(parties)
    for one in made.values():
        auditor.post(f"{PATH}/suggestions/{one['id']}/answer", json={"text": "From March on."})
    # Answered late is told as late; it does not vanish with the answer.
    assert late() == set(parties)
    with world.sessions.begin() as session:
        session.execute(
            update(Suggestion)
            .where(Suggestion.id == UUID(made["consumer"]["id"]))
            .values(due_on=datetime.now(UTC).date() + timedelta(days=3))
        )
    assert late() == set(parties) - {"consumer"}


def test_3_3_consult_consumer_and_assessor_read_their_own_suggestions_only(
    world: World, parties: dict[str, FlaskClient]
) -> None:
    for party, client in parties.items():
        client.post(f"{PATH}/suggestions", json={"text": "one more"})
        seen = {one["party"] for one in client.get(f"{PATH}/suggestions").get_json()["items"]}
        own_only = party in ("consumer", "assessor")
        assert seen == {party} if own_only else seen == set(parties)
    with world.sessions() as session:
        jobs = session.scalars(select(Job.id).order_by(Job.number).limit(2)).all()
    neighbour = consumer(world, jobs[1])
    assert neighbour.get(f"{PATH}/suggestions").get_json()["items"] == []


def test_3_3_consult_all_parties_are_shown_the_same_figures_and_no_small_group(
    world: World, parties: dict[str, FlaskClient]
) -> None:
    finished_jobs(world, 6)
    today = datetime.now(UTC).date()
    query = {"from": str(today - timedelta(days=30)), "to": str(today + timedelta(days=1))}
    answers = [
        client.get(f"{PATH}/indicators", query_string=query).get_json()
        for client in parties.values()
    ]
    assert all(answer == answers[0] for answer in answers)
    smallest = answers[0]["smallest_group"]
    shares = [one["share"] for group in answers[0]["groups"] for one in group["shares"]]
    assert any(share is not None for share in shares)
    assert all(share is None or share["of"] >= smallest for share in shares)
    backwards = {"from": query["to"], "to": query["from"]}
    refused = parties["regulator"].get(f"{PATH}/indicators", query_string=backwards)
    assert refused.get_json()["code"] == "invalid"


def test_3_3_consult_an_unknown_agenda_item_and_an_empty_text_are_refused(
    parties: dict[str, FlaskClient],
) -> None:
    regulator = parties["regulator"]
    unknown = {"text": "x", "agenda_item_id": "00000000-0000-4000-8000-000000000000"}
    assert regulator.post(f"{PATH}/suggestions", json=unknown).json["code"] == "unknown_reference"
    assert regulator.post(f"{PATH}/suggestions", json={"text": ""}).json["code"] == "invalid"


def test_3_3_consult_a_policy_without_a_promise_to_a_party_is_refused() -> None:
    table = {
        "version": "x",
        "valid_from": date(2026, 1, 1),
        "smallest_group": 5,
        "answer_within_days": {"regulator": 1},
    }
    with pytest.raises(ValueError, match="promise"):
        consultation_policy(table)
