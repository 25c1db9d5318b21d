"""Contracts and settlements."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from api.schemas.fields import Day, Instant, Line, Text, page_of
from domain.fees import LARGEST_FEN
from domain.settlement import TermsKind

FEN = validate.Range(0, LARGEST_FEN)


class NewContractSchema(Schema):
    """Terms with a franchisee, a funder or a buyer of service."""

    number = Line(required=True, longest=60)
    kind = fields.Enum(TermsKind, by_value=True, required=True)
    party = Line(required=True)
    outlet_id = fields.UUID(load_default=None, allow_none=True)
    valid_from = Day(required=True)
    valid_until = Day(load_default=None, allow_none=True)
    currency = fields.String(
        load_default="CNY", validate=validate.Regexp(r"^[A-Z]{3}$", error="must be like CNY")
    )
    unit_fen = fields.Integer(load_default=0, validate=FEN)
    share_permille = fields.Integer(load_default=0, validate=validate.Range(0, 1000))
    monthly_fee_fen = fields.Integer(load_default=0, validate=FEN)
    cap_fen = fields.Integer(load_default=None, allow_none=True, validate=FEN)
    quantity = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(1, 10_000_000)
    )
    classes = fields.List(Line(longest=60), load_default=list, validate=validate.Length(max=20))


class ContractSchema(Schema):
    """A contract; it is never changed."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    party = fields.String(required=True)
    outlet_id = fields.UUID(required=True, allow_none=True)
    valid_from = Day(required=True)
    valid_until = Day(required=True, allow_none=True)
    currency = fields.String(required=True)
    unit_fen = fields.Integer(required=True)
    share_permille = fields.Integer(required=True)
    monthly_fee_fen = fields.Integer(required=True)
    cap_fen = fields.Integer(required=True, allow_none=True)
    quantity = fields.Integer(required=True, allow_none=True)
    classes = fields.List(fields.String(), required=True)


ContractPageSchema = page_of(ContractSchema)


class NewSettlementSchema(Schema):
    """The whole days to settle; they have to be over."""

    first = Day(required=True, data_key="from")
    last = Day(required=True, data_key="to")


class SettlementSchema(Schema):
    """A statement: each sum with the record that earns it, each refusal with why."""

    id = fields.UUID(required=True)
    contract_id = fields.UUID(required=True)
    first = Day(required=True, data_key="from", attribute="start")
    last = Day(required=True, data_key="to", attribute="end")
    status = fields.String(required=True)
    note = fields.String(required=True)
    total_fen = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    document = fields.Dict(required=True)
    answered_at = Instant(required=True, allow_none=True)


SettlementPageSchema = page_of(SettlementSchema)


class AnswerSchema(Schema):
    """Whether the party agrees; a dispute says with what."""

    accepted = fields.Boolean(required=True)
    note = Text(load_default="")
