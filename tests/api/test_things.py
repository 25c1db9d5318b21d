"""People and things: parts as moves, equipment and papers, and that the optimizer is told."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from api.__main__ import main
from api.db.models import Job, PartReservation, StockBalance, StockMove, Technician, Visit
from api.services.equipment import fit_on
from api.services.history import check_history
from api.services.regions import planning_day, the_region
from api.services.snapshot import pose, read_day
from api.services.stock import free_stock, used_at
from tests.api.world import TICKS, World, busy_logins, event, first_stop

V1 = "/api/v1"


def part(planner: FlaskClient, **changes: Any) -> str:
    code = f"P-{uuid7().hex[-8:]}"
    told = {"code": code, "name": "Pump", "cost_fen": 12_345} | changes
    assert planner.post(f"{V1}/parts", json=told).status_code == 201
    return code


def moved(
    client: FlaskClient, code: str, quantity: int, origin: str, goal: str, **more: Any
) -> Any:
    told = {"part": code, "quantity": quantity, "origin": origin, "goal": goal}
    return client.post(f"{V1}/stock/moves", json={"kind": "received"} | told | more)


def in_van(world: World, number: int, code: str) -> int:
    with world.sessions() as session:
        return session.get_one(Technician, number).stock.get(code, 0)


def number_of(world: World, client: FlaskClient) -> int:
    own = UUID(client.get(f"{V1}/session").get_json()["technician_id"])
    with world.sessions() as session:
        return session.scalars(select(Technician.number).where(Technician.id == own)).one()


def test_what_vans_carried_before_are_their_opening_moves(world: World) -> None:
    with world.sessions() as session:
        opening = session.scalar(
            select(func.sum(StockMove.quantity)).where(StockMove.kind == "opening")
        )
        carried = session.scalar(
            select(func.sum(StockBalance.quantity)).where(StockBalance.place.like("van:%"))
        )
        assert opening == carried
        assert opening


def test_parts_used_at_a_door_leave_the_van_with_their_serials_and_their_cost(
    world: World, planner: FlaskClient, dispatcher: FlaskClient
) -> None:
    code = part(planner, serialised=True)
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    number = number_of(world, client)
    assert moved(dispatcher, code, 2, "supplier", f"van:{number}").status_code == 201
    for kind in ("accepted", "on_the_way", "arrived"):
        client.post(f"{V1}/visits/{visit_id}/events", json=event(kind))
    path = f"{V1}/visits/{visit_id}/events"
    ticks = {"checklist": dict.fromkeys(TICKS, True)}

    def done(**row: Any) -> Any:
        return client.post(path, json=event("done", details=ticks | {"parts": [row]}))

    assert done(part=code, quantity=1).get_json()["code"] == "serial_needed"
    assert done(part="NO-SUCH", quantity=1).get_json()["code"] == "unknown_reference"
    assert done(part=code, quantity=1, serial="S-1").status_code == 201
    assert in_van(world, number, code) == 1
    with world.sessions() as session:
        job_id = session.get_one(Visit, visit_id).job_id
        assert used_at(session, job_id) == [
            {"part": code, "serial": "S-1", "quantity": 1, "cost_fen": 12_345}
        ]
        assert (
            session.scalars(
                select(PartReservation).where(PartReservation.visit_id == visit_id)
            ).all()
            == []
        )
    # A new price does not change what was.
    planner.post(
        f"{V1}/parts", json={"code": code, "name": "Pump", "cost_fen": 99, "serialised": True}
    )
    costs = dispatcher.get(f"{V1}/jobs/{job_id}/costs").get_json()
    assert costs["parts_fen"] == 12_345
    assert costs["total_fen"] == costs["parts_fen"] + costs["labour_fen"]
    back = moved(
        dispatcher, code, 1, f"job:{job_id}", f"van:{number}", kind="returned", serial="S-1"
    )
    assert back.status_code == 201, back.text
    assert in_van(world, number, code) == 2
    assert dispatcher.get(f"{V1}/jobs/{job_id}/costs").get_json()["parts_fen"] == 0


def test_nothing_becomes_negative_and_a_refused_event_leaves_nothing_behind(
    world: World, planner: FlaskClient, dispatcher: FlaskClient
) -> None:
    code = part(planner)
    client, visit_id = first_stop(world, busy_logins(world, 2)[1])
    for kind in ("accepted", "on_the_way", "arrived"):
        client.post(f"{V1}/visits/{visit_id}/events", json=event(kind))
    details = {"checklist": dict.fromkeys(TICKS, True), "parts": [{"part": code, "quantity": 1}]}
    short = client.post(f"{V1}/visits/{visit_id}/events", json=event("done", details=details))
    assert (short.status_code, short.get_json()["code"]) == (409, "stock_short")
    with world.sessions() as session:
        assert session.get_one(Visit, visit_id).state == "arrived"
        assert session.scalars(select(StockMove).where(StockMove.part == code)).all() == []
    # The same from a phone that was offline is held until the count is put right.
    told = event("done", visit_id=str(visit_id), details=details)
    sent = {"sent_at": datetime.now(UTC).isoformat(), "events": [told]}
    assert client.post(f"{V1}/me/events", json=sent).get_json()["events"][0]["code"] == (
        "stock_short"
    )
    found = moved(
        dispatcher, code, 1, "counted", f"van:{number_of(world, client)}",
        kind="counted", reason="it was there",
    )  # fmt: skip
    assert found.status_code == 201
    settled = dispatcher.post(f"{V1}/held-events/{told['id']}/settle", json={"decision": "retry"})
    assert settled.get_json()["outcome"] == "taken"


def test_two_who_take_the_last_piece_do_not_both_get_it(world: World, planner: FlaskClient) -> None:
    code = part(planner)
    with world.sessions() as session:
        one, other, third = session.scalars(
            select(Technician.number).order_by(Technician.number).limit(3)
        ).all()
    assert moved(world.client("dispatch"), code, 10, "supplier", f"van:{one}").status_code == 201
    clients = [world.client("dispatch") for _ in range(6)]

    def take(number: int) -> int:
        goal = f"van:{other if number % 2 else third}"
        answer = moved(clients[number], code, 3, f"van:{one}", goal, kind="transferred")
        return int(answer.status_code)

    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = sorted(pool.map(take, range(len(clients))))
    assert statuses == [201, 201, 201, 409, 409, 409]
    assert [in_van(world, number, code) for number in (one,)] == [1]
    assert in_van(world, other, code) + in_van(world, third, code) == 9


def test_moves_the_opposite_way_at_once_lose_nothing(world: World, planner: FlaskClient) -> None:
    codes = [part(planner), part(planner)]
    desk = world.client("dispatch")
    with world.sessions() as session:
        one, other = session.scalars(
            select(Technician.number).order_by(Technician.number.desc()).limit(2)
        ).all()
    for code in codes:
        for van in (one, other):
            assert moved(desk, code, 20, "supplier", f"van:{van}").status_code == 201
    clients = [world.client("dispatch") for _ in range(6)]

    def swap(number: int) -> set[int]:
        ends = [f"van:{one}", f"van:{other}"][:: 1 if number % 2 else -1]
        code = codes[number // 2 % 2]
        return {
            moved(clients[number], code, 1, *ends, kind="transferred").status_code for _ in range(4)
        }

    with ThreadPoolExecutor(len(clients)) as pool:
        assert set().union(*pool.map(swap, range(len(clients)))) == {201}
    for code in codes:
        assert in_van(world, one, code) + in_van(world, other, code) == 40


def test_reserved_pieces_do_not_leave_the_van(
    world: World, planner: FlaskClient, dispatcher: FlaskClient
) -> None:
    with world.sessions() as session:
        row = session.execute(
            select(PartReservation, Visit.technician_number)
            .join(Visit, Visit.id == PartReservation.visit_id)
            .where(Visit.active, Visit.state == "published")
            .limit(1)
        ).first()
        assert row is not None, "the day has a job with parts"
        reservation, number = row
        who = session.get_one(Technician, number)
        have = who.stock[reservation.part]
        kept = free_stock(session, [who], [])[number].get(reservation.part, 0)
        assert kept < have
        mine = [reservation.visit_id]
        assert free_stock(session, [who], mine)[number].get(reservation.part, 0) > kept
        outlet_id = who.outlet_id
    answer = moved(
        dispatcher, reservation.part, have, f"van:{number}", f"outlet:{outlet_id}",
        kind="transferred",
    )  # fmt: skip
    assert (answer.status_code, answer.get_json()["code"]) == (409, "stock_short")
    assert answer.get_json()["params"]["reserved"] >= reservation.quantity
    assert in_van(world, number, reservation.part) == have


def test_moves_are_never_changed(world: World) -> None:
    for statement in (
        update(StockMove).values(quantity=1),
        text("DELETE FROM stock_move"),
    ):
        with (
            world.sessions() as session,
            pytest.raises(IntegrityError, match="never changed"),
        ):
            session.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 0},
        {"origin": "moon"},
        {"goal": "supplier"},
        {"kind": "used"},
        {"kind": "scrapped", "origin": "van:1", "goal": "scrap"},
        {"serial": "S-1", "quantity": 2},
    ],
)
def test_a_move_that_makes_no_sense_is_refused(
    dispatcher: FlaskClient, change: dict[str, Any]
) -> None:
    told = {"part": "PUMP", "quantity": 1, "origin": "supplier", "goal": "van:1"}
    answer = dispatcher.post(f"{V1}/stock/moves", json=told | {"kind": "received"} | change)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


def test_the_optimizer_is_told_what_papers_devices_and_vans_say_on_the_day(
    world: World, planner: FlaskClient, dispatcher: FlaskClient
) -> None:
    with world.sessions() as session:
        zone = the_region(session).timezone
        now = datetime.now(UTC)
        day = planning_day(session, now, zone)
        shift_numbers = [shift.technician_number for shift in read_day(session, day, zone).shifts]
        who = session.get_one(Technician, shift_numbers[0])
        skill = next(iter(who.skills))
        technician_id, number, outlet_id = who.id, who.number, who.outlet_id
    device = planner.post(
        f"{V1}/equipment",
        json={
            "kind": "gas-detector",
            "serial": str(uuid7()),
            "outlet_id": str(outlet_id),
            "technician_id": str(technician_id),
            "in_service_from": (day - timedelta(days=400)).isoformat(),
            "duties": [{"kind": "calibration", "every_days": 365, "first_due_on": day.isoformat()}],
        },
    ).get_json()

    def told() -> tuple[dict[str, int], frozenset[str], str]:
        with world.sessions() as session:
            rows = read_day(session, day, zone)
        question = pose(rows, now, world.roads)
        one = next(t for t in question.problem.technicians if t.id == str(technician_id))
        return dict(one.skills), one.equipment, rows.fingerprint

    skills, equipment, before = told()
    assert skill in skills
    assert "gas-detector" in equipment
    failed = {
        "kind": "calibration", "done_on": (day - timedelta(days=1)).isoformat(), "passed": False,
        "valid_until": (day + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    path = f"{V1}/equipment/{device['id']}/checks"
    assert dispatcher.post(path, json=failed).status_code == 201
    training = {
        "course": "Course that has run out", "skill": skill, "level": 9,
        "completed_on": (day - timedelta(days=400)).isoformat(),
        "valid_until": (day - timedelta(days=1)).isoformat(),
    }  # fmt: skip
    trained = planner.post(f"{V1}/technicians/{technician_id}/trainings", json=training)
    assert trained.status_code == 201
    skills, equipment, after = told()
    assert skill not in skills
    assert "gas-detector" not in equipment
    assert after != before
    due = dispatcher.get(f"{V1}/equipment/due").get_json()["items"]
    assert device["id"] in {row["equipment_id"] for row in due if row["overdue"]}
    renewed = training | {"valid_until": None, "completed_on": day.isoformat()}
    planner.post(f"{V1}/technicians/{technician_id}/trainings", json=renewed)
    assert skill in told()[0]
    with world.sessions() as session:
        crossing = fit_on(
            session,
            [session.get_one(Technician, number)],
            {number: [day - timedelta(days=401), day]},
        )[number][0]
    # Before the first course nothing was valid: for a stretch that begins then it does not count.
    assert skill not in crossing


def test_a_job_for_two_and_with_equipment_is_posed_as_one(world: World) -> None:
    with world.sessions() as session:
        zone = the_region(session).timezone
        now = datetime.now(UTC)
        day = planning_day(session, now, zone)
        job = next(one for one in read_day(session, day, zone).jobs if one.status == "open")
        job.crew, job.equipment = 2, ["lifting-belt"]
        session.flush()
        question = pose(read_day(session, day, zone), now, world.roads)
        job_id = str(job.id)
        session.rollback()
    told = next(one for one in question.problem.jobs if one.id == job_id)
    assert (told.crew, told.equipment) == (2, frozenset({"lifting-belt"}))


def test_what_is_not_done_on_site_is_not_posed(world: World) -> None:
    with world.sessions() as session:
        zone = the_region(session).timezone
        day = planning_day(session, datetime.now(UTC), zone)
        job = next(one for one in read_day(session, day, zone).jobs if one.status == "open")
        session.execute(update(Job).where(Job.id == job.id).values(mode="remote"))
        assert job.id not in {one.id for one in read_day(session, day, zone).jobs}


def test_the_checker_finds_an_assignment_past_expiry_and_stock_that_does_not_sum_up(
    world: World,
) -> None:
    with world.sessions() as session:
        assert check_history(session)[1] == []
        visit = session.scalars(
            select(Visit).join(Job, Job.id == Visit.job_id).where(Job.skills != {}).limit(1)
        ).one()
        skill, visit_id = next(iter(visit.job.skills)), visit.id
        session.execute(
            text(
                "INSERT INTO certificate (id, technician_number, name, skill, valid_from, "
                "valid_until) VALUES (:id, :number, 'old', :skill, '2020-01-01', '2020-12-31')"
            ),
            {"id": uuid7(), "number": visit.technician_number, "skill": skill},
        )
        session.execute(
            text("DELETE FROM certificate WHERE technician_number = :number AND name <> 'old'"),
            {"number": visit.technician_number},
        )
        session.execute(
            text("UPDATE stock_balance SET quantity = quantity + 1 WHERE place LIKE 'van:%'")
        )
        session.expire_all()
        found = check_history(session)[1]
        session.rollback()
    assert {"assignments", "stock"} <= {finding.check for finding in found}
    assert any(str(visit_id) in finding.subject for finding in found)


def test_the_command_looks_over_the_record_and_says_how_much_it_saw(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", world.settings.database_url)
    status = main(["check-history", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (status, told["findings"]) == (0, [])
    assert told["looked"]["assignments"] > 20
