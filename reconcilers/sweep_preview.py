from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from models.base import Clock, utc_now
from models.correlation import Correlation, parse_workflow_id
from models.errors import NotFound
from models.reconciliation import ExecutionState
from reconcilers import sweep_candidates
from reconcilers.adoption import Adoption
from reconcilers.run_check import RunCheck
from reconcilers.run_judgement import JUST_DISPATCHED
from reconcilers.sweep import BATCH, CANDIDATES, FIRST_LOOK, IDLE_FOR
from reconcilers.sweep_steps import Foreseen, SweepStep, foreseen
from services.database.session import Database
from services.engine.port import Engine

_ADOPTED: Final = "No run has this id; one is registered for the workflow."
_REFUSED: Final = (
    "No run has this id, and the workflow's input or scope does not hold; its first step fails it."
)


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


def _recent(run_id: UUID) -> Foreseen:
    why = f"The run changed less than {IDLE_FOR.seconds} s ago."
    return Foreseen(step=SweepStep.LEAVE, run_id=run_id, why=why)


def _to_cancel(run_id: UUID) -> Foreseen:
    why = "A cancellation was requested and has not reached Temporal."
    return Foreseen(step=SweepStep.DELIVER_CANCELLATION, run_id=run_id, why=why)


def _correlations(workflow_ids: Iterable[str]) -> dict[UUID, Correlation]:
    found = map(parse_workflow_id, workflow_ids)
    return {correlation.run_id: correlation for correlation in found if correlation}
