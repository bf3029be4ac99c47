"""The calls to Temporal's server that the engine makes, each bounded in time and size."""

import asyncio
from datetime import datetime
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType
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

from runtime.temporal.client import RPC_TIMEOUT
from runtime.temporal.payloads import CLOSED, time_of

TASK_FAILURES: Final = frozenset(
    {"workflow_task_failed_event_attributes", "workflow_task_timed_out_event_attributes"}
)
NEWEST_EVENTS: Final = 20
FIRST_EVENTS: Final = 500
LARGEST_PAGE: Final = 1000


async def describe(
    client: Client, workflow_id: str, workflow_run_id: str | None = None
) -> DescribeWorkflowExecutionResponse:
    """Describe one run of a workflow id; None: the newest."""
    # Not the handle's `describe`: it fails on a status that a newer server adds.
    return await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=workflow_run_id or ""),
        ),
        retry=True,
        timeout=RPC_TIMEOUT,
    )


async def describe_namespace(client: Client) -> DescribeNamespaceResponse:
    """Describe the client's namespace."""
    request = DescribeNamespaceRequest(namespace=client.namespace)
    return await client.workflow_service.describe_namespace(request, retry=True, timeout=RPC_TIMEOUT)


async def task_failed_at(client: Client, execution: WorkflowExecution) -> datetime | None:
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


async def first_event(client: Client, workflow_id: str, workflow_run_id: str | None = None) -> HistoryEvent:
    """Return the event with which a run of a workflow id was started; None: the newest."""
    handle = client.get_workflow_handle(workflow_id, run_id=workflow_run_id)
    return await anext(handle.fetch_history_events(page_size=1, rpc_timeout=RPC_TIMEOUT))


async def cancel(client: Client, workflow_id: str) -> bool:
    """Request a workflow's cancellation; return False where it is closed."""
    # The server accepts the cancellation of a closed workflow without a word.
    found = await describe(client, workflow_id)
    if found.workflow_execution_info.status in CLOSED:
        return False
    await client.get_workflow_handle(workflow_id).cancel(rpc_timeout=RPC_TIMEOUT)
    return True


async def list_ids(client: Client, query: str, limit: int) -> list[str]:
    """Return up to `limit` ids; a workflow that was reset counts once."""
    ids: dict[str, None] = {}
    page_size = min(limit, LARGEST_PAGE)
    async for found in client.list_workflows(query, page_size=page_size, rpc_timeout=RPC_TIMEOUT):
        ids[found.id] = None
        if len(ids) >= limit:
            break
    return list(ids)


async def history(client: Client, execution: WorkflowExecution, *, whole: bool) -> list[HistoryEvent]:
    """Return a history, or its first page, which holds all events of an open workflow of ours."""
    handle = client.get_workflow_handle(execution.workflow_id, run_id=execution.run_id)
    events = handle.fetch_history_events(page_size=FIRST_EVENTS, rpc_timeout=RPC_TIMEOUT)
    if whole:
        return [event async for event in events]
    await events.fetch_next_page()
    return list(events.current_page or ())


async def describe_queue(client: Client, task_queue: str) -> list[DescribeTaskQueueResponse]:
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
