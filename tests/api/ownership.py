"""One case a route and role of `api.access.OWN`: what is the owner's, and a colleague of the role.

A case makes what it needs, and returns the path, the owner's and the colleague's browser and what
to send. The test calls it as the colleague (403 or 404) and as the owner (a success).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from uuid_utils.compat import uuid7

from api.access import SIGNED_IN, V1
from api.db.models import Job, Outlet, Person, Receipt, Technician, Visit
from api.services.identity import add_person
from api.services.identity import make_link as link_to
from api.services.intake import issue_receipt
from domain import roles
from domain.signatures import public_key
from tests.api.audited import NONCE, SEED, third_party
from tests.api.finished import finished_jobs
from tests.api.world import World, busy_logins, event, first_stop, jpeg, photo_path

PASSWORD_HASH = "never checked here"


@dataclass(frozen=True)
class Case:
    """One owned thing. ``sent`` is the JSON body, None for none; ``content`` a photo instead."""

    path: str
    owner: FlaskClient
    colleague: FlaskClient
    sent: dict[str, Any] | None = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Bearer(FlaskClient):
    """A client that sends a bearer secret with every request."""

    secret: str

    def open(self, *arguments: Any, **options: Any) -> Any:
        """Send the secret along."""
        options["headers"] = {
            **dict(options.get("headers") or {}),
            "Authorization": f"Bearer {self.secret}",
        }
        return super().open(*arguments, **options)


def consumer(world: World, job_id: UUID) -> FlaskClient:
    """The browser of a consumer who holds a link to a job."""
    with world.sessions.begin() as session:
        _link, secret = link_to(session, job_id, datetime.now(UTC) + timedelta(hours=1))
    client = Bearer(world.app, world.app.response_class)
    client.secret = secret
    return client


def technicians(world: World) -> tuple[str, str]:
    """Logins of two technicians with visits, of different outlets."""
    with world.sessions() as session:
        rows = session.execute(
            select(Person.login, Technician.outlet_id)
            .join(Technician, Technician.number == Person.technician_number)
            .join(Visit, Visit.technician_number == Technician.number)
            .where(Visit.active, Visit.state == "published")
            .order_by(Technician.number)
        ).all()
    first = rows[0]
    return first.login, next(row.login for row in rows if row.outlet_id != first.outlet_id)


def manager(world: World, outlet_id: UUID) -> FlaskClient:
    """The browser of an outlet's manager."""
    login = f"manager-{outlet_id}"
    with world.sessions.begin() as session:
        if session.scalar(select(Person.id).where(Person.login == login)) is None:
            add_person(session, login, login, "outlet_manager", PASSWORD_HASH, outlet_id=outlet_id)
    return world.client(login)


def somebody(world: World, role: str, name: str) -> FlaskClient:
    """The browser of one more person of a role."""
    if role == roles.TECHNICIAN:
        return world.client(technicians(world)[0 if name == "owner" else 1])
    with world.sessions.begin() as session:
        outlets = session.scalars(select(Outlet.id).order_by(Outlet.name)).all()
        login = f"{role}-{name}"
        if session.scalar(select(Person.id).where(Person.login == login)) is None:
            add_person(
                session,
                login,
                login,
                role,
                PASSWORD_HASH,
                outlet_id=outlets[name == "owner"] if role == roles.OUTLET_MANAGER else None,
                access_until=datetime.now(UTC) + timedelta(days=1),
            )
    return world.client(login)


def managers_of_a_visit(world: World) -> tuple[Visit, FlaskClient, FlaskClient]:
    """A visit, the manager of its outlet, and one of another outlet that never had its job."""
    with world.sessions() as session:
        visits = session.scalars(select(Visit).where(Visit.active).order_by(Visit.number)).all()
        outlet_of = dict(session.execute(select(Technician.number, Technician.outlet_id)).all())
    visit = visits[0]
    touched = {outlet_of[one.technician_number] for one in visits if one.job_id == visit.job_id}
    other = next(outlet for outlet in outlet_of.values() if outlet not in touched)
    owner = outlet_of[visit.technician_number]
    return visit, manager(world, owner), manager(world, other)


def _token(role: str) -> Callable[[World], Case]:
    def case(world: World) -> Case:
        owner = somebody(world, role, "owner")
        made = owner.post(f"{V1}/tokens", json={"name": "mine"}).get_json()
        return Case(f"{V1}/tokens/{made['id']}", owner, somebody(world, role, "colleague"))

    return case


def _manager_job(world: World) -> Case:
    visit, owner, colleague = managers_of_a_visit(world)
    return Case(f"{V1}/jobs/{visit.job_id}", owner, colleague)


def _manager_request(world: World) -> Case:
    visit, owner, colleague = managers_of_a_visit(world)
    with world.sessions() as session:
        request_id = session.get_one(Job, visit.job_id).request_id
    return Case(f"{V1}/requests/{request_id}", owner, colleague)


def _manager_technician(world: World, suffix: str = "") -> Case:
    visit, owner, colleague = managers_of_a_visit(world)
    with world.sessions() as session:
        technician_id = session.scalars(
            select(Technician.id).where(Technician.number == visit.technician_number)
        ).one()
    return Case(f"{V1}/technicians/{technician_id}{suffix}", owner, colleague)


def _technician_route(world: World) -> Case:
    mine, other = technicians(world)
    owner = world.client(mine)
    own = owner.get(f"{V1}/session").get_json()["technician_id"]
    return Case(f"{V1}/technicians/{own}/route", owner, world.client(other))


def _why_not_me(world: World) -> Case:
    mine, other = technicians(world)
    owner = world.client(mine)
    own = owner.get(f"{V1}/session").get_json()["technician_id"]
    with world.sessions() as session:
        job_id = session.scalars(select(Job.id).where(Job.status == "open")).first()
    return Case(f"{V1}/jobs/{job_id}/why/{own}", owner, world.client(other))


def _calendar(world: World) -> Case:
    mine, other = technicians(world)
    owner = world.client(mine)
    own = owner.get(f"{V1}/session").get_json()["technician_id"]
    return Case(f"{V1}/technicians/{own}/calendar", owner, world.client(other))


def _visit_event(world: World) -> Case:
    mine, other = busy_logins(world, 2)
    owner, visit_id = first_stop(world, mine)
    path = f"{V1}/visits/{visit_id}/events"
    return Case(path, owner, world.client(other), event("accepted"))


def _receipt_for_consumer(world: World) -> Case:
    with world.sessions() as session:
        one, other = session.scalars(select(Job.id).order_by(Job.number).limit(2)).all()
    _give_receipts(world, one)
    return Case(f"{V1}/jobs/{one}/receipt", consumer(world, one), consumer(world, other))


def _receipt_for_manager(world: World) -> Case:
    visit, owner, colleague = managers_of_a_visit(world)
    _give_receipts(world, visit.job_id)
    return Case(f"{V1}/jobs/{visit.job_id}/receipt", owner, colleague)


def _give_receipts(world: World, job_id: UUID) -> None:
    """The demo's jobs come without one."""
    with world.sessions.begin() as session:
        if session.scalar(select(Receipt.id).where(Receipt.job_id == job_id)) is None:
            issue_receipt(session, session.get_one(Job, job_id), datetime.now(UTC))


def _manager_dossier(world: World) -> Case:
    visit, owner, colleague = managers_of_a_visit(world)
    return Case(f"{V1}/jobs/{visit.job_id}/dossier", owner, colleague)


def _new_photo(world: World) -> Case:
    mine, other = busy_logins(world, 2)
    owner, visit_id = first_stop(world, mine)
    return Case(photo_path(visit_id), owner, world.client(other), content=jpeg())


def _photo(world: World) -> Case:
    case = _new_photo(world)
    kept = case.owner.post(case.path, data=case.content, content_type="image/jpeg").get_json()
    return Case(f"{V1}/photos/{kept['id']}", case.owner, case.colleague)


def _survey(world: World) -> Case:
    mine, other = finished_jobs(world, 2)
    answers = {"id": str(uuid7()), "satisfaction": 5, "solved": True}
    path = f"{V1}/jobs/{mine}/survey"
    return Case(path, consumer(world, mine), consumer(world, other), answers)


def _settlement(suffix: str = "", sent: dict[str, Any] | None = None) -> Callable[[World], Case]:
    def case(world: World) -> Case:
        owner = somebody(world, roles.OUTLET_MANAGER, "owner")
        colleague = somebody(world, roles.OUTLET_MANAGER, "colleague")
        with world.sessions() as session:
            outlet_id = session.scalars(
                select(Person.outlet_id).where(Person.login == "outlet_manager-owner")
            ).one()
        admin = world.client("admin")
        terms = {
            "number": str(uuid7()),
            "kind": "franchise",
            "party": "a franchisee",
            "outlet_id": str(outlet_id),
            "valid_from": "2020-01-01",
            "monthly_fee_fen": 100,
        }
        contract = admin.post(f"{V1}/contracts", json=terms).get_json()["id"]
        period = {"from": "2020-02-01", "to": "2020-02-29"}
        made = admin.post(f"{V1}/contracts/{contract}/settlements", json=period).get_json()
        return Case(f"{V1}/settlements/{made['id']}{suffix}", owner, colleague, sent)

    return case


def _audit(step: str) -> Callable[[World], Case]:
    def case(world: World) -> Case:
        colleague = somebody(world, roles.ASSESSOR, "colleague")
        somebody(world, roles.ASSESSOR, "owner")
        audit = third_party(world, "assessor-owner", jobs=1)
        sent: dict[str, Any] | None = None
        if step == "/commitment":
            sent = {"commitment": "00" * 32, "public_key": "00" * 32}
        elif step == "/reveal":
            assert audit.commit().status_code == audit.freeze().status_code == 200
            sent = {"seed": SEED.hex(), "nonce": NONCE.hex()}
        elif step == "/result":
            audit.drawn()
            sent = audit.result()
        return Case(f"{audit.path}{step}", audit.assessor, colleague, sent)

    return case


def _sampled(suffix: str) -> Callable[[World], Case]:
    def case(world: World) -> Case:
        colleague = somebody(world, roles.ASSESSOR, "colleague")
        somebody(world, roles.ASSESSOR, "owner")
        audit = third_party(world, "assessor-owner", jobs=1)
        return Case(f"{V1}/jobs/{audit.drawn()[0]}{suffix}", audit.assessor, colleague)

    return case


def _device_key(world: World) -> Case:
    owner = somebody(world, roles.TECHNICIAN, "owner")
    sent = {"id": str(uuid7()), "public_key": public_key(bytes(32)).hex()}
    assert owner.post(f"{V1}/me/device-keys", json=sent).status_code == 201
    colleague = somebody(world, roles.TECHNICIAN, "colleague")
    return Case(f"{V1}/me/device-keys/{sent['id']}", owner, colleague)


def _pack(step: str) -> Callable[[World], Case]:
    def case(world: World) -> Case:
        colleague = somebody(world, roles.ASSESSOR, "colleague")
        somebody(world, roles.ASSESSOR, "owner")
        audit = third_party(world, "assessor-owner", jobs=1)
        audit.drawn()
        sent = {"kind": "sample", "audit_id": audit.path.rpartition("/")[2], "why": "the sample"}
        place = audit.assessor.post(f"{V1}/evidence", json=sent).headers["Location"]
        if step == "/file":
            world.work_queue()
        return Case(f"{place}{step}", audit.assessor, colleague)

    return case


CASES: dict[tuple[str, str, str], Callable[[World], Case]] = {
    **{("DELETE", f"{V1}/tokens/<uuid:token_id>", role): _token(role) for role in SIGNED_IN},
    ("GET", f"{V1}/jobs/<uuid:job_id>", roles.OUTLET_MANAGER): _manager_job,
    ("GET", f"{V1}/requests/<uuid:request_id>", roles.OUTLET_MANAGER): _manager_request,
    ("GET", f"{V1}/technicians/<uuid:technician_id>", roles.OUTLET_MANAGER): _manager_technician,
    ("GET", f"{V1}/technicians/<uuid:technician_id>/route", roles.OUTLET_MANAGER): lambda world: (
        _manager_technician(world, "/route")
    ),
    ("GET", f"{V1}/technicians/<uuid:technician_id>/route", roles.TECHNICIAN): _technician_route,
    ("POST", f"{V1}/visits/<uuid:visit_id>/events", roles.TECHNICIAN): _visit_event,
    ("GET", f"{V1}/jobs/<uuid:job_id>/receipt", roles.CONSUMER): _receipt_for_consumer,
    ("GET", f"{V1}/jobs/<uuid:job_id>/receipt", roles.OUTLET_MANAGER): _receipt_for_manager,
    ("GET", f"{V1}/jobs/<uuid:job_id>/dossier", roles.OUTLET_MANAGER): _manager_dossier,
    (
        "GET",
        f"{V1}/jobs/<uuid:job_id>/why/<uuid:technician_id>",
        roles.TECHNICIAN,
    ): _why_not_me,
    ("POST", f"{V1}/visits/<uuid:visit_id>/photos", roles.TECHNICIAN): _new_photo,
    ("GET", f"{V1}/photos/<uuid:photo_id>", roles.TECHNICIAN): _photo,
    ("POST", f"{V1}/jobs/<uuid:job_id>/survey", roles.CONSUMER): _survey,
    ("GET", f"{V1}/settlements/<uuid:settlement_id>", roles.OUTLET_MANAGER): _settlement(),
    ("GET", f"{V1}/settlements/<uuid:settlement_id>/claim", roles.OUTLET_MANAGER): _settlement(
        "/claim"
    ),
    ("POST", f"{V1}/settlements/<uuid:settlement_id>/answer", roles.OUTLET_MANAGER): _settlement(
        "/answer", {"accepted": True}
    ),
    **{
        ("GET", f"{V1}/jobs/<uuid:job_id>{suffix}", roles.ASSESSOR): _sampled(suffix)
        for suffix in ("", "/clocks", "/dossier")
    },
    ("GET", f"{V1}/audits/<uuid:audit_id>", roles.ASSESSOR): _audit(""),
    **{
        ("POST", f"{V1}/audits/<uuid:audit_id>{step}", roles.ASSESSOR): _audit(step)
        for step in ("/commitment", "/reveal", "/result")
    },
    ("DELETE", f"{V1}/me/device-keys/<uuid:key_id>", roles.TECHNICIAN): _device_key,
    ("GET", f"{V1}/evidence/<uuid:pack_id>", roles.ASSESSOR): _pack(""),
    ("GET", f"{V1}/evidence/<uuid:pack_id>/file", roles.ASSESSOR): _pack("/file"),
    ("POST", f"{V1}/evidence/<uuid:pack_id>/cancel", roles.ASSESSOR): _pack("/cancel"),
    ("POST", f"{V1}/technicians/<uuid:technician_id>/calendar", roles.TECHNICIAN): _calendar,
    ("DELETE", f"{V1}/technicians/<uuid:technician_id>/calendar", roles.TECHNICIAN): _calendar,
}
"""By method, rule and role. A row of `api.access.OWN` without a case here fails a test."""
