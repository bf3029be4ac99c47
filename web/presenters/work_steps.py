from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from models.history import OperationRunHistory
from models.lifecycle import Status
from models.operation_run import OperationRun
from web.presenters.states import State
from web.presenters.times import parse

# A history is kept within seconds after the work has ended; until then the page still looks for it.
KEPT_WITHIN: Final = timedelta(minutes=1)

LABELS: Final[Mapping[str, str]] = {
    "collect_evidence": "Read the configuration",
    "compose_review": "Compose the review",
    "check_plan": "Check the plan against the configuration",
    "apply_plan": "Put the items back",
    "settle_run": "Find out and record how it ended",
}

RESULTS: Final[Mapping[str | None, State]] = {
    "completed": State(word="Done", tone="good"),
    "failed": State(word="Could not be done", tone="bad"),
    "timed_out": State(word="No answer in time", tone="look"),
    "cancelled": State(word="Stopped", tone="quiet", icon="minus"),
    None: State(word="Not finished", tone="look"),
}

# Of the work itself, by how its record says that it was closed.
ENDINGS: Final[Mapping[str, str]] = {
    "completed": "The work ran to its end.",
    "failed": "The work ended before all of it was done.",
    "cancelled": "The work was cancelled.",
    "terminated": "The work was stopped from outside.",
    "timed_out": "The work was ended, because it took longer than is allowed.",
}


@dataclass(frozen=True, kw_only=True)
class WorkStep:
    """One step of the work, and where it lies in the whole: three parts of a hundred that add up.

    `before` is the time until it was due, `waited` until its last attempt began, `worked` until its end.
    """

    label: str
    state: State
    attempts: int | None
    took: timedelta | None
    before: float
    waited: float
    worked: float
    failure: str | None


@dataclass(frozen=True, kw_only=True)
class Work:
    """What became of the work, from its kept history; `note` says what is missing, if anything."""

    steps: Sequence[WorkStep] = ()
    left_out: int = 0
    ending: str | None = None
    note: str | None = None


def work_of(run: OperationRun, history: OperationRunHistory | None, now: datetime) -> Work | None:
    """Tell the work of a run step by step; None while it is under way."""
    if run.status != Status.COMPLETED or run.completed_at is None:
        return None
    if history is None:
        if now - run.completed_at < KEPT_WITHIN:
            return Work(note="The steps are being written down. They appear here in a moment.")
        return Work(note="The steps of this work were not kept.")
    if history.history is None:
        return Work(note="No work is known of this operation: it never began, or its record was gone.")
    return _told(history.history)


def label_of(step: str) -> str:
    """Return what a step does, in words."""
    return LABELS.get(step, step.replace("_", " ").capitalize())


def _told(story: Mapping[str, Any]) -> Work:
    begins = parse(story["started_at"])
    ends = parse(story["closed_at"])
    if begins is None or ends is None:
        return Work(note="The steps of this work were not kept.")
    return Work(
        steps=[_step(step, begins, ends) for step in story["steps"]],
        left_out=story["steps_left_out"],
        ending=ENDINGS.get(story["status"]),
    )


def _step(step: Mapping[str, Any], begins: datetime, ends: datetime) -> WorkStep:
    due = parse(step["scheduled_at"]) or begins
    ended = parse(step["ended_at"]) or ends
    began = parse(step["started_at"]) or ended
    whole = max(ends - begins, timedelta(milliseconds=1))
    marks = [_share(mark - begins, whole) for mark in (due, began, ended)]
    return WorkStep(
        label=label_of(step["step"]),
        state=RESULTS.get(step["result"], RESULTS[None]),
        attempts=step["attempts"],
        took=ended - due,
        before=marks[0],
        waited=max(marks[1] - marks[0], 0),
        worked=max(marks[2] - marks[1], 0),
        failure=step["failure"],
    )


def _share(part: timedelta, whole: timedelta) -> float:
    return round(min(max(part / whole, 0), 1) * 100, 2)
