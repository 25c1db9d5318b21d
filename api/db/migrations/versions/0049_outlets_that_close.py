"""Outlets close on a day, and their people start from another one from then on.

Revision ID: 0049
Revises: 0048
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.add_column("outlet", sa.Column("closed_on", sa.Date(), nullable=True))
    op.create_table(
        "outlet_closing",
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("scenario_id", sa.Uuid(), nullable=False),
        sa.Column("heir_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("carried_out_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlet.id"], name=op.f("outlet_closing_outlet_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("outlet_closing_scenario_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["heir_id"], ["outlet.id"], name=op.f("outlet_closing_heir_id_fkey")
        ),
        sa.PrimaryKeyConstraint("outlet_id", name=op.f("outlet_closing_pkey")),
    )
    op.create_index(op.f("outlet_closing_scenario_id_idx"), "outlet_closing", ["scenario_id"])
    op.create_index(op.f("outlet_closing_heir_id_idx"), "outlet_closing", ["heir_id"])
    op.create_table(
        "transfer",
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("transfer_technician_number_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["from_id"], ["outlet_closing.outlet_id"], name=op.f("transfer_from_id_fkey")
        ),
        sa.ForeignKeyConstraint(["to_id"], ["outlet.id"], name=op.f("transfer_to_id_fkey")),
        sa.PrimaryKeyConstraint("technician_number", "day", name=op.f("transfer_pkey")),
    )
    op.create_index(op.f("transfer_from_id_idx"), "transfer", ["from_id"])
    op.create_index(op.f("transfer_to_id_idx"), "transfer", ["to_id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("transfer")
    op.drop_table("outlet_closing")
    op.drop_column("outlet", "closed_on")
