from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun, OperationRunTransition
from web.ui.states import OF_RUN, Tone

_SHORT: Final = 7


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a run or of its cancellation.

    `at` None: not yet, or never where `is_left_out`. `took` is the time since the step before. `says` names
    which of its sentences `detail` is; empty where it has but one.
    """

    label: str
    detail: str
    at: datetime | None
    says: str = ""
    took: timedelta | None = None
    is_left_out: bool = False
    tone: Tone = "quiet"


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """How far a cancellation has come; `beyond` says in words what it cannot undo, if anything."""

    steps: Sequence[Step]
    beyond: str | None


def timeline_of(run: OperationRun, transitions: Sequence[OperationRunTransition]) -> list[Step]:
    """Return a run's steps: requested, dispatched, started, settled, and each later correction.

    A completed run leaves out the steps that it never took.
    """
    steps = [
        Step(label="Requested", detail=f"by {run.initiator_name}", at=run.created_at),
        Step(label="Dispatched", detail="handed over for work", at=run.context.dispatch.dispatched_at),
        Step(label="Started", detail="the work began", at=run.started_at),
        *_endings(transitions),
    ]
    ended = run.status == Status.COMPLETED
    return _with_durations([step for step in steps if step.at is not None or not ended])


def ladder_of(run: OperationRun) -> Ladder | None:
    """Return the steps of a cancellation: asked, delivered, acknowledged, settled; None: not requested."""
    asked = run.context.cancellation
    if asked is None:
        return None
    steps = [
        Step(label="Asked", detail=f"by {asked.requested_by}", at=asked.requested_at),
        _cancel_step(run, "Delivered", "handed on to the work", asked.delivered_at),
        _acknowledged(run, asked.acknowledged_at),
        _settled(run),
    ]
    return Ladder(steps=steps, beyond=point_of_no_return(run))


def point_of_no_return(run: OperationRun) -> str | None:
    """Return in words what cancelling cannot undo any more, or None.

    The commit that the cancellation names; before one is requested, the commit that the run means to push.
    """
    asked = run.context.cancellation
    commit = asked.point_of_no_return if asked else run.context.intended_commit
    if not commit:
        return None
    if run.status == Status.COMPLETED:
        return f"Commit {commit[:_SHORT]} was already on its way when this was asked for."
    return f"Commit {commit[:_SHORT]} is already pushed or being pushed; cancelling cannot undo it."


def _acknowledged(run: OperationRun, at: datetime | None) -> Step:
    label = "Acknowledged"
    if run.status == Status.COMPLETED and run.outcome != Outcome.CANCELLED:
        # The run had ended before the workflow received the request.
        detail = "there was nothing left to stop"
        return Step(label=label, detail=detail, says="nothing-to-stop", at=None, is_left_out=True)
    if point_of_no_return(run) and at is None:
        detail = "the work goes on to its end, and stops nowhere in between"
        return Step(label=label, detail=detail, says="goes-on", at=None)
    return _cancel_step(run, label, "the work stopped at a safe place", at)


def _settled(run: OperationRun) -> Step:
    if run.status != Status.COMPLETED:
        detail = "how it ended is recorded by what is true then"
        return Step(label="Settled", detail=detail, says="to-settle", at=None)
    state = OF_RUN[run.outcome]
    detail = f"as {state.word.lower()}"
    return Step(label="Settled", detail=detail, says="settled", at=run.completed_at, tone=state.tone)


def _cancel_step(run: OperationRun, label: str, detail: str, at: datetime | None) -> Step:
    if at is None and run.status == Status.COMPLETED:
        detail = "was not needed: no work was under way"
        return Step(label=label, detail=detail, says="no-work", at=None, is_left_out=True)
    return Step(label=label, detail=detail, says=label.lower(), at=at)


def _endings(transitions: Sequence[OperationRunTransition]) -> list[Step]:
    ends = [step for step in transitions if step.to_status == Status.COMPLETED]
    if not ends:
        return [Step(label="Settled", detail="the result is recorded", at=None)]
    return [_ending(step) for step in ends]


def _ending(step: OperationRunTransition) -> Step:
    state, (says, settled_by) = OF_RUN[step.to_outcome], _settled_by(step)
    return Step(
        label="Corrected" if step.from_status == Status.COMPLETED else "Settled",
        detail=f"{state.word}, {settled_by}",
        says=says,
        at=step.at,
        tone=state.tone,
    )


def _settled_by(step: OperationRunTransition) -> tuple[str, str]:
    if step.actor_kind in {"user", "token"}:
        return "by-person", f"checked by {step.actor_name}"
    if step.actor_kind == "workflow":
        return "by-itself", "recorded by the operation itself"
    if step.from_status != Status.QUEUED:
        return "by-check", "found by the regular check"
    return "by-system", "recorded by this system"


def _with_durations(steps: Sequence[Step]) -> list[Step]:
    before: datetime | None = None
    timed: list[Step] = []
    for step in steps:
        timed.append(replace(step, took=step.at - before if step.at and before else None))
        before = step.at or before
    return timed
