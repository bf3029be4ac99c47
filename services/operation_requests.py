from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.actor import Actor
from models.base import Json, utc_now
from models.catalog import OperationType
from models.contracts import OperationInput, RestoreExecuteInput
from models.environment import Environment
from models.errors import Conflict, IdempotencyKeyReused, InvalidInput, NotFound, RestoreInProgress
from models.lifecycle import ACTIVE
from models.operation_run import OperationRequest, OperationRun
from models.restore import RestorePlan
from services.operation_inputs import identity_of
from services.operation_runs import DispatchTarget, OperationRunService

_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class Requested:
    """The run that answers a request; `deduplicated` where it was there already."""

    run: OperationRun
    deduplicated: bool


class OperationRequests:
    """Admission: every request for an operation comes in here and leaves one row (laws L3 and L7)."""

    def __init__(
        self, session: Session, *, target: DispatchTarget, clock: Callable[[], datetime] = utc_now
    ) -> None:
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
        body = _as_requested(operation_type, operation_input)
        if idempotency_key is not None:
            replayed = self._replay(operation_input.workspace_id, idempotency_key, body)
            if replayed is not None:
                return Requested(run=replayed, deduplicated=True)
        self._check_scope(operation_input)
        requested = self._ensure_run(operation_type, operation_input, actor)
        self._session.add(
            OperationRequest(
                workspace_id=operation_input.workspace_id,
                idempotency_key=idempotency_key,
                body=body,
                run_id=requested.run.id,
                actor_kind=actor.kind,
                actor_name=actor.name,
                at=self._clock(),
            )
        )
        return requested

    def _ensure_run(
        self, operation_type: OperationType, operation_input: OperationInput, actor: Actor
    ) -> Requested:
        identity = identity_of(operation_type, operation_input)
        for _ in range(_ATTEMPTS):
            run = self._runs.enqueue(
                operation_type=operation_type,
                operation_input=operation_input,
                identity=identity,
                actor=actor,
                target=self._target,
                run_id=uuid7(),
            )
            if run is not None:
                return Requested(run=run, deduplicated=False)
            active = self._active(operation_type, operation_input, OperationRun.identity == identity)
            if active is not None:
                return Requested(run=active, deduplicated=True)
            if isinstance(operation_input, RestoreExecuteInput):
                other = self._active(operation_type, operation_input)
                if other is not None:
                    raise RestoreInProgress(str(other.id))
            # The run that stood in the way ended between the two statements: ask again.
        raise Conflict

    def _active(
        self, operation_type: OperationType, operation_input: OperationInput, *conditions: Any
    ) -> OperationRun | None:
        statement = select(OperationRun).where(
            OperationRun.workspace_id == operation_input.workspace_id,
            OperationRun.environment_id == operation_input.environment_id,
            OperationRun.type == operation_type,
            OperationRun.status.in_(ACTIVE),
            *conditions,
        )
        return self._session.scalars(statement).one_or_none()

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
        return self._session.get_one(OperationRun, earlier.run_id)

    def _check_scope(self, operation_input: OperationInput) -> None:
        environment = self._session.get(Environment, operation_input.environment_id)
        if environment is None or environment.workspace_id != operation_input.workspace_id:
            raise NotFound
        if isinstance(operation_input, RestoreExecuteInput):
            plan = self._session.get(RestorePlan, operation_input.restore_plan_id)
            if plan is None or plan.environment_id != environment.id:
                raise InvalidInput(
                    "input.restore_plan_id",
                    "This environment has no such restore plan. Make one from one of its restore points.",
                )


def _as_requested(operation_type: OperationType, operation_input: OperationInput) -> Json:
    """Return the request as a flat object, so that a differing field can be named as the caller wrote it."""
    values = operation_input.model_dump(mode="json", exclude={"workspace_id", "environment_id"})
    return {
        "type": operation_type,
        "environment_id": str(operation_input.environment_id),
        **{f"input.{name}": value for name, value in values.items()},
    }
