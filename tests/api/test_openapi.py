from __future__ import annotations

import base64
import json
import re
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error, status_code_conformance

from api.access import ACCESS, ANYONE
from api.services.demo import OFFICE
from tests.api.world import World

PATHS_TRIED = (
    "^/api/v1/(requests|jobs|outlets|technicians|shifts|plans|tokens|visits|days|activity)"
)
EXAMPLES = 2
NOT_JSON = (b"{", b"[]", b"\xff")
ODD = (
    None, "", 0, -1, 10**30, 1e308, True, [], {}, [[]], [None], "a\x00b", "\ud800", "x" * 5000,
    "2026-11-25T10:00:00", "9999-12-31", "0001-01-01", "2026-02-30", "1e999", 2**63, {"a": {}},
)  # fmt: skip


def test_the_published_description_is_openapi_3_1(world: World) -> None:
    spec = world.client().get("/api/openapi.json").get_json()
    assert spec["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(spec).validate()


def test_every_route_of_the_api_is_described_with_its_roles_and_errors(world: World) -> None:
    spec = world.client().get("/api/openapi.json").get_json()
    for (method, rule), roles in ACCESS.items():
        if not rule.startswith("/api/v1"):
            continue
        path = rule.replace("<uuid:", "{").replace("<string:", "{").replace(">", "}")
        operation = spec["paths"][path][method.lower()]
        assert operation["x-roles"] == sorted(roles)
        assert operation["summary"], path
        assert (operation.get("security") == []) == (roles is ANYONE)
        assert "default" in operation["responses"], path
        if method == "POST":
            names = {parameter["name"] for parameter in operation["parameters"]}
            assert "Idempotency-Key" in names
    errors = [r for r in spec["components"]["responses"].values() if "content" in r]
    assert errors
    for error in errors:
        assert list(error["content"]) == ["application/problem+json"]


def poke(operation: schemathesis.APIOperation, headers: dict[str, str]) -> None:
    """Call one operation with a few odd values."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case: schemathesis.Case) -> None:
        case.call_and_validate(
            headers=headers, checks=[not_a_server_error, status_code_conformance]
        )

    call()


def test_odd_input_never_breaks_the_server(world: World) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", world.app)
    made = world.client("admin").post("/api/v1/tokens", json={"name": "odd input"}).get_json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    tried = 0
    for result in schema.include(path_regex=PATHS_TRIED).get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/tokens/{token_id}"):
            continue

        poke(operation, bearer)
        tried += 1
    assert tried > 15


@pytest.mark.parametrize("key", [["9" * 30], ["2026-11-25T00:00:00Z", "9" * 30], ["a\x00"], 1])
def test_no_list_breaks_on_a_cursor_that_is_not_its_own(world: World, key: Any) -> None:
    spec = world.client().get("/api/openapi.json").get_json()
    admin, tried = world.client("admin"), 0
    forged = base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
    for path, operations in spec["paths"].items():
        parameters = operations.get("get", {}).get("parameters", [])
        if "{" in path or not any(one.get("name") == "cursor" for one in parameters):
            continue
        answer = admin.get(path, query_string={"cursor": forged})
        assert answer.status_code in (200, 403, 422), (path, answer.text)
        tried += 1
    assert tried > 20


def fine(schema: dict[str, Any], spec: dict[str, Any]) -> Any:
    """A value that fits a schema, or nearly."""
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds = schema.get("type", "string")
    kind = next(one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null")
    if "enum" in schema:
        return next(one for one in schema["enum"] if one is not None)
    if kind == "object":
        return {name: fine(one, spec) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [fine(schema.get("items", {}), spec)]
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    formats = {"uuid": str(uuid4()), "date": "2026-11-25", "date-time": "2026-11-25T10:00:00Z"}
    return kind == "boolean" or formats.get(schema.get("format", ""), "word")


def test_no_route_breaks_on_a_wrong_body(world: World) -> None:
    spec = world.client().get("/api/openapi.json").get_json()
    clients = {role: world.client(login) for login, _, role in OFFICE}
    clients["technician"] = world.client("t01")
    odd, tried = cycle(ODD), 0
    for path, operations in spec["paths"].items():
        post = operations.get("post", {})
        body = post.get("requestBody", {}).get("content", {}).get("application/json")
        role = next((role for role in ("admin", *post.get("x-roles", ())) if role in clients), None)
        if body is None or role not in post["x-roles"]:
            continue
        where = re.sub(r"{\w+_id}", str(uuid4()), path)
        good = fine(body["schema"], spec)
        sent = [json.dumps(good | {name: next(odd)}).encode() for name in good]
        for content in (*NOT_JSON, *sent):
            answer = clients[role].post(where, data=content, content_type="application/json")
            assert answer.status_code < 500, (path, content[:200], answer.text)
            if content in NOT_JSON:
                assert answer.status_code >= 400, (path, content[:20])
                assert answer.mimetype == "application/problem+json"
            tried += 1
    assert tried > 400
