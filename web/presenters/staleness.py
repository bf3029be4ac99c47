from datetime import datetime, timedelta
from typing import Final

from models.catalog import OperationCatalog
from models.lifecycle import Status
from models.operation_run import OperationRun
from services.queue_truth import Waiting
from web.presenters.spans import coarse, span_between
from web.queries.usual_times import UsualTime

# A run is marked only once it takes much longer than others did, and never for a few seconds.
_MUCH_LONGER: Final = 2
_AT_LEAST: Final = timedelta(seconds=30)


def why_stale(
    run: OperationRun, *, waiting: Waiting | None, usual: UsualTime | None, now: datetime
) -> str | None:
    """Say why an active run has not come further; None where it goes as it should, or has ended.

    A queued run is told by its queue; a running one by its time limit, then by how long others took.
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
    if is_overdue(took, usual) and usual is not None:
        between = span_between(usual.shortest, usual.longest)
        return (
            f"It takes longer than others: they usually took {between}, and this one {coarse(took)} so far."
        )
    return None


def is_overdue(took: timedelta, usual: UsualTime | None) -> bool:
    """Tell whether a run takes much longer than such runs usually do."""
    return usual is not None and took > max(usual.longest * _MUCH_LONGER, _AT_LEAST)
