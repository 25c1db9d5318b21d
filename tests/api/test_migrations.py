from __future__ import annotations

from collections.abc import Callable

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api import cli, wiring
from api.db.migrate import is_ours
from api.db.models import Base
from config.settings import Settings


def test_migrations_lead_to_the_models_and_doing_them_again_changes_nothing(
    make_database: Callable[..., Settings],
) -> None:
    settings = make_database("migrated")
    cli.migrate(settings)
    cli.migrate(settings)
    engine = wiring.engine_of(settings)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
