"""The first tables"""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The queue's own tables first, word for word as its makers ship them.
    cursor = op.get_bind().connection.dbapi_connection.cursor()
    cursor.execute(SchemaManager.get_schema())
    op.create_table(
        "consumer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("consumer_pkey")),
    )
    op.create_table(
        "outlet",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("outlet_pkey")),
        sa.UniqueConstraint("name", name=op.f("outlet_name_key")),
    )
    op.create_table(
        "region",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("south", sa.Double(), nullable=False),
        sa.Column("west", sa.Double(), nullable=False),
        sa.Column("north", sa.Double(), nullable=False),
        sa.Column("east", sa.Double(), nullable=False),
        sa.Column("demo_day", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("south < north AND west < east", name=op.f("region_box_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("region_pkey")),
        sa.UniqueConstraint("name", name=op.f("region_name_key")),
    )
    op.create_table(
        "technician",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("skills", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("equipment", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stock", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlet.id"], name=op.f("technician_outlet_id_fkey")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("technician_pkey")),
        sa.UniqueConstraint("id", name=op.f("technician_id_key")),
    )
    op.create_index(op.f("technician_outlet_id_idx"), "technician", ["outlet_id"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("certificate_validity_check")),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("certificate_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("certificate_pkey")),
        sa.UniqueConstraint(
            "technician_number",
            "name",
            "valid_from",
            name=op.f("certificate_technician_number_name_valid_from_key"),
        ),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(role = 'technician') = (technician_number IS NOT NULL)",
            name=op.f("person_tied_check"),
        ),
        sa.CheckConstraint(
            "role IN ('technician', 'dispatcher', 'planner', 'admin')",
            name=op.f("person_role_check"),
        ),
        sa.ForeignKeyConstraint(
            ["technician_number"], ["technician.number"], name=op.f("person_technician_number_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("person_pkey")),
        sa.UniqueConstraint("login", name=op.f("person_login_key")),
        sa.UniqueConstraint("technician_number", name=op.f("person_technician_number_key")),
    )
    op.create_table(
        "shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("overtime_s", sa.Integer(), nullable=False),
        sa.Column("duty", sa.Boolean(), nullable=False),
        sa.Column("breaks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(technician_number, technician_number, '[]')"), "&&"),
            (sa.text("tstzrange(start_at, end_at)"), "&&"),
            using="gist",
            name="shift_no_overlap_excl",
        ),
        sa.CheckConstraint("end_at > start_at", name=op.f("shift_order_check")),
        sa.ForeignKeyConstraint(
            ["technician_number"], ["technician.number"], name=op.f("shift_technician_number_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("shift_pkey")),
    )
    op.create_index(op.f("shift_day_idx"), "shift", ["day"], unique=False)
    op.create_table(
        "activity",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text::bigint)"),
            nullable=False,
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("activity_actor_id_fkey")),
        sa.PrimaryKeyConstraint("seq", name=op.f("activity_pkey")),
    )
    op.create_index("activity_cursor_idx", "activity", ["transaction", "seq"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("idempotency_key_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("idempotency_key_pkey")),
    )
    op.create_table(
        "plan_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("iterations", sa.Integer(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
            name=op.f("plan_run_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("plan_run_created_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("plan_run_pkey")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("received_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('phone', 'web', 'walk_in', 'api')", name=op.f("request_channel_check")
        ),
        sa.CheckConstraint(
            "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("request_place_check")
        ),
        sa.ForeignKeyConstraint(
            ["consumer_id"], ["consumer.id"], name=op.f("request_consumer_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["received_by"], ["person.id"], name=op.f("request_received_by_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("request_pkey")),
    )
    op.create_index(op.f("request_consumer_id_idx"), "request", ["consumer_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("session_person_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("session_pkey")),
    )
    op.create_index(op.f("session_person_id_idx"), "session", ["person_id"], unique=False)
    op.create_table(
        "token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("token_person_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("token_pkey")),
        sa.UniqueConstraint("secret_hash", name=op.f("token_secret_hash_key")),
    )
    op.create_index(op.f("token_person_id_idx"), "token", ["person_id"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("job_class", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skills", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("service_s", sa.Integer(), nullable=False),
        sa.Column("windows", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("triage_rule", sa.String(), nullable=False),
        sa.Column("triage_version", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('open', 'planned', 'done', 'cancelled')", name=op.f("job_status_check")
        ),
        sa.CheckConstraint("due_at >= reported_at", name=op.f("job_clock_check")),
        sa.CheckConstraint("service_s > 0", name=op.f("job_service_check")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("job_request_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("job_pkey")),
        sa.UniqueConstraint("number", name=op.f("job_number_key")),
        sa.UniqueConstraint("request_id", name=op.f("job_request_id_key")),
    )
    op.create_index(
        "job_open_due_idx",
        "job",
        ["due_at"],
        unique=False,
        postgresql_where="status IN ('open', 'planned')",
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("epoch", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("geometry", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("goals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("violations", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source_of_travel_times", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'superseded')", name=op.f("plan_status_check")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["plan_run.id"], name=op.f("plan_run_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("plan_pkey")),
        sa.UniqueConstraint("day", "version", name=op.f("plan_day_version_key")),
        sa.UniqueConstraint("run_id", name=op.f("plan_run_id_key")),
    )
    op.create_index(
        "plan_one_published_idx",
        "plan",
        ["day"],
        unique=True,
        postgresql_where="status='published'",
    )
    op.create_table(
        "route_sheet",
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("route_sheet_plan_id_fkey")),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("route_sheet_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("technician_number", "day", name=op.f("route_sheet_pkey")),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("arrival_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("travel_s", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(technician_number, technician_number, '[]')"), "&&"),
            (sa.text("tstzrange(arrival_at, end_at)"), "&&"),
            where=sa.text("active"),
            deferrable="True",
            using="gist",
            name="visit_no_double_booking_excl",
        ),
        sa.CheckConstraint(
            "state IN ('published', 'accepted', 'on_the_way', 'arrived', 'done', 'withdrawn')",
            name=op.f("visit_state_check"),
        ),
        sa.CheckConstraint(
            "end_at > arrival_at AND start_at >= arrival_at", name=op.f("visit_order_check")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("visit_job_id_fkey")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("visit_plan_id_fkey")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("visit_shift_id_fkey")),
        sa.ForeignKeyConstraint(
            ["technician_number"], ["technician.number"], name=op.f("visit_technician_number_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("visit_pkey")),
        sa.UniqueConstraint("number", name=op.f("visit_number_key")),
    )
    op.create_index(
        "visit_day_idx",
        "visit",
        ["day", "technician_number"],
        unique=False,
        postgresql_where="active",
    )
    op.create_index(op.f("visit_job_id_idx"), "visit", ["job_id"], unique=False)
    op.create_index(
        "visit_one_active_idx",
        "visit",
        ["job_id", "technician_number"],
        unique=True,
        postgresql_where="active",
    )
    op.create_index(op.f("visit_plan_id_idx"), "visit", ["plan_id"], unique=False)
    op.create_table(
        "visit_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offset_minutes", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("visit_event_person_id_fkey")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("visit_event_visit_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("visit_event_pkey")),
    )
    op.create_index(op.f("visit_event_visit_id_idx"), "visit_event", ["visit_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first tables")
