import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from models.base import Json
from runtime.temporal.payloads import CLOSED, plain_json, rfc3339, time_of
from services.masking.messages import redact

# Waiting for a worker, for the next attempt, or for an operator to unpause it.
WAITING: Final = frozenset(
    {
        PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED,
    }
)
STEP_RESULTS: Final = {
    "activity_task_completed_event_attributes": "completed",
    "activity_task_failed_event_attributes": "failed",
    "activity_task_timed_out_event_attributes": "timed_out",
    "activity_task_canceled_event_attributes": "cancelled",
}
STEPS_BYTES = 7500
TEXT_LENGTH = 300


def story_of(found: DescribeWorkflowExecutionResponse, events: Sequence[HistoryEvent]) -> dict[str, Any]:
    """Return a summary of a workflow's history, in at most 8 kB of JSON; see `Engine.compact_history`."""
    info = found.workflow_execution_info
    status, cause = CLOSED.get(info.status, ("open", None))
    # A terminated workflow keeps its pending activity.
    steps = _steps(events, {} if info.status in CLOSED else _pending(found))
    kept = _outermost(steps)
    return {
        "workflow_id": info.execution.workflow_id,
        "run_id": info.execution.run_id,
        "status": status,
        "started_at": rfc3339(time_of(info.start_time)),
        "closed_at": rfc3339(time_of(info.close_time)) if info.HasField("close_time") else None,
        "cause": cause,
        "steps": kept,
        "steps_left_out": len(steps) - len(kept),
        "events": len(events),
    }


def _pending(found: DescribeWorkflowExecutionResponse) -> dict[str, Json]:
    """Return the progress of each open activity: its attempts enter the history only when it ends."""
    return {
        step.activity_id: {
            "started_at": None if step.state in WAITING else rfc3339(time_of(step.last_started_time)),
            "attempts": step.attempt,
            "failure": _reason(step.last_failure),
        }
        for step in found.pending_activities
    }


def _steps(events: Sequence[HistoryEvent], pending: Mapping[str, Json]) -> list[Json]:
    """Return each activity with its result, in the order of scheduling."""
    steps: dict[int, Json] = {}
    for event in events:
        kind = event.WhichOneof("attributes") or ""
        if kind == "activity_task_scheduled_event_attributes":
            activity_id = event.activity_task_scheduled_event_attributes.activity_id
            steps[event.event_id] = _scheduled(event) | pending.get(activity_id, {})
        elif kind == "activity_task_started_event_attributes":
            started = event.activity_task_started_event_attributes
            # Only the last attempt has an event; it names the failure of the one before.
            steps[started.scheduled_event_id] |= {
                "started_at": rfc3339(time_of(event.event_time)),
                "attempts": started.attempt,
                "failure": _reason(started.last_failure),
            }
        elif kind in STEP_RESULTS:
            ended = getattr(event, kind)
            step = steps[ended.scheduled_event_id]
            step |= {"ended_at": rfc3339(time_of(event.event_time)), "result": STEP_RESULTS[kind]}
            step["failure"] = _reason(getattr(ended, "failure", None)) or step["failure"]
    return list(steps.values())


def _scheduled(event: HistoryEvent) -> Json:
    summary = plain_json(event.user_metadata.summary)
    return {
        "step": event.activity_task_scheduled_event_attributes.activity_type.name,
        "summary": _short(summary) if isinstance(summary, str) else None,
        "scheduled_at": rfc3339(time_of(event.event_time)),
        "started_at": None,
        "ended_at": None,
        "attempts": None,
        "result": None,
        "failure": None,
    }


def _reason(failure: Failure | None) -> str | None:
    """Return a failure and its causes in one line; None without one."""
    links = []
    while failure is not None:
        kind = failure.application_failure_info.type
        links.append(f"{kind}: {failure.message}" if kind else failure.message)
        failure = failure.cause if failure.HasField("cause") else None
    return _short(" / ".join(filter(None, links))) or None


def _short(text: str) -> str:
    # Redact before cutting: half a token no longer looks like one.
    text = redact(text)
    return text if len(text) <= TEXT_LENGTH else f"{text[: TEXT_LENGTH - 1]}…"


def _outermost(steps: Sequence[Json]) -> list[Json]:
    """Return the steps from both ends that fit into STEPS_BYTES."""
    inwards = sorted(range(len(steps)), key=lambda place: min(place, len(steps) - 1 - place))
    sizes = accumulate(len(json.dumps(steps[place])) for place in inwards)
    kept = {place for place, size in zip(inwards, sizes, strict=True) if size <= STEPS_BYTES}
    return [step for place, step in enumerate(steps) if place in kept]
