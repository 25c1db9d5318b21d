"""The ledger, and the database role that cannot change it"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

APPENDED = ("ledger", "ledger_seal", "ledger_anchor", "look", "activity")

ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'zhunda_app') THEN
        BEGIN
            CREATE ROLE zhunda_app NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'this login may not create roles; have an administrator run: '
                    'CREATE ROLE zhunda_app NOLOGIN; GRANT zhunda_app TO %', current_user;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'zhunda_app', 'SET') THEN
        EXECUTE format('GRANT zhunda_app TO %I', current_user);
    END IF;
END $$
"""

HEAD_ONLY_RISES = """
CREATE FUNCTION ledger_head_only_rises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.count > OLD.count AND NEW.opened_after = OLD.opened_after THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the count of the ledger only rises' USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("activity_seq", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_seq"], ["activity.seq"], name=op.f("ledger_activity_seq_fkey")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("ledger_pkey")),
        sa.UniqueConstraint("activity_seq", name=op.f("ledger_activity_seq_key")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("opened_after", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ledger_head_one_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_head_pkey")),
    )
    op.create_table(
        "ledger_seal",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("ledger_seal_pkey")),
        sa.UniqueConstraint("last_seq", name=op.f("ledger_seal_last_seq_key")),
    )
    op.create_table(
        "ledger_anchor",
        sa.Column("count", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("count", name=op.f("ledger_anchor_pkey")),
    )
    op.execute(
        "INSERT INTO ledger_head (id, count, link, mac, opened_after) "
        "SELECT 1, 0, decode(repeat('00', 32), 'hex'), '', coalesce(max(seq), 0) FROM activity"
    )
    for table in APPENDED:
        op.execute(
            f"CREATE TRIGGER {table}_never_changes BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(HEAD_ONLY_RISES)
    op.execute(
        "CREATE TRIGGER ledger_head_rises BEFORE UPDATE OR DELETE ON ledger_head "
        "FOR EACH ROW EXECUTE FUNCTION ledger_head_only_rises()"
    )
    op.execute(
        "CREATE TRIGGER ledger_head_never_emptied BEFORE TRUNCATE ON ledger_head "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_head_only_rises()"
    )
    # Web and worker speak to the database as this role. Tables of later migrations are covered by
    # the default privileges; what is appended only is taken back.
    op.execute(ROLE)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO zhunda_app",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO zhunda_app",
        "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO zhunda_app",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO zhunda_app",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
        "GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO zhunda_app",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(APPENDED)} FROM zhunda_app",
        "REVOKE INSERT, DELETE, TRUNCATE ON ledger_head FROM zhunda_app",
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: the record is not taken back")
