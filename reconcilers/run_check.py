from dataclasses import dataclass
from uuid import UUID

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import NotFound
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reconciliation import Execution, ExecutionState, Source
from reconcilers.reconciler import AdapterRunReconciler, Reconciliation
from reconcilers.run_judgement import (
    Action,
    Judgement,
    RunStanding,
    judge,
    judge_again,
    judge_beside,
    standing_of,
)
from services.access.audit import Audit
from services.database.session import Database
from services.engine.port import Engine, WorkflowView
from services.runs.dispatch import Dispatcher
from services.runs.own_workflow import RunWorkflow, find_workflow
from services.runs.service import OperationRunService


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What a check did; `reconciliation` is None where the run was not settled.

    `workflow` is the state of the run's workflow, as a preview found it.
    """

    action: Action
    reconciliation: Reconciliation | None = None
    workflow: ExecutionState | None = None


class RunCheck:
    """Checks one run against the engine and against business truth, for the sweep and for operators.

    Raises EngineUnreachable where Temporal does not answer: then nothing is concluded.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        reconciler: AdapterRunReconciler,
        dispatcher: Dispatcher,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._engine = engine
        self._reconciler = reconciler
        self._dispatcher = dispatcher
        self._clock = clock

    def check(self, run_id: UUID, *, source: Source, actor: Actor, skip_locked: bool = False) -> CheckResult:
        """Leave a run alone, dispatch it again, or settle it, as `judge` says. Raises NotFound.

        A completed run is settled again, which corrects it where the facts are different by now. An
        operator's check is audited.
        """
        if source == "operator":
            self._audit(run_id, actor)
        _, judgement = self.judge(run_id)
        if judgement.execution is None:
            return CheckResult(action=judgement.action)
        return self.settle(run_id, judgement, source=source, actor=actor, skip_locked=skip_locked)

    def judge(self, run_id: UUID) -> tuple[RunStanding, Judgement]:
        """Judge a run by the engine's word; dispatch it again, or end its workflow, where that is due."""
        run, found, judgement = self._look(run_id)
        self._record_seen(run, found.own)
        if judgement.action is Action.DISPATCH:
            self._dispatcher.dispatch_or_fail(run_id)
        return run, self._end(run) if judgement.action is Action.TERMINATE else judgement

    def asks_outside(self, run: RunStanding) -> bool:
        """Return whether settling a run may wait for something that does not answer."""
        return self._reconciler.asks_outside(run.operation_type)

    def settle(
        self,
        run_id: UUID,
        judgement: Judgement,
        *,
        source: Source,
        actor: Actor,
        skip_locked: bool = False,
    ) -> CheckResult:
        """Settle a run that is judged to have ended; where it needs a fence, leave that to a worker."""
        assert judgement.execution is not None  # noqa: S101 - the action is to settle
        settled = self._reconciler.reconcile(
            run_id, judgement.execution, source=source, actor=actor, skip_locked=skip_locked
        )
        if settled.result == "no_decision" and settled.facts.needs_fence and not self._reconciler.fences:
            with self._database.transaction() as session:
                OperationRunService(session, clock=self._clock).plan_look(run_id, self._clock())
        return CheckResult(action=judgement.action, reconciliation=settled)

    def _audit(self, run_id: UUID, actor: Actor) -> None:
        with self._database.transaction() as session:
            run = session.get(OperationRun, run_id)
            if run is None:
                raise NotFound
            Audit(session=session, workspace_id=run.workspace_id, actor=actor, clock=self._clock).record(
                AuditAction.RUN_CHECKED, run.type, subject_id=run_id
            )

    def preview(self, run_id: UUID) -> CheckResult:
        """Return what `check` would do now, and from which facts; write nothing. Raises NotFound."""
        _, found, judgement = self._look(run_id)
        execution = judgement.execution or (found.foreign or found.own).execution
        reconciliation = self._reconciler.preview(run_id, execution)
        return CheckResult(
            action=judgement.action, reconciliation=reconciliation, workflow=found.own.execution.state
        )

    def _look(self, run_id: UUID) -> tuple[RunStanding, RunWorkflow, Judgement]:
        with self._database.transaction() as session:
            row = session.get(OperationRun, run_id)
            if row is None:
                raise NotFound
            run = standing_of(row)
        found = find_workflow(self._engine, row)
        if run.status is Status.COMPLETED:
            return run, found, judge_again(row, found.own)
        if run.status is Status.QUEUED and found.foreign is not None:
            return run, found, judge_beside(found.foreign)
        return run, found, judge(run, found.own, now=self._clock())

    def _end(self, run: RunStanding) -> Judgement:
        """Terminate a workflow whose task keeps failing; settle it once `describe` says that it is closed."""
        self._engine.terminate(run.workflow_id, "Its workflow task failed over and over.")
        if self._engine.describe(run.workflow_id).execution.state is ExecutionState.OPEN:
            return Judgement(action=Action.LEAVE)
        execution = Execution(state=ExecutionState.CLOSED, cause="task_failing")
        return Judgement(action=Action.SETTLE, execution=execution)

    def _record_seen(self, run: RunStanding, own: WorkflowView) -> None:
        """Record when Temporal accepted a run, and which execution works for it, where that is news."""
        accepted_at = own.started_at if run.dispatched_at is None else None
        worked = own.workflow_run_id if own.workflow_run_id != run.workflow_run_id else None
        if accepted_at is None and worked is None:
            return
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            if accepted_at is not None:
                service.record_dispatched(run.run_id, accepted_at)
            if worked is not None:
                service.record_workflow(run.run_id, worked)
