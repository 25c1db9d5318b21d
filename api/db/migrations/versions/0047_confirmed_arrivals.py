"""Arrivals are confirmed by an event of their clock, with evidence.

Revision ID: 0047
Revises: 0046
"""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

KINDS = ("met", "postponed", "no_access", "paused", "resumed", "cancelled", "withdrawn")
PROVEN = ("postponed", "no_access", "paused")


def _constrain(kinds: tuple[str, ...], proven: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("clock_event_kind_check"), "clock_event", type_="check")
    op.drop_constraint(op.f("clock_event_evidence_check"), "clock_event", type_="check")
    op.create_check_constraint(op.f("clock_event_kind_check"), "clock_event", f"kind IN {kinds}")
    op.create_check_constraint(
        op.f("clock_event_evidence_check"),
        "clock_event",
        f"kind NOT IN {proven} OR (jsonb_array_length(evidence) > 0 AND reason <> '')",
    )


def upgrade() -> None:
    """Know the new kind, and ask evidence of it."""
    _constrain((*KINDS, "confirmed"), (*PROVEN, "confirmed"))


def downgrade() -> None:
    """Know it no more."""
    _constrain(KINDS, PROVEN)
