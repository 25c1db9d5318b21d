"""Orders for evidence packs."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.db.models import EvidencePack
from api.schemas.fields import CursorQuery, Day, Instant, Line, page_of
from api.services.looks import LONGEST_REASON
from api.services.packs.orders import CASE, KINDS, PERIOD, SAMPLE

_NEEDS = {CASE: ("job_id",), PERIOD: ("first", "last"), SAMPLE: ("audit_id",)}
_SAID = {"first": "from", "last": "to"}


class PackOrderSchema(Schema):
    """What the pack is about: a ``case`` (``job_id``), a ``period`` (``from``, ``to``, both days
    included) or the ``sample`` of an audit (``audit_id``), and why it is wanted.
    """

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    why = Line(required=True, longest=LONGEST_REASON)
    job_id = fields.UUID()
    first = Day(data_key="from")
    last = Day(data_key="to")
    audit_id = fields.UUID()

    @validates_schema
    def one_thing(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """What the kind needs, and nothing of another kind."""
        needed = _NEEDS[data["kind"]]
        wrong = {
            _SAID.get(name, name): ["is needed for this kind" if name in needed else "is not"]
            for names in _NEEDS.values()
            for name in names
            if (name in needed) != (name in data)
        }
        if wrong:
            raise ValidationError(wrong)
        if data["kind"] == PERIOD and data["last"] < data["first"]:
            raise ValidationError("must not end before it begins", "to")


class PackSchema(Schema):
    """An order: what, why, how far it is. ``download`` is there while the file is."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    scope = fields.Dict(required=True)
    why = fields.String(required=True)
    status = fields.String(required=True)
    progress = fields.Dict(required=True, metadata={"description": "stage, share from 0 to 1"})
    problem = fields.String(required=True, allow_none=True)
    ordered_by = fields.String(required=True)
    jobs = fields.Integer(required=True, allow_none=True)
    ledger_entries = fields.Integer(required=True, allow_none=True)
    bytes = fields.Integer(required=True, allow_none=True)
    manifest_sha256 = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)
    keep_until = Instant(required=True, allow_none=True)
    download = fields.String(required=True, allow_none=True)


PackPageSchema = page_of(PackSchema)
PacksQuery = CursorQuery


def pack_view(row: EvidencePack) -> dict[str, Any]:
    """An order as it is told."""
    there = row.status == "succeeded" and row.removed_at is None
    return {
        "id": row.id,
        "kind": row.scope["kind"],
        "scope": row.scope,
        "why": row.why,
        "status": row.status,
        "progress": row.progress,
        "problem": row.problem,
        "ordered_by": row.person.name,
        "jobs": row.jobs,
        "ledger_entries": row.entries,
        "bytes": row.size_bytes,
        "manifest_sha256": row.manifest_sha256,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "keep_until": row.keep_until,
        "download": f"/api/v1/evidence/{row.id}/file" if there else None,
    }
