from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from models.operation_run import OperationRun
from web.presenters.spans import span_between
from web.presenters.staleness import is_overdue
from web.queries.usual_times import UsualTime

Where = Literal["environment", "workspace"]


@dataclass(frozen=True, kw_only=True)
class Usual:
    """How long such operations usually take beside how long this one took, or takes so far.

    `between` is the middle half of the last `runs` that succeeded; `took` counts from being asked for, and
    goes on while `since` is not None.
    """

    between: str
    runs: int
    where: Where
    took: timedelta
    since: datetime | None
    is_overdue: bool


def usual_of(run: OperationRun, usual: UsualTime | None, now: datetime) -> Usual | None:
    """Word how long a run takes beside others; None where too few are known."""
    if usual is None:
        return None
    took = max((run.completed_at or now) - run.created_at, timedelta())
    return Usual(
        between=span_between(usual.shortest, usual.longest),
        runs=usual.runs,
        where="environment" if usual.of_environment else "workspace",
        took=took,
        since=None if run.completed_at else run.created_at,
        is_overdue=is_overdue(took, usual),
    )
