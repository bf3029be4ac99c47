from temporalio import activity

from activities.heartbeats import check_cancelled
from activities.settle import settle
from activities.tracking import correlation, taken_by_temporal, workflow_run_id
from models.contracts import OperationResult
from models.contracts.restore_execute import RestoreExecuteInput
from models.reconciliation import OPEN
from reconcilers.reconciler import AdapterRunReconciler
from services.repositories.slots import working_for
from services.restores.execution import RestoreExecution


class RestoreExecuteActivities:
    """The two steps of executing a restore."""

    def __init__(self, execution: RestoreExecution, reconciler: AdapterRunReconciler) -> None:
        self._execution = execution
        self._reconciler = reconciler

    @activity.defn(no_thread_cancel_exception=True)
    def check_plan(self, operation_input: RestoreExecuteInput) -> OperationResult | None:
        """Mark the run running, fetch the repository and check that the plan still holds.

        A result: another run does this work already.
        """
        with working_for(operation_input.workspace_id):
            return self._execution.check(
                correlation(), operation_input, dispatch=taken_by_temporal(), check_cancelled=check_cancelled
            )

    @activity.defn(no_thread_cancel_exception=True)
    def apply_plan(self, operation_input: RestoreExecuteInput) -> OperationResult:
        """Write the planned items as one commit and complete the run with the result."""
        with working_for(operation_input.workspace_id):
            result = self._execution.apply(
                correlation(),
                operation_input,
                workflow_run_id=workflow_run_id(),
                check_cancelled=check_cancelled,
            )
        return result or settle(self._reconciler, OPEN)
