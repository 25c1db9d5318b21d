from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from api.access import V1
from api.db.models import Outlet, ScenarioRow, Technician, Vacancy
from api.services import scenario_runs
from network.scenarios import Answering, answer, read_question
from tests.api.plans_ahead import CANDIDATES, answered, make, order, recorded
from tests.api.world import World


def kinds(client: FlaskClient, scenario_id: str) -> list[str]:
    lines = client.get(f"{V1}/activity?limit=500").get_json()["items"]
    return [line["kind"] for line in lines if line["subject_id"] == scenario_id]


def test_a_scenario_of_the_record_goes_from_question_to_answer_to_outlets_and_posts(
    world: World, planner: FlaskClient, admin: FlaskClient
) -> None:
    found = answered(world, planner, recorded("one more outlet"))
    assert found["facts"]["travel"] == "osrm" and found["facts"]["heads"] > 20
    question = planner.get(f"{V1}/scenarios/{found['id']}/question").get_json()
    for turns in question["scenario"]["rosters"].values():
        regular = {day for turn in turns if "serves" not in turn for day in turn["weekdays"]}
        assert {"mon", "tue", "wed", "thu", "fri"} <= regular, "a week of the demo firm is whole"
    told = found["answer"]
    (new,) = [one for one in told["outlets"] if one["status"] == "new"]
    assert new["heads_after"] == sum(post["heads"] for post in told["posts"]) == 3
    for stage in ("before", "after"):
        urgent = told[stage]["classes"]["urgent"]["in_time"]
        assert 0 <= urgent["low"] <= urgent["value"] <= urgent["high"] <= 1 and urgent["n"] > 0
    assert told["sites"]["status"] == "optimal"
    cost = [told[stage]["per_day"]["cost_fen"]["value"] for stage in ("before", "after")]
    assert cost[1] > cost[0] > 1_000_000, "everybody works, and whoever is hired, too"

    path = f"{V1}/scenarios/{found['id']}"
    with world.sessions() as session:
        before = session.scalar(select(func.count()).select_from(Outlet))
    first = admin.post(f"{path}/adopt", json={"names": {new["id"]: "The new outlet"}})
    assert first.status_code == 200, first.text
    again = admin.post(f"{path}/adopt", json={})
    assert again.get_json()["adoption"] == first.get_json()["adoption"]
    assert first.get_json()["adoption"]["posts"] == 3
    with world.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Outlet)) == before + 1
        opened = session.scalars(select(Outlet).where(Outlet.name == "The new outlet")).one()
        assert (opened.lat, opened.lon) == (new["lat"], new["lon"])
    assert planner.post(f"{path}/run", json={}).get_json()["code"] == "scenario_adopted"

    back = admin.post(f"{path}/undo-adoption")
    assert back.status_code == 200 and back.get_json()["adoption"] is None
    with world.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Outlet)) == before
        assert session.scalar(select(func.count()).select_from(Vacancy)) == 0

    admin.post(f"{path}/adopt", json={})
    post = planner.get(f"{V1}/vacancies?status=open").get_json()["items"][0]
    filled = planner.post(f"{V1}/vacancies/{post['id']}/fill", json={"name": "Nia New"})
    assert filled.status_code == 201, filled.text
    with world.sessions() as session:
        hired = session.scalars(select(Technician).where(Technician.name == "Nia New")).one()
        assert (str(hired.outlet_id), hired.skills) == (post["outlet_id"], post["skills"])
    twice = planner.post(f"{V1}/vacancies/{post['id']}/fill", json={"name": "Nora New"})
    assert twice.get_json()["code"] == "already_decided"
    refused = admin.post(f"{path}/undo-adoption")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "outlet_in_use")
    with world.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Vacancy)) == 3


def test_the_full_mode_tells_its_stages_and_a_version_is_compared_with_another(
    world: World, planner: FlaskClient
) -> None:
    few = answered(world, planner, order("small firm"), mode="full", replications=1)
    many = answered(
        world, planner, order("small firm", staffing={"heads": 4}), mode="full", replications=1
    )
    assert (few["version"], many["version"]) == (1, 2)
    assert few["question_sha256"] != many["question_sha256"]
    assert kinds(planner, few["id"]) == [
        "scenario_created", "scenario_queued", "scenario_started",
        "scenario_replicated", "scenario_replicated", "scenario_succeeded",
    ]  # fmt: skip
    path = f"{V1}/scenarios/compare?id={few['id']}&id={many['id']}"
    today, less, more = planner.get(path).get_json()["rows"]
    assert [row["stage"] for row in (today, less, more)] == ["before", "after", "after"]
    assert [row["heads"] for row in (today, less, more)] == [6, 8, 10]
    assert today["classes"]["urgent"]["difference"]["value"] == 0
    assert set(more["classes"]["urgent"]["districts"]) == {"north", "south"}
    gained = more["classes"]["normal"]["difference"]
    assert gained["low"] <= gained["value"] <= gained["high"]
    assert more["difference_per_day"]["cost_fen"]["value"] > 0
    assert more["difference_per_day"]["utilisation"]["value"] < 0

    other = answered(world, planner, order("small firm"), mode="screening")
    refused = planner.get(f"{V1}/scenarios/compare?id={few['id']}&id={other['id']}")
    assert refused.get_json()["code"] == "scenarios_differ"
    assert "mode" in refused.get_json()["detail"]


def test_the_same_question_has_the_same_answer_and_nobody_can_change_the_question(
    world: World, planner: FlaskClient
) -> None:
    found = answered(world, planner, order("frozen"))
    path = f"{V1}/scenarios/{found['id']}"
    question = planner.get(f"{path}/question").get_json()
    assert scenario_runs.sha256_of(question) == found["question_sha256"]
    stored = planner.get(f"{path}/answer").get_json()
    assert scenario_runs.sha256_of(stored) == found["answer_sha256"]
    again = answer(read_question(question), Answering("screening", found["replications"], 1))
    assert again["after"]["runs"] == stored["after"]["runs"]
    assert again["sites"]["open"] == stored["sites"]["open"]
    with world.sessions() as session, pytest.raises(DBAPIError, match="never changes"):
        session.execute(text("UPDATE scenario SET question = '{}'"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"siting": {"open": 1}}, "2 sites must stay open (o1, o2), more than p = 1."),
        ({"siting": {"new_outlets": 4}}, "only 3 candidates"),
        ({"staffing": None}, "New outlets need people"),
        ({"staffing": {"heads": 0}}, "1 new outlets need at least 1 people"),
        (
            {
                "siting": {
                    "new_outlets": 1,
                    "radius_s": 1,
                    "floors": [{"district": "north", "covered_share": 1.0}],
                }
            },
            "north",
        ),
        ({"siting": {"new_outlets": 1, "floors": [{"district": "x", "covered_share": 1}]}}, "'x'"),
        ({"candidates": [CANDIDATES[0], CANDIDATES[0]]}, "stands here twice"),
        ({"document": {"format": "zhunda-scenario/1"}}, "document: 'outlets' is missing"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_one_sentence_and_nothing_is_saved(
    world: World, planner: FlaskClient, changes: dict[str, Any], words: str
) -> None:
    refused = planner.post(f"{V1}/scenarios", json=order("impossible", **changes))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "scenario_invalid")
    assert words in refused.get_json()["detail"]
    assert planner.get(f"{V1}/scenarios?name=impossible").get_json()["items"] == []


def test_empty_demand_is_one_sentence(planner: FlaskClient) -> None:
    sent = recorded("empty", demand={"source": "requests", "per_day": 0})
    refused = planner.post(f"{V1}/scenarios", json=sent)
    assert refused.get_json()["code"] == "scenario_invalid"
    assert "there is no demand" in refused.get_json()["detail"]


def test_a_waiting_scenario_is_cancelled_at_once_and_a_second_run_has_to_wait(
    world: World, planner: FlaskClient
) -> None:
    made = make(planner, order("patience"))
    path = f"{V1}/scenarios/{made['id']}"
    assert planner.get(f"{path}/answer").get_json()["code"] == "scenario_not_done"
    assert planner.post(f"{path}/cancel").get_json()["code"] == "plan_run_finished"
    planner.post(f"{path}/run", json={"mode": "screening"})
    assert planner.post(f"{path}/run", json={}).get_json()["code"] == "scenario_running"
    assert planner.post(f"{path}/cancel").get_json()["status"] == "cancelled"
    world.work_queue()
    assert planner.get(path).get_json()["answer"] is None


def test_a_run_goes_on_from_what_a_killed_worker_had_finished(
    world: World, planner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(planner, order("killed", staffing=None, siting=None, candidates=[]))
    path = f"{V1}/scenarios/{made['id']}"
    planner.post(f"{path}/run", json={"mode": "full", "replications": 2})
    scenario_id = UUID(made["id"])
    real = scenario_runs.answer
    monkeypatch.setattr(scenario_runs, "answer", _one_at_a_time(real, stop_after=1))
    with pytest.raises(KeyboardInterrupt):  # as suddenly as a kill: no line of ours runs any more
        scenario_runs.carry_out(world.sessions, scenario_id, 1)
    assert planner.get(path).get_json()["status"] == "running"
    monkeypatch.setattr(scenario_runs, "answer", _one_at_a_time(real))
    world.work_queue()
    found = planner.get(path).get_json()
    assert found["status"] == "succeeded", found["error"]
    told = kinds(planner, made["id"])
    assert told.count("scenario_resumed") == 1
    assert told.count("scenario_replicated") == 2, "the first replication is not done twice"
    whole = answer(read_question(planner.get(f"{path}/question").get_json()), Answering("full"))
    stored = planner.get(f"{path}/answer").get_json()
    assert stored["after"]["runs"] == whole["after"]["runs"]


def _one_at_a_time(real: Any, stop_after: int | None = None) -> Any:
    """The real answer in this process; killed once so many replications are kept."""

    def answer_here(question: Any, how: Answering, watch: Any, cancel: Any) -> Any:
        assert how.checkpoints is not None
        alone = Answering(how.mode, how.replications, how.seed, 1, Path(how.checkpoints))

        def watched(told: Any) -> None:
            watch(told)
            if stop_after is not None and told.replications_done == stop_after:
                raise KeyboardInterrupt

        return real(question, alone, watched, cancel)

    return answer_here


def test_a_run_that_is_asked_to_stop_stops_and_leaves_no_answer(
    world: World, planner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(planner, order("stopped", staffing=None, siting=None, candidates=[]))
    path = f"{V1}/scenarios/{made['id']}"
    planner.post(f"{path}/run", json={"mode": "full", "replications": 1})
    real = scenario_runs.answer
    monkeypatch.setattr(scenario_runs, "PROGRESS_EVERY_S", 0.0)

    def cancelled_meanwhile(question: Any, how: Answering, watch: Any, cancel: Any) -> Any:
        assert planner.post(f"{path}/cancel").status_code == 202
        return real(question, how, watch, cancel)

    monkeypatch.setattr(scenario_runs, "answer", cancelled_meanwhile)
    world.work_queue()
    found = planner.get(path).get_json()
    assert (found["status"], found["answer"]) == ("cancelled", None)
    with world.sessions() as session:
        assert session.get_one(ScenarioRow, UUID(made["id"])).answer_sha256 is None


def test_maps_are_geojson_over_every_demand_point_and_open_outlet(
    world: World, planner: FlaskClient
) -> None:
    found = answered(world, planner, order("maps"))
    path = f"{V1}/scenarios/{found['id']}/maps"
    coverage = planner.get(f"{path}/coverage")
    assert coverage.mimetype == "application/geo+json"
    features = coverage.get_json()["features"]
    assert len(features) == 20
    assert features[0]["geometry"]["coordinates"] == [-71.25307, -29.91678]
    assert all(
        one["properties"]["drive_after_s"] <= one["properties"]["drive_before_s"]
        for one in features
    )
    load = planner.get(f"{path}/load").get_json()["features"]
    assert sorted(one["properties"]["status"] for one in load) == ["kept", "kept", "new"]
    assert planner.get(f"{path}/gaps").status_code == 200
    assert planner.get(f"{path}/moods").status_code == 404


def test_the_answer_can_be_taken_along_in_chinese_with_charts_a_map_and_its_fingerprints(
    world: World, planner: FlaskClient
) -> None:
    found = answered(world, planner, order("新网点 =1+1"))
    path = f"{V1}/scenarios/{found['id']}/exports"
    rows = list(csv.reader(io.StringIO(planner.get(f"{path}/csv?language=zh").text[1:])))
    assert rows[0][:3] == ["阶段", "类别", "片区"]
    shares = {tuple(row[:3]): float(row[5]) for row in rows[1:]}
    told = found["answer"]["after"]["classes"]["urgent"]
    assert shares["方案实施后", "紧急", "全部"] == told["in_time"]["value"]
    assert shares["方案实施后", "紧急", "north"] == told["districts"]["north"]["value"]

    sheet = planner.get(f"{path}/xlsx?language=zh").data
    book = CalamineWorkbook.from_filelike(io.BytesIO(sheet))
    assert book.sheet_names == ["概览", "片区", "网点", "待招岗位"]
    facts = dict(row[:2] for row in book.get_sheet_by_name("概览").to_python() if row[1])
    assert facts["问题指纹"] == found["question_sha256"]
    with zipfile.ZipFile(io.BytesIO(sheet)) as parts:
        assert sum(name.startswith("xl/charts/chart") for name in parts.namelist()) == 2

    pdf = planner.get(f"{path}/pdf?language=zh")
    assert pdf.mimetype == "application/pdf" and pdf.data.startswith(b"%PDF")
    assert b"STSong-Light" in pdf.data
    assert planner.get(f"{path}/docx").status_code == 404
