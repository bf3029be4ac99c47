from pydantic import ValidationError
from temporalio import workflow

from workflows.policies import PERFORM, PREPARE
from workflows.safe_points import stop_if_cancelled

with workflow.unsafe.imports_passed_through():
    from activities.restore_execute import RestoreExecuteActivities
    from models.catalog import OperationType
    from models.contracts import OperationResult
    from models.contracts.restore_execute import RestoreExecuteInput


# An input that does not hold fails the workflow, instead of its task over and over.
@workflow.defn(name=OperationType.RESTORE_EXECUTE, failure_exception_types=[ValidationError])
class RestoreExecuteWorkflow:
    """Executes a restore plan: check the live branch, then write the items as one commit."""

    @workflow.run
    async def run(self, operation_input: RestoreExecuteInput) -> OperationResult:
        """Return the outcome and the restore result that the run led to."""
        workflow.set_current_details("Phase 1 of 2: **checking the plan against the live configuration**")
        refusal = await workflow.execute_activity_method(
            RestoreExecuteActivities.check_plan,
            operation_input,
            summary="Fetch the configuration and check the plan against it",
            **PREPARE,
        )
        if refusal is not None:
            return refusal
        stop_if_cancelled()
        workflow.set_current_details("Phase 2 of 2: **writing the restore commit**")
        return await workflow.execute_activity_method(
            RestoreExecuteActivities.apply_plan,
            operation_input,
            summary="Push the restore commit, read it back and complete the run",
            **PERFORM,
        )
