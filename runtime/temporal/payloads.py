import json
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Protocol

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import WorkflowExecutionStatus

from models.contracts import Cause

# Every other status counts as open: a workflow that continued as new lives on, and a status that a newer
# server adds is unknown here.
CLOSED: Final[dict[int, tuple[str, Cause | None]]] = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED: ("completed", None),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED: ("failed", "activity_failed"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED: ("cancelled", "cancelled"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED: ("terminated", "terminated"),
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: ("timed_out", "timed_out"),
}


class _Timestamp(Protocol):
    """Protobuf's timestamp; the package is a dependency of Temporal's SDK and not of ours."""

    def ToDatetime(self, tzinfo: tzinfo | None = None) -> datetime: ...  # noqa: N802 - its name


def time_of(timestamp: _Timestamp) -> datetime:
    """Return a timestamp as an aware datetime in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat()


def plain_json(payload: Payload) -> Any:
    """Return the value of a payload in plain JSON, from any SDK; None for another encoding."""
    if payload.metadata.get("encoding") not in {b"json/plain", b"json/protobuf"}:
        return None
    try:
        return json.loads(payload.data)
    except (ValueError, RecursionError):
        return None
