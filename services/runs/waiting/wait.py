from datetime import timedelta
from threading import Event
from uuid import UUID

from sqlalchemy import select

from models.lifecycle import TERMINAL
from models.operation_run import OperationRun
from services.database.session import Database
from services.polling import poll


class CompletionWait:
    """Waits for a run; each poll is a transaction of its own, and none is open between."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_completed_within(
        self, run_id: UUID, patience: timedelta | None, *, stopping: Event | None = None
    ) -> bool:
        """Wait until a run has completed; return False where `patience` runs out (None: it never does).

        Also returns False once `stopping` is set.
        """
        return bool(poll(lambda: self._is_completed(run_id), patience, stopping=stopping))

    def _is_completed(self, run_id: UUID) -> bool:
        with self._database.transaction() as session:
            return session.scalar(select(OperationRun.status).where(OperationRun.id == run_id)) in TERMINAL
