from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.lifecycle import Status
from models.operation_run import OperationRun, OperationRunTransition
from web.ui.states import OF_RUN, Tone


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a run's story; `at` None: it has not come yet. `took` is the time since the step before."""

    label: str
    detail: str
    at: datetime | None
    took: timedelta | None = None
    tone: Tone = "quiet"


def timeline_of(run: OperationRun, transitions: Sequence[OperationRunTransition]) -> list[Step]:
    """Tell a run's story: requested, dispatched, started, settled, and each later correction.

    A step that did not happen (a run that failed before it started) is left out once the run has ended.
    """
    steps = [
        Step(label="Requested", detail=f"by {run.initiator_name}", at=run.created_at),
        Step(label="Dispatched", detail="handed over for work", at=run.context.dispatch.dispatched_at),
        Step(label="Started", detail="the work began", at=run.started_at),
        *_endings(transitions),
    ]
    ended = run.status == Status.COMPLETED
    return _with_durations([step for step in steps if step.at is not None or not ended])


def _endings(transitions: Sequence[OperationRunTransition]) -> list[Step]:
    ends = [step for step in transitions if step.to_status == Status.COMPLETED]
    if not ends:
        return [Step(label="Settled", detail="the result is recorded", at=None)]
    return [
        Step(
            label="Corrected" if step.from_status == Status.COMPLETED else "Settled",
            detail=f"{OF_RUN[step.to_outcome].word}, {_settled_by(step)}",
            at=step.at,
            tone=OF_RUN[step.to_outcome].tone,
        )
        for step in ends
    ]


def _settled_by(step: OperationRunTransition) -> str:
    if step.actor_kind in {"user", "token"}:
        return f"checked by {step.actor_name}"
    if step.actor_kind == "workflow":
        return "recorded by the operation itself"
    return "found by the regular check" if step.from_status != Status.QUEUED else "recorded by this system"


def _with_durations(steps: Sequence[Step]) -> list[Step]:
    told: list[Step] = []
    for step in steps:
        before = next((earlier.at for earlier in reversed(told) if earlier.at), None)
        took = step.at - before if step.at and before else None
        told.append(Step(label=step.label, detail=step.detail, at=step.at, took=took, tone=step.tone))
    return told
