from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from uuid import UUID

from models.errors import TooManyFetches
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision
from services.repositories.slots import WorkspaceSlots

# What could not be fenced may have landed after all: such a run is looked at again this long after its end.
LATER_LOOKS: Final = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))


def next_look(decision: ReconciliationDecision, completed_at: datetime, now: datetime) -> datetime | None:
    """Return when to look at a settled run's repository again; None: nothing can land any more (law L11)."""
    uncertain = (
        decision.reason_code is ReasonCode.ENVIRONMENT_UNREACHABLE or decision.evidence.get("fence") == "time"
    )
    later = (completed_at + delay for delay in LATER_LOOKS)
    return next((at for at in later if at > now), None) if uncertain else None


# How many of one workspace's repositories are looked at at once: silent ones do not keep others waiting.
PER_WORKSPACE: Final = 2


class Looks:
    """Runs looks at repositories beside the sweep, which does not wait for them.

    Without an executor each look is taken at once, where it is asked for.
    """

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor
        self._slots = WorkspaceSlots(each=PER_WORKSPACE)
        self._lock = Lock()
        self._settled = Counter[str]()

    def take(self, workspace_id: UUID, look: Callable[[], object]) -> bool:
        """Take a look; False: the workspace's slots are taken, and the next sweep comes back to it."""
        if self._executor is None:
            look()
            return True
        try:
            self._slots.take(workspace_id)
        except TooManyFetches:
            return False
        self._executor.submit(self._run, workspace_id, look)
        return True

    def count(self, reason: str) -> None:
        """Count a run that was settled, by its reason code."""
        with self._lock:
            self._settled[reason] += 1

    def drain(self) -> dict[str, int]:
        """Return what was settled since the last time, by reason code."""
        with self._lock:
            settled, self._settled = dict(self._settled), Counter()
        return settled

    def _run(self, workspace_id: UUID, look: Callable[[], object]) -> None:
        try:
            look()
        finally:
            self._slots.give_back(workspace_id)
