import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import Any, Final, Protocol, TypeVar

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType, WorkflowExecutionStatus
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.base import Json
from models.contracts import Cause
from models.correlation import CORRELATION_VERSION
from models.reconciliation import OPEN, Execution, ExecutionState
from runtime.temporal_connection import CALL_TIMEOUT, RPC_TIMEOUT
from runtime.temporal_starter import TemporalStarter
from services.engine import EngineUnreachable, FirstEvent, QueueView, WorkflowView
from services.repositories.redaction import redact

T = TypeVar("T")

# Every status but these counts as open: one that continued lives on, and a status of a later server is
# not ours to judge.
CLOSED: Final[dict[int, tuple[str, Cause | None]]] = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED: ("completed", None),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED: ("failed", "activity_failed"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED: ("cancelled", "cancelled"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED: ("terminated", "terminated"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: ("timed_out", "timed_out"),
}
STEP_RESULTS: Final = {
    "activity_task_completed_event_attributes": "completed",
    "activity_task_failed_event_attributes": "failed",
    "activity_task_timed_out_event_attributes": "timed_out",
    "activity_task_canceled_event_attributes": "cancelled",
}
TASK_FAILURES: Final = frozenset(
    {"workflow_task_failed_event_attributes", "workflow_task_timed_out_event_attributes"}
)
NEWEST_EVENTS = 20
OURS = f"WorkflowId STARTS_WITH 'operation-run.v{CORRELATION_VERSION}.'"
ABNORMAL = "ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed', 'Canceled')"
LARGEST_PAGE = 1000
HISTORY_TIMEOUT = timedelta(seconds=15)
STEPS_BYTES = 7500
TEXT_LENGTH = 300


class TemporalEngine(TemporalStarter):
    """Temporal as services and reconcilers know it; implements services.engine.Engine."""

    def describe(self, workflow_id: str) -> WorkflowView:
        """Look one workflow up; see services.engine.Engine, as for every method here."""
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
        """Read how a workflow was started."""
        event = self._find(lambda client: _first_event(client, workflow_id))
        if event is None:
            return None
        started = event.workflow_execution_started_event_attributes
        return FirstEvent(
            workflow_type=started.workflow_type.name,
            task_queue=started.task_queue.name,
            started_at=_time(event.event_time),
            operation_input=_operation_input(started.input.payloads),
        )

    def cancel(self, workflow_id: str) -> bool:
        """Ask a workflow to cancel."""
        return bool(self._find(lambda client: _cancel(client, workflow_id)))

    def terminate(self, workflow_id: str, reason: str) -> None:
        """End a workflow without its help."""
        self._find(
            lambda client: client.get_workflow_handle(workflow_id).terminate(
                reason=reason, rpc_timeout=RPC_TIMEOUT
            )
        )

    def closed_abnormally(self, since: datetime, *, limit: int) -> Sequence[str]:
        """List candidates that closed otherwise than completed."""
        query = f"{OURS} AND {ABNORMAL} AND CloseTime > '{_rfc3339(since)}'"
        return self._ask(lambda client: _list(client, query, limit))

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:
        """List candidates that are open."""
        query = f"{OURS} AND ExecutionStatus = 'Running' AND StartTime > '{_rfc3339(since)}'"
        return self._ask(lambda client: _list(client, query, limit))

    def compact_history(self, workflow_id: str) -> dict[str, Any] | None:
        """Tell a workflow's story in at most 8 kB of JSON."""
        found = self._find(lambda client: _describe(client, workflow_id))
        if found is None:
            return None
        execution = found.workflow_execution_info.execution
        events = self._find(lambda client: _history(client, execution), timeout=HISTORY_TIMEOUT)
        return _story(found, events) if events else None

    def queue(self, task_queue: str) -> QueueView:
        """Look at a task queue's workers and backlog."""
        return _queue_view(self._ask(lambda client: _describe_queue(client, task_queue)))

    def _ask(
        self, question: Callable[[Client], Coroutine[Any, Any, T]], *, timeout: timedelta = CALL_TIMEOUT
    ) -> T:
        with _unreachable():
            return self._connection.call(question, timeout=timeout)

    def _find(
        self, question: Callable[[Client], Coroutine[Any, Any, T]], *, timeout: timedelta = CALL_TIMEOUT
    ) -> T | None:
        """Ask about one workflow; None where Temporal does not know it, or has no more use for the call."""
        with _unreachable():
            try:
                return self._connection.call(question, timeout=timeout)
            except RPCError as error:
                if _lacks_workflow(error):
                    return None
                raise


@contextmanager
def _unreachable() -> Iterator[None]:
    """Translate every answer that is none; a client that never could connect raises RuntimeError."""
    try:
        yield
    except RPCError as error:
        raise EngineUnreachable(f"{error.status.name}: {error.message}") from error
    except (RuntimeError, TimeoutError) as error:
        raise EngineUnreachable(str(error)) from error


def _lacks_workflow(error: RPCError) -> bool:
    """Tell whether it is the workflow that is unknown or closed; of an unknown namespace nothing follows."""
    return error.status is RPCStatusCode.NOT_FOUND and not any(
        detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details
    )


async def _describe(client: Client, workflow_id: str) -> DescribeWorkflowExecutionResponse:
    # Not the handle's: that one cannot read a status which its release does not know.
    return await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        ),
        retry=True,
        timeout=RPC_TIMEOUT,
    )


async def _task_failed_at(client: Client, execution: WorkflowExecution) -> datetime | None:
    """Return when the workflow task failed that fails since; None: not among the newest events.

    The server writes down the first failure in a row alone; of the later attempts it keeps the newest one's
    times, so that `original_scheduled_time` moves with each.
    """
    newest = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace, execution=execution, maximum_page_size=NEWEST_EVENTS
        ),
        retry=True,
        timeout=RPC_TIMEOUT,
    )
    failed = (event for event in newest.history.events if event.WhichOneof("attributes") in TASK_FAILURES)
    return next((_time(event.event_time) for event in failed), None)


async def _first_event(client: Client, workflow_id: str) -> HistoryEvent:
    handle = client.get_workflow_handle(workflow_id)
    return await anext(handle.fetch_history_events(page_size=1, rpc_timeout=RPC_TIMEOUT))


async def _cancel(client: Client, workflow_id: str) -> bool:
    # The server takes a cancellation of a closed workflow as well, and says nothing.
    found = await _describe(client, workflow_id)
    if found.workflow_execution_info.status in CLOSED:
        return False
    await client.get_workflow_handle(workflow_id).cancel(rpc_timeout=RPC_TIMEOUT)
    return True


async def _list(client: Client, query: str, limit: int) -> list[str]:
    """List up to `limit` ids; one that was reset counts once."""
    ids: dict[str, None] = {}
    page_size = min(limit, LARGEST_PAGE)
    async for found in client.list_workflows(query, page_size=page_size, rpc_timeout=RPC_TIMEOUT):
        ids[found.id] = None
        if len(ids) >= limit:
            break
    return list(ids)


async def _history(client: Client, execution: WorkflowExecution) -> list[HistoryEvent]:
    handle = client.get_workflow_handle(execution.workflow_id, run_id=execution.run_id)
    return [event async for event in handle.fetch_history_events(rpc_timeout=RPC_TIMEOUT)]


async def _describe_queue(client: Client, task_queue: str) -> list[DescribeTaskQueueResponse]:
    """Describe both halves of a queue: the one of workflow tasks and the one of activities."""
    # The plain mode: its pollers are fresh, while all of the enhanced mode's answer is kept for 5 seconds.
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
    # A workflow that was terminated keeps the task and the step it was at.
    is_open = info.status not in CLOSED
    is_pending = found.HasField("pending_workflow_task") and is_open
    step = next(iter(found.pending_activities), None) if is_open else None
    return WorkflowView(
        execution=_execution(info.status),
        workflow_type=info.type.name,
        started_at=_time(info.start_time),
        closed_at=_time(info.close_time) if info.HasField("close_time") else None,
        failing_attempts=pending.attempt if is_pending else 0,
        failing_since=_time(pending.original_scheduled_time) if is_pending else None,
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
        last_polled_at=max((_time(poller.last_access_time) for poller in pollers), default=None),
        backlog=sum(half.stats.approximate_backlog_count for half in halves),
        oldest_waits=max(half.stats.approximate_backlog_age.ToTimedelta().total_seconds() for half in halves),
    )


def _operation_input(payloads: Sequence[Payload]) -> Json | None:
    value = _json(payloads[0]) if len(payloads) == 1 else None
    return value if isinstance(value, dict) else None


def _json(payload: Payload) -> Any:
    """Read a payload that is plain JSON, whatever SDK wrote it; None for any other."""
    if payload.metadata.get("encoding") not in {b"json/plain", b"json/protobuf"}:
        return None
    try:
        return json.loads(payload.data)
    except (ValueError, RecursionError):
        return None


def _story(found: DescribeWorkflowExecutionResponse, events: Sequence[HistoryEvent]) -> dict[str, Any]:
    view, info = _view(found), found.workflow_execution_info
    status, _ = CLOSED.get(info.status, ("open", None))
    steps = _steps(events)
    kept = _outermost(steps)
    return {
        "workflow_id": info.execution.workflow_id,
        "run_id": info.execution.run_id,
        "status": status,
        "started_at": _rfc3339(_time(info.start_time)),
        "closed_at": _rfc3339(view.closed_at) if view.closed_at else None,
        "cause": view.execution.cause,
        "steps": kept,
        "steps_left_out": len(steps) - len(kept),
        "events": len(events),
    }


def _steps(events: Sequence[HistoryEvent]) -> list[Json]:
    """Gather what became of each activity, in the order they were scheduled."""
    steps: dict[int, Json] = {}
    for event in events:
        kind = event.WhichOneof("attributes") or ""
        if kind == "activity_task_scheduled_event_attributes":
            steps[event.event_id] = _scheduled(event)
        elif kind == "activity_task_started_event_attributes":
            started = event.activity_task_started_event_attributes
            # Only the last attempt leaves an event; it tells what the one before it failed of.
            steps[started.scheduled_event_id] |= {
                "started_at": _rfc3339(_time(event.event_time)),
                "attempts": started.attempt,
                "failure": _reason(started.last_failure),
            }
        elif kind in STEP_RESULTS:
            ended = getattr(event, kind)
            step = steps[ended.scheduled_event_id]
            step |= {"ended_at": _rfc3339(_time(event.event_time)), "result": STEP_RESULTS[kind]}
            step["failure"] = _reason(getattr(ended, "failure", None)) or step["failure"]
    return list(steps.values())


def _scheduled(event: HistoryEvent) -> Json:
    summary = _json(event.user_metadata.summary)
    return {
        "step": event.activity_task_scheduled_event_attributes.activity_type.name,
        "summary": _short(summary) if isinstance(summary, str) else None,
        "scheduled_at": _rfc3339(_time(event.event_time)),
        "started_at": None,
        "ended_at": None,
        "attempts": None,
        "result": None,
        "failure": None,
    }


def _reason(failure: Failure | None) -> str | None:
    """Tell a failure and what caused it in one line; None where there is none."""
    links = []
    while failure is not None:
        kind = failure.application_failure_info.type
        links.append(f"{kind}: {failure.message}" if kind else failure.message)
        failure = failure.cause if failure.HasField("cause") else None
    return _short(" / ".join(filter(None, links))) or None


def _short(text: str) -> str:
    # Redacted before it is cut: half a token would not be known for one.
    text = redact(text)
    return text if len(text) <= TEXT_LENGTH else f"{text[: TEXT_LENGTH - 1]}…"


def _outermost(steps: Sequence[Json]) -> list[Json]:
    """Keep as many steps from both ends as fit."""
    inwards = sorted(range(len(steps)), key=lambda place: min(place, len(steps) - 1 - place))
    sizes = accumulate(len(json.dumps(steps[place])) for place in inwards)
    kept = {place for place, size in zip(inwards, sizes, strict=True) if size <= STEPS_BYTES}
    return [step for place, step in enumerate(steps) if place in kept]


class _Timestamp(Protocol):
    """A moment as protobuf has it; that package is Temporal's dependency and not ours."""

    def ToDatetime(self, tzinfo: tzinfo | None = None) -> datetime: ...  # noqa: N802 - its name


def _time(timestamp: _Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
