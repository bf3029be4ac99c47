from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog
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
from workflows.failure_bridge import NOT_SEARCHABLE

_log = structlog.get_logger()

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

        A start that Temporal refuses for its search attributes alone is made without them: they are for
        finding.
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
    try:
        await _start_as(client, start, search_attributes=_keywords(start.search_attributes))
    except RPCError as error:
        if (
            error.status is not RPCStatusCode.INVALID_ARGUMENT
            or "search attribute" not in error.message.lower()
        ):
            raise
        _log.warning("search_attributes_refused", workflow_id=start.workflow_id, reason=error.message)
        await _start_as(client, start, memo={NOT_SEARCHABLE: True})


async def _start_as(
    client: Client,
    start: WorkflowStart,
    *,
    search_attributes: TypedSearchAttributes = TypedSearchAttributes.empty,
    memo: Mapping[str, bool] | None = None,
) -> None:
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
        search_attributes=search_attributes,
        memo=memo,
        rpc_timeout=RPC_TIMEOUT,
    )


def _keywords(values: Mapping[str, str]) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items()]
    )
