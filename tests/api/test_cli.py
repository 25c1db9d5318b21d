from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from api import cli, wiring
from api.db.models import Job, Outlet, PlanRun, Region, Shift, Technician, Visit
from config.settings import Settings
from domain.roles import SIGNING_IN
from tests.api.world import ITERATIONS, OPEN_JOBS


def counts(settings: Settings) -> dict[str, int]:
    engine = wiring.engine_of(settings)
    with wiring.sessions_of(engine)() as session:
        found = {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Outlet, Technician, Shift, Job, PlanRun)
        }
    engine.dispose()
    return found


def test_planning_twice_on_unchanged_data_gives_the_same_summary_and_one_plan(
    make_database: Callable[..., Settings], seeded: Settings
) -> None:
    settings = make_database("plan_twice", "seeded")
    first = cli.plan_today(settings, iterations=ITERATIONS)
    again = cli.plan_today(settings, iterations=ITERATIONS)
    assert first is not None
    assert first == again
    assert first.plan_status == "published"
    assert counts(settings)["plan_run"] == 1
    text = first.to_text()
    assert f"jobs: {first.jobs}" in text
    assert "technicians: 40" in text
    assert f"urgent arrivals in time: {first.urgent_in_time} of {first.urgent_total}" in text
    assert f"other in time: {first.other_in_time} of {first.other_total}" in text
    assert "unassigned: " in text
    assert "hours driven: " in text
    assert "travel times: osrm" in text
    assert "check: 0 violations" in text
    told = first.to_json()
    assert told["check"] == {"violations": 0}
    assert told["jobs"] == told["urgent_total"] + told["other_total"]


def test_seeding_the_same_day_again_adds_nothing(
    make_database: Callable[..., Settings], seeded: Settings
) -> None:
    settings = make_database("seed_twice", "seeded")
    before = counts(settings)
    assert cli.seed_demo(settings, datetime.now(UTC)) is False
    assert counts(settings) == before
    assert before["outlet"] == 6
    assert before["technician"] == 40


def test_a_new_calendar_day_keeps_the_record_and_brings_new_jobs(
    make_database: Callable[..., Settings], planned: Settings
) -> None:
    settings = make_database("next_day", "planned")
    before = counts(settings)
    later = datetime.now(UTC) + timedelta(days=3)
    assert cli.seed_demo(settings, later) is True
    after = counts(settings)
    assert after["job"] >= before["job"] + 60
    assert after["shift"] > before["shift"]
    assert (after["technician"], after["outlet"]) == (before["technician"], before["outlet"])
    engine = wiring.engine_of(settings)
    with wiring.sessions_of(engine)() as session:
        today = session.scalars(select(Region.demo_day)).one()
        assert today is not None
        waiting = select(func.count()).where(Visit.day < today, Visit.active, Visit.state != "done")
        assert session.scalar(waiting) == 0
    engine.dispose()


def test_without_waiting_the_run_is_left_to_a_worker(
    make_database: Callable[..., Settings], seeded: Settings
) -> None:
    settings = make_database("no_wait", "seeded")
    assert cli.plan_today(settings, wait=False, iterations=1) is None
    assert counts(settings)["plan_run"] == 1


def test_without_roads_the_plan_says_that_its_times_are_estimated(
    make_database: Callable[..., Settings], seeded: Settings
) -> None:
    from dataclasses import replace

    settings = replace(make_database("no_roads", "seeded"), osrm_url="http://127.0.0.1:9")
    summary = cli.plan_today(settings, iterations=1)
    assert summary is not None
    assert summary.source_of_travel_times == "estimated"
    assert "travel times: estimated" in summary.to_text()


def test_a_new_office_login_needs_a_known_role_and_a_free_name(
    make_database: Callable[..., Settings], seeded: Settings
) -> None:
    settings = make_database("logins", "seeded")
    cli.add_user(settings, "Eva", "Eva Example", "dispatcher", "a long enough password")
    with pytest.raises(ValueError, match="'eva' is taken"):
        cli.add_user(settings, "eva", "Eva Example", "dispatcher", "a long enough password")
    with pytest.raises(ValueError, match="role: 'king' is not"):
        cli.add_user(settings, "king", "King", "king", "a long enough password")


def test_the_personas_are_one_of_each_office_role_and_two_technicians(seeded: Settings) -> None:
    roles = sorted(persona.role for persona in cli.personas(seeded))
    assert roles == sorted(["technician", *SIGNING_IN])


def test_a_manager_needs_an_outlet_and_an_assessor_a_last_day(
    make_database: Callable[..., Settings], seeded: Settings
) -> None:
    settings = make_database("scoped_logins", "seeded")
    word = "a long enough password"
    with pytest.raises(ValueError, match="outlet: a manager runs one outlet"):
        cli.add_user(settings, "mia", "Mia", "outlet_manager", word)
    with pytest.raises(ValueError, match="there is no outlet 'Nowhere'"):
        cli.add_user(settings, "mia", "Mia", "outlet_manager", word, outlet="Nowhere")
    with pytest.raises(ValueError, match="until: the access of an assessor"):
        cli.add_user(settings, "tom", "Tom", "assessor", word)
    cli.add_user(settings, "tom", "Tom", "assessor", word, access_until=datetime.now(UTC))


def test_a_run_left_behind_by_a_killed_service_is_taken_up_and_no_second_one_ordered(
    make_database: Callable[..., Settings], seeded: Settings
) -> None:
    settings = make_database("left_behind", "seeded")
    cli.plan_today(settings, wait=False, iterations=1)
    summary = cli.plan_today(settings, iterations=ITERATIONS)
    assert summary is not None
    assert summary.plan_version == 1
    assert counts(settings)["plan_run"] == 1


def test_before_a_day_off_the_duty_crew_is_planned_with_the_next_working_day(
    make_database: Callable[..., Settings],
) -> None:
    saturday = datetime(2026, 11, 28, 17, tzinfo=ZoneInfo("America/Santiago"))
    settings = make_database("day_off")
    cli.migrate(settings)
    cli.seed_demo(settings, saturday, OPEN_JOBS)
    summary = cli.plan_today(settings, now=saturday, iterations=ITERATIONS)
    assert summary is not None
    assert summary.day == "2026-11-30"
    assert summary.urgent_in_time == summary.urgent_total
    assert summary.urgent_out_of_reach == 0
    engine = wiring.engine_of(settings)
    with wiring.sessions_of(engine)() as session:
        days = set(session.scalars(select(Shift.day).join(Visit, Visit.shift_id == Shift.id)))
    engine.dispose()
    assert date(2026, 11, 29) in days
    assert cli.plan_today(settings, now=saturday + timedelta(hours=1)) == summary
