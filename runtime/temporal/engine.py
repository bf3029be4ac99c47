import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.base import Json
from models.correlation import CORRELATION_VERSION
from models.reconciliation import OPEN, Execution, ExecutionState
from runtime.temporal.client import CALL_TIMEOUT, RPC_TIMEOUT
from runtime.temporal.history import story_of
from runtime.temporal.payloads import CLOSED, plain_json, rfc3339, time_of
from runtime.temporal.starter import TemporalStarter
from services.engine.port import EngineUnreachable, FirstEvent, QueueView, WorkflowView

T = TypeVar("T")

TASK_FAILURES: Final = frozenset(
    {"workflow_task_failed_event_attributes", "workflow_task_timed_out_event_attributes"}
)
NEWEST_EVENTS = 20
FIRST_EVENTS = 500
OURS = f"WorkflowId STARTS_WITH 'operation-run.v{CORRELATION_VERSION}.'"
ABNORMAL = "ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed', 'Canceled')"
LARGEST_PAGE = 1000
HISTORY_TIMEOUT = timedelta(seconds=15)


class TemporalEngine(TemporalStarter):
    """Temporal behind the port; implements services.engine.port.Engine, which documents every method."""

    def describe(self, workflow_id: str) -> WorkflowView:
        """Describe one workflow, and since when its task fails."""
        found = self._find(lambda client: _describe(client, workflow_id))
        if found is None:
            return WorkflowView(execution=Execution(state=ExecutionState.NOT_FOUND))
        view = _view(found)
        if view.failing_attempts <= 1:
            return view
        execution = found.workflow_execution_info.execution
        failed_at = self._find(lambda client: _task_failed_at(client, execution))
        return replace(view, failing_since=failed_at or view.failing_since)

    def first_event(self, workflow_id: str) -> FirstEvent | None:
        """Return how a workflow was started."""
        event = self._find(lambda client: _first_event(client, workflow_id))
        if event is None:
            return None
        started = event.workflow_execution_started_event_attributes
        return FirstEvent(
            workflow_type=started.workflow_type.name,
            task_queue=started.task_queue.name,
            started_at=time_of(event.event_time),
            operation_input=_operation_input(started.input.payloads),
        )

    def cancel(self, workflow_id: str) -> bool:
        """Request the cancellation of a workflow; return False where it is closed or unknown."""
        return bool(self._find(lambda client: _cancel(client, workflow_id)))

    def terminate(self, workflow_id: str, reason: str) -> None:
        """Terminate a workflow."""
        self._find(
            lambda client: client.get_workflow_handle(workflow_id).terminate(
                reason=reason, rpc_timeout=RPC_TIMEOUT
            )
        )

    def closed_abnormally(self, since: datetime, *, limit: int) -> Sequence[str]:
        """Return ids of workflows that closed with another status than completed."""
        query = f"{OURS} AND {ABNORMAL} AND CloseTime > '{rfc3339(since)}'"
        return self._ask(lambda client: _list(client, query, limit))

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:
        """Return ids of open workflows."""
        query = f"{OURS} AND ExecutionStatus = 'Running' AND StartTime > '{rfc3339(since)}'"
        return self._ask(lambda client: _list(client, query, limit))

    def compact_history(self, workflow_id: str) -> dict[str, Any] | None:
        """Return a summary of a workflow's history, in at most 8 kB of JSON."""
        found = self._find(lambda client: _describe(client, workflow_id))
        if found is None:
            return None
        info = found.workflow_execution_info
        is_closed = info.status in CLOSED
        events = self._find(
            lambda client: _history(client, info.execution, whole=is_closed), timeout=HISTORY_TIMEOUT
        )
        return story_of(found, events) if events else None

    def retention(self) -> timedelta:
        """Return how long the namespace keeps a closed workflow."""
        found = self._ask(_describe_namespace)
        kept = found.config.workflow_execution_retention_ttl
        return timedelta(seconds=kept.seconds)

    def queue(self, task_queue: str) -> QueueView:
        """Return the pollers and the backlog of a task queue."""
        return _queue_view(self._ask(lambda client: _describe_queue(client, task_queue)))

    def _ask(
        self, question: Callable[[Client], Coroutine[Any, Any, T]], *, timeout: timedelta = CALL_TIMEOUT
    ) -> T:
        with _unreachable():
            return self._connection.call(question, timeout=timeout)

    def _find(
        self, question: Callable[[Client], Coroutine[Any, Any, T]], *, timeout: timedelta = CALL_TIMEOUT
    ) -> T | None:
        """Call for one workflow; None where Temporal does not know it, or it is closed."""
        with _unreachable():
            try:
                return self._connection.call(question, timeout=timeout)
            except RPCError as error:
                if _lacks_workflow(error):
                    return None
                raise


@contextmanager
def _unreachable() -> Iterator[None]:
    """Translate failed calls to EngineUnreachable; a client that never connected raises RuntimeError."""
    try:
        yield
    except RPCError as error:
        raise EngineUnreachable(f"{error.status.name}: {error.message}") from error
    except (RuntimeError, TimeoutError) as error:
        raise EngineUnreachable(str(error)) from error


def _lacks_workflow(error: RPCError) -> bool:
    """Return whether the workflow is unknown or closed; an unknown namespace says nothing about it."""
    return error.status is RPCStatusCode.NOT_FOUND and not any(
        detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details
    )


async def _describe(client: Client, workflow_id: str) -> DescribeWorkflowExecutionResponse:
    # Not the handle's `describe`: it fails on a status that a newer server adds.
    return await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        ),
        retry=True,
        timeout=RPC_TIMEOUT,
    )


async def _describe_namespace(client: Client) -> DescribeNamespaceResponse:
    request = DescribeNamespaceRequest(namespace=client.namespace)
    return await client.workflow_service.describe_namespace(request, retry=True, timeout=RPC_TIMEOUT)


async def _task_failed_at(client: Client, execution: WorkflowExecution) -> datetime | None:
    """Return when the workflow task began to fail; None where that is not among the newest events.

    The server records only the first failure of a series. `original_scheduled_time` moves with each attempt,
    so it cannot tell.
    """
    newest = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace, execution=execution, maximum_page_size=NEWEST_EVENTS
        ),
        retry=True,
        timeout=RPC_TIMEOUT,
    )
    failed = (event for event in newest.history.events if event.WhichOneof("attributes") in TASK_FAILURES)
    return next((time_of(event.event_time) for event in failed), None)


async def _first_event(client: Client, workflow_id: str) -> HistoryEvent:
    handle = client.get_workflow_handle(workflow_id)
    return await anext(handle.fetch_history_events(page_size=1, rpc_timeout=RPC_TIMEOUT))


async def _cancel(client: Client, workflow_id: str) -> bool:
    # The server accepts the cancellation of a closed workflow without a word.
    found = await _describe(client, workflow_id)
    if found.workflow_execution_info.status in CLOSED:
        return False
    await client.get_workflow_handle(workflow_id).cancel(rpc_timeout=RPC_TIMEOUT)
    return True


async def _list(client: Client, query: str, limit: int) -> list[str]:
    """Return up to `limit` ids; a workflow that was reset counts once."""
    ids: dict[str, None] = {}
    page_size = min(limit, LARGEST_PAGE)
    async for found in client.list_workflows(query, page_size=page_size, rpc_timeout=RPC_TIMEOUT):
        ids[found.id] = None
        if len(ids) >= limit:
            break
    return list(ids)


async def _history(client: Client, execution: WorkflowExecution, *, whole: bool) -> list[HistoryEvent]:
    """Return a history, or its first page, which holds all events of an open workflow of ours."""
    handle = client.get_workflow_handle(execution.workflow_id, run_id=execution.run_id)
    events = handle.fetch_history_events(page_size=FIRST_EVENTS, rpc_timeout=RPC_TIMEOUT)
    if whole:
        return [event async for event in events]
    await events.fetch_next_page()
    return list(events.current_page or ())


async def _describe_queue(client: Client, task_queue: str) -> list[DescribeTaskQueueResponse]:
    """Describe both parts of a queue: workflow tasks and activities."""
    # Not the enhanced mode: the server caches that answer for 5 seconds, pollers included.
    kinds = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    requests = [
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=kind,
            report_stats=True,
        )
        for kind in kinds
    ]
    describe = client.workflow_service.describe_task_queue
    return await asyncio.gather(*(describe(request, retry=True, timeout=RPC_TIMEOUT) for request in requests))


def _view(found: DescribeWorkflowExecutionResponse) -> WorkflowView:
    info, pending = found.workflow_execution_info, found.pending_workflow_task
    # A terminated workflow keeps its pending task and activity.
    is_open = info.status not in CLOSED
    is_pending = found.HasField("pending_workflow_task") and is_open
    step = next(iter(found.pending_activities), None) if is_open else None
    return WorkflowView(
        execution=_execution(info.status),
        workflow_type=info.type.name,
        started_at=time_of(info.start_time),
        closed_at=time_of(info.close_time) if info.HasField("close_time") else None,
        failing_attempts=pending.attempt if is_pending else 0,
        failing_since=time_of(pending.original_scheduled_time) if is_pending else None,
        step=step.activity_type.name if step else None,
        step_attempts=step.attempt if step else 0,
    )


def _execution(status: int) -> Execution:
    if status not in CLOSED:
        return OPEN
    _, cause = CLOSED[status]
    return Execution(state=ExecutionState.CLOSED, cause=cause)


def _queue_view(halves: Sequence[DescribeTaskQueueResponse]) -> QueueView:
    pollers = [poller for half in halves for poller in half.pollers]
    return QueueView(
        pollers=len({poller.identity for poller in pollers}),
        last_polled_at=max((time_of(poller.last_access_time) for poller in pollers), default=None),
        backlog=sum(half.stats.approximate_backlog_count for half in halves),
        oldest_waits=max(half.stats.approximate_backlog_age.ToTimedelta().total_seconds() for half in halves),
    )


def _operation_input(payloads: Sequence[Payload]) -> Json | None:
    value = plain_json(payloads[0]) if len(payloads) == 1 else None
    return value if isinstance(value, dict) else None
