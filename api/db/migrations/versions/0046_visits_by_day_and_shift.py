"""Visits are found by day and by shift whatever their state; moves of parts by visit.

Revision ID: 0046
Revises: 0045
"""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.drop_index("visit_day_idx", "visit")
    op.create_index("visit_day_idx", "visit", ["day", "technician_number"])
    op.create_index("visit_shift_id_idx", "visit", ["shift_id"])
    op.create_index("stock_move_visit_id_idx", "stock_move", ["visit_id"])
    op.create_index("repair_stay_job_id_idx", "repair_stay", ["job_id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index("repair_stay_job_id_idx", "repair_stay")
    op.drop_index("stock_move_visit_id_idx", "stock_move")
    op.drop_index("visit_shift_id_idx", "visit")
    op.drop_index("visit_day_idx", "visit")
    op.create_index(
        "visit_day_idx", "visit", ["day", "technician_number"], postgresql_where="active"
    )
