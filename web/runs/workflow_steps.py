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

# The sweep stores a history within seconds after the workflow has closed; until then the page waits for it.
KEPT_WITHIN: Final = timedelta(minutes=1)

NOT_READ: Final = "The steps could not be read just now. That says nothing about the work itself."

LABELS: Final[Mapping[str, str]] = {
    "collect_evidence": "Read the configuration",
    "compose_review": "Compose the review",
    "check_plan": "Check the plan against the configuration",
    "apply_plan": "Put the items back",
    "settle_run": "Find out and record how it ended",
}
# A small review is composed in the first step; there is no second.
AT_ONCE: Final = "Read the configuration and compose the review"

RESULTS: Final[Mapping[str | None, State]] = {
    "completed": State(word="Done", tone="good"),
    "failed": State(word="Could not be done", tone="bad"),
    "timed_out": State(word="No answer in time", tone="look"),
    "cancelled": State(word="Stopped", tone="quiet", icon="minus"),
    None: State(word="Not finished", tone="look"),
}

# The workflow as a whole, by the status with which Temporal closed it.
ENDINGS: Final[Mapping[str, str]] = {
    "completed": "The work ran to its end.",
    "failed": "The work ended before all of it was done.",
    "cancelled": "The work was cancelled.",
    "terminated": "The work was stopped from outside.",
    "timed_out": "The work was ended, because it took longer than is allowed.",
}
# Of a step without a result, while the workflow is open: an attempt is running, or the next one waits.
UNDER_WAY: Final = State(word="Under way", tone="busy")
WAITING: Final = State(word="Waiting", tone="quiet")
# An open workflow leaves a quarter of the picture empty, so that it changes only with an event.
OPEN_END: Final = 4 / 3
SHORTEST: Final = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class WorkStep:
    """One activity of the workflow, with its place in the picture in per cent of the whole.

    `before` is the time until it was scheduled, `waited` until its last attempt started, `worked` until its
    end. `since` is when an activity was scheduled that is not finished; None: it is finished.
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
    """The activities of a workflow; `note` says what is missing, if anything.

    `asked_at` is when Temporal listed them; None: they are from the stored history.
    """

    steps: Sequence[WorkStep] = ()
    left_out: int = 0
    ending: str | None = None
    note: str | None = None
    asked_at: datetime | None = None


def work_of(
    run: OperationRun, history: OperationRunHistory | None, so_far: Snapshot[Json] | None, now: datetime
) -> Work | None:
    """Return the steps of a run's workflow, from the stored history or else from what Temporal says so far.

    None where the workflow has not started.
    """
    if history is not None:
        if history.history is None:
            return Work(note="No work is known of this operation: it never began, or its record was gone.")
        return _named(_work(history.history, now), run)
    if so_far is not None and so_far.found:
        return replace(_named(_work(so_far.found, now), run), asked_at=so_far.at)
    if run.completed_at is None:
        return Work(note=NOT_READ) if so_far is not None and so_far.found is None else None
    if awaits_history(run, history, now):
        return Work(note="The steps are being written down. They appear here in a moment.")
    return Work(note="The steps of this work were not kept.")


def awaits_history(run: OperationRun, history: OperationRunHistory | None, now: datetime) -> bool:
    """Return whether the history of a run's workflow is not stored but may still be."""
    return history is None and (run.completed_at is None or now - run.completed_at <= KEPT_WITHIN)


def label_of(step: str) -> str:
    """Return the label of an activity, by its name."""
    return LABELS.get(step, step.replace("_", " ").capitalize())


def _work(story: Mapping[str, Any], now: datetime) -> Work:
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
    """Label a first step that composed the review as well."""
    alone = [step.label for step in work.steps] == [LABELS["collect_evidence"]]
    if alone and _composed(run):
        return replace(work, steps=[replace(work.steps[0], label=AT_ONCE)])
    return work


def _composed(run: OperationRun) -> bool:
    """Return whether the run made a review itself; it also succeeds where one existed already."""
    settled = run.context.reconciliation
    made = settled is None or settled.reason_code == ReasonCode.REVIEW_COMPOSED
    return run.outcome == Outcome.SUCCEEDED and made


def _open_end(steps: Sequence[Mapping[str, Any]], begins: datetime) -> datetime:
    names = ("scheduled_at", "started_at", "ended_at")
    moments = [parse(step[name]) for step in steps for name in names]
    newest = max((moment for moment in moments if moment), default=begins)
    return begins + max((newest - begins) * OPEN_END, SHORTEST)


def _step(step: Mapping[str, Any], begins: datetime, ends: datetime, now: datetime | None) -> WorkStep:
    """Place one step in the picture; `now` None: the workflow is closed."""
    due = parse(step["scheduled_at"]) or begins
    goes_on = now is not None and step["result"] is None
    ended = parse(step["ended_at"]) or ends
    began = parse(step["started_at"]) or ended
    whole = max(ends - begins, timedelta(milliseconds=1))
    marks = [_share(mark - begins, whole) for mark in (due, began, ended)]
    return WorkStep(
        label=label_of(step["step"]),
        state=_open_state(step) if goes_on else RESULTS.get(step["result"], RESULTS[None]),
        attempts=step["attempts"],
        took=now - due if now and goes_on else ended - due,
        before=marks[0],
        waited=max(marks[1] - marks[0], 0),
        worked=max(marks[2] - marks[1], 0),
        failure=step["failure"],
        since=due if goes_on else None,
    )


def _open_state(step: Mapping[str, Any]) -> State:
    return UNDER_WAY if step["started_at"] else WAITING


def _share(part: timedelta, whole: timedelta) -> float:
    return round(min(max(part / whole, 0), 1) * 100, 2)
