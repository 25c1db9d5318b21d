"""Reading requests strictly: JSON only, one clear error, no unknown field anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, NoReturn

from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser

from api.services.refusals import Refusal


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_JSON: Final[Mapping[type[fields.Field[Any]], tuple[tuple[type, ...], str]]] = MappingProxyType(
    {
        fields.Integer: ((int,), "Not a whole number."),
        fields.Float: ((int, float), "Not a number."),
        fields.Boolean: ((bool,), "Neither true nor false."),
    }
)
"""What JSON calls a number or a truth. ``"3"``, ``2.7`` pieces and ``"off"`` are something else:
taking them for what they look like would lose a half without a word.
"""


def require_json_types(schema: Schema, body: Any) -> None:
    """Refuse text where a number or a truth belongs, and fractions of what is counted.

    Raises
    ------
    ValidationError
        By path, as the schema itself would say it.
    """
    errors = _misfits(fields.Nested(lambda: schema, many=bool(schema.many)), body)
    if errors:
        raise ValidationError(errors)


def _misfits(field: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(field, fields.Nested):
        if field.many or field.schema.many:
            return _each(field.schema.fields, value) if isinstance(value, list) else None
        return _of_object(field.schema.load_fields, value) if isinstance(value, dict) else None
    if isinstance(field, fields.List):
        return _by_key(enumerate(value), field.inner) if isinstance(value, list) else None
    if isinstance(field, fields.Dict):
        wanted = field.value_field
        return _by_key(value.items(), wanted) if wanted and isinstance(value, dict) else None
    for kind, (taken, message) in _JSON.items():
        if isinstance(field, kind):
            fits = isinstance(value, taken) and (bool in taken) == isinstance(value, bool)
            return None if fits else [message]
    return None


def _each(wanted: Mapping[str, Any], rows: list[Any]) -> dict[Any, Any] | None:
    found = {
        place: errors
        for place, row in enumerate(rows)
        if isinstance(row, dict) and (errors := _of_object(wanted, row))
    }
    return found or None


def _of_object(wanted: Mapping[str, Any], body: dict[str, Any]) -> dict[Any, Any] | None:
    found = {}
    for name, field in wanted.items():
        key = field.data_key or name
        if key in body and (errors := _misfits(field, body[key])):
            found[key] = errors
    return found or None


def _by_key(items: Any, wanted: Any) -> dict[Any, Any] | None:
    return {key: errors for key, one in items if (errors := _misfits(wanted, one))} or None


class StrictParser(FlaskParser):
    """Refuses unknown fields and parameters, and tells JSON that is none from wrong values."""

    DEFAULT_UNKNOWN_BY_LOCATION: ClassVar[dict[str, Any]] = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": RAISE,
        "query": RAISE,
    }

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body as JSON; no body is an empty object.

        Raises
        ------
        Refusal
            ``not_json`` for another media type, ``malformed_json`` for anything that is not JSON.
        """
        raw = req.get_data(cache=True)
        if not raw:
            return {}
        if not req.is_json:
            raise Refusal("not_json", f"got {req.mimetype or 'no media type'}")
        try:
            body = json.loads(raw, parse_constant=_no_constant)
        except UnicodeDecodeError:
            raise Refusal("malformed_json", "the body is not UTF-8") from None
        except (ValueError, RecursionError) as error:
            place = f": {error}" if isinstance(error, json.JSONDecodeError) else ""
            raise Refusal("malformed_json", f"the body is not JSON{place}") from None
        require_json_types(schema, body)
        return body


class Blueprint(SmorestBlueprint):
    """A group of routes that reads requests strictly."""

    ARGUMENTS_PARSER = StrictParser()
