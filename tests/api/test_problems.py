from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.problems import PROBLEMS
from tests.api.world import World, report

API = Path(__file__).parents[2] / "api"


def codes_used() -> set[str]:
    """First arguments of ``Refusal(...)`` and ``problem(...)`` in the code of the API."""
    used = set()
    for path in API.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("Refusal", "problem")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                used.add(node.args[0].value)
    return used


def test_every_code_in_the_code_is_documented() -> None:
    assert codes_used() <= set(PROBLEMS)


def test_every_documented_code_stands_in_the_reference() -> None:
    page = (API.parent / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    missing = [
        code for code, kind in PROBLEMS.items() if f"| `{code}` | {kind.status} |" not in page
    ]
    assert not missing


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/api/v1/nothing", {}, 404, "not_found"),
        ("GET", "/nothing", {}, 404, "not_found"),
        ("PUT", "/api/v1/requests", {}, 405, "method_not_allowed"),
        ("POST", "/api/v1/requests", {"data": b"x" * 1_000_001}, 413, "too_large"),
        ("POST", "/api/v1/requests", {"data": "a=b"}, 415, "not_json"),
        ("POST", "/api/v1/requests", {"data": "{", "json": True}, 422, "malformed_json"),
        ("POST", "/api/v1/requests", {"data": '{"a": NaN}', "json": True}, 422, "malformed_json"),
        ("POST", "/api/v1/requests", {"data": b"\xff", "json": True}, 422, "malformed_json"),
        ("POST", "/api/v1/requests", {"data": "[" * 9999, "json": True}, 422, "malformed_json"),
        ("POST", "/api/v1/requests", {"data": "[]", "json": True}, 422, "invalid"),
        ("GET", "/api/v1/jobs?limit=0", {}, 422, "invalid"),
        ("GET", "/api/v1/jobs?colour=red", {}, 422, "invalid"),
        ("GET", "/api/v1/days/someday", {}, 422, "invalid"),
    ],
)
def test_every_error_is_one_problem_with_its_code(
    dispatcher: FlaskClient, method: str, path: str, sent: dict[str, object], status: int, code: str
) -> None:
    content_type = "application/json" if sent.get("json") else "text/plain"
    answer = dispatcher.open(path, method=method, data=sent.get("data"), content_type=content_type)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    told = answer.get_json()
    assert (told["status"], told["code"], told["instance"]) == (status, code, path.split("?")[0])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"channel": "fax"}, "channel"),
        ({"colour": "red"}, "colour"),
        ({"half \ud800 pair": 1}, "half \ud800 pair"),
        ({"reported_at": "2026-11-24T08:00:00"}, "reported_at"),
        ({"reported_at": "9999-12-31T23:59:59-12:00"}, "reported_at"),
        ({"place": {"lat": 91, "lon": 0}}, "place"),
        ({"place": {"lat": "1e999", "lon": 0}}, "place"),
        ({"address": "line\nbreak"}, "address"),
        ({"address": "nul\x00"}, "address"),
        ({"address": "   "}, "address"),
        ({"description": "\ud800"}, "description"),
        ({"consumer": {"name": "Rosa", "phone": "call me"}}, "consumer"),
        ({"product": "Fridge!"}, "product"),
        (
            {"windows": [{"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T09:00:00Z"}]},
            "windows",
        ),
    ],
)
def test_bad_values_get_one_clear_422_that_names_the_place(
    dispatcher: FlaskClient, change: dict[str, object], where: str
) -> None:
    answer = dispatcher.post(
        "/api/v1/requests", data=json.dumps(report(**change)), content_type="application/json"
    )
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["code"] == "invalid"
    assert where in answer.get_json()["errors"]["json"]
    assert where in answer.get_json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/requests", "/api/v1/imports/customers"])
def test_a_body_without_a_length_is_refused_where_the_limit_cuts_it(
    dispatcher: FlaskClient, path: str
) -> None:
    answer = dispatcher.post(
        path,
        input_stream=io.BytesIO(b" " * 25_000_000),
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")
    assert answer.get_json()["params"]["largest_bytes"] >= 1_000_000


@pytest.mark.parametrize("reason", ["%00", "a%00b", "%ED%A0%80", "x" * 900])
def test_no_reason_of_a_look_breaks_the_server(dispatcher: FlaskClient, reason: str) -> None:
    assert dispatcher.get("/api/v1/jobs", headers={"Look-Reason": reason}).status_code == 200


def test_a_fault_of_ours_tells_nothing_of_the_inside(world: World) -> None:
    def broken() -> str:
        raise KeyError("secret detail")

    endpoint = "session.about"
    original = world.app.view_functions[endpoint]
    world.app.view_functions[endpoint] = broken
    try:
        answer = world.client().get("/api/v1/about")
    finally:
        world.app.view_functions[endpoint] = original
    assert answer.status_code == 500
    assert answer.get_json()["code"] == "internal_error"
    assert "secret" not in answer.text
