from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.actor import Actor
from models.base import Clock, Json, utc_now
from models.contracts import Failure
from models.contracts.operation_input import OperationInput
from models.correlation import Correlation
from models.errors import NotFound, RunRefused
from models.lifecycle import QUEUED, RUNNING, Outcome, Standing, Status
from models.operation_run import OperationRequest, OperationRun, OperationRunHistory, OperationRunTransition
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Source
from models.run_context import (
    CANCELLATION,
    CANCELLATION_ACKNOWLEDGED_AT,
    CANCELLATION_DELIVERED_AT,
    DISPATCHED_AT,
    FINGERPRINT,
    INTENDED_COMMIT,
    LOOK_CLAIMED_UNTIL,
    POINT_OF_NO_RETURN,
    PUSHES,
    RECONCILIATION,
    UNANSWERED,
    WORKFLOW_RUN_ID,
    PushStep,
    RunCancellation,
    RunPush,
    RunReconciliation,
)
from services.database.write_guard import WRITER, WRITER_OPTION
from services.masking.messages import mask_message
from services.runs.context_sql import (
    as_json,
    context_looking_at,
    push_answer,
    stored_at,
    stored_with,
    working_for,
)
from services.runs.inputs import is_this_work
from services.runs.links import workflow_id_of
from services.runs.new_run import NewRun
from services.runs.write_result import WriteResult, result_of_writing

# As a plain table: the ORM would fetch each new row's id.
_TRANSITIONS = cast("Table", OperationRunTransition.__table__)

_WRITING = {WRITER_OPTION: WRITER, "populate_existing": True, "synchronize_session": False}


class OperationRunService:
    """The only writer of a run's lifecycle (law L2 of docs/design.md): a method and a guarded UPDATE a move.

    Every method works in the caller's transaction. Losing a race is a value, not an exception: a method
    whose guard does not hold returns None and has written nothing.
    """

    def __init__(self, session: Session, *, clock: Clock = utc_now) -> None:
        self._session = session
        self._clock = clock
        _announce(session)

    def enqueue(self, new: NewRun) -> OperationRun | None:
        """Insert a run as queued.

        None: another row refuses it: this very run, an active one of the same identity, or another active
        restore of the environment (law L7).
        """
        # ON CONFLICT without a target: any of the unique indexes may refuse.
        columns = new.columns(self._clock())
        statement = postgresql.insert(OperationRun).values(columns).on_conflict_do_nothing()
        run = self._session.scalars(
            statement.returning(OperationRun).execution_options(**_WRITING)
        ).one_or_none()
        if run is not None:
            self._log(run, None, ReasonCode.REQUESTED, new.actor)
        return run

    def refuse_duplicate(self, new: NewRun, *, active_run_id: UUID) -> OperationRun:
        """Insert the run of a directly started duplicate: completed as blocked, `active_run_id` related."""
        now = self._clock()
        refusal = new.refused_for(active_run_id)
        refused = RunReconciliation.of(refusal, previous=QUEUED, source="workflow", at=now)
        columns = new.columns(now, reconciliation=refused)
        columns |= {"status": Status.COMPLETED, "outcome": Outcome.BLOCKED, "completed_at": now}
        statement = postgresql.insert(OperationRun).values(columns).returning(OperationRun)
        run = self._session.scalars(statement.execution_options(**_WRITING)).one()
        self._log(run, None, ReasonCode.ALREADY_IN_PROGRESS, new.actor)
        return run

    def record_dispatched(self, run_id: UUID, at: datetime) -> OperationRun | None:
        """Record when Temporal accepted the run, once; None: that is known already (law L4)."""
        return self._note_time(run_id, DISPATCHED_AT, at)

    def record_workflow(self, run_id: UUID, workflow_run_id: str) -> OperationRun | None:
        """Record which workflow execution works for an active run; None: it has completed, or is known."""
        return self._change(
            run_id,
            OperationRun.status != Status.COMPLETED,
            stored_at(WORKFLOW_RUN_ID).astext.is_distinct_from(workflow_run_id),
            context_json=working_for(workflow_run_id),
        )

    def start(
        self, correlation: Correlation, operation_input: OperationInput, workflow_run_id: str | None = None
    ) -> OperationRun:
        """Mark the run running for the workflow execution that carries it: queued → running.

        Safe to repeat; another execution is recorded. Raises RunRefused where the run does not exist, has
        completed, or has another type, scope or identity than the workflow's input (law L6).
        """
        this_work = is_this_work(correlation, operation_input)
        run = self._change(
            correlation.run_id,
            OperationRun.status == Status.QUEUED,
            *this_work,
            status=Status.RUNNING,
            started_at=self._clock(),
            context_json=working_for(workflow_run_id),
        )
        if run is not None:
            self._log(run, QUEUED, ReasonCode.STARTED, _workflow(correlation))
            return run
        statement = select(OperationRun).where(OperationRun.status == Status.RUNNING, *this_work)
        run = self._session.scalars(statement).one_or_none()
        if run is None:
            raise RunRefused
        recorded = self.record_workflow(run.id, workflow_run_id) if workflow_run_id else None
        return recorded or run

    def record_fingerprint(self, run_id: UUID, fingerprint: str) -> OperationRun | None:
        """Record the fingerprint of a running compose's evidence; None: it is no longer running."""
        return self._note(run_id, FINGERPRINT, fingerprint)

    def begin_push(self, run_id: UUID, pushes: Sequence[RunPush], *, earlier: int) -> OperationRun | None:
        """Record that a running restore is about to make the last of these pushes, after `earlier` (law L11).

        None: it may not push, because the run has completed, its cancellation was requested, or another
        attempt has recorded a push meanwhile.
        """
        recorded = func.coalesce(stored_at(PUSHES), as_json([]))
        return self._change(
            run_id,
            OperationRun.status == Status.RUNNING,
            stored_at(CANCELLATION).is_(None),
            func.jsonb_array_length(recorded) == earlier,
            context_json=func.jsonb_set(
                stored_with(INTENDED_COMMIT, as_json(pushes[-1].commit)),
                [*PUSHES],
                recorded.op("||", return_type=JSONB())(as_json([push.as_json() for push in pushes])),
            ),
        )

    def record_push_opened(self, run_id: UUID, index: int) -> OperationRun | None:
        """Record that a push's ticket is at the remote; None: the run has completed, or it is closed."""
        return self._answer_push(run_id, index, "opened", OperationRun.status == Status.RUNNING)

    def withdraw_push(self, run_id: UUID, index: int) -> OperationRun | None:
        """Give up a push whose ticket was never recorded as opened; None: it was, or has an answer."""
        return self._answer_push(run_id, index, "withdrawn", push_answer(index).is_(None))

    def record_push_answer(self, run_id: UUID, index: int, answer: PushStep) -> OperationRun | None:
        """Record the definite answer to a push, once; None: it has one."""
        return self._answer_push(run_id, index, answer)

    def claim_look(self, run_id: UUID, *, until: datetime) -> OperationRun | None:
        """Claim the next look at a run's repository; None: another process has claimed it."""
        claimed = stored_at(LOOK_CLAIMED_UNTIL).astext
        free = or_(claimed.is_(None), claimed <= self._clock().isoformat())
        return self._keep(run_id, free, context_json=context_looking_at(until))

    def plan_look(self, run_id: UUID, at: datetime | None) -> OperationRun | None:
        """Have the sweep look at a run's repository at a time, or for None not again."""
        context = OperationRun.context_json.op("-", return_type=JSONB())(LOOK_CLAIMED_UNTIL[0])
        if at is not None:
            context = context_looking_at(at)
        return self._keep(run_id, context_json=context)

    def request_cancel(self, run_id: UUID, actor: Actor) -> OperationRun | None:
        """Record the cancellation request of an active run; None: it has completed, or has a request.

        A restore that is about to push names its commit: cancelling cannot undo that.
        """
        return self._request_cancel(run_id, actor, at=self._clock(), delivered_at=None)

    def record_cancel_in_temporal(self, run_id: UUID, at: datetime) -> OperationRun | None:
        """Record a cancellation that was requested in Temporal itself; None as for `request_cancel`."""
        return self._request_cancel(run_id, _IN_TEMPORAL, at=at, delivered_at=at)

    def record_cancel_delivered(self, run_id: UUID) -> OperationRun | None:
        """Record that Temporal accepted the cancellation; None: none was requested, or it is known."""
        return self._note_time(run_id, CANCELLATION_DELIVERED_AT, self._clock())

    def acknowledge_cancel(self, run_id: UUID, at: datetime) -> OperationRun | None:
        """Record that the work stopped at a safe point; None: no request, or it is known."""
        return self._note_time(run_id, CANCELLATION_ACKNOWLEDGED_AT, at)

    def succeed(
        self, correlation: Correlation, *, reason_code: ReasonCode, summary_counts: Json
    ) -> OperationRun | None:
        """Complete a running run in the transaction that makes its artifact (law L8): running → succeeded."""
        return self._complete(correlation, Outcome.SUCCEEDED, reason_code, summary_counts)

    def succeed_partially(
        self, correlation: Correlation, *, reason_code: ReasonCode, summary_counts: Json
    ) -> OperationRun | None:
        """Complete a running run that did a part of its work: running → partially_succeeded."""
        return self._complete(correlation, Outcome.PARTIALLY_SUCCEEDED, reason_code, summary_counts)

    def fail_dispatch(self, run_id: UUID, failure: Failure) -> OperationRun | None:
        """Complete a queued run whose start Temporal refused: queued → failed."""
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
            self._log(run, QUEUED, ReasonCode.DISPATCH_FAILED, _SYSTEM)
        return run

    def record_failure(self, run_id: UUID, failure: Failure) -> OperationRun | None:
        """Add a failure to an active run; None: it has completed, or has this failure already."""
        entry = as_json([_kept(failure)])
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

        Writes nothing unless `result_of_writing` is WRITTEN, and keeps the first `previous` for good.
        """
        run = self._locked(run_id)
        result = result_of_writing(run, decision)
        if result is not WriteResult.WRITTEN:
            return result
        before, recorded = run.standing, run.context.reconciliation
        now = self._clock()
        previous = recorded.previous if recorded else before
        named = decision.naming(workflow_id_of(run), run.context.workflow_run_id)
        reconciliation = RunReconciliation.of(named, previous=previous, source=source, at=now)
        settled = self._change(
            run_id,
            status=Status.COMPLETED,
            outcome=decision.outcome,
            completed_at=run.completed_at or now,
            context_json=stored_with(RECONCILIATION, as_json(reconciliation.as_json())),
        )
        if settled is None:
            raise NotFound
        self._log(settled, before, decision.reason_code, actor)
        return WriteResult.WRITTEN

    def delete(self, run_ids: Collection[UUID]) -> None:
        """Delete completed runs with their requests, transitions and stored histories.

        PostgreSQL refuses to delete an active run, and the run of a review or a restore result.
        """
        for table in (OperationRequest, OperationRunTransition, OperationRunHistory):
            self._session.execute(delete(table).where(table.run_id.in_(run_ids)))
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
            self._log(run, RUNNING, reason_code, _workflow(correlation))
        return run

    def _note(self, run_id: UUID, path: Sequence[str], value: str, *guards: Any) -> OperationRun | None:
        running = OperationRun.status == Status.RUNNING
        return self._change(run_id, running, *guards, context_json=stored_with(path, as_json(value)))

    def _note_time(self, run_id: UUID, path: Sequence[str], at: datetime) -> OperationRun | None:
        """Write a time that is null until known; None: there is no such part, or the time is known."""
        is_null = (stored_at(path[:-1]).is_not(None), stored_at(path).astext.is_(None))
        return self._change(run_id, *is_null, context_json=stored_with(path, as_json(at.isoformat())))

    def _request_cancel(
        self, run_id: UUID, actor: Actor, *, at: datetime, delivered_at: datetime | None
    ) -> OperationRun | None:
        cancellation = RunCancellation(
            requested_at=at,
            requested_by=actor.name,
            delivered_at=delivered_at,
            acknowledged_at=None,
            point_of_no_return=None,
        )
        # Reads the commit in the statement that requests: a restore cannot intend one in between.
        commit = func.jsonb_build_object(POINT_OF_NO_RETURN[-1], stored_at(INTENDED_COMMIT))
        requested = as_json(cancellation.as_json()).op("||")(commit)
        run = self._change(
            run_id,
            OperationRun.status != Status.COMPLETED,
            stored_at(CANCELLATION).is_(None),
            context_json=stored_with(CANCELLATION, requested),
        )
        if run is not None:
            self._log(run, run.standing, ReasonCode.CANCELLATION_REQUESTED, actor)
        return run

    def _locked(self, run_id: UUID) -> OperationRun:
        statement = select(OperationRun).where(OperationRun.id == run_id).with_for_update()
        run = self._session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
        if run is None:
            raise NotFound
        return run

    def _answer_push(self, run_id: UUID, index: int, answer: PushStep, *guards: Any) -> OperationRun | None:
        known = push_answer(index)
        return self._change(
            run_id,
            stored_at((*PUSHES, str(index))).is_not(None),
            or_(known.is_(None), known.in_([step for step in UNANSWERED if step])),
            *guards,
            context_json=stored_with((*PUSHES, str(index), "answer"), as_json(answer)),
        )

    def _change(self, run_id: UUID, *guards: Any, **values: Any) -> OperationRun | None:
        return self._keep(run_id, *guards, **values, updated_at=self._clock())

    def _keep(self, run_id: UUID, *guards: Any, **values: Any) -> OperationRun | None:
        statement = (
            update(OperationRun)
            .where(OperationRun.id == run_id, *guards)
            .values(**values)
            .returning(OperationRun)
            .execution_options(**_WRITING)
        )
        return self._session.scalars(statement).one_or_none()

    def _log(self, run: OperationRun, before: Standing | None, reason: ReasonCode, actor: Actor) -> None:
        self._session.execute(
            insert(_TRANSITIONS).values(
                workspace_id=run.workspace_id,
                run_id=run.id,
                from_status=before.status if before else None,
                from_outcome=before.outcome if before else None,
                to_status=run.status,
                to_outcome=run.outcome,
                reason_code=reason,
                actor_kind=actor.kind,
                actor_name=actor.name,
                at=self._clock(),
            )
        )


def _announce(session: Session) -> None:
    """Announce the writer to the trigger, once in a transaction: the setting is transaction-local."""
    connection = session.connection()
    transaction = session.get_nested_transaction() or session.get_transaction()
    if session.info.get(WRITER_OPTION) is not transaction:
        connection.exec_driver_sql("SELECT set_config('operationrun.writer', %s, true)", (WRITER,))
        session.info[WRITER_OPTION] = transaction


_SYSTEM = Actor(kind="system", name="dispatch")
# Temporal does not say who used its console or its command line.
_IN_TEMPORAL = Actor(kind="system", name="Temporal")


def _workflow(correlation: Correlation) -> Actor:
    return Actor(kind="workflow", name=correlation.workflow_id)


def _kept(failure: Failure) -> Json:
    """Return a failure as `failures` keeps it, its detail without secrets (law L10)."""
    return {**failure.model_dump(mode="json"), "detail": mask_message(failure.detail)}
