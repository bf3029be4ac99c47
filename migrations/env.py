from alembic import context
from sqlalchemy import Connection

from models.base import Base
from models.tables import TABLES

assert TABLES  # noqa: S101 - imported so that Base.metadata knows them


def run(connection: Connection) -> None:
    """Run the migrations on the connection that the caller opened (runtime/migrate.py)."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
