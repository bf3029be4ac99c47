from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from models.base import Clock, utc_now
from models.correlation import Correlation, parse_workflow_id
from models.errors import NotFound
from models.reconciliation import ExecutionState, ReconciliationDecision
from reconcilers import sweep_candidates
from reconcilers.adoption import Adoption
from reconcilers.run_check import CheckResult, RunCheck
from reconcilers.run_judgement import JUST_DISPATCHED, Action
from reconcilers.sweep import BATCH, CANDIDATES, FIRST_LOOK, IDLE_FOR
from services.database.session import Database
from services.engine.port import Engine


class SweepStep(StrEnum):
    """What a sweep does about a run, or about a workflow of ours that has none."""

    SETTLE = "settle"
    DISPATCH = "dispatch"
    TERMINATE = "terminate"
    DELIVER_CANCELLATION = "deliver_cancellation"
    ADOPT = "adopt"
    REFUSE = "refuse"
    LEAVE = "leave"


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a sweep would do about one run, and why.

    `workflow` is None where Temporal was not asked; `decision` is there exactly where the step is to settle.
    """

    step: SweepStep
    run_id: UUID
    why: str
    workflow: ExecutionState | None = None
    decision: ReconciliationDecision | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a sweep would do; `is_whole`: no more active runs wait for the next sweep's batch."""

    rows: Sequence[Foreseen]
    is_whole: bool


class SweepPreview:
    """Foresees one sweep from the beginning; writes nothing, locks nothing and pushes nowhere."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        check: RunCheck,
        adoption: Adoption,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._engine = engine
        self._check = check
        self._adoption = adoption
        self._clock = clock

    def foresee(self) -> Preview:
        """Return what a sweep would do now; raise EngineUnreachable where Temporal does not answer.

        A run has one row, however many steps come to it, and one more for a cancellation to deliver.
        """
        now = self._clock()
        closed = _correlations(self._engine.closed_abnormally(now - FIRST_LOOK, limit=CANDIDATES))
        with self._database.transaction() as session:
            batch = sweep_candidates.active_after(session, None, untouched_since=now - IDLE_FOR, limit=BATCH)
            run_ids = [
                *sweep_candidates.still_active(session, closed),
                *sweep_candidates.undispatched(session, created_before=now - JUST_DISPATCHED, limit=BATCH),
                *(run_id for run_id, is_idle in batch if is_idle),
                *sweep_candidates.due_looks(session, now=now, limit=BATCH),
            ]
            undelivered = sweep_candidates.undelivered(session, limit=BATCH)
        rows = [
            *self._checked(dict.fromkeys(run_ids)),
            *(_recent(run_id) for run_id, is_idle in batch if not is_idle and run_id not in run_ids),
            *(_to_cancel(run.id) for run in undelivered),
            *self._without_run(now - FIRST_LOOK),
        ]
        return Preview(rows=rows, is_whole=len(batch) < BATCH)

    def _checked(self, run_ids: Iterable[UUID]) -> Iterator[Foreseen]:
        for run_id in run_ids:
            try:
                yield foreseen(run_id, self._check.preview(run_id))
            except NotFound:
                # Retention has deleted it since.
                continue

    def _without_run(self, since: datetime) -> Iterator[Foreseen]:
        found = _correlations(self._engine.open_workflows(since, limit=CANDIDATES))
        with self._database.transaction() as session:
            orphans = sweep_candidates.unknown(session, list(found))
        for run_id in orphans:
            adopts = self._adoption.would_adopt(found[run_id].workflow_id)
            yield Foreseen(
                step=SweepStep.ADOPT if adopts else SweepStep.REFUSE,
                run_id=run_id,
                why=_ADOPTED if adopts else _REFUSED,
                workflow=ExecutionState.OPEN,
            )


_ADOPTED: Final = "No run has this id; one is registered for the workflow."
_REFUSED: Final = (
    "No run has this id, and the workflow's input or scope does not hold; its first step fails it."
)
_STEPS: Final = {
    Action.DISPATCH: (SweepStep.DISPATCH, "Temporal never confirmed the start and has no such workflow."),
    Action.TERMINATE: (SweepStep.TERMINATE, "The workflow task keeps failing; then the run is settled."),
}
_LEFT: Final = {
    ExecutionState.OPEN: "The workflow is open.",
    ExecutionState.NOT_FOUND: "The run was dispatched a moment ago.",
}


def foreseen(run_id: UUID, checked: CheckResult) -> Foreseen:
    """Return the row of a run that was checked without acting (`RunCheck.preview`)."""
    found = checked.reconciliation
    decision = found.decision if found and checked.action is Action.SETTLE else None
    step, why = _STEPS.get(checked.action, (SweepStep.LEAVE, "The facts decide nothing yet."))
    if found is not None and found.result == "unsupported":
        why = "No adapter decides about its type."
    elif checked.action is Action.LEAVE:
        why = _LEFT.get(checked.workflow or ExecutionState.CLOSED, "No workflow worked for this run.")
    elif decision is not None and found is not None:
        fences = found.facts is not None and found.facts.needs_fence
        step = SweepStep.SETTLE
        why = "A worker fences the push first." if fences else "The run's work is over."
    return Foreseen(step=step, run_id=run_id, why=why, workflow=checked.workflow, decision=decision)


def _recent(run_id: UUID) -> Foreseen:
    why = f"The run changed less than {IDLE_FOR.seconds} s ago."
    return Foreseen(step=SweepStep.LEAVE, run_id=run_id, why=why)


def _to_cancel(run_id: UUID) -> Foreseen:
    why = "A cancellation was requested and has not reached Temporal."
    return Foreseen(step=SweepStep.DELIVER_CANCELLATION, run_id=run_id, why=why)


def _correlations(workflow_ids: Iterable[str]) -> dict[UUID, Correlation]:
    found = map(parse_workflow_id, workflow_ids)
    return {correlation.run_id: correlation for correlation in found if correlation}
