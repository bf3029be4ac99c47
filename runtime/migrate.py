from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from models.errors import OperationRunError
from services.access.audit_chain import ChainCheck, verify_chains
from services.database.role_settings import missing_settings, set_missing_settings
from services.database.session import Database
from services.database.web_login import check_web_login, ensure_web_login

_SCRIPTS = Path(__file__).parent.parent / "migrations"
_LOCK = 0x6F706572  # any fixed number: of two concurrent migrations one waits for the other


def upgrade(database_url: str, revision: str = "head") -> None:
    """Upgrade the database at a libpq URL to a revision, and its role to what sessions begin with.

    Nothing is done where it has both (services/database/role_settings.py).
    """
    with _configured(database_url) as config:
        command.upgrade(config, revision)
        set_missing_settings(config.attributes["connection"])


def prepare_web_login(database_url: str, web_database_url: str) -> None:
    """Create the login of the web server's URL for the migrated database at `database_url`, if missing.

    Its sessions then begin with the settings that `upgrade` gives the owner's. Raises OperationRunError where
    the login may do too much, cannot be created, or does not connect.
    """
    login = urlsplit(web_database_url)
    with _connected(database_url) as connection:
        ensure_web_login(connection, unquote(login.username or ""), unquote(login.password or "") or None)
    try:
        with _connected(web_database_url) as connection:
            check_web_login(connection)
            set_missing_settings(connection)
    except OperationalError as error:
        message = f"The web server's database login does not connect: {str(error.orig).strip()}"
        raise OperationRunError(message) from error


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


def check_login_of_web(web_database_url: str) -> None:
    """Raise OperationRunError where the login that a URL leads to may do more than a web server's."""
    with _connected(web_database_url) as connection:
        check_web_login(connection)


def read_audit(database_url: str) -> Sequence[ChainCheck]:
    """Return what verifying each of the audit's chains finds."""
    database = Database.connect(database_url, pool_size=1)
    try:
        with database.transaction() as session:
            return verify_chains(session)
    finally:
        database.close()


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
