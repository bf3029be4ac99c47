from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import text

from models.errors import PushRaced
from services.database import Database

_KEY = "hashtextextended('operationrun.push.' || :run_id, 0)"


@contextmanager
def push_fence(database: Database, run_id: UUID) -> Iterator[None]:
    """Hold the right to push for a run: a session advisory lock, which dies with its worker (section 6).

    Raises PushRaced where another attempt holds it.
    """
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        parameters = {"run_id": str(run_id)}
        if not connection.scalar(text(f"SELECT pg_try_advisory_lock({_KEY})"), parameters):
            raise PushRaced("Another attempt of this run is pushing.")
        try:
            yield
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({_KEY})"), parameters)
