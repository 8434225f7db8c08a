"""What Alembic runs: the migrations that a database lacks, in one transaction, by one process at a time."""

import sqlalchemy as sa
from alembic import context

from tidemill.store.registry.table import METADATA

_LOCK = 0x7469_6465  # any number that no other program takes

connection: sa.Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    context.run_migrations()
