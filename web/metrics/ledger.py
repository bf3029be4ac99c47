from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, DateTime, column, func, select, table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.base import Clock, utc_now
from models.lifecycle import ACTIVE, Outcome, Status
from services.database.row_security import OF_NO_WORKSPACE
from services.database.session import Database

# However often and by however many it is asked, the database is asked so often.
KEPT_FOR: Final = timedelta(seconds=10)
# Counting what has ended costs with the number of all runs: half a second for a million.
COMPLETED_KEPT_FOR: Final = timedelta(minutes=1)
# A queued run whose start nobody has confirmed in this time is worth a look.
STALE: Final = timedelta(minutes=1)
RECENTLY: Final = timedelta(minutes=10)
QUANTILES: Final = (0.5, 0.95)

# A view that shows the runs of every workspace, without what tells one from another (0015_web_login.py).
_RUNS: Final = table(
    "run_figures",
    *(column(name) for name in ("type", "status", "outcome", "source", "is_undispatched", "is_undelivered")),
    *(column(name, DateTime(timezone=True)) for name in ("created_at", "started_at", "completed_at")),
)

Counts = Sequence[tuple[str, str, str, int]]


@dataclass(frozen=True, kw_only=True)
class LedgerFigures:
    """What the ledger holds at one moment, beside what has ended; labels first, then the figure."""

    active: Counts
    oldest_at: Mapping[str, datetime]
    stale_dispatches: int
    undelivered_cancellations: int
    ended: Sequence[tuple[str, str, int]]
    reconciled: Sequence[tuple[str, str, int]]
    durations: Sequence[tuple[str, str, str, float]]


def read_figures(session: Session, now: datetime) -> LedgerFigures:
    """Read what follows the runs that are open or have just ended, along indexes that hold those alone."""
    run = _RUNS.c
    since = func.coalesce(run.started_at, run.created_at)
    active = session.execute(
        select(run.type, run.status, func.count(), func.min(since))
        .where(run.status.in_(sorted(ACTIVE)))
        .group_by(run.type, run.status)
    ).all()
    oldest: dict[str, datetime] = {}
    for _, status, _, first in active:
        oldest[status] = min(first, oldest.get(status, first))
    return LedgerFigures(
        active=[(kind, status, Outcome.PENDING, count) for kind, status, count, _ in active],
        oldest_at=oldest,
        stale_dispatches=_count(session, _RUNS.c.is_undispatched, created_before=now - STALE),
        undelivered_cancellations=_count(session, _RUNS.c.is_undelivered),
        ended=_ended(session, now, run.type),
        reconciled=_ended(session, now, run.source),
        durations=_durations(session, now),
    )


def _ended(session: Session, now: datetime, label: ColumnElement[str]) -> Sequence[tuple[str, str, int]]:
    """Count the runs that have just ended by a label, where they have it, and by outcome."""
    run = _RUNS.c
    counted = session.execute(
        select(label, run.outcome, func.count())
        .where(run.status == Status.COMPLETED, run.completed_at > now - RECENTLY, label.is_not(None))
        .group_by(label, run.outcome)
    )
    return [(value, outcome, count) for value, outcome, count in counted]


def _durations(session: Session, now: datetime) -> Sequence[tuple[str, str, str, float]]:
    """Reckon how long the runs that have just ended waited and worked, in seconds, by type."""
    run = _RUNS.c
    phases = {"waiting": run.started_at - run.created_at, "working": run.completed_at - run.started_at}
    cells = [(phase, quantile) for phase in phases for quantile in QUANTILES]
    figures = [
        func.percentile_cont(quantile).within_group(func.extract("epoch", phases[phase]))
        for phase, quantile in cells
    ]
    found = session.execute(
        select(run.type, *figures)
        .where(run.status == Status.COMPLETED, run.completed_at > now - RECENTLY, run.started_at.is_not(None))
        .group_by(run.type)
    )
    return [
        (kind, phase, str(quantile), seconds)
        for kind, *row in found
        for (phase, quantile), seconds in zip(cells, row, strict=True)
    ]


def count_completed(session: Session) -> Counts:
    """Count every run that has ended, in an index alone."""
    run = _RUNS.c
    counted = session.execute(
        select(run.type, run.outcome, func.count())
        .where(run.status == Status.COMPLETED)
        .group_by(run.type, run.outcome)
    )
    return [(kind, Status.COMPLETED, outcome, count) for kind, outcome, count in counted]


def _count(
    session: Session, condition: ColumnElement[bool], *, created_before: datetime | None = None
) -> int:
    statement = select(func.count()).select_from(_RUNS).where(condition)
    if created_before:
        statement = statement.where(_RUNS.c.created_at < created_before)
    return session.scalar(statement) or 0


class LedgerCollector(Collector):
    """Gives the ledger's figures to Prometheus, a few seconds old; the counts of what has ended, a minute."""

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        # The whole database: a request that asks for figures has no workspaces.
        self._database = database.narrowed(lambda: OF_NO_WORKSPACE)
        self._clock = clock
        self._lock = Lock()
        self._read: tuple[datetime, Counts, LedgerFigures] | None = None
        self._completed: tuple[datetime, Counts] | None = None

    def collect(self) -> Iterable[Metric]:
        """Yield every figure; where the database does not answer, that alone."""
        now = self._clock()
        try:
            completed, figures = self._figures(now)
        except SQLAlchemyError:
            yield _gauge("database_up", "Whether the database answers.", 0)
            return
        yield _gauge("database_up", "Whether the database answers.", 1)
        yield from _metrics(completed, figures, now)

    def _figures(self, now: datetime) -> tuple[Counts, LedgerFigures]:
        # Whoever asks while another reads waits for that reading.
        with self._lock:
            if self._read is None or now - self._read[0] >= KEPT_FOR:
                with self._database.transaction() as session:
                    self._read = (now, self._count_completed(session, now), read_figures(session, now))
            return self._read[1], self._read[2]

    def _count_completed(self, session: Session, now: datetime) -> Counts:
        if self._completed is None or now - self._completed[0] >= COMPLETED_KEPT_FOR:
            self._completed = (now, count_completed(session))
        return self._completed[1]


def _metrics(completed: Counts, figures: LedgerFigures, now: datetime) -> Iterable[Metric]:
    yield _gauges(
        "runs",
        "Runs by type, status and outcome.",
        ("type", "status", "outcome"),
        (*figures.active, *completed),
    )
    for status in sorted(ACTIVE):
        oldest = now - figures.oldest_at.get(status, now)
        yield _gauge(
            f"oldest_{status}_seconds", f"How long a run has been {status}, at most; 0: none is.", oldest
        )
    yield _gauge(
        "stale_dispatches",
        "Queued runs older than a minute whose start Temporal has not confirmed.",
        figures.stale_dispatches,
    )
    yield _gauge(
        "undelivered_cancellations",
        "Cancellations that have not reached Temporal.",
        figures.undelivered_cancellations,
    )
    yield _gauges(
        "ended_recently",
        "Runs that ended in the last ten minutes, by type and outcome.",
        ("type", "outcome"),
        figures.ended,
    )
    yield _gauges(
        "reconciled_recently",
        "Runs of the last ten minutes that were settled by reconciliation, by who settled them.",
        ("source", "outcome"),
        figures.reconciled,
    )
    yield _gauges(
        "recent_duration_seconds",
        "How long the runs that ended in the last ten minutes waited and worked, by type.",
        ("type", "phase", "quantile"),
        figures.durations,
    )


def _gauge(name: str, meaning: str, value: float | timedelta) -> Metric:
    figure = value.total_seconds() if isinstance(value, timedelta) else value
    return GaugeMetricFamily(f"operationrun_{name}", meaning, value=figure)


def _gauges(
    name: str, meaning: str, labels: Sequence[str], rows: Iterable[tuple[*tuple[str, ...], float]]
) -> Metric:
    """Return one figure for each row: its labels, then the figure."""
    family = GaugeMetricFamily(f"operationrun_{name}", meaning, labels=labels)
    for *values, figure in rows:
        family.add_metric(values, figure)
    return family
