"""Runs migrations on the connection that ``storage.database.upgrade`` opened."""

from alembic import context

from onhand.storage import office_tables  # noqa: F401 - its tables belong to the same metadata
from onhand.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
