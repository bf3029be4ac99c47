from dataclasses import replace
from typing import Final

from models.actor import Actor
from models.base import Json, utc_now
from models.catalog import Capability, OperationCatalog
from models.environment import Environment
from models.errors import UnknownOperationType
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.sweep import sweep_queue
from services.database.session import Database
from services.engine.cache import EngineCache
from services.runs.admission import OperationRequests, Requested
from services.runs.dispatch import Dispatcher, describe_start
from services.runs.inputs import parse_input
from services.runs.new_run import Dispatch
from services.runs.waiting.queue_status import Waiting, waiting_reason
from services.runs.waiting.silent_workers import unanswered_for

# A plan never changes: what stopped its restore would stop it again.
_PLAN_IS_SPENT: Final = frozenset({ReasonCode.ENVIRONMENT_CHANGED, ReasonCode.ITEMS_REFUSED})


class OperationStarter:
    """Starts operations for the pages, the API and the command line."""

    def __init__(self, database: Database, dispatcher: Dispatcher, *, target: Dispatch) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._target = target

    def start(
        self,
        *,
        operation_type: str,
        environment: Environment,
        given: Json,
        actor: Actor,
        idempotency_key: str | None = None,
    ) -> Requested:
        """Admit a request, dispatch its run to Temporal, and return the run as it then is.

        1. The request commits as a queued run, or is merged into the run that answers it (law L7).
        2. A new run is dispatched. A start that Temporal refuses completes it as failed; one without an
           answer leaves it queued. Neither is an error of the request.

        Raises InvalidInput naming the field (`type`, `input.…`), RestoreInProgress, IdempotencyKeyReused.
        """
        operation = OperationCatalog.get(operation_type)
        operation_input = parse_input(operation.type, environment.workspace_id, environment.id, given)
        with self._database.transaction() as session:
            requested = OperationRequests(session, target=self._target).request(
                operation_type=operation.type,
                operation_input=operation_input,
                actor=actor,
                idempotency_key=idempotency_key,
            )
            if requested.deduplicated:
                return requested
            start = describe_start(session, requested.run, public_url=self._dispatcher.public_url)
        return replace(requested, run=self._dispatcher.dispatch_or_fail(requested.run.id, start))


def waiting_of(cache: EngineCache, run: OperationRun) -> Waiting | None:
    """Return why a queued run waits; None for any other. Never fails, and never waits long for Temporal."""
    if run.status != Status.QUEUED:
        return None
    now = utc_now()
    # Spares Temporal the question where the row alone answers it.
    known = waiting_reason(run, None, now)
    if known.code != "could_not_check":
        return known
    task_queue = run.context.dispatch.queue
    queue = cache.queue(task_queue)
    reason = waiting_reason(run, queue, now)
    if queue is None or reason.code != "workers_busy" or not unanswered_for(queue.activities, now):
        return reason
    return waiting_reason(run, queue, now, sweep=cache.queue(sweep_queue(task_queue)))


def why_not_again(run: OperationRun) -> str | None:
    """Return why an operation may not be run again with a run's input; None where it may."""
    if run.status != Status.COMPLETED:
        return "It is still under way."
    settled = run.context.reconciliation
    is_spent = settled is not None and settled.reason_code in _PLAN_IS_SPENT
    return "Its plan would be held back again. Make a new one." if is_spent else None


def capability_to_start(operation_type: object) -> Capability:
    """Return the capability to start an operation; OPERATIONS_ACT where there is no such type.

    Access is judged first: only who may act learns that the type is wrong.
    """
    try:
        return OperationCatalog.get(str(operation_type)).capability
    except UnknownOperationType:
        return Capability.OPERATIONS_ACT
