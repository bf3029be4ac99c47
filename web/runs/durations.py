from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from models.catalog import OperationCatalog
from models.lifecycle import Status
from models.operation_run import OperationRun
from services.runs.queue_status import Waiting
from services.runs.typical_durations import TypicalRange

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


def duration_between(shortest: timedelta, longest: timedelta) -> str:
    """Word a range of lengths in one unit, or as one number where both round to the same."""
    unit, word = _unit(longest)
    low, high = (_number(length / unit) for length in (shortest, longest))
    if low == high:
        return f"about {high} {word}"
    return f"{low}–{high} {word}"  # noqa: RUF001 - a range is written with an en dash


def coarse(length: timedelta) -> str:
    """Word a length in one unit, so that a sentence keeps its words from one poll to the next."""
    length = max(length, timedelta())
    unit, word = _unit(length)
    return f"{_number(length / unit)} {word}"


def _unit(length: timedelta) -> tuple[timedelta, str]:
    if length < 2 * _MINUTE:
        return _SECOND, "s"
    return (_MINUTE, "min") if length < 2 * _HOUR else (_HOUR, "h")


def _number(value: float) -> str:
    if value >= 10:  # noqa: PLR2004 - below ten a tenth counts
        return str(round(value))
    return f"{value:.1f}".removesuffix(".0")


Where = Literal["environment", "workspace"]


@dataclass(frozen=True, kw_only=True)
class TypicalDuration:
    """How long such operations usually take, and how long this one took, or takes so far.

    `between` is the middle half of the last `runs` that succeeded. `took` counts from the request, and still
    grows where `since` is not None.
    """

    between: str
    runs: int
    where: Where
    took: timedelta
    since: datetime | None
    is_overdue: bool


def typical_duration_of(
    run: OperationRun, typical: TypicalRange | None, now: datetime
) -> TypicalDuration | None:
    """Word how long a run takes, compared with others; None where `typical` is."""
    if typical is None:
        return None
    took = max((run.completed_at or now) - run.created_at, timedelta())
    return TypicalDuration(
        between=duration_between(typical.shortest, typical.longest),
        runs=typical.runs,
        where="environment" if typical.of_environment else "workspace",
        took=took,
        since=None if run.completed_at else run.created_at,
        is_overdue=typical.is_exceeded_by(took),
    )


def why_stale(
    run: OperationRun, *, waiting: Waiting | None, typical: TypicalRange | None, now: datetime
) -> str | None:
    """Return why an active run is late; None where it is not, or where the run has ended.

    The queue says it of a queued run; the time limit, then the typical duration, of a running one.
    """
    if run.status == Status.QUEUED:
        return waiting.sentence if waiting and waiting.code != "starting" else None
    if run.status != Status.RUNNING:
        return None
    took, limit = now - run.created_at, OperationCatalog.get(run.type).deadline
    if took > limit:
        return (
            f"It is under way for longer than its time limit of {coarse(limit)}. "
            "The regular check looks after it."
        )
    if typical is not None and typical.is_exceeded_by(took):
        between = duration_between(typical.shortest, typical.longest)
        return (
            f"It takes longer than others: they usually took {between}, and this one {coarse(took)} so far."
        )
    return None
