"""Evidence: finding the ledger entries of a job"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("activity_subject_id_idx", "activity", ["subject_id"])


def downgrade() -> None:
    op.drop_index("activity_subject_id_idx", "activity")
