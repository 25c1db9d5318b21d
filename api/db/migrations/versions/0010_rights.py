"""Rights: clock events, texts, prices, quotes, consents, bills, purchases, complaints"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0003"
branch_labels = None
depends_on = None

NEVER_CHANGED = (
    "legal_text",
    "price_book",
    "consent",
    "money_entry",
    "bill",
    "clock_event",
    "complaint_step",
)


def upgrade() -> None:
    op.create_table(
        "legal_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "key IN ('content', 'fee-standard', 'steps', 'ranking', 'whereabouts', 'privacy')",
            name=op.f("legal_text_key_check"),
        ),
        sa.CheckConstraint("language IN ('en', 'zh')", name=op.f("legal_text_language_check")),
        sa.ForeignKeyConstraint(
            ["published_by"], ["person.id"], name=op.f("legal_text_published_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("legal_text_pkey")),
        sa.UniqueConstraint(
            "key", "language", "version", name=op.f("legal_text_key_language_version_key")
        ),
    )
    op.create_table(
        "price_book",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["published_by"], ["person.id"], name=op.f("price_book_published_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("price_book_pkey")),
        sa.UniqueConstraint("version", name=op.f("price_book_version_key")),
    )
    op.create_table(
        "purchase",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=True),
        sa.Column("sold_on", sa.Date(), nullable=True),
        sa.Column("warranty_months", sa.Integer(), nullable=True),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["consumer_id"], ["consumer.id"], name=op.f("purchase_consumer_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["person.id"], name=op.f("purchase_recorded_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("purchase_pkey")),
    )
    op.create_index(op.f("purchase_consumer_id_idx"), "purchase", ["consumer_id"], unique=False)
    op.create_index(op.f("purchase_serial_idx"), "purchase", ["serial"], unique=False)
    op.create_table(
        "bill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.Column(
            "issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("total_fen >= 0", name=op.f("bill_total_check")),
        sa.ForeignKeyConstraint(["issued_by"], ["person.id"], name=op.f("bill_issued_by_fkey")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("bill_job_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("bill_pkey")),
        sa.UniqueConstraint("job_id", "version", name=op.f("bill_job_id_version_key")),
    )
    op.create_table(
        "breach_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lead_s", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("breach_alert_job_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("breach_alert_pkey")),
        sa.UniqueConstraint("job_id", "due_at", name=op.f("breach_alert_job_id_due_at_key")),
    )
    op.create_table(
        "choice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("shown", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column(
            "shown_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("chosen", sa.Integer(), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("choice_job_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("choice_person_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("choice_pkey")),
    )
    op.create_index("choice_job_idx", "choice", ["job_id"], unique=False)
    op.create_table(
        "complaint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("wish", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('received', 'accepted', 'refused', 'mediation', 'settled', "
            "'failed', 'appealed', 'referred', 'withdrawn')",
            name=op.f("complaint_state_check"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("complaint_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["person.id"], name=op.f("complaint_recorded_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("complaint_pkey")),
        sa.UniqueConstraint("number", name=op.f("complaint_number_key")),
    )
    op.create_index(op.f("complaint_job_id_idx"), "complaint", ["job_id"], unique=False)
    op.create_table(
        "job_purchase",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("main_part", sa.Boolean(), nullable=False),
        sa.Column("consumer_caused", sa.Boolean(), nullable=False),
        sa.Column("cause_evidence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("job_purchase_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name=op.f("job_purchase_purchase_id_fkey")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("job_purchase_pkey")),
    )
    op.create_index(
        op.f("job_purchase_purchase_id_idx"), "job_purchase", ["purchase_id"], unique=False
    )
    op.create_table(
        "money_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "(kind = 'correction' AND amount_fen < 0) OR (kind <> 'correction' AND amount_fen > 0)",
            name=op.f("money_entry_amount_check"),
        ),
        sa.CheckConstraint(
            "kind IN ('correction', 'payment', 'refund')", name=op.f("money_entry_kind_check")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("money_entry_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("money_entry_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("money_entry_pkey")),
    )
    op.create_index("money_entry_job_idx", "money_entry", ["job_id"], unique=False)
    op.create_table(
        "quote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("offered_by", sa.Uuid(), nullable=True),
        sa.Column(
            "offered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('initial', 'added')", name=op.f("quote_kind_check")),
        sa.CheckConstraint(
            "status IN ('offered', 'accepted', 'declined', 'superseded')",
            name=op.f("quote_status_check"),
        ),
        sa.CheckConstraint("total_fen >= 0", name=op.f("quote_total_check")),
        sa.ForeignKeyConstraint(["book_id"], ["price_book.id"], name=op.f("quote_book_id_fkey")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("quote_job_id_fkey")),
        sa.ForeignKeyConstraint(["offered_by"], ["person.id"], name=op.f("quote_offered_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("quote_pkey")),
        sa.UniqueConstraint("job_id", "number", name=op.f("quote_job_id_number_key")),
    )
    op.create_table(
        "repair_stay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("parts_wait", sa.Integer(), nullable=False),
        sa.Column("by_repairer", sa.Integer(), nullable=False),
        sa.Column("loaner_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "ended_on IS NULL OR ended_on >= began_on", name=op.f("repair_stay_order_check")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("repair_stay_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name=op.f("repair_stay_purchase_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("repair_stay_pkey")),
        sa.UniqueConstraint(
            "purchase_id", "began_on", name=op.f("repair_stay_purchase_id_began_on_key")
        ),
    )
    op.create_index(
        op.f("repair_stay_purchase_id_idx"), "repair_stay", ["purchase_id"], unique=False
    )
    op.create_table(
        "clock_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("complaint_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("target", sa.Uuid(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('met', 'postponed', 'no_access', 'paused', 'resumed', "
            "'cancelled', 'withdrawn')",
            name=op.f("clock_event_kind_check"),
        ),
        sa.CheckConstraint(
            "kind NOT IN ('postponed', 'no_access', 'paused') OR "
            "(jsonb_array_length(evidence) > 0 AND reason <> '')",
            name=op.f("clock_event_evidence_check"),
        ),
        sa.CheckConstraint(
            "(job_id IS NULL) <> (complaint_id IS NULL)", name=op.f("clock_event_subject_check")
        ),
        sa.ForeignKeyConstraint(
            ["complaint_id"], ["complaint.id"], name=op.f("clock_event_complaint_id_fkey")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("clock_event_job_id_fkey")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("clock_event_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("clock_event_pkey")),
    )
    op.create_index("clock_event_complaint_idx", "clock_event", ["complaint_id"], unique=False)
    op.create_index("clock_event_job_idx", "clock_event", ["job_id"], unique=False)
    op.create_table(
        "complaint_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["complaint_id"], ["complaint.id"], name=op.f("complaint_step_complaint_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("complaint_step_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("complaint_step_pkey")),
    )
    op.create_index(
        op.f("complaint_step_complaint_id_idx"), "complaint_step", ["complaint_id"], unique=False
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=True),
        sa.Column("shown_sha256", sa.String(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "(subject = 'quote') = (quote_id IS NOT NULL)", name=op.f("consent_tied_check")
        ),
        sa.CheckConstraint("door IN ('link', 'screen', 'desk')", name=op.f("consent_door_check")),
        sa.CheckConstraint(
            "subject IN ('quote', 'whereabouts')", name=op.f("consent_subject_check")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("consent_job_id_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("consent_person_id_fkey")),
        sa.ForeignKeyConstraint(["quote_id"], ["quote.id"], name=op.f("consent_quote_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("consent_pkey")),
        sa.UniqueConstraint("quote_id", name=op.f("consent_quote_id_key")),
    )
    op.create_index("consent_job_idx", "consent", ["job_id"], unique=False)
    op.add_column(
        "region", sa.Column("jurisdiction", sa.String(), server_default="CN", nullable=False)
    )
    op.add_column("job", sa.Column("agreed_due_at", sa.DateTime(timezone=True), nullable=True))
    # The function is an earlier migration's: it keeps the record of jobs from being rewritten.
    for table in NEVER_CHANGED:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_column("job", "agreed_due_at")
    op.drop_column("region", "jurisdiction")
    for table in (
        "consent",
        "complaint_step",
        "clock_event",
        "repair_stay",
        "quote",
        "money_entry",
        "job_purchase",
        "complaint",
        "choice",
        "breach_alert",
        "bill",
        "purchase",
        "price_book",
        "legal_text",
    ):
        op.drop_table(table)
