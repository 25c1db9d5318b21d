"""Parts as moves that sum up, equipment with its checks, training"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BOOKKEEPING = (
    # Both places are locked in one order, so that two moves the opposite way do not deadlock.
    """
    CREATE FUNCTION book_stock_move() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        one record;
    BEGIN
        FOR one IN
            SELECT * FROM (VALUES (NEW.origin, -NEW.quantity), (NEW.goal, NEW.quantity))
            AS side (place, delta) ORDER BY place
        LOOP
            INSERT INTO stock_balance (place, part, quantity) VALUES (one.place, NEW.part, 0)
            ON CONFLICT DO NOTHING;
            UPDATE stock_balance SET quantity = quantity + one.delta
            WHERE place = one.place AND part = NEW.part;
            IF one.place LIKE 'van:%' THEN
                -- A statement of its own: the sum below must see what the lock waited for.
                PERFORM FROM technician WHERE number = substr(one.place, 5)::bigint FOR UPDATE;
                UPDATE technician SET stock = COALESCE(
                    (SELECT jsonb_object_agg(part, quantity) FROM stock_balance
                     WHERE place = one.place AND quantity > 0), '{}')
                WHERE number = substr(one.place, 5)::bigint;
            END IF;
        END LOOP;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER stock_move_booked AFTER INSERT ON stock_move
    FOR EACH ROW EXECUTE FUNCTION book_stock_move()
    """,
    """
    CREATE FUNCTION open_van(who technician) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO part (code, name, cost_fen, serialised)
        SELECT key, key, 0, false FROM jsonb_each_text(who.stock) ON CONFLICT DO NOTHING;
        INSERT INTO stock_move
            (part, quantity, origin, goal, kind, serial, unit_cost_fen, reason, at)
        SELECT key, value::int, 'supplier', 'van:' || who.number, 'opening', '', 0, '', now()
        FROM jsonb_each_text(who.stock) WHERE value::int > 0;
    END $$
    """,
    """
    CREATE FUNCTION open_new_van() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM open_van(NEW);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER technician_van_opened AFTER INSERT ON technician
    FOR EACH ROW EXECUTE FUNCTION open_new_van()
    """,
    """
    CREATE TRIGGER stock_move_stays BEFORE UPDATE OR DELETE ON stock_move
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    op.create_table(
        "part",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("serialised", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("cost_fen >= 0", name=op.f("part_cost_check")),
        sa.PrimaryKeyConstraint("code", name=op.f("part_pkey")),
    )
    op.create_table(
        "stock_balance",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "quantity >= 0 OR place IN ('supplier', 'counted')",
            name=op.f("stock_balance_never_negative_check"),
        ),
        sa.ForeignKeyConstraint(["part"], ["part.code"], name=op.f("stock_balance_part_fkey")),
        sa.PrimaryKeyConstraint("place", "part", name=op.f("stock_balance_pkey")),
    )
    op.create_table(
        "equipment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=True),
        sa.Column("in_service_from", sa.Date(), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlet.id"], name=op.f("equipment_outlet_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("equipment_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("equipment_pkey")),
        sa.UniqueConstraint("kind", "serial", name=op.f("equipment_kind_serial_key")),
    )
    op.create_index(op.f("equipment_outlet_id_idx"), "equipment", ["outlet_id"], unique=False)
    op.create_index(
        op.f("equipment_technician_number_idx"), "equipment", ["technician_number"], unique=False
    )
    op.create_table(
        "training",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("course", sa.String(), nullable=False),
        sa.Column("skill", sa.String(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("completed_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("cost_fen >= 0 AND hours >= 0", name=op.f("training_spent_check")),
        sa.CheckConstraint("valid_until >= completed_on", name=op.f("training_validity_check")),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("training_technician_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("training_pkey")),
    )
    op.create_index(
        op.f("training_technician_number_idx"), "training", ["technician_number"], unique=False
    )
    op.create_table(
        "equipment_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("paper", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('calibration', 'preventive')", name=op.f("equipment_check_kind_check")
        ),
        sa.CheckConstraint("valid_until >= done_on", name=op.f("equipment_check_validity_check")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("equipment_check_equipment_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("equipment_check_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("equipment_check_pkey")),
    )
    op.create_index(
        op.f("equipment_check_equipment_id_idx"), "equipment_check", ["equipment_id"], unique=False
    )
    op.create_table(
        "equipment_duty",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=False),
        sa.Column("first_due_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('calibration', 'preventive')", name=op.f("equipment_duty_kind_check")
        ),
        sa.CheckConstraint("every_days > 0", name=op.f("equipment_duty_interval_check")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("equipment_duty_equipment_id_fkey")
        ),
        sa.PrimaryKeyConstraint("equipment_id", "kind", name=op.f("equipment_duty_pkey")),
    )
    op.create_table(
        "part_reservation",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("technician_number", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("part_reservation_quantity_check")),
        sa.ForeignKeyConstraint(["part"], ["part.code"], name=op.f("part_reservation_part_fkey")),
        sa.ForeignKeyConstraint(
            ["technician_number"],
            ["technician.number"],
            name=op.f("part_reservation_technician_number_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("part_reservation_visit_id_fkey")
        ),
        sa.PrimaryKeyConstraint("visit_id", "part", name=op.f("part_reservation_pkey")),
    )
    op.create_index(
        op.f("part_reservation_technician_number_idx"),
        "part_reservation",
        ["technician_number"],
        unique=False,
    )
    op.create_table(
        "stock_move",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("unit_cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('opening', 'received', 'transferred', 'used', 'returned', 'scrapped', "
            "'counted')",
            name=op.f("stock_move_kind_check"),
        ),
        sa.CheckConstraint("serial = '' OR quantity = 1", name=op.f("stock_move_serial_check")),
        sa.CheckConstraint("origin <> goal", name=op.f("stock_move_places_check")),
        sa.CheckConstraint("quantity > 0", name=op.f("stock_move_quantity_check")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("stock_move_job_id_fkey")),
        sa.ForeignKeyConstraint(["part"], ["part.code"], name=op.f("stock_move_part_fkey")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("stock_move_person_id_fkey")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("stock_move_visit_id_fkey")),
        sa.PrimaryKeyConstraint("seq", name=op.f("stock_move_pkey")),
    )
    op.create_index(op.f("stock_move_job_id_idx"), "stock_move", ["job_id"], unique=False)
    op.create_index(op.f("stock_move_part_idx"), "stock_move", ["part"], unique=False)
    op.create_index(
        "stock_move_serial_idx",
        "stock_move",
        ["part", "serial"],
        unique=False,
        postgresql_where="serial <> ''",
    )
    for statement in BOOKKEEPING:
        op.execute(statement)
    # What the vans carry today becomes their opening moves.
    op.execute("SELECT open_van(technician) FROM technician")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: what these tables hold would be lost")
