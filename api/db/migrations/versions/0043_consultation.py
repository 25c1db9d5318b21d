"""Consultation: agenda, suggestions, answers"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "agenda_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("meets_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("agenda_item_created_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("agenda_item_pkey")),
    )
    op.create_table(
        "suggestion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agenda_item_id", sa.Uuid(), nullable=True),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "party IN ('regulator', 'association', 'assessor', 'consumer')",
            name=op.f("suggestion_party_check"),
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer = '')", name=op.f("suggestion_answered_check")
        ),
        sa.CheckConstraint(
            "(party = 'consumer') = (link_id IS NOT NULL)", name=op.f("suggestion_consumer_check")
        ),
        sa.CheckConstraint(
            "(person_id IS NULL) = (link_id IS NOT NULL)", name=op.f("suggestion_holder_check")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"suggestion_{column}_fkey")
            )
            for column, target in (
                ("agenda_item_id", "agenda_item"),
                ("person_id", "person"),
                ("link_id", "consumer_link"),
                ("answered_by", "person"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("suggestion_pkey")),
    )
    op.create_index("suggestion_agenda_item_id_idx", "suggestion", ["agenda_item_id"])
    op.create_index("suggestion_link_id_idx", "suggestion", ["link_id"])


def downgrade() -> None:
    op.drop_table("suggestion")
    op.drop_table("agenda_item")
