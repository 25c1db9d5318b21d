"""Reading requests strictly: JSON only, one clear error, no unknown field anywhere."""

from __future__ import annotations

import json
from typing import Any, ClassVar, NoReturn

from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser

from api.services.refusals import Refusal


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


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
            return json.loads(raw, parse_constant=_no_constant)
        except UnicodeDecodeError:
            raise Refusal("malformed_json", "the body is not UTF-8") from None
        except (ValueError, RecursionError) as error:
            place = f": {error}" if isinstance(error, json.JSONDecodeError) else ""
            raise Refusal("malformed_json", f"the body is not JSON{place}") from None


class Blueprint(SmorestBlueprint):
    """A group of routes that reads requests strictly."""

    ARGUMENTS_PARSER = StrictParser()
