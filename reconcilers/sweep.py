from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from models.actor import Actor
from models.base import Clock, utc_now
from models.correlation import parse_workflow_id
from models.errors import OperationRunError
from models.operation_run import OperationRun
from models.sweep import SweepCursor, SweepResult
from reconcilers import sweep_candidates
from reconcilers.adoption import Adoption
from reconcilers.histories import Histories
from reconcilers.looks import Looks
from reconcilers.run_check import RunCheck
from reconcilers.run_judgement import JUST_DISPATCHED, Action, Judgement
from services.database.session import Database
from services.engine.port import Engine, EngineUnreachable
from services.runs.cancellation import Cancellations
from services.runs.service import OperationRunService

_log = structlog.get_logger()

SWEEP: Final = Actor(kind="system", name="sweep")

# How many runs one sweep checks, so that it ends soon and the next goes on where it stopped.
BATCH: Final = 200
# So many ids of visibility's lists that one sweep finds what a whole cluster lost at once.
CANDIDATES: Final = 10_000

# Visibility lags, and a sweep may have failed half-way: each begins a little before the last one did.
OVERLAP: Final = timedelta(minutes=2)
FIRST_LOOK: Final = timedelta(days=3)

# A sweep looks up an active run that nothing has touched for so long.
IDLE_FOR: Final = timedelta(seconds=20)

# Longer than a look takes, so that no two sweeps look at one repository at once.
LOOK_TIME: Final = timedelta(minutes=1)
# One that decided nothing is taken again after this.
LOOK_AGAIN: Final = timedelta(seconds=5)


class Sweep:
    """Settles what workflow code could not record (law L9).

    Any number of sweeps may run at once: each locks the run that it settles, and skips one that is locked.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        check: RunCheck,
        cancellations: Cancellations,
        *,
        connection: str,
        looks: Looks | None = None,
        clock: Clock = utc_now,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._engine = engine
        self._check = check
        self._cancellations = cancellations
        self._adoption = Adoption(database, engine, connection=connection, clock=clock)
        self._looks = looks or Looks()
        self._stories = Histories(database, engine, clock=clock)
        self._clock = clock
        self._check_cancelled = check_cancelled
        self._counts = Counter[str]()

    def run_once(self, cursor: SweepCursor) -> SweepResult:
        """Check once everything that may be wrong; the result says where the next sweep goes on.

        1. Workflows that closed abnormally since the last look: candidates by visibility.
        2. Queued runs whose start was never confirmed.
        3. Cancellations that have not reached Temporal.
        4. A batch of the active runs that nothing has touched for a while, each by its id.
        5. Open workflows of ours that have no run.
        6. Runs whose repository is to be looked at again.
        7. Compact histories of runs that have ended.

        A step that Temporal does not answer is counted, and the next sweep takes it again.
        """
        started_at = self._clock()
        since = cursor.looked_at - OVERLAP if cursor.looked_at else started_at - FIRST_LOOK
        whole = self._attempt(lambda: self._closed_abnormally(since))
        self._attempt(self._undispatched)
        self._attempt(self._undelivered)
        after = self._still(cursor.after)
        whole &= self._attempt(lambda: self._without_run(since))
        self._attempt(self._due_looks)
        self._attempt(self._histories)
        looked_at = started_at if whole else cursor.looked_at
        return self._result(SweepCursor(looked_at=looked_at, after=after))

    def _closed_abnormally(self, since: datetime) -> None:
        closed = _run_ids(self._engine.closed_abnormally(since, limit=CANDIDATES))
        with self._database.transaction() as session:
            candidates = sweep_candidates.still_active(session, closed)
        self._check_all(candidates)

    def _undispatched(self) -> None:
        with self._database.transaction() as session:
            created_before = self._clock() - JUST_DISPATCHED
            runs = sweep_candidates.undispatched(session, created_before=created_before, limit=BATCH)
        self._check_all(runs)

    def _undelivered(self) -> None:
        with self._database.transaction() as session:
            runs = sweep_candidates.undelivered(session, limit=BATCH)
        for run in runs:
            delivered = self._cancellations.deliver(run)
            self._counts["cancellations_delivered"] += _is_delivered(delivered)

    def _still(self, after: UUID | None) -> UUID | None:
        """Check the next batch; return where the one after it begins, None for the beginning."""
        with self._database.transaction() as session:
            batch = sweep_candidates.active_after(
                session, after, untouched_since=self._clock() - IDLE_FOR, limit=BATCH
            )
        self._check_all(run_id for run_id, still in batch if still)
        return batch[-1][0] if len(batch) == BATCH else None

    def _without_run(self, since: datetime) -> None:
        workflow_ids = {
            correlation.run_id: workflow_id
            for workflow_id in self._engine.open_workflows(since, limit=CANDIDATES)
            if (correlation := parse_workflow_id(workflow_id))
        }
        with self._database.transaction() as session:
            orphans = sweep_candidates.unknown(session, list(workflow_ids))
        for run_id in orphans:
            self._check_cancelled()
            adopted = self._adoption.adopt(workflow_ids[run_id])
            self._counts["adopted" if adopted else "refused"] += 1

    def _due_looks(self) -> None:
        with self._database.transaction() as session:
            runs = sweep_candidates.due_looks(session, now=self._clock(), limit=BATCH)
        self._check_all(runs)

    def _histories(self) -> None:
        self._counts["histories_kept"] += self._stories.keep()

    def _check_all(self, run_ids: Iterable[UUID]) -> None:
        for run_id in run_ids:
            self._check_cancelled()
            self._counts["looked_at_runs"] += 1
            self._attempt(lambda run_id=run_id: self._check_one(run_id))  # type: ignore[misc]

    def _check_one(self, run_id: UUID) -> None:
        run, judgement = self._check.judge(run_id)
        self._counts["dispatched_again"] += judgement.action is Action.DISPATCH
        if judgement.execution is None:
            return
        if self._check.asks_outside(run):
            look = partial(self._look, run_id, judgement)
            self._looks.take(run.workspace_id, partial(self._attempt, look))
        else:
            self._settle(run_id, judgement)

    def _look(self, run_id: UUID, judgement: Judgement) -> None:
        """Settle a run whose repository has to be asked, unless another sweep is at it."""
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            if service.claim_look(run_id, until=self._clock() + LOOK_TIME) is None:
                return
        settled = False
        try:
            settled = self._settle(run_id, judgement)
        finally:
            if not settled:
                with self._database.transaction() as session:
                    again = self._clock() + LOOK_AGAIN
                    OperationRunService(session, clock=self._clock).plan_look(run_id, again)

    def _settle(self, run_id: UUID, judgement: Judgement) -> bool:
        checked = self._check.settle(run_id, judgement, source="sweep", actor=SWEEP, skip_locked=True)
        found = checked.reconciliation
        self._counts["unsupported"] += found is not None and found.result == "unsupported"
        if found is None or found.decision is None:
            return False
        if found.written:
            self._looks.count(found.decision.reason_code)
        return True

    def _attempt(self, step: Callable[[], None]) -> bool:
        """Take a step; return False where it failed, which is counted and logged and stops no other."""
        try:
            step()
        except EngineUnreachable:
            self._counts["could_not_check"] += 1
            return False
        except OperationRunError as error:
            _log.warning("sweep_step_failed", code=error.code, detail=str(error))
            self._counts["could_not_check"] += 1
            return False
        except Exception:  # noqa: BLE001 - whatever it is, the next run is checked
            _log.exception("sweep_step_failed")
            self._counts["could_not_check"] += 1
            return False
        return True

    def _result(self, cursor: SweepCursor) -> SweepResult:
        return SweepResult(cursor=cursor, settled=self._looks.drain(), **self._counts)


def _run_ids(workflow_ids: Iterable[str]) -> list[UUID]:
    correlations = map(parse_workflow_id, workflow_ids)
    return [correlation.run_id for correlation in correlations if correlation]


def _is_delivered(run: OperationRun) -> bool:
    requested = run.context.cancellation
    return requested is not None and requested.delivered_at is not None
