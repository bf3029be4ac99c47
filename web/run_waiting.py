import time
from datetime import timedelta
from threading import Event
from typing import Final
from uuid import UUID

from sqlalchemy import select

from models.lifecycle import TERMINAL
from models.operation_run import OperationRun
from services.database import Database
from web.services import Services

# When to ask again where too many wait already.
ASK_AGAIN: Final = timedelta(seconds=1)

_FIRST_LOOK: Final = timedelta(milliseconds=50)
_SELDOMMEST: Final = timedelta(milliseconds=400)


def wait_for_completion(acting: Services, run: OperationRun, patience: timedelta) -> bool:
    """Return once a run is completed, or the patience is at its end.

    False: too many wait already, so nobody waited. Only so many of the process's threads wait at once
    (Services.wait_slots), so that others still answer.
    """
    if not patience or run.status in TERMINAL:
        return True
    if not acting.wait_slots.acquire(blocking=False):
        return False
    try:
        is_completed_within(acting.database, run.id, patience, stopping=acting.stopping)
    finally:
        acting.wait_slots.release()
    return True


def is_completed_within(
    database: Database, run_id: UUID, patience: timedelta | None, *, stopping: Event | None = None
) -> bool:
    """Look at a run until it is completed; False: it was not in that time. None is any time it takes.

    Once `stopping` is set nobody waits any longer.

    Each look is a transaction of its own, and none is open in between.
    """
    deadline = time.monotonic() + patience.total_seconds() if patience is not None else None
    pause, stopping = _FIRST_LOOK, stopping or Event()
    while not _is_completed(database, run_id):
        left = timedelta(seconds=deadline - time.monotonic()) if deadline is not None else pause
        if left <= timedelta(0) or stopping.wait(min(pause, left).total_seconds()):
            return False
        pause = min(pause * 2, _SELDOMMEST)
    return True


def _is_completed(database: Database, run_id: UUID) -> bool:
    with database.transaction() as session:
        return session.scalar(select(OperationRun.status).where(OperationRun.id == run_id)) in TERMINAL
