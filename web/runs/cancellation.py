from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from web.ui.states import OF_RUN, Tone

_SHORT: Final = 7


@dataclass(frozen=True, kw_only=True)
class CancelStep:
    """One rung of the ladder; `at` None: not yet, or not at all where `is_left_out`."""

    label: str
    detail: str
    at: datetime | None
    is_left_out: bool = False
    tone: Tone = "quiet"


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """How far a cancellation has come; `beyond` says in words what it cannot undo, if anything."""

    rungs: Sequence[CancelStep]
    beyond: str | None


def ladder_of(run: OperationRun) -> Ladder | None:
    """Tell a cancellation as asked → delivered → acknowledged at a safe point → settled; None: none asked."""
    asked = run.context.cancellation
    if asked is None:
        return None
    rungs = [
        CancelStep(label="Asked", detail=f"by {asked.requested_by}", at=asked.requested_at),
        _rung(run, "Delivered", "handed on to the work", asked.delivered_at),
        _acknowledged(run, asked.acknowledged_at),
        _settled(run),
    ]
    return Ladder(rungs=rungs, beyond=point_of_no_return(run))


def point_of_no_return(run: OperationRun) -> str | None:
    """Say in words what cancelling cannot undo any more; None where everything still can be stopped.

    What the cancellation itself names, and before one is asked for the commit that the run means to push.
    """
    asked = run.context.cancellation
    commit = asked.point_of_no_return if asked else run.context.intended_commit
    if not commit:
        return None
    if run.status == Status.COMPLETED:
        return f"Commit {commit[:_SHORT]} was already on its way when this was asked for."
    return f"Commit {commit[:_SHORT]} is already pushed or being pushed; cancelling cannot undo it."


def _acknowledged(run: OperationRun, at: datetime | None) -> CancelStep:
    label = "Acknowledged"
    if run.status == Status.COMPLETED and run.outcome != Outcome.CANCELLED:
        # The work had come to its end by the time it heard of it.
        return CancelStep(label=label, detail="there was nothing left to stop", at=None, is_left_out=True)
    if point_of_no_return(run) and at is None:
        return CancelStep(
            label=label, detail="the work goes on to its end, and stops nowhere in between", at=None
        )
    return _rung(run, label, "the work stopped at a safe place", at)


def _settled(run: OperationRun) -> CancelStep:
    if run.status != Status.COMPLETED:
        return CancelStep(label="Settled", detail="how it ended is recorded by what is true then", at=None)
    state = OF_RUN[run.outcome]
    return CancelStep(
        label="Settled", detail=f"as {state.word.lower()}", at=run.completed_at, tone=state.tone
    )


def _rung(run: OperationRun, label: str, detail: str, at: datetime | None) -> CancelStep:
    if at is None and run.status == Status.COMPLETED:
        return CancelStep(
            label=label, detail="was not needed: no work was under way", at=None, is_left_out=True
        )
    return CancelStep(label=label, detail=detail, at=at)
