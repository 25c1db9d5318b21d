"""Rows 2.3, and 1.2 (improvement): internal inspection, third-party assessment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api import evidence_cli
from api.access import V1
from api.services.packs import verify
from tests.api.audited import an_audit, third_party
from tests.api.finished import finished_jobs
from tests.api.world import World
from tests.trust.test_packs import repacked, run


def test_2_3_internal_inspection_draws_the_same_sample_from_the_same_seed(world: World) -> None:
    finished_jobs(world, 6)
    auditor = world.client("auditor")

    def drawn(seed: str) -> dict[str, Any]:
        audit = auditor.post(f"{V1}/audits", json=an_audit(seed=seed, strata="class")).get_json()
        return dict(auditor.post(f"{V1}/audits/{audit['id']}/draw").get_json())

    first, again = drawn("0123456789abcdef"), drawn("0123456789abcdef")
    assert first["drawn"] == again["drawn"]
    assert first["population_root"] == again["population_root"]
    assert len(first["drawn"]) == 3
    assert any(drawn(f"{n:016x}")["drawn"] != first["drawn"] for n in range(8))


def test_1_2_follow_up_findings_lead_to_actions_and_the_measure_is_made_again(
    world: World,
) -> None:
    finished_jobs(world, 6)
    auditor = world.client("auditor")
    made = auditor.post(f"{V1}/audits", json=an_audit(size=2, strata="outlet")).get_json()
    path = f"{V1}/audits/{made['id']}"
    early = auditor.post(f"{path}/close")
    assert (early.status_code, early.get_json()["code"]) == (409, "audit_order")
    audit = auditor.post(f"{path}/draw").get_json()
    items = [item["code"] for item in audit["items"]]
    verdicts = [
        {"job_id": job, "item": item, "verdict": "fail" if item == items[0] else "pass"}
        for job in audit["drawn"]
        for item in items
    ]
    assert auditor.post(f"{path}/findings", json={"items": verdicts[:-1]}).status_code == 200
    assert auditor.post(f"{path}/close").get_json()["code"] == "audit_incomplete"
    assert auditor.post(f"{path}/findings", json={"items": verdicts}).status_code == 200
    assert auditor.post(f"{path}/close").get_json()["state"] == "closed"
    today = datetime.now(UTC).date()
    sent = {"item": items[0], "text": "train again", "owner": "dispatch"}
    late = auditor.post(
        f"{path}/actions", json=sent | {"due_on": str(today - timedelta(days=3))}
    ).get_json()
    listed = auditor.get(f"{V1}/audit-actions?overdue=true").get_json()["items"]
    assert [(one["id"], one["overdue"]) for one in listed] == [(late["id"], True)]
    others = world.client("desk").post(
        f"{V1}/audit-actions/{late['id']}/done", json={"note": "not mine"}
    )
    assert (others.status_code, others.get_json()["code"]) == (403, "forbidden")
    owner = world.client("dispatch")
    done_action = owner.post(f"{V1}/audit-actions/{late['id']}/done", json={"note": "trained"})
    assert done_action.get_json()["overdue"] is False
    assert auditor.get(f"{V1}/audit-actions?overdue=true").get_json()["items"] == []

    period = {"from": audit["from"], "to": audit["to"]}
    again = auditor.post(f"{path}/again", json=period).get_json()
    again_path = f"{V1}/audits/{again['id']}"
    drawn = auditor.post(f"{again_path}/draw").get_json()["drawn"]
    passed = [{"job_id": job, "item": item, "verdict": "pass"} for job in drawn for item in items]
    assert auditor.post(f"{again_path}/findings", json={"items": passed}).status_code == 200
    results = auditor.get(f"{again_path}/results").get_json()["items"]
    assert results[0]["before"] == {"passed": 0, "of": 2}
    assert results[0]["improved"] is True
    assert results[1]["improved"] is False


@pytest.fixture(scope="module")
def pack(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    audit = third_party(world, jobs=4)
    audit.drawn()
    closed = audit.assessor.post(f"{audit.path}/result", json=audit.result())
    assert closed.status_code == 200, closed.text
    out = tmp_path_factory.mktemp("sample") / "sample.zip"
    made = evidence_cli.export_evidence(
        world.settings, out, datetime.now(UTC), sample=UUID(audit.path.rpartition("/")[2])
    )
    assert made.jobs == 3
    return out


def test_2_3_third_party_assessment_is_accepted_by_the_offline_verifier(pack: Path) -> None:
    done = run(pack)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sample of 3 drawn as the seed says" in done.stdout


def another_population(sample: dict[str, Any]) -> None:
    del sample["population"][next(iter(set(sample["population"]) - set(sample["drawn"])))]


def another_seed(sample: dict[str, Any]) -> None:
    sample["seed"] = "00" + sample["seed"][2:]


def another_size(sample: dict[str, Any]) -> None:
    sample["size"] = len(sample["population"])


def another_list(sample: dict[str, Any]) -> None:
    other = sorted(set(sample["population"]) - set(sample["drawn"]))[0]
    sample["drawn"] = sorted([other, *sample["drawn"][1:]])


def another_result(sample: dict[str, Any]) -> None:
    sample["result"]["document"]["opinion"] = "perfect"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (another_population, "population"),
        (another_seed, "committed"),
        (another_size, "size"),
        (another_list, "drawn"),
        (another_result, "signed"),
    ],
)
def test_2_3_third_party_assessment_even_the_operator_cannot_change(
    world: World, pack: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    def forge(members: dict[str, bytes]) -> None:
        sample = json.loads(members["sample.json"])
        change(sample)
        members["sample.json"] = verify.canonical(sample)

    forged = repacked(pack.read_bytes(), forge, bytes.fromhex(world.settings.evidence_key))
    with pytest.raises(verify.Refused, match=reason):
        verify.verify(forged)


def test_2_3_third_party_assessment_cannot_leave_out_a_drawn_job(world: World, pack: Path) -> None:
    def forge(members: dict[str, bytes]) -> None:
        jobs = json.loads(members["sections/jobs.json"])
        members["sections/jobs.json"] = verify.canonical(jobs[1:])

    forged = repacked(pack.read_bytes(), forge, bytes.fromhex(world.settings.evidence_key))
    with pytest.raises(verify.Refused, match="drawn jobs"):
        verify.verify(forged)
