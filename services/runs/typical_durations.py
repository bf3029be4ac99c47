from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    cast,
    extract,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun

# A run is overdue only once it takes much longer than others did, and never for a few seconds.
_MUCH_LONGER: Final = 2
_AT_LEAST: Final = timedelta(seconds=30)

# How many earlier runs make a duration typical, and how many of the newest are read.
ENOUGH: Final = 10
NEWEST: Final = 100

_QUARTILES: Final = (0.25, 0.75)


@dataclass(frozen=True, kw_only=True)
class TypicalRange:
    """How long the middle half of the earlier succeeded runs took, from requested to completed.

    `of_environment`: all of them were of the run's own environment; otherwise of its workspace.
    """

    shortest: timedelta
    longest: timedelta
    runs: int
    of_environment: bool

    def is_exceeded_by(self, took: timedelta) -> bool:
        """Return whether a run that took this long, or takes so far, takes much longer than the others."""
        return took > max(self.longest * _MUCH_LONGER, _AT_LEAST)


def typical_durations(session: Session, runs: Sequence[OperationRun]) -> Mapping[UUID, TypicalRange]:
    """Return the typical duration of each run, by run id; one with too few earlier runs is left out.

    One statement for all of them; it reads at most NEWEST rows of one index twice for each.
    """
    if not runs:
        return {}
    asked = _asked(runs)
    both = union_all(_times(asked, of_environment=True), _times(asked, of_environment=False))
    found: dict[UUID, TypicalRange] = {}
    for place, of_environment, number, quartiles in session.execute(both):
        run_id = runs[place - 1].id
        if number < ENOUGH or (run_id in found and found[run_id].of_environment):
            continue
        shortest, longest = (timedelta(seconds=float(seconds)) for seconds in quartiles)
        found[run_id] = TypicalRange(
            shortest=shortest, longest=longest, runs=number, of_environment=of_environment
        )
    return found


def _asked(runs: Sequence[OperationRun]) -> Any:
    columns: dict[str, tuple[list[Any], Any]] = {
        "place": ([*range(1, len(runs) + 1)], Integer()),
        "workspace_id": ([run.workspace_id for run in runs], Uuid()),
        "environment_id": ([run.environment_id for run in runs], Uuid()),
        "type": ([run.type for run in runs], Text()),
        "created_at": ([run.created_at for run in runs], DateTime(timezone=True)),
    }
    arrays = [cast(values, ARRAY(kind)) for values, kind in columns.values()]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="asked")


def _times(asked: Any, *, of_environment: bool) -> Select[Any]:
    run = OperationRun
    took = extract("epoch", run.completed_at - run.created_at).label("took")
    newest = (
        select(took)
        .where(
            run.workspace_id == asked.c.workspace_id,
            *([run.environment_id == asked.c.environment_id] if of_environment else []),
            run.type == asked.c.type,
            run.status == Status.COMPLETED,
            run.outcome == Outcome.SUCCEEDED,
            run.created_at < asked.c.created_at,
        )
        .order_by(run.created_at.desc(), run.id.desc())
        .limit(NEWEST)
        .correlate(asked)
        .subquery()
    )
    quartiles = func.percentile_cont([*_QUARTILES]).within_group(newest.c.took)
    summed = select(func.count().label("number"), quartiles.label("quartiles")).select_from(newest)
    times = summed.correlate(asked).lateral()
    return select(
        asked.c.place, literal(of_environment).label("of_environment"), times.c.number, times.c.quartiles
    ).select_from(asked.join(times, true()))
