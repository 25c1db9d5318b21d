"""Rows 3.1 and 3.2: subsidies and funds, franchise and purchased service."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from api.db.models import Job, Technician, Training, Visit
from tests.api.finished import finished_jobs, technician_of
from tests.api.world import World

V1 = "/api/v1"


def day(ago: int) -> str:
    return str(datetime.now(UTC).date() - timedelta(days=ago))


@pytest.fixture(scope="module")
def done(world: World) -> list[UUID]:
    return finished_jobs(world, 4, timedelta(days=9))


def settled(world: World, **terms: Any) -> dict[str, Any]:
    boss = world.client("admin")
    new = {"number": str(uuid4()), "party": "p", "valid_from": day(99)} | terms
    contract = boss.post(f"{V1}/contracts", json=new)
    assert contract.status_code == 201, contract.text
    made = boss.post(
        f"{V1}/contracts/{contract.get_json()['id']}/settlements",
        json={"from": day(20), "to": day(4)},
    )
    assert made.status_code == 201, made.text
    replay = boss.get(f"{V1}/settlements/{made.get_json()['id']}/replay").get_json()
    assert replay["equal"] is True
    return dict(made.get_json())


def test_3_1_subsidies_and_funds_each_yuan_leads_to_verified_work(
    world: World, done: list[UUID]
) -> None:
    with world.sessions.begin() as session:
        visit = session.scalars(select(Visit).where(Visit.job_id == done[0])).one()
        visit.arrived_at = None
        session.add(
            Training(
                technician_number=session.scalars(select(Technician.number).limit(1)).one(),
                course="courtesy",
                cost_fen=30_000,
                completed_on=datetime.now(UTC).date() - timedelta(days=8),
            )
        )
    made = settled(world, kind="subsidy", unit_fen=700)
    with world.sessions() as session:
        for line in made["document"]["lines"]:
            job = session.get_one(Job, UUID(line["record"]))
            assert (job.status, line["fen"]) == ("done", 700)
    assert str(done[0]) in {row["record"] for row in made["document"]["refused"]}
    claim = world.client("admin").get(f"{V1}/settlements/{made['id']}/claim")
    book = CalamineWorkbook.from_filelike(io.BytesIO(claim.get_data()))
    head, *rows, _total = book.get_sheet_by_name("paid").to_python()
    paid = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row[head[0]] for row in paid] == [line["record"] for line in made["document"]["lines"]]
    assert round(100 * sum(row[head[3]] for row in paid)) == made["total_fen"] > 0
    assert all(row[head[5]] for row in paid), "an arrival stands beside each sum"
    fund = settled(world, kind="training_fund", cap_fen=50_000)
    assert fund["total_fen"] == 30_000


def test_3_2_franchise_and_purchased_service_settle_to_a_replay(
    world: World, done: list[UUID]
) -> None:
    _, outlet = technician_of(world, done[1])
    fees = settled(
        world,
        kind="franchise",
        outlet_id=str(outlet),
        share_permille=400,
        monthly_fee_fen=5000,
        valid_until=day(-900),
    )
    assert fees["document"]["lines"][-1]["fen"] == -5000
    lot = settled(world, kind="lot", unit_fen=900, quantity=2)
    assert lot["total_fen"] == 1800
    reasons = {reason for row in lot["document"]["refused"] for reason in row["because"]}
    assert "cap_reached" in reasons
