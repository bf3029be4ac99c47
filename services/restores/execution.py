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
    Cancelled,
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
from services.database.session import Database
from services.kill_points import FaultHook, no_op
from services.repositories.git import CheckCancelled, never_cancelled
from services.repositories.mirror import MirrorStore
from services.restores.planned_items import PlannedItems
from services.restores.push_fence import PushFences
from services.restores.results import reason_of, record_result, restore_result_id
from services.restores.work import RestoreWork
from services.runs.new_run import Dispatch
from services.runs.service import OperationRunService
from services.runs.start import claim

# Pushes onto a branch that keeps moving, before the attempt fails and Temporal retries it.
ROUNDS = 8


class RestoreExecution:
    """Restores the items of a plan, as one commit on the live branch."""

    def __init__(
        self,
        database: Database,
        mirrors: MirrorStore,
        *,
        clock: Clock = utc_now,
        fault_hook: FaultHook = no_op,
    ) -> None:
        self._database = database
        self._fences = PushFences(database)
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
        check_cancelled: CheckCancelled,
    ) -> OperationResult | None:
        """Bring the branch to the plan, then record the result and complete the run with it (law L8).

        1. Read the branch. Where it has this run's commit and the items are as planned, record the commit;
           where they are as planned without a commit, record that none was needed.
        2. Where planned items changed, raise EnvironmentChanged; nothing is written.
        3. Otherwise build the commit on the branch's head, record it on the run, push it behind the fence.
        4. After every push, answered or not, read the branch again: it alone says what happened.

        None: the branch has this run's commit but not the planned items, or more than one commit; the
        reconciler decides what that means. `check_cancelled` may stop the work until the first push, and
        nothing stops it after that. Raises PushRaced where the branch moved under each of ROUNDS pushes.
        """
        with self._database.transaction() as session:
            run = session.get_one(OperationRun, correlation.run_id)
            work = self._load(session, run, operation_input)
            if run.status == Status.COMPLETED:
                return _recorded(session, run)
        refusal: RepositoryError | None = None
        progress = work.first_progress(check_cancelled)
        for _ in range(ROUNDS):
            if progress.is_inconsistent:
                return None
            if progress.as_planned:
                return self._record(correlation, work, progress.commit)
            if refusal is not None:
                raise refusal
            progress.check_plan_holds()
            check_cancelled()
            work.mirror.ensure([work.planned.plan.restore_commit], check_cancelled)
            check_cancelled = never_cancelled
            refusal = self._try_push(work, progress.head)
            progress = work.progress_at(work.head(check_cancelled))
        raise PushRaced

    def _try_push(self, work: RestoreWork, head: str) -> RepositoryError | None:
        """Push once; return why the remote did not take it, None where it did or the branch had moved."""
        self._fault_hook("restore.before_intent")
        try:
            self._push(work, head)
            self._fault_hook("restore.after_push")
        except PushRaced:
            return None
        except (PushRefused, EnvironmentUnreachable) as error:
            return error
        return None

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
            mirror=self._mirrors.open(environment.id, environment.repository_url),
        )

    def _changes(self, plan_id: UUID) -> Sequence[Json]:
        with self._database.transaction() as session:
            return session.scalars(select(RestorePlan.changes).where(RestorePlan.id == plan_id)).one()

    def _push(self, work: RestoreWork, head: str) -> None:
        """Push a commit on `head`: take the right to push, record the commit, make sure of the right, push.

        The record comes first: whoever settles the run after a crash knows that a push may have begun.
        """
        commit = work.build_commit(head)
        with self._fences.hold(work.run.id) as fence:
            self._intend(work.run.id, commit)
            self._fault_hook("restore.before_push")
            fence.check()
            work.mirror.push(commit=commit, branch=work.environment.branch, expected=head)

    def _intend(self, run_id: UUID, commit: str) -> None:
        """Record the commit; raise RunRefused where the run has completed, Cancelled where it shall stop."""
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            if service.intend_commit(run_id, commit) is not None:
                return
            run = session.get_one(OperationRun, run_id)
        raise RunRefused if run.status == Status.COMPLETED else Cancelled

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
