"""What tests of rights share: a job with a quote, a bill, a complaint, made through the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from uuid_utils.compat import uuid7

from api.access import V1
from api.db.models import Job, Visit
from tests.api.ownership import Case, consumer, manager, technicians
from tests.api.world import World, report


def post(client: FlaskClient, path: str, sent: dict[str, Any], status: int = 201) -> Any:
    """Post and expect; the answer's JSON."""
    answer = client.post(f"{V1}{path}", json=sent)
    assert answer.status_code == status, (path, answer.text)
    return answer.get_json()


def get(client: FlaskClient, path: str, status: int = 200) -> Any:
    """Get and expect; the answer's JSON."""
    answer = client.get(f"{V1}{path}")
    assert answer.status_code == status, (path, answer.text)
    return answer.get_json()


def new_job(desk: FlaskClient, **changes: Any) -> dict[str, Any]:
    """A job just reported."""
    return dict(post(desk, "/requests", report(**changes)))


def quote(desk: FlaskClient, job_id: str, *codes: str, quantity: int = 1) -> dict[str, Any]:
    """A quote just offered; the last where there are several."""
    lines = [{"code": code, "quantity": quantity} for code in codes or ("VISIT", "LABOUR")]
    made = post(desk, f"/jobs/{job_id}/quotes", {"lines": lines, "language": "en"})
    return dict(made["items"][-1])


def agree(client: FlaskClient, job_id: str, one: dict[str, Any], agreed: bool = True) -> Any:
    """A consumer's answer to a quote."""
    sent = {"sha256": one["sha256"], "agreed": agreed}
    return post(client, f"/jobs/{job_id}/quotes/{one['id']}/decision", sent)


def complaint(client: FlaskClient, job_id: str, **changes: Any) -> dict[str, Any]:
    """A complaint just filed."""
    sent = {"id": str(uuid7()), "topic": "fee", "text": "Too dear", "wish": "Half of it back"}
    return dict(post(client, f"/jobs/{job_id}/complaints", sent | changes))


def clock_event(kind: str, **changes: Any) -> dict[str, Any]:
    """An event of a clock that is fine."""
    told: dict[str, Any] = {"id": str(uuid7()), "kind": kind, "at": now()}
    if kind not in ("met", "resumed"):
        told["reason"] = "Landslide on the only road"
    if kind in ("paused", "no_access", "postponed"):
        told["evidence"] = ["notice 17"]
    return told | changes


def now() -> str:
    """The instant now, as a client writes it."""
    return datetime.now(UTC).isoformat()


@dataclass(frozen=True)
class Sides:
    """A job, and browsers of one who may reach it and of a colleague who may not."""

    job_id: str
    owner: FlaskClient
    colleague: FlaskClient
    desk: FlaskClient


def sides(world: World, role: str) -> Sides:
    """A fresh job for consumers, a planned one for technicians and managers."""
    desk = world.client("dispatch")
    if role == "consumer":
        job_id = new_job(desk)["id"]
        other = new_job(desk)["id"]
        return Sides(job_id, consumer(world, UUID(job_id)), consumer(world, UUID(other)), desk)
    mine, _ = technicians(world)
    owner = world.client(mine)
    number = owner.get(f"{V1}/session").get_json()["technician_id"]
    with world.sessions() as session:
        visits = session.scalars(select(Visit).where(Visit.active).order_by(Visit.number)).all()
        own = [visit for visit in visits if str(visit.technician.id) == number]
        visit = next(
            visit
            for visit in own
            if session.get_one(Job, visit.job_id).status == "planned"
            and sum(other.job_id == visit.job_id for other in visits) == 1
        )
        outlet_id = visit.technician.outlet_id
        stranger = next(one for one in visits if one.technician.outlet_id != outlet_id)
        other_outlet, job_id = stranger.technician.outlet_id, str(visit.job_id)
    if role == "outlet_manager":
        return Sides(job_id, manager(world, outlet_id), manager(world, other_outlet), desk)
    return Sides(job_id, owner, world.client(technicians(world)[1]), desk)


def _case(side: Sides, path: str, sent: dict[str, Any] | None = None) -> Case:
    return Case(f"{V1}{path}", side.owner, side.colleague, sent)


def _with_quote(side: Sides) -> dict[str, Any]:
    return quote(side.desk, side.job_id)


def _job_case(suffix: str, role: str) -> Any:
    def case(world: World) -> Case:
        side = sides(world, role)
        sent: dict[str, dict[str, Any]] = {
            "clock-events": clock_event("paused"),
            "purchase": {"sold_on": "2026-10-01", "proof": "invoice 5", "warranty_months": 12},
            "stays": {"began_on": "2026-11-01"},
            "quotes": {"lines": [{"code": "VISIT"}], "language": "en"},
            "whereabouts": {},
            "money": {},
            "choices": {"language": "en"},
            "complaints": {"id": str(uuid7()), "topic": "delay", "text": "Nobody came"},
            "links": {},
        }
        body = sent.get(suffix, {})
        if suffix == "stays":
            post(side.desk, f"/jobs/{side.job_id}/purchase", {"proof": ""})
        if suffix in ("bill", "money"):
            _billable(side, with_bill=suffix == "money")
        if suffix == "money":
            body = {"id": str(uuid7()), "kind": "payment", "amount_fen": 1, "reason": "cash"}
        if suffix == "whereabouts":
            texts = get(side.desk, "/texts?limit=500")["items"]
            body = {
                "sha256": next(t["sha256"] for t in texts if t["key"] == "whereabouts"),
                "agreed": True,
            }
        return _case(side, f"/jobs/{side.job_id}/{suffix}", body)

    return case


def _billable(side: Sides, *, with_bill: bool) -> None:
    agree(side.desk, side.job_id, _with_quote(side))
    if with_bill:
        side.desk.post(f"{V1}/jobs/{side.job_id}/bill")


def _read_case(suffix: str, role: str) -> Any:
    def case(world: World) -> Case:
        side = sides(world, role)
        if suffix == "bill":
            _billable(side, with_bill=True)
        return _case(side, f"/jobs/{side.job_id}/{suffix}")

    return case


def _decision(role: str) -> Any:
    def case(world: World) -> Case:
        side = sides(world, role)
        one = _with_quote(side)
        sent = {"sha256": one["sha256"], "agreed": True}
        return _case(side, f"/jobs/{side.job_id}/quotes/{one['id']}/decision", sent)

    return case


def _choice(world: World) -> Case:
    side = sides(world, "consumer")
    made = post(side.owner, f"/jobs/{side.job_id}/choices", {"language": "en"})
    return _case(side, f"/jobs/{side.job_id}/choices/{made['id']}", {"option": 0})


def _complaint(suffix: str, role: str, sent: dict[str, Any] | None = None) -> Any:
    def case(world: World) -> Case:
        side = sides(world, role)
        made = complaint(side.desk, side.job_id)
        return _case(side, f"/complaints/{made['id']}{suffix}", sent)

    return case


JOB, COMPLAINT = f"{V1}/jobs/<uuid:job_id>", f"{V1}/complaints/<uuid:complaint_id>"
READ = ("clocks", "entitlement", "quotes", "bill")
TECHNICIANS_WRITE = (
    "clock-events",
    "purchase",
    "stays",
    "quotes",
    "whereabouts",
    "bill",
    "money",
    "links",
)

RIGHTS_CASES: dict[tuple[str, str, str], Any] = {
    **{
        ("GET", f"{JOB}/{suffix}", role): _read_case(suffix, role)
        for suffix in READ
        for role in ("consumer", "technician", "outlet_manager")
    },
    **{
        ("POST", f"{JOB}/{suffix}", "technician"): _job_case(suffix, "technician")
        for suffix in TECHNICIANS_WRITE
    },
    **{
        ("POST", f"{JOB}/{suffix}", "consumer"): _job_case(suffix, "consumer")
        for suffix in ("whereabouts", "choices", "complaints")
    },
    ("POST", f"{JOB}/quotes/<uuid:quote_id>/decision", "consumer"): _decision("consumer"),
    ("POST", f"{JOB}/quotes/<uuid:quote_id>/decision", "technician"): _decision("technician"),
    ("POST", f"{JOB}/choices/<uuid:choice_id>", "consumer"): _choice,
    ("GET", COMPLAINT, "consumer"): _complaint("", "consumer"),
    ("GET", COMPLAINT, "outlet_manager"): _complaint("", "outlet_manager"),
    ("POST", f"{COMPLAINT}/steps", "consumer"): _complaint(
        "/steps", "consumer", {"id": "0190e5d2-0000-7000-8000-000000000001", "event": "withdraw"}
    ),
    ("GET", f"{COMPLAINT}/file", "consumer"): _complaint("/file", "consumer"),
    ("GET", f"{COMPLAINT}/file.pdf", "consumer"): _complaint("/file.pdf", "consumer"),
}
"""Cases of `tests.api.ownership.CASES` for what hangs on a job."""
