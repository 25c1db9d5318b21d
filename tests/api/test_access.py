from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.access import ACCESS, ANYONE, ROLES, documented_routes, verify
from tests.api.world import World, busy_logins

LOGINS = {"dispatcher": "dispatch", "planner": "planner", "admin": "admin"}
# A stream of events does not end by itself; its rights are tested with the feed.
STREAMS = {("GET", "/api/v1/events")}


@pytest.fixture(scope="module")
def clients(world: World) -> dict[str, FlaskClient]:
    clients = {role: world.client(login) for role, login in LOGINS.items()}
    return clients | {"technician": world.client(busy_logins(world, 1)[0])}


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
        clients = {role: world.client(LOGINS.get(role) or "t01") for role in clients}
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
