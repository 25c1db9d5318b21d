from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from api.access import (
    ACCESS,
    ANYONE,
    CONSUMER,
    OUTSIDE,
    OWN,
    ROLES,
    SCOPED,
    documented_routes,
    table,
    verify,
)
from api.db.models import Job
from api.services.demo import OFFICE
from tests.api.cases import RIGHTS_CASES
from tests.api.ownership import CASES as OTHER_CASES
from tests.api.ownership import consumer
from tests.api.world import World, busy_logins

LOGINS = {role: login for login, _, role in OFFICE}
# A stream of events does not end by itself; its rights are tested with the feed.
STREAMS = {("GET", "/api/v1/events")}
# What who supervises may write: signing in, a reason, an answer. Nothing of the firm's.
OUTSIDE_WRITES = {
    ("DELETE", "/api/v1/session"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/<uuid:token_id>"),
    ("POST", "/api/v1/jobs/<uuid:job_id>/personal"),
    ("POST", "/api/v1/evidence"),
    ("POST", "/api/v1/evidence/<uuid:pack_id>/cancel"),
    ("POST", "/api/v1/audits/<uuid:audit_id>/commitment"),
    ("POST", "/api/v1/audits/<uuid:audit_id>/reveal"),
    ("POST", "/api/v1/audits/<uuid:audit_id>/result"),
    ("POST", "/api/v1/consultation/suggestions"),
}
CASES = OTHER_CASES | RIGHTS_CASES
OWNED = sorted((*route, role) for route, allowed in OWN.items() for role in allowed)


@pytest.fixture(scope="module")
def clients(world: World) -> dict[str, FlaskClient]:
    clients = {role: world.client(login) for role, login in LOGINS.items()}
    with world.sessions() as session:
        job_id = session.scalars(select(Job.id).limit(1)).one()
    return clients | {
        "technician": world.client(busy_logins(world, 1)[0]),
        CONSUMER: consumer(world, job_id),
    }


def _path(rule: str, technician_id: str) -> str:
    own = rule.replace("<uuid:technician_id>", technician_id)
    filled = re.sub(r"<uuid:\w+>", str(UUID(int=uuid4().int)), own)
    return re.sub(r"<(path|string):\w+>", "nothing", filled)


def test_the_table_names_every_route_and_no_other(world: World) -> None:
    assert documented_routes(world.app) == set(ACCESS)


def test_an_application_with_a_route_that_is_not_in_the_table_does_not_start() -> None:
    app = Flask("stray")
    app.add_url_rule("/api/v1/secret", view_func=lambda: "secret")
    with pytest.raises(RuntimeError, match="/api/v1/secret"):
        verify(app)


@pytest.mark.parametrize(("method", "rule"), sorted(set(ACCESS) - STREAMS))
def test_each_role_gets_in_where_the_table_says_so_and_nowhere_else(
    world: World, clients: dict[str, FlaskClient], method: str, rule: str
) -> None:
    allowed = ACCESS[method, rule]
    own = clients["technician"].get("/api/v1/session").get_json()["technician_id"]
    path = _path(rule, own)
    if (method, rule) == ("DELETE", "/api/v1/session"):
        clients = {
            role: client if role == CONSUMER else world.client(LOGINS.get(role) or "t01")
            for role, client in clients.items()
        }
    nobody = world.client().open(path, method=method, buffered=True)
    if allowed is ANYONE:
        assert nobody.status_code not in (401, 403) or rule.endswith("/session")
    else:
        assert nobody.status_code == 401
        assert nobody.get_json()["code"] == "not_signed_in"
        assert nobody.content_type == "application/problem+json"
    for role in ROLES:
        answer = clients[role].open(path, method=method, buffered=True)
        if role in allowed:
            assert answer.status_code not in (401, 403, 405, 500), (role, answer.text)
        else:
            assert answer.status_code == 403, (role, answer.text)
            assert answer.get_json()["code"] == "forbidden"


@pytest.mark.parametrize(("method", "rule"), sorted(ACCESS))
def test_a_thing_by_its_id_is_somebodys_own_for_roles_that_reach_some_rows_only(
    method: str, rule: str
) -> None:
    if "<uuid:" not in rule or ACCESS[method, rule] is ANYONE:
        return
    limited = ACCESS[method, rule] & SCOPED
    assert limited <= OWN.get((method, rule), frozenset()), "add the roles to OWN in api/access.py"


def test_what_is_owned_is_in_the_table_and_has_a_case() -> None:
    assert {(method, rule) for method, rule, _ in OWNED} <= set(ACCESS)
    assert all(role in ACCESS[method, rule] for method, rule, role in OWNED)
    missing = {case for case in OWNED if case not in CASES}
    assert missing == set(), "add a case to tests/api/ownership.py"


@pytest.mark.parametrize(("method", "rule", "role"), OWNED)
def test_the_owner_reaches_it_and_a_colleague_of_the_same_role_does_not(
    world: World, method: str, rule: str, role: str
) -> None:
    case = CASES[method, rule, role](world)
    sent: dict[str, object] = {} if case.sent is None else {"json": case.sent}
    if case.content is not None:
        sent = {"data": case.content, "content_type": "image/jpeg"}
    colleague = case.colleague.open(case.path, method=method, headers=case.headers, **sent)
    assert colleague.status_code in (403, 404), (case.path, colleague.text)
    owner = case.owner.open(case.path, method=method, headers=case.headers, buffered=True, **sent)
    assert owner.status_code < 300, (case.path, owner.text)


@pytest.mark.parametrize(("method", "rule"), sorted(ACCESS))
def test_who_supervises_reads_and_writes_nothing_of_the_firms(method: str, rule: str) -> None:
    if method == "GET" or ACCESS[method, rule] is ANYONE or (method, rule) in OUTSIDE_WRITES:
        return
    assert not ACCESS[method, rule] & OUTSIDE


def test_the_table_can_be_read_by_people() -> None:
    rows = {row["route"]: row for row in table()}
    assert rows["POST /api/v1/plans/<uuid:plan_id>/publish"]["dispatcher"] == "yes"
    assert rows["GET /api/v1/jobs/<uuid:job_id>"]["outlet_manager"] == "own"
    assert rows["GET /healthz"]["consumer"] == "anybody"
    assert rows["consumer's phone"]["planner"] == "masked"
    assert rows["consumer's phone"]["regulator"] == "asked"
