"""Live changes of a published plan"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("effect", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("patch", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("document_before", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('job_committed', 'job_left_out', 'visit_delayed', 'technician_out', "
            "'undone')",
            name=op.f("plan_change_kind_check"),
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("plan_change_plan_id_fkey")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("plan_change_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("plan_change_technician_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["person.id"], name=op.f("plan_change_actor_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("plan_change_pkey")),
        sa.UniqueConstraint("plan_id", "edition", name=op.f("plan_change_plan_id_edition_key")),
    )


def downgrade() -> None:
    op.drop_table("plan_change")
