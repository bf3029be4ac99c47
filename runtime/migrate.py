from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from services.database.session import Database

_SCRIPTS = Path(__file__).parent.parent / "migrations"
_LOCK = 0x6F706572  # any fixed number: of two concurrent migrations one waits for the other


def upgrade(database_url: str, revision: str = "head") -> None:
    """Upgrade the database at a libpq URL to a revision; do nothing where it has it."""
    with _configured(database_url) as config:
        command.upgrade(config, revision)


def downgrade(database_url: str, revision: str) -> None:
    """Downgrade the database to a revision; `base` removes every table."""
    with _configured(database_url) as config:
        command.downgrade(config, revision)


def check(database_url: str) -> None:
    """Raise alembic's CommandError where the models and the migrated schema differ."""
    with _configured(database_url) as config:
        command.check(config)


@contextmanager
def _configured(database_url: str) -> Iterator[Config]:
    database = Database.connect(database_url, pool_size=1)
    try:
        with database.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            config = Config()
            config.set_main_option("script_location", str(_SCRIPTS))
            config.attributes["connection"] = connection
            yield config
    finally:
        database.close()
