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


def is_completed_within(
    database: Database, run_id: UUID, patience: timedelta | None, *, stopping: Event | None = None
) -> bool:
    """Wait until a run has completed; return False where `patience` runs out (None: it never does).

    Also returns False once `stopping` is set. Each poll is a transaction of its own; none is open between.
    """
    deadline = time.monotonic() + patience.total_seconds() if patience is not None else None
    pause, stopping = _FIRST_PAUSE, stopping or Event()
    while not _is_completed(database, run_id):
        left = timedelta(seconds=deadline - time.monotonic()) if deadline is not None else pause
        if left <= timedelta(0) or stopping.wait(min(pause, left).total_seconds()):
            return False
        pause = min(pause * 2, _LONGEST_PAUSE)
    return True


def _is_completed(database: Database, run_id: UUID) -> bool:
    with database.transaction() as session:
        return session.scalar(select(OperationRun.status).where(OperationRun.id == run_id)) in TERMINAL
