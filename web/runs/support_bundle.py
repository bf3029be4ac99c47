from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models.base import Json, columns_of
from models.operation_run import OperationRequest
from services.engine.cache import Snapshot
from services.engine.port import WorkflowView
from services.masking.parsed_values import masked
from services.runs.links import workflow_id_of
from services.runs.messages import message_of
from web.context import services
from web.runs.run_story import RunStory

FORMAT = 1
_SILENT = "Temporal did not answer in time."


def support_bundle(story: RunStory, now: datetime) -> Json:
    """Return everything known of a run as JSON for whoever supports it, with secrets masked.

    `idempotency_key` is whether the request had one: whoever knows a key can read its run.
    """
    run = story.run
    reconciliation = run.context.reconciliation
    bundle = {
        "format": FORMAT,
        "made_at": now,
        "run": columns_of(run),
        "message": message_of(run).model_dump(),
        "links": {"html": services().links.run(run.id), "temporal": services().links.temporal(run)},
        "environment": columns_of(story.environment) if story.environment else None,
        "reconciliation": reconciliation.as_json() if reconciliation else None,
        "transitions": [columns_of(step) for step in story.transitions],
        "requests": _requests(story.requests),
        "engine": {"workflow_id": workflow_id_of(run), **_engine(story.seen)},
        "result": _result(story),
        "history": columns_of(story.history) if story.history else None,
        "history_so_far": _so_far(story.so_far),
    }
    result: Json = masked(_plain(bundle))
    return result


def _requests(requests: Sequence[OperationRequest]) -> list[Json]:
    rows = [columns_of(request) for request in requests]
    return [{**row, "idempotency_key": row["idempotency_key"] is not None} for row in rows]


def _engine(seen: Snapshot[WorkflowView]) -> Json:
    view = seen.found
    if view is None:
        return {"asked_at": seen.at, "could_not_check": _SILENT}
    return {
        "asked_at": seen.at,
        "state": view.execution.state,
        "cause": view.execution.cause,
        "workflow_type": view.workflow_type,
        "workflow_run_id": view.workflow_run_id,
        "started_at": view.started_at,
        "closed_at": view.closed_at,
        "failing_attempts": view.failing_attempts,
    }


def _result(story: RunStory) -> Json:
    if story.truth is None:
        return {"could_not_check": "The database did not answer."}
    reviews = [
        {name: getattr(review, name) for name in ("id", "run_id", "status", "fingerprint", "commit")}
        for review in story.truth.reviews
    ]
    result = story.truth.result
    return {"reviews": reviews, "restore_result": columns_of(result) if result else None}


def _so_far(seen: Snapshot[Json] | None) -> Json | None:
    if seen is None:
        return None
    if seen.found is None:
        return {"asked_at": seen.at, "could_not_check": _SILENT}
    return {"asked_at": seen.at, "history": seen.found}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    return value.isoformat() if isinstance(value, datetime) else str(value)
