from __future__ import annotations

from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from api.db.models import Technician, Training, Visit
from tests.api.finished import finished_jobs, technician_of
from tests.api.world import World

V1 = "/api/v1"


def day(ago: int) -> str:
    return str(date.today() - timedelta(days=ago))  # noqa: DTZ011 - days far from midnight's edge


PERIOD = {"from": day(20), "to": day(3)}


@pytest.fixture(scope="module")
def boss(world: World) -> FlaskClient:
    return world.client("admin")


@pytest.fixture(scope="module")
def done(world: World) -> list[UUID]:
    """Five jobs done ten days ago, the last of them without anybody seen at the door."""
    jobs = finished_jobs(world, 5, timedelta(days=10))
    with world.sessions.begin() as session:
        visit = session.scalars(
            select(Visit).where(Visit.job_id == jobs[-1], Visit.state == "done")
        ).one()
        visit.arrived_at = None
    return jobs


def contract(boss: FlaskClient, **changes: Any) -> str:
    terms = {
        "number": f"C-{uuid4()}",
        "kind": "subsidy",
        "party": "the county",
        "valid_from": day(400),
        "unit_fen": 5000,
    } | changes
    made = boss.post(f"{V1}/contracts", json=terms)
    assert made.status_code == 201, made.text
    return str(made.get_json()["id"])


def settle(boss: FlaskClient, contract_id: str, **changes: str) -> Any:
    return boss.post(f"{V1}/contracts/{contract_id}/settlements", json=PERIOD | changes)


def test_each_yuan_leads_to_a_verified_job_and_each_refusal_says_why(
    boss: FlaskClient, done: list[UUID]
) -> None:
    made = settle(boss, contract(boss)).get_json()
    paid = {line["record"] for line in made["document"]["lines"]}
    assert {str(job) for job in done[:4]} <= paid
    assert made["total_fen"] == 5000 * len(paid)
    refused = {row["record"]: row["because"] for row in made["document"]["refused"]}
    assert refused[str(done[4])] == ["arrival_not_verified"]


def test_a_statement_equals_its_replay_until_the_record_changes(
    world: World, boss: FlaskClient, done: list[UUID]
) -> None:
    made = settle(boss, contract(boss)).get_json()
    replay = f"{V1}/settlements/{made['id']}/replay"
    assert boss.get(replay).get_json()["equal"] is True
    with world.sessions.begin() as session:
        session.execute(text("UPDATE job SET status = 'open' WHERE id = :id"), {"id": done[0]})
    found = boss.get(replay).get_json()
    assert (found["equal"], found["difference_fen"]) == (False, -5000)
    with world.sessions.begin() as session:
        session.execute(text("UPDATE job SET status = 'done' WHERE id = :id"), {"id": done[0]})


def test_a_day_is_settled_once(boss: FlaskClient, done: list[UUID]) -> None:
    mine = contract(boss)
    assert settle(boss, mine).status_code == 201
    overlapping = settle(boss, mine, **{"from": day(4), "to": day(2)})
    assert overlapping.get_json()["code"] == "already_exists"
    assert settle(boss, mine, **{"from": day(2), "to": day(0)}).get_json()["code"] == "invalid"


def test_a_franchised_outlets_manager_sees_and_answers_its_own_statement_only(
    world: World, boss: FlaskClient, done: list[UUID]
) -> None:
    _, outlet = technician_of(world, done[0])
    mine = contract(
        boss,
        kind="franchise",
        outlet_id=str(outlet),
        unit_fen=0,
        share_permille=300,
        monthly_fee_fen=9900,
    )
    made = settle(boss, mine).get_json()
    assert made["total_fen"] <= -9900
    answer = f"{V1}/settlements/{made['id']}/answer"
    assert boss.post(answer, json={"accepted": False}).get_json()["code"] == "invalid"
    disputed = boss.post(answer, json={"accepted": False, "note": "a job is missing"})
    assert disputed.get_json()["status"] == "disputed"
    assert boss.post(answer, json={"accepted": True}).get_json()["status"] == "accepted"
    late = boss.post(answer, json={"accepted": False, "note": "no"})
    assert late.get_json()["code"] == "already_decided"


def test_the_training_fund_pays_for_trainings_on_record(world: World, boss: FlaskClient) -> None:
    with world.sessions.begin() as session:
        number = session.scalars(select(Technician.number).limit(1)).one()
        session.add(
            Training(
                technician_number=number,
                course="R290 safely",
                cost_fen=120_000,
                completed_on=datetime.fromisoformat(day(9)).date(),
            )
        )
    fund = contract(boss, kind="training_fund", unit_fen=0, cap_fen=1_000_000)
    made = settle(boss, fund).get_json()
    assert made["total_fen"] == 120_000
    assert made["document"]["lines"][0]["label"] == "R290 safely"


def test_a_claim_sheet_adds_up(boss: FlaskClient, done: list[UUID]) -> None:
    made = settle(boss, contract(boss)).get_json()
    sheet = boss.get(f"{V1}/settlements/{made['id']}/claim")
    assert sheet.status_code == 200
    book = CalamineWorkbook.from_filelike(BytesIO(sheet.data))
    assert book.sheet_names == ["summary", "paid", "refused"]
    rows = book.get_sheet_by_name("paid").to_python()[1:-1]
    assert round(sum(row[3] for row in rows) * 100) == made["total_fen"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "franchise"}, "invalid"),
        ({"kind": "lot", "unit_fen": 0}, "invalid"),
        ({"kind": "gift"}, "invalid"),
        ({"unit_fen": -1}, "invalid"),
        ({"outlet_id": str(UUID(int=1))}, "unknown_reference"),
    ],
)
def test_terms_that_do_not_fit_are_one_clear_error(
    boss: FlaskClient, changes: dict[str, Any], code: str
) -> None:
    terms = {"number": "X", "kind": "subsidy", "party": "p", "valid_from": day(9), "unit_fen": 1}
    assert boss.post(f"{V1}/contracts", json=terms | changes).get_json()["code"] == code
