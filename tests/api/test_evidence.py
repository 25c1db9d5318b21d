from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from api import wiring
from api.db.models import Activity, EvidencePack, Job, Look, Visit
from api.services.packs import orders, verify
from api.services.packs.tables import TITLES, all_sections
from domain import signatures
from tests.api.audited import third_party
from tests.api.world import World

V1 = "/api/v1"
WHY = "complaint 17 of the association"


@pytest.fixture
def auditor(world: World) -> FlaskClient:
    return world.client("auditor")


def a_case(world: World) -> dict[str, Any]:
    with world.sessions() as session:
        job_id = session.scalars(select(Visit.job_id).order_by(Visit.number)).first()
    return {"kind": "case", "job_id": str(job_id), "why": WHY}


def a_period(**changes: Any) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    days = {"from": str(today - timedelta(days=4)), "to": str(today + timedelta(days=1))}
    return {"kind": "period", "why": WHY} | days | changes


def ordered(client: FlaskClient, sent: dict[str, Any]) -> str:
    answer = client.post(f"{V1}/evidence", json=sent)
    assert answer.status_code == 202, answer.text
    assert answer.get_json()["status"] == "queued"
    return str(answer.headers["Location"])


def make(world: World, place: str, stopping: Callable[[], bool] = lambda: False) -> None:
    """What the worker's task does."""
    pack_id = UUID(place.rpartition("/")[2])
    signer = wiring.signer_of(world.settings)
    orders.carry_out(world.sessions, pack_id, world.settings.data_dir, signer, stopping)


def accepted(world: World, pack: bytes) -> Any:
    public = signatures.public_key(bytes.fromhex(world.settings.evidence_key)).hex()
    return verify.verify(pack, public_key=public, key=world.settings.ledger_key.encode())


def test_a_pack_of_a_case_is_ordered_made_by_a_worker_and_taken_by_the_verifier(
    world: World, auditor: FlaskClient
) -> None:
    sent = a_case(world)
    place = ordered(auditor, sent)
    waiting = auditor.get(place).get_json()
    assert (waiting["progress"]["share"], waiting["download"]) == (0, None)
    early = auditor.get(f"{place}/file")
    assert (early.status_code, early.get_json()["code"]) == (409, "pack_not_ready")
    world.work_queue()
    told = auditor.get(place).get_json()
    assert (told["status"], told["progress"]["stage"], told["jobs"]) == ("succeeded", "done", 1)
    answer = auditor.get(told["download"], buffered=True)
    pack = answer.get_data()
    assert (answer.mimetype, len(pack)) == ("application/zip", told["bytes"])
    assert accepted(world, pack)
    assert json.loads(verify.members_of(pack)["sections/jobs.json"])[0]["id"] == sent["job_id"]
    part = auditor.get(told["download"], headers={"Range": "bytes=10-19"}, buffered=True)
    assert (part.status_code, part.get_data()) == (206, pack[10:20])


def test_a_pack_leaves_its_reason_and_each_download_a_look_at_every_case_in_it(
    world: World,
) -> None:
    regulator = world.client("regulator")
    place = ordered(regulator, a_period())
    make(world, place)
    told = regulator.get(place).get_json()
    assert regulator.get(told["download"], buffered=True).status_code == 200
    with world.sessions() as session:
        row = session.get_one(EvidencePack, told["id"])
        kinds = session.scalars(
            select(Activity.kind).where(Activity.subject_id == row.id).order_by(Activity.seq)
        ).all()
        look = session.scalars(
            select(Look).where(
                Look.route.like("%/file"), Look.subject == "request", Look.role == "regulator"
            )
        ).one()
        requests = set(session.scalars(select(Job.request_id).where(Job.id.in_(row.job_ids))))
    assert kinds == ["evidence_ordered", "evidence_made"]
    assert told["jobs"] == len(requests) > 10
    assert set(look.subject_ids) == requests
    listed = world.client("admin").get(f"{V1}/evidence").get_json()["items"]
    assert told["id"] in {one["id"] for one in listed}
    others = world.client("auditor").get(told["download"])
    assert (others.status_code, others.get_json()["code"]) == (403, "forbidden")


def test_a_pack_of_a_sample_holds_what_it_was_drawn_from(
    world: World, auditor: FlaskClient
) -> None:
    audit = third_party(world)
    audit_id = audit.path.rpartition("/")[2]
    sent = {"kind": "sample", "audit_id": audit_id, "why": WHY}
    early = auditor.post(f"{V1}/evidence", json=sent)
    assert (early.status_code, early.get_json()["code"]) == (409, "audit_order")
    drawn = audit.drawn()
    place = ordered(auditor, sent)
    make(world, place)
    pack = auditor.get(f"{place}/file", buffered=True).get_data()
    assert accepted(world, pack)
    assert json.loads(verify.members_of(pack)["sample.json"])["drawn"] == drawn


def test_an_assessor_takes_out_the_own_sample_and_it_names_no_consumer(world: World) -> None:
    audit = third_party(world)
    audit_id, drawn = audit.path.rpartition("/")[2], audit.drawn()
    with world.sessions.begin() as session:
        jobs = session.scalars(select(Job).where(Job.id.in_([UUID(one) for one in drawn]))).all()
        secrets = set()
        for job in jobs:
            request = job.request
            secrets |= {request.consumer.name, request.consumer.phone, request.address}
            secrets.add(str(request.lat))
            request.description = f"Ask {request.consumer.name}, {request.consumer.phone}."
    why = {"why": f"{jobs[0].request.consumer.name} complains"}
    for login in ("regulator", "admin"):
        # Somebody else's words about the case, in the ledger.
        asked = world.client("regulator").post(f"{V1}/jobs/{drawn[0]}/personal", json=why)
        assert asked.status_code < 300, (login, asked.text)
    sent = {"kind": "sample", "audit_id": audit_id, "why": WHY}
    place = ordered(audit.assessor, sent)
    make(world, place)
    pack = audit.assessor.get(f"{place}/file", buffered=True).get_data()
    assert accepted(world, pack)
    members = verify.members_of(pack)
    assert json.loads(members["sample.json"])["drawn"] == drawn
    assert json.loads(members["manifest.json"])["scope"]["masked"] is True
    assert {one["id"] for one in json.loads(members["sections/jobs.json"])} == set(drawn)
    told = b"\n".join(
        content for name, content in members.items() if name.endswith((".json", ".jsonl"))
    ).decode()
    for secret in secrets:
        assert secret not in told, secret
    assert not any(name.startswith("photos/") for name in members)
    [report, *_] = json.loads(members["sections/reports.json"])
    assert report["phone"].startswith("••• ")
    # The auditor of the firm gets the same sample in clear.
    other = ordered(world.client("auditor"), sent)
    make(world, other)
    clear = world.client("auditor").get(f"{other}/file", buffered=True).get_data()
    reports = verify.members_of(clear)["sections/reports.json"].decode()
    assert jobs[0].request.consumer.phone in reports


def test_an_assessor_takes_out_nothing_beyond_the_sample(world: World) -> None:
    audit = third_party(world)
    drawn = audit.drawn()
    with world.sessions() as session:
        beyond = session.scalars(select(Job.id).where(Job.id.not_in(map(UUID, drawn)))).first()

    def code(sent: dict[str, Any]) -> str:
        return str(audit.assessor.post(f"{V1}/evidence", json=sent).get_json().get("code"))

    assert code(a_period()) == "forbidden"
    assert code({"kind": "case", "job_id": str(beyond), "why": WHY}) == "unknown_reference"
    assert code({"kind": "sample", "audit_id": str(uuid4()), "why": WHY}) == "unknown_reference"
    mine = ordered(audit.assessor, {"kind": "case", "job_id": drawn[0], "why": WHY})
    ordered(world.client("auditor"), a_case(world))
    listed = audit.assessor.get(f"{V1}/evidence?limit=500").get_json()["items"]
    assert mine.rpartition("/")[2] in {one["id"] for one in listed}
    assert {one["ordered_by"] for one in listed} == {"Asta Assessor"}


def test_an_order_can_be_dropped_and_one_that_is_over_cannot(
    world: World, auditor: FlaskClient
) -> None:
    place = ordered(auditor, a_case(world))
    assert auditor.post(f"{place}/cancel").get_json()["status"] == "cancelled"
    make(world, place)
    assert auditor.get(place).get_json()["status"] == "cancelled"
    again = auditor.post(f"{place}/cancel")
    assert (again.status_code, again.get_json()["code"]) == (409, "pack_finished")


def test_a_worker_that_is_asked_to_end_hands_the_order_on(
    world: World, auditor: FlaskClient
) -> None:
    place = ordered(auditor, a_case(world))
    make(world, place, lambda: True)
    assert auditor.get(place).get_json()["status"] == "queued"
    make(world, place)
    assert auditor.get(place).get_json()["status"] == "succeeded"


def test_a_file_goes_when_its_time_is_over_and_the_order_stays(
    world: World, auditor: FlaskClient
) -> None:
    place = ordered(auditor, a_case(world))
    make(world, place)
    later = datetime.now(UTC) + orders.KEPT + timedelta(hours=1)
    with world.sessions.begin() as session:
        assert orders.forget(session, world.settings.data_dir, later) > 0
    gone = auditor.get(f"{place}/file")
    assert (gone.status_code, gone.get_json()["code"]) == (410, "pack_gone")
    told = auditor.get(place).get_json()
    assert (told["status"], told["download"]) == ("succeeded", None)


@pytest.mark.parametrize(
    ("sent", "code", "where"),
    [
        ({"kind": "case", "why": WHY}, "invalid", "job_id"),
        ({"kind": "case", "job_id": str(uuid4()), "why": WHY}, "unknown_reference", "job"),
        ({"kind": "sample", "audit_id": str(uuid4()), "why": WHY}, "unknown_reference", "audit"),
        (a_period(why=""), "invalid", "why"),
        (a_period(to="2020-01-01"), "invalid", "to"),
        (a_period(to="9999-12-31"), "invalid", "to"),
        (a_period(audit_id=str(uuid4())), "invalid", "audit_id"),
        ({"kind": "everything", "why": WHY}, "invalid", "kind"),
    ],
)
def test_an_order_that_does_not_fit_is_one_clear_error(
    auditor: FlaskClient, sent: dict[str, Any], code: str, where: str
) -> None:
    answer = auditor.post(f"{V1}/evidence", json=sent)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert where in answer.get_json()["detail"]


def test_every_section_of_a_pack_has_its_title_in_both_languages() -> None:
    assert all(one.english and one.chinese for one in all_sections())
    assert set(TITLES) <= {one.key for one in all_sections()}
