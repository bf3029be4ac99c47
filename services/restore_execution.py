from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session, defer
from sqlalchemy.orm.interfaces import ORMOption

from models.base import utc_now
from models.contracts import OperationResult, RestoreExecuteInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import (
    EnvironmentChanged,
    EnvironmentUnreachable,
    PushRaced,
    PushRefused,
    RefNotFound,
    RunCancelled,
    RunRefused,
)
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reasons import ReasonCode
from models.restore import PlannedChange, RestorePlan, RestorePoint, RestoreResult
from services.database import Database
from services.kill_points import Reach, pass_by
from services.new_run import Dispatch
from services.operation_runs import OperationRunService
from services.push_fence import push_fence
from services.repositories.commits import commit_tree, write_tree
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import tree_of
from services.repositories.process import Beat, no_beat
from services.restore_progress import TRAILER, WRITING, RestoreProgress, check_writable, head_of, look
from services.restore_results import reason_of, record_result, restore_result_id
from services.run_start import take

# How often a branch that keeps moving is looked at again before the attempt is given back to Temporal.
ROUNDS = 8
AUTHOR = ("OperationRun", "operationrun@localhost")


@dataclass(frozen=True, kw_only=True)
class _Work:
    run: OperationRun
    plan: RestorePlan
    point: RestorePoint
    environment: Environment
    mirror: Mirror

    def stands_at_plan(self) -> bool:
        """Tell whether the branch is where it was when the plan was made, so that the plan holds as it is."""
        return head_of(self.mirror, self.environment) == self.plan.live_commit

    def look(self) -> RestoreProgress:
        return look(self.mirror, self.environment, self.plan, self.run)


class RestoreExecution:
    """Puts the items of a restore plan back, as one commit on the live branch (section 6)."""

    def __init__(
        self,
        database: Database,
        mirrors: MirrorStore,
        *,
        clock: Callable[[], datetime] = utc_now,
        reach: Reach = pass_by,
    ) -> None:
        self._database = database
        self._mirrors = mirrors
        self._clock = clock
        self._reach = reach

    def check(
        self, correlation: Correlation, scope: RestoreExecuteInput, *, dispatch: Dispatch, beat: Beat
    ) -> OperationResult | None:
        """Mark the run running, fetch, and check that the plan still holds.

        An OperationResult: another run does this work already. Raises RunRefused, EnvironmentUnreachable,
        RefNotFound or EnvironmentChanged; nothing has been written then.
        """
        with self._database.transaction() as session:
            taken = take(session, correlation, scope, dispatch=dispatch, clock=self._clock)
            if taken.refusal is not None:
                return taken.refusal
            work = self._load(session, taken.run, scope, defer(RestorePlan.changes))
        self._reach("restore.after_start")
        work.mirror.fetch(beat)
        self._reach("restore.after_fetch")
        if work.stands_at_plan():
            return None
        with self._database.transaction() as session:
            work = self._load(session, taken.run, scope)
        seen = work.look()
        if not seen.own_commits and not seen.as_planned and seen.changed:
            raise EnvironmentChanged(seen.changed)
        return None

    def apply(
        self, correlation: Correlation, scope: RestoreExecuteInput, *, beat: Beat
    ) -> OperationResult | None:
        """Bring the branch to the plan, then record the result and complete the run with it (law L8).

        1. Look. This run's commit there and the items as planned: record it. Items as planned without a
           commit: record that none was needed.
        2. Planned items changed: raise EnvironmentChanged, nothing written.
        3. Otherwise build the commit on the head as it is and push it behind the fence.
        4. After every push, answered or not, fetch and begin again: the branch alone says what happened.

        None: the branch holds this run's commit but not the planned items, or more than one commit; the
        reconciler tells what that means. `beat` may stop the work, until the first push; then nothing does.
        """
        with self._database.transaction() as session:
            run = session.get_one(OperationRun, correlation.run_id)
            work = self._load(session, run, scope)
            if run.status == Status.COMPLETED:
                return _recorded(session, run)
        check_writable(work.plan)
        refusal: Exception | None = None
        pulse = beat
        seen = _first_look(work, beat)
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
            pulse = no_beat
            self._reach("restore.before_intent")
            try:
                self._push(work, seen.head)
                self._reach("restore.after_push")
            except PushRaced:
                pass
            except (PushRefused, EnvironmentUnreachable) as error:
                refusal = error
            work.mirror.fetch(pulse)
            seen = work.look()
        raise PushRaced

    def _load(
        self, session: Session, run: OperationRun, scope: RestoreExecuteInput, *options: ORMOption
    ) -> _Work:
        plan = session.get(RestorePlan, scope.restore_plan_id, options=options)
        if plan is None or (plan.workspace_id, plan.environment_id) != (run.workspace_id, run.environment_id):
            raise RunRefused
        environment = session.get_one(Environment, run.environment_id)
        return _Work(
            run=run,
            plan=plan,
            point=session.get_one(RestorePoint, plan.restore_point_id),
            environment=environment,
            mirror=self._mirrors.open(environment.id, environment.repository_url),
        )

    def _push(self, work: _Work, head: str) -> None:
        commit = _build(work, head)
        with push_fence(self._database, work.run.id) as fence:
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
        raise RunRefused if run.status == Status.COMPLETED else RunCancelled

    def _record(self, correlation: Correlation, work: _Work, commit: str | None) -> OperationResult:
        reason = reason_of(work.plan, commit)
        with self._database.transaction() as session:
            summary = record_result(session, work.run, work.plan, commit, clock=self._clock)
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


def _first_look(work: _Work, beat: Beat) -> RestoreProgress:
    """Look at the branch as it was last fetched, and fetch only before anything is concluded from it.

    A commit may well be built on an old view: the push holds only if the branch is still where it was.
    """
    with suppress(RefNotFound):
        seen = work.look()
        if not (seen.own_commits or seen.as_planned or seen.changed):
            return seen
    work.mirror.fetch(beat)
    return work.look()


def _build(work: _Work, head: str) -> str:
    repository = work.mirror.repository
    planned = [change for change in work.plan.changes if change["change"] in WRITING]
    tree = write_tree(
        repository,
        tree_of(repository, head),
        writes={
            change["path"]: (change["wanted"]["oid"], change["wanted"]["mode"])
            for change in planned
            if change["wanted"]
        },
        deletes=[change["path"] for change in planned if change["change"] == PlannedChange.DELETE],
    )
    # The same run on the same head makes the same commit, whichever attempt makes it.
    return commit_tree(
        repository,
        tree=tree,
        parent=head,
        message=f"Restore {work.point.label}\n\n{len(planned)} items from {work.plan.restore_commit[:12]}.",
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
