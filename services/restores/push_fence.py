from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.errors import PushRaced
from services.database.session import Database

# Longer than a push may take (services/repositories/transport.py). PostgreSQL ends the session of a worker
# that is silent for longer, and with it the worker's right to push.
SILENCE_LIMIT = timedelta(seconds=75)

_KEY = "hashtextextended('operationrun.push.' || :run_id, 0)"


class PushFence:
    """The right to push for one run: a session advisory lock, which ends with its worker (law L11)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self) -> None:
        """Raise PushRaced where the right was lost, for example because the worker was paused."""
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            raise PushRaced("The right to push was lost while the worker was silent.") from error


class PushFences:
    """Lends the right to push, each on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def hold(self, run_id: UUID) -> Iterator[PushFence]:
        """Hold the right to push for a run; raise PushRaced where another attempt holds it."""
        parameters = {"run_id": str(run_id)}
        silence = SILENCE_LIMIT // timedelta(milliseconds=1)
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(text(f"SELECT pg_try_advisory_lock({_KEY})"), parameters):
                raise PushRaced("Another attempt of this run is pushing.")
            connection.execute(text(f"SET idle_session_timeout = {silence}"))
            try:
                yield PushFence(connection)
            finally:
                # Where PostgreSQL ended the session, the lock is released already.
                with suppress(DBAPIError):
                    connection.execute(text("RESET idle_session_timeout"))
                    connection.execute(text(f"SELECT pg_advisory_unlock({_KEY})"), parameters)


def keep_from_pushing(session: Session, run_id: UUID) -> bool:
    """Keep every attempt of a run from pushing until the session's transaction ends.

    False: an attempt holds the right to push, and nothing may be concluded yet.
    """
    statement = text(f"SELECT pg_try_advisory_xact_lock({_KEY})")
    return bool(session.scalar(statement, {"run_id": str(run_id)}))
