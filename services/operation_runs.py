from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.actor import Actor
from models.base import Json, utc_now
from models.catalog import OperationCatalog, OperationType
from models.contracts import Failure, OperationInput
from models.correlation import CORRELATION_VERSION, Correlation
from models.errors import NotFound, RunRefused
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun, OperationRunTransition
from models.reasons import ReasonCode
from models.reconciliation import ReconciliationDecision, Source
from services.lifecycle_guard import WRITER, WRITER_OPTION

_WRITING = {WRITER_OPTION: WRITER, "populate_existing": True, "synchronize_session": False}


class Reconciled(StrEnum):
    """What became of a decision."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    ALREADY_SUCCEEDED = "already_succeeded"


@dataclass(frozen=True, kw_only=True)
class DispatchTarget:
    """Where runs are handed to Temporal: the task queue and the namespace ("connection", law L4)."""

    queue: str
    connection: str


class OperationRunService:
    """The only writer of a run's lifecycle (law L2). One method per transition, one guarded UPDATE each.

    Every method works in the caller's transaction. Losing a race is a value, not an exception: a method
    that finds the run elsewhere than it must be returns None and has written nothing.
    """

    def __init__(self, session: Session, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._session = session
        self._clock = clock
        # Tells the trigger who writes; PostgreSQL forgets it with the transaction.
        session.execute(text("SELECT set_config('operationrun.writer', :writer, true)"), {"writer": WRITER})

    def enqueue(
        self,
        *,
        operation_type: OperationType,
        operation_input: OperationInput,
        identity: str,
        actor: Actor,
        target: DispatchTarget,
        run_id: UUID,
    ) -> OperationRun | None:
        """Insert a run as queued, with its canonical dispatch (law L4).

        None means that an active run stands in the way: one of the same identity, or another restore of
        the environment (law L7).
        """
        now = self._clock()
        values = {
            "id": run_id,
            "workspace_id": operation_input.workspace_id,
            "environment_id": operation_input.environment_id,
            "type": operation_type,
            "status": Status.QUEUED,
            "outcome": Outcome.PENDING,
            "identity": identity,
            "initiator_kind": actor.kind,
            "initiator_name": actor.name,
            "context": {
                "input": operation_input.model_dump(mode="json", exclude={"workspace_id", "environment_id"}),
                "dispatch": {
                    "job_class": OperationCatalog.get(operation_type).workflow_class,
                    "queue": target.queue,
                    "connection": target.connection,
                    "dispatched_at": None,
                    "correlation_version": CORRELATION_VERSION,
                    "operation_run_id": str(run_id),
                },
            },
            "summary_counts": {},
            "failures": [],
            "created_at": now,
            "updated_at": now,
        }
        # ON CONFLICT without a target: whichever of the two partial indexes refuses.
        statement = (
            postgresql.insert(OperationRun)
            .values(values)
            .on_conflict_do_nothing()
            .returning(OperationRun)
            .execution_options(**_WRITING)
        )
        run = self._session.scalars(statement).one_or_none()
        if run is not None:
            self._log(run, None, ReasonCode.REQUESTED, actor)
        return run

    def record_dispatched(self, run_id: UUID, at: datetime) -> OperationRun | None:
        """Note when Temporal took the run, once; None means that it was known already (law L4)."""
        path = ["dispatch", "dispatched_at"]
        return self._change(
            run_id,
            OperationRun.context["dispatch"]["dispatched_at"].astext.is_(None),
            context=func.jsonb_set(OperationRun.context, path, _json(at.isoformat())),
        )

    def start(
        self, correlation: Correlation, scope: OperationInput, *, dispatched_at: datetime
    ) -> OperationRun:
        """Mark the run running for the workflow that carries it: queued → running.

        Safe to repeat: a run that is running already is returned as it is. Raises RunRefused where the run
        does not exist, has another type or scope than the workflow says, or has ended (law L6).
        """
        run_id = correlation.run_id
        in_scope = (
            OperationRun.type == correlation.operation_type,
            OperationRun.workspace_id == scope.workspace_id,
            OperationRun.environment_id == scope.environment_id,
        )
        now = self._clock()
        run = self._change(
            run_id, OperationRun.status == Status.QUEUED, *in_scope, status=Status.RUNNING, started_at=now
        )
        if run is not None:
            self._log(run, (Status.QUEUED, Outcome.PENDING), ReasonCode.STARTED, _workflow(correlation))
            return self.record_dispatched(run_id, dispatched_at) or run
        statement = select(OperationRun).where(
            OperationRun.id == run_id, OperationRun.status == Status.RUNNING, *in_scope
        )
        run = self._session.scalars(statement).one_or_none()
        if run is None:
            raise RunRefused
        return run

    def record_fingerprint(self, run_id: UUID, fingerprint: str) -> OperationRun | None:
        """Note the fingerprint of the evidence that a running compose works from; None: no longer running."""
        return self._note(run_id, "fingerprint", fingerprint)

    def intend_commit(self, run_id: UUID, commit: str) -> OperationRun | None:
        """Note the commit that a running restore is about to push; None: it may not push any more."""
        return self._note(run_id, "intended_commit", commit)

    def succeed(
        self, correlation: Correlation, *, reason_code: ReasonCode, summary_counts: Json
    ) -> OperationRun | None:
        """Complete a running run in the transaction that makes its artifact (law L8): running → succeeded."""
        return self._complete(correlation, Outcome.SUCCEEDED, reason_code, summary_counts)

    def succeed_partially(
        self, correlation: Correlation, *, reason_code: ReasonCode, summary_counts: Json
    ) -> OperationRun | None:
        """Complete a running run that did a part of its work and refused the rest by name."""
        return self._complete(correlation, Outcome.PARTIALLY_SUCCEEDED, reason_code, summary_counts)

    def fail_dispatch(self, run_id: UUID, failure: Failure) -> OperationRun | None:
        """Complete a queued run whose start Temporal refused for good: queued → failed (section 5)."""
        now = self._clock()
        run = self._change(
            run_id,
            OperationRun.status == Status.QUEUED,
            status=Status.COMPLETED,
            outcome=Outcome.FAILED,
            completed_at=now,
            failures=[failure.model_dump(mode="json")],
        )
        if run is not None:
            self._log(run, (Status.QUEUED, Outcome.PENDING), ReasonCode.DISPATCH_FAILED, _SYSTEM)
        return run

    def record_failure(self, run_id: UUID, failure: Failure) -> OperationRun | None:
        """Add a failure to an active run; None: it has ended, or the failure stands there already."""
        entry = _json([failure.model_dump(mode="json")])
        return self._change(
            run_id,
            OperationRun.status != Status.COMPLETED,
            ~OperationRun.failures.op("@>", is_comparison=True)(entry),
            failures=OperationRun.failures.op("||", return_type=JSONB())(entry),
        )

    def update_run_with_reconciliation(
        self, run_id: UUID, decision: ReconciliationDecision, *, source: Source, actor: Actor
    ) -> Reconciled:
        """Settle or correct a run by business truth: the only writer of `context.reconciliation` (law L5).

        1. The same decision again (adapter, outcome, reason, related) changes no byte.
        2. A decision about a run that succeeded is not written: success is never taken back.
        3. Otherwise it is written; the first `previous` is kept for good.
        """
        run = self._locked(run_id)
        before = (Status(run.status), Outcome(run.outcome))
        standing = run.context.get("reconciliation")
        if standing is not None and _same_decision(standing, decision):
            return Reconciled.UNCHANGED
        if run.outcome == Outcome.SUCCEEDED:
            return Reconciled.ALREADY_SUCCEEDED
        now = self._clock()
        reconciliation = {
            "adapter": decision.adapter,
            "decision": decision.outcome,
            "reason_code": decision.reason_code,
            "previous": standing["previous"] if standing else {"status": before[0], "outcome": before[1]},
            "related": decision.related.model_dump(mode="json") if decision.related else None,
            "source": source,
            "evidence": decision.evidence,
            "reconciled_at": now.isoformat(),
        }
        settled = self._change(
            run_id,
            status=Status.COMPLETED,
            outcome=decision.outcome,
            completed_at=run.completed_at or now,
            context=func.jsonb_set(OperationRun.context, ["reconciliation"], _json(reconciliation)),
        )
        if settled is None:
            raise NotFound
        self._log(settled, before, decision.reason_code, actor)
        return Reconciled.WRITTEN

    def _complete(
        self, correlation: Correlation, outcome: Outcome, reason_code: ReasonCode, summary_counts: Json
    ) -> OperationRun | None:
        run = self._change(
            correlation.run_id,
            OperationRun.status == Status.RUNNING,
            status=Status.COMPLETED,
            outcome=outcome,
            completed_at=self._clock(),
            summary_counts=summary_counts,
        )
        if run is not None:
            self._log(run, (Status.RUNNING, Outcome.PENDING), reason_code, _workflow(correlation))
        return run

    def _note(self, run_id: UUID, key: str, value: str) -> OperationRun | None:
        return self._change(
            run_id,
            OperationRun.status == Status.RUNNING,
            context=func.jsonb_set(OperationRun.context, [key], _json(value)),
        )

    def _locked(self, run_id: UUID) -> OperationRun:
        statement = select(OperationRun).where(OperationRun.id == run_id).with_for_update()
        run = self._session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
        if run is None:
            raise NotFound
        return run

    def _change(self, run_id: UUID, *guards: Any, **values: Any) -> OperationRun | None:
        statement = (
            update(OperationRun)
            .where(OperationRun.id == run_id, *guards)
            .values(**values, updated_at=self._clock())
            .returning(OperationRun)
            .execution_options(**_WRITING)
        )
        return self._session.scalars(statement).one_or_none()

    def _log(
        self, run: OperationRun, before: tuple[Status, Outcome] | None, reason: ReasonCode, actor: Actor
    ) -> None:
        self._session.execute(
            insert(OperationRunTransition).values(
                workspace_id=run.workspace_id,
                run_id=run.id,
                from_status=before[0] if before else None,
                from_outcome=before[1] if before else None,
                to_status=run.status,
                to_outcome=run.outcome,
                reason_code=reason,
                actor_kind=actor.kind,
                actor_name=actor.name,
                at=self._clock(),
            )
        )


_SYSTEM = Actor(kind="system", name="dispatch")


def _workflow(correlation: Correlation) -> Actor:
    return Actor(kind="workflow", name=correlation.workflow_id)


def _json(value: Any) -> BindParameter[Any]:
    return literal(value, JSONB())


def _same_decision(standing: Json, decision: ReconciliationDecision) -> bool:
    related = decision.related.model_dump(mode="json") if decision.related else None
    same: bool = (
        standing["adapter"] == decision.adapter
        and standing["decision"] == decision.outcome
        and standing["reason_code"] == decision.reason_code
        and standing["related"] == related
    )
    return same
