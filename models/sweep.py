from datetime import datetime
from uuid import UUID

from models.contracts import Contract


def sweep_queue(task_queue: str) -> str:
    """Return the task queue of the sweep, which every worker of a task queue polls too."""
    return f"{task_queue}-sweep"


class SweepCursor(Contract):
    """Where the next sweep continues: the time of the last one, and its place among the active runs."""

    looked_at: datetime | None = None
    after: UUID | None = None


class SweepResult(Contract):
    """What a sweep did; `settled` counts runs by reason code."""

    cursor: SweepCursor
    looked_at_runs: int = 0
    settled: dict[str, int] = {}
    dispatched_again: int = 0
    cancellations_delivered: int = 0
    adopted: int = 0
    refused: int = 0
    unsupported: int = 0
    could_not_check: int = 0
    histories_kept: int = 0
