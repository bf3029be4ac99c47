from collections import Counter
from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import Json, utc_now
from models.operation_run import OperationRun
from models.reasons import ReasonCode
from models.restore import PlannedChange, RestorePlan, RestoreResult

_RESULTS = {
    PlannedChange.CREATE: "written",
    PlannedChange.UPDATE: "written",
    PlannedChange.DELETE: "removed",
    PlannedChange.UNCHANGED: "unchanged",
    PlannedChange.REFUSED: "refused",
}


def restore_result_id(run_id: UUID) -> UUID:
    """Return the id of a run's restore result: one run, one result, whoever records it."""
    return uuid5(run_id, "restore_result")


def reason_of(plan: RestorePlan, commit: str | None) -> ReasonCode:
    """Return how a restore whose items stand as planned ended well."""
    if any(change["change"] == PlannedChange.REFUSED for change in plan.changes):
        return ReasonCode.RESTORE_PARTLY_APPLIED
    return ReasonCode.RESTORE_APPLIED if commit else ReasonCode.RESTORE_NOT_NEEDED


def record_result(
    session: Session,
    run: OperationRun,
    plan: RestorePlan,
    commit: str | None,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> Json:
    """Insert what a restore did, once; return the counts by result.

    `commit` is None where every item stood as planned already and no commit was needed.
    """
    items = [
        {
            "path": change["path"],
            "change": change["change"],
            "result": _RESULTS[change["change"]] if commit or change["reason"] else "unchanged",
        }
        for change in plan.changes
    ]
    counted = Counter(item["result"] for item in items)
    summary = {result: counted[result] for result in ("written", "removed", "unchanged", "refused")}
    session.execute(
        insert(RestoreResult)
        .values(
            id=restore_result_id(run.id),
            workspace_id=run.workspace_id,
            environment_id=run.environment_id,
            run_id=run.id,
            restore_plan_id=plan.id,
            commit=commit,
            items=items,
            summary=summary,
            created_at=clock(),
        )
        .on_conflict_do_nothing()
    )
    return summary
