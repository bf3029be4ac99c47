from temporalio import workflow

from workflows.policies import SWEEP

with workflow.unsafe.imports_passed_through():
    from activities.sweep import SweepActivities
    from models.sweep import SweepCursor, SweepResult

WORKFLOW_TYPE = "operation-run.sweep"


@workflow.defn(name=WORKFLOW_TYPE)
class SweepWorkflow:
    """One sweep, started by the schedule; it goes on where the last one that succeeded stopped."""

    @workflow.run
    async def run(self) -> SweepResult:
        """Return what the sweep did."""
        last = workflow.get_last_completion_result(SweepResult)
        cursor = last.cursor if last else SweepCursor()
        return await workflow.execute_activity_method(SweepActivities.sweep, cursor, **SWEEP)
