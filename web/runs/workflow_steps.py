from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from models.base import Json
from models.lifecycle import Outcome
from models.operation_run import OperationRun, OperationRunHistory
from models.reason_codes import ReasonCode
from services.engine.cache import Snapshot
from web.ui.states import State
from web.ui.times import parse

# A history is kept within seconds after the work has ended; until then the page still looks for it.
KEPT_WITHIN: Final = timedelta(minutes=1)

NOT_READ: Final = "The steps could not be read just now. That says nothing about the work itself."

LABELS: Final[Mapping[str, str]] = {
    "collect_evidence": "Read the configuration",
    "compose_review": "Compose the review",
    "check_plan": "Check the plan against the configuration",
    "apply_plan": "Put the items back",
    "settle_run": "Find out and record how it ended",
}
# A small review is composed in its first step, and there is no second.
AT_ONCE: Final = "Read the configuration and compose the review"

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
# While the work goes on: with nothing of its result, a step is at an attempt or waits for one.
UNDER_WAY: Final = State(word="Under way", tone="busy")
WAITING: Final = State(word="Waiting", tone="quiet")
# What goes on has an open end in the picture, a quarter of it: it changes only when something happens.
OPEN_END: Final = 4 / 3
SHORTEST: Final = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class WorkStep:
    """One step of the work, and where it lies in the whole: three parts of a hundred that add up.

    `before` is the time until it was due, `waited` until its last attempt began, `worked` until its end.
    `since` is when one was due that still goes on; None: it does not.
    """

    label: str
    state: State
    attempts: int | None
    took: timedelta
    before: float
    waited: float
    worked: float
    failure: str | None
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Work:
    """What became of the work, from its history; `note` says what is missing, if anything.

    `asked_at` is when the engine was asked for it, where it is not kept yet.
    """

    steps: Sequence[WorkStep] = ()
    left_out: int = 0
    ending: str | None = None
    note: str | None = None
    asked_at: datetime | None = None


def work_of(
    run: OperationRun, history: OperationRunHistory | None, so_far: Snapshot[Json] | None, now: datetime
) -> Work | None:
    """Tell the work of a run step by step, from what is kept or else from what the engine says so far.

    None where it has not begun, or the engine knows of none.
    """
    if history is not None:
        if history.history is None:
            return Work(note="No work is known of this operation: it never began, or its record was gone.")
        return _named(_told(history.history, now), run)
    if so_far is not None and so_far.found:
        return replace(_named(_told(so_far.found, now), run), asked_at=so_far.at)
    if run.completed_at is None:
        return Work(note=NOT_READ) if so_far is not None and so_far.found is None else None
    if awaits_history(run, history, now):
        return Work(note="The steps are being written down. They appear here in a moment.")
    return Work(note="The steps of this work were not kept.")


def awaits_history(run: OperationRun, history: OperationRunHistory | None, now: datetime) -> bool:
    """Tell whether the history of a run's work may still come to be kept."""
    return history is None and (run.completed_at is None or now - run.completed_at <= KEPT_WITHIN)


def label_of(step: str) -> str:
    """Return what a step does, in words."""
    return LABELS.get(step, step.replace("_", " ").capitalize())


def _told(story: Mapping[str, Any], now: datetime) -> Work:
    begins = parse(story["started_at"])
    if begins is None:
        return Work(note="The steps of this work were not kept.")
    closed_at = parse(story["closed_at"])
    ends = closed_at or _open_end(story["steps"], begins)
    return Work(
        steps=[_step(step, begins, ends, None if closed_at else now) for step in story["steps"]],
        left_out=story["steps_left_out"],
        ending=ENDINGS.get(story["status"]),
        note=None if story["steps"] or closed_at else "No step of the work has begun yet.",
    )


def _named(work: Work, run: OperationRun) -> Work:
    """Say of a first step that was also the last what it did beyond its name."""
    alone = [step.label for step in work.steps] == [LABELS["collect_evidence"]]
    if alone and _composed(run):
        return replace(work, steps=[replace(work.steps[0], label=AT_ONCE)])
    return work


def _composed(run: OperationRun) -> bool:
    """Tell whether the run made a review, and did not end well by one that was there already."""
    settled = run.context.reconciliation
    made = settled is None or settled.reason_code == ReasonCode.REVIEW_COMPOSED
    return run.outcome == Outcome.SUCCEEDED and made


def _open_end(steps: Sequence[Mapping[str, Any]], begins: datetime) -> datetime:
    names = ("scheduled_at", "started_at", "ended_at")
    moments = [parse(step[name]) for step in steps for name in names]
    newest = max((moment for moment in moments if moment), default=begins)
    return begins + max((newest - begins) * OPEN_END, SHORTEST)


def _step(step: Mapping[str, Any], begins: datetime, ends: datetime, now: datetime | None) -> WorkStep:
    """Draw one step; `now` None: the work has closed, and nothing of it goes on."""
    due = parse(step["scheduled_at"]) or begins
    goes_on = now is not None and step["result"] is None
    ended = parse(step["ended_at"]) or ends
    began = parse(step["started_at"]) or ended
    whole = max(ends - begins, timedelta(milliseconds=1))
    marks = [_share(mark - begins, whole) for mark in (due, began, ended)]
    return WorkStep(
        label=label_of(step["step"]),
        state=_standing(step) if goes_on else RESULTS.get(step["result"], RESULTS[None]),
        attempts=step["attempts"],
        took=now - due if now and goes_on else ended - due,
        before=marks[0],
        waited=max(marks[1] - marks[0], 0),
        worked=max(marks[2] - marks[1], 0),
        failure=step["failure"],
        since=due if goes_on else None,
    )


def _standing(step: Mapping[str, Any]) -> State:
    return UNDER_WAY if step["started_at"] else WAITING


def _share(part: timedelta, whole: timedelta) -> float:
    return round(min(max(part / whole, 0), 1) * 100, 2)
