from structlog.contextvars import bound_contextvars
from temporalio import activity

from activities.tracking import correlation, taken_by_temporal, workflow_run_id
from models.actor import Actor
from models.contracts import Closing, OperationResult
from models.errors import NoDecision
from models.reconciliation import Execution, ExecutionState
from reconcilers.reconciler import AdapterRunReconciler
from services.database.session import Database
from services.engine.port import Engine
from services.runs.admission import OperationRequests
from services.runs.proof import work_of
from services.runs.service import OperationRunService
from services.runs.start import refusal_of


def settle(reconciler: AdapterRunReconciler, execution: Execution) -> OperationResult:
    """Settle the run of the current activity by business truth; the activity has proven it its own (law L6).

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

    def __init__(self, database: Database, engine: Engine, reconciler: AdapterRunReconciler) -> None:
        self._database = database
        self._engine = engine
        self._reconciler = reconciler

    @activity.defn(no_thread_cancel_exception=True)
    def settle_run(self, closing: Closing) -> OperationResult:
        """Keep the failure, then settle the run by business truth.

        The input that proves whose work this is comes from Temporal: the workflow may have ended before its
        first step, and has no run yet where it was started directly. Raises RunRefused (law L6).
        """
        if refused := self._keep(closing):
            return refused
        # The one line that this ending writes says what failed, and not only what that means for the run.
        with bound_contextvars(failure=closing.failure.code, failed_step=closing.failure.step):
            return settle(self._reconciler, Execution(state=ExecutionState.CLOSING, cause=closing.cause))

    def _keep(self, closing: Closing) -> OperationResult | None:
        """Record how the workflow closes on its run; return the result of a blocked duplicate."""
        workflow_id = correlation().workflow_id
        first = self._engine.first_event(workflow_id, workflow_run_id=workflow_run_id())
        work = work_of(workflow_id, first)
        with self._database.transaction() as session:
            run = OperationRequests(session, target=taken_by_temporal()).ensure_run(*work)
            if refused := refusal_of(run):
                return refused
            service = OperationRunService(session)
            service.record_workflow(run.id, workflow_run_id())
            service.record_failure(run.id, closing.failure)
            if closing.cause == "cancelled":
                service.record_cancel_in_temporal(run.id, closing.failure.at)
                service.acknowledge_cancel(run.id, closing.failure.at)
        return None
