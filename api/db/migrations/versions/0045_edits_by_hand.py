"""Edits by hand are changes too"""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

NAME = op.f("plan_change_kind_check")
BEFORE = "'job_committed', 'job_left_out', 'visit_delayed', 'technician_out', 'undone'"
BY_HAND = "'visit_moved', 'visit_pinned', 'visit_unpinned'"


def upgrade() -> None:
    op.drop_constraint(NAME, "plan_change", type_="check")
    op.create_check_constraint(NAME, "plan_change", f"kind IN ({BEFORE}, {BY_HAND})")


def downgrade() -> None:
    op.drop_constraint(NAME, "plan_change", type_="check")
    op.create_check_constraint(NAME, "plan_change", f"kind IN ({BEFORE})")
