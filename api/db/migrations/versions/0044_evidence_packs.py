"""Evidence packs that are ordered"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.create_table(
        "evidence_pack",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", JSONB, nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("progress", JSONB, nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("jobs", sa.Integer(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("manifest_sha256", sa.String(), nullable=True),
        sa.Column("job_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        *(
            sa.Column(name, INSTANT, nullable=True)
            for name in ("started_at", "finished_at", "keep_until", "removed_at")
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
            name=op.f("evidence_pack_status_check"),
        ),
        sa.CheckConstraint(
            "(status = 'succeeded') = (manifest_sha256 IS NOT NULL)",
            name=op.f("evidence_pack_made_check"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("evidence_pack_created_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_pack_pkey")),
    )
    op.create_index("evidence_pack_created_by_idx", "evidence_pack", ["created_by"])


def downgrade() -> None:
    op.drop_table("evidence_pack")
