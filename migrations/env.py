from alembic import context
from sqlalchemy import Connection

from models import access, environment, history, operation_run, restore, review
from models.base import Base

# Imported so that their tables are known to Base.metadata.
TABLES = (access, environment, history, operation_run, restore, review)


def run(connection: Connection) -> None:
    """Run the migrations on the connection that the caller opened (runtime/migrate.py)."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
