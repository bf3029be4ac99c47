from dataclasses import replace

from models.actor import Actor
from models.base import Json, utc_now
from models.catalog import Capability, OperationCatalog
from models.environment import Environment
from models.errors import UnknownOperationType
from models.lifecycle import Status
from models.operation_run import OperationRun
from services.database.session import Database
from services.engine.cache import EngineCache
from services.runs.admission import OperationRequests, Requested
from services.runs.dispatch import Dispatcher
from services.runs.inputs import parse_input
from services.runs.new_run import Dispatch
from services.runs.queue_status import Waiting, waiting_reason


class OperationStarter:
    """Start operations for whoever asks: pages, the API, the command line."""

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
        """Record a request for an operation, hand its run to Temporal, and return the run as it then is.

        1. The request commits as a queued run, or finds the run that answers it already (law L7).
        2. A new run is started. A start refused for good completes it as failed; one whose answer never
           came leaves it queued. Neither is an error of the request.

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
            start = self._dispatcher.describe(session, requested.run)
        return replace(requested, run=self._dispatcher.dispatch_or_fail(requested.run.id, start))


def waiting_of(cache: EngineCache, run: OperationRun) -> Waiting | None:
    """Return why a queued run waits; None for any other. Never fails, and never waits long for the engine."""
    if run.status != Status.QUEUED:
        return None
    now = utc_now()
    # What the row alone can tell, as of a run asked for a moment ago, is not worth a look.
    known = waiting_reason(run, None, now)
    if known.code != "could_not_check":
        return known
    return waiting_reason(run, cache.queue(run.context.dispatch.queue), now)


def capability_to_start(operation_type: object) -> Capability:
    """Return what starting such an operation takes; for a type that does not exist, acting at all.

    So that access can be judged before the type is found to be wrong.
    """
    try:
        return OperationCatalog.get(str(operation_type)).capability
    except UnknownOperationType:
        return Capability.OPERATIONS_ACT
