import time
from datetime import timedelta
from threading import Event
from typing import Final
from uuid import UUID

from sqlalchemy import select

from models.lifecycle import TERMINAL
from models.operation_run import OperationRun
from services.database.session import Database

_FIRST_PAUSE: Final = timedelta(milliseconds=50)
_LONGEST_PAUSE: Final = timedelta(milliseconds=400)


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
        deadline = time.monotonic() + patience.total_seconds() if patience is not None else None
        pause, stopping = _FIRST_PAUSE, stopping or Event()
        while not self._is_completed(run_id):
            left = timedelta(seconds=deadline - time.monotonic()) if deadline is not None else pause
            if left <= timedelta(0) or stopping.wait(min(pause, left).total_seconds()):
                return False
            pause = min(pause * 2, _LONGEST_PAUSE)
        return True

    def _is_completed(self, run_id: UUID) -> bool:
        with self._database.transaction() as session:
            return session.scalar(select(OperationRun.status).where(OperationRun.id == run_id)) in TERMINAL
