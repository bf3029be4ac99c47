from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse, DescribeWorkflowExecutionResponse

from models.base import Json
from models.reconciliation import OPEN, Execution, ExecutionState
from runtime.temporal.payloads import CLOSED, plain_json, time_of
from services.engine.port import FirstEvent, QueueView, TaskLine, WorkflowView


def workflow_view(found: DescribeWorkflowExecutionResponse) -> WorkflowView:
    """Return a described workflow in the port's terms."""
    info, pending = found.workflow_execution_info, found.pending_workflow_task
    # A terminated workflow keeps its pending task and activity.
    is_open = info.status not in CLOSED
    is_pending = found.HasField("pending_workflow_task") and is_open
    step = next(iter(found.pending_activities), None) if is_open else None
    return WorkflowView(
        execution=_execution(info.status),
        workflow_type=info.type.name,
        workflow_run_id=info.execution.run_id,
        started_at=time_of(info.start_time),
        closed_at=time_of(info.close_time) if info.HasField("close_time") else None,
        failing_attempts=pending.attempt if is_pending else 0,
        failing_since=time_of(pending.original_scheduled_time) if is_pending else None,
        step=step.activity_type.name if step else None,
        step_attempts=step.attempt if step else 0,
    )


def queue_view(workflow_tasks: DescribeTaskQueueResponse, activities: DescribeTaskQueueResponse) -> QueueView:
    """Return both parts of a described task queue as one view."""
    identities = {poller.identity for half in (workflow_tasks, activities) for poller in half.pollers}
    return QueueView(
        pollers=len(identities), workflow_tasks=_task_line(workflow_tasks), activities=_task_line(activities)
    )


def first_event(event: HistoryEvent) -> FirstEvent:
    """Return a workflow's first event in the port's terms."""
    started = event.workflow_execution_started_event_attributes
    return FirstEvent(
        workflow_type=started.workflow_type.name,
        workflow_run_id=started.original_execution_run_id,
        task_queue=started.task_queue.name,
        started_at=time_of(event.event_time),
        operation_input=_operation_input(started.input.payloads),
    )


def _operation_input(payloads: Sequence[Payload]) -> Json | None:
    """Return the one argument of a workflow; None where it is not one JSON object."""
    value = plain_json(payloads[0]) if len(payloads) == 1 else None
    return value if isinstance(value, dict) else None


def _task_line(half: DescribeTaskQueueResponse) -> TaskLine:
    return TaskLine(
        last_polled_at=max((time_of(poller.last_access_time) for poller in half.pollers), default=None),
        backlog=half.stats.approximate_backlog_count,
        oldest_waits=half.stats.approximate_backlog_age.ToTimedelta().total_seconds(),
    )


def _execution(status: int) -> Execution:
    if status not in CLOSED:
        return OPEN
    _, cause = CLOSED[status]
    return Execution(state=ExecutionState.CLOSED, cause=cause)
