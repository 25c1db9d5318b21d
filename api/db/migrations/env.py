"""Run by Alembic. The connection comes from `api.db.migrate`, never from a file."""

from alembic import context

from api.db.migrate import is_ours
from api.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=is_ours,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
