from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from services.database.role_settings import missing_settings, set_missing_settings
from services.database.session import Database

_SCRIPTS = Path(__file__).parent.parent / "migrations"
_LOCK = 0x6F706572  # any fixed number: of two concurrent migrations one waits for the other


def upgrade(database_url: str, revision: str = "head") -> None:
    """Upgrade the database at a libpq URL to a revision, and its role to what sessions begin with.

    Nothing is done where it has both (services/database/role_settings.py).
    """
    with _configured(database_url) as config:
        command.upgrade(config, revision)
        set_missing_settings(config.attributes["connection"])


def downgrade(database_url: str, revision: str) -> None:
    """Downgrade the database to a revision; `base` removes every table."""
    with _configured(database_url) as config:
        command.downgrade(config, revision)


def check(database_url: str) -> None:
    """Raise alembic's CommandError where the models and the migrated schema differ."""
    with _configured(database_url) as config:
        command.check(config)


def read_missing_settings(database_url: str) -> Sequence[str]:
    """Return what `upgrade` would set for the database's role, as statements that the role itself may run."""
    with _connected(database_url) as connection:
        return missing_settings(connection)


@contextmanager
def _configured(database_url: str) -> Iterator[Config]:
    with _connected(database_url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        config.attributes["connection"] = connection
        yield config


@contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    database = Database.connect(database_url, pool_size=1)
    try:
        with database.engine.begin() as connection:
            yield connection
    finally:
        database.close()
