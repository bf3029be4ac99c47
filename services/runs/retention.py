from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Row,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, aliased

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.catalog import OperationType
from models.errors import TablesLocked
from models.lifecycle import Status
from models.operation_run import HAS_RELATED_RUN, RELATED_RUN, OperationRun
from models.restore import RestoreResult
from models.retention import Retention
from models.review import LAST_RESTORE, EnvironmentReview
from services.access.audit import SYSTEM, Audit
from services.database.session import Database
from services.runs.service import OperationRunService
from services.text import counted

# So few that a transaction that meets their locks waits for a moment only.
BATCH: Final = 200
LOCK_TIMEOUT: Final = timedelta(seconds=1)

# PostgreSQL uses the indexes only for these very words, without parameters.
_Naming = aliased(OperationRun, name="naming")
_RELATED_RUN: Final = literal_column(f"naming.{RELATED_RUN}", Text)
_HAS_RELATED_RUN: Final = literal_column(f"naming.{HAS_RELATED_RUN}", Boolean)
_LAST_RESTORE: Final = literal_column(f"environment_reviews.{LAST_RESTORE}", Text)


# A run's id, outcome, type and `completed_at`.
_Seen: TypeAlias = Row[UUID, str, str, datetime | None]


class PruneResult(StrEnum):
    """What becomes of a run that is older than its retention."""

    PRUNED = "pruned"
    KEPT_BY_REVIEW = "kept_by_review"
    KEPT_BY_RESTORE = "kept_by_restore"
    KEPT_BY_RUN = "kept_by_run"
    LOCKED = "locked"


@dataclass(frozen=True, kw_only=True)
class Expired:
    """The runs of one outcome and type that are older than their retention, counted by result."""

    outcome: str
    type: str
    results: Counter[PruneResult]


class RunRetention:
    """Deletes completed runs that are older than their retention and that nothing which is kept names.

    Each workspace's audit says how many it lost. The audit itself is never pruned: its chain would break.
    """

    def __init__(
        self, database: Database, retention: Retention, *, actor: Actor = SYSTEM, clock: Clock = utc_now
    ) -> None:
        self._actor = actor
        self._database = database
        self._retention = retention
        self._clock = clock

    def prune(self, *, dry_run: bool, batch: int = BATCH) -> Sequence[Expired]:
        """Delete the runs that are older than their retention, and count them; with `dry_run` only count.

        1. Read the next batch, the oldest first, and what keeps each run.
        2. Lock the runs that nothing keeps; leave one that another transaction holds to the next pruning.
        3. Read again what keeps them, now that no row can come to name them, and delete the rest.

        Each batch is a transaction of its own: a pruning may stop at any time, and several may run at once.
        Raises TablesLocked where a lock takes longer than LOCK_TIMEOUT.
        """
        counts: dict[tuple[str, str], Counter[PruneResult]] = {}
        now = self._clock()
        for run, result in self._walk(now, dry_run=dry_run, batch=batch):
            counts.setdefault((run.outcome, run.type), Counter())[result] += 1
        return [
            Expired(outcome=outcome, type=operation_type, results=results)
            for (outcome, operation_type), results in sorted(counts.items())
        ]

    def _walk(self, now: datetime, *, dry_run: bool, batch: int) -> Iterator[tuple[_Seen, PruneResult]]:
        after: _Seen | None = None
        while True:
            with self._bounded() as session:
                runs = self._expired(session, now, after, batch)
                results = self._results_of(session, now, [run.id for run in runs])
                if not dry_run:
                    results |= self._delete(session, now, results)
            # One that disappeared between the two reads was deleted by another pruning.
            yield from ((run, results.get(run.id, PruneResult.LOCKED)) for run in runs)
            if len(runs) < batch:
                return
            after = runs[-1]

    @contextmanager
    def _bounded(self) -> Iterator[Session]:
        """Open a transaction that waits for no lock for long; raise TablesLocked where it would have to."""
        timeout = f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT // timedelta(milliseconds=1)}ms'"
        try:
            with self._database.transaction() as session:
                session.execute(text(timeout))
                yield session
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                raise TablesLocked from error
            raise

    def _expired(self, session: Session, now: datetime, after: _Seen | None, limit: int) -> Sequence[_Seen]:
        run = OperationRun
        statement = select(run.id, run.outcome, run.type, run.completed_at).where(self._is_expired(run, now))
        if after is not None:
            statement = statement.where(tuple_(run.completed_at, run.id) > (after.completed_at, after.id))
        return session.execute(statement.order_by(run.completed_at, run.id).limit(limit)).all()

    def _delete(
        self, session: Session, now: datetime, results: Mapping[UUID, PruneResult]
    ) -> dict[UUID, PruneResult]:
        """Delete the runs that can be locked and that nothing keeps; return the results of all."""
        free = [run_id for run_id, result in results.items() if result == PruneResult.PRUNED]
        lock = select(OperationRun.id).where(OperationRun.id.in_(free)).with_for_update(skip_locked=True)
        held = self._results_of(session, now, session.scalars(lock).all())
        pruned = [run_id for run_id, result in held.items() if result == PruneResult.PRUNED]
        self._record(session, pruned)
        OperationRunService(session).delete(pruned)
        return dict.fromkeys(free, PruneResult.LOCKED) | held

    def _record(self, session: Session, run_ids: Sequence[UUID]) -> None:
        run = OperationRun
        counts = select(run.workspace_id, func.count()).where(run.id.in_(run_ids)).group_by(run.workspace_id)
        for workspace_id, number in session.execute(counts):
            audit = Audit(session=session, workspace_id=workspace_id, actor=self._actor, clock=self._clock)
            audit.record(AuditAction.RUNS_PRUNED, counted(number, "run"))

    def _is_expired(self, run: type[OperationRun], now: datetime) -> ColumnElement[bool]:
        # The first condition is that of the index on `completed_at`.
        ended = [
            and_(run.outcome == outcome, run.completed_at < now - period)
            for outcome, period in self._retention.keep.items()
            if period is not None
        ]
        return and_(run.status == Status.COMPLETED, or_(false(), *ended))

    def _results_of(
        self, session: Session, now: datetime, run_ids: Sequence[UUID]
    ) -> dict[UUID, PruneResult]:
        """Return what keeps each run: a review, a review that names it as the last restore, and so on."""
        run_id, name = OperationRun.id, cast(OperationRun.id, Text)
        named_by_run = (name == _RELATED_RUN, _HAS_RELATED_RUN, not_(self._is_expired(_Naming, now)))
        result = case(
            (exists().where(EnvironmentReview.run_id == run_id), PruneResult.KEPT_BY_REVIEW),
            (
                exists().select_from(EnvironmentReview).where(name == _LAST_RESTORE),
                PruneResult.KEPT_BY_REVIEW,
            ),
            # The next review will name it.
            (_is_last_restore(), PruneResult.KEPT_BY_REVIEW),
            (exists().where(RestoreResult.run_id == run_id), PruneResult.KEPT_BY_RESTORE),
            (exists().select_from(_Naming).where(*named_by_run), PruneResult.KEPT_BY_RUN),
            else_=PruneResult.PRUNED,
        )
        # By id: PostgreSQL looks up so few rows, and would otherwise read the whole table.
        found = session.execute(select(run_id, result).where(run_id.in_(run_ids)))
        return {row[0]: PruneResult(row[1]) for row in found}


def _is_last_restore() -> ColumnElement[bool]:
    later = aliased(OperationRun)
    same = (later.environment_id == OperationRun.environment_id, later.type == OperationRun.type)
    newer = exists().where(
        *same, later.status == Status.COMPLETED, later.created_at > OperationRun.created_at
    )
    return and_(OperationRun.type == OperationType.RESTORE_EXECUTE, not_(newer))
