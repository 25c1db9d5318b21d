"""Who drops out of a shift is remembered there"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shift", sa.Column("absent_from", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("shift", "absent_from")
