from temporalio import activity

from activities.settling import settle
from activities.tracking import correlation
from models.contracts import Closing, OperationResult
from models.reconciliation import Execution, ExecutionState
from reconcilers.orchestrator import AdapterRunReconciler
from services.database import Database
from services.operation_runs import OperationRunService


class SettleRunActivities:
    """What the failure bridge runs when a workflow cannot end well."""

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
        return settle(self._reconciler, Execution(state=ExecutionState.CLOSING, cause=closing.cause))
