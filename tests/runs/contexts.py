"""The `context` of runs that no database holds, as rows store it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from models.base import Json
from models.run_context import PushStep, RunPush

_AT = "2026-06-01T12:00:00+00:00"
_BEGAN = datetime.fromisoformat(_AT)


def stored_context(*, dispatched_at: str | None = _AT, **parts: Any) -> Json:
    return {
        "input": {"ref": None},
        "dispatch": {
            "job_class": "workflows.review_compose.EnvironmentReviewComposeWorkflow",
            "queue": "operation-runs",
            "connection": "default",
            "dispatched_at": dispatched_at,
            "correlation_version": 1,
            "operation_run_id": str(UUID(int=1)),
        },
        **parts,
    }


def stored_reconciliation(reason_code: str = "review_composed", **evidence: Any) -> Json:
    return {
        "adapter": "environment.review.compose",
        "decision": "failed",
        "reason_code": reason_code,
        "previous": {"status": "running", "outcome": "pending"},
        "related": None,
        "source": "sweep",
        "evidence": evidence,
        "reconciled_at": _AT,
    }


def stored_cancellation(*, point_of_no_return: str | None = None) -> Json:
    return {
        "requested_at": _AT,
        "requested_by": "ada@example.org",
        "delivered_at": None,
        "acknowledged_at": None,
        "point_of_no_return": point_of_no_return,
    }


def push_of(
    commit: str,
    *,
    answer: PushStep | None = None,
    ticket: str | None = "refs/operation-runs/1/1",
    began_at: datetime = _BEGAN,
) -> RunPush:
    return RunPush(ticket=ticket, head="0" * 40, commit=commit, began_at=began_at, answer=answer)
