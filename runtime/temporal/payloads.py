import json
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Protocol

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import WorkflowExecutionStatus

from models.contracts import Cause

# Every status but these counts as open: one that continued lives on, and a status of a later server is
# not ours to judge.
CLOSED: Final[dict[int, tuple[str, Cause | None]]] = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED: ("completed", None),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED: ("failed", "activity_failed"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED: ("cancelled", "cancelled"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED: ("terminated", "terminated"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: ("timed_out", "timed_out"),
}


class _Timestamp(Protocol):
    """A moment as protobuf has it; that package is Temporal's dependency and not ours."""

    def ToDatetime(self, tzinfo: tzinfo | None = None) -> datetime: ...  # noqa: N802 - its name


def time_of(timestamp: _Timestamp) -> datetime:
    """Return a moment as Python has it."""
    return timestamp.ToDatetime(tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    """Write a moment down, in UTC."""
    return moment.astimezone(UTC).isoformat()


def plain_json(payload: Payload) -> Any:
    """Read a payload that is plain JSON, whatever SDK wrote it; None for any other."""
    if payload.metadata.get("encoding") not in {b"json/plain", b"json/protobuf"}:
        return None
    try:
        return json.loads(payload.data)
    except (ValueError, RecursionError):
        return None
