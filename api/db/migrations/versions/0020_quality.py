"""Quality: call-backs, surveys, incidents, scores, merits; contracts and settlements"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0012"
branch_labels = None
depends_on = None

NEVER_CHANGED = ("follow_up", "survey", "scorecard", "merit_entry", "contract", "settled_record")
TABLES = (
    "settled_record",
    "settlement",
    "contract",
    "merit_appeal",
    "merit_entry",
    "scorecard",
    "incident",
    "survey",
    "follow_up",
)


def upgrade() -> None:
    op.create_table(
        "merit_entry",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("fact", sa.String(), nullable=False),
        sa.Column("fact_kind", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("rules_version", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("takes_back", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["takes_back"], ["merit_entry.id"], name=op.f("merit_entry_takes_back_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("merit_entry_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("merit_entry_pkey")),
        sa.UniqueConstraint("takes_back", name=op.f("merit_entry_takes_back_key")),
    )
    op.create_index(
        op.f("merit_entry_technician_number_idx"),
        "merit_entry",
        ["technician_number"],
        unique=False,
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("unit_fen", sa.BigInteger(), nullable=False),
        sa.Column("share_permille", sa.Integer(), nullable=False),
        sa.Column("monthly_fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("cap_fen", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("classes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('franchise', 'subsidy', 'lot', 'training_fund')",
            name=op.f("contract_kind_check"),
        ),
        sa.CheckConstraint("share_permille BETWEEN 0 AND 1000", name=op.f("contract_share_check")),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until >= valid_from", name=op.f("contract_validity_check")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("contract_created_by_fkey")
        ),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlet.id"], name=op.f("contract_outlet_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("contract_pkey")),
        sa.UniqueConstraint("number", name=op.f("contract_number_key")),
    )
    op.create_table(
        "merit_appeal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(decision = '') = (decided_at IS NULL)", name=op.f("merit_appeal_decided_check")
        ),
        sa.CheckConstraint(
            "decision IN ('', 'granted', 'refused')", name=op.f("merit_appeal_decision_check")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["person.id"], name=op.f("merit_appeal_decided_by_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["merit_entry.id"], name=op.f("merit_appeal_entry_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("merit_appeal_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("merit_appeal_pkey")),
        sa.UniqueConstraint("entry_id", name=op.f("merit_appeal_entry_id_key")),
    )
    op.create_index(
        op.f("merit_appeal_technician_number_idx"),
        "merit_appeal",
        ["technician_number"],
        unique=False,
    )
    op.create_table(
        "scorecard",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("scorecard_created_by_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlet.id"], name=op.f("scorecard_outlet_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("scorecard_pkey")),
    )
    op.create_table(
        "settlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('drawn_up', 'accepted', 'disputed')", name=op.f("settlement_status_check")
        ),
        sa.CheckConstraint('"end" >= start', name=op.f("settlement_period_check")),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["person.id"], name=op.f("settlement_answered_by_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("settlement_contract_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("settlement_created_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("settlement_pkey")),
        sa.UniqueConstraint("contract_id", "start", name=op.f("settlement_contract_id_start_key")),
    )
    op.create_table(
        "settled_record",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("settled_record_contract_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlement.id"], name=op.f("settled_record_settlement_id_fkey")
        ),
        sa.PrimaryKeyConstraint("contract_id", "record_id", name=op.f("settled_record_pkey")),
    )
    op.create_index(
        op.f("settled_record_settlement_id_idx"), "settled_record", ["settlement_id"], unique=False
    )
    op.create_table(
        "follow_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "outcome IN ('reached', 'no_answer', 'refused')", name=op.f("follow_up_outcome_check")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("follow_up_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("follow_up_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("follow_up_pkey")),
    )
    op.create_index(op.f("follow_up_job_id_idx"), "follow_up", ["job_id"], unique=False)
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column("established", sa.Boolean(), nullable=True),
        sa.Column("finding", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (established IS NULL)", name=op.f("incident_decided_check")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["person.id"], name=op.f("incident_decided_by_fkey")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("incident_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["reported_by"], ["person.id"], name=op.f("incident_reported_by_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("incident_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("incident_pkey")),
    )
    op.create_index(op.f("incident_job_id_idx"), "incident", ["job_id"], unique=False)
    op.create_index(
        op.f("incident_technician_number_idx"), "incident", ["technician_number"], unique=False
    )
    op.create_table(
        "survey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("satisfaction", sa.Integer(), nullable=False),
        sa.Column("recommend", sa.Integer(), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=False),
        sa.Column("conduct", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("door IN ('link', 'phone')", name=op.f("survey_door_check")),
        sa.CheckConstraint("recommend BETWEEN 0 AND 10", name=op.f("survey_recommend_check")),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 5", name=op.f("survey_satisfaction_check")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("survey_job_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("survey_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("survey_pkey")),
        sa.UniqueConstraint("job_id", name=op.f("survey_job_id_key")),
    )
    for table in NEVER_CHANGED:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
