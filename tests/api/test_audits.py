from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from api.access import V1
from api.db.models import Audit
from domain.audits import AuditState
from tests.api.audited import SEED, an_audit, third_party
from tests.api.finished import finished_jobs
from tests.api.world import World


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json().get("code", "")


@pytest.fixture(scope="module")
def done(world: World) -> list[UUID]:
    return finished_jobs(world, 6)


def test_a_job_outside_the_sample_and_an_unknown_item_are_refused_and_nothing_is_kept(
    world: World, done: list[UUID]
) -> None:
    auditor = world.client("auditor")
    made = auditor.post(f"{V1}/audits", json=an_audit(size=1)).get_json()
    path = f"{V1}/audits/{made['id']}"
    [inside] = auditor.post(f"{path}/draw").get_json()["drawn"]
    outside = next(str(job) for job in done if str(job) != inside)
    good = {"job_id": inside, "item": "arrival", "verdict": "pass"}
    for bad in ({"job_id": outside}, {"item": "colour"}):
        answer = auditor.post(f"{path}/findings", json={"items": [good, good | bad]})
        assert code(answer) == (422, "unknown_reference")
    assert auditor.get(f"{path}/results").get_json()["findings"] == []


def test_a_period_without_jobs_has_nothing_to_draw_from(world: World) -> None:
    auditor = world.client("auditor")
    empty = {"from": "2001-01-01", "to": "2001-01-02"}
    made = auditor.post(f"{V1}/audits", json=an_audit(**empty)).get_json()
    assert code(auditor.post(f"{V1}/audits/{made['id']}/draw")) == (422, "nothing_to_sample")


def test_an_assessor_reaches_exactly_the_drawn_jobs_and_only_until_the_access_ends(
    world: World, done: list[UUID]
) -> None:
    audit = third_party(world)
    assert audit.assessor.get(f"{V1}/jobs").get_json()["items"] == []
    drawn = audit.drawn()
    assert len(drawn) == 3
    seen = audit.assessor.get(f"{V1}/jobs").get_json()["items"]
    assert sorted(job["id"] for job in seen) == drawn
    outside = next(str(job) for job in done if str(job) not in drawn)
    assert audit.assessor.get(f"{V1}/jobs/{outside}").status_code == 404
    assert audit.assessor.get(f"{V1}/jobs/{drawn[0]}").status_code == 200
    result = audit.result()
    with world.sessions.begin() as session:
        session.execute(
            update(Audit)
            .where(Audit.id == UUID(audit.path.rpartition("/")[2]))
            .values(access_until=datetime.now(UTC) - timedelta(seconds=1))
        )
    assert audit.assessor.get(f"{V1}/jobs/{drawn[0]}").status_code == 404
    assert code(audit.assessor.post(f"{audit.path}/result", json=result)) == (403, "access_ended")


def test_each_step_out_of_order_has_one_error_and_changes_nothing(world: World) -> None:
    audit = third_party(world)
    for step in (audit.freeze, audit.reveal):
        assert code(step()) == (409, "audit_order")
    assert code(audit.operator.post(f"{audit.path}/draw")) == (409, "audit_order")
    assert audit.commit().status_code == 200
    assert code(audit.commit()) == (409, "audit_order")
    assert code(audit.reveal()) == (409, "audit_order")
    assert audit.freeze().status_code == 200
    assert code(audit.reveal(seed=SEED + b"!")) == (422, "audit_mismatch")
    assert audit.assessor.get(audit.path).get_json()["state"] == AuditState.FROZEN
    assert audit.reveal().status_code == 200
    for wrong in (
        audit.result(key=bytes(32)),
        audit.result(audit="another"),
        audit.result(drawn=[]),
        audit.result() | {"document": {}},
    ):
        answer = audit.assessor.post(f"{audit.path}/result", json=wrong)
        assert code(answer) == (422, "audit_mismatch")
    assert audit.assessor.post(f"{audit.path}/result", json=audit.result()).status_code == 200
    assert audit.assessor.get(audit.path).get_json()["state"] == AuditState.CLOSED


def test_the_database_itself_refuses_another_population(world: World) -> None:
    audit = third_party(world)
    audit.drawn()
    with pytest.raises(DBAPIError, match="never changes"), world.sessions.begin() as session:
        session.execute(
            update(Audit)
            .where(Audit.id == UUID(audit.path.rpartition("/")[2]))
            .values(population={"a": ""})
        )


def test_an_audit_that_does_not_fit_is_refused(world: World) -> None:
    auditor = world.client("auditor")
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for changes, wanted in (
        ({"from": "2026-02-02", "to": "2026-02-01"}, "invalid"),
        ({"checklist": "another"}, "unknown_reference"),
        ({"assessor": "auditor", "access_until": until}, "unknown_reference"),
        ({"assessor": "assessor"}, "invalid"),
        ({"assessor": "assessor", "access_until": until, "seed": "00" * 8}, "invalid"),
        ({"seed": "not hex"}, "invalid"),
        ({"size": 0}, "invalid"),
    ):
        assert code(auditor.post(f"{V1}/audits", json=an_audit(**changes))) == (422, wanted)
