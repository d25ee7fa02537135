"""How Alembic runs a migration: on the connection that `schema` hands over, each step in a transaction of its own."""

from alembic import context

from fintech.adapters.postgres import audit_tables, custody_tables, outbox_tables
from fintech.adapters.postgres.schema import VERSION_TABLE
from fintech.adapters.postgres.tables import METADATA

for told_by_its_import in (audit_tables, custody_tables, outbox_tables):
    assert told_by_its_import.METADATA is METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
