"""Fields with the house's rules: text that a database can hold, aware instants, places."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from domain.places import Place

LONGEST_LINE = 200
LONGEST_TEXT = 4000


class Line(fields.String):
    """One line of text: 1 to 200 characters, no control characters, surrounding space removed."""

    def __init__(self, longest: int = LONGEST_LINE, shortest: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shortest = shortest
        self.longest = longest
        self.validators = [validate.Length(shortest, longest), *self.validators]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        line = super()._deserialize(value, attr, data, **kwargs).strip()
        if not line.isprintable():
            raise ValidationError("must be one line of printable text")
        return line


class Text(fields.String):
    """Text of several lines; no control characters but line ends and tabs."""

    def __init__(self, longest: int = LONGEST_TEXT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [validate.Length(0, longest), *self.validators]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not all(char.isprintable() or char in "\n\r\t" for char in text):
            raise ValidationError("must be printable text")
        return text


class Instant(fields.AwareDateTime):
    """An ISO 8601 instant with its offset; a naive one is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=None, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        instant = super()._deserialize(value, attr, data, **kwargs)
        try:
            in_range = 2000 <= instant.astimezone(UTC).year < 2200
        except OverflowError:
            in_range = False
        if not in_range:
            raise ValidationError("must lie between the years 2000 and 2200")
        return instant

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return value.astimezone(UTC).isoformat()


class Day(fields.Date):
    """A date that a calendar of people knows."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        day = super()._deserialize(value, attr, data, **kwargs)
        if not 1970 <= day.year < 2200:
            raise ValidationError("must lie between the years 1970 and 2200")
        return day


class PlaceSchema(Schema):
    """A point in WGS-84, in degrees."""

    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))

    @post_load
    def make(self, data: dict[str, float], **_kwargs: Any) -> Place:
        """The domain's word for it."""
        return Place(data["lat"], data["lon"])


class WindowSchema(Schema):
    """A promised stretch of time; service starts inside it."""

    start = Instant(required=True)
    end = Instant(required=True)

    @post_load
    def make(self, data: dict[str, datetime], **_kwargs: Any) -> tuple[datetime, datetime]:
        """Start and end, in order."""
        if data["end"] < data["start"]:
            raise ValidationError("must not end before it starts", "end")
        return data["start"], data["end"]


class CursorQuery(Schema):
    """Which page of a list."""

    cursor = Line(longest=400, metadata={"description": "`next` of the page before; opaque"})
    limit = fields.Integer(load_default=50, strict=False, validate=validate.Range(1, 500))


def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of one page of a list."""
    return type(
        f"{item.__name__.removesuffix('Schema')}PageSchema",
        (Schema,),
        {
            "__doc__": "One page of a list; `next` is null on the last.",
            "items": fields.List(fields.Nested(item), required=True),
            "next": fields.String(allow_none=True, required=True),
        },
    )
