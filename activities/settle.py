from structlog.contextvars import bound_contextvars
from temporalio import activity

from activities.tracking import correlation
from models.actor import Actor
from models.contracts import Closing, OperationResult
from models.errors import NoDecision
from models.reconciliation import Execution, ExecutionState
from reconcilers.reconciler import AdapterRunReconciler
from services.database.session import Database
from services.runs.service import OperationRunService


def settle(reconciler: AdapterRunReconciler, execution: Execution) -> OperationResult:
    """Settle the run of the current activity by business truth.

    Raises NoDecision, which Temporal retries, where nothing can be decided yet.
    """
    run = correlation()
    actor = Actor(kind="workflow", name=run.workflow_id)
    settled = reconciler.reconcile(run.run_id, execution, source="workflow", actor=actor)
    if settled.decision is None:
        raise NoDecision
    related = settled.decision.related
    return OperationResult(
        run_id=run.run_id,
        outcome=settled.decision.outcome,
        related_type=related.type if related else None,
        related_id=related.id if related else None,
    )


class SettleRunActivities:
    """What the failure bridge runs when a workflow fails, is cancelled or passes its deadline."""

    def __init__(self, database: Database, reconciler: AdapterRunReconciler) -> None:
        self._database = database
        self._reconciler = reconciler

    @activity.defn(no_thread_cancel_exception=True)
    def settle_run(self, closing: Closing) -> OperationResult:
        """Keep the failure, then settle the run by business truth."""
        with self._database.transaction() as session:
            service = OperationRunService(session)
            service.record_failure(correlation().run_id, closing.failure)
            if closing.cause == "cancelled":
                service.record_cancel_in_temporal(correlation().run_id, closing.failure.at)
                service.acknowledge_cancel(correlation().run_id, closing.failure.at)
        # The one line that this ending writes says what failed, and not only what that means for the run.
        with bound_contextvars(failure=closing.failure.code, failed_step=closing.failure.step):
            return settle(self._reconciler, Execution(state=ExecutionState.CLOSING, cause=closing.cause))
