"""Rows 2.3: internal inspection, third-party assessment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
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
