from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.actor import Actor
from models.base import Clock, Json, utc_now
from models.catalog import OperationType
from models.contracts import OperationInput, RestoreExecuteInput, ReviewComposeInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import (
    Conflict,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    RestoreInProgress,
    RunRefused,
)
from models.lifecycle import ACTIVE
from models.operation_run import OperationRequest, OperationRun
from models.restore import RestorePlan
from services.repositories.locations import check_ref
from services.runs.inputs import SCOPE
from services.runs.new_run import Dispatch, NewRun
from services.runs.service import OperationRunService


def check_scope(session: Session, operation_input: OperationInput) -> None:
    """Check that what an operation names belongs together.

    Raises NotFound where the workspace has no such environment, and InvalidInput where the environment has
    no such restore plan.
    """
    environment = session.get(Environment, operation_input.environment_id)
    if environment is None or environment.workspace_id != operation_input.workspace_id:
        raise NotFound
    if isinstance(operation_input, RestoreExecuteInput):
        # Not the plan itself: it may have thousands of changes.
        plan = select(RestorePlan.environment_id).where(RestorePlan.id == operation_input.restore_plan_id)
        if session.scalar(plan) != environment.id:
            raise InvalidInput(
                "input.restore_plan_id",
                "This environment has no such restore plan. Make one from one of its restore points.",
            )


def run_in_the_way(session: Session, new: NewRun) -> OperationRun | None:
    """Return the active run that does the same work, else, for a restore, the environment's active restore.

    None: whatever stood in the way has ended meanwhile (law L7).
    """
    active = select(OperationRun).where(
        OperationRun.workspace_id == new.operation_input.workspace_id,
        OperationRun.environment_id == new.operation_input.environment_id,
        OperationRun.type == new.correlation.operation_type,
        OperationRun.status.in_(ACTIVE),
    )
    same = session.scalars(active.where(OperationRun.identity == new.identity)).one_or_none()
    if same is not None or new.correlation.operation_type is not OperationType.RESTORE_EXECUTE:
        return same
    return session.scalars(active).one_or_none()


def as_requested(operation_type: OperationType, operation_input: OperationInput) -> dict[str, str | None]:
    """Return a request as a flat object, so that a differing field can be named as the caller wrote it."""
    values: dict[str, str | None] = operation_input.model_dump(mode="json", exclude={*SCOPE})
    return {
        "type": operation_type,
        "environment_id": str(operation_input.environment_id),
        **{f"input.{name}": value for name, value in values.items()},
    }


# How often a run that stands in the way may end just before it is read.
_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class Requested:
    """The run that answers a request; `deduplicated` where it was there already."""

    run: OperationRun
    deduplicated: bool


class OperationRequests:
    """Admission: every request for an operation comes in here and leaves one row (laws L3 and L7)."""

    def __init__(self, session: Session, *, target: Dispatch, clock: Clock = utc_now) -> None:
        self._session = session
        self._runs = OperationRunService(session, clock=clock)
        self._target = target
        self._clock = clock

    def request(
        self,
        *,
        operation_type: OperationType,
        operation_input: OperationInput,
        actor: Actor,
        idempotency_key: str | None = None,
    ) -> Requested:
        """Return the one run for this request, queued now or active already.

        1. A replayed Idempotency-Key gets the run it got before, whatever became of it; with another body
           it raises IdempotencyKeyReused naming the fields that differ.
        2. An active run of the same identity takes the request in.
        3. A restore while another one of the environment is active raises RestoreInProgress.
        4. Otherwise a run is queued.
        """
        body = as_requested(operation_type, operation_input)
        if idempotency_key is not None:
            replayed = self._replay(operation_input.workspace_id, idempotency_key, body)
            if replayed is not None:
                return Requested(run=replayed, deduplicated=True)
        check_scope(self._session, operation_input)
        if isinstance(operation_input, ReviewComposeInput) and operation_input.ref is not None:
            check_ref(operation_input.ref, field="input.ref")
        requested = self._queue_or_fold(operation_type, operation_input, actor)
        self._keep(requested.run, body, actor, idempotency_key)
        return requested

    def ensure_run(
        self, correlation: Correlation, operation_input: OperationInput, *, actor: Actor
    ) -> OperationRun:
        """Return the run of a workflow, registering it first where the workflow was started directly.

        The same laws hold as for a request: where an active run does the same work already, the run is
        registered as blocked (`already_in_progress`) with that one as related. Raises RunRefused, and
        writes nothing, where what the input names does not belong together (law L6).
        """
        run = self._session.get(OperationRun, correlation.run_id)
        if run is not None:
            return run
        try:
            check_scope(self._session, operation_input)
        except (NotFound, InvalidInput) as error:
            raise RunRefused from error
        run = self._register(correlation, operation_input, actor)
        self._keep(run, as_requested(correlation.operation_type, operation_input), actor, None)
        return run

    def _queue_or_fold(
        self, operation_type: OperationType, operation_input: OperationInput, actor: Actor
    ) -> Requested:
        correlation = Correlation(operation_type=operation_type, run_id=uuid7())
        new = self._new_run(correlation, operation_input, actor)
        for _ in range(_ATTEMPTS):
            run = self._runs.enqueue(new)
            if run is not None:
                return Requested(run=run, deduplicated=False)
            active = run_in_the_way(self._session, new)
            if active is not None and active.identity != new.identity:
                raise RestoreInProgress(str(active.id))
            if active is not None:
                return Requested(run=active, deduplicated=True)
        raise Conflict

    def _register(
        self, correlation: Correlation, operation_input: OperationInput, actor: Actor
    ) -> OperationRun:
        new = self._new_run(correlation, operation_input, actor)
        for _ in range(_ATTEMPTS):
            run = self._runs.enqueue(new) or self._session.get(OperationRun, correlation.run_id)
            if run is not None:
                return run
            active = run_in_the_way(self._session, new)
            if active is not None:
                return self._runs.refuse_duplicate(new, active_run_id=active.id)
        raise Conflict

    def _new_run(self, correlation: Correlation, operation_input: OperationInput, actor: Actor) -> NewRun:
        return NewRun(
            correlation=correlation, operation_input=operation_input, actor=actor, dispatch=self._target
        )

    def _keep(self, run: OperationRun, body: Json, actor: Actor, idempotency_key: str | None) -> None:
        self._session.add(
            OperationRequest(
                workspace_id=run.workspace_id,
                idempotency_key=idempotency_key,
                body=body,
                run_id=run.id,
                actor_kind=actor.kind,
                actor_name=actor.name,
                at=self._clock(),
            )
        )

    def _replay(self, workspace_id: UUID, key: str, body: Json) -> OperationRun | None:
        # Two callers with one key must not both find nothing: the second waits for the first to commit.
        self._session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"{workspace_id}:{key}", 0)))
        )
        statement = select(OperationRequest).where(
            OperationRequest.workspace_id == workspace_id, OperationRequest.idempotency_key == key
        )
        earlier = self._session.scalars(statement).one_or_none()
        if earlier is None:
            return None
        differing = sorted(dict(body.items() ^ earlier.body.items()))
        if differing:
            raise IdempotencyKeyReused(differing)
        # None where it was pruned since: its key is free then.
        return self._session.get(OperationRun, earlier.run_id)
