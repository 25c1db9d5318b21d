"""Audits, their samples, findings and corrective actions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0030"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(astext_type=sa.Text())
JSON = postgresql.JSON(astext_type=sa.Text())

FROZEN = """
CREATE FUNCTION audit_sample_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.population_root <> '' AND (NEW.population_root <> OLD.population_root
        OR NEW.population::text IS DISTINCT FROM OLD.population::text)
        OR OLD.commitment <> '' AND (NEW.commitment <> OLD.commitment
            OR NEW.public_key <> OLD.public_key)
        OR OLD.drawn_at IS NOT NULL AND (NEW.seed <> OLD.seed OR NEW.nonce <> OLD.nonce
            OR NEW.size <> OLD.size)
        OR OLD.state = 'closed' AND NEW.result::text IS DISTINCT FROM OLD.result::text THEN
        RAISE EXCEPTION 'what an audit was drawn from never changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_sample_is_frozen BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_sample_is_frozen();
"""


def _key(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{_target(column)}.id"], name=op.f(f"{table}_{column}_fkey")
    )


def _target(column: str) -> str:
    people = ("assessor_id", "created_by", "person_id", "owner_id")
    if column in people:
        return "person"
    return "audit" if column == "follows_id" else column.removesuffix("_id")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("checklist", sa.String(), nullable=False),
        sa.Column("checklist_version", sa.String(), nullable=False),
        sa.Column("items", JSONB, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=True),
        sa.Column("job_class", sa.String(), nullable=False),
        sa.Column("strata", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("assessor_id", sa.Uuid(), nullable=True),
        sa.Column("access_until", INSTANT, nullable=True),
        sa.Column("population", JSON, nullable=True),
        sa.Column("population_root", sa.String(), nullable=False),
        sa.Column("result", JSON, nullable=True),
        sa.Column("follows_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('internal', 'third_party')", name=op.f("audit_kind_check")),
        sa.CheckConstraint(
            "state IN ('planned', 'committed', 'frozen', 'drawn', 'closed')",
            name=op.f("audit_state_check"),
        ),
        sa.CheckConstraint(
            "strata IN ('none', 'outlet', 'class')", name=op.f("audit_strata_check")
        ),
        sa.CheckConstraint("size > 0", name=op.f("audit_size_check")),
        sa.CheckConstraint('"last" >= "first"', name=op.f("audit_period_check")),
        sa.CheckConstraint(
            "(kind = 'third_party') = (assessor_id IS NOT NULL AND access_until IS NOT NULL)",
            name=op.f("audit_assessor_check"),
        ),
        *(_key(one, "audit") for one in ("outlet_id", "assessor_id", "follows_id", "created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_pkey")),
    )
    op.create_index("audit_assessor_id_idx", "audit", ["assessor_id"])
    op.create_index("audit_follows_id_idx", "audit", ["follows_id"])
    op.execute(FROZEN)
    op.create_table(
        "audit_job",
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        _key("audit_id", "audit_job"),
        _key("job_id", "audit_job"),
        sa.PrimaryKeyConstraint("audit_id", "job_id", name=op.f("audit_job_pkey")),
    )
    op.create_index("audit_job_job_id_idx", "audit_job", ["job_id"])
    op.create_table(
        "audit_finding",
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "verdict IN ('pass', 'fail', 'not_applicable')",
            name=op.f("audit_finding_verdict_check"),
        ),
        sa.ForeignKeyConstraint(
            ["audit_id", "job_id"],
            ["audit_job.audit_id", "audit_job.job_id"],
            name=op.f("audit_finding_audit_id_fkey"),
        ),
        _key("job_id", "audit_finding"),
        _key("person_id", "audit_finding"),
        sa.PrimaryKeyConstraint("audit_id", "job_id", "item", name=op.f("audit_finding_pkey")),
    )
    op.create_index("audit_finding_job_id_idx", "audit_finding", ["job_id"])
    op.create_table(
        "audit_action",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("done_note", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        *(_key(one, "audit_action") for one in ("audit_id", "owner_id", "created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_action_pkey")),
    )
    op.create_index("audit_action_audit_id_idx", "audit_action", ["audit_id"])


def downgrade() -> None:
    for table in ("audit_action", "audit_finding", "audit_job", "audit"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_sample_is_frozen()")
