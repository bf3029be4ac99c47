from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from models.base import Clock, Json, utc_now
from models.contracts import OperationResult
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import (
    EnvironmentUnreachable,
    PushRaced,
    PushRefused,
    RepositoryError,
    RunRefused,
)
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.restore import RestorePlan, RestorePoint, RestoreResult
from models.run_context import RunPush
from services.connections.access import EnvironmentMirrors
from services.connections.uses import note_use
from services.database.session import Database
from services.kill_points import FaultHook, no_op
from services.repositories.git import CheckCancelled, never_cancelled
from services.restores.planned_items import PlannedItems
from services.restores.progress import RestoreProgress
from services.restores.push_ledger import RunPushLedger
from services.restores.push_remote import MirrorRemote
from services.restores.pushing import RestorePushing
from services.restores.results import reason_of, record_result, restore_result_id
from services.restores.work import RestoreWork
from services.runs.new_run import Dispatch
from services.runs.service import OperationRunService
from services.runs.start import claim, resume

# Pushes onto a branch that keeps moving, before the attempt fails and Temporal retries it.
ROUNDS = 8


class RestoreExecution:
    """Restores the items of a plan, as one commit on the live branch."""

    def __init__(
        self,
        database: Database,
        mirrors: EnvironmentMirrors,
        *,
        clock: Clock = utc_now,
        fault_hook: FaultHook = no_op,
    ) -> None:
        self._database = database
        self._mirrors = mirrors
        self._clock = clock
        self._fault_hook = fault_hook

    def check(
        self,
        correlation: Correlation,
        operation_input: RestoreExecuteInput,
        *,
        dispatch: Dispatch,
        check_cancelled: CheckCancelled,
    ) -> OperationResult | None:
        """Mark the run running, fetch, and check that the plan still holds.

        An OperationResult: another run does this work. Raises RunRefused, EnvironmentUnreachable,
        RefNotFound, ItemsRefused or EnvironmentChanged, each before anything is written.
        """
        with self._database.transaction() as session:
            claimed = claim(session, correlation, operation_input, dispatch=dispatch, clock=self._clock)
            if claimed.refusal is not None:
                return claimed.refusal
            work = self._load(session, claimed.run, operation_input)
            note_use(session, work.environment, by=claimed.run.initiator_name, at=self._clock())
        self._fault_hook("restore.after_start")
        work.planned.check_writable()
        head = work.head(check_cancelled)
        self._fault_hook("restore.after_fetch")
        work.progress_at(head).check_plan_holds()
        return None

    def apply(
        self,
        correlation: Correlation,
        operation_input: RestoreExecuteInput,
        *,
        workflow_run_id: str,
        check_cancelled: CheckCancelled,
    ) -> OperationResult | None:
        """Bring the branch to the plan, then record the result and complete the run with it (law L8).

        1. Close an earlier push that has no answer: it has landed then, or never will (law L11).
        2. Read the branch. Where it has this run's commit and the items are as planned, record the commit;
           where they are as planned without a commit, record that none was needed.
        3. Where planned items changed, raise EnvironmentChanged; nothing is written.
        4. Otherwise build the commit on the branch's head, and push it.
        5. After every push, answered or not, begin again: the branch alone says what happened.

        None: the branch has this run's commit but not the planned items, or more than one commit, or a push
        that cannot be closed may still land; the reconciler decides what that means. `check_cancelled` may
        stop the work until the first push, and nothing stops it after that. Raises PushRaced where the
        branch moved under each of ROUNDS pushes, and RunRefused where the execution may not act for the run
        (law L6).
        """
        with self._database.transaction() as session:
            run = resume(
                session, correlation, operation_input, workflow_run_id=workflow_run_id, clock=self._clock
            )
            work = self._load(session, run, operation_input)
            if run.status == Status.COMPLETED:
                return _recorded(session, run)
        ledger = RunPushLedger(self._database, work.run.id, clock=self._clock)
        remote = MirrorRemote(work.mirror, work.environment.branch, at=work.run.created_at)
        pushing = RestorePushing(work.run.id, ledger, remote, clock=self._clock, fault_hook=self._fault_hook)
        pushing.close()
        progress = work.first_progress(check_cancelled)
        refusal: RepositoryError | None = None
        for _ in range(ROUNDS):
            if needs_decision(progress, ledger.pushes()):
                return None
            if progress.as_planned:
                recorded = self._record(correlation, work, progress.commit)
                pushing.delete_tickets()
                return recorded
            if refusal is not None:
                raise refusal
            progress.check_plan_holds()
            check_cancelled()
            work.mirror.ensure([work.planned.plan.restore_commit], check_cancelled)
            check_cancelled = never_cancelled
            refusal = _push_once(pushing, head=progress.head, commit=work.build_commit(progress.head))
            pushing.close()
            progress = work.progress_at(work.head(check_cancelled))
        raise PushRaced

    def _load(self, session: Session, run: OperationRun, operation_input: RestoreExecuteInput) -> RestoreWork:
        found = session.execute(
            select(RestorePlan, RestorePoint, Environment)
            .join(RestorePoint, RestorePoint.id == RestorePlan.restore_point_id)
            .join(Environment, Environment.id == RestorePlan.environment_id)
            .where(
                RestorePlan.id == operation_input.restore_plan_id,
                RestorePlan.workspace_id == run.workspace_id,
            )
            .where(RestorePlan.environment_id == run.environment_id)
            .options(defer(RestorePlan.changes))
        ).one_or_none()
        if found is None:
            raise RunRefused
        plan, point, environment = found
        return RestoreWork(
            run=run,
            planned=PlannedItems(plan, partial(self._changes, plan.id)),
            point=point,
            environment=environment,
            mirrors=self._mirrors,
        )

    def _changes(self, plan_id: UUID) -> Sequence[Json]:
        with self._database.transaction() as session:
            return session.scalars(select(RestorePlan.changes).where(RestorePlan.id == plan_id)).one()

    def _record(self, correlation: Correlation, work: RestoreWork, commit: str | None) -> OperationResult:
        with self._database.transaction() as session:
            summary = record_result(session, work.run, work.planned, commit, clock=self._clock)
            reason = reason_of(summary, commit)
            service = OperationRunService(session, clock=self._clock)
            complete = (
                service.succeed_partially if reason is ReasonCode.RESTORE_PARTLY_APPLIED else service.succeed
            )
            run = complete(correlation, reason_code=reason, summary_counts=summary)
            if run is None:
                raise RunRefused
            self._fault_hook("restore.before_record")
        self._fault_hook("restore.after_record")
        return _result(run)


def needs_decision(progress: RestoreProgress, pushes: Sequence[RunPush]) -> bool:
    """Return whether the branch and the run's pushes together are for the reconciler to judge.

    A push that was taken and is not on the branch was taken back; while one may still land, the items may be
    as planned without it.
    """
    if progress.commit is not None:
        return progress.is_inconsistent
    return any(push.was_taken or (progress.as_planned and push.may_land) for push in pushes)


def _push_once(pushing: RestorePushing, *, head: str, commit: str) -> RepositoryError | None:
    """Push; return why the remote did not take it, None where it did or the branch had moved."""
    try:
        pushing.push(head=head, commit=commit)
    except (PushRefused, EnvironmentUnreachable) as error:
        return error
    return None


def _recorded(session: Session, run: OperationRun) -> OperationResult:
    if session.get(RestoreResult, restore_result_id(run.id)) is None:
        raise RunRefused
    return _result(run)


def _result(run: OperationRun) -> OperationResult:
    return OperationResult(
        run_id=run.id,
        outcome=Outcome(run.outcome),
        related_type="restore_result",
        related_id=restore_result_id(run.id),
    )
