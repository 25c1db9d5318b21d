"""Keys of phones, and what they have signed.

Revision ID: 0048
Revises: 0047
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "device_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("device_key_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("device_key_pkey")),
    )
    op.create_index(op.f("device_key_person_id_idx"), "device_key", ["person_id"])
    op.add_column("visit_event", sa.Column("signed", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("visit_event", "signed")
    op.drop_table("device_key")
