from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.correlation import CORRELATION_VERSION
from runtime.temporal import rpc
from runtime.temporal.client import CALL_TIMEOUT, RPC_TIMEOUT
from runtime.temporal.history import story_of
from runtime.temporal.payloads import CLOSED, rfc3339
from runtime.temporal.starter import TemporalStarter
from runtime.temporal.views import first_event, queue_view, workflow_view
from services.engine.port import NOT_FOUND, EngineUnreachable, FirstEvent, QueueView, WorkflowView

T = TypeVar("T")

OURS: Final = f"WorkflowId STARTS_WITH 'operation-run.v{CORRELATION_VERSION}.'"
ABNORMAL: Final = "ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed', 'Canceled')"
HISTORY_TIMEOUT: Final = timedelta(seconds=15)


class TemporalEngine(TemporalStarter):
    """Temporal behind the port; implements services.engine.port.Engine, which documents every method."""

    def describe(self, workflow_id: str, *, workflow_run_id: str | None = None) -> WorkflowView:
        """Describe one workflow, and since when its task fails."""
        found = self._find(lambda client: rpc.describe(client, workflow_id, workflow_run_id))
        if found is None:
            return NOT_FOUND
        view = workflow_view(found)
        if view.failing_attempts <= 1:
            return view
        execution = found.workflow_execution_info.execution
        failed_at = self._find(lambda client: rpc.task_failed_at(client, execution))
        return replace(view, failing_since=failed_at or view.failing_since)

    def first_event(self, workflow_id: str, *, workflow_run_id: str | None = None) -> FirstEvent | None:
        """Return how a workflow was started."""
        event = self._find(lambda client: rpc.first_event(client, workflow_id, workflow_run_id))
        return first_event(event) if event else None

    def cancel(self, workflow_id: str) -> bool:
        """Request the cancellation of a workflow; return False where it is closed or unknown."""
        return bool(self._find(lambda client: rpc.cancel(client, workflow_id)))

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
        return self._ask(lambda client: rpc.list_ids(client, query, limit))

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:
        """Return ids of open workflows."""
        query = f"{OURS} AND ExecutionStatus = 'Running' AND StartTime > '{rfc3339(since)}'"
        return self._ask(lambda client: rpc.list_ids(client, query, limit))

    def compact_history(
        self, workflow_id: str, *, workflow_run_id: str | None = None
    ) -> dict[str, Any] | None:
        """Return a summary of a workflow's history, in at most 8 kB of JSON."""
        found = self._find(lambda client: rpc.describe(client, workflow_id, workflow_run_id))
        if found is None:
            return None
        info = found.workflow_execution_info
        is_closed = info.status in CLOSED
        events = self._find(
            lambda client: rpc.history(client, info.execution, whole=is_closed), timeout=HISTORY_TIMEOUT
        )
        return story_of(found, events) if events else None

    def retention(self) -> timedelta:
        """Return how long the namespace keeps a closed workflow."""
        found = self._ask(rpc.describe_namespace)
        kept = found.config.workflow_execution_retention_ttl
        return timedelta(seconds=kept.seconds)

    def queue(self, task_queue: str) -> QueueView:
        """Return the pollers and the backlog of a task queue."""
        return queue_view(*self._ask(lambda client: rpc.describe_queue(client, task_queue)))

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
