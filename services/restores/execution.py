from collections.abc import Sequence
from dataclasses import dataclass
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
    EnvironmentChanged,
    EnvironmentUnreachable,
    PushRaced,
    PushRefused,
    RefNotFound,
    RunRefused,
)
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.restore import PlannedChange, RestorePlan, RestorePoint, RestoreResult
from services.database.session import Database
from services.kill_points import FaultHook, no_op
from services.repositories.commits import commit_tree, write_tree
from services.repositories.git import CheckCancelled, never_cancelled
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import tree_of
from services.restores.planned_items import WRITING, PlannedItems
from services.restores.progress import TRAILER, RestoreProgress, look, whole_tree
from services.restores.push_fence import PushFences
from services.restores.results import reason_of, record_result, restore_result_id
from services.runs.new_run import Dispatch
from services.runs.service import OperationRunService
from services.runs.start import claim

# How often a branch that keeps moving is looked at again before the attempt is given back to Temporal.
ROUNDS = 8
AUTHOR = ("OperationRun", "operationrun@localhost")


@dataclass(frozen=True, kw_only=True)
class _Work:
    run: OperationRun
    planned: PlannedItems
    point: RestorePoint
    environment: Environment
    mirror: Mirror

    def head(self, check_cancelled: CheckCancelled) -> str:
        head = self.mirror.head_of(self.environment.branch, check_cancelled)
        if head is None:
            raise RefNotFound(self.environment.branch)
        return head

    def look(self, head: str) -> RestoreProgress:
        return look(self.mirror, self.environment, self.planned, self.run, head)


class RestoreExecution:
    """Puts the items of a restore plan back, as one commit on the live branch (section 6)."""

    def __init__(
        self,
        database: Database,
        mirrors: MirrorStore,
        *,
        clock: Clock = utc_now,
        reach: FaultHook = no_op,
    ) -> None:
        self._database = database
        self._fences = PushFences(database)
        self._mirrors = mirrors
        self._clock = clock
        self._reach = reach

    def check(
        self,
        correlation: Correlation,
        scope: RestoreExecuteInput,
        *,
        dispatch: Dispatch,
        check_cancelled: CheckCancelled,
    ) -> OperationResult | None:
        """Mark the run running, fetch, and check that the plan still holds.

        An OperationResult: another run does this work already. Raises RunRefused, EnvironmentUnreachable,
        RefNotFound, ItemsRefused or EnvironmentChanged; nothing has been written then.
        """
        with self._database.transaction() as session:
            taken = claim(session, correlation, scope, dispatch=dispatch, clock=self._clock)
            if taken.refusal is not None:
                return taken.refusal
            work = self._load(session, taken.run, scope)
        self._reach("restore.after_start")
        work.planned.check_writable()
        head = work.head(check_cancelled)
        self._reach("restore.after_fetch")
        seen = work.look(head)
        if not seen.own_commits and not seen.as_planned and seen.changed:
            raise EnvironmentChanged(seen.changed)
        return None

    def apply(
        self, correlation: Correlation, scope: RestoreExecuteInput, *, check_cancelled: CheckCancelled
    ) -> OperationResult | None:
        """Bring the branch to the plan, then record the result and complete the run with it (law L8).

        1. Look. This run's commit there and the items as planned: record it. Items as planned without a
           commit: record that none was needed.
        2. Planned items changed: raise EnvironmentChanged, nothing written.
        3. Otherwise build the commit on the head as it is and push it behind the fence.
        4. After every push, answered or not, look again: the remote's branch alone says what happened.

        None: the branch holds this run's commit but not the planned items, or more than one commit; the
        reconciler decides what that means. `check_cancelled` may stop the work until the first push, and
        nothing stops it after that.
        """
        with self._database.transaction() as session:
            run = session.get_one(OperationRun, correlation.run_id)
            work = self._load(session, run, scope)
            if run.status == Status.COMPLETED:
                return _recorded(session, run)
        refusal: Exception | None = None
        pulse = check_cancelled
        seen = _first_look(work, check_cancelled)
        for _ in range(ROUNDS):
            if seen.own_commits and (len(seen.own_commits) > 1 or not seen.as_planned):
                return None
            if seen.as_planned:
                commit = seen.own_commits[0] if seen.own_commits else None
                return self._record(correlation, work, commit)
            if refusal is not None:
                raise refusal
            if seen.changed:
                raise EnvironmentChanged(seen.changed)
            pulse()
            work.mirror.ensure([work.planned.plan.restore_commit], pulse)
            pulse = never_cancelled
            self._reach("restore.before_intent")
            try:
                self._push(work, seen.head)
                self._reach("restore.after_push")
            except PushRaced:
                pass
            except (PushRefused, EnvironmentUnreachable) as error:
                refusal = error
            seen = work.look(work.head(pulse))
        raise PushRaced

    def _load(self, session: Session, run: OperationRun, scope: RestoreExecuteInput) -> _Work:
        found = session.execute(
            select(RestorePlan, RestorePoint, Environment)
            .join(RestorePoint, RestorePoint.id == RestorePlan.restore_point_id)
            .join(Environment, Environment.id == RestorePlan.environment_id)
            .where(RestorePlan.id == scope.restore_plan_id, RestorePlan.workspace_id == run.workspace_id)
            .where(RestorePlan.environment_id == run.environment_id)
            .options(defer(RestorePlan.changes))
        ).one_or_none()
        if found is None:
            raise RunRefused
        plan, point, environment = found
        return _Work(
            run=run,
            planned=PlannedItems(plan, partial(self._changes, plan.id)),
            point=point,
            environment=environment,
            mirror=self._mirrors.open(environment.id, environment.repository_url),
        )

    def _changes(self, plan_id: UUID) -> Sequence[Json]:
        with self._database.transaction() as session:
            return session.scalars(select(RestorePlan.changes).where(RestorePlan.id == plan_id)).one()

    def _push(self, work: _Work, head: str) -> None:
        commit = _build(work, head)
        with self._fences.hold(work.run.id) as fence:
            self._intend(work.run.id, commit)
            self._reach("restore.before_push")
            fence.check()
            work.mirror.push(commit=commit, branch=work.environment.branch, expected=head)

    def _intend(self, run_id: UUID, commit: str) -> None:
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            if service.intend_commit(run_id, commit) is not None:
                return
            run = session.get_one(OperationRun, run_id)
        raise RunRefused if run.status == Status.COMPLETED else Cancelled

    def _record(self, correlation: Correlation, work: _Work, commit: str | None) -> OperationResult:
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
            self._reach("restore.before_record")
        self._reach("restore.after_record")
        return _result(run)


def _first_look(work: _Work, check_cancelled: CheckCancelled) -> RestoreProgress:
    """Take the branch to be where the plan saw it, if there is something to write then; ask otherwise.

    A commit may well be built on an old view: the push holds only if the branch is still where it was.
    """
    live = work.planned.plan.live_commit
    guessed = work.planned.writes and work.mirror.holds(live)
    return work.look(live if guessed else work.head(check_cancelled))


def _build(work: _Work, head: str) -> str:
    repository, planned = work.mirror.repository, work.planned
    tree = whole_tree(work.mirror, work.environment, planned) or write_tree(
        repository,
        tree_of(repository, head),
        writes={
            change["path"]: (change["wanted"]["oid"], change["wanted"]["mode"])
            for change in planned.changes
            if change["change"] in WRITING and change["wanted"]
        },
        deletes=[change["path"] for change in planned.changes if change["change"] == PlannedChange.DELETE],
    )
    # The same run on the same head makes the same commit, whichever attempt makes it.
    return commit_tree(
        repository,
        tree=tree,
        parent=head,
        message=f"Restore {work.point.label}\n\n{planned.writes} items from {work.point.commit[:12]}.",
        trailers={TRAILER: str(work.run.id)},
        author_name=AUTHOR[0],
        author_email=AUTHOR[1],
        at=work.run.created_at,
    )


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
