import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from workflows.closings import closing_of
from workflows.policies import SETTLE

with workflow.unsafe.imports_passed_through():
    from activities.settle import SettleRunActivities
    from models.catalog import OperationCatalog
    from models.contracts import Closing, OperationResult
    from models.correlation import resolve
    from models.errors import RunRefused

OUTCOME = SearchAttributeKey.for_keyword("OperationOutcome")
# In the memo of a workflow that had to start without its search attributes (runtime/temporal/starter.py).
NOT_SEARCHABLE = "operation-run.not-searchable"


class FailureBridge(Interceptor):
    """Settles the run of a workflow that fails in code, in whatever way (docs/architecture.md)."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002
    ) -> type[WorkflowInboundInterceptor]:
        """Return the bridge around each workflow."""
        return _Bridge


class _Bridge(WorkflowInboundInterceptor):
    """Around each workflow.

    1. A workflow whose id and type name no run of ours, or that came without its one input, fails here,
       before any business step (law L6).
    2. The operation runs against its deadline.
    3. A failure, a cancellation or the deadline is settled on the run, by business truth; then the
       workflow closes as Temporal expects. A workflow that was refused its run settles nothing.
    4. Anything else is a bug in workflow code: it fails the workflow task, not the run.
    """

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        info = workflow.info()
        correlation = resolve(info.workflow_id, info.workflow_type)
        if correlation is None or len(input.args) != 1:
            workflow.logger.warning("run_refused")
            raise ApplicationError(RunRefused.default_message(), type=RunRefused.code, non_retryable=True)
        deadline = OperationCatalog.get(correlation.operation_type).deadline
        try:
            result = await self._within(deadline, input)
        except TimeoutError as error:
            await _settle(closing_of(error, at=workflow.now()))
            raise ApplicationError(
                "The operation passed its deadline.", type="deadline", non_retryable=True
            ) from error
        except BaseException as error:
            if not isinstance(error, FailureError) and not is_cancelled_exception(error):
                raise
            if not _refused(error):
                await _settle(closing_of(error, at=workflow.now()))
            raise
        _show(result)
        return result

    async def _within(self, deadline: timedelta, input: ExecuteWorkflowInput) -> OperationResult:  # noqa: A002
        """Run the operation; raise TimeoutError where its deadline stopped it."""
        limit = asyncio.timeout(deadline.total_seconds())
        try:
            async with limit:
                result: OperationResult = await super().execute_workflow(input)
        except FailureError as error:
            # An activity that the deadline stops ends as cancelled, like one that a person stops.
            if limit.expired() and is_cancelled_exception(error):
                raise TimeoutError from error
            raise
        return result


async def _settle(closing: Closing) -> None:
    result = await workflow.execute_activity_method(
        SettleRunActivities.settle_run, closing, summary="Settle the run by what is true", **SETTLE
    )
    _show(result)


def _show(result: OperationResult) -> None:
    workflow.set_current_details(f"Ended: **{result.outcome}**")
    # The server would refuse the whole workflow task for an attribute that it does not know.
    if NOT_SEARCHABLE not in workflow.memo():
        workflow.upsert_search_attributes([OUTCOME.value_set(result.outcome)])


def _refused(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.type == RunRefused.code:
            return True
        cause = cause.__cause__
    return False
