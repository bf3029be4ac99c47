from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BindParameter, Table, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.actor import Actor
from models.base import Clock, Json, utc_now
from models.contracts import Failure, OperationInput
from models.correlation import Correlation
from models.errors import NotFound, RunRefused
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRequest, OperationRun, OperationRunHistory, OperationRunTransition
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related, Source
from services.database.write_guard import WRITER, WRITER_OPTION
from services.masking.messages import mask_message
from services.runs.inputs import is_this_work
from services.runs.new_run import NewRun

# As a plain table: nothing of a new entry is needed back.
_TRANSITIONS = cast("Table", OperationRunTransition.__table__)

_WRITING = {WRITER_OPTION: WRITER, "populate_existing": True, "synchronize_session": False}


class WriteResult(StrEnum):
    """What became of a decision."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    ALREADY_SUCCEEDED = "already_succeeded"


class OperationRunService:
    """The only writer of a run's lifecycle (law L2). One method per transition, one guarded UPDATE each.

    Every method works in the caller's transaction. Losing a race is a value, not an exception: a method
    that finds the run elsewhere than it must be returns None and has written nothing.
    """

    def __init__(self, session: Session, *, clock: Clock = utc_now) -> None:
        self._session = session
        self._clock = clock
        _announce(session)

    def enqueue(self, new: NewRun) -> OperationRun | None:
        """Insert a run as queued.

        None means that a run stands in the way: this very one, an active one of the same identity, or
        another restore of the environment (law L7).
        """
        # ON CONFLICT without a target: whichever of the unique indexes refuses.
        columns = new.columns(self._clock())
        statement = postgresql.insert(OperationRun).values(columns).on_conflict_do_nothing()
        run = self._session.scalars(
            statement.returning(OperationRun).execution_options(**_WRITING)
        ).one_or_none()
        if run is not None:
            self._log(run, None, ReasonCode.REQUESTED, new.actor)
        return run

    def refuse_duplicate(self, new: NewRun, *, active_run_id: UUID) -> OperationRun:
        """Insert the run of a directly started workflow whose work another run does: blocked at birth."""
        now = self._clock()
        decision = ReconciliationDecision(
            adapter=new.correlation.operation_type,
            outcome=Outcome.BLOCKED,
            reason_code=ReasonCode.ALREADY_IN_PROGRESS,
            related=Related(type="operation_run", id=active_run_id),
            evidence={"cause": None},
        )
        previous = {"status": Status.QUEUED, "outcome": Outcome.PENDING}
        columns = new.columns(now)
        columns |= {"status": Status.COMPLETED, "outcome": Outcome.BLOCKED, "completed_at": now}
        columns["context"]["reconciliation"] = _reconciliation(decision, previous, "workflow", now)
        statement = postgresql.insert(OperationRun).values(columns).returning(OperationRun)
        run = self._session.scalars(statement.execution_options(**_WRITING)).one()
        self._log(run, None, ReasonCode.ALREADY_IN_PROGRESS, new.actor)
        return run

    def record_dispatched(self, run_id: UUID, at: datetime) -> OperationRun | None:
        """Note when Temporal took the run, once; None means that it was known already (law L4)."""
        path = ["dispatch", "dispatched_at"]
        return self._change(
            run_id,
            OperationRun.context["dispatch"]["dispatched_at"].astext.is_(None),
            context=func.jsonb_set(OperationRun.context, path, _json(at.isoformat())),
        )

    def start(self, correlation: Correlation, scope: OperationInput) -> OperationRun:
        """Mark the run running for the workflow that carries it: queued → running.

        Safe to repeat: a run that is running already is returned as it is. Raises RunRefused where the run
        does not exist, has another type, scope or identity than the workflow says, or has ended (law L6).
        """
        this_work = is_this_work(correlation, scope)
        run = self._change(
            correlation.run_id,
            OperationRun.status == Status.QUEUED,
            *this_work,
            status=Status.RUNNING,
            started_at=self._clock(),
        )
        if run is not None:
            self._log(run, (Status.QUEUED, Outcome.PENDING), ReasonCode.STARTED, _workflow(correlation))
            return run
        statement = select(OperationRun).where(OperationRun.status == Status.RUNNING, *this_work)
        run = self._session.scalars(statement).one_or_none()
        if run is None:
            raise RunRefused
        return run

    def record_fingerprint(self, run_id: UUID, fingerprint: str) -> OperationRun | None:
        """Note the fingerprint of the evidence that a running compose works from; None: no longer running."""
        return self._note(run_id, "fingerprint", fingerprint)

    def intend_commit(self, run_id: UUID, commit: str) -> OperationRun | None:
        """Note the commit that a running restore is about to push (section 6).

        None: it may not push any more, because the run has ended or its cancellation was asked for.
        """
        return self._note(run_id, "intended_commit", commit, OperationRun.context["cancellation"].is_(None))

    def request_cancel(self, run_id: UUID, actor: Actor) -> OperationRun | None:
        """Note that an active run shall be cancelled; None: it has ended, or was asked already.

        A restore that has begun to push names its commit: cancelling cannot undo it any more.
        """
        return self._ask_cancel(run_id, actor, at=self._clock(), delivered_at=None)

    def record_cancel_in_temporal(self, run_id: UUID, at: datetime) -> OperationRun | None:
        """Note a cancellation that was asked of Temporal itself and is heard of only now; None: not so."""
        return self._ask_cancel(run_id, _IN_TEMPORAL, at=at, delivered_at=at)

    def record_cancel_delivered(self, run_id: UUID) -> OperationRun | None:
        """Note that Temporal took the cancellation; None: nobody asked, or it is known already."""
        return self._note_cancellation(run_id, "delivered_at", self._clock())

    def acknowledge_cancel(self, run_id: UUID, at: datetime) -> OperationRun | None:
        """Note that the work stopped at a safe point; None: nobody asked for it, or it is known already."""
        return self._note_cancellation(run_id, "acknowledged_at", at)

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
            failures=[_kept(failure)],
        )
        if run is not None:
            self._log(run, (Status.QUEUED, Outcome.PENDING), ReasonCode.DISPATCH_FAILED, _SYSTEM)
        return run

    def record_failure(self, run_id: UUID, failure: Failure) -> OperationRun | None:
        """Add a failure to an active run; None: it has ended, or the failure stands there already."""
        entry = _json([_kept(failure)])
        return self._change(
            run_id,
            OperationRun.status != Status.COMPLETED,
            ~OperationRun.failures.op("@>", is_comparison=True)(entry),
            failures=OperationRun.failures.op("||", return_type=JSONB())(entry),
        )

    def update_run_with_reconciliation(
        self, run_id: UUID, decision: ReconciliationDecision, *, source: Source, actor: Actor
    ) -> WriteResult:
        """Settle or correct a run by business truth: the only writer of `context.reconciliation` (law L5).

        1. The same decision again (adapter, outcome, reason, related) changes no byte.
        2. A decision about a run that succeeded is not written: success is never taken back.
        3. Otherwise it is written; the first `previous` is kept for good.
        """
        run = self._locked(run_id)
        before = (Status(run.status), Outcome(run.outcome))
        standing = run.context.get("reconciliation")
        if standing is not None and _same_decision(standing, decision):
            return WriteResult.UNCHANGED
        if run.outcome == Outcome.SUCCEEDED:
            return WriteResult.ALREADY_SUCCEEDED
        now = self._clock()
        previous = standing["previous"] if standing else {"status": before[0], "outcome": before[1]}
        reconciliation = _reconciliation(decision, previous, source, now)
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
        return WriteResult.WRITTEN

    def delete(self, run_ids: Collection[UUID]) -> None:
        """Delete completed runs with what is theirs alone: requests, steps and stored histories.

        PostgreSQL refuses it of a run that is active, and of one that a review or a restore result is of.
        """
        for theirs in (OperationRequest, OperationRunTransition, OperationRunHistory):
            self._session.execute(delete(theirs).where(theirs.run_id.in_(run_ids)))
        statement = delete(OperationRun).where(OperationRun.id.in_(run_ids))
        self._session.execute(statement.execution_options(**_WRITING))

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

    def _note(self, run_id: UUID, key: str, value: str, *guards: Any) -> OperationRun | None:
        return self._change(
            run_id,
            OperationRun.status == Status.RUNNING,
            *guards,
            context=func.jsonb_set(OperationRun.context, [key], _json(value)),
        )

    def _ask_cancel(
        self, run_id: UUID, actor: Actor, *, at: datetime, delivered_at: datetime | None
    ) -> OperationRun | None:
        cancellation = {
            "requested_at": at.isoformat(),
            "requested_by": actor.name,
            "delivered_at": delivered_at and delivered_at.isoformat(),
            "acknowledged_at": None,
        }
        # The commit is taken in the very statement that asks: none can be intended in between.
        named = func.jsonb_build_object("point_of_no_return", OperationRun.context["intended_commit"])
        run = self._change(
            run_id,
            OperationRun.status != Status.COMPLETED,
            OperationRun.context["cancellation"].is_(None),
            context=func.jsonb_set(
                OperationRun.context, ["cancellation"], _json(cancellation).op("||")(named)
            ),
        )
        if run is not None:
            standing = (Status(run.status), Outcome(run.outcome))
            self._log(run, standing, ReasonCode.CANCELLATION_REQUESTED, actor)
        return run

    def _note_cancellation(self, run_id: UUID, key: str, at: datetime) -> OperationRun | None:
        return self._change(
            run_id,
            OperationRun.context["cancellation"].is_not(None),
            OperationRun.context["cancellation"][key].astext.is_(None),
            context=func.jsonb_set(OperationRun.context, ["cancellation", key], _json(at.isoformat())),
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
            insert(_TRANSITIONS).values(
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


def _announce(session: Session) -> None:
    """Tell the trigger who writes, once in a transaction: PostgreSQL forgets it with the transaction."""
    connection = session.connection()
    transaction = session.get_nested_transaction() or session.get_transaction()
    if session.info.get(WRITER_OPTION) is not transaction:
        connection.exec_driver_sql("SELECT set_config('operationrun.writer', %s, true)", (WRITER,))
        session.info[WRITER_OPTION] = transaction


_SYSTEM = Actor(kind="system", name="dispatch")
# Temporal does not say which person used its console or its command line.
_IN_TEMPORAL = Actor(kind="system", name="Temporal")


def _workflow(correlation: Correlation) -> Actor:
    return Actor(kind="workflow", name=correlation.workflow_id)


def _kept(failure: Failure) -> Json:
    """Return a failure as `failures` keeps it, its detail without secrets (law L10)."""
    return {**failure.model_dump(mode="json"), "detail": mask_message(failure.detail)}


def _json(value: Any) -> BindParameter[Any]:
    return literal(value, JSONB())


def _reconciliation(decision: ReconciliationDecision, previous: Json, source: Source, at: datetime) -> Json:
    """Return `context.reconciliation`, with exactly the keys of law L5."""
    return {
        "adapter": decision.adapter,
        "decision": decision.outcome,
        "reason_code": decision.reason_code,
        "previous": previous,
        "related": decision.related.model_dump(mode="json") if decision.related else None,
        "source": source,
        "evidence": decision.evidence,
        "reconciled_at": at.isoformat(),
    }


def _same_decision(standing: Json, decision: ReconciliationDecision) -> bool:
    related = decision.related.model_dump(mode="json") if decision.related else None
    same: bool = (
        standing["adapter"] == decision.adapter
        and standing["decision"] == decision.outcome
        and standing["reason_code"] == decision.reason_code
        and standing["related"] == related
    )
    return same
