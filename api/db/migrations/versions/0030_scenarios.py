"""Scenarios of planners, and the posts they open"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0022"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(astext_type=sa.Text())
JSON = postgresql.JSON(astext_type=sa.Text())
STATUSES = "'draft', 'queued', 'running', 'succeeded', 'failed', 'cancelled'"

FROZEN = """
CREATE FUNCTION scenario_question_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name IS DISTINCT FROM OLD.name OR NEW.version IS DISTINCT FROM OLD.version
        OR NEW.question::text IS DISTINCT FROM OLD.question::text
        OR NEW.question_sha256 IS DISTINCT FROM OLD.question_sha256
        OR NEW."order" IS DISTINCT FROM OLD."order" THEN
        RAISE EXCEPTION 'the question of a scenario never changes; make a new version';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scenario_question_is_frozen BEFORE UPDATE OF name, version, question,
    question_sha256, "order" ON scenario
    FOR EACH ROW EXECUTE FUNCTION scenario_question_is_frozen();
"""


def upgrade() -> None:
    op.create_table(
        "scenario",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("order", JSONB, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("question", JSON, nullable=False),
        sa.Column("question_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("replications", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("run_number", sa.Integer(), nullable=False),
        sa.Column("progress", JSONB, nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("checkpoints", JSON, nullable=False),
        sa.Column("summary", JSONB, nullable=False),
        sa.Column("answer", JSON, nullable=True),
        sa.Column("answer_sha256", sa.String(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("adopted_at", INSTANT, nullable=True),
        sa.Column("adopted_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("scenario_status_check")),
        sa.CheckConstraint("mode IN ('full', 'screening')", name=op.f("scenario_mode_check")),
        sa.CheckConstraint(
            "(status = 'succeeded') = (answer_sha256 IS NOT NULL)",
            name=op.f("scenario_answered_check"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("scenario_created_by_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["adopted_by"], ["person.id"], name=op.f("scenario_adopted_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("scenario_pkey")),
        sa.UniqueConstraint("name", "version", name=op.f("scenario_name_version_key")),
    )
    op.create_table(
        "scenario_outlet",
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("scenario_id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlet.id"], name=op.f("scenario_outlet_outlet_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("scenario_outlet_scenario_id_fkey")
        ),
        sa.PrimaryKeyConstraint("outlet_id", name=op.f("scenario_outlet_pkey")),
    )
    op.create_index(op.f("scenario_outlet_scenario_id_idx"), "scenario_outlet", ["scenario_id"])
    op.create_table(
        "vacancy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scenario_id", sa.Uuid(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("skills", JSONB, nullable=False),
        sa.Column("roster", JSONB, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=True),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("filled_at", INSTANT, nullable=True),
        sa.CheckConstraint("status IN ('open', 'filled')", name=op.f("vacancy_status_check")),
        sa.CheckConstraint(
            "(status = 'filled') = (technician_number IS NOT NULL)",
            name=op.f("vacancy_filled_check"),
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("vacancy_scenario_id_fkey")
        ),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlet.id"], name=op.f("vacancy_outlet_id_fkey")),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("vacancy_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("vacancy_pkey")),
        sa.UniqueConstraint("technician_number", name=op.f("vacancy_technician_number_key")),
    )
    op.create_index(op.f("vacancy_scenario_id_idx"), "vacancy", ["scenario_id"])
    op.create_index(op.f("vacancy_outlet_id_idx"), "vacancy", ["outlet_id"])
    op.execute(FROZEN)


def downgrade() -> None:
    op.drop_table("vacancy")
    op.drop_table("scenario_outlet")
    op.drop_table("scenario")
    op.execute("DROP FUNCTION scenario_question_is_frozen")
