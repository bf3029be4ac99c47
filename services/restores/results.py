from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.base import Clock, Json, utc_now
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.restore import PlannedChange
from services.restores.planned_items import PlannedItems

# The items are copied from the plan inside PostgreSQL: there may be many.
_RECORD: Final = text("""
    INSERT INTO restore_results
        (id, workspace_id, environment_id, run_id, restore_plan_id, commit, items, summary, created_at)
    SELECT :id, :workspace_id, :environment_id, :run_id, :plan_id, :commit,
        coalesce(jsonb_agg(item ORDER BY number), '[]'), :summary, :at
    FROM restore_plans,
        ROWS FROM (jsonb_to_recordset(changes) AS (path text, change text)) WITH ORDINALITY
            AS planned (path, change, number),
        LATERAL (SELECT path, change, CAST(:results AS jsonb) ->> change AS result) AS item
    WHERE restore_plans.id = :plan_id
    ON CONFLICT DO NOTHING
""").bindparams(bindparam("summary", type_=JSONB), bindparam("results", type_=JSONB))

_RESULTS: Final = {
    PlannedChange.CREATE: "written",
    PlannedChange.UPDATE: "written",
    PlannedChange.DELETE: "removed",
    PlannedChange.UNCHANGED: "unchanged",
    PlannedChange.REFUSED: "refused",
}


def restore_result_id(run_id: UUID) -> UUID:
    """Return the id of a run's restore result: the same for the worker and the reconciler."""
    return uuid5(run_id, "restore_result")


def reason_of(summary: Json, commit: str | None) -> ReasonCode:
    """Return the reason code of a restore whose items are as planned."""
    if summary["refused"]:
        return ReasonCode.RESTORE_PARTLY_APPLIED
    return ReasonCode.RESTORE_APPLIED if commit else ReasonCode.RESTORE_NOT_NEEDED


def record_result(
    session: Session,
    run: OperationRun,
    planned: PlannedItems,
    commit: str | None,
    *,
    clock: Clock = utc_now,
) -> Json:
    """Insert the restore result unless the run has one; return the counts by result.

    `commit` is None where every item was as planned already and no commit was needed.
    """
    results = {
        change: result if commit or result == "refused" else "unchanged"
        for change, result in _RESULTS.items()
    }
    summary = dict.fromkeys(sorted(set(_RESULTS.values())), 0)
    for change, count in planned.counts.items():
        summary[results[PlannedChange(change)]] += count
    session.execute(
        _RECORD,
        {
            "id": restore_result_id(run.id),
            "workspace_id": run.workspace_id,
            "environment_id": run.environment_id,
            "run_id": run.id,
            "plan_id": planned.plan.id,
            "commit": commit,
            "results": results,
            "summary": summary,
            "at": clock(),
        },
    )
    return summary
