"""Row 3.4: packs by place and date, re-computation as of any date, the explained difference."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from uuid_utils.compat import uuid7

from api.__main__ import main
from api.services.rule_packs import ARRIVAL
from tests.api.cases import complaint, get, new_job, now, post
from tests.api.world import World


@pytest.fixture(scope="module")
def history(world: World) -> FlaskClient:
    """Complaints over the day on which Order 121 replaced Order 20, some concluded."""
    desk = world.client("dispatch")
    for number in range(6):
        made = complaint(desk, new_job(desk)["id"])
        step = {"id": str(uuid7()), "event": "accept", "at": now(), "note": ""}
        post(desk, f"/complaints/{made['id']}/steps", step)
        if number % 2:
            done = {"id": str(uuid7()), "event": "settle", "at": now(), "note": "half back"}
            post(desk, f"/complaints/{made['id']}/steps", done)
    return desk


def test_3_4_law_two_packs_over_one_history_give_the_explained_difference(
    world: World, history: FlaskClient
) -> None:
    query = "law=complaint&before=complaint-CN-order-20&after=complaint-CN-order-121"
    told = get(world.client("admin"), f"/rules/differences?{query}")
    assert told["cases"] == 6
    assert told["changed"] == 6
    assert told["unexplained"] == 0
    for change in told["changes"]:
        (why,) = change["because"]
        assert why["key"] == "conclude_within"
        assert (why["before"]["value"], why["after"]["value"]) == (45, 60)
        assert change["trace_before"] and change["trace_after"]
    same = get(world.client("admin"), "/rules/differences?law=complaint&before=own&after=own")
    assert same["changed"] == 0


def test_3_4_law_a_stricter_arrival_pack_of_a_province_changes_what_it_should(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = (ARRIVAL / "2026-01-01.toml").read_text(encoding="utf-8")
    draft = tmp_path / "draft.toml"
    draft.write_text(
        source.replace("arrival-2026-01-01", "arrival-draft")
        .replace("arrival_hours = 72", "arrival_hours = 48")
        .replace("valid_from = 2026-01-01", "valid_from = 2026-01-02"),
        encoding="utf-8",
    )
    monkeypatch.setenv("DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("ZHUNDA_DATA_DIR", str(world.settings.data_dir))
    command = ["rules", "diff", "--law", "arrival", "--before", "arrival-2026-01-01"]
    assert main([*command, "--after", "arrival-draft", "--pack", str(draft), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    with world.sessions() as session:
        normal = session.scalar(text("SELECT count(*) FROM job WHERE job_class = 'normal'"))
    assert told["changed"] == normal
    assert told["unexplained"] == 0
    assert all("classes.normal" in why for why in told["by_clause"])
    assert main([*command, "--after", "nothing"]) == 2
    assert "no arrival pack 'nothing'" in capsys.readouterr().err


def test_3_4_law_a_case_is_recomputed_as_of_any_date_with_a_trace(world: World) -> None:
    desk = world.client("dispatch")
    job = new_job(desk)
    path = f"/jobs/{job['id']}/entitlement"
    sold = datetime.now(UTC).date() - timedelta(days=5)
    proof = {"sold_on": sold.isoformat(), "proof": "invoice 1", "warranty_months": 12}
    post(desk, f"/jobs/{job['id']}/purchase", proof)
    today = get(desk, path)
    assert today["remedies"] == ["repair", "exchange", "return"]
    later = get(desk, f"{path}?as_of={sold + timedelta(days=10)}")
    assert later["remedies"] == ["repair", "exchange"]
    assert any("15" in line["text"] for line in later["trace"])
    clocks = f"/api/v1/jobs/{job['id']}/clocks"
    early = desk.get(clocks, query_string={"as_of": "2020-01-01T00:00:00Z"})
    assert (early.status_code, early.get_json()["code"]) == (422, "invalid")
    before_the_law = get(desk, f"{path}?rules_on=1990-01-01")
    assert before_the_law["free_kinds"] == []


def test_3_4_law_place_decides_and_what_is_unconfirmed_says_so(world: World) -> None:
    admin = world.client("admin")
    zhejiang = get(admin, "/rules/three-guarantees?place=CN-ZJ&date=2026-11-24")
    country = get(admin, "/rules/three-guarantees?place=CN&date=2026-11-24")
    keys = {clause["key"] for clause in zhejiang["clauses"]}
    assert keys - {clause["key"] for clause in country["clauses"]} == {
        "total_repair",
        "extended_by_repair",
    }
    complaint_law = get(admin, "/rules/complaint?place=CN&date=2026-11-24")
    status = {clause["key"]: clause["status"] for clause in complaint_law["clauses"]}
    assert status["accept_within"] == "unconfirmed"
    packs = get(admin, "/rules")["items"]
    assert all(pack["source"] for pack in packs)
    assert date.fromisoformat(packs[-1]["valid_from"])
    assert admin.get("/api/v1/rules/traffic").get_json()["code"] == "rules_unknown"
