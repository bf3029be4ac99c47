from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.errors import DispatchFailed, RunRefused, StartUnconfirmed
from runtime.temporal import rpc
from runtime.temporal.client import RPC_TIMEOUT, TemporalConnection
from runtime.temporal.views import first_event
from services.engine.port import WorkflowStart
from services.runs.inputs import work_columns
from services.runs.proof import work_of

# No later attempt changes these: a malformed name, an unknown namespace, an input that is too large.
_REFUSALS = frozenset(
    {
        RPCStatusCode.INVALID_ARGUMENT,
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.UNIMPLEMENTED,
    }
)

# Another worker gets the workflow task of a killed one after this time; the default is ten seconds.
TASK_TIMEOUT: Final = timedelta(seconds=3)


class TemporalStarter:
    """Starts workflows; implements services.engine.port.WorkflowStarter."""

    def __init__(self, connection: TemporalConnection) -> None:
        self._connection = connection

    def start(self, start: WorkflowStart) -> None:
        """Start a workflow; one of the same id and work, open or closed, counts as started (law L6).

        Raises DispatchFailed where Temporal refuses for good, StartUnconfirmed where its answer is not known
        or a workflow of other work has the id: what that means is the sweep's to say.
        """
        try:
            self._connection.call(lambda client: _start(client, start))
        except WorkflowAlreadyStartedError as error:
            self._check_started(start, error.run_id)
        except RPCError as error:
            if error.status in _REFUSALS:
                raise DispatchFailed(f"{error.status.name}: {error.message}") from error
            raise StartUnconfirmed from error
        except (RuntimeError, TimeoutError) as error:
            # A client that never connected raises RuntimeError.
            raise StartUnconfirmed from error

    def _check_started(self, start: WorkflowStart, workflow_run_id: str | None) -> None:
        """Raise StartUnconfirmed unless the execution that has the id was started for this work."""
        try:
            event = self._connection.call(
                lambda client: rpc.first_event(client, start.workflow_id, workflow_run_id)
            )
            correlation, operation_input = work_of(start.workflow_id, first_event(event))
        except (RPCError, RuntimeError, TimeoutError, RunRefused) as error:
            raise StartUnconfirmed from error
        if work_columns(correlation, operation_input) != work_columns(correlation, start.operation_input):
            raise StartUnconfirmed


async def _start(client: Client, start: WorkflowStart) -> None:
    await client.start_workflow(
        start.workflow_type,
        start.operation_input,
        id=start.workflow_id,
        task_queue=start.task_queue,
        execution_timeout=start.execution_timeout,
        task_timeout=TASK_TIMEOUT,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        static_summary=start.summary,
        static_details=start.details,
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
                for name, value in start.search_attributes.items()
            ]
        ),
        rpc_timeout=RPC_TIMEOUT,
    )
