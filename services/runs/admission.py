from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, Json, utc_now
from models.catalog import OperationType
from models.contracts.operation_input import OperationInput
from models.contracts.restore_execute import RestoreExecuteInput
from models.contracts.review_compose import ReviewComposeInput
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
from services.access.audit import Audit
from services.repositories.refs import check_ref
from services.runs.inputs import SCOPE
from services.runs.new_run import Dispatch, NewRun
from services.runs.proof import check_may_act
from services.runs.service import OperationRunService


def check_scope(session: Session, operation_input: OperationInput) -> None:
    """Check that the environment is the workspace's, and the restore plan the environment's.

    Raises NotFound where the workspace has no such environment, and InvalidInput where the environment has
    no such restore plan.
    """
    environment = session.get(Environment, operation_input.environment_id)
    if environment is None or environment.workspace_id != operation_input.workspace_id:
        raise NotFound
    if isinstance(operation_input, RestoreExecuteInput):
        # One column: the plan may have thousands of changes.
        plan = select(RestorePlan.environment_id).where(RestorePlan.id == operation_input.restore_plan_id)
        if session.scalar(plan) != environment.id:
            raise InvalidInput(
                "input.restore_plan_id",
                "This environment has no such restore plan. Make one from one of its restore points.",
            )


def blocking_run(session: Session, new: NewRun) -> OperationRun | None:
    """Return the active run of the same identity, else, for a restore, the environment's active restore.

    None: the run that refused the insert has completed meanwhile (law L7).
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
    """Return a request's body, flat: two are compared field by field, by the names that callers know."""
    values: dict[str, str | None] = operation_input.model_dump(mode="json", exclude={*SCOPE})
    return {
        "type": operation_type,
        "environment_id": str(operation_input.environment_id),
        **{f"input.{name}": value for name, value in values.items()},
    }


# A blocking run may complete between the insert and the read: insert again, at most so often.
_ATTEMPTS = 5

_DIRECT_START: Final = Actor(kind="workflow", name="direct start")


@dataclass(frozen=True, kw_only=True)
class Requested:
    """The run that answers a request; `deduplicated` where it existed already."""

    run: OperationRun
    deduplicated: bool


class OperationRequests:
    """Admits requests for operations: each accepted one is a row of `operation_requests` (laws L3 and L7)."""

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

        1. A replayed Idempotency-Key returns its first run, completed or not; with another body it raises
           IdempotencyKeyReused naming the fields that differ.
        2. The request is merged into an active run of the same identity.
        3. A restore while another one of the environment is active raises RestoreInProgress.
        4. Otherwise a run is queued.

        Raises what `check_scope` raises, and InvalidInput for a malformed ref.
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
        self._record(requested.run, body, actor, idempotency_key)
        return requested

    def ensure_run(self, correlation: Correlation, operation_input: OperationInput) -> OperationRun:
        """Return the run of a workflow, registering it first where the workflow was started directly.

        The laws of a request hold: where an active run does the same work, this one is registered as
        blocked (`already_in_progress`) with the active run as related. Raises RunRefused and writes nothing
        where `check_scope` refuses the input, or the execution may not act for the run (law L6).
        """
        run = self._session.get(OperationRun, correlation.run_id)
        if run is not None:
            return self._proven(run, correlation, operation_input)
        try:
            check_scope(self._session, operation_input)
        except (NotFound, InvalidInput) as error:
            raise RunRefused from error
        run = self._register(correlation, operation_input)
        self._record(run, as_requested(correlation.operation_type, operation_input), _DIRECT_START, None)
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
            active = blocking_run(self._session, new)
            if active is not None and active.identity != new.identity:
                raise RestoreInProgress(str(active.id))
            if active is not None:
                return Requested(run=active, deduplicated=True)
        raise Conflict

    def _register(self, correlation: Correlation, operation_input: OperationInput) -> OperationRun:
        new = self._new_run(correlation, operation_input, _DIRECT_START)
        for _ in range(_ATTEMPTS):
            run = self._runs.enqueue(new)
            if run is not None:
                return run
            # Registered meanwhile, by another step of this workflow or by a workflow that has no right to it.
            run = self._session.get(OperationRun, correlation.run_id)
            if run is not None:
                return self._proven(run, correlation, operation_input)
            active = blocking_run(self._session, new)
            if active is not None:
                return self._runs.refuse_duplicate(new, active_run_id=active.id)
        raise Conflict

    def _proven(
        self, run: OperationRun, correlation: Correlation, operation_input: OperationInput
    ) -> OperationRun:
        check_may_act(run, correlation, operation_input, workflow_run_id=self._target.workflow_run_id)
        return run

    def _new_run(self, correlation: Correlation, operation_input: OperationInput, actor: Actor) -> NewRun:
        return NewRun(
            correlation=correlation, operation_input=operation_input, actor=actor, dispatch=self._target
        )

    def _record(self, run: OperationRun, body: Json, actor: Actor, idempotency_key: str | None) -> None:
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
        audit = Audit(session=self._session, workspace_id=run.workspace_id, actor=actor, clock=self._clock)
        audit.record(AuditAction.RUN_REQUESTED, run.type, subject_id=run.id)

    def _replay(self, workspace_id: UUID, key: str, body: Json) -> OperationRun | None:
        # Of two callers with one key the second waits for the first to commit, and then finds its row.
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
        # None where retention has pruned the run: the key is free again.
        return self._session.get(OperationRun, earlier.run_id)
