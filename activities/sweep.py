from collections.abc import Callable

import structlog
from temporalio import activity

from models.sweep import SweepCursor, SweepResult
from reconcilers.sweep import Sweep

_log = structlog.get_logger()

_QUIET = frozenset({"cursor", "looked_at_runs", "histories_kept"})


class SweepActivities:
    """What the scheduled sweep runs."""

    def __init__(self, make_sweep: Callable[[Callable[[], None]], Sweep]) -> None:
        self._make_sweep = make_sweep

    @activity.defn(no_thread_cancel_exception=True)
    def sweep(self, cursor: SweepCursor) -> SweepResult:
        """Sweep once; log a line only where something changed or could not be checked."""
        result = self._make_sweep(activity.heartbeat).run_once(cursor)
        facts = {name: value for name, value in result.model_dump(exclude=set(_QUIET)).items() if value}
        if facts:
            _log.info("sweep_changed", looked_at_runs=result.looked_at_runs, **facts)
        _measure(result)
        return result


def _measure(result: SweepResult) -> None:
    meter = activity.metric_meter()
    for name, count in result.model_dump(exclude={"cursor", "settled"}).items():
        meter.create_counter(f"operationrun_sweep_{name}").add(count)
    settled = meter.create_counter("operationrun_sweep_settled")
    for reason, count in result.settled.items():
        settled.add(count, {"reason": reason})
