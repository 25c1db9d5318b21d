"""Roles of everybody around a repair, consumers' links, looks at personal data"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROLES = (
    "technician",
    "dispatcher",
    "planner",
    "desk_agent",
    "outlet_manager",
    "auditor",
    "regulator",
    "association",
    "assessor",
    "admin",
)


def upgrade() -> None:
    op.add_column("person", sa.Column("outlet_id", sa.Uuid(), nullable=True))
    op.add_column("person", sa.Column("access_until", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("person_outlet_id_fkey"), "person", "outlet", ["outlet_id"], ["id"])
    op.drop_constraint(op.f("person_role_check"), "person", type_="check")
    op.create_check_constraint(op.f("person_role_check"), "person", f"role IN {ROLES}")
    op.create_check_constraint(
        op.f("person_outlet_check"), "person", "(role = 'outlet_manager') = (outlet_id IS NOT NULL)"
    )
    op.create_check_constraint(
        op.f("person_until_check"), "person", "role <> 'assessor' OR access_until IS NOT NULL"
    )
    # A key may belong to the holder of a link, who is no person here.
    op.drop_constraint(
        op.f("idempotency_key_person_id_fkey"), "idempotency_key", type_="foreignkey"
    )
    op.alter_column("idempotency_key", "person_id", new_column_name="holder_id")
    op.create_table(
        "consumer_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("consumer_link_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("consumer_link_created_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("consumer_link_pkey")),
        sa.UniqueConstraint("secret_hash", name=op.f("consumer_link_secret_hash_key")),
    )
    op.create_index(op.f("consumer_link_job_id_idx"), "consumer_link", ["job_id"])
    op.create_table(
        "look",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("look_pkey")),
    )
    op.create_index("look_holder_id_idx", "look", ["holder_id", "seq"])
    op.create_index("look_subject_ids_idx", "look", ["subject_ids"], postgresql_using="gin")
