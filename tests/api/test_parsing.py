"""What a body may say: numbers are numbers, truths are truths, nothing is rounded in silence."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import Schema, ValidationError, fields

from api.parsing import require_json_types
from tests.api.world import report


class Inner(Schema):
    yes = fields.Boolean()


class Outer(Schema):
    degrees = fields.Float()
    pieces = fields.Integer(data_key="count")
    by_part = fields.Dict(keys=fields.String(), values=fields.Integer())
    rows = fields.List(fields.Nested(Inner))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"degrees": "29"}, ["degrees"]),
        ({"degrees": True}, ["degrees"]),
        ({"count": 2.7}, ["count"]),
        ({"count": "٣"}, ["count"]),
        ({"by_part": {"PCB": "1"}}, ["by_part", "PCB"]),
        ({"rows": [{"yes": True}, {"yes": "off"}]}, ["rows", 1, "yes"]),
    ],
)
def test_what_only_looks_like_a_number_or_a_truth_is_refused_by_its_path(
    body: dict[str, Any], path: list[Any]
) -> None:
    with pytest.raises(ValidationError) as caught:
        require_json_types(Outer(), body)
    found: Any = caught.value.messages
    for step in path:
        assert list(found) == [step]
        found = found[step]


def test_plain_json_passes() -> None:
    body = {"degrees": 29, "count": 2, "by_part": {"PCB": 1}, "rows": [{"yes": False}, None]}
    require_json_types(Outer(), body)


def test_a_report_with_degrees_as_text_is_one_clear_error(dispatcher: FlaskClient) -> None:
    answer = dispatcher.post("/api/v1/requests", json=report(place={"lat": "٣٠", "lon": -71.2}))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")
    assert answer.get_json()["errors"] == {"json": {"place": {"lat": ["Not a number."]}}}
