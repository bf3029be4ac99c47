from collections.abc import Sequence
from uuid import UUID

from models.base import Clock, utc_now
from models.errors import Cancelled, OperationRunError, PushRaced, RunRefused
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.run_context import PushStep, RunPush
from services.database.session import Database
from services.runs.service import OperationRunService


class RunPushLedger:
    """The pushes of one run, as its row keeps them; each method is one short transaction."""

    def __init__(self, database: Database, run_id: UUID, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._run_id = run_id
        self._clock = clock

    def pushes(self) -> Sequence[RunPush]:
        """Return the pushes recorded so far."""
        with self._database.transaction() as session:
            return pushes_of(session.get_one(OperationRun, self._run_id))

    def begin(self, push: RunPush, *, earlier: int) -> None:
        """Record a push; raise RunRefused, Cancelled or PushRaced where this attempt may not push."""
        with self._database.transaction() as session:
            run = session.get_one(OperationRun, self._run_id)
            stored, new = run.context.pushes, [push]
            if not stored and earlier:
                new = [*pushes_of(run), push]
                earlier = 0
            service = OperationRunService(session, clock=self._clock)
            if service.begin_push(self._run_id, new, earlier=earlier) is not None:
                return
            run = session.get_one(OperationRun, self._run_id, populate_existing=True)
        if run.status != Status.COMPLETED and run.context.cancellation is not None:
            raise Cancelled
        raise _too_late(run)

    def opened(self, index: int) -> None:
        """Record that a push's ticket is at the remote.

        Raises RunRefused where the run has completed, and PushRaced where another attempt closed the push.
        """
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            if service.record_push_opened(self._run_id, index) is not None:
                return
            run = session.get_one(OperationRun, self._run_id, populate_existing=True)
        raise _too_late(run)

    def withdrawn(self, index: int) -> bool:
        """Give up a push that was never sent; return False where its ticket was opened meanwhile."""
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            return service.withdraw_push(self._run_id, index) is not None

    def answered(self, index: int, answer: PushStep) -> None:
        """Record a definite answer, unless the push has one."""
        with self._database.transaction() as session:
            OperationRunService(session, clock=self._clock).record_push_answer(self._run_id, index, answer)


def _too_late(run: OperationRun) -> OperationRunError:
    """Return why this attempt may not push: the run has completed, or another attempt acts for it."""
    return (
        RunRefused() if run.status == Status.COMPLETED else PushRaced("Another attempt of this run pushes.")
    )


def pushes_of(run: OperationRun) -> Sequence[RunPush]:
    """Return a run's pushes; an earlier release recorded the commit alone, and pushed without a ticket."""
    context = run.context
    if context.pushes or context.intended_commit is None:
        return context.pushes
    return (
        RunPush(ticket=None, head="", commit=context.intended_commit, began_at=run.updated_at, answer=None),
    )
