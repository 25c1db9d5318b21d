"""Signing in, tokens, and what this installation is."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from api.access import ROLES
from api.schemas.fields import Instant, Line, page_of


class SignInSchema(Schema):
    """A login and its password."""

    login = Line(required=True, longest=100)
    password = fields.String(
        required=True, validate=validate.Length(1, 200), metadata={"format": "password"}
    )


class PersonSchema(Schema):
    """Who is signed in."""

    id = fields.UUID(required=True, attribute="person_id")
    login = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    technician_id = fields.UUID(required=True, allow_none=True)


class TokenRequestSchema(Schema):
    """A token to be made."""

    name = Line(required=True, longest=100, metadata={"description": "What it is for"})
    expires_at = Instant(load_default=None, allow_none=True)


class TokenSchema(Schema):
    """A token without its secret."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    created_at = Instant(required=True)
    expires_at = Instant(required=True, allow_none=True)
    revoked_at = Instant(required=True, allow_none=True)


class NewTokenSchema(TokenSchema):
    """A token just made. The secret is shown this once: a repeat under the same Idempotency-Key
    tells the rest and null."""

    token = fields.String(required=True, allow_none=True)


TokenPageSchema = page_of(TokenSchema)


class PersonaSchema(Schema):
    """A public login of the demo."""

    login = fields.String(required=True)
    password = fields.String(required=True)
    role = fields.String(required=True)
    name = fields.String(required=True)


class AboutSchema(Schema):
    """What runs here."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    demo = fields.Boolean(required=True)
    personas = fields.List(fields.Nested(PersonaSchema), required=True)
    region = fields.String(required=True, allow_none=True)
    timezone = fields.String(required=True, allow_none=True)
