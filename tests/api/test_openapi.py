from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error, status_code_conformance

from api.access import ACCESS, ANYONE
from tests.api.world import World

PATHS_TRIED = (
    "^/api/v1/(requests|jobs|outlets|technicians|shifts|plans|tokens|visits|days|activity)"
)


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
        max_examples=5,
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
